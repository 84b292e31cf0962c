"""Resizing of images, as ONNX defines it."""

import math
from dataclasses import dataclass

import numpy as np

from ....golden.kernels import float_resize
from ..network import MAX_ELEMENTS
from ..onnx_node import OnnxForm, Value
from ..operator import Operator
from .means import check_floats
from .moves import selected

# Opset 10 has only these.
OLD = {"coordinate_transformation_mode": b"asymmetric", "nearest_mode": b"floor"}
MAX_LENGTH = 1 << 16


@dataclass(frozen=True)
class Sizes:
    """What a Resize says of its dimensions: lengths before and after, and scales, float32."""

    before: tuple
    after: tuple
    scales: tuple

    @classmethod
    def of(cls, node):
        """By scales or by lengths; what is not named stays."""
        shape, is_old = node.shape(0), node.version < 11
        rank = len(shape)
        axes = tuple(node.axis(axis, rank) for axis in node.attributes.get("axes", range(rank)))
        scales, sizes = (cls._operand(node, position) for position in ((1, 3) if is_old else (2, 3)))
        node.require((scales is None) != (sizes is None), "scales or sizes", "both or none")
        node.require(len(scales if sizes is None else sizes) == len(axes), f"{len(axes)} scales or sizes",
                     len(scales if sizes is None else sizes))
        if sizes is None:
            node.require(scales.dtype == np.float32 and bool(np.isfinite(scales).all() and (scales > 0).all()),
                         "positive scales of float32", scales.tolist())
            wanted = {axis: int(np.float32(shape[axis]) * scale) for axis, scale in zip(axes, scales)}
            factors = dict(zip(axes, scales))
        else:
            wanted = dict(zip(axes, map(int, sizes)))
            factors = {axis: np.float32(length) / np.float32(shape[axis]) for axis, length in wanted.items()}
        after = tuple(wanted.get(axis, length) for axis, length in enumerate(shape))
        node.require(all(1 <= length <= MAX_LENGTH for length in after) and math.prod(after) <= MAX_ELEMENTS,
                     f"lengths from 1 to {MAX_LENGTH}, at most {MAX_ELEMENTS} elements", list(after))
        found = cls(shape, after, tuple(np.float32(factors.get(axis, 1)) for axis in range(rank)))
        # A runtime copies it then, which is not the definition.
        node.require(after != shape or set(found.scales) == {np.float32(1)}, "scales of 1 where no length changes",
                     [float(scale) for scale in found.scales])
        return found

    @staticmethod
    def _operand(node, position):
        value = node.optional(position)
        if value is None:
            return None
        array = node.constant(position, "scales and sizes")
        node.require(array.ndim == 1, "a list of scales or sizes", list(array.shape))
        return array if array.size else None


@dataclass(frozen=True, kw_only=True)
class FloatResize(Operator):
    """Images as images of height and width ``size``, linear between pixels; the nearest pixel is a `Selection`."""

    mode: str
    size: tuple
    scales: tuple
    rounding: str = "float"

    @classmethod
    def from_onnx(cls, node):
        node.has_operands(2 if node.version < 11 else 1, 2 if node.version < 11 else 4)
        attributes = {**(OLD if node.version < 11 else {}), **node.attributes}
        node = node.like(attributes=attributes)
        kind, mode = node.text("mode", "nearest"), node.text("coordinate_transformation_mode", "half_pixel")
        rounding = node.text("nearest_mode", "round_prefer_floor")
        node.require(kind in ("nearest", "linear"), "mode nearest or linear", kind)
        node.require(mode in float_resize.COORDINATES, f"a coordinate_transformation_mode of "
                     f"{', '.join(float_resize.COORDINATES)}", mode)
        sizes = Sizes.of(node)
        return cls._nearest(node, sizes, mode, rounding) if kind == "nearest" else cls._linear(node, sizes, mode)

    @staticmethod
    def _nearest(node, sizes, mode, rounding):
        node.require(rounding in float_resize.NEAREST, f"a nearest_mode of {', '.join(float_resize.NEAREST)}", rounding)
        chosen = {}
        for axis, (length, result, scale) in enumerate(zip(sizes.before, sizes.after, sizes.scales)):
            if scale != 1:
                node.require(not float_resize.is_left_open(mode, rounding, length, result, scale),
                             "scales whose rounding decides about no pixel", float(scale))
                chosen[axis] = float_resize.nearest(mode, rounding, length, result, scale).tolist()
        return selected(node, node.operands[0], chosen)

    @classmethod
    def _linear(cls, node, sizes, mode):
        node.require(len(sizes.before) == 4 and sizes.scales[:2] == (1, 1) and sizes.before[:2] == sizes.after[:2],
                     "images of four dimensions, with scales for height and width only", list(sizes.before))
        x = node.graph.numbers(node, node.operands[0], is_last=True)
        batch, channels, *size = sizes.after
        index = node.graph.floats(node.names[0], (batch, *size, channels))
        node.graph.add(cls(location=node.location, inputs=(x.index,), outputs=(index,), mode=mode, size=tuple(size),
                           scales=sizes.scales[2:]))
        return Value(index, sizes.after, True)

    def check(self, rules):
        check_floats(rules)
        x = rules.inputs[0]
        rules.is_image(x)
        rules.has_shape((x.shape[0], *self.size, x.shape[3]))

    def compute(self, context, x):
        y = float_resize.bilinear(x.reshape(-1, *x.shape[-3:]), self.mode, self.size, self.scales)
        return y.reshape(len(x), *context.output.shape)


READERS = (
    (OnnxForm("Resize", (10, 11, 13, 18, 19), ("axes", "coordinate_transformation_mode", "mode", "nearest_mode"),
              # The last two have a meaning for other modes only.
              {"antialias": 0, "keep_aspect_ratio_policy": b"stretch", "exclude_outside": 0,
               "extrapolation_value": 0.0, "cubic_coeff_a": -0.75}), FloatResize.from_onnx),
)
