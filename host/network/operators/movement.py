"""Operators that move elements and leave their values alone."""

import math
from dataclasses import dataclass

import numpy as np

from ....golden.kernels import layers
from ....golden.kernels.layers import LIMITS
from ..network import QUANTIZED, NetworkError
from ..operator import Operator
from ..tflite_node import TfliteForm


def check_elements(rules, permutation=None):
    """The output has the elements of the input, and if they are permuted the shape that this gives."""
    x = rules.inputs[0]
    rules.require(x.dtype == rules.output.dtype, f"an output of {x.dtype}", rules.output.dtype)
    if permutation is not None:
        rules.require(sorted(permutation) == list(range(len(x.shape))), "a permutation of its dimensions", permutation)
        rules.has_shape(x.shape[axis] for axis in permutation)
    rules.require(x.size == rules.output.size, f"an output of {x.size} elements", rules.output.size)


def squeezed(node, shape):
    """A shape without the dimensions of length 1 that the options say, or all such."""
    axes = node.options.SqueezeDimsAsNumpy() if node.options else 0
    if isinstance(axes, int) or not len(axes):
        return tuple(length for length in shape if length != 1)
    node.require(all(-len(shape) <= axis < len(shape) and shape[axis] == 1 for axis in axes),
                 f"squeeze_dims of dimensions of length 1 of {list(shape)}", axes.tolist()[:8])
    gone = {axis % len(shape) for axis in axes.tolist()}
    return tuple(length for axis, length in enumerate(shape) if axis not in gone)


def expanded(node, shape):
    """A shape with a dimension of length 1 more, where a constant operand says."""
    said, rank = node.tensors[node.inputs[1]].data, len(shape) + 1
    if said is None or said.size != 1:
        return None
    axis = int(said.reshape(-1)[0])
    node.require(-rank <= axis < rank, f"an axis from {-rank} to {rank - 1}", axis)
    return (*shape[:axis % rank], 1, *shape[axis % rank:])


