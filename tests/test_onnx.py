"""QDQ files, against the reference evaluator of ONNX, which computes in floating point."""

import json

import numpy as np
import pytest
from bitline.golden.program import MacroState, predict
from bitline.hdl.config import MacroConfig
from bitline.host.inference import Inference
from bitline.host.load import load_network
from bitline.host.mapping import Mapping
from bitline.host.network import DepthwiseConv2D, FullyConnected, NetworkError, Transpose
from bitline.host.onnx_file import read_onnx
from bitline.host.schedule import Schedule

onnx = pytest.importorskip("onnx", reason="no onnx here")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402


class Qdq:
    """Collects nodes of a QDQ graph."""

    def __init__(self, seed=1, kind=np.int8):
        self.rng, self.kind, self.nodes, self.initializers = np.random.default_rng(seed), kind, [], []

    def constant(self, array):
        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, kind, inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def quantised(self, value, scale, zero_point=0, kind=None):
        """Through QuantizeLinear and DequantizeLinear."""
        kind = kind or self.kind
        point = zero_point + (128 if kind == np.uint8 else 0)
        parameters = [self.constant(np.float32(scale)), self.constant(kind(point))]
        return self.node("DequantizeLinear", [self.node("QuantizeLinear", [value, *parameters]), *parameters])

    def weights(self, shape, axis, size=1.0):
        """Dequantised int8 weights with a scale for each channel of ``axis``."""
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        scales = (size * self.rng.uniform(0.005, 0.02, shape[axis])).astype(np.float32)
        return self.node("DequantizeLinear", [self.constant(data), self.constant(scales),
                                              self.constant(np.zeros(shape[axis], np.int8))], axis=axis)

    def model(self, shape, output):
        graph = helper.make_graph(
            self.nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)], self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def image_network(kind=np.int8):
    """Convolutions of both kinds, a sum, pooling, and a classifier."""
    q = Qdq(kind=kind)
    x = q.quantised("x", 0.05, -10)
    bias = q.constant(q.rng.normal(0, 1, 6).astype(np.float32))
    a = q.quantised(q.node("Relu", [q.node("Conv", [x, q.weights((6, 3, 3, 3), 0), bias], pads=[1, 1, 1, 1],
                                           strides=[2, 1])]), 0.06, -128)
    b = q.quantised(q.node("Conv", [a, q.weights((6, 1, 3, 3), 0)], pads=[1, 1, 1, 1], group=6), 0.05, 3)
    c = q.quantised(q.node("Add", [a, b]), 0.1, -5)
    d = q.quantised(q.node("Clip", [q.node("Conv", [c, q.weights((8, 6, 1, 1), 0)]),
                                    q.constant(np.float32(0)), q.constant(np.float32(6))]), 6 / 255, -128)
    e = q.quantised(q.node("MaxPool", [d], kernel_shape=[2, 2], strides=[2, 2]), 6 / 255, -128)
    f = q.quantised(q.node("Flatten", [e]), 6 / 255, -128)
    g = q.quantised(q.node("Gemm", [f, q.weights((5, 48), 0, 0.1), q.constant(np.ones(5, np.float32))], transB=1),
                    0.05, 0)
    h = q.quantised(q.node("Softmax", [g], axis=-1), 1 / 255, -128)
    return q.model([1, 3, 8, 6], h)


def evaluate(model, inputs):
    """The graph's output for each input."""
    evaluator = ReferenceEvaluator(model)
    return np.stack([evaluator.run(None, {"x": x})[0] for x in inputs])


@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_network_is_what_the_reference_evaluator_gives(kind):
    model = image_network(kind)
    network = read_onnx(model.SerializeToString(), "m")
    assert sum(isinstance(operator, DepthwiseConv2D) for operator in network.operators) == 1
    # Only where images enter, and where a matrix takes what was one.
    assert sum(isinstance(operator, Transpose) for operator in network.operators) == 2
    inputs = np.random.default_rng(3).normal(0, 3, (20, 1, 3, 8, 6)).astype(np.float32)
    ours, theirs = Inference(network).run(inputs)[network.outputs[0]], evaluate(model, inputs)
    assert ours.dtype == np.float32 and np.unique(theirs).size > 20
    # Sums next to the middle between two integers may be rounded either way, once a layer.
    steps = np.abs(ours - theirs) * 255
    assert steps.max() <= 4 and (steps < 0.5).mean() > 0.8
    assert (ours.argmax(-1) == theirs.argmax(-1)).mean() >= 0.9


def test_every_layer_on_a_macro():
    network, config = read_onnx(image_network().SerializeToString(), "m"), MacroConfig(rows=24, columns=20, banks=2)
    schedule, state = Schedule(Mapping(config, network, 2)), MacroState(config)

    def product(operator, x):
        layer = schedule.program(operator, x)
        return layer.collect(predict(config, layer.program, state).results)

    inputs = np.random.default_rng(4).normal(0, 3, (2, 1, 3, 8, 6)).astype(np.float32)
    expected, found = Inference(network).run(inputs), Inference(network, product=product).run(inputs)
    assert all((found[index] == expected[index]).all() for index in expected)


