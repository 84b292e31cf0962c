"""Layers of 8-bit integers that are ONNX Runtime's own (QLinearAdd, ...), as its kernels for x86 round them.

They are not the definition of the same layer between quantizers: factors are joined first, and the zero point of the
output is added in float32 before the result is rounded, halves to even. A product and a sum of a processor with fused
multiply-add are rounded once together.
"""

import math

import numpy as np

from .float_layers import average_pool, dequantize, one_by_one


def fused_multiply_add(a, b, c):
    """``a * b + c`` of float32 arrays, rounded once."""
    # The product is exact in float64; the sum is rounded twice, which is the same but for ties of ties.
    return (np.float64(a) * np.float64(b) + np.float64(c)).astype(np.float32)


def _round(steps, clamp):
    return np.clip(np.rint(steps), *clamp).astype(np.int64)


def add(a, b, scales, zero_points, output_scale, output_zero_point, clamp):
    """The sum of two tensors that broadcast; float32 scales."""
    first, second = (np.float32(scale) / np.float32(output_scale) for scale in scales)
    zeros = first * np.float32(zero_points[0]) + second * np.float32(zero_points[1])
    rest = np.float32(output_zero_point) - zeros
    inner = fused_multiply_add(np.float32(b), second, rest)
    return _round(fused_multiply_add(np.float32(a), first, inner), clamp)


def multiply(a, b, scales, zero_points, output_scale, output_zero_point, clamp):
    """The product of two tensors that broadcast; parameters as for `add`."""
    factor = np.float32(scales[0]) * np.float32(scales[1]) / np.float32(output_scale)
    product = ((a - zero_points[0]) * (b - zero_points[1])).astype(np.float32)
    return _round(product * factor + np.float32(output_zero_point), clamp)


def average(x, window, counted, scale, zero_point, output_scale, output_zero_point, clamp):
    """Means over windows of images (B, H, W, C); ``window`` and ``counted`` as of `float_layers.average_pool`."""
    means = average_pool(dequantize(x, scale, zero_point), *window, counted=counted, order="rows")
    return _round(means / np.float32(output_scale) + np.float32(output_zero_point), clamp)


def global_average(x, scale, zero_point, output_scale, output_zero_point, clamp):
    """Means over height and width of images (B, H, W, C), (B, 1, 1, C)."""
    count = np.float32(x.shape[1] * x.shape[2])
    totals = (x - zero_point).sum(axis=(1, 2), keepdims=True).astype(np.float32)
    steps = np.rint(totals * (np.float32(scale) / (np.float32(output_scale) * count)))
    return np.clip(steps.astype(np.int64) + output_zero_point, *clamp)


def softmax(x, scale, output_scale, output_zero_point, clamp):
    """Softmax over the last dimension; float32 in the order of the elements."""
    steps = x - x.max(axis=-1, keepdims=True)
    # Exponentials are taken with a margin, so that small ones are not lost.
    # C's logf rounds correctly; numpy's of float32 does not.
    largest = np.float32(math.log(np.finfo(np.float32).max / np.float32(x.shape[-1])))
    margin = max(0.0, float(largest) - 5) / np.float64(scale)
    powers = np.exp((steps + margin) * np.float64(scale)).astype(np.float32)
    total = one_by_one(powers[..., index] for index in range(x.shape[-1]))[..., None]
    found = np.rint(powers * np.floor(np.float32(1) / np.float32(output_scale)) / total).astype(np.int64)
    return np.clip(found + output_zero_point, *clamp)
