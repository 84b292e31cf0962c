"""Quantized layers as ONNX defines them: numbers in floating point between quantizers, halves to even.

Where ONNX leaves the arithmetic open, it is fixed here, so that a layer has one result. Elementwise layers are computed
in float32, operation by operation, as defined. Sums of products, whose order is not defined, are exact integers, scaled
to the output by one float32 factor, as in QLinearConv and QLinearMatMul. Means and softmax are computed in float64.
"""

import numpy as np

from .bits import limits
from .layers import BITS, CLAMPS, windows

# Beyond any output, and still within int64.
FAR = 2.0 ** 40


def quantize(values, scale, zero_point, clamp):
    """Integers for numbers; the division is in float32 if they are float32."""
    return to_integers(values / np.asarray(scale, values.dtype), zero_point, clamp)


def to_integers(steps, zero_point, clamp):
    """Integers for numbers of steps, float: rounded, halves to even, int64."""
    return np.clip(np.clip(np.rint(steps), -FAR, FAR).astype(np.int64) + zero_point, *clamp)


def activation_limits(activation, scale, zero_point, dtype):
    """As `layers.activation_limits`, the limits rounded like outputs."""
    low, high = limits(BITS[dtype], True)
    minimum, maximum = (None if value is None else zero_point + int(np.rint(np.float32(value) / np.float32(scale)))
                        for value in CLAMPS[activation])
    return (low if minimum is None else max(low, minimum)), (high if maximum is None else min(high, maximum))


def dequantize(x, scale, zero_point):
    """float32 for integers, rounded once."""
    return np.float32(x - zero_point) * np.float32(scale)


def requantize(accumulators, scale, weight_scales, output_scale, zero_point, clamp):
    """Outputs from accumulators (..., channels), bias included; ``weight_scales`` (channels,) or (1,)."""
    factors = np.float32(scale) * np.asarray(weight_scales, np.float32) / np.float32(output_scale)
    return to_integers(accumulators.astype(np.float32) * factors, zero_point, clamp)


def add(a, b, scales, zero_points, output_scale, output_zero_point, clamp):
    """Sum of two tensors that broadcast."""
    a, b = (dequantize(*operand) for operand in zip((a, b), scales, zero_points))
    return quantize(a + b, output_scale, output_zero_point, clamp)


def multiply(a, b, scales, zero_points, output_scale, output_zero_point, clamp):
    """Product of two tensors that broadcast."""
    a, b = (dequantize(*operand) for operand in zip((a, b), scales, zero_points))
    return quantize(a * b, output_scale, output_zero_point, clamp)


def average_pool(x, size, stride, padding, scale, zero_point, output_scale, output_zero_point, clamp):
    """Means over windows (B, OH, OW, C) of (B, H, W, C), padding not counted."""
    totals = windows(x - zero_point, size, stride, (1, 1), padding, 0).sum(axis=(4, 5))
    counts = windows(np.ones((1, *x.shape[1:3], 1), np.int64), size, stride, (1, 1), padding, 0).sum(axis=(4, 5))
    return quantize(totals / counts * np.float64(scale), output_scale, output_zero_point, clamp)


def softmax(x, scale, output_scale, output_zero_point, clamp):
    """Softmax over the last dimension."""
    powers = np.exp((x - x.max(axis=-1, keepdims=True)) * np.float64(scale))
    return quantize(powers / powers.sum(axis=-1, keepdims=True), output_scale, output_zero_point, clamp)
