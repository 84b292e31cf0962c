"""Weights and biases of products, as files have them."""

from ..network import NetworkError
from ..tflite_node import TYPES


def check_tflite_bias(node):
    """int16 activations have a bias of int64 unless the options say that of int32."""
    if len(node.inputs) < 3 or node.inputs[2] < 0 or node.dtype(0) != "int16":
        return
    dtype = node.dtype(2)
    said = TYPES.get(node.options.QuantizedBiasType()) if hasattr(node.options, "QuantizedBiasType") else None
    if dtype != ("int32" if said == "int32" else "int64"):
        raise NetworkError(f"{node.location} must have a bias of int64 with int16 activations, or of int32 where "
                           f"quantized_bias_type says so, not {dtype}")
