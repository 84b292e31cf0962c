"""Products with weights in blocks of rows that each have a scale and a zero point, as `MatMulNBits` has them too."""

import math
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from ....golden.kernels import layers
from ....golden.kernels.float_blocks import join_blocks, quantize_blocks
from ..grouped_convolution import GroupedConvolution
from ..matrix_operator import MatrixOperator
from ..network import Tensor
from ..onnx_node import MICROSOFT, Constant, OnnxForm, Value
from ..operator import Operator

# Rows of a block at least: of fewer there is nothing to add up.
MIN_BLOCK = 2
# What a weight less its zero point may be: that of float8 is an integer of 19 bits.
LIMIT = 1 << 19
# The least of a runtime's levels at which it computes with integers, and its zero point of 4 bits.
INTEGERS, ZERO_POINT = 4, 8
# No zero point of 4 bits is more: a runtime may add up products with codes as they are, and correct by zero points.
LARGEST_POINT = 16


@dataclass(frozen=True, kw_only=True)
class BlockSums(MatrixOperator):
    """The sum of each block: a convolution of one pixel with a group for each block.

    ``inputs`` are steps (rows, blocks * block) and weights (blocks * outputs, block).
    """

    blocks: int

    def convolution(self, tensors):
        x, weights = (tensors[index] for index in self.inputs[:2])
        return GroupedConvolution(weights.data[:, None, None], (x.shape[0], 1, 1, x.shape[1]), groups=self.blocks)

    def multiply(self, values, weights):
        block = weights.shape[1]
        parts = values.reshape(-1, self.blocks, block)
        matrices = weights.reshape(self.blocks, -1, block)
        return np.stack([layers.mvm(matrix.T, parts[:, number]) for number, matrix in enumerate(matrices)], axis=1)

    def check(self, rules):
        """What there is to check is checked by the operator whose part it is."""


