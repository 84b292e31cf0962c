"""Softmax."""

from dataclasses import dataclass

from ....golden.kernels.softmax import softmax_8bit, softmax_int16
from ..network import QUANTIZED
from ..operator import Operator
from ..tflite_node import TfliteForm


@dataclass(frozen=True, kw_only=True)
class Softmax(Operator):
    """Over the last dimension, of ``beta`` times the values."""

    beta: float = 1.0

    tflite = (TfliteForm("SOFTMAX", 1, 1, "SoftmaxOptions"),)

    @classmethod
    def from_tflite(cls, node):
        node.require(node.runtime == "litert-2.3" or node.dtype(0) != "int16", "int8 with the runtime tflm", "int16")
        return cls(**node.common, beta=float(node.options.Beta()), rounding=node.rounding())

    def check(self, rules):
        x, output = rules.inputs[0], rules.output
        rules.quantized(x)
        is_widened = self.rounding == "fixed" and x.dtype == "int8" and output.dtype == "int16"
        rules.quantized(output, dtypes=("int16",) if is_widened else (x.dtype,), free=is_widened)
        rules.require(len(x.shape) >= 1 and x.size > 0, "an input of one dimension or more", list(x.shape))
        rules.require(0 < self.beta < 1e4, "a beta from 0 to 10000", self.beta)
        low, high = QUANTIZED[output.dtype]
        scale, point = (2.0 ** -15, 0) if x.dtype == "int16" else (1 / (high - low + 1), low)
        # Of int16 some write 2**16 - 1 steps from 0 to 1.
        is_near = x.dtype == "int8" and output.dtype == "int16" and abs(output.scale * 65536 - 1) < 1e-4
        rules.require(output.zero_point == point and (output.scale == scale or is_near),
                      f"an output of scale {scale:g} and zero point {point}",
                      f"{output.scale:g} and {output.zero_point}")
        rules.has_shape(x.shape)

    def compute(self, context, x):
        tensor = context.inputs[0]
        if tensor.dtype == "int16":
            return softmax_int16(x, tensor.scale, self.beta)
        return softmax_8bit(x, tensor.scale, self.beta, context.clamp())
