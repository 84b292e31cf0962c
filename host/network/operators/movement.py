"""Operators that move elements and leave their values alone."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ....golden import layers
from ....golden.layers import LIMITS
from ..network import NetworkError
from ..onnx_node import Constant, Pending, Value
from ..operator import Operator
from ..tflite_node import TfliteForm
from .rescale import Quantize


def moved(node, value, make, shape):
    """What a move of ``value`` to another shape, in the layout of the file, gives in an ``.onnx`` file.

    Elements of a quantized value are moved at its scale. Those of a pending one are moved after they are quantized,
    which is the same.
    """
    shape, graph = tuple(shape), node.graph
    if isinstance(value, Pending):
        def finish(place, outputs, activation):
            like = replace(graph.tensors[outputs[0]], name=value.place)
            before = graph.finish(value, like, value.activation if activation == "none" else activation)
            return make(place=place, inputs=(graph.in_layout(before, False).index,), outputs=outputs)

        return Pending(node.place, shape, False, finish, value.activation)
    x = graph.operand(node, value, is_last=False)
    index = graph.like(x, node.names[0], shape)
    graph.operators.append(make(place=node.place, inputs=(x,), outputs=(index,)))
    return Value(index, shape, False, True)


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

    tflite = (TfliteForm("PAD", 2, 2),)
    onnx = ("Pad",)

    @classmethod
    def from_tflite(cls, node):
        amounts = node.pairs(1)
        return cls(**node.common, amounts=amounts, value=node.fill)

    @classmethod
    def from_onnx(cls, node):
        """Padding with a constant that stands for zero."""
        amounts, attributes = node.integers(1, "amounts"), node.attributes
        shape, value = node.operands[0].shape, node.optional(2)
        node.require(attributes.get("mode", b"constant") == b"constant" and (
            value is None or (isinstance(value, Constant) and not value.values.any())), "mode constant with zeros",
            attributes.get("mode", value))
        node.require(len(amounts) == 2 * len(shape), f"{2 * len(shape)} amounts", len(amounts))
        pairs = tuple(zip(amounts[:len(shape)], amounts[len(shape):]))
        x = node.tensor(0, is_last=False)
        make = partial(cls, amounts=pairs, value=node.graph.tensors[x].zero_point)
        return moved(node, node.operands[0], make, [length + sum(pair) for length, pair in zip(shape, pairs)])

    def check(self, rules):
        x, amounts = rules.inputs[0], self.amounts
        rules.quantized(x, rules.output)
        rules.same_scale(x, rules.output)
        rules.require(len(amounts) == len(x.shape) and all(len(pair) == 2 and min(pair) >= 0 for pair in amounts),
                      f"{len(x.shape)} pairs of amounts from 0 on", amounts)
        rules.has_shape(length + sum(pair) for length, pair in zip(x.shape, amounts))

    def compute(self, step, x):
        return np.pad(x, ((0, 0), *self.amounts), constant_values=self.value)


@dataclass(frozen=True, kw_only=True)
class Concatenation(Operator):
    """Tensors of one scale, one after the other along ``axis``."""

    axis: int

    tflite = (TfliteForm("CONCATENATION", 1, 64, "ConcatenationOptions"),)
    onnx = ("Concat",)
    moves = True

    @classmethod
    def from_tflite(cls, node):
        if -1 in node.inputs:
            raise NetworkError(f"{node.place} must have all its inputs, not {node.inputs}")
        axis, rank = node.options.Axis(), len(node.shape(0))
        if node.activation != "none":
            raise NetworkError(f"{node.place} must have no activation, not {node.activation}")
        return cls(**node.common, axis=axis + rank if axis < 0 else axis)

    @classmethod
    def from_onnx(cls, node):
        """A concatenation, before which operands of other scales are brought to the output's."""
        axis, shapes, graph = int(node.attributes["axis"]), [operand.shape for operand in node.operands], node.graph
        axis += len(shapes[0]) if axis < 0 else 0
        inputs = [node.tensor(position, is_last=False) for position in range(len(shapes))]
        shape = (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1:])

        def make(place, outputs, activation):
            joined = []
            for index in inputs:
                scaled = graph.like(outputs[0], place, graph.tensors[index].shape)
                graph.operators.append(Quantize(place=place, inputs=(index,), outputs=(scaled,), rounding="float"))
                joined.append(scaled)
            node.require(activation == "none" and graph.tensors[outputs[0]].scales.size == 1, "no activation",
                         activation)
            return cls(place=place, inputs=tuple(joined), outputs=outputs, axis=axis)

        return Pending(node.place, shape, False, make)

    def check(self, rules):
        axis, shapes = self.axis, [tensor.shape for tensor in rules.inputs]
        is_integer = rules.output.dtype in ("int32", "int64", "float32")
        if is_integer:
            rules.same_kind(*rules.inputs, rules.output)
        else:
            rules.quantized(*rules.inputs, rules.output)
        if not is_integer and rules.output.dtype != "uint8":
            rules.same_scale(*rules.inputs, rules.output)
        rules.require(0 <= axis < len(shapes[0]) and
                      len({(*shape[:axis], *shape[axis + 1:]) for shape in shapes}) == 1,
                      "operands that differ along one dimension", [list(shape) for shape in shapes][:8])
        rules.has_shape((*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1:]))

    def compute(self, step, *values):
        if step.output.dtype == "uint8":
            output, clamp = step.output, LIMITS["uint8"]
            values = [layers.rescale_float32(x, tensor.scale, tensor.zero_point, output.scale, output.zero_point, clamp)
                      for x, tensor in zip(values, step.inputs)]
        return np.concatenate(values, axis=self.axis + 1)


