"""Pooling over windows, and reductions of whole axes."""

import math
from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from ....golden.kernels import layers
from ..operator import Operator
from ..tflite_node import TfliteForm
from ..window import check_window, tflite_window


@dataclass(frozen=True, kw_only=True)
class Pool2D(Operator):
    """A window of ``size`` (height, width); pixels of the padding do not count."""

    size: tuple
    stride: tuple
    padding: tuple
    activation: str = "none"

    @classmethod
    def from_tflite(cls, node):
        size = node.options.FilterHeight(), node.options.FilterWidth()
        window = tflite_window(node, size)
        return cls(**node.common, activation=node.activation, size=size, **window)

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x, rules.output)
        rules.same_scale(x, rules.output)
        rules.require(all(a < b for pads, b in zip(self.padding, self.size) for a in pads),
                      "padding narrower than the window", self.padding)
        rules.has_shape((x.shape[0], *check_window(rules, self.size, self.stride, (1, 1), self.padding), x.shape[3]))

    def compute(self, context, x):
        window = self.size, self.stride, self.padding
        y = self.pool(context, x.reshape(-1, *x.shape[-3:]), window, context.clamp(self.activation))
        return y.reshape(len(x), *context.output.shape)

    @abstractmethod
    def pool(self, context, images, window, clamp):
        """The kernel, of images (B, H, W, C)."""


@dataclass(frozen=True, kw_only=True)
class AveragePool2D(Pool2D):
    """The mean, rounded to nearest, halves away from zero."""

    tflite = (TfliteForm("AVERAGE_POOL_2D", 1, 1, "Pool2DOptions"),)

    def pool(self, context, images, window, clamp):
        return layers.average_pool(images, *window, clamp)


@dataclass(frozen=True, kw_only=True)
class MaxPool2D(Pool2D):
    """The maximum."""

    tflite = (TfliteForm("MAX_POOL_2D", 1, 1, "Pool2DOptions"),)

    def pool(self, context, images, window, clamp):
        return layers.max_pool(images, *window, clamp)


@dataclass(frozen=True, kw_only=True)
class Mean(Operator):
    """The mean over ``axes``, at the scale of the output; they go, or have length 1."""

    axes: tuple

    tflite = (TfliteForm("MEAN", 2, 2, "ReducerOptions"),)

    @classmethod
    def from_tflite(cls, node):
        rank = len(node.shape(0))
        axes = [int(axis) for axis in node.parameter(1, None).reshape(-1)]
        node.require(axes and all(-rank <= axis < rank for axis in axes), f"axes of {rank}", axes)
        return cls(**node.common, axes=tuple(sorted({axis % rank for axis in axes})))

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x, rules.output)
        count = math.prod(x.shape[axis] for axis in self.axes)
        rules.require(0 < count < 1 << 16 and x.size > 0, "a mean of 1 to 65535 elements", count)
        rules.factor(float(x.scale) / float(rules.output.scale), 2.0 ** 7)
        kept = [1 if axis in self.axes else length for axis, length in enumerate(x.shape)]
        gone = [length for axis, length in enumerate(x.shape) if axis not in self.axes]
        rules.require(list(rules.output.shape) in (gone, kept), f"an output of shape {gone} or {kept}",
                      list(rules.output.shape))

    def compute(self, context, x):
        tensor, output = *context.inputs, context.output
        y = layers.mean(x, [axis + 1 for axis in self.axes], tensor.scale, tensor.zero_point, output.scale,
                        output.zero_point, context.clamp(), rounding=context.rounding)
        return y.reshape(len(x), *output.shape)


@dataclass(frozen=True, kw_only=True)
class ArgMax(Operator):
    """The index of the greatest element along ``axis``, which goes; the first of several."""

    axis: int

    tflite = (TfliteForm("ARG_MAX", 2, 2, "ArgMaxOptions"),)
    function = staticmethod(np.argmax)

    @classmethod
    def from_tflite(cls, node):
        axes, rank = node.parameter(1, None).reshape(-1), len(node.shape(0))
        node.require(axes.size == 1 and -rank <= axes[0] < rank, f"one axis of {rank}", axes.tolist()[:8])
        return cls(**node.common, axis=int(axes[0]) % rank)

    def check(self, rules):
        x = rules.inputs[0]
        kinds = "float32", "int8", "uint8"
        rules.require(x.dtype in kinds and x.size > 0, f"elements of {', '.join(kinds)}", f"{x.dtype} {list(x.shape)}")
        rules.require(rules.output.dtype in ("int32", "int64"), "an output of int32 or int64", rules.output.dtype)
        rules.has_shape(x.shape[:self.axis] + x.shape[self.axis + 1:])

    def compute(self, context, x):
        return self.function(x, axis=self.axis + 1).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class ArgMin(ArgMax):
    """The index of the least element along ``axis``."""

    tflite = (TfliteForm("ARG_MIN", 2, 2, "ArgMinOptions"),)
    function = staticmethod(np.argmin)
