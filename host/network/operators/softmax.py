"""Softmax."""

from dataclasses import dataclass

from ....golden.softmax import softmax_8bit, softmax_int16
from ..operator import Operator
from ..tflite_node import TfliteForm


@dataclass(frozen=True, kw_only=True)
class Softmax(Operator):
    """Over the last dimension, of ``beta`` times the values."""

    beta: float = 1.0

    tflite = (TfliteForm("SOFTMAX", 1, 1, "SoftmaxOptions"),)

    @classmethod
    def from_tflite(cls, node):
        return cls(**node.common, beta=float(node.options.Beta()))

    def check(self, rules):
        x, output = rules.inputs[0], rules.output
        rules.quantized(x, output)
        rules.require(len(x.shape) >= 1 and x.size > 0, "an input of one dimension or more", list(x.shape))
        rules.require(0 < self.beta < 1e4, "a beta from 0 to 10000", self.beta)
        rules.require(x.dtype == "int8" or output.scale == 2.0 ** -15, "an output of scale 2**-15 with int16",
                      float(output.scale))
        rules.has_shape(x.shape)

    def compute(self, step, x):
        tensor, output = *step.inputs, step.output
        if tensor.dtype == "int16":
            return softmax_int16(x, tensor.scale, self.beta)
        return softmax_8bit(x, tensor.scale, self.beta, step.clamp())
