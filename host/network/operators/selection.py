"""Elements of tensors of any kind, chosen by their index along each dimension, and tensors beside each other."""

from dataclasses import dataclass

import numpy as np

from ..network import DTYPES, MAX_ELEMENTS, NetworkError
from ..operator import Operator
from ..tflite_node import TfliteForm

# Bits of masks: one for each dimension that a slice names.
MAX_NAMED = 32


@dataclass(frozen=True, kw_only=True)
class Selection(Operator):
    """Each output has the elements that one of ``parts`` chooses: for each dimension of the input an array of indices.
    """

    parts: tuple
    shapes: tuple

    tflite = (TfliteForm("STRIDED_SLICE", 4, 4, "StridedSliceOptions"), TfliteForm("SLICE", 3, 3),
              TfliteForm("SPLIT", 2, 2, "SplitOptions"), TfliteForm("SPLIT_V", 3, 3, "SplitVOptions"),
              TfliteForm("UNPACK", 1, 1, "UnpackOptions"), TfliteForm("GATHER", 2, 2, "GatherOptions"),
              TfliteForm("TILE", 2, 2))
    max_outputs = 1 << 10
    moves = True

    @classmethod
    def from_tflite(cls, node):
        parts = {"STRIDED_SLICE": _strided_slice, "SLICE": _slice, "SPLIT": _split, "SPLIT_V": _split_sizes,
                 "UNPACK": _unpack, "GATHER": _gather, "TILE": _tile}[node.name](node)
        indices, shapes = zip(*parts)
        return cls(**node.common, parts=tuple(indices), shapes=tuple(map(tuple, shapes)))

    def check(self, rules):
        x = rules.inputs[0]
        rules.require(len(self.parts) == len(rules.outputs), f"{len(self.parts)} outputs", len(rules.outputs))
        for number, (part, shape, output) in enumerate(zip(self.parts, self.shapes, rules.outputs)):
            rules.same_kind(x, output)
            rules.require(len(part) == len(x.shape), f"{len(part)} dimensions", len(x.shape))
            rules.has_shape(shape, number)

    def compute(self, context, x):
        made = []
        for part, output in zip(self.parts, context.outputs):
            y = x
            for axis, chosen in enumerate(part, 1):
                if len(chosen) != x.shape[axis] or chosen != range(x.shape[axis]):
                    y = y.take(np.asarray(chosen, np.int64), axis=axis)
            made.append(y.reshape(len(x), *output.shape))
        return tuple(made)


def _axis(node, value, rank):
    """A dimension, counted from the first."""
    node.require(-rank <= value < rank, f"a dimension of {rank}", value)
    return int(value) % rank


def _whole(shape, **chosen):
    """Indices of all elements, but those chosen along some dimensions, by number with an underscore before it."""
    return tuple(chosen.get(f"_{axis}", range(length)) for axis, length in enumerate(shape))


def _along(shape, axis, chosen):
    """Indices of all elements, but along one dimension, and the shape that they make."""
    return _whole(shape, **{f"_{axis}": chosen}), (*shape[:axis], len(chosen), *shape[axis + 1:])


def _strided_slice(node):
    """As Python's slices have it; masks say which bounds are left out, and which dimensions go, come or stay."""
    shape, options = node.shape(0), node.options
    begin, end, strides = (node.parameter(1, 1) for _ in range(3))
    masks = {name: getattr(options, f"{name}Mask")() for name in ("Begin", "End", "Ellipsis", "NewAxis", "ShrinkAxis")}
    node.require(len(begin) == len(end) == len(strides) < MAX_NAMED and 0 not in strides,
                 "as many begins, ends and strides, none 0", f"{len(begin)}, {len(end)} and {strides.tolist()[:8]}")
    if options.Offset():
        end = begin + end
    keys = []
    for number, bounds in enumerate(zip(begin.tolist(), end.tolist(), strides.tolist())):
        has = {name: bool(mask >> number & 1) for name, mask in masks.items()}
        if has["Ellipsis"] or has["NewAxis"]:
            keys.append(Ellipsis if has["Ellipsis"] else None)
        elif has["ShrinkAxis"]:
            node.require(not has["Begin"] and bounds[2] > 0, "a begin and a stride above 0 where a dimension goes",
                         bounds)
            keys.append(bounds[0])
        else:
            keys.append(slice(None if has["Begin"] else bounds[0], None if has["End"] else bounds[1], bounds[2]))
    return [_indexed(node, shape, tuple(keys))]


