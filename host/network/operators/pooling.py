"""Pooling over windows, and reductions of whole axes."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import partial

import numpy as np

from ....golden import float_layers, layers
from ..network import QUANTIZED
from ..onnx_node import Pending, Value
from ..operator import Operator
from ..tflite_node import TfliteForm
from ..window import check_window, onnx_window, tflite_window
from .movement import Reshape, moved


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

    @classmethod
    def onnx_fields(cls, node, *, is_global=False):
        """Fields but for place and output, shape of the images, and height and width of the output."""
        x = node.tensor(0, is_last=True)
        image = node.graph.tensors[x].shape
        node.require(len(image) == 4, "an image of four dimensions", len(image))
        attributes = {"kernel_shape": image[1:3]} if is_global else node.attributes
        size = tuple(map(int, attributes.get("kernel_shape", ())))
        window, after = onnx_window(node, attributes, image, size)
        node.require(window.pop("dilation") == (1, 1), "no dilation", attributes.get("dilations"))
        return {"inputs": (x,), "size": size, "rounding": "float", **window}, image, after

    @property
    def keeps_scale(self):
        """The output has the scale and zero point of the input."""
        return True

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x, rules.output)
        if self.keeps_scale:
            rules.same_scale(x, rules.output)
        rules.require(all(a < b for pads, b in zip(self.padding, self.size) for a in pads),
                      "padding narrower than the window", self.padding)
        rules.has_shape((x.shape[0], *check_window(rules, self.size, self.stride, (1, 1), self.padding), x.shape[3]))

    def compute(self, step, x):
        window = self.size, self.stride, self.padding
        y = self.pool(step, x.reshape(-1, *x.shape[-3:]), window, step.clamp(self.activation))
        return y.reshape(len(x), *step.output.shape)

    @abstractmethod
    def pool(self, step, images, window, clamp):
        """The kernel, of images (B, H, W, C)."""


@dataclass(frozen=True, kw_only=True)
class AveragePool2D(Pool2D):
    """The mean, rounded to nearest, halves away from zero; with the rule ``"float"`` at the scale of the output."""

    tflite = (TfliteForm("AVERAGE_POOL_2D", 1, 1, "Pool2DOptions"),)
    onnx = ("AveragePool", "GlobalAveragePool")

    @classmethod
    def from_onnx(cls, node):
        return cls.pending(node, is_global=node.kind == "GlobalAveragePool")

    @classmethod
    def pending(cls, node, *, is_global):
        """The mean over windows or whole images."""
        fields, image, after = cls.onnx_fields(node, is_global=is_global)
        node.require(is_global or not node.attributes.get("count_include_pad") or
                     fields["padding"] == ((0, 0), (0, 0)), "count_include_pad 0", 1)
        return Pending(node.place, (image[0], image[3], *after), True, partial(cls, **fields))

    @property
    def keeps_scale(self):
        return self.rounding != "float"

    def pool(self, step, images, window, clamp):
        x, output = *step.inputs, step.output
        if self.rounding == "float":
            return float_layers.average_pool(images, *window, x.scale, x.zero_point, output.scale, output.zero_point,
                                             clamp)
        return layers.average_pool(images, *window, clamp)


@dataclass(frozen=True, kw_only=True)
class MaxPool2D(Pool2D):
    """The maximum."""

    tflite = (TfliteForm("MAX_POOL_2D", 1, 1, "Pool2DOptions"),)
    onnx = ("MaxPool",)

    @classmethod
    def from_onnx(cls, node):
        """Maxima, which need no quantizer: they are at the scale of the input."""
        fields, image, after = cls.onnx_fields(node)
        index = node.graph.like(fields["inputs"][0], node.names[0], (image[0], *after, image[3]))
        node.graph.operators.append(cls(place=node.place, outputs=(index,), **fields))
        return Value(index, (image[0], image[3], *after), True, True)

    def pool(self, step, images, window, clamp):
        return layers.max_pool(images, *window, clamp)


@dataclass(frozen=True, kw_only=True)
class Mean(Operator):
    """The mean over ``axes``, at the scale of the output; they go, or have length 1."""

    axes: tuple

    tflite = (TfliteForm("MEAN", 2, 2, "ReducerOptions"),)
    onnx = ("ReduceMean",)

    @classmethod
    def from_tflite(cls, node):
        rank = len(node.shape(0))
        axes = [int(axis) for axis in node.parameter(1, None).reshape(-1)]
        node.require(axes and all(-rank <= axis < rank for axis in axes), f"axes of {rank}", axes)
        return cls(**node.common, axes=tuple(sorted({axis % rank for axis in axes})))

    @classmethod
    def from_onnx(cls, node):
        """Average pooling of whole images, which is rounded as ONNX has it."""
        axes = node.attributes.get("axes") or node.integers(1, "axes")
        rank = len(node.operands[0].shape)
        node.require(rank == 4 and sorted(int(axis) % rank for axis in axes) == [2, 3],
                     "axes 2 and 3 of four", f"{list(axes)} of {rank}")
        pooled = AveragePool2D.pending(node, is_global=True)
        if node.attributes.get("keepdims", 1):
            return pooled
        return moved(node, pooled, Reshape, pooled.shape[:2])

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

    def compute(self, step, x):
        tensor, output = *step.inputs, step.output
        y = layers.mean(x, [axis + 1 for axis in self.axes], tensor.scale, tensor.zero_point, output.scale,
                        output.zero_point, step.clamp(), rounding=step.rounding)
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
        rules.require(x.dtype in ("float32", *QUANTIZED) and x.size > 0, "elements that are numbers",
                      f"{x.dtype} {list(x.shape)}")
        rules.require(rules.output.dtype in ("int32", "int64"), "an output of int32 or int64", rules.output.dtype)
        rules.has_shape(x.shape[:self.axis] + x.shape[self.axis + 1:])

    def compute(self, step, x):
        return self.function(x, axis=self.axis + 1).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class ArgMin(ArgMax):
    """The index of the least element along ``axis``."""

    tflite = (TfliteForm("ARG_MIN", 2, 2, "ArgMinOptions"),)
    function = staticmethod(np.argmin)
