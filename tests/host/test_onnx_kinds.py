"""Kinds of ``.onnx`` files in which something was once read wrongly, with ONNX Runtime as the reference."""

import numpy as np
import pytest
from bitline.host.network.files.load import load_network
from bitline.host.network.files.onnx_file import read_onnx
from bitline.host.network.files.onnx_reference import OnnxReference
from bitline.host.network.inference import Inference
from bitline.host.network.network import NetworkError

onnx = pytest.importorskip("onnx", reason="no onnx here")
runtime = pytest.importorskip("onnxruntime", reason="no onnxruntime here")
from onnx import TensorProto, helper  # noqa: E402
from onnx_files import Qdq  # noqa: E402

F32 = np.float32


def definition(model, inputs):
    """The first output of the graph as it stands, node by node, for each input."""
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return np.stack([session.run(None, {"x": x})[0] for x in inputs])


def run(model, inputs, folder):
    """Our first output, mismatches and notes; the reference must find no mismatch in what is equal."""
    path = folder / "m.onnx"
    path.write_bytes(model.SerializeToString())
    network, reference = load_network(path), OnnxReference(path)
    values = Inference(network).run(inputs)
    return values[network.outputs[0]], reference.compare(network, values, [inputs]), reference.notes


def check(model, shape, folder, *, size=3.0, count=20):
    """No mismatch, and the output is the definition's; the notes."""
    inputs = np.random.default_rng(1).normal(0, size, (count, *shape)).astype(F32)
    ours, mismatches, notes = run(model, inputs, folder)
    theirs = definition(model, inputs)
    assert mismatches == [] and ours.shape == theirs.shape and (ours == theirs).all()
    assert np.unique(theirs).size > 2
    return notes


def of_opset(model, opset):
    model.opset_import[0].version = opset
    return model


@pytest.mark.parametrize("opset", [11, 18, 19, 22])
@pytest.mark.parametrize("size", [[2, 2], [3, 2], [8, 8]])
def test_average_pool_with_one_scale_before_and_after(size, opset, tmp_path):
    q = Qdq()
    x = q.quantized("x", 0.03, 7)
    strides = [1, 1] if size == [8, 8] else [2, 2]
    y = q.quantized(q.node("AveragePool", [x], kernel_shape=size, strides=strides), 0.03, 7)
    check(of_opset(q.model([1, 3, 8, 8], y), opset), (1, 3, 8, 8), tmp_path, size=1, count=60)


@pytest.mark.parametrize("axes", [[2, 3], [3], [0, 1], [-1, -2]])
@pytest.mark.parametrize("opset", [13, 18])
def test_means_in_the_order_of_the_runtime(axes, opset, tmp_path):
    q = Qdq()
    x = q.quantized("x", 0.03, 7)
    node = q.node("ReduceMean", [x], axes=axes) if opset < 18 else q.node("ReduceMean", [x, q.constant(np.array(axes))])
    check(of_opset(q.model([1, 4, 7, 9], q.quantized(node, 0.03, 7)), opset), (1, 4, 7, 9), tmp_path, size=1)


def test_a_mean_whose_order_is_not_known_is_said_to_be_open(tmp_path):
    """Neither "0 mismatches" of a luckily chosen order, nor mismatches."""
    q = Qdq()
    node = q.node("ReduceMean", [q.quantized("x", 0.03, 7), q.constant(np.array([1]))])
    model = of_opset(q.model([3, 90, 7], q.quantized(node, 0.003, 7)), 18)
    inputs = np.random.default_rng(1).normal(0, 1, (20, 3, 90, 7)).astype(F32)
    _, mismatches, notes = run(model, inputs, tmp_path)
    assert mismatches == [] and any("float32 loses" in note for note in notes)


@pytest.mark.parametrize("scale, point", [(0.025, 0), (0.05, 3), (0.1, -128)])
@pytest.mark.parametrize("in_the_middle", [False, True])
def test_a_dequantizer_has_a_scale_and_a_zero_point_of_its_own(scale, point, in_the_middle, tmp_path):
    q = Qdq()
    made = q.node("QuantizeLinear", ["x", q.constant(F32(0.05)), q.constant(np.int8(0))])
    y = q.node("DequantizeLinear", [made, q.constant(F32(scale)), q.constant(np.int8(point))])
    if in_the_middle:
        y = q.quantized(q.node("Conv", [y, q.weights((4, 2, 1, 1), 0)]), 0.4)
    model = q.model([1, 2, 3, 3], y)
    inputs = np.random.default_rng(1).normal(0, 3, (20, 1, 2, 3, 3)).astype(F32)
    ours, mismatches, _ = run(model, inputs, tmp_path)
    assert mismatches == [] and (np.abs(ours - definition(model, inputs)) < 1e-6).all()


