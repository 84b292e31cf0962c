"""Weights and biases of products, as files have them."""

import numpy as np

from ..network import NetworkError, Tensor
from ..onnx_node import Constant
from ..tflite_node import TYPES

# Scales that are this near are those of one product, rounded at another place.
NEAR = 2.0 ** -21


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
    """The number of constant weights in the order that an operator has, with scales along ``axis``; uint8 less 128."""
    value = node.operands[position]
    node.require(isinstance(value, Constant), "constant weights", "computed ones")
    node.require(value.scales is not None and value.array.dtype in (np.int8, np.uint8),
                 "weights of int8 or uint8 that are dequantized", value.array.dtype)
    node.require(value.array.ndim == len(order), f"weights of {len(order)} dimensions", value.array.ndim)
    moved = value.moved(lambda array: array.transpose(order))
    lower = 128 if moved.array.dtype == np.uint8 else 0
    data = (moved.array.astype(np.int64) - lower).astype(np.int8)
    node.require(data.size > 0, "weights", list(data.shape))
    scales, points = (_of_channels(node, values, axis) for values in (moved.scales, moved.zero_points))
    if scales.size > 1 or points.size > 1:
        scales, points = (np.ascontiguousarray(np.broadcast_to(values, data.shape[axis]))
                          for values in (scales, points))
    return node.graph.tensor(Tensor(node.place, data.shape, "int8", scales, points.astype(np.int64) - lower, axis,
                                    np.ascontiguousarray(data)))


def _of_channels(node, values, axis):
    """What broadcasts to weights, as one number or one for each channel."""
    rest = tuple(dimension for dimension in range(values.ndim) if dimension != axis)
    least, most = values.min(axis=rest), values.max(axis=rest)
    node.require(bool((least == most).all()), "a scale and a zero point for each output channel, or one for all",
                 "others")
    return least[:1] if (least == least[0]).all() else least


def onnx_bias(node, position, x, weights):
    """The number of a bias or -1, and whether it is in steps of the accumulators, int32, or else of float32.

    ``x`` and ``weights`` are numbers of tensors.
    """
    value = node.optional(position)
    if value is None:
        return -1, True
    node.require(isinstance(value, Constant), "a constant bias", "a computed one")
    x, weights = node.graph.tensors[x], node.graph.tensors[weights]
    if value.array.dtype == np.int32 and value.scales is not None and not value.zero_points.any() and (
            value.array.ndim == 1):
        steps = np.float64(x.scale) * weights.scales.astype(np.float64)
        if (np.abs(value.scales - steps) <= NEAR * steps).all():
            return node.graph.tensor(Tensor(node.place, value.shape, "int32", data=value.array)), True
    data = value.values
    node.require(data.dtype == np.float32 and bool(np.isfinite(data).all()), "a bias of finite float32, or dequantized",
                 data.dtype)
    return node.graph.tensor(Tensor(node.place, data.shape, "float32", data=data)), False
