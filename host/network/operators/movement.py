"""Operators that move elements and leave their values alone."""

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ....golden import float_layers, layers
from ....golden.layers import LIMITS
from ..network import MOST_ELEMENTS, QUANTIZED, NetworkError
from ..onnx_node import Constant, OnnxForm, Product, Value
from ..operator import Operator
from ..tflite_node import TfliteForm

# Of a concatenation.
MOST_JOINED = 1 << 10
# Which element of a dimension of some length stands at an index outside of it, by the mode of a Pad.
BORDERS = {
    "edge": lambda index, length: min(max(index, 0), length - 1),
    "reflect": lambda index, length: length - 1 - abs(length - 1 - abs(index)),
    "wrap": lambda index, length: index % length,
}


def moved(node, value, make, shape, move=None):
    """What a move of ``value`` to another shape gives in an ``.onnx`` file, all in the layout of the file.

    Integers that are dequantized are moved as integers. ``move`` is the same as a function of an array, for constants.
    """
    shape, graph = tuple(map(int, shape)), node.graph
    if isinstance(value, Constant):
        return value.moved(move)
    if isinstance(value, Product):
        value = graph.numbers(node, value)
    x = graph.in_layout(value, False)
    index = graph.like(x.index, node.names[0], shape)
    graph.add(make(place=node.place, inputs=(x.index,), outputs=(index,)))
    return replace(x, index=index, shape=shape)


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
    onnx = (OnnxForm("Pad", (2, 11, 13, 18, 19, 21, 23, 24, 25), ("mode", "pads", "value")),)

    @classmethod
    def from_tflite(cls, node):
        amounts = node.pairs(1)
        return cls(**node.common, amounts=amounts, value=node.fill)

    @classmethod
    def from_onnx(cls, node):
        """Padding with a constant, or with what is at the borders; what is less than 0 is cut off."""
        from .select import selected
        shape, mode = node.shape(0), node.text("mode", "constant")
        pairs = cls._onnx_pairs(node, shape)
        axes = range(len(shape))
        lengths = [range(-low, length + high) for (low, high), length in zip(pairs, shape)]
        if mode in BORDERS:
            node.require(mode != "wrap" or all(min(pair) >= 0 for pair in pairs), "amounts from 0 on with mode wrap",
                         pairs)
            node.require(mode != "reflect" or all(max(pair) < length for pair, length in zip(pairs, shape)),
                         "amounts below the length with mode reflect", pairs)
            chosen = {axis: [BORDERS[mode](index, shape[axis]) for index in lengths[axis]] for axis in axes}
            return selected(node, node.operands[0], chosen)
        node.require(mode == "constant", f"mode constant, {', '.join(BORDERS)}", mode)
        value = node.operands[0]
        if any(min(pair) < 0 for pair in pairs):
            value = selected(node, value, {axis: [index for index in lengths[axis] if 0 <= index < shape[axis]]
                                           for axis in axes})
            pairs = tuple(tuple(max(0, amount) for amount in pair) for pair in pairs)
        return cls._with(node, value, pairs)

    @staticmethod
    def _onnx_pairs(node, shape):
        node.has_operands(1 if node.version < 11 else 2, {2: 1, 11: 3, 13: 3}.get(node.version, 4))
        rank = len(shape)
        amounts = list(map(int, node.attributes.get("pads", ()))) if node.version < 11 else node.integers(1, "amounts")
        axes = tuple(range(rank)) if node.optional(3) is None else node.axes(3, rank)
        node.require(len(amounts) == 2 * len(axes), f"{2 * len(axes)} amounts", len(amounts))
        pairs = dict(zip(axes, zip(amounts[:len(axes)], amounts[len(axes):])))
        pairs = tuple(pairs.get(axis, (0, 0)) for axis in range(rank))
        most = max(1, MOST_ELEMENTS)
        node.require(all(abs(amount) <= most for pair in pairs for amount in pair) and
                     all(length + sum(pair) > 0 for length, pair in zip(shape, pairs)),
                     f"amounts up to {most} that leave something", pairs)
        return pairs

    @classmethod
    def _with(cls, node, value, pairs):
        """Padding with a number, which integers have as an integer or not at all."""
        graph = node.graph
        number = float(node.attributes.get("value", 0.0)) if node.version < 11 else (node.number(2, "a value") or 0.0)
        shape = [length + sum(pair) for length, pair in zip(value.shape, pairs)]
        node.require(math.prod(shape) <= MOST_ELEMENTS, f"at most {MOST_ELEMENTS} elements", shape)
        fill = number
        if isinstance(value, Value) and graph.tensors[value.index].dtype != "float32":
            tensor = graph.tensors[value.index]
            if value.dequantized:
                fill = int(float_layers.quantize(np.float32(number), tensor.scale, tensor.zero_point,
                                                 QUANTIZED[tensor.dtype]))
                if float_layers.dequantize(fill, tensor.scale, tensor.zero_point) != np.float32(number):
                    value, fill = graph.numbers(node, value), number
            else:
                fill = int(number)
        return moved(node, value, partial(cls, amounts=pairs, value=fill), shape,
                     lambda array: np.pad(array, pairs, constant_values=array.dtype.type(number)))

    def check(self, rules):
        x, amounts = rules.inputs[0], self.amounts
        rules.alike(x, rules.output)
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
    onnx = (OnnxForm("Concat", (4, 11, 13), ("axis",)),)
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
        """Of integers at one scale, or of numbers."""
        node.has_operands(1, MOST_JOINED)
        operands, graph = node.operands, node.graph
        shapes = [tuple(operand.shape) for operand in operands]
        axis = node.axis(int(node.attributes["axis"]), len(shapes[0]))
        node.require(len({(*shape[:axis], None, *shape[axis + 1:]) for shape in shapes}) == 1 and
                     {len(shape) for shape in shapes} == {len(shapes[0])}, "operands that differ along one dimension",
                     shapes[:8])
        if all(isinstance(operand, Constant) for operand in operands):
            return cls._of_constants(node, operands, axis)
        values = [graph.in_layout(operand, False) for operand in operands if isinstance(operand, Value)]
        tensors = [graph.tensors[value.index] for value in values]
        kinds = {(tensor.dtype, *tensor.scales.tolist(), *tensor.zero_points.tolist(), value.dequantized)
                 for tensor, value in zip(tensors, values)}
        if len(values) < len(operands) or len(kinds) > 1:
            values = [graph.numbers(node, operand, is_last=False) for operand in operands]
        shape = (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1:])
        index = graph.like(values[0].index, node.names[0], shape)
        graph.add(cls(place=node.place, inputs=tuple(value.index for value in values), outputs=(index,), axis=axis))
        return replace(values[0], index=index, shape=shape)

    @staticmethod
    def _of_constants(node, operands, axis):
        if all(operand.scales is None for operand in operands):
            return Constant(np.concatenate([operand.array for operand in operands], axis=axis))
        node.require(all(operand.scales is not None for operand in operands) and
                     len({operand.array.dtype for operand in operands}) == 1, "constants of one kind",
                     sorted({str(operand.array.dtype) for operand in operands}))
        whole = [[np.broadcast_to(values, operand.shape) for values in (operand.array, operand.scales,
                                                                       operand.zero_points)] for operand in operands]
        return Constant(*(np.concatenate(parts, axis=axis) for parts in zip(*whole)))

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
    onnx = (OnnxForm("Reshape", (5, 13, 14, 19, 21, 23, 24, 25), ("allowzero",)),
            OnnxForm("Flatten", (9, 11, 13, 21, 23, 24, 25), ("axis",)),
            OnnxForm("Squeeze", (1, 11, 13, 21, 23, 24, 25), ("axes",)),
            OnnxForm("Unsqueeze", (1, 11, 13, 21, 23, 24, 25), ("axes",)),
            OnnxForm("Identity", (1, 13, 14, 16, 19, 21, 23, 24, 25)))
    moves = True

    @classmethod
    def from_tflite(cls, node):
        del node.inputs[1:]
        return cls(**node.common)

    @classmethod
    def from_onnx(cls, node):
        if node.kind == "Identity":
            node.has_operands(1, 1)
            return node.operands[0]
        shape = node.shape(0)
        wanted = {"Reshape": cls._reshaped, "Flatten": cls._flat, "Squeeze": cls._squeezed,
                  "Unsqueeze": cls._unsqueezed}[node.kind](node, shape)
        node.require(min(wanted, default=1) >= 0 and math.prod(wanted) == math.prod(shape),
                     f"an output of {math.prod(shape)} elements", list(wanted))
        return moved(node, node.operands[0], cls, wanted, lambda array: array.reshape(wanted))

    @staticmethod
    def _reshaped(node, shape):
        node.has_operands(2, 2)
        wanted = node.integers(1, "dimensions")
        if not node.attributes.get("allowzero"):
            node.require(all(length or axis < len(shape) for axis, length in enumerate(wanted)),
                         f"zeros within {len(shape)} dimensions", wanted)
            wanted = [length or shape[axis] for axis, length in enumerate(wanted)]
        known = math.prod(length for length in wanted if length != -1)
        return [math.prod(shape) // max(1, known) if length == -1 else length for length in wanted]

    @staticmethod
    def _flat(node, shape):
        node.has_operands(1, 1)
        axis = int(node.attributes.get("axis", 1))
        axis = axis if axis == len(shape) else node.axis(axis, len(shape))
        return [math.prod(shape[:axis]), math.prod(shape[axis:])]

    @staticmethod
    def _squeezed(node, shape):
        node.has_operands(1, 1 if node.version < 13 else 2)
        axes = node.axes(1, len(shape))
        axes = [axis for axis, length in enumerate(shape) if length == 1] if axes is None else axes
        node.require(all(shape[axis] == 1 for axis in axes), "axes of length 1", list(axes))
        return [length for axis, length in enumerate(shape) if axis not in axes]

    @staticmethod
    def _unsqueezed(node, shape):
        node.has_operands(*(1, 1) if node.version < 13 else (2, 2))
        count = node.attributes.get("axes") or node.integers(1, "axes")
        axes = node.axes(1, len(shape) + len(count))
        lengths = iter(shape)
        return [1 if axis in axes else next(lengths) for axis in range(len(shape) + len(axes))]

    def check(self, rules):
        check_elements(rules)

    def compute(self, step, x):
        return x.reshape(len(x), *step.output.shape)


@dataclass(frozen=True, kw_only=True)
class Transpose(Operator):
    """Dimension ``k`` of the output is dimension ``permutation[k]`` of the input."""

    permutation: tuple

    tflite = (TfliteForm("TRANSPOSE", 2, 2),)
    onnx = (OnnxForm("Transpose", (1, 13, 21, 23, 24, 25), ("perm",)),)
    moves = True

    @classmethod
    def from_tflite(cls, node):
        permutation = tuple(map(int, node.parameter(1, 1)))
        return cls(permutation=permutation, **node.common)

    @classmethod
    def from_onnx(cls, node):
        node.has_operands(1, 1)
        shape = node.shape(0)
        permutation = tuple(map(int, node.attributes.get("perm", tuple(reversed(range(len(shape)))))))
        node.require(sorted(permutation) == list(range(len(shape))), "a permutation", permutation)
        return moved(node, node.operands[0], partial(cls, permutation=permutation),
                     [shape[axis] for axis in permutation], lambda array: array.transpose(permutation))

    def check(self, rules):
        check_elements(rules, self.permutation)

    def compute(self, step, x):
        return x.transpose(0, *(axis + 1 for axis in self.permutation))