@dataclass(frozen=True, kw_only=True)
class BlockMatMul(Operator):
    """``inputs`` are activations (..., depth), and a bias in floating point or none.

    Those are integers that are dequantized, or, where it is dynamic, numbers that are quantized by block here.
    """

    part: BlockSums
    scales: np.ndarray = field(compare=False)
    is_dynamic: bool = False
    rounding: str = "float"

    @property
    def products(self):
        return (self.part,)

    def check(self, rules):
        x, part = rules.inputs[0], rules.tensors[self.part.inputs[1]]
        if not self.is_dynamic:
            rules.quantized(x, free=True)
        rules.require(bool(np.isfinite(self.scales).all()), "finite scales of blocks", "others")
        rules.require(bool((np.abs(part.data.astype(np.int64)) < LIMIT).all()),
                      f"weights less their zero points below {LIMIT}", int(np.abs(part.data.astype(np.int64)).max()))
        rules.has_shape((*x.shape[:-1], self.scales.shape[1]))

    def _steps(self, context, x):
        """Integers (N, rows, blocks * block) as the array gets them, and the scale of each block or of all."""
        first = context.tensors[self.part.inputs[0]]
        rows = x.reshape(len(x), *first.shape[:1], -1)
        fill = first.shape[1] - rows.shape[2]
        padding = ((0, 0), (0, 0), (0, fill))
        if not self.is_dynamic:
            return np.pad(rows, padding, constant_values=first.zero_point), first.scale
        steps, scales = quantize_blocks(np.pad(rows, padding), first.shape[1] // self.part.blocks)
        return steps, scales[..., None]

    def compute(self, context, x, bias=None):
        steps, scale = self._steps(context, x)
        sums = context.part(self.part).accumulators(steps)
        y = join_blocks(sums.reshape(*steps.shape[:2], *self.scales.shape), scale, self.scales)
        y = y if bias is None else y + bias.reshape(len(bias), 1, -1)
        return y.reshape(len(x), *context.output.shape)

    def slack(self, context, x, bias=None):
        """What a runtime loses in another order, by as many additions as it rounds: those of integers it does not.

        Errors of additions have either sign: of so many, about the square root of their number is left.
        """
        steps, scale = self._steps(context, x)
        matrix = np.abs(context.tensors[self.part.inputs[1]].data.astype(np.int64))
        values = np.abs(steps - context.tensors[self.part.inputs[0]].zero_point)
        if self.is_dynamic:
            # What vector lanes have of a block is rounded, and so is what zero points add: any of it may cancel.
            rounded, matrix = math.sqrt(self.part.blocks) + 4, matrix + LARGEST_POINT
        else:
            rounded = 4 * math.sqrt(steps.shape[2]) + 8
        sums = self.part.multiply(values, matrix).reshape(*steps.shape[:2], *self.scales.shape)
        sizes = (sums * np.abs(np.asarray(scale, np.float64) * self.scales)).sum(axis=2)
        if bias is not None:
            sizes = sizes + np.abs(bias.reshape(len(bias), 1, -1))
        return (rounded * 2.0 ** -24 * sizes).reshape(len(x), *context.output.shape)


def in_blocks(node, value, axis):
    """How many rows of constant weights share scales and zero points; 0 unless they are in blocks along ``axis``.

    Eight-bit floats, the only ones of int64, always are: in one block, where scales are for all rows.
    """
    if not isinstance(value, Constant) or value.scales is None or value.array.ndim != 2 or (
            value.array.dtype not in (np.int8, np.uint8, np.int64)):
        return 0
    told = [value.scales, value.zero_points] + ([] if value.blocks is None else [value.blocks])
    spread = [np.moveaxis(np.broadcast_to(values, value.shape), axis, 0) for values in told]
    changes = {number + 1 for values in spread for number in np.flatnonzero((values[1:] != values[:-1]).any(axis=1))}
    if not changes and value.array.dtype != np.int64:
        return 0
    block = reduce(math.gcd, changes, 0) or value.shape[axis]
    node.require(block >= min(MIN_BLOCK, value.shape[axis]),
                 "a scale and a zero point for each output channel, or for blocks of at least two rows", "others")
    return block


def read_blocks(node, axis, block):
    """A product whose weights are in blocks of so many rows, those along ``axis``."""
    graph, value = node.graph, node.operands[1]
    x = graph.integers(node, node.operands[0], is_last=False)
    depth = value.shape[axis]
    spread = [np.moveaxis(np.broadcast_to(values, value.shape), axis, 0)
              for values in (value.array, value.zero_points, value.scales)]
    steps = spread[0].astype(np.int64) - spread[1]
    return _product(node, x, graph.tensors[x].shape, steps, np.ascontiguousarray(spread[2][::block]), block,
                    depth=depth, bias=2)


def read_nbits(node):
    """MatMulNBits: activations in floating point become integers by block, as its accuracy level 4 has it."""
    graph, attributes = node.graph, node.attributes
    node.has_operands(3, 6)
    depth, outputs, block = (int(attributes.get(name, 0)) for name in ("K", "N", "block_size"))
    node.require(depth > 0 and outputs > 0 and block >= 16 and block & (block - 1) == 0,
                 "K, N and a block_size that is a power of two from 16 on", f"{depth}, {outputs} and {block}")
    node.require(node.optional(4) is None, "no g_idx", "one")
    node.fits((outputs, -(-depth // block) * block))
    steps, scales = _packed(node, -(-depth // block), outputs, block)
    value = node.operands[0]
    is_integer = isinstance(value, Value) and value.dequantized
    is_dynamic = not is_integer or attributes.get("accuracy_level", 0) == INTEGERS
    node.require(not is_dynamic or attributes.get("accuracy_level", 0) == INTEGERS,
                 f"accuracy_level {INTEGERS}, or integers that are dequantized before it", "numbers in floating point")
    if is_dynamic:
        value = graph.numbers(node, value, is_last=False)
        return _product(node, value.index, value.shape, steps[:depth], scales, block, depth=depth, bias=5,
                        is_dynamic=True)
    x = graph.integers(node, value, is_last=False)
    return _product(node, x, graph.tensors[x].shape, steps[:depth], scales, block, depth=depth, bias=5)


def _packed(node, blocks, outputs, block):
    """Weights less zero points (blocks * block, outputs) and scales (blocks, outputs) of a MatMulNBits."""
    data, scales = node.constant(1, "weights"), node.constant(2, "scales")
    node.require(data.dtype == np.uint8 and data.size == outputs * blocks * block // 2,
                 f"weights of {outputs} x {blocks} x {block // 2} uint8", f"{data.dtype} {list(data.shape)}")
    node.require(scales.dtype == np.float32 and scales.size == outputs * blocks,
                 f"scales of {outputs} x {blocks} float32", f"{scales.dtype} {list(scales.shape)}")
    points = np.full((outputs, blocks), ZERO_POINT)
    if node.optional(3) is not None:
        packed, width = node.constant(3, "zero points"), -(-blocks // 2)
        node.require(packed.dtype == np.uint8 and packed.size == outputs * width,
                     f"zero points of {outputs} x {width} uint8", f"{packed.dtype} {list(packed.shape)}")
        points = _nibbles(packed.reshape(outputs, width))[:, :blocks]
    steps = _nibbles(data.reshape(outputs, blocks, block // 2)) - points[..., None]
    return steps.reshape(outputs, -1).T, np.ascontiguousarray(scales.reshape(outputs, blocks).T)


def _nibbles(packed):
    """Two numbers of 4 bits for each byte, the lower one first, int64."""
    low_high = np.stack([packed & 15, packed >> 4], axis=-1).astype(np.int64)
    return low_high.reshape(*packed.shape[:-1], -1)


def _product(node, x, shape, steps, scales, block, *, depth, bias, is_dynamic=False):
    """The `Value` of activations, tensor ``x``, times weights (depth, outputs) with scales (blocks, outputs).

    ``bias`` is the position of an operand.
    """
    graph, (blocks, outputs) = node.graph, scales.shape
    node.require(len(shape) >= 1 and shape[-1] == depth, "operands that fit", f"{list(shape)} and {[depth, outputs]}")
    padded = np.zeros((blocks * block, outputs), np.int64)
    padded[:depth] = steps
    rows, like = math.prod(shape[:-1]), graph.tensors[x]
    # Those of eight-bit floats need more bits.
    kind = "int8" if steps.min(initial=0) >= -128 and steps.max(initial=0) <= 127 else "int32"
    data = np.ascontiguousarray(padded.reshape(blocks, block, outputs).transpose(0, 2, 1)).astype(kind)
    data = data.reshape(-1, block)
    scale = (np.ones(1, np.float32), np.zeros(1, np.int64)) if is_dynamic else (like.scales, like.zero_points)
    first = graph.tensor(Tensor(like.name, (rows, blocks * block), "int8" if is_dynamic else like.dtype, *scale))
    matrix = graph.tensor(Tensor(f"{node.location}, blocks", data.shape, kind, data=data))
    sums = graph.tensor(Tensor(f"{node.location}, sums", (rows, blocks * outputs), "int32"))
    part = BlockSums(location=node.location, inputs=(first, matrix, -1), outputs=(sums,), blocks=blocks)
    inputs = (x,)
    if node.optional(bias) is not None:
        data = node.constant(bias, "a bias")
        node.require(data.dtype == np.float32 and data.size == outputs and bool(np.isfinite(data).all()),
                     f"a bias of {outputs} finite float32", f"{data.dtype} {list(data.shape)}")
        inputs = (x, graph.tensor(Tensor(f"{node.location}, bias", (outputs,), "float32", data=data.reshape(-1))))
    index = graph.floats(node.names[0], (*shape[:-1], outputs))
    graph.add(BlockMatMul(location=node.location, inputs=inputs, outputs=(index,), part=part, scales=scales,
                          is_dynamic=is_dynamic))
    return Value(index, (*shape[:-1], outputs))


READERS = (
    (OnnxForm("MatMulNBits", (1,), ("K", "N", "block_size", "accuracy_level"), {"bits": 4, "weight_prepacked": 0},
              domain=MICROSOFT), read_nbits),
)
