"""Small quantized ``.onnx`` files."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


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

    def quantized(self, value, scale, zero_point=0, kind=None):
        """Through QuantizeLinear and DequantizeLinear."""
        kind = kind or self.kind
        point = zero_point + (128 if kind == np.uint8 else 0)
        parameters = [self.constant(np.float32(scale)), self.constant(kind(point))]
        return self.node("DequantizeLinear", [self.node("QuantizeLinear", [value, *parameters]), *parameters])

    def weights(self, shape, axis, size=1.0, scales=None):
        """Dequantized int8 weights with a scale for each channel of ``axis``."""
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        if scales is None:
            scales = size * self.rng.uniform(0.005, 0.02, shape[axis])
        self.scales = np.asarray(scales, np.float32)
        return self.node("DequantizeLinear", [self.constant(data), self.constant(self.scales),
                                              self.constant(np.zeros(shape[axis], np.int8))], axis=axis)

    def bias(self, scale):
        """A dequantized int32 bias for the weights made last, and inputs of a scale."""
        scales = np.float32(scale) * self.scales
        data = self.rng.integers(-5000, 5000, scales.shape).astype(np.int32)
        return self.node("DequantizeLinear", [self.constant(data), self.constant(scales),
                                              self.constant(np.zeros(scales.shape, np.int32))], axis=0)

    def model(self, shape, *outputs, inputs=("x",)):
        graph = helper.make_graph(
            self.nodes, "g", [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in inputs],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs], self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def image_network(kind=np.int8):
    """Every operator that computes, and some that move; 1 x 3 x 8 x 6 to 1 x 5."""
    q = Qdq(kind=kind)
    x = q.quantized("x", 0.0513, -10)
    a = q.quantized(q.node("Relu", [q.node("Conv", [x, q.weights((6, 3, 3, 3), 0), q.bias(0.0513)], pads=[1, 1, 1, 1],
                                           strides=[2, 1])]), 0.0625, -128)
    b = q.quantized(q.node("Conv", [a, q.weights((6, 1, 3, 3), 0), q.bias(0.0625)], pads=[1, 1, 1, 1], group=6),
                    0.0625, 3)
    # Every other sum lies in the middle between two integers.
    c = q.quantized(q.node("Add", [a, b]), 0.125, -5)
    d = q.quantized(q.node("Clip", [q.node("Conv", [c, q.weights((8, 6, 1, 1), 0), q.bias(0.125)]),
                                    q.constant(np.float32(0)), q.constant(np.float32(6))]), 6 / 255, -128)
    e = q.quantized(q.node("Mul", [d, d]), 0.1239, -100)
    f = q.quantized(q.node("MaxPool", [e], kernel_shape=[2, 2], strides=[2, 2]), 0.1239, -100)
    g = q.quantized(q.node("AveragePool", [f], kernel_shape=[2, 3], pads=[1, 0, 0, 1]), 0.0717, -90)
    h = q.quantized(q.node("Concat", [f, q.quantized(q.node("Relu", [f]), 0.0777, -128)], axis=1), 0.13, -3)
    i = q.quantized(q.node("GlobalAveragePool", [h]), 0.0577, -20)
    j = q.quantized(q.node("Flatten", [g]), 0.0717, -90)
    k = q.quantized(q.node("Concat", [q.quantized(q.node("Flatten", [i]), 0.0577, -20), j], axis=-1), 0.0719, -88)
    y = q.quantized(q.node("Gemm", [k, q.weights((5, 48), 0, 0.1), q.bias(0.0719)], transB=1), 0.0337, 3)
    return q.model([1, 3, 8, 6], q.quantized(q.node("Softmax", [y], axis=-1), 1 / 256, -128))
