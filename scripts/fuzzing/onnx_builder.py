"""Drawn ``.onnx`` networks of one operator: scales, zero points, shapes and attributes."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

# The least and greatest value of each kind of integer, of activations and of weights.
KINDS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
WEIGHTS = {"int8": (-128, 127), "uint8": (0, 255), "int4": (-8, 7), "uint4": (0, 15), "int2": (-2, 1), "uint2": (0, 3)}
# What numpy has no type for.
NARROW = {"int4": TensorProto.INT4, "uint4": TensorProto.UINT4, "int2": TensorProto.INT2, "uint2": TensorProto.UINT2}
# The opset in which ONNX got a kind; before it ONNX Runtime has quantizers of 16 bits of its own.
SINCE = {"int16": 21, "int4": 21, "uint4": 21, "int2": 25, "uint2": 25}
MICROSOFT = "com.microsoft"


def known(kinds, opset):
    """Those of some kinds that ONNX has in an opset."""
    return [kind for kind in kinds if SINCE.get(kind, 0) <= opset]


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
        # Steps of 16 bits are finer, so that numbers are as large.
        self._step = 2.0 ** -8 if kind == "int16" else 1.0
        self.scale = self.activation_scale()

    def activation_scale(self, size=1.0):
        """float32, for activations of the kind that is drawn."""
        return np.float32(self.drawn_scale(size) * self._step)

    def drawn_scale(self, size=1.0):
        """float32, near ``size`` hundredths to tenths."""
        if self._power:
            return np.float32(2.0 ** int(self.rng.integers(-7, -3)) * 2.0 ** np.ceil(np.log2(size)))
        return np.float32(self.rng.uniform(0.008, 0.12) * size)

    @property
    def domain(self):
        """Of quantizers of activations."""
        return "" if known([self.kind], self.opset) else MICROSOFT

    def drawn_zero(self):
        """A zero point, often at an end or in the middle."""
        low, high = KINDS[self.kind]
        choices = [low, high, (low + high + 1) // 2, self.rng.integers(low, high)]
        return np.dtype(self.kind).type(choices[int(self.rng.integers(4))])

    def constant(self, array, kind=None):
        """The name of a constant, of the array's own type or of another ``kind``."""
        name = f"c{len(self._constants)}"
        self.values[name] = array = np.asarray(array, None if kind in NARROW else kind)
        self._constants.append(helper.make_tensor(name, NARROW[kind], array.shape, array.reshape(-1))
                               if kind in NARROW else numpy_helper.from_array(array, name))
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
        made = self.node("QuantizeLinear", [value, *parameters], domain=self.domain, **attributes)
        return [made, *parameters]

    def dequantized(self, value, scale, zero):
        """Through a QuantizeLinear and a DequantizeLinear."""
        return self.node("DequantizeLinear", self.quantize(value, scale, zero), domain=self.domain)

    def operand(self, name="x", size=1.0):
        """A quantized operand, made of the input."""
        scale = self.scale if size == 1.0 and self.rng.integers(2) else self.activation_scale(size)
        return self.dequantized(name, scale, self.drawn_zero())

    def weights(self, shape, axis, *, kind="int8"):
        """Names of integers, scales and zero points of weights."""
        (low, high), channels = WEIGHTS[kind], shape[axis] if self.rng.integers(2) else 1
        data = self.rng.integers(low, high + 1, shape)
        data.reshape(-1)[:2] = low, high
        scales = np.array([self.drawn_scale(0.2 * 255 / (high - low)) for _ in range(channels)])
        zeros = np.zeros(channels, np.int64) if kind.startswith("int") and self.rng.integers(2) else (
            self.rng.integers(low, high + 1, channels))
        self.weight_scales = np.broadcast_to(scales, shape[axis])
        if channels == 1:
            scales, zeros = scales[0], zeros[0]
        return [self.constant(data, kind), self.constant(scales), self.constant(zeros, kind)]

    def bias(self, scales):
        """The name of an int32 bias, and its values."""
        data = self.rng.integers(-3000, 3000, scales.shape).astype(np.int32)
        return self.constant(data), data

    def output(self, value, size=1.0):
        """Quantized at a drawn scale, or that of the input, and an output."""
        scale = self.scale if size == 1.0 and self.rng.integers(2) else self.activation_scale(size)
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
        steps = self.rng.uniform(-300, 300, (count, *self.shape)) / self._step
        halves = self.rng.random((count, *self.shape)) < 0.3
        return (np.where(halves, np.floor(steps) + 0.5, steps) * self.scale).astype(np.float32)