@pytest.mark.parametrize("first, point", [(0.03, 0), (0.02, 3)])
def test_a_scale_for_each_channel_of_an_activation(first, point, tmp_path):
    q = Qdq()
    parameters = [q.constant(np.array([0.02, 0.05], F32)), q.constant(np.array([3, -7], np.int8))]
    others = [q.constant(np.array([first, 0.01], F32)), q.constant(np.array([point, 5], np.int8))]
    y = q.node("DequantizeLinear", [q.node("QuantizeLinear", ["x", *parameters], axis=1), *others], axis=1)
    check(q.model([1, 2, 3, 3], q.node("Relu", [y])), (1, 2, 3, 3), tmp_path)


@pytest.mark.parametrize("kind", [TensorProto.INT8, TensorProto.UINT8, TensorProto.INT16])
def test_a_type_without_a_zero_point(kind, tmp_path):
    q = Qdq()
    scale = q.constant(F32(0.0625))
    made = q.node("QuantizeLinear", ["x", scale], output_dtype=kind)
    y = q.node("Mul", [q.node("DequantizeLinear", [made, scale]), q.constant(F32(0.5))])
    check(of_opset(q.model([1, 2, 3, 3], y), 21), (1, 2, 3, 3), tmp_path)


@pytest.mark.parametrize("opset", [10, 11, 12, 13])
@pytest.mark.parametrize("axis", [None, 1, 2, -1])
def test_softmax_means_what_its_opset_says(axis, opset, tmp_path):
    q = Qdq()
    node = q.node("Softmax", [q.quantized("x", 0.05)], **({} if axis is None else {"axis": axis}))
    check(of_opset(q.model([1, 2, 3, 4], q.quantized(node, 1 / 256, -128)), opset), (1, 2, 3, 4), tmp_path)


@pytest.mark.parametrize("shape", [(5, 1), (1, 3), (3,), (1,), (5, 3), ()])
@pytest.mark.parametrize("quantized", [False, True])
def test_gemm_adds_what_broadcasts(shape, quantized, tmp_path):
    q = Qdq()
    data = q.rng.integers(-900, 900, shape)
    c = q.constant(data.astype(F32) * F32(0.011))
    if quantized:
        c = q.node("DequantizeLinear", [q.constant(data.astype(np.int32)), q.constant(F32(0.0004))])
    y = q.node("Gemm", [q.quantized("x", 0.05), q.weights((4, 3), 1), c])
    check(q.model([5, 4], q.quantized(y, 0.31, 3)), (5, 4), tmp_path, size=2)


def test_a_bias_with_a_scale_of_its_own(tmp_path):
    """ONNX Runtime's fused product ignores the scale; that is said, and no mismatch."""
    q = Qdq()
    bias = q.node("DequantizeLinear", [q.constant(q.rng.integers(-4000, 4000, 3).astype(np.int32)),
                                       q.constant(F32(0.0013))])
    y = q.node("Gemm", [q.quantized("x", 0.05), q.weights((4, 3), 1), bias])
    notes = check(q.model([5, 4], q.quantized(y, 0.31, 3)), (5, 4), tmp_path)
    assert any("default session" in note and "the bias of node 4 (Gemm)" in note for note in notes)


def test_pairs_that_a_default_session_merges(tmp_path):
    q = Qdq()
    notes = check(q.model([1, 400], q.quantized(q.quantized("x", 0.1), 0.2)), (1, 400), tmp_path)
    assert any("node 2 (QuantizeLinear) may be merged with the pair before it" in note for note in notes)