@dataclass(frozen=True, kw_only=True)
class Reshape(Operator):
    """Other dimensions, the same elements."""

    tflite = (TfliteForm("RESHAPE", 1, 2, needed=1), TfliteForm("EXPAND_DIMS", 2, 2, needed=1),
              TfliteForm("SQUEEZE", 1, 1))
    moves = True
    onnx = ("Reshape", "Flatten")

    @classmethod
    def from_tflite(cls, node):
        del node.inputs[1:]
        return cls(**node.common)

    @classmethod
    def from_onnx(cls, node):
        shape = node.operands[0].shape
        size = int(np.prod(shape))
        if node.kind == "Flatten":
            axis = int(node.attributes.get("axis", 1))
            first = int(np.prod(shape[:axis]))
            wanted = [first, size // max(1, first)]
        else:
            wanted = [shape[axis] if length == 0 and axis < len(shape) else length
                      for axis, length in enumerate(node.integers(1, "dimensions"))]
            known = int(np.prod([length for length in wanted if length != -1]))
            wanted = [size // max(1, known) if length == -1 else length for length in wanted]
        return moved(node, node.operands[0], cls, wanted)

    def check(self, rules):
        check_elements(rules)

    def compute(self, step, x):
        return x.reshape(len(x), *step.output.shape)


@dataclass(frozen=True, kw_only=True)
class Transpose(Operator):
    """Dimension ``k`` of the output is dimension ``permutation[k]`` of the input."""

    permutation: tuple

    tflite = (TfliteForm("TRANSPOSE", 2, 2),)
    moves = True
    onnx = ("Transpose",)

    @classmethod
    def from_tflite(cls, node):
        permutation = tuple(map(int, node.parameter(1, 1)))
        return cls(permutation=permutation, **node.common)

    @classmethod
    def from_onnx(cls, node):
        shape = node.operands[0].shape
        permutation = tuple(map(int, node.attributes.get("perm", tuple(reversed(range(len(shape)))))))
        node.require(sorted(permutation) == list(range(len(shape))), "a permutation", permutation)
        return moved(node, node.operands[0], partial(cls, permutation=permutation),
                     [shape[axis] for axis in permutation])

    def check(self, rules):
        check_elements(rules, self.permutation)

    def compute(self, step, x):
        return x.transpose(0, *(axis + 1 for axis in self.permutation))