def _indexed(node, shape, keys):
    """Indices and shape that Python's indexing with ``keys`` gives."""
    try:
        after = np.broadcast_to(np.int8(0), shape)[keys].shape
    except IndexError:
        raise NetworkError(f"{node.location} must have a slice within {list(shape)}, not {keys}") from None
    named = sum(key is not None and key is not Ellipsis for key in keys)
    # The reference kernel lets it take the place of a dimension that is named.
    node.require(Ellipsis not in keys or named < len(shape), "an ellipsis that stands for a dimension or more",
                 f"{named} other bounds of {len(shape)} dimensions")
    keys = keys if Ellipsis in keys else (*keys, Ellipsis)
    at = keys.index(Ellipsis)
    keys = [key for key in (*keys[:at], *[slice(None)] * (len(shape) - named), *keys[at + 1:]) if key is not None]
    chosen = [range(length)[key] for key, length in zip(keys, shape)]
    return tuple((index,) if isinstance(index, int) else index for index in chosen), after


def _slice(node):
    """Elements from ``begin`` on, ``size`` of them; all that are left for -1."""
    shape, size, begin = node.shape(0), node.parameter(2, 1), node.parameter(1, 1)
    node.require(len(begin) == len(size) == len(shape), f"{len(shape)} begins and sizes", f"{len(begin)}, {len(size)}")
    size = [length - first if count == -1 else count for first, count, length in zip(begin, size, shape)]
    node.require(all(first >= 0 and 0 <= count <= length - first for first, count, length in zip(begin, size, shape)),
                 f"a slice within {list(shape)}", f"{begin.tolist()}, {size}")
    return [(tuple(range(int(first), int(first + count)) for first, count in zip(begin, size)), tuple(map(int, size)))]