@pytest.mark.parametrize("seed", range(8))
def test_one_product_rounds_to_the_nearest(seed):
    q = Qdq(seed)
    y = q.quantised(q.node("MatMul", [q.quantised("x", 0.02, 7), q.weights((30, 9), 1)]), 0.11, -4)
    model = q.model([4, 30], y)
    network = read_onnx(model.SerializeToString(), "m")
    assert isinstance(network.operators[1], FullyConnected)
    inputs = q.rng.normal(0, 1.5, (50, 4, 30)).astype(np.float32)
    ours, theirs = Inference(network).run(inputs)[network.outputs[0]], evaluate(model, inputs)
    steps = np.rint((ours - theirs) / 0.11)
    assert np.abs(steps).max() <= 1 and (steps == 0).mean() > 0.999 and np.unique(theirs).size > 100


def test_moves_and_joints():
    q = Qdq()
    x = q.quantised("x", 0.05, 2)
    padded = q.quantised(q.node("Pad", [x, q.constant(np.array([0, 0, 1, 0, 0, 0, 0, 2]))]), 0.05, 2)
    turned = q.quantised(q.node("Transpose", [padded], perm=[0, 1, 3, 2]), 0.05, 2)
    joined = q.quantised(q.node("Concat", [turned, turned], axis=-1), 0.05, 2)
    pooled = q.quantised(q.node("AveragePool", [joined], kernel_shape=[1, 1]), 0.05, 2)
    product = q.quantised(q.node("Mul", [pooled, pooled]), 0.2, 0)
    flat = q.quantised(q.node("Reshape", [product, q.constant(np.array([0, -1]))]), 0.2, 0)
    model = q.model([1, 2, 3, 4], flat)
    network = read_onnx(model.SerializeToString(), "m")
    inputs = q.rng.normal(0, 2, (5, 1, 2, 3, 4)).astype(np.float32)
    steps = np.rint((Inference(network).run(inputs)[network.outputs[0]] - evaluate(model, inputs)) / 0.2)
    assert np.abs(steps).max() <= 1 and (steps == 0).mean() > 0.9


def one(kind, operands, **attributes):
    """A model of one operator of quantised inputs, as bytes."""
    q = Qdq()
    x = q.quantised("x", 0.1)
    inputs = [q.constant(operand) if isinstance(operand, np.ndarray) else x for operand in operands]
    return q.model([1, 4], q.quantised(q.node(kind, inputs, **attributes), 0.1)).SerializeToString()


@pytest.mark.parametrize("data, message", [
    (b"\xff\xff\xff", r"^model must be a whole .onnx file, and m is damaged: "),
    (b"", r"^m must have inputs, and outputs that are computed, and has 0 and 0$"),
    (one("Sigmoid", ["x"]), r"^node 2 \(Sigmoid\) must be one of Add, AveragePool, Clip, Concat, .*"),
    (one("MatMul", ["x", np.ones((4, 2), np.float32)]), r"^node 2 \(MatMul\) must have constant weights of int8, not "),
    (one("MatMul", ["x", "x"]), r"^node 2 \(MatMul\) must have constant weights of int8, not computed ones"),
    (one("Reshape", ["x", np.array([3, -1])]), r"must have an output of 4 elements, not 3"),
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
    output = q.quantised(q.node("Conv", [q.quantised("x", 0.05), q.weights((4, 3, 3, 3), 0)]), 0.1)
    network = read_onnx(q.model(["N", 3, 6, 6], output).SerializeToString(), "m.onnx")
    assert network.tensors[network.inputs[0]].shape == (1, 3, 6, 6)
    with pytest.raises(NetworkError, match="input x must have a number for dimension 2, not 'H'"):
        read_onnx(q.model(["N", 3, "H", 6], output).SerializeToString(), "m.onnx")


def test_a_product_that_is_quantised_twice_is_counted_as_two(cli, tmp_path):
    q = Qdq()
    product = q.node("Conv", [q.quantised("x", 0.05), q.weights((4, 3, 3, 3), 0)])
    output = q.quantised(q.node("Add", [q.quantised(product, 0.1), q.quantised(product, 0.2)]), 0.3)
    (tmp_path / "m.onnx").write_bytes(q.model([1, 3, 6, 6], output).SerializeToString())
    np.save(tmp_path / "x.npy", q.rng.normal(0, 1, (1, 3, 6, 6)).astype(np.float32))
    status, _, errors = cli("run", tmp_path / "m.onnx", "--inputs", tmp_path / "x.npy", "--report", tmp_path / "out")
    assert status == 0, errors
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert len(report["layers"]) == 2
    assert sum(layer["predicted"] for layer in report["layers"]) == report["predicted_cycles"]