@pytest.mark.parametrize("opset", [10, 13, 18])
def test_padding(opset, tmp_path):
    q = Qdq()
    x = q.quantized("x", 0.05, 4)
    if opset < 11:
        y = q.node("Pad", [x], pads=[0, 0, 1, 2, 0, 0, 0, 1], value=0.35)
    elif opset < 18:
        y = q.node("Pad", [x, q.constant(np.array([0, 0, 1, 2, 0, 0, 0, 1])), q.constant(F32(0.3333))])
    else:
        y = q.node("Pad", [x, q.constant(np.array([1, 2, 0, 3])), "", q.constant(np.array([-1, 1]))])
    check(of_opset(q.model([1, 2, 3, 4], q.quantized(y, 0.05, 4)), opset), (1, 2, 3, 4), tmp_path)


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_weights_that_are_quantized_in_the_graph(kind, tmp_path):
    """float32 division, halves to even: 0.35 / 0.1 is 3.5 and becomes 4."""
    q = Qdq()
    values = F32([[0.35, 0.25], [0.15, -0.35], [0.05, -0.45]])
    scale, zero = q.constant(F32(0.1)), q.constant(kind(0 if kind == np.int8 else 100))
    made = q.node("DequantizeLinear", [q.node("QuantizeLinear", [q.constant(values), scale, zero]), scale, zero])
    check(q.model([1, 3], q.quantized(q.node("MatMul", [q.quantized("x", 0.05), made]), 0.01)), (1, 3), tmp_path)


@pytest.mark.parametrize("limits", [(-127, 127), (-8, 7), (None, 3)])
def test_integers_that_are_clamped_between_quantizers(limits, tmp_path):
    """As exports of quantizers of fewer bits have them: quantize, clip, dequantize."""
    q = Qdq()
    bounds = ["" if limit is None else q.constant(np.int8(limit)) for limit in limits]
    scale, zero = q.constant(F32(0.0513)), q.constant(np.int8(0))

    def narrow(name):
        made = q.node("Clip", [q.node("QuantizeLinear", [name, scale, zero]), *bounds])
        return q.node("DequantizeLinear", [made, scale, zero])

    weights = narrow(q.constant(q.rng.normal(0, 3, (4, 5)).astype(F32)))
    outputs = q.node("Mul", [narrow("x"), q.constant(F32(2))]), q.node("MatMul", [narrow("x"), weights])
    check(q.model([1, 4], *outputs), (1, 4), tmp_path)


@pytest.mark.parametrize("kind", [np.int8, np.int16])
def test_quantizers_of_the_runtime_s_own_domain(kind, tmp_path):
    q = Qdq(kind=kind)
    y = q.quantized(q.node("Conv", [q.quantized("x", 0.0513), q.weights((4, 2, 1, 1), 0)]), 0.4173)
    for node in q.nodes:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
            node.domain = "com.microsoft"
    model = q.model([1, 2, 3, 3], y)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    check(model, (1, 2, 3, 3), tmp_path)


def test_an_unsigned_output_stays_unsigned(cli, tmp_path):
    q = Qdq(kind=np.uint8)
    made = q.node("QuantizeLinear", [q.node("Relu", [q.quantized("x", 0.05)]), q.constant(F32(0.05)),
                                     q.constant(np.uint8(100))])
    model = q.model([1, 6], made)
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.UINT8
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    inputs = np.random.default_rng(1).normal(0, 3, (5, 1, 6)).astype(F32)
    np.save(tmp_path / "x.npy", inputs)
    status, output, _ = cli("run", tmp_path / "m.onnx", "--inputs", tmp_path / "x.npy", "--output", tmp_path / "y.npy")
    found = np.load(tmp_path / "y.npy")
    assert status == 0 and "0 mismatches" in output
    assert found.dtype == np.uint8 and (found == definition(model, inputs)).all() and found.max() > 127


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_an_input_of_integers(kind, tmp_path):
    q = Qdq(kind=kind)
    x = q.node("DequantizeLinear", ["x", q.constant(F32(0.05)), q.constant(kind(60))])
    y = q.quantized(q.node("Conv", [x, q.weights((4, 3, 3, 3), 0)]), 0.2)
    limits = np.iinfo(kind)
    # Moved before it has a scale.
    q.nodes.insert(0, helper.make_node("MaxPool", ["x"], ["pooled"], kernel_shape=[1, 1]))
    q.nodes[1].input[0] = "pooled"
    model = q.model([1, 3, 4, 4], y)
    model.graph.input[0].type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    inputs = np.random.default_rng(1).integers(limits.min, limits.max + 1, (20, 1, 3, 4, 4)).astype(kind)
    ours, mismatches, _ = run(model, inputs, tmp_path)
    assert mismatches == [] and (np.abs(ours - definition(model, inputs)) < 0.21).all()