def reshaped(node, shape):
    """The shape that an operand or the options say, in which one length may be left out; None if none says any.

    tflite-micro takes that of the output.
    """
    if node.runtime == "tflm":
        return None
    operand = node.tensors[node.inputs[1]] if len(node.inputs) > 1 and node.inputs[1] >= 0 else None
    has_operand = operand is not None and operand.dtype == "int32" and len(operand.shape) == 1
    said = operand.data if has_operand else node.options.NewShapeAsNumpy() if node.options else None
    # The schema's library gives 0 where options say none.
    if said is None or isinstance(said, int):
        return None
    said = said.tolist()
    if said == [0] and not has_operand:
        # What old files say of a scalar.
        return ()
    node.require(said.count(-1) <= 1 and min(said, default=0) >= -1, "one length of -1 at most", said[:8])
    rest = math.prod(length for length in said if length != -1)
    return tuple(math.prod(shape) // max(1, rest) if length == -1 else length for length in said)


# The shape that the runtime gives an output, or None, by kind of operator.
SHAPES = {"SQUEEZE": squeezed, "EXPAND_DIMS": expanded, "RESHAPE": reshaped}


@dataclass(frozen=True, kw_only=True)
class Pad(Operator):
    """``amounts`` (before, after) of every dimension, filled with ``value``."""

    amounts: tuple
    value: int

    tflite = (TfliteForm("PAD", 2, 2), TfliteForm("PADV2", 3, 3))

    @classmethod
    def from_tflite(cls, node):
        fill = node.fill
        if node.name == "PADV2":
            value, output = node.tensors[node.inputs.pop(2)], node.tensors[node.outputs[0]]
            node.require(value.data is not None and value.size == 1 and value.dtype == output.dtype in QUANTIZED and
                         value.scales.tolist() == output.scales.tolist() and
                         value.zero_points.tolist() == output.zero_points.tolist(),
                         "one constant value of the output's scale and zero point", value.dtype)
            fill = int(value.data.reshape(-1)[0])
        amounts = node.pairs(1)
        return cls(**node.common, amounts=amounts, value=fill)

    def check(self, rules):
        x, amounts = rules.inputs[0], self.amounts
        rules.alike(x, rules.output)
        rules.require(len(amounts) == len(x.shape) and all(len(pair) == 2 and min(pair) >= 0 for pair in amounts),
                      f"{len(x.shape)} pairs of amounts from 0 on", amounts)
        rules.has_shape(length + sum(pair) for length, pair in zip(x.shape, amounts))

    def compute(self, context, x):
        return np.pad(x, ((0, 0), *self.amounts), constant_values=self.value)


@dataclass(frozen=True, kw_only=True)
class Concatenation(Operator):
    """Tensors of one scale, one after the other along ``axis``."""

    axis: int

    tflite = (TfliteForm("CONCATENATION", 1, 64, "ConcatenationOptions"),)
    moves = True

    @classmethod
    def from_tflite(cls, node):
        if -1 in node.inputs:
            raise NetworkError(f"{node.location} must have all its inputs, not {node.inputs}")
        axis, rank = node.options.Axis(), len(node.shape(0))
        if node.activation != "none":
            raise NetworkError(f"{node.location} must have no activation, not {node.activation}")
        return cls(**node.common, axis=axis + rank if axis < 0 else axis)

    def check(self, rules):
        axis, shapes = self.axis, [tensor.shape for tensor in rules.inputs]
        if rules.output.dtype not in QUANTIZED:
            rules.same_kind(*rules.inputs, rules.output)
        else:
            rules.quantized(*rules.inputs, rules.output)
            if rules.output.dtype == "uint8":
                rules.factor([float(tensor.scale) / float(rules.output.scale) for tensor in rules.inputs], 2.0 ** 20)
                rules.factor(1 / float(rules.output.scale), 2.0 ** 126)
            else:
                rules.same_scale(*rules.inputs, rules.output)
        rules.require(0 <= axis < len(shapes[0]) and
                      len({(*shape[:axis], *shape[axis + 1:]) for shape in shapes}) == 1,
                      "operands that differ along one dimension", [list(shape) for shape in shapes][:8])
        rules.has_shape((*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1:]))

    def compute(self, context, *values):
        if context.output.dtype == "uint8":
            output, clamp = context.output, LIMITS["uint8"]
            values = [layers.rescale_float32(x, tensor.scale, tensor.zero_point, output.scale, output.zero_point, clamp)
                      for x, tensor in zip(values, context.inputs)]
        return np.concatenate(values, axis=self.axis + 1)


@dataclass(frozen=True, kw_only=True)
class Reshape(Operator):
    """Other dimensions, the same elements."""

    tflite = (TfliteForm("RESHAPE", 1, 2, "ReshapeOptions", needed=1, may_lack_options=True),
              TfliteForm("EXPAND_DIMS", 2, 2, needed=1),
              TfliteForm("SQUEEZE", 1, 1, "SqueezeOptions", may_lack_options=True))
    moves = True

    @classmethod
    def from_tflite(cls, node):
        x, output = node.tensors[node.inputs[0]], node.tensors[node.outputs[0]]
        # The runtime makes a shape of its own of what the file says; with open lengths a file may say any.
        wanted = None if x.is_open or output.is_open else SHAPES[node.name](node, x.shape)
        node.require(wanted in (None, output.shape), f"an output of {list(wanted or ())}", list(output.shape))
        del node.inputs[1:]
        return cls(**node.common)

    def check(self, rules):
        check_elements(rules)

    def compute(self, context, x):
        return x.reshape(len(x), *context.output.shape)


@dataclass(frozen=True, kw_only=True)
class Transpose(Operator):
    """Dimension ``k`` of the output is dimension ``permutation[k]`` of the input."""

    permutation: tuple

    tflite = (TfliteForm("TRANSPOSE", 2, 2),)
    moves = True

    @classmethod
    def from_tflite(cls, node):
        permutation = tuple(map(int, node.parameter(1, 1)))
        return cls(permutation=permutation, **node.common)

    def check(self, rules):
        check_elements(rules, self.permutation)

    def compute(self, context, x):
        return x.transpose(0, *(axis + 1 for axis in self.permutation))
