"""Between integers and numbers, as ONNX defines it."""

from dataclasses import dataclass, replace

import numpy as np

from ....golden.formats.elements import E2M1, E4M3
from ....golden.kernels import float_layers
from ..network import QUANTIZED, Tensor
from ..onnx_node import MICROSOFT, Constant, OnnxForm, Product, Value
from ..operator import Operator

# Numbers of ONNX's types of element.
FLOAT = 1
TYPES = {2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32}


def check_scales(rules, tensor):
    """One scale, or one for each of a dimension, positive, and zero points within the type."""
    count, (low, high) = tensor.scales.size, QUANTIZED[tensor.dtype]
    rules.require(count == 1 or (tensor.axis < len(tensor.shape) and tensor.shape[tensor.axis] == count),
                  f"a scale, or one for each of dimension {tensor.axis}", count)
    rules.require(bool(np.isfinite(tensor.scales).all() and (tensor.scales > 0).all()),
                  f"positive scales for {tensor.name}", tensor.scales.tolist()[:4])
    rules.require(bool(((low <= tensor.zero_points) & (tensor.zero_points <= high)).all()),
                  f"zero points from {low} to {high} for {tensor.name}", tensor.zero_points.tolist()[:4])


def along(tensor):
    """Scales and zero points of a tensor as arrays that broadcast to values (N, *shape)."""
    shape = [-1 if axis == tensor.axis else 1 for axis in range(len(tensor.shape))] if tensor.scales.size > 1 else ()
    return (values.reshape(shape) if shape else values[0] for values in (tensor.scales, tensor.zero_points))