def moved_weights(q, how, data):
    """Weights (4, 3) of a product, dequantized with a scale for each of their outputs and then moved."""
    scales, zeros = q.constant(F32([0.0101, 0.0203, 0.0407])), q.constant(np.zeros(3, np.int8))
    if how == "Transpose":
        whole = q.node("DequantizeLinear", [q.constant(data.T), scales, zeros], axis=0)
        return q.node("Transpose", [whole], perm=[1, 0])
    if how == "Reshape":
        whole = q.node("DequantizeLinear", [q.constant(data.reshape(4, 1, 3)), scales, zeros], axis=2)
        return q.node("Reshape", [whole, q.constant(np.array([4, -1]))])
    if how == "Concat":
        parts = [q.node("DequantizeLinear", [q.constant(part), scales, zeros], axis=1) for part in (data[:1], data[1:])]
        return q.node("Concat", parts, axis=0)
    if how == "Squeeze":
        whole = q.node("DequantizeLinear", [q.constant(data[None]), scales, zeros], axis=-1)
        return q.node("Squeeze", [whole, q.constant(np.array([0]))])
    if how == "Slice":
        wide = q.node("DequantizeLinear", [q.constant(np.vstack([data, data])), scales, zeros], axis=1)
        return q.node("Slice", [wide, q.constant(np.array([0])), q.constant(np.array([4])), q.constant(np.array([0]))])
    turned = q.node("Transpose", [q.constant(data.T)], perm=[1, 0])
    return q.node("DequantizeLinear", [turned, scales, zeros], axis=1)


@pytest.mark.parametrize("how", ["Transpose", "Reshape", "Concat", "Squeeze", "Slice", "before"])
def test_constants_that_are_moved(how, tmp_path):
    """As exports of linear layers after training with quantization write their weights."""
    q = Qdq()
    weights = moved_weights(q, how, q.rng.integers(-128, 128, (4, 3)).astype(np.int8))
    check(q.model([1, 4], q.quantized(q.node("MatMul", [q.quantized("x", 0.0513), weights]), 0.1173)), (1, 4), tmp_path)


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
@pytest.mark.parametrize("what", ["Conv", "MatMul"])
def test_zero_points_by_channel_of_weights(what, kind, tmp_path):
    q, limits = Qdq(kind=kind), np.iinfo(kind)
    shape, axis = ((4, 3, 3, 3), 0) if what == "Conv" else ((5, 4), 1)
    data = q.rng.integers(limits.min, limits.max + 1, shape).astype(kind)
    zeros = q.rng.integers(limits.min, limits.max + 1, 4).astype(kind)
    weights = q.node("DequantizeLinear", [q.constant(data), q.constant(F32([0.0101, 0.0203, 0.0307, 0.00411])),
                                          q.constant(zeros)], axis=axis)
    image = (1, 3, 6, 6) if what == "Conv" else (2, 5)
    y = q.quantized(q.node(what, [q.quantized("x", 0.0513, 9), weights]), 0.7173, -3)
    check(q.model(list(image), y), image, tmp_path)


@pytest.mark.parametrize("opset", [13, 21])
@pytest.mark.parametrize("has_own", [False, True])
def test_windows_over_lines(opset, has_own, tmp_path):
    """Networks of sound: convolutions and pools with a length only."""
    q = Qdq(seed=opset)
    x = q.quantized("x", 0.0513, 5)
    a = q.node("Conv", [x, q.weights((6, 3, 5), 0), q.bias(0.0317 if has_own else 0.0513)], pads=[2, 1], strides=[2])
    b = q.quantized(q.node("Relu", [a]), 0.0917, -128)
    c = q.quantized(q.node("Conv", [b, q.weights((6, 1, 3), 0)], group=6, dilations=[2]), 0.1173, 3)
    d = q.quantized(q.node("MaxPool", [c], kernel_shape=[2], strides=[2]), 0.1173, 3)
    e = q.quantized(q.node("ConvTranspose", [d, q.weights((6, 4, 3), 1)], strides=[2], output_padding=[1]), 0.3171, 3)
    f = q.quantized(q.node("AveragePool", [e], kernel_shape=[3], pads=[1, 1]), 0.2111, 4)
    g = q.quantized(q.node("Add", [f, q.quantized(q.node("GlobalAveragePool", [f]), 0.0517)]), 0.2317, 4)
    model = of_opset(q.model([1, 3, 40], g), opset)
    inputs = q.rng.normal(0, 3, (20, 1, 3, 40)).astype(F32)
    ours, mismatches, _ = run(model, inputs, tmp_path)
    # A sum of products may lie on a middle between two integers, and each layer is compared by itself.
    theirs = definition(model, inputs)
    assert mismatches == [] and ours.shape == theirs.shape and (ours != theirs).mean() < 0.01
    assert np.unique(ours).size > 20


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_products_of_two_activations_run_on_a_macro(kind, cli, tmp_path):
    q = Qdq(kind=kind)
    x = q.quantized("x", 0.0513, 5)
    turned = q.node("Transpose", [q.quantized(q.node("Relu", [x]), 0.0317, -128)], perm=[0, 2, 1])
    scores = q.quantized(q.node("Softmax", [q.quantized(q.node("MatMul", [x, turned]), 0.3173)]), 1 / 256, -128)
    model = q.model([2, 5, 6], q.quantized(q.node("MatMul", [scores, x]), 0.0373))
    check(model, (2, 5, 6), tmp_path)
    np.save(tmp_path / "x.npy", q.rng.normal(0, 3, (3, 2, 5, 6)).astype(F32))
    status, output, errors = cli("run", tmp_path / "m.onnx", "--inputs", tmp_path / "x.npy", "--report", tmp_path / "r")
    assert status == 0, errors
    assert "0 mismatches of accumulators" in output and "ONNX Runtime: 0 mismatches" in output


