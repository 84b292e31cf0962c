"""Weights and biases of products, as files have them."""

import numpy as np

from ..network import NetworkError, Tensor
from ..onnx_node import Constant
from ..tflite_node import TYPES


def check_tflite_bias(node):
    """int16 activations have a bias of int64 unless the options say that of int32."""
    if len(node.inputs) < 3 or node.inputs[2] < 0 or node.dtype(0) != "int16":
        return
    dtype = node.dtype(2)
    said = TYPES.get(node.options.QuantizedBiasType()) if hasattr(node.options, "QuantizedBiasType") else None
    if dtype != ("int32" if said == "int32" else "int64"):
        raise NetworkError(f"{node.place} must have a bias of int64 with int16 activations, or of int32 where "
                           f"quantized_bias_type says so, not {dtype}")


def onnx_weights(node, position, order, axis):
    """The number of constant int8 weights in the order that an operator has, with scales along ``axis``."""
    value = node.operands[position]
    node.require(isinstance(value, Constant) and value.scales is not None and value.array.dtype == np.int8,
                 "constant weights of int8", getattr(getattr(value, "array", None), "dtype", "computed ones"))
    node.require(value.array.ndim == len(order), f"weights of {len(order)} dimensions", value.array.ndim)
    data = value.array.transpose(order)
    of_channels = value.scales.size > 1
    node.require(not of_channels or (value.axis < len(order) and order[axis] == value.axis),
                 "a scale for each output channel", f"scales along dimension {value.axis}")
    points = np.broadcast_to(value.zero_points, value.scales.shape)
    return node.graph.tensor(Tensor(node.place, data.shape, "int8", value.scales, points, axis,
                                    np.ascontiguousarray(data)))


def onnx_bias(node, position, x, weights):
    """The number of a bias in steps of the accumulators, or -1; ``x`` and ``weights`` are numbers of tensors."""
    value = node.optional(position)
    if value is None:
        return -1
    node.require(isinstance(value, Constant), "a constant bias", "a computed one")
    x, weights = node.graph.tensors[x], node.graph.tensors[weights]
    scale = np.float64(x.scale) * weights.scales.astype(np.float64)
    data = np.rint(value.values.reshape(-1) / np.where(scale > 0, scale, 1))
    node.require(bool((np.abs(data) < 2 ** 31).all()), "a bias within int32", float(np.abs(data).max()))
    dtype = "int64" if x.dtype == "int16" else "int32"
    return node.graph.tensor(Tensor(node.place, data.shape, dtype, data=data.astype(dtype)))
