"""Weights of two, four and sixteen bits, and sums of 32: what is computed or refused, and what runtimes make of it."""

import numpy as np
import pytest
from bitline.host.network.files.load import load_network
from bitline.host.network.files.onnx_file import read_onnx
from bitline.host.network.files.reference import REFERENCES
from bitline.host.network.files.tflite_file import read_tflite
from bitline.host.network.inference import Inference
from bitline.host.network.network import NetworkError
from bitline.host.network.operators.weights import NARROW

pytest.importorskip("tflite", reason="no tflite here")
pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
from bitline.scripts.fuzzing.tflite_builder import TYPES, TfliteFile
from bitline.scripts.fuzzing.tflite_drawn import Drawn
from bitline.scripts.fuzzing.tflite_operators import OPERATORS

KINDS = [(runtime, operator, kind) for (runtime, operator), kinds in NARROW.items() for kind in kinds]
OTHERS = [(runtime, operator, kind) for runtime in ("litert-2.3", "tflm")
          for operator in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
          for kind in ("int8", "int16") if (runtime, operator, kind) not in KINDS]


def narrow(operator, kind, seed):
    """A drawn file whose weights of int8 have become int4."""
    drawn = Drawn(seed, kind)
    OPERATORS[operator][0](drawn)
    for tensor in drawn.file.graphs[0].tensors:
        if tensor.dtype == "int8" and tensor.data is not None and len(tensor.shape) > 1:
            values = np.frombuffer(tensor.data, np.int8) // 16
            tensor.dtype, tensor.data = "int4", packed(values)
    return drawn


def packed(values):
    """Bytes of two integers each, the first one low."""
    values = np.append(values, [0] * (values.size % 2)).astype(np.uint8) & 15
    return (values[::2] | values[1::2] << 4).tobytes()


@pytest.mark.parametrize("runtime, operator, kind", [
    pytest.param(*case, marks=pytest.mark.needs("tflite_micro")) if case[0] == "tflm" else case for case in KINDS])
def test_weights_of_four_bits_are_the_runtimes(runtime, operator, kind, tmp_path):
    reference, _ = REFERENCES[runtime]
    path, compared = tmp_path / "m.tflite", 0
    for seed in range(12):
        drawn = narrow(operator, kind, seed)
        path.write_bytes(drawn.data)
        try:
            network = load_network(path, runtime)
        except NetworkError as error:
            assert "one scale for weights of int4, as tflm needs it" in str(error)
            continue
        inputs = [drawn.values((4, *network.tensors[index].shape), kind) for index in network.inputs]
        assert reference(path).compare(network, Inference(network).run(*inputs), inputs) == []
        compared += 1
    assert compared >= 3


@pytest.mark.parametrize("runtime, operator, kind", OTHERS)
def test_others_are_refused(runtime, operator, kind):
    """Nothing is computed that no runtime computes."""
    with pytest.raises(NetworkError, match=f"weights that {runtime} multiplies with {kind}, not int4$"):
        read_tflite(narrow(operator, kind, 1).data, "m", runtime)


def product_of_int16(operator, depth, bias=None, said="int32"):
    """Bytes of a product of ``depth`` elements whose options say the type of its bias, which is of type ``bias``."""
    file, rng, units, scale = TfliteFile(), np.random.default_rng(3), 5, 1 / 32768
    lengths = (1,) if operator == "FULLY_CONNECTED" else (1, 1, 1)
    x = file.tensor((*lengths, depth), "int16", scale)
    weights = file.constant(rng.integers(90, 128, (units, *lengths[1:], depth)), "int8", 0.01)
    more = [file.constant(rng.integers(-9999, 9999, units), bias, scale * 0.01)] if bias else []
    shape = (*lengths, units)
    y = file.tensor(shape, "int16", 1.4 * depth * scale)
    fields = {"QuantizedBiasType": TYPES[said]} | ({"StrideH": 1, "StrideW": 1} if len(lengths) > 1 else {})
    inputs = [file.constant(shape, "int32"), weights, x] if operator == "TRANSPOSE_CONV" else [x, weights]
    return file.data([x], [file.operator(operator, inputs + more, y, OPTIONS[operator], **fields)])


