"""Arithmetic of two tensors, element by element."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from ....golden.kernels import layers
from ..operator import Operator, of_rank
from ..tflite_node import TfliteForm
from .numbers import KINDS, Numbers


@dataclass(frozen=True, kw_only=True)
class Arithmetic(Operator):
    """Two tensors that broadcast."""

    activation: str = "none"

    @classmethod
    def from_tflite(cls, node):
        """What is not quantized is another operator."""
        return Numbers.from_tflite(node) if node.dtype(0) in KINDS else cls.from_quantized(node)

    @classmethod
    def from_quantized(cls, node):
        """The operator in a `TfliteNode` of quantized operands."""
        return cls(**node.common, activation=node.activation)

    def check(self, rules):
        a, b = rules.inputs
        rules.quantized(a, b, rules.output)
        try:
            shape = np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            shape = None
        rules.require(shape is not None, "operands that broadcast", f"{list(a.shape)} and {list(b.shape)}")
        rules.has_shape(shape)
        self.check_factor(rules, a, b, rules.output)

    @abstractmethod
    def check_factor(self, rules, a, b, output):
        """The rescaling factor of tensors is in range."""

    def compute(self, context, a, b):
        output = context.output
        a, b = (of_rank(values, len(output.shape)) for values in (a, b))
        return self.kernel(context, a, b, [tensor.scale for tensor in context.inputs],
                           [tensor.zero_point for tensor in context.inputs], output.scale, output.zero_point,
                           context.clamp(self.activation))

    @staticmethod
    @abstractmethod
    def kernel(context, *arguments):
        """The kernel, whose rounding rule is the context's."""


@dataclass(frozen=True, kw_only=True)
class Add(Arithmetic):
    """The sum."""

    tflite = (TfliteForm("ADD", 2, 2, "AddOptions"),)
    sign = 1

    @classmethod
    def from_quantized(cls, node):
        scales = [scale for index in (*node.inputs, node.outputs[0]) for scale in node.tensors[index].scales]
        has_powers = all(np.frexp(scale)[0] == 0.5 for scale in scales)
        is_shift = node.dtype(0) == "int16" and node.options.PotScaleInt16() and has_powers
        return cls(**node.common, activation=node.activation,
                   rounding=node.rounding("int16, powers" if is_shift else None))

    def check_factor(self, rules, a, b, output):
        if self.rounding == "shift":
            rules.require(output.scale in (a.scale, b.scale) and output.scale >= max(a.scale, b.scale),
                          "an output of the greater of two scales that are powers of two",
                          f"{a.scale:g}, {b.scale:g} and {output.scale:g}")
            rules.require(self.sign == -1 or a.shape == b.shape,
                          "operands of one shape, which the runtime needs with scales that are powers of two",
                          f"{list(a.shape)} and {list(b.shape)}")
            return
        left = 15 if a.dtype == "int16" else 20
        rules.factor(2.0 * max(a.scale, b.scale) / ((1 << left) * float(output.scale)), 1.0)

    @classmethod
    def kernel(cls, context, a, b, scales, zero_points, output_scale, output_zero_point, clamp):
        if context.rounding == "shift":
            return layers.add_shifted(a, b, scales, output_scale, clamp, sign=cls.sign)
        return layers.add(a, b, scales, zero_points, output_scale, output_zero_point, clamp, context.output.dtype,
                          sign=cls.sign, rounding=context.rounding)


@dataclass(frozen=True, kw_only=True)
class Sub(Add):
    """The difference."""

    tflite = (TfliteForm("SUB", 2, 2, "SubOptions"),)
    sign = -1


@dataclass(frozen=True, kw_only=True)
class Mul(Arithmetic):
    """The product."""

    tflite = (TfliteForm("MUL", 2, 2, "MulOptions"),)

    def check_factor(self, rules, a, b, output):
        rules.factor(float(a.scale) * float(b.scale) / float(output.scale))

    @staticmethod
    def kernel(context, *arguments):
        return layers.multiply(*arguments, rounding=context.rounding)


@dataclass(frozen=True, kw_only=True)
class Maximum(Arithmetic):
    """The greater of two values of one scale."""

    tflite = (TfliteForm("MAXIMUM", 2, 2),)
    function = staticmethod(np.maximum)

    @classmethod
    def from_quantized(cls, node):
        return cls(**node.common)

    def check_factor(self, rules, a, b, output):
        rules.same_scale(a, b, output)

    @classmethod
    def kernel(cls, context, a, b, *_):
        return cls.function(a, b)


@dataclass(frozen=True, kw_only=True)
class Minimum(Maximum):
    """The lesser of two values of one scale."""

    tflite = (TfliteForm("MINIMUM", 2, 2),)
    function = staticmethod(np.minimum)
