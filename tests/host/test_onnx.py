"""QDQ files: every layer against ONNX Runtime, and the reference evaluator, which computes in floating point."""

import json

import numpy as np
import pytest
from bitline.golden.program import MacroState, predict
from bitline.hdl.config import MacroConfig
from bitline.host.mapping.mapping import Mapping
from bitline.host.mapping.schedule import Schedule
from bitline.host.network.files.load import load_network
from bitline.host.network.files.onnx_file import read_onnx
from bitline.host.network.files.onnx_reference import OnnxReference
from bitline.host.network.inference import Inference
from bitline.host.network.network import NetworkError
from bitline.host.network.operators import DepthwiseConv2D, FullyConnected

onnx = pytest.importorskip("onnx", reason="no onnx here")
from onnx.reference import ReferenceEvaluator  # noqa: E402
from onnx_files import Qdq, image_network  # noqa: E402


def evaluate(model, inputs):
    """The graph's output for each input."""
    evaluator = ReferenceEvaluator(model)
    return np.stack([evaluator.run(None, {"x": x})[0] for x in inputs])


def network_and_reference(model, folder):
    """A `Network`, and ONNX Runtime with the same file."""
    pytest.importorskip("onnxruntime", reason="no onnxruntime here")
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return load_network(folder / "m.onnx"), OnnxReference(folder / "m.onnx")


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_every_layer_is_that_of_the_runtime(kind, tmp_path):
    network, reference = network_and_reference(image_network(kind), tmp_path)
    assert sum(isinstance(operator, DepthwiseConv2D) for operator in network.operators) == 1
    inputs = np.random.default_rng(3).normal(0, 3, (50, 1, 3, 8, 6)).astype(np.float32)
    ours = Inference(network).run(inputs)
    assert reference.compare(network, ours, [inputs]) == []
    assert all(np.unique(ours[operator.output]).size > 5 for operator in network.operators)
    # A reference that is given something else reports it, with its location, and only there.
    product = next(operator for operator in network.operators if operator.is_matrix)
    ours[product.output] = ours[product.output] ^ 1
    wrong = reference.compare(network, ours, [inputs])
    assert len(wrong) >= 1 and all(mismatch.count for mismatch in wrong)