def test_a_shape_that_is_computed(tmp_path):
    """As exports of ``x.view(x.shape[0], -1)`` write it."""
    q = Qdq()
    x = q.quantized("x", 0.0513)
    batch = q.node("Gather", [q.node("Shape", [x]), q.constant(np.array(0))])
    shape = [q.node("Unsqueeze", [batch, q.constant(np.array([0]))]), q.constant(np.array([-1]))]
    flat = q.node("Reshape", [x, q.node("Concat", shape, axis=0)])
    product = q.node("MatMul", [flat, q.weights((12, 5), 1)])
    check(q.model([1, 3, 2, 2], q.quantized(product, 0.3173)), (1, 3, 2, 2), tmp_path)


def test_a_runtime_that_fails_when_it_runs(cli, tmp_path):
    q = Qdq()
    y = q.node("Conv", [q.quantized("x", 0.05), q.weights((4, 2, 3, 3), 0)], auto_pad="SAME_UPPER", dilations=[2, 2])
    (tmp_path / "m.onnx").write_bytes(q.model([1, 2, 6, 6], q.quantized(y, 0.1)).SerializeToString())
    np.save(tmp_path / "x.npy", np.zeros((1, 2, 6, 6), F32))
    status, _, errors = cli("run", tmp_path / "m.onnx", "--inputs", tmp_path / "x.npy")
    assert status == 2 and len(errors.splitlines()) == 1 and "onnxruntime must run" in errors


def test_a_kernel_shape_that_is_not_that_of_the_weights():
    q = Qdq()
    y = q.node("Conv", [q.quantized("x", 0.05), q.weights((4, 2, 3, 3), 0)], kernel_shape=[2, 2])
    with pytest.raises(NetworkError, match=r"node 3 \(Conv\) must have a kernel_shape of its weights \[3, 3\], not"):
        read_onnx(q.model([1, 2, 6, 6], q.quantized(y, 0.1)).SerializeToString(), "m")


def test_a_refusal_lists_all_that_is_in_the_way():
    q = Qdq()
    x = q.quantized("x", 0.05)
    one = q.node("MatMul", [x, q.constant(np.ones((4, 4), F32))])
    two = q.node("MatMul", [q.quantized(x, 0.1), q.constant(np.ones((4, 4), F32))])
    three = q.node("BatchNormalization", [x, *(q.constant(np.ones(4, F32)) for _ in range(4))])
    with pytest.raises(NetworkError) as caught:
        read_onnx(q.model([1, 4], one, two, three, q.node("Erf", [one])).SerializeToString(), "m")
    line = str(caught.value)
    assert len(line.splitlines()) == 1 and line.count("weights of int8 or uint8 that are dequantized") == 1
    assert "2 times: also node 5" in line and "(Erf) must be" in line
    assert "(BatchNormalization) must be" in line and "fold it into the weights" in line


def test_what_quantize_dynamic_writes_is_refused_with_what_helps():
    q = Qdq()
    scale, zero = (q.node("DynamicQuantizeLinear", ["x"]) for _ in range(2))
    with pytest.raises(NetworkError, match="use quantize_static"):
        read_onnx(q.model([1, 4], scale, zero).SerializeToString(), "m")
