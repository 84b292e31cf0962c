"""Weights and biases of products, as files have them."""

from dataclasses import replace

from ..network import NetworkError
from ..tflite_node import TYPES

# Of runtime and operator, the activations with which it has a kernel for weights of four bits. LiteRT runs
# DEPTHWISE_CONV_2D of int16 as well, but takes each byte for a weight.
NARROW = {("litert-2.3", "CONV_2D"): ("int8", "int16"), ("litert-2.3", "DEPTHWISE_CONV_2D"): ("int8",),
          ("litert-2.3", "FULLY_CONNECTED"): ("int8", "int16"), ("tflm", "CONV_2D"): ("int8",),
          ("tflm", "DEPTHWISE_CONV_2D"): ("int8",), ("tflm", "FULLY_CONNECTED"): ("int8",)}


def read_tflite_product(node):
    """Fields of a `MatrixOperator`: rounding, and type of the sums.

    Takes weights of four bits, the second operand, as int8 if the runtime multiplies them.
    """
    weights = node.tensors[node.inputs[1]]
    if weights.dtype == "int4":
        node.require(node.dtype(0) in NARROW.get((node.runtime, node.name), ()),
                     f"weights that {node.runtime} multiplies with {node.dtype(0)}", "int4")
        node.require((node.runtime, node.name) != ("tflm", "FULLY_CONNECTED") or weights.scales.size == 1,
                     "one scale for weights of int4, as tflm needs it", weights.scales.size)
        node.tensors.append(replace(weights, dtype="int8"))
        node.inputs[1] = len(node.tensors) - 1
    if node.dtype(0) != "int16":
        return {"rounding": node.rounding()}
    bias = node.dtype(2) if len(node.inputs) > 2 and node.inputs[2] >= 0 else None
    said = TYPES.get(node.options.QuantizedBiasType()) if hasattr(node.options, "QuantizedBiasType") else None
    is_narrow = said == "int32"
    if bias not in (None, "int32" if is_narrow else "int64"):
        raise NetworkError(f"{node.location} must have a bias of int64 with int16 activations, or of int32 where "
                           f"quantized_bias_type says so, not {bias}")
    if (node.runtime, node.name) == ("tflm", "TRANSPOSE_CONV"):
        # It takes any bias for one of int64, and has no other sums.
        node.require(bias != "int32", "a bias of int64 for tflm", bias)
        is_narrow = False
    return {"rounding": node.rounding("int16, sums of int32" if is_narrow else None), "is_narrow": is_narrow}