def drawn(what, seed):
    """A model of one operator with random scales, zero points and bias, the shape of its input, and scales of it."""
    q = Qdq(seed, (np.int8, np.uint8)[seed % 2])
    scales, points = q.rng.uniform(0.01, 0.1, 4), q.rng.integers(-128, 128, 4).tolist()
    x, shape = q.quantized("x", scales[0], points[0]), [1, 8, 6, 6]
    y = q.quantized("x", scales[1], points[1]) if what in ("Add", "Mul", "Concat") else None
    if what in ("Add", "Mul"):
        made = q.node(what, [x, y])
    elif what == "Concat":
        made = q.node(what, [x, y], axis=1)
    elif what == "AveragePool":
        made = q.node(what, [x], kernel_shape=[3, 2], pads=[1, 0, 1, 1], strides=[2, 1])
    elif what == "Clip":
        made = q.node(what, [x, q.constant(np.float32(0)), q.constant(np.float32(6))])
    elif what == "Conv":
        groups = (1, 2, 8)[seed % 3]
        made = q.node(what, [x, q.weights((8, 8 // groups, 3, 3), 0), q.bias(scales[0])], pads=[1] * 4, group=groups)
    elif what == "MatMul":
        made, shape = q.node(what, [x, q.weights((30, 9), 1)]), [8, 30]
    elif what == "Gemm":
        made, shape = q.node(what, [x, q.weights((9, 30), 0), q.bias(scales[0])], transB=1), [8, 30]
    else:
        made = q.node(what, [x])
    size = 5 if what in ("Conv", "MatMul", "Gemm") else 1.5
    return q.model(shape, q.quantized(made, size * scales[2], points[2])), shape


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("what", ["Add", "Mul", "Concat", "AveragePool", "GlobalAveragePool", "Relu", "Clip", "Conv",
                                  "MatMul", "Gemm"])
def test_layer_is_that_of_the_runtime(what, seed, tmp_path):
    model, shape = drawn(what, seed)
    network, reference = network_and_reference(model, tmp_path)
    inputs = np.random.default_rng(seed).normal(0, 3, (40, *shape)).astype(np.float32)
    ours = Inference(network).run(inputs)
    assert reference.compare(network, ours, [inputs]) == [] and np.unique(ours[network.outputs[0]]).size > 2


def test_every_layer_on_a_macro():
    network, config = read_onnx(image_network().SerializeToString(), "m"), MacroConfig(rows=24, columns=20, banks=2)
    schedule, state = Schedule(Mapping(config, network, 2)), MacroState(config)

    def product(operator, x):
        layer = schedule.program(operator, x)
        return layer.collect(predict(config, layer.program, state).results)

    inputs = np.random.default_rng(4).normal(0, 3, (2, 1, 3, 8, 6)).astype(np.float32)
    expected, found = Inference(network).run(inputs), Inference(network, product=product).run(inputs)
    assert all((found[index] == expected[index]).all() for index in expected)


def test_floating_point_differs_only_where_its_rounding_decides():
    """A runtime that adds products in float32 may miss the middle between two integers by what its sums lose."""
    q = Qdq()
    scales = np.full(9, 0.01, np.float32)
    y = q.quantized(q.node("MatMul", [q.quantized("x", 0.02, 7), q.weights((30, 9), 1, scales=scales)]), 0.0128, -4)
    model = q.model([4, 30], y)
    network = read_onnx(model.SerializeToString(), "m")
    operator = network.operators[1]
    assert isinstance(operator, FullyConnected)
    inputs = q.rng.normal(0, 0.5, (200, 4, 30)).astype(np.float32)
    values = Inference(network).run(inputs)
    steps = np.rint((values[network.outputs[0]] - evaluate(model, inputs)) / 0.0128)
    # Of the sum's float32 terms, each of which is rounded, and which are added in some order.
    x, weights = values[operator.inputs[0]] - 7, network.tensors[operator.inputs[1]].data.astype(np.int64)
    lost = 32 * 2.0 ** -24 * (np.abs(x) @ np.abs(weights.T)) * 0.02 * 0.01 / 0.0128
    exact = x @ weights.T * (0.02 * 0.01 / 0.0128)
    beside = np.abs(exact - np.floor(exact) - 0.5) <= lost
    assert (steps[~beside] == 0).all() and np.abs(steps).max() == 1 and beside.mean() < 0.1


def test_moves_and_joints():
    q = Qdq()
    x = q.quantized("x", 0.05, 2)
    padded = q.quantized(q.node("Pad", [x, q.constant(np.array([0, 0, 1, 0, 0, 0, 0, 2]))]), 0.05, 2)
    turned = q.quantized(q.node("Transpose", [padded], perm=[0, 1, 3, 2]), 0.05, 2)
    joined = q.quantized(q.node("Concat", [turned, turned], axis=-1), 0.05, 2)
    pooled = q.quantized(q.node("AveragePool", [joined], kernel_shape=[1, 1]), 0.05, 2)
    product = q.quantized(q.node("Mul", [pooled, pooled]), 0.2, 0)
    flat = q.quantized(q.node("Reshape", [product, q.constant(np.array([0, -1]))]), 0.2, 0)
    model = q.model([1, 2, 3, 4], flat)
    network = read_onnx(model.SerializeToString(), "m")
    inputs = q.rng.normal(0, 2, (5, 1, 2, 3, 4)).astype(np.float32)
    assert (Inference(network).run(inputs)[network.outputs[0]] == evaluate(model, inputs)).all()


@pytest.mark.parametrize("keep", [0, 1])
def test_moves_before_a_quantizer(keep, tmp_path):
    """As PyTorch's exporter writes the end of a classifier: a mean, a reshape, a clamp, and only then a quantizer."""
    q = Qdq()
    x = q.quantized("x", 0.0513, -10)
    mean = q.node("ReduceMean", [x, q.constant(np.array([-1, -2]))], keepdims=keep)
    flat = q.node("Relu", [q.node("Reshape", [mean, q.constant(np.array([1, 8]))])])
    turned = q.node("Transpose", [q.node("Conv", [x, q.weights((4, 8, 1, 1), 0)])], perm=[0, 3, 1, 2])
    network, reference = network_and_reference(
        q.model([1, 8, 3, 5], q.quantized(flat, 0.0213, -100), q.quantized(turned, 0.1)), tmp_path)
    inputs = q.rng.normal(0, 3, (50, 1, 8, 3, 5)).astype(np.float32)
    ours = Inference(network).run(inputs)
    assert reference.compare(network, ours, [inputs]) == []
    assert [ours[index].shape[1:] for index in network.outputs] == [(1, 8), (1, 5, 4, 3)]


def one(kind, operands, **attributes):
    """A model of one operator of quantized inputs, as bytes."""
    q = Qdq()
    x = q.quantized("x", 0.1)
    inputs = [q.constant(operand) if isinstance(operand, np.ndarray) else x for operand in operands]
    return q.model([1, 4], q.quantized(q.node(kind, inputs, **attributes), 0.1)).SerializeToString()


@pytest.mark.parametrize("data, message", [
    (b"\xff\xff\xff", r"^model must be a whole .onnx file, and m is damaged: "),
    (b"", r"^m must have inputs, and outputs that are computed, and has 0 and 0$"),
    (one("Erf", ["x"]), r"^node 2 \(Erf\) must be one of those that bitline operators lists: what is before it"),
    (one("MatMul", ["x", np.ones((4, 2), np.float32)]),
     r"^node 2 \(MatMul\) must have weights of int8 or uint8 that are dequantized, not float32$"),
    (one("MatMul", ["x", "x"]), r"^node 2 \(MatMul\) must have matrices that fit, not \[\[1, 4\], \[1, 4\]\]$"),
    (one("Gemm", ["x", "x"]), r"^node 2 \(Gemm\) must have constant weights, not computed ones$"),
    (one("Reshape", ["x", np.array([3, -1])]), r"must have an output of 4 elements, not \[3, 1\]"),
    (one("Relu", ["nowhere"]).replace(b"v1", b"zz", 1), r"must use what is computed before it, not v1"),
])
def test_files_that_cannot_be_run(data, message):
    with pytest.raises(NetworkError, match=message) as caught:
        read_onnx(data, "m")
    assert len(str(caught.value).splitlines()) == 1


def test_mutated_files():
    data, rng, refused = image_network().SerializeToString(), np.random.default_rng(1), 0
    for _ in range(300):
        spoiled = bytearray(data)
        for place in rng.integers(0, len(data), int(rng.choice([1, 4, 16]))):
            spoiled[place] ^= 1 << int(rng.integers(8))
        try:
            read_onnx(bytes(spoiled[:int(rng.choice([len(data), rng.integers(len(data))]))]), "m")
        except NetworkError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
    assert refused > 100


def test_a_file_is_read_by_its_ending(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(image_network().SerializeToString())
    assert load_network(path).name == "m.onnx"
    with pytest.raises(NetworkError, match=r"^model must be one of .tflite, .onnx, not m.pt$"):
        load_network(tmp_path / "m.pt")


def test_only_the_batch_may_lack_a_number():
    q = Qdq()
    output = q.quantized(q.node("Conv", [q.quantized("x", 0.05), q.weights((4, 3, 3, 3), 0)]), 0.1)
    network = read_onnx(q.model(["N", 3, 6, 6], output).SerializeToString(), "m.onnx")
    assert network.tensors[network.inputs[0]].shape == (1, 3, 6, 6)
    with pytest.raises(NetworkError, match="input x must have a number for dimension 2, not 'H'"):
        read_onnx(q.model(["N", 3, "H", 6], output).SerializeToString(), "m.onnx")


def test_a_product_that_is_quantized_twice_is_computed_once(cli, tmp_path):
    q = Qdq()
    product = q.node("Conv", [q.quantized("x", 0.05), q.weights((4, 3, 3, 3), 0)])
    output = q.quantized(q.node("Add", [q.quantized(product, 0.1013), q.quantized(product, 0.2017)]), 0.3019)
    (tmp_path / "m.onnx").write_bytes(q.model([1, 3, 6, 6], output).SerializeToString())
    np.save(tmp_path / "x.npy", q.rng.normal(0, 1, (1, 3, 6, 6)).astype(np.float32))
    status, _, errors = cli("run", tmp_path / "m.onnx", "--inputs", tmp_path / "x.npy", "--report", tmp_path / "out")
    assert status == 0, errors
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    once = Qdq()
    single = once.quantized(once.node("Conv", [once.quantized("x", 0.05), once.weights((4, 3, 3, 3), 0)]), 0.1)
    (tmp_path / "once.onnx").write_bytes(once.model([1, 3, 6, 6], single).SerializeToString())
    cli("run", tmp_path / "once.onnx", "--inputs", tmp_path / "x.npy", "--report", tmp_path / "once")
    alone = json.loads((tmp_path / "once" / "report.json").read_text())
    assert len(report["layers"]) == len(alone["layers"]) == 1 and report["macs"] == alone["macs"]
    assert report["predicted_cycles"] == alone["predicted_cycles"] > 0
    assert report["reference_mismatches"] == 0