OPTIONS = {"CONV_2D": "Conv2DOptions", "FULLY_CONNECTED": "FullyConnectedOptions",
           "TRANSPOSE_CONV": "TransposeConvOptions"}
# Of products of int16: runtime, operator, type of the bias, type that the options say.
PRODUCTS = [(runtime, operator, bias, said) for runtime in ("litert-2.3", "tflm") for operator in OPTIONS
            for bias, said in ((None, "int32"), ("int32", "int32"), ("int64", "int64"), (None, "int64"))
            # LiteRT wants a bias, and tflm takes any for one of int64.
            if (runtime, operator, bias) not in (("litert-2.3", "CONV_2D", None), ("tflm", "TRANSPOSE_CONV", "int32"))]


@pytest.mark.parametrize("runtime, operator, bias, said", [
    pytest.param(*case, marks=pytest.mark.needs("tflite_micro")) if case[0] == "tflm" else case for case in PRODUCTS])
def test_sums_of_int16_are_of_the_type_that_the_options_say(runtime, operator, bias, said, tmp_path):
    """Rounded as the runtime rounds them, and refused where they overflow."""
    path, reference = tmp_path / "m.tflite", REFERENCES[runtime][0]
    x = np.random.default_rng(4).integers(32000, 32768, (400, *([1] * (1 if operator[0] == "F" else 3)), 200), np.int16)
    x[:200, ..., 30:] = 0
    path.write_bytes(product_of_int16(operator, 200, bias, said))
    network = load_network(path, runtime)
    assert reference(path).compare(network, Inference(network).run(x), [x]) == []
    path.write_bytes(product_of_int16(operator, 1000, bias, said))
    if said == "int32" and (runtime, operator) != ("tflm", "TRANSPOSE_CONV"):
        with pytest.raises(NetworkError, match="must have accumulators within 32 bits, not up to"):
            load_network(path, runtime)
    else:
        network, x = load_network(path, runtime), np.tile(x, 5)
        assert reference(path).compare(network, Inference(network).run(x), [x]) == []


def test_a_bias_that_the_runtime_reads_as_another_type_is_refused():
    with pytest.raises(NetworkError, match="must have a bias of int64 for tflm, not int32"):
        read_tflite(product_of_int16("TRANSPOSE_CONV", 20, "int32"), "m", "tflm")


@pytest.mark.parametrize("operator", ["SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM"])
def test_those_of_recurrent_layers_are_refused(operator):
    with pytest.raises(NetworkError, match="must have constant int8 weights, not int4"):
        read_tflite(narrow(operator, "int8", 1).data, "m")


def test_the_runtime_refuses_them_as_well(tmp_path):
    """LiteRT says so when it loads the file; those of which it takes each byte for a weight are not given to it."""
    (tmp_path / "m.tflite").write_bytes(narrow("TRANSPOSE_CONV", "int8", 1).data)
    with pytest.raises(NetworkError, match="weights->type != kTfLiteInt8"):
        REFERENCES["litert-2.3"][0](tmp_path / "m.tflite")


def test_a_product_of_activations_has_none():
    file = TfliteFile()
    x, b = file.tensor((1, 5, 6), "int8", 0.1), file.constant(np.ones((6, 4)), "int4", 0.05)
    y = file.operator("BATCH_MATMUL", [x, b], file.tensor((1, 5, 4), "int8", 0.4), "BatchMatMulOptions")
    with pytest.raises(NetworkError, match=r"operands of one kind among int8, not int8 and int4$"):
        read_tflite(file.data([x], [y]), "m")


@pytest.mark.parametrize("shape", [(3, 5), (4, 6)])
def test_weights_are_unpacked_in_order(shape):
    """An odd count leaves half of the last byte."""
    file, rng = TfliteFile(), np.random.default_rng(9)
    x, weights = file.tensor((1, shape[1]), "int8", 0.1, 5), rng.integers(-8, 8, shape)
    y = file.operator("FULLY_CONNECTED", [x, file.constant(weights, "int4", 0.05)],
                      file.tensor((1, shape[0]), "int8", 0.4), "FullyConnectedOptions")
    network = read_tflite(file.data([x], [y]), "m")
    assert (network.tensors[network.operators[0].inputs[1]].data == weights).all()


