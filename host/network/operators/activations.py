"""Functions of one tensor, element by element."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from ....golden.kernels import activations, layers
from ..network import QUANTIZED
from ..operator import Operator, of_rank
from ..tflite_node import TfliteForm

WITHIN_INT32 = 2.0 ** 31


@dataclass(frozen=True, kw_only=True)
class Elementwise(Operator):
    """A function of one quantized tensor."""

    @classmethod
    def from_tflite(cls, node):
        return cls(**node.common, rounding=node.rounding())

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x, rules.output)
        rules.has_shape(x.shape)
        self.check_scales(rules, x, rules.output)

    @abstractmethod
    def check_scales(self, rules, x, output):
        """Scales and zero points are those that the kernel takes."""

    @staticmethod
    def arguments(context):
        """Scales and zero points of input and output, and the limits of the output."""
        x, output = context.inputs[0], context.output
        return x.scale, x.zero_point, output.scale, output.zero_point, context.clamp()


@dataclass(frozen=True, kw_only=True)
class Logistic(Elementwise):
    """``1 / (1 + exp(-x))``, from 0 to almost 1."""

    tflite = (TfliteForm("LOGISTIC", 1, 1),)
    function = "logistic"

    def check_scales(self, rules, x, output):
        scale = {"int16": 2.0 ** -15}.get(x.dtype, 1 / 256)
        low = {"int16": 0}.get(x.dtype, QUANTIZED[x.dtype][0])
        rules.require((output.scale, output.zero_point) == (scale, low),
                      f"an output of scale {scale:g} and zero point {low}", f"{output.scale:g} and {output.zero_point}")
        self.check_input(rules, x)

    def check_input(self, rules, x):
        """The input's scale is in range."""
        if x.dtype == "int16":
            multiplier, _ = activations.multiplier_16bit(self.function, x.scale)
            rules.require(multiplier << 15 < WITHIN_INT32, "an input of a scale below 5", float(x.scale))
        if self.rounding == "fixed":
            rules.require(x.dtype == "int8" and 2.0 ** -27 <= x.scale < 16, "int8 of a scale below 16",
                          f"{x.dtype} of {x.scale:g}")

    def compute(self, context, x):
        tensor = context.inputs[0]
        if tensor.dtype == "int16":
            return activations.function_16bit(self.function, x, tensor.scale)
        if self.rounding == "fixed":
            return activations.fixed_8bit(self.function, x, tensor.scale, tensor.zero_point)
        return activations.table_8bit(self.function, *self.arguments(context))[x - QUANTIZED[tensor.dtype][0]]


@dataclass(frozen=True, kw_only=True)
class Tanh(Logistic):
    """The hyperbolic tangent, from -1 to 1."""

    tflite = (TfliteForm("TANH", 1, 1),)
    function = "tanh"

    def check_scales(self, rules, x, output):
        if x.dtype == "int16" or self.rounding == "fixed":
            scale = 2.0 ** -15 if x.dtype == "int16" else 2.0 ** -7
            rules.require((output.scale, output.zero_point) == (scale, 0),
                          f"an output of scale {scale:g} and zero point 0",
                          f"{output.scale:g} and {output.zero_point}")
        self.check_input(rules, x)


@dataclass(frozen=True, kw_only=True)
class LeakyRelu(Elementwise):
    """``x``, or ``alpha * x`` where that is negative; ``precision`` is that in which scales are divided."""

    alpha: float
    precision: type = np.float32

    tflite = (TfliteForm("LEAKY_RELU", 1, 1, "LeakyReluOptions"),)

    @classmethod
    def from_tflite(cls, node):
        return cls(**node.common, alpha=float(node.options.Alpha()), rounding=node.rounding(),
                   precision=node.precision)

    def check_scales(self, rules, x, output):
        rules.require(np.isfinite(self.alpha), "a finite alpha", self.alpha)
        rules.factor(float(x.scale) * max(1.0, abs(self.alpha)) / float(output.scale), 2.0 ** 14)

    def compute(self, context, x):
        return activations.leaky_relu(x, self.alpha, *self.arguments(context), precision=self.precision)


