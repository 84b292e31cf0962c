"""What onnxruntime.quantization writes, in both of its formats: every node against ONNX Runtime."""

import itertools

import numpy as np
import pytest
from bitline.host.network.files.load import load_network
from bitline.host.network.files.onnx_reference import OnnxReference
from bitline.host.network.inference import Inference

onnx = pytest.importorskip("onnx", reason="no onnx here")
quantization = pytest.importorskip("onnxruntime.quantization", reason="no onnxruntime here")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402


class Float:
    """A network in floating point, node by node."""

    def __init__(self):
        self.rng, self.nodes, self.constants = np.random.default_rng(1), [], []

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weights(self, *shape):
        return self.constant(self.rng.normal(0, 0.3, shape).astype(np.float32))

    def node(self, kind, inputs, outputs=1, **attributes):
        names = [f"v{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, f"n{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def save(self, path, shape, output):
        graph = helper.make_graph(self.nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                                  [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        onnx.save(onnx.shape_inference.infer_shapes(model), path)


def classifier():
    """Convolutions of all kinds, activations, pools, joints, a resized branch, and a product at the end."""
    f = Float()
    a = f.node("Relu", [f.node("Conv", ["x", f.weights(8, 3, 3, 3), f.weights(8)], pads=[1] * 4, strides=[2, 1])])
    depthwise = f.node("Conv", [a, f.weights(8, 1, 3, 3), f.weights(8)], pads=[1] * 4, group=8)
    b = f.node("LeakyRelu", [depthwise], alpha=0.1)
    c = f.node("Add", [a, b])
    limits = [f.constant(np.float32(limit)) for limit in (0, 6)]
    d = f.node("Clip", [f.node("Conv", [c, f.weights(8, 8, 1, 1)]), *limits])
    e = f.node("Mul", [d, f.node("Sigmoid", [d])])
    g = f.node("MaxPool", [e], kernel_shape=[2, 2], strides=[2, 2])
    up = f.node("Resize", [g, "", f.constant(np.float32([1, 1, 2, 2]))], mode="nearest")
    h = f.node("Concat", [up, e], axis=1)
    i = f.node("AveragePool", [h], kernel_shape=[2, 2], strides=[2, 2])
    left, right = f.node("Split", [i, f.constant(np.array([8, 8]))], 2, axis=1)
    j = f.node("Concat", [f.node("HardSwish", [left]), f.node("Tanh", [right])], axis=1)
    k = f.node("Flatten", [f.node("GlobalAveragePool", [f.node("Transpose", [j], perm=[0, 1, 3, 2])])])
    m = f.node("Gemm", [k, f.weights(10, 16), f.weights(10)], transB=1)
    n = f.node("MatMul", [m, f.weights(10, 6)])
    return f, f.node("Softmax", [n], axis=-1)


class Reader(quantization.CalibrationDataReader):
    """Typical inputs."""

    def __init__(self, inputs):
        self._inputs = iter(inputs)

    def get_next(self):
        x = next(self._inputs, None)
        return None if x is None else {"x": x}


FORMATS = [quantization.QuantFormat.QDQ, quantization.QuantFormat.QOperator]
TYPES = [quantization.QuantType.QInt8, quantization.QuantType.QUInt8]


@pytest.mark.parametrize("style, activations, weights, by_channel", [
    case for case in itertools.product(FORMATS, TYPES, TYPES, (False, True))
    # Which the quantizer refuses.
    if case[1:3] != (TYPES[0], TYPES[1])],
    ids=lambda value: getattr(value, "name", str(value)))
def test_networks_of_quantize_static(style, activations, weights, by_channel, tmp_path):
    network, output = classifier()
    network.save(tmp_path / "float.onnx", [1, 3, 12, 8], output)
    rng = np.random.default_rng(2)
    typical = rng.normal(0, 1, (30, 1, 3, 12, 8)).astype(np.float32)
    quantization.quantize_static(tmp_path / "float.onnx", tmp_path / "m.onnx", Reader(typical), quant_format=style,
                                 activation_type=activations, weight_type=weights, per_channel=by_channel)
    network, reference = load_network(tmp_path / "m.onnx"), OnnxReference(tmp_path / "m.onnx")
    assert sum(operator.is_matrix for operator in network.operators) == 5
    inputs = np.concatenate([typical, rng.normal(0, 4, (10, 1, 3, 12, 8)).astype(np.float32)])
    values = Inference(network).run(inputs)
    assert reference.compare(network, values, [inputs]) == []
    assert np.unique(values[network.outputs[0]]).size > 10
