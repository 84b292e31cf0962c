"""Moves of elements, of numbers as of integers."""

import math
from dataclasses import replace
from functools import partial

import numpy as np

from ....golden.kernels import float_layers
from ..network import MAX_ELEMENTS, QUANTIZED
from ..onnx_node import Constant, OnnxForm, Product, Value
from ..operators import Concatenation, Pad, Reshape, Selection, Transpose

# Of a concatenation, and of parts of a tensor.
MAX_JOINED = 1 << 10
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
    graph.add(make(location=node.location, inputs=(x.index,), outputs=(index,)))
    return replace(x, index=index, shape=shape)


def selected(node, value, indices, name=None):
    """What the indices of some axes, {axis: indices}, select of a value; constants and values alike."""
    shape = tuple(len(indices.get(axis, range(length))) for axis, length in enumerate(value.shape))
    node.fits(shape)
    whole = tuple(indices.get(axis, range(length)) for axis, length in enumerate(value.shape))

    def take(array):
        for axis, chosen in indices.items():
            array = array.take(chosen, axis=axis)
        return array

    node = node if name is None else node.like(names=(name,))
    return moved(node, value, partial(Selection, parts=(whole,), shapes=(shape,)), shape, take)


def read_pad(node):
    """Padding with a constant, or with what is at the borders; what is less than 0 is cut off."""
    shape, mode = node.shape(0), node.text("mode", "constant")
    pairs = _onnx_pairs(node, shape)
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
    return _padded(node, value, pairs)


def _onnx_pairs(node, shape):
    node.has_operands(1 if node.version < 11 else 2, {2: 1, 11: 3, 13: 3}.get(node.version, 4))
    rank = len(shape)
    amounts = list(map(int, node.attributes.get("pads", ()))) if node.version < 11 else node.integers(1, "amounts")
    axes = tuple(range(rank)) if node.optional(3) is None else node.axes(3, rank)
    node.require(len(amounts) == 2 * len(axes), f"{2 * len(axes)} amounts", len(amounts))
    pairs = dict(zip(axes, zip(amounts[:len(axes)], amounts[len(axes):])))
    pairs = tuple(pairs.get(axis, (0, 0)) for axis in range(rank))
    node.require(all(abs(amount) <= MAX_ELEMENTS for pair in pairs for amount in pair) and
                 all(length + sum(pair) > 0 for length, pair in zip(shape, pairs)),
                 f"amounts up to {MAX_ELEMENTS} that leave something", pairs)
    return pairs


def _padded(node, value, pairs):
    """Padding with a number, which integers have as an integer or not at all."""
    graph = node.graph
    number = float(node.attributes.get("value", 0.0)) if node.version < 11 else (node.number(2, "a value") or 0.0)
    shape = [length + sum(pair) for length, pair in zip(value.shape, pairs)]
    node.fits(shape)
    node.require(math.isfinite(number), "a finite value", number)
    fill = number
    if isinstance(value, Constant):
        value = Constant(value.values)
    if isinstance(value, Value) and graph.tensors[value.index].dtype != "float32":
        tensor = graph.tensors[value.index]
        if value.dequantized:
            fill = int(float_layers.quantize(np.float32(number), tensor.scale, tensor.zero_point,
                                             QUANTIZED[tensor.dtype]))
            if float_layers.dequantize(fill, tensor.scale, tensor.zero_point) != np.float32(number):
                value, fill = graph.numbers(node, value), number
        else:
            fill = int(number)
    return moved(node, value, partial(Pad, amounts=pairs, value=fill), shape,
                 lambda array: np.pad(array, pairs, constant_values=array.dtype.type(number)))


def read_concat(node):
    """Of integers at one scale, or of numbers."""
    node.has_operands(1, MAX_JOINED)
    operands, graph = node.operands, node.graph
    shapes = [node.shape(position) for position in range(len(operands))]
    node.require("axis" in node.attributes, "an axis", "none")
    axis = node.axis(int(node.attributes["axis"]), len(shapes[0]))
    node.require(len({(*shape[:axis], None, *shape[axis + 1:]) for shape in shapes}) == 1 and
                 {len(shape) for shape in shapes} == {len(shapes[0])}, "operands that differ along one dimension",
                 shapes[:8])
    shape = (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1:])
    node.fits(shape)
    if all(isinstance(operand, Constant) for operand in operands):
        return _of_constants(node, operands, axis)
    values = [graph.in_layout(operand, False) for operand in operands if isinstance(operand, Value)]
    tensors = [graph.tensors[value.index] for value in values]
    kinds = {(tensor.dtype, *tensor.scales.tolist(), *tensor.zero_points.tolist(), value.dequantized)
             for tensor, value in zip(tensors, values)}
    is_moved = any(tensor.dtype == "int16" and tensor.zero_points.any() for tensor in tensors)
    if len(values) < len(operands) or len(kinds) > 1 or is_moved:
        values = [graph.numbers(node, operand, is_last=False) for operand in operands]
    index = graph.like(values[0].index, node.names[0], shape)
    graph.add(Concatenation(location=node.location, inputs=tuple(value.index for value in values), outputs=(index,),
                            axis=axis))
    return replace(values[0], index=index, shape=shape)


