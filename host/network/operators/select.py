"""Elements of a tensor by their index along each dimension: slices, parts, borders, the nearest pixel."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..network import MOST_ELEMENTS
from ..onnx_node import OnnxForm
from ..operator import Operator
from .movement import Reshape, moved


def selected(node, value, indices, name=None):
    """What the indices of some axes, {axis: indices}, select of a value; constants and values alike."""
    shape = tuple(len(indices[axis]) if axis in indices else length for axis, length in enumerate(value.shape))
    node.require(int(np.prod(shape, dtype=object)) <= MOST_ELEMENTS, f"at most {MOST_ELEMENTS} elements", list(shape))
    whole = tuple(tuple(map(int, indices[axis])) if axis in indices else None for axis in range(len(shape)))

    def take(array):
        for axis, chosen in enumerate(whole):
            array = array if chosen is None else array.take(chosen, axis=axis)
        return array

    node = node if name is None else node.like(names=(name,))
    return moved(node, value, partial(Select, indices=whole), shape, take)


@dataclass(frozen=True, kw_only=True)
class Select(Operator):
    """``indices`` of each dimension, or None for all."""

    indices: tuple

    onnx = (OnnxForm("Slice", (10, 11, 13)), OnnxForm("Split", (2, 11, 13, 18), ("axis", "split", "num_outputs"),
                                                      most_outputs=1 << 10),
            OnnxForm("Gather", (1, 11, 13), ("axis",)))

    @classmethod
    def from_onnx(cls, node):
        return {"Slice": cls._slice, "Split": cls._split, "Gather": cls._gather}[node.kind](node)

    @staticmethod
    def _slice(node):
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

    @staticmethod
    def _split(node):
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

    @staticmethod
    def _gather(node):
        node.has_operands(2, 2)
        shape, indices = node.shape(0), node.constant(1, "indices")
        axis = node.axis(int(node.attributes.get("axis", 0)), len(shape))
        node.require(indices.dtype.kind == "i" and bool(((-shape[axis] <= indices) & (indices < shape[axis])).all()),
                     f"indices below {shape[axis]}", indices.dtype)
        value = selected(node, node.operands[0], {axis: (indices.reshape(-1) % shape[axis]).tolist()})
        wanted = (*shape[:axis], *indices.shape, *shape[axis + 1:])
        return moved(node, value, Reshape, wanted, lambda array: array.reshape(wanted))

    def check(self, rules):
        x = rules.inputs[0]
        rules.alike(x, rules.output)
        rules.require(len(self.indices) == len(x.shape), f"indices of {len(x.shape)} dimensions", len(self.indices))
        rules.has_shape(length if chosen is None else len(chosen) for length, chosen in zip(x.shape, self.indices))

    def compute(self, step, x):
        for axis, chosen in enumerate(self.indices, 1):
            x = x if chosen is None else x.take(chosen, axis=axis)
        return x