def _split(node):
    """Parts of one length."""
    axis, count = node.parameter(0, None), node.options.NumSplits()
    shape = node.shape(0)
    axis = _axis(node, int(axis.reshape(-1)[0]), len(shape))
    node.require(count >= 1 and shape[axis] % count == 0, f"{shape[axis]} elements in {count} parts", count)
    return _parts(shape, axis, [shape[axis] // count] * count)


def _split_sizes(node):
    """Parts of given lengths, one of which may be -1 for what is left."""
    axis, sizes, shape = node.parameter(2, None), node.parameter(1, 1).tolist(), node.shape(0)
    axis = _axis(node, int(axis.reshape(-1)[0]), len(shape))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = shape[axis] - sum(sizes) - 1
    node.require(sizes and min(sizes) >= 0 and sum(sizes) == shape[axis], f"parts of {shape[axis]} elements", sizes)
    return _parts(shape, axis, sizes)


def _parts(shape, axis, sizes):
    starts = np.cumsum([0, *sizes]).tolist()
    return [_along(shape, axis, range(start, start + size)) for start, size in zip(starts, sizes)]


def _unpack(node):
    """One output for each index of a dimension, which goes."""
    shape = node.shape(0)
    axis = _axis(node, node.options.Axis(), len(shape))
    node.require(node.options.Num() == shape[axis], f"{shape[axis]} outputs", node.options.Num())
    rest = shape[:axis] + shape[axis + 1:]
    return [(_along(shape, axis, (index,))[0], rest) for index in range(shape[axis])]


def _gather(node):
    """Indices along one dimension; those of a constant, whose dimensions take the place of that one."""
    shape, indices = node.shape(0), node.parameter(1, None)
    axis = _axis(node, node.options.Axis(), len(shape))
    node.require(node.options.BatchDims() == 0, "no batch dimensions", node.options.BatchDims())
    node.require(bool(((indices >= 0) & (indices < shape[axis])).all()), f"indices below {shape[axis]}",
                 indices.reshape(-1).tolist()[:8])
    whole, _ = _along(shape, axis, tuple(indices.reshape(-1).tolist()))
    return [(whole, (*shape[:axis], *indices.shape, *shape[axis + 1:]))]


def _tile(node):
    """Every dimension so often."""
    shape, counts = node.shape(0), node.parameter(1, 1).tolist()
    node.require(len(counts) == len(shape) and min(counts, default=1) >= 0, f"{len(shape)} counts", counts)
    after = [length * count for length, count in zip(shape, counts)]
    node.require(int(np.prod(after, dtype=object)) <= MAX_ELEMENTS, f"at most {MAX_ELEMENTS} elements", after)
    return [(tuple(tuple(range(length)) * count for length, count in zip(shape, counts)), tuple(after))]


@dataclass(frozen=True, kw_only=True)
class GatherNd(Operator):
    """Parts of the first input, each at the indices along its first dimensions that the second has."""

    tflite = (TfliteForm("GATHER_ND", 2, 2),)

    def check(self, rules):
        x, indices = rules.inputs
        rules.same_kind(x, rules.output)
        rules.require(indices.dtype in ("int32", "int64") and len(indices.shape) >= 1 and
                      1 <= indices.shape[-1] <= len(x.shape), "integer indices, at most one for each dimension",
                      f"{indices.dtype} {list(indices.shape)} of {list(x.shape)}")
        rules.has_shape((*indices.shape[:-1], *x.shape[indices.shape[-1]:]))

    def compute(self, context, x, indices):
        depth = indices.shape[-1]
        if (indices < 0).any() or (indices >= np.array(x.shape[1:depth + 1])).any():
            raise NetworkError(f"{self.location} must have indices within {list(x.shape[1:])}")
        runs = np.arange(len(x)).reshape(-1, *(1,) * (indices.ndim - 2))
        return x[(runs, *np.moveaxis(indices, -1, 0))]


@dataclass(frozen=True, kw_only=True)
class Pack(Operator):
    """Tensors of one shape beside each other along a new dimension ``axis``."""

    axis: int

    tflite = (TfliteForm("PACK", 1, 1 << 10, "PackOptions"),)
    moves = True

    @classmethod
    def from_tflite(cls, node):
        node.require(-1 not in node.inputs, "all its inputs", node.inputs)
        return cls(**node.common, axis=_axis(node, node.options.Axis(), len(node.shape(0)) + 1))

    def check(self, rules):
        shape = rules.inputs[0].shape
        rules.same_kind(*rules.inputs, rules.output)
        rules.require(all(tensor.shape == shape for tensor in rules.inputs), "operands of one shape",
                      [list(tensor.shape) for tensor in rules.inputs][:8])
        rules.has_shape((*shape[:self.axis], len(rules.inputs), *shape[self.axis:]))

    def compute(self, context, *values):
        return np.stack(values, axis=self.axis + 1)


@dataclass(frozen=True, kw_only=True)
class Cast(Operator):
    """Integers as those of another kind that has them all, or as float32, rounded to nearest."""

    dtype: str

    tflite = (TfliteForm("CAST", 1, 1),)
    moves = True

    @classmethod
    def from_tflite(cls, node):
        return cls(**node.common, dtype=node.tensors[node.outputs[0]].dtype)

    def check(self, rules):
        x, output = rules.inputs[0], rules.output
        fits = x.dtype in DTYPES and output.dtype in DTYPES and (
            output.dtype == "float32" or np.can_cast(DTYPES[x.dtype], DTYPES[output.dtype]))
        rules.require(fits, "an output that has all values of the input", f"{x.dtype} and {output.dtype}")
        rules.has_shape(x.shape)

    def compute(self, context, x):
        return x.astype(np.float32 if self.dtype == "float32" else np.int64)
