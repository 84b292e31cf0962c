"""Pooling over windows, and over whole images."""

from abc import abstractmethod
from dataclasses import dataclass

from ....golden import layers
from ..network import NetworkError
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

    def compute(self, step, x):
        window = self.size, self.stride, self.padding
        y = self.pool(step, x.reshape(-1, *x.shape[-3:]), window, step.clamp(self.activation))
        return y.reshape(len(x), *step.output.shape)

    @abstractmethod
    def pool(self, step, images, window, clamp):
        """The kernel, of images (B, H, W, C)."""


@dataclass(frozen=True, kw_only=True)
class AveragePool2D(Pool2D):
    """The mean, rounded to nearest, halves away from zero."""

    tflite = (TfliteForm("AVERAGE_POOL_2D", 1, 1, "Pool2DOptions"),)

    def pool(self, step, images, window, clamp):
        return layers.average_pool(images, *window, clamp)


@dataclass(frozen=True, kw_only=True)
class MaxPool2D(Pool2D):
    """The maximum."""

    tflite = (TfliteForm("MAX_POOL_2D", 1, 1, "Pool2DOptions"),)

    def pool(self, step, images, window, clamp):
        return layers.max_pool(images, *window, clamp)


@dataclass(frozen=True, kw_only=True)
class Mean(Operator):
    """The mean over height and width of (batch, height, width, channels), at the scale of the output."""

    tflite = (TfliteForm("MEAN", 2, 2),)

    @classmethod
    def from_tflite(cls, node):
        rank = len(node.shape(0))
        axes = sorted(int(axis) % rank if rank else 0 for axis in node.parameter(1, 1))
        if rank != 4 or axes != [1, 2]:
            raise NetworkError(f"{node.place} must be over dimensions 1 and 2 of four, not {axes} of {rank}")
        return cls(**node.common)

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x, rules.output)
        rules.is_image(x)
        rules.require(x.shape[1] * x.shape[2] < 1 << 16, "fewer than 65536 pixels", x.shape[1] * x.shape[2])
        rules.factor(float(x.scale) / float(rules.output.scale), 2.0 ** 7)
        batch, channels = x.shape[0], x.shape[3]
        rules.require(rules.output.shape in ((batch, channels), (batch, 1, 1, channels)),
                      f"an output of shape {[batch, channels]} or {[batch, 1, 1, channels]}",
                      list(rules.output.shape))

    def compute(self, step, x):
        tensor, output = *step.inputs, step.output
        y = layers.mean(x.reshape(-1, *x.shape[-3:]), tensor.scale, tensor.zero_point, output.scale, output.zero_point,
                        step.clamp(), rounding=step.rounding)
        return y.reshape(len(x), *output.shape)