@dataclass(frozen=True)
class Scales:
    """Of a QuantizeLinear or DequantizeLinear: constant scales and zero points, axis, size of blocks, type of integers.
    """

    node: object
    scales: np.ndarray
    zero_points: np.ndarray
    axis: int
    block: int
    dtype: np.dtype

    @classmethod
    def of(cls, node, position=1, dtype=None):
        """Those that begin at an operand; ``dtype`` of the integers if something else than a zero point says it."""
        scales, zero = node.constant(position, "scales"), node.optional(position + 1)
        node.require(scales.dtype == np.float32, "scales of float32", scales.dtype)
        points = (np.zeros(scales.shape, dtype or np.uint8) if zero is None else
                  node.constant(position + 1, "zero points"))
        node.require(points.dtype == dtype if dtype else points.dtype.name in WIDER,
                     f"zero points of {np.dtype(dtype) if dtype else 'integers'}", points.dtype)
        node.require(bool(np.isfinite(scales).all()), "finite scales", "others")
        node.require(scales.size > 0 and scales.size == points.size, "as many scales as zero points",
                     f"{scales.size} and {points.size}")
        return cls(node, scales, points.astype(np.int64).reshape(scales.shape), int(node.attributes.get("axis", 1)),
                   int(node.attributes.get("block_size", 0)), points.dtype)

    def spread(self, shape):
        """Scales and zero points that broadcast to a shape."""
        node, rank = self.node, len(shape)
        if self.scales.size == 1:
            return (values.reshape((1,) * rank) for values in (self.scales, self.zero_points))
        axis = node.axis(self.axis, rank)
        if self.scales.ndim == 1 and not self.block:
            node.require(self.scales.size == shape[axis], f"{shape[axis]} scales for axis {axis}", self.scales.size)
            wanted = [-1 if dimension == axis else 1 for dimension in range(rank)]
            return (values.reshape(wanted) for values in (self.scales, self.zero_points))
        blocks = [-(-length // self.block) if dimension == axis and self.block > 0 else length
                  for dimension, length in enumerate(shape)]
        node.require(self.block > 0 and list(self.scales.shape) == blocks, f"scales of shape {blocks}",
                     list(self.scales.shape))
        return (values.take(np.arange(shape[axis]) // self.block, axis=axis)
                for values in (self.scales, self.zero_points))

    def blocks_of(self, shape):
        """The number of the block of each element, in an array that broadcasts to a shape; None without blocks."""
        if not self.block or self.scales.ndim != len(shape):
            return None
        axis = self.node.axis(self.axis, len(shape))
        numbers = np.arange(shape[axis]) // self.block
        return numbers.reshape([-1 if dimension == axis else 1 for dimension in range(len(shape))])

    def tensor(self, name, shape):
        """A tensor of activations that is quantized so."""
        node = self.node
        node.require(self.dtype in (np.int8, np.uint8, np.int16), "integers of int8, uint8 or int16", self.dtype)
        node.require(not self.block and self.scales.ndim <= 1, "no blocks of activations", list(self.scales.shape))
        axis = node.axis(self.axis, len(shape)) if self.scales.size > 1 else 0
        return Tensor(name, tuple(shape), self.dtype.name, self.scales.reshape(-1), self.zero_points.reshape(-1), axis)


@dataclass(frozen=True, kw_only=True)
class QuantizeLinear(Operator):
    """Integers for numbers."""

    rounding: str = "float"

    @classmethod
    def from_onnx(cls, node):
        """A product, quantized, or numbers; of a constant its integers."""
        node.has_operands(2, 3)
        wanted, value = node.attributes.get("output_dtype", 0), node.operands[0]
        node.require(wanted in (0, *TYPES), "an output_dtype of whole numbers from 8 to 32 bits", wanted)
        scales = Scales.of(node, dtype=TYPES.get(wanted))
        if isinstance(value, Constant):
            return cls._constant(node, value.values, scales)
        tensor = scales.tensor(node.names[0], value.shape)
        if isinstance(value, Product) and value.is_integer and tensor.dtype != "int16" and tensor.scales.size == 1:
            return node.graph.quantized(value, tensor)
        value = node.graph.numbers(node, value, is_last=False if tensor.scales.size > 1 else None)
        index = node.graph.tensor(replace(tensor, shape=node.graph.tensors[value.index].shape))
        node.graph.add(cls(location=node.location, inputs=(value.index,), outputs=(index,)))
        return Value(index, value.shape, value.is_last)

    @staticmethod
    def _constant(node, array, scales):
        node.require(array.dtype == np.float32, "numbers of float32", array.dtype)
        node.require(scales.dtype.kind in "iu" and scales.dtype.itemsize <= 4, "integers of 8 to 32 bits", scales.dtype)
        factors, points = scales.spread(array.shape)
        limits = np.iinfo(scales.dtype)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            steps = array / factors
        node.require(bool(np.isfinite(steps).all()), "finite numbers of steps", "others")
        return Constant(float_layers.to_integers(steps, points, (limits.min, limits.max)).astype(scales.dtype))

    def check(self, rules):
        rules.require(rules.inputs[0].dtype == "float32", "an input of float32", rules.inputs[0].dtype)
        rules.has_shape(rules.inputs[0].shape)
        check_scales(rules, rules.output)

    def compute(self, context, x):
        scales, points = along(context.output)
        return float_layers.quantize(x, scales, points, QUANTIZED[context.output.dtype])


@dataclass(frozen=True, kw_only=True)
class DequantizeLinear(Operator):
    """Numbers for integers."""

    rounding: str = "float"

    @classmethod
    def from_onnx(cls, node):
        """A mark on integers with one scale, or on a constant."""
        node.has_operands(2, 3)
        value = node.operands[0]
        if isinstance(value, Constant):
            return cls._of_constant(node, value)
        node.require(isinstance(value, Value) and not value.dequantized and
                     node.graph.tensors[value.index].dtype != "float32", "integers", "numbers in floating point")
        return cls.of_activation(node, value, Scales.of(node, dtype=np.dtype(node.graph.tensors[value.index].dtype)))

    @staticmethod
    def _of_constant(node, value):
        """Integers, or floats of 4 or 8 bits as the integers that they are at a scale of their own."""
        kind = value.array.dtype.name
        node.require(value.scales is None and (value.array.dtype.kind in "iu" or value.array.dtype.itemsize == 1)
                     and kind in WIDER, f"integers of {', '.join(WIDER)}", value.array.dtype)
        scales = Scales.of(node)
        factors, points = scales.spread(value.shape)
        blocks = scales.blocks_of(value.shape)
        if kind not in FLOATS:
            return Constant(value.array.astype(WIDER[kind]), factors, points, blocks)
        element, codes = FLOATS[kind], value.array.view(np.uint8)
        node.require(not points.any() and bool((element.special[codes] == 0).all()),
                     "finite weights without zero points", "others")
        return Constant(element.integers[codes].astype(WIDER[kind]), factors * np.float32(2.0 ** -element.point),
                        points, blocks)

    @classmethod
    def of_activation(cls, node, value, scales):
        """Integers that are not constant, as numbers."""
        tensor = scales.tensor(node.names[0], value.shape)
        if tensor.scales.size == 1:
            return node.graph.at_scale(node, value, tensor)
        value = node.graph.in_layout(value, False)
        scaled = node.graph.at_scale(node, value, tensor)
        index = node.graph.floats(node.names[0], value.shape)
        node.graph.add(cls(location=node.location, inputs=(scaled.index,), outputs=(index,)))
        return Value(index, value.shape)

    def check(self, rules):
        x = rules.inputs[0]
        rules.require(x.dtype in QUANTIZED and rules.output.dtype == "float32", "integers before and float32 after it",
                      f"{x.dtype} and {rules.output.dtype}")
        check_scales(rules, x)
        rules.has_shape(x.shape)

    def compute(self, context, x):
        scales, points = along(context.inputs[0])
        return float_layers.dequantize(x, scales, points)


# Floats of 4 and 8 bits whose integers a macro can hold.
FLOATS = {"float4_e2m1fn": E2M1, "float8_e4m3fn": E4M3}
# Types of constant integers, and what holds them.
WIDER = {"float4_e2m1fn": np.int8, "float8_e4m3fn": np.int64,
         "int8": np.int8, "uint8": np.uint8, "int16": np.int16, "uint16": np.uint16, "int32": np.int32,
         "int4": np.int8, "uint4": np.uint8, "int2": np.int8, "uint2": np.uint8}

VERSIONS = (10, 13, 19, 21, 23, 24, 25)
READERS = (
    (OnnxForm("QuantizeLinear", VERSIONS, ("axis", "block_size", "output_dtype"),
              # Of eight-bit floats; and the type to divide in, which is that of the scale.
              {"saturate": (0, 1), "precision": (0, FLOAT)}), QuantizeLinear.from_onnx),
    (OnnxForm("DequantizeLinear", VERSIONS, ("axis", "block_size"), {"output_dtype": (0, FLOAT)}),
     DequantizeLinear.from_onnx),
    # Of 16 bits, before ONNX had them.
    (OnnxForm("QuantizeLinear", (1,), ("axis",), domain=MICROSOFT), QuantizeLinear.from_onnx),
    (OnnxForm("DequantizeLinear", (1,), ("axis",), domain=MICROSOFT), DequantizeLinear.from_onnx),
)