@dataclass(frozen=True, kw_only=True)
class Prelu(Operator):
    """``x``, or ``alpha * x`` where that is negative; alpha, the second input, broadcasts."""

    tflite = (TfliteForm("PRELU", 2, 2),)

    @classmethod
    def from_tflite(cls, node):
        node.require(node.runtime == "litert-2.3" or node.dtype(0) != "int16", "int8 with the runtime tflm", "int16")
        return cls(**node.common)

    def check(self, rules):
        x, alpha = rules.inputs
        rules.quantized(x, rules.output)
        # Of an alpha of int16 the runtime reads bytes.
        rules.quantized(alpha, dtypes=("uint8",) if x.dtype == "uint8" else ("int8",))
        rules.require(len(alpha.shape) <= len(x.shape) and all(
            length in (1, size) for length, size in zip(alpha.shape[::-1], x.shape[::-1])),
            f"an alpha that broadcasts to {list(x.shape)}", list(alpha.shape))
        ratio = float(x.scale) / float(rules.output.scale)
        rules.factor(ratio, 2.0 ** 14)
        # Products of up to 24 bits are shifted to the left before they are scaled.
        rules.factor(ratio * float(alpha.scale), 2.0 ** 6)
        rules.has_shape(x.shape)

    def compute(self, context, x, alpha):
        first, second = context.inputs
        return activations.prelu(x, of_rank(alpha, x.ndim - 1), (first.scale, second.scale),
                                 (first.zero_point, second.zero_point), context.output.scale, context.output.zero_point,
                                 context.clamp())


@dataclass(frozen=True, kw_only=True)
class HardSwish(Elementwise):
    """``x * clip(x + 3, 0, 6) / 6``."""

    tflite = (TfliteForm("HARD_SWISH", 1, 1),)

    def check_scales(self, rules, x, output):
        rules.require(x.dtype != "int16", "operands of int8 or uint8", x.dtype)
        rules.factor(float(x.scale) / float(output.scale), 127.0)

    def compute(self, context, x):
        return activations.hard_swish(x, *self.arguments(context))


@dataclass(frozen=True, kw_only=True)
class L2Normalization(Elementwise):
    """Vectors along the last dimension over their lengths."""

    tflite = (TfliteForm("L2_NORMALIZATION", 1, 1, "L2NormOptions"),)

    @classmethod
    def from_tflite(cls, node):
        node.require(node.activation == "none", "no activation", node.activation)
        return cls(**node.common, rounding=node.rounding())

    def check_scales(self, rules, x, output):
        point = 128 if x.dtype == "uint8" else 0
        rules.require(x.dtype != "int16" and len(x.shape) >= 1 and 0 < x.shape[-1] < 1 << 15,
                      "vectors of int8 or uint8 of 1 to 32767 elements", f"{x.dtype} {list(x.shape)}")
        rules.require((output.scale, output.zero_point) == (2.0 ** -7, point),
                      f"an output of scale {2.0 ** -7:g} and zero point {point}",
                      f"{output.scale:g} and {output.zero_point}")

    def compute(self, context, x):
        tensor = context.inputs[0]
        return activations.l2_normalize(x, tensor.zero_point, tensor.dtype)


@dataclass(frozen=True, kw_only=True)
class Abs(Elementwise):
    """The magnitude; ``precision`` is that in which scales are divided."""

    precision: type = np.float32

    tflite = (TfliteForm("ABS", 1, 1),)

    @classmethod
    def from_tflite(cls, node):
        return cls(**node.common, rounding=node.rounding(), precision=node.precision)

    def check_scales(self, rules, x, output):
        rules.require(x.dtype != "uint8", "operands of int8 or int16", x.dtype)
        rules.factor(float(x.scale) / float(output.scale), 2.0 ** 14)

    def compute(self, context, x):
        scale, zero_point, output_scale, output_zero_point, clamp = self.arguments(context)
        return layers.rescale(np.abs(x - zero_point), scale, 0, output_scale, output_zero_point, clamp,
                              rounding=self.rounding, precision=self.precision)
