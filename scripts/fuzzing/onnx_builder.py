"""Drawn ``.onnx`` networks of one operator: scales, zero points, shapes and attributes."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

KINDS = {"int8": np.int8, "uint8": np.uint8}
MICROSOFT = "com.microsoft"


class Drawn:
    """A graph that is drawn, node by node; its input is ``x``.

    Parameters
    ----------
    seed : int
    shape : list of int
    opset : int
    kind : str
        Of activations, a key of `KINDS`.
    """

    def __init__(self, seed, shape, opset, kind):
        self.rng, self.shape, self.opset, self.kind = np.random.default_rng(seed), list(shape), opset, kind
        self._nodes, self._constants, self._outputs, self.values = [], [], [], {}
        # Scales that are powers of two let results fall on exact halves.
        self._power = bool(self.rng.integers(2))
        self.scale = self.drawn_scale()

    def drawn_scale(self, size=1.0):
        """float32, near ``size`` hundredths to tenths."""
        if self._power:
            return np.float32(2.0 ** int(self.rng.integers(-7, -3)) * 2.0 ** np.ceil(np.log2(size)))
        return np.float32(self.rng.uniform(0.008, 0.12) * size)

    def drawn_zero(self):
        """A zero point, often at an end or in the middle."""
        limits = np.iinfo(KINDS[self.kind])
        middle = (limits.min + limits.max + 1) // 2
        choices = [limits.min, limits.max, middle, self.rng.integers(limits.min, limits.max)]
        return KINDS[self.kind](choices[int(self.rng.integers(4))])

    def constant(self, array):
        """The name of a constant."""
        name = f"c{len(self._constants)}"
        self.values[name] = np.asarray(array)
        self._constants.append(numpy_helper.from_array(self.values[name], name))
        return name

    def node(self, kind, inputs, outputs=1, domain="", **attributes):
        """The name of a node's output, or a list of names."""
        names = [f"v{len(self._nodes)}_{number}" for number in range(outputs)]
        self._nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def quantize(self, value, scale, zero, axis=None):
        """Through a QuantizeLinear, and its scale and zero point as names."""
        parameters = [self.constant(np.float32(scale)), self.constant(zero)]
        attributes = {} if axis is None else {"axis": axis}
        return [self.node("QuantizeLinear", [value, *parameters], **attributes), *parameters]

    def dequantized(self, value, scale, zero):
        """Through a QuantizeLinear and a DequantizeLinear."""
        return self.node("DequantizeLinear", self.quantize(value, scale, zero))

    def operand(self, name="x", size=1.0):
        """A quantized operand, made of the input."""
        scale = self.scale if size == 1.0 and self.rng.integers(2) else self.drawn_scale(size)
        return self.dequantized(name, scale, self.drawn_zero())

    def weights(self, shape, axis, *, kind="int8"):
        """Names of integers, scales and zero points of weights."""
        limits, channels = np.iinfo(KINDS[kind]), shape[axis] if self.rng.integers(2) else 1
        data = self.rng.integers(limits.min, limits.max + 1, shape).astype(KINDS[kind])
        data.reshape(-1)[:2] = limits.min, limits.max
        scales = np.array([self.drawn_scale(0.2) for _ in range(channels)])
        zeros = np.zeros(channels, KINDS[kind]) if kind == "int8" and self.rng.integers(2) else (
            self.rng.integers(limits.min, limits.max + 1, channels).astype(KINDS[kind]))
        self.weight_scales = np.broadcast_to(scales, shape[axis])
        if channels == 1:
            scales, zeros = scales[0], zeros[0]
        return [self.constant(data), self.constant(scales), self.constant(zeros)]

    def bias(self, scales):
        """The name of an int32 bias, and its values."""
        data = self.rng.integers(-3000, 3000, scales.shape).astype(np.int32)
        return self.constant(data), data

    def output(self, value, size=1.0):
        """Quantized at a drawn scale, or that of the input, and an output."""
        scale = self.scale if size == 1.0 and self.rng.integers(2) else self.drawn_scale(size)
        self._outputs.append(self.dequantized(value, scale, self.drawn_zero()))

    def integer_output(self, value):
        """Integers as an output."""
        self._outputs.append(value)

    def model(self):
        """The `onnx.ModelProto`."""
        graph = helper.make_graph(
            self._nodes, "drawn", [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in self._outputs],
            self._constants)
        for output in graph.output:
            output.ClearField("type")
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(MICROSOFT, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)

    def inputs(self, count):
        """So many inputs, float32: over all of the range of integers and beyond, and next to halves."""
        steps = self.rng.uniform(-300, 300, (count, *self.shape))
        halves = self.rng.random((count, *self.shape)) < 0.3
        return (np.where(halves, np.floor(steps) + 0.5, steps) * self.scale).astype(np.float32)
