"""Arithmetic of two tensors, element by element."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from ....golden import layers
from ..operator import Operator
from ..tflite_node import TfliteForm


@dataclass(frozen=True, kw_only=True)
class Arithmetic(Operator):
    """Two tensors that broadcast."""

    activation: str = "none"

    @classmethod
    def from_tflite(cls, node):
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

    def compute(self, step, a, b):
        output = step.output
        # Dimensions that are missing go behind the one of the runs.
        a, b = (values.reshape(len(values), *(1,) * (len(output.shape) + 1 - values.ndim), *values.shape[1:])
                for values in (a, b))
        return self.kernel(step, a, b, [tensor.scale for tensor in step.inputs],
                           [tensor.zero_point for tensor in step.inputs], output.scale, output.zero_point,
                           step.clamp(self.activation))

    @staticmethod
    @abstractmethod
    def kernel(step, *arguments):
        """The kernel, whose rounding rule is the step's."""


@dataclass(frozen=True, kw_only=True)
class Add(Arithmetic):
    """The sum."""

    tflite = (TfliteForm("ADD", 2, 2, "AddOptions"),)

    def check_factor(self, rules, a, b, output):
        left = 20 if a.dtype == "int8" else 15
        rules.factor(2.0 * max(a.scale, b.scale) / ((1 << left) * float(output.scale)), 1.0)

    @staticmethod
    def kernel(step, *arguments):
        return layers.add(*arguments, step.output.dtype, rounding=step.rounding)


@dataclass(frozen=True, kw_only=True)
class Mul(Arithmetic):
    """The product."""

    tflite = (TfliteForm("MUL", 2, 2, "MulOptions"),)

    def check_factor(self, rules, a, b, output):
        rules.factor(float(a.scale) * float(b.scale) / float(output.scale))

    @staticmethod
    def kernel(step, *arguments):
        return layers.multiply(*arguments, rounding=step.rounding)