def test_weights_of_four_bits_need_all_their_bytes():
    file = TfliteFile()
    x, weights = file.tensor((1, 6), "int8", 0.1), file.tensor((2, 6), "int4", 0.05, data=bytes(5))
    y = file.operator("FULLY_CONNECTED", [x, weights], file.tensor((1, 2), "int8", 0.4), "FullyConnectedOptions")
    with pytest.raises(NetworkError, match=r"^tensor 1 must have 6 bytes of data, not 5$"):
        read_tflite(file.data([x], [y]), "m")


def onnx_product(activation, weights, output):
    """The bytes of a file of one MatMul, by names of ONNX's types."""
    onnx = pytest.importorskip("onnx", reason="no onnx here")
    helper, types = onnx.helper, onnx.TensorProto
    values = {"s": ("FLOAT", [], [0.1]), "x0": (activation, [], [0]), "y0": (output, [], [0]),
              "w": (weights, [4, 2], [1, 0] * 4), "w0": (weights, [], [0])}
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "x0"], ["q"]),
             helper.make_node("DequantizeLinear", ["q", "s", "x0"], ["dq"]),
             helper.make_node("DequantizeLinear", ["w", "s", "w0"], ["dw"]),
             helper.make_node("MatMul", ["dq", "dw"], ["m"]),
             helper.make_node("QuantizeLinear", ["m", "s", "y0"], ["y"])]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", types.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", getattr(types, output), None)],
        [helper.make_tensor(name, getattr(types, kind), *rest) for name, (kind, *rest) in values.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 25)], ir_version=13).SerializeToString()


@pytest.mark.parametrize("weights", ["INT8", "UINT8", "INT4", "UINT4", "INT2", "UINT2"])
@pytest.mark.parametrize("activation", ["INT8", "INT16"])
def test_kinds_of_onnx_that_are_read(activation, weights):
    network = read_onnx(onnx_product(activation, weights, activation), "m")
    kept, = (network.tensors[operator.inputs[1]] for operator in network.matrix_operators)
    # Those without a sign count from the middle of int8.
    lower = 128 if weights.startswith("U") else 0
    assert (kept.data == np.array([[1] * 4, [0] * 4]) - lower).all() and kept.zero_points.tolist() == [-lower]


@pytest.mark.parametrize("weights", ["INT8", "UINT4", "INT4", "INT2", "UINT2"])
def test_onnx_runtime_computes_the_same(weights, tmp_path):
    """With those of two bits its optimizer makes a product of integers that it refuses: it is not asked for one."""
    pytest.importorskip("onnxruntime", reason="no onnxruntime here")
    path = tmp_path / "m.onnx"
    path.write_bytes(onnx_product("INT8", weights, "INT8"))
    network, x = load_network(path), np.random.default_rng(1).normal(0, 6, (50, 1, 4)).astype(np.float32)
    assert REFERENCES["onnx"][0](path).compare(network, Inference(network).run(x), [x]) == []


ACTIVATIONS = "(QuantizeLinear) must have integers of int8, uint8 or int16"
WEIGHTS = "node 3 (MatMul) must have weights of int8 or uint8 that are dequantized"


@pytest.mark.parametrize("activation, weights, output, refusal", [
    *((kind, "INT8", "INT8", f"node 0 {ACTIVATIONS}, not {kind.lower()}") for kind in ("UINT16", "INT4", "UINT4")),
    *(("INT8", kind, "INT8", f"{WEIGHTS}, not {kind.lower()}") for kind in ("INT16", "UINT16", "INT32")),
    *(("INT8", "INT8", kind, f"node 4 {ACTIVATIONS}, not {kind.lower()}") for kind in ("UINT16", "INT4", "UINT4")),
    ("UINT8", "INT8", "INT8",
     "node 3 (MatMul) must have operands of one kind among int8, uint8, int16, not uint8 and int8"),
])
def test_kinds_of_onnx_that_are_refused(activation, weights, output, refusal):
    with pytest.raises(NetworkError) as error:
        read_onnx(onnx_product(activation, weights, output), "m")
    assert str(error.value) == refusal
