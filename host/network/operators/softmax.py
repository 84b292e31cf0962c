"""Softmax."""

from dataclasses import dataclass

from ....golden import float_layers
from ....golden.softmax import softmax_8bit, softmax_int16
from ..network import QUANTIZED
from ..onnx_node import Pending
from ..operator import Operator
from ..tflite_node import TfliteForm


@dataclass(frozen=True, kw_only=True)
class Softmax(Operator):
    """Over the last dimension, of ``beta`` times the values."""

    beta: float = 1.0

    tflite = (TfliteForm("SOFTMAX", 1, 1, "SoftmaxOptions"),)
    onnx = ("Softmax",)

    @classmethod
    def from_tflite(cls, node):
        return cls(**node.common, beta=float(node.options.Beta()), rounding=node.rounding())

    @classmethod
    def from_onnx(cls, node):
        shape, axis = node.operands[0].shape, node.attributes.get("axis")
        node.require(int(node.attributes.get("axis", -1)) in (-1, len(shape) - 1), "the last axis", axis)
        x = node.tensor(0, is_last=False)

        def make(place, outputs, activation):
            node.require(activation == "none", "no activation", activation)
            return cls(place=place, inputs=(x,), outputs=outputs, rounding="float")

        return Pending(node.place, shape, False, make)

    def check(self, rules):
        x, output = rules.inputs[0], rules.output
        rules.quantized(x)
        is_widened = self.rounding == "fixed" and x.dtype == "int8" and output.dtype == "int16"
        rules.quantized(output, dtypes=("int16",) if is_widened else (x.dtype,), free=is_widened)
        rules.require(len(x.shape) >= 1 and x.size > 0, "an input of one dimension or more", list(x.shape))
        rules.require(0 < self.beta < 1e4, "a beta from 0 to 10000", self.beta)
        if self.rounding != "float":
            low, high = QUANTIZED[output.dtype]
            scale, point = (2.0 ** -15, 0) if x.dtype == "int16" else (1 / (high - low + 1), low)
            # Of int16 some write 2**16 - 1 steps from 0 to 1.
            is_near = x.dtype == "int8" and output.dtype == "int16" and abs(output.scale * 65536 - 1) < 1e-4
            rules.require(output.zero_point == point and (output.scale == scale or is_near),
                          f"an output of scale {scale:g} and zero point {point}",
                          f"{output.scale:g} and {output.zero_point}")
        rules.has_shape(x.shape)

    def compute(self, step, x):
        tensor, output = *step.inputs, step.output
        if self.rounding == "float":
            return float_layers.softmax(x, tensor.scale, output.scale, output.zero_point, step.clamp())
        if tensor.dtype == "int16":
            return softmax_int16(x, tensor.scale, self.beta)
        return softmax_8bit(x, tensor.scale, self.beta, step.clamp())
