"""From one scale to another, to integers and back."""

from dataclasses import dataclass, replace

import numpy as np

from ....golden import float_layers, layers
from ..network import QUANTIZED, Tensor
from ..onnx_node import Constant, Pending, Value
from ..operator import Operator
from ..tflite_node import TfliteForm


def rescale(step, x, activation="none", precision=np.float64):
    """Values at the scale of the output."""
    tensor, output, clamp = step.inputs[0], step.output, step.clamp(activation)
    if step.operator.rounding == "float" and (tensor.dtype == "float32" or step.rounding == "float"):
        values = x if tensor.dtype == "float32" else float_layers.dequantize(x, tensor.scale, tensor.zero_point)
        return float_layers.quantize(values, output.scale, output.zero_point, clamp)
    if tensor.dtype == "float32":
        return layers.quantize(x, output.scale, output.zero_point, clamp)
    return layers.rescale(x, tensor.scale, tensor.zero_point, output.scale, output.zero_point, clamp,
                          rounding=step.rounding, precision=precision)


@dataclass(frozen=True, kw_only=True)
class Relu(Operator):
    """A clamp by itself: ``activation`` is ``"relu"``, ``"relu6"`` or ``"relu_n1_to_1"``."""

    activation: str

    tflite = (TfliteForm("RELU", 1, 1), TfliteForm("RELU6", 1, 1), TfliteForm("RELU_N1_TO_1", 1, 1))
    onnx = ("Relu", "Clip")

    @classmethod
    def from_tflite(cls, node):
        return cls(**node.common, activation=node.name.lower())

    @classmethod
    def from_onnx(cls, node):
        """A clamp, which is fused if what is before it is pending."""
        activation, value = cls._onnx_activation(node), node.operands[0]
        if isinstance(value, Pending):
            node.require(value.activation == "none", "no activation before it", value.activation)
            return Pending(value.place, value.shape, value.is_last, value.make, activation)
        x = node.graph.operand(node, value, is_last=value.is_last)

        def make(place, outputs, activation):
            return cls(place=place, inputs=(x,), outputs=outputs, activation=activation, rounding="float")

        return Pending(node.place, value.shape, value.is_last, make, activation)

    @staticmethod
    def _onnx_activation(node):
        if node.kind == "Relu":
            return "relu"
        limits = [float(operand.values) if isinstance(operand, Constant) and operand.array.size == 1 else None
                  for operand in node.operands[1:3]]
        node.require(limits in ([0.0, 6.0], [0.0]), "limits 0 and 6, constant", limits)
        return "relu6" if len(limits) == 2 else "relu"

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x, rules.output)
        rules.factor(float(x.scale) / float(rules.output.scale))
        rules.has_shape(x.shape)

    def compute(self, step, x):
        return rescale(step, x, self.activation, precision=np.float32)


@dataclass(frozen=True)
class OnnxScales:
    """Scales, zero points, type of element and axis of a QuantizeLinear or DequantizeLinear."""

    scales: np.ndarray
    zero_points: np.ndarray
    dtype: np.dtype
    axis: int

    @classmethod
    def of(cls, node):
        """Those of a node, constant."""
        scale, zero = node.optional(1), node.optional(2)
        node.require(isinstance(scale, Constant) and (zero is None or isinstance(zero, Constant)),
                     "a constant scale and zero point", "computed ones")
        scales = scale.array.astype(np.float32).reshape(-1)
        dtype = np.dtype(np.uint8) if zero is None else zero.array.dtype
        points = np.zeros(scales.size, np.int64) if zero is None else zero.array.astype(np.int64).reshape(-1)
        node.require(scales.size > 0 and points.size == scales.size, "as many scales as zero points",
                     f"{scales.size} and {points.size}")
        return cls(scales, points, dtype, int(node.attributes.get("axis", 1)))

    def axis_of(self, array):
        """The axis, counted from the first."""
        return self.axis + array.ndim if self.axis < 0 else self.axis

    def tensor(self, node):
        """A tensor without a shape that is quantized so."""
        node.require(self.dtype in (np.int8, np.uint8, np.int16), "a type of int8, uint8 or int16", self.dtype)
        node.require(self.scales.size == 1, "one scale", self.scales.size)
        points = self.zero_points - 128 if self.dtype == np.uint8 else self.zero_points
        return Tensor(node.names[0], (), "int16" if self.dtype == np.int16 else "int8", self.scales, points)

    def constant(self, node, value):
        """A constant, quantized."""
        node.require(self.dtype in (np.int8, np.uint8, np.int16, np.int32), "a type of int8, uint8, int16 or int32",
                     self.dtype)
        axis, limits = self.axis_of(value.array), np.iinfo(self.dtype)
        shape = [-1 if dimension == axis else 1 for dimension in range(value.array.ndim)]
        scales, points = (values.reshape(shape) if self.scales.size > 1 else values[0]
                          for values in (self.scales, self.zero_points))
        return Constant(np.clip(np.rint(value.values / scales) + points, limits.min, limits.max).astype(self.dtype))


@dataclass(frozen=True, kw_only=True)
class Quantize(Operator):
    """From float32, or from one scale to another."""

    tflite = (TfliteForm("QUANTIZE", 1, 1),)
    onnx = ("QuantizeLinear",)

    @classmethod
    def from_onnx(cls, node):
        """The output of what is pending, or of a constant, or of an operator by itself."""
        value, scales = node.operands[0], OnnxScales.of(node)
        if isinstance(value, Constant):
            return scales.constant(node, value)
        output = scales.tensor(node)
        if isinstance(value, Pending):
            return node.graph.finish(value, output, value.activation)
        index = node.graph.tensor(replace(output, shape=node.graph.tensors[value.index].shape))
        node.graph.operators.append(cls(place=node.place, inputs=(value.index,), outputs=(index,), rounding="float"))
        return Value(index, value.shape, value.is_last)

    def check(self, rules):
        x, kinds = rules.inputs[0], (*QUANTIZED, "int32")
        rules.quantized(rules.output, dtypes=kinds)
        if x.dtype != "float32":
            rules.quantized(x, dtypes=kinds, free=x.dtype == "int16" and rules.output.dtype == "int32")
            rules.factor(float(x.scale) / float(rules.output.scale))
        rules.has_shape(x.shape)

    def compute(self, step, x):
        return rescale(step, x)


@dataclass(frozen=True, kw_only=True)
class Dequantize(Operator):
    """To float32."""

    tflite = (TfliteForm("DEQUANTIZE", 1, 1),)
    onnx = ("DequantizeLinear",)

    @classmethod
    def from_onnx(cls, node):
        """A mark on a tensor, or on a constant."""
        value, scales = node.operands[0], OnnxScales.of(node)
        if isinstance(value, Constant):
            node.require(value.array.dtype.kind in "iu", "integers", value.array.dtype)
            return Constant(value.array, scales.scales, scales.zero_points, scales.axis_of(value.array))
        node.require(isinstance(value, Value), "a quantized operand", "one in floating point")
        tensors = node.graph.tensors
        tensor = tensors[value.index]
        if not tensor.scales.size and tensor.dtype == "int8":
            # An input that comes as integers has its scale here.
            tensors[value.index] = Tensor(tensor.name, tensor.shape, "int8", scales.scales, scales.zero_points)
        return Value(value.index, value.shape, value.is_last, True)

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x)
        rules.require(rules.output.dtype == "float32", "an output of float32", rules.output.dtype)
        rules.has_shape(x.shape)

    def compute(self, step, x):
        tensor = step.inputs[0]
        return layers.dequantize(x, tensor.scale, tensor.zero_point)