def _of_constants(node, operands, axis):
    if all(operand.scales is None for operand in operands):
        return Constant(np.concatenate([operand.array for operand in operands], axis=axis))
    node.require(all(operand.scales is not None for operand in operands) and
                 len({operand.array.dtype for operand in operands}) == 1, "constants of one kind",
                 sorted({str(operand.array.dtype) for operand in operands}))
    whole = [[np.broadcast_to(values, operand.shape) for values in (operand.array, operand.scales,
                                                                   operand.zero_points)] for operand in operands]
    return Constant(*(np.concatenate(parts, axis=axis) for parts in zip(*whole)))


def read_reshape(node):
    if node.kind == "Identity":
        node.has_operands(1, 1)
        return node.operands[0]
    shape = node.shape(0)
    wanted = {"Reshape": _reshaped, "Flatten": _flat, "Squeeze": _squeezed,
              "Unsqueeze": _unsqueezed}[node.kind](node, shape)
    node.require(min(wanted, default=1) >= 0 and math.prod(wanted) == math.prod(shape),
                 f"an output of {math.prod(shape)} elements", list(wanted))
    return moved(node, node.operands[0], Reshape, wanted, lambda array: array.reshape(wanted))


def _reshaped(node, shape):
    node.has_operands(2, 2)
    wanted = node.integers(1, "dimensions")
    if not node.attributes.get("allowzero"):
        node.require(all(length or axis < len(shape) for axis, length in enumerate(wanted)),
                     f"zeros within {len(shape)} dimensions", wanted)
        wanted = [length or shape[axis] for axis, length in enumerate(wanted)]
    known = math.prod(length for length in wanted if length != -1)
    return [math.prod(shape) // max(1, known) if length == -1 else length for length in wanted]


def _flat(node, shape):
    node.has_operands(1, 1)
    axis = int(node.attributes.get("axis", 1))
    axis = axis if axis == len(shape) else node.axis(axis, len(shape))
    return [math.prod(shape[:axis]), math.prod(shape[axis:])]


def _squeezed(node, shape):
    node.has_operands(1, 1 if node.version < 13 else 2)
    axes = node.axes(1, len(shape))
    axes = [axis for axis, length in enumerate(shape) if length == 1] if axes is None else axes
    node.require(all(shape[axis] == 1 for axis in axes), "axes of length 1", list(axes))
    return [length for axis, length in enumerate(shape) if axis not in axes]


def _unsqueezed(node, shape):
    node.has_operands(*(1, 1) if node.version < 13 else (2, 2))
    count = node.attributes.get("axes") or node.integers(1, "axes")
    axes = node.axes(1, len(shape) + len(count))
    lengths = iter(shape)
    return [1 if axis in axes else next(lengths) for axis in range(len(shape) + len(axes))]


def read_transpose(node):
    node.has_operands(1, 1)
    shape = node.shape(0)
    permutation = tuple(map(int, node.attributes.get("perm", tuple(reversed(range(len(shape)))))))
    node.require(sorted(permutation) == list(range(len(shape))), "a permutation", permutation)
    return moved(node, node.operands[0], partial(Transpose, permutation=permutation),
                 [shape[axis] for axis in permutation], lambda array: array.transpose(permutation))


def read_slice(node):
    node.has_operands(3, 5)
    shape = node.shape(0)
    starts, ends = node.integers(1, "starts"), node.integers(2, "ends")
    axes = range(len(starts)) if node.optional(3) is None else node.axes(3, len(shape))
    steps = [1] * len(starts) if node.optional(4) is None else node.integers(4, "steps")
    node.require(len(starts) == len(ends) == len(axes) == len(steps) <= len(shape) and 0 not in steps,
                 "as many starts, ends, axes and steps, none 0",
                 f"{len(starts)}, {len(ends)}, {len(axes)} and {steps}")
    # Python's slices are ONNX's.
    chosen = {axis: range(shape[axis])[start:end:step]
              for start, end, axis, step in zip(starts, ends, axes, steps)}
    return selected(node, node.operands[0], chosen)


def read_split(node):
    node.has_operands(1, 1 if node.version < 13 else 2)
    shape, count = node.shape(0), len(node.names)
    axis = node.axis(int(node.attributes.get("axis", 0)), len(shape))
    length = shape[axis]
    parts = node.attributes.get("split") if node.version < 13 else (
        None if node.optional(1) is None else node.integers(1, "parts"))
    node.require(node.attributes.get("num_outputs", count) == count, f"{count} outputs",
                 node.attributes.get("num_outputs"))
    if parts is None:
        size = -(-length // count)
        node.require(node.version >= 18 or length % count == 0, f"a length of {count} parts", length)
        parts = [max(0, min(size, length - size * number)) for number in range(count)]
    node.require(len(parts) == count and sum(parts) == length and min(parts) > 0,
                 f"{count} parts of {length} elements", list(parts))
    starts = np.cumsum([0, *parts])
    return tuple(selected(node, node.operands[0], {axis: range(start, start + part)}, name)
                 for start, part, name in zip(starts.tolist(), map(int, parts), node.names))


def read_gather(node):
    node.has_operands(2, 2)
    shape, indices = node.shape(0), node.constant(1, "indices")
    axis = node.axis(int(node.attributes.get("axis", 0)), len(shape))
    node.require(indices.dtype.kind == "i" and bool(((-shape[axis] <= indices) & (indices < shape[axis])).all()),
                 f"indices below {shape[axis]}", indices.dtype)
    value = selected(node, node.operands[0], {axis: (indices.reshape(-1) % shape[axis]).tolist()})
    wanted = (*shape[:axis], *indices.shape, *shape[axis + 1:])
    return moved(node, value, Reshape, wanted, lambda array: array.reshape(wanted))


def read_blocks(node):
    """DepthToSpace and SpaceToDepth: channels as pixels of blocks, and the reverse."""
    node.has_operands(1, 1)
    size, shape, mode = int(node.attributes.get("blocksize", 0)), node.shape(0), node.text("mode", "DCR")
    node.require(len(shape) == 4 and size > 0 and mode in ("DCR", "CRD"),
                 "four dimensions, a blocksize from 1 on and mode DCR or CRD", f"{list(shape)}, {size}, {mode}")
    batch, channels, height, width = shape
    if node.kind == "SpaceToDepth":
        node.require(height % size == width % size == 0, f"whole blocks of {size}", [height, width])
        height, width = height // size, width // size
        cut, order = (batch, channels, height, size, width, size), (0, 3, 5, 1, 2, 4)
        after = (batch, channels * size * size, height, width)
    else:
        node.require(channels % size ** 2 == 0, f"channels in groups of {size ** 2}", channels)
        channels //= size ** 2
        cut, order = ((batch, size, size, channels, height, width), (0, 3, 4, 1, 5, 2)) if mode == "DCR" else (
            (batch, channels, size, size, height, width), (0, 1, 4, 2, 5, 3))
        after = (batch, channels, height * size, width * size)
    value = moved(node, node.operands[0], Reshape, cut, lambda array: array.reshape(cut))
    value = moved(node, value, partial(Transpose, permutation=order), [cut[axis] for axis in order],
                  lambda array: array.transpose(order))
    return moved(node, value, Reshape, after, lambda array: array.reshape(after))


def read_shape(node):
    """Lengths of dimensions, which are constant."""
    node.has_operands(1, 1)
    # Python's slices are ONNX's.
    lengths = node.shape(0)[node.attributes.get("start", 0):node.attributes.get("end")]
    return Constant(np.array(lengths, np.int64))


MOVED = (13, 21, 23, 24, 25)
READERS = (
    (OnnxForm("Pad", (2, 11, 13, 18, 19, 21, 23, 24, 25), ("mode", "pads", "value")), read_pad),
    (OnnxForm("Concat", (4, 11, 13), ("axis",)), read_concat),
    (OnnxForm("Reshape", (5, 13, 14, 19, 21, 23, 24, 25), ("allowzero",)), read_reshape),
    (OnnxForm("Flatten", (9, 11, *MOVED), ("axis",)), read_reshape),
    (OnnxForm("Squeeze", (1, 11, *MOVED), ("axes",)), read_reshape),
    (OnnxForm("Unsqueeze", (1, 11, *MOVED), ("axes",)), read_reshape),
    (OnnxForm("Identity", (1, 13, 14, 16, 19, 21, 23, 24, 25)), read_reshape),
    (OnnxForm("Transpose", (1, *MOVED), ("perm",)), read_transpose),
    (OnnxForm("Slice", (10, 11, 13)), read_slice),
    (OnnxForm("Split", (2, 11, 13, 18), ("axis", "split", "num_outputs"), max_outputs=MAX_JOINED), read_split),
    (OnnxForm("DepthToSpace", (1, 11, 13), ("blocksize", "mode")), read_blocks),
    (OnnxForm("SpaceToDepth", (1, 13), ("blocksize",)), read_blocks),
    (OnnxForm("Shape", (1, 13, 15, 19, 21, 23, 24, 25), ("start", "end")), read_shape),
    (OnnxForm("Gather", (1, 11, 13), ("axis",)), read_gather),
)
