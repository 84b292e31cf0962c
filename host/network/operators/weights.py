"""Weights and biases of products, as files have them."""

from dataclasses import replace

from ..network import NetworkError
from ..tflite_node import TYPES

# Of runtime and operator, the activations with which it has a kernel for weights of four bits. LiteRT runs
# DEPTHWISE_CONV_2D of int16 as well, but takes each byte for a weight.
NARROW = {("litert-2.3", "CONV_2D"): ("int8", "int16"), ("litert-2.3", "DEPTHWISE_CONV_2D"): ("int8",),
          ("litert-2.3", "FULLY_CONNECTED"): ("int8", "int16"), ("tflm", "CONV_2D"): ("int8",),
          ("tflm", "DEPTHWISE_CONV_2D"): ("int8",), ("tflm", "FULLY_CONNECTED"): ("int8",)}


def read_tflite_weights(node):
    """Check the bias, and take weights of four bits, the second operand, as int8 if the runtime multiplies them."""
    weights = node.tensors[node.inputs[1]]
    if weights.dtype == "int4":
        node.require(node.dtype(0) in NARROW.get((node.runtime, node.name), ()),
                     f"weights that {node.runtime} multiplies with {node.dtype(0)}", "int4")
        node.require((node.runtime, node.name) != ("tflm", "FULLY_CONNECTED") or weights.scales.size == 1,
                     "one scale for weights of int4, as tflm needs it", weights.scales.size)
        node.tensors.append(replace(weights, dtype="int8"))
        node.inputs[1] = len(node.tensors) - 1
    _check_bias(node)


def _check_bias(node):
    """int16 activations have a bias of int64 unless the options say that of int32."""
    if len(node.inputs) < 3 or node.inputs[2] < 0 or node.dtype(0) != "int16":
        return
    dtype = node.dtype(2)
    said = TYPES.get(node.options.QuantizedBiasType()) if hasattr(node.options, "QuantizedBiasType") else None
    if dtype != ("int32" if said == "int32" else "int64"):
        raise NetworkError(f"{node.location} must have a bias of int64 with int16 activations, or of int32 where "
                           f"quantized_bias_type says so, not {dtype}")
