"""Operators that move elements and leave their values alone."""

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

    tflite = (TfliteForm("RESHAPE", 1, 2, needed=1), TfliteForm("EXPAND_DIMS", 2, 2, needed=1),
              TfliteForm("SQUEEZE", 1, 1))
    moves = True

    @classmethod
    def from_tflite(cls, node):
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
