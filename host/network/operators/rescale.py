"""From one scale to another, to integers and back."""

from dataclasses import dataclass

import numpy as np

from ....golden.kernels import layers
from ..network import EIGHT, QUANTIZED
from ..operator import Operator
from ..tflite_node import TfliteForm


def rescale(context, x, activation="none", precision=np.float64):
    """Values at the scale of the output."""
    tensor, output, clamp = context.inputs[0], context.output, context.clamp(activation)
    if tensor.dtype == "float32":
        return layers.quantize(x, output.scale, output.zero_point, clamp)
    return layers.rescale(x, tensor.scale, tensor.zero_point, output.scale, output.zero_point, clamp,
                          rounding=context.rounding, precision=precision)


@dataclass(frozen=True, kw_only=True)
class Relu(Operator):
    """A clamp by itself: ``activation`` is ``"relu"``, ``"relu6"`` or ``"relu_n1_to_1"``.

    ``precision`` is that in which scales are divided.
    """

    activation: str
    precision: type = np.float32

    tflite = (TfliteForm("RELU", 1, 1), TfliteForm("RELU6", 1, 1), TfliteForm("RELU_N1_TO_1", 1, 1))

    @classmethod
    def from_tflite(cls, node):
        x, output = (node.tensors[index] for index in (node.inputs[0], node.outputs[0]))
        node.require(node.runtime == "litert-2.3" or node.name == "RELU" or (
            x.scales.tolist() == output.scales.tolist() and x.zero_points.tolist() == output.zero_points.tolist()),
            "one scale and zero point for input and output with the runtime tflm", "two")
        return cls(**node.common, activation=node.name.lower(), precision=node.precision)

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x, rules.output, dtypes=EIGHT if self.activation == "relu_n1_to_1" else tuple(QUANTIZED))
        rules.factor(float(x.scale) / float(rules.output.scale))
        rules.has_shape(x.shape)

    def compute(self, context, x):
        return rescale(context, x, self.activation, self.precision)


# Of integers, kinds from which the reference kernels quantize, and to which; other pairs they refuse.
QUANTIZES = {"int8": ("int8", "uint8", "int16"), "uint8": ("int8", "uint8", "int16"),
             "int16": ("int8", "int16", "int32"), "int32": ("int8", "int16")}


@dataclass(frozen=True, kw_only=True)
class Quantize(Operator):
    """From float32, or from one scale to another."""

    tflite = (TfliteForm("QUANTIZE", 1, 1),)

    def check(self, rules):
        x, kinds = rules.inputs[0], (*QUANTIZED, "int32")
        rules.quantized(rules.output, dtypes=kinds)
        if x.dtype != "float32":
            rules.require(rules.output.dtype in QUANTIZES.get(x.dtype, ()),
                          f"an output of {' or '.join(QUANTIZES.get(x.dtype, ())) or 'integers'}", rules.output.dtype)
            rules.quantized(x, dtypes=kinds, free=x.dtype == "int16" and rules.output.dtype == "int32")
            rules.factor(float(x.scale) / float(rules.output.scale))
        rules.has_shape(x.shape)

    def compute(self, context, x):
        return rescale(context, x)


@dataclass(frozen=True, kw_only=True)
class Dequantize(Operator):
    """To float32."""

    tflite = (TfliteForm("DEQUANTIZE", 1, 1),)

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x)
        rules.require(rules.output.dtype == "float32", "an output of float32", rules.output.dtype)
        rules.has_shape(x.shape)

    def compute(self, context, x):
        tensor = context.inputs[0]
        return layers.dequantize(x, tensor.scale, tensor.zero_point)
