"""Quantized layers in exact integers, as TensorFlow Lite's reference kernels compute them.

Activations are int64 arrays of int8, uint8 or int16 values; ``q`` stands for ``scale * (q - zero_point)``. Scales are
float32, and factors are computed in the precision in which the kernels do it.
"""

import math

import numpy as np

from ..mvm import mvm
from ..requantize import (
    multiply_by_quantized_multiplier,
    multiply_float64,
    multiply_wide,
    quantize_multiplier,
    quantize_multipliers,
    round_away,
    rounding_divide_by_pot,
)

# Least and maximum value of each kind of element that has a scale.
LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "int32": (-1 << 31, (1 << 31) - 1)}
# Values of windows that are laid out beside each other at once: a kernel as large as its image has billions.
AT_ONCE = 1 << 22
CLAMPS = {"none": (None, None), "relu": (0.0, None), "relu6": (0.0, 6.0), "relu_n1_to_1": (-1.0, 1.0)}


def activation_limits(activation, scale, zero_point, dtype):
    """Minimum and maximum value that an activation lets through.

    Parameters
    ----------
    activation : str
        ``"none"``, ``"relu"``, ``"relu6"`` or ``"relu_n1_to_1"``.
    scale : float32
    zero_point : int
    dtype : str
        A key of `LIMITS`.
    """
    low, high = LIMITS[dtype]
    minimum, maximum = (None if value is None else zero_point + int(round_away(np.float32(value) / np.float32(scale)))
                       for value in CLAMPS[activation])
    return (low if minimum is None else max(low, minimum)), (high if maximum is None else min(high, maximum))


def matrix_factors(input_scale, weight_scales, output_scale, kind="int8"):
    """The factor of each channel from accumulators to outputs, float64.

    Fixed-point kernels of ``"uint8"`` multiply the scales of operands in float32.
    """
    if kind == "uint8":
        return np.asarray(np.float32(input_scale) * weight_scales, np.float64) / np.float64(output_scale)
    return np.float64(input_scale) * np.asarray(weight_scales, np.float64) / np.float64(output_scale)


def requantize_float64(accumulators, factors, zero_point, clamp):
    """As `requantize`, with products in float64 and halves away from zero."""
    return np.clip(multiply_float64(accumulators, factors) + zero_point, *clamp)


def requantize(accumulators, factors, zero_point, clamp, *, rounding="double"):
    """Outputs from accumulators, bias included.

    Parameters
    ----------
    accumulators : int array (..., channels)
    factors : float array (channels,) or (1,)
    zero_point : int
    clamp : (int, int)
    rounding : str
        ``"single"`` or ``"double"``, or ``"wide"`` for accumulators of up to 48 bits; see `golden.requantize`.

    Returns
    -------
    int64 array (..., channels)
    """
    multiplier, shift = quantize_multipliers(factors)
    if rounding == "wide":
        scaled = multiply_wide(accumulators, multiplier, shift)
    else:
        scaled = multiply_by_quantized_multiplier(accumulators, multiplier, shift, rounding)
    return np.clip(scaled + zero_point, *clamp)


def pad_images(x, padding, fill=0):
    """Images (B, H, W, C) with ((top, bottom), (left, right)) pixels of a value around them."""
    # Most layers have none, and for small images numpy takes as long as the product.
    if not any(map(any, padding)):
        return x
    return np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=fill)


def windows(x, size, stride, dilation, padding, fill):
    """The elements of a window at each of its positions.

    Parameters
    ----------
    x : int array (B, H, W, C)
    size, stride, dilation : (int, int)
    padding : ((int, int), (int, int))
    fill : int
        Value of the padding.

    Returns
    -------
    int array (B, OH, OW, C, size[0], size[1]), a view
    """
    x = pad_images(x, padding, fill)
    reach = [(length - 1) * step + 1 for length, step in zip(size, dilation)]
    view = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    return view[:, ::stride[0], ::stride[1], :, ::dilation[0], ::dilation[1]]


def convolve(x, weights, *, stride, dilation, padding, groups=1):
    """Accumulators of a convolution; the zero point of the inputs has been subtracted.

    Parameters
    ----------
    x : int array (B, H, W, C)
    weights : int array (outputs, height, width, C / groups)
    stride, dilation : (int, int)
    padding : ((top, bottom), (left, right))
    groups : int

    Returns
    -------
    int64 array (B, OH, OW, outputs)
    """
    seen = windows(x, weights.shape[1:3], stride, dilation, padding, 0).transpose(0, 1, 2, 4, 5, 3)
    if seen.size <= AT_ONCE:
        return _products(seen, weights, groups)
    images, height, width = seen.shape[:3]
    total = np.zeros((images, height, width, weights.shape[0]), dtype=np.int64)
    # As many positions at once as fit: rows of the image, or parts of one row.
    max_positions = max(1, AT_ONCE * images * height * width // seen.size)
    rows, columns = max(1, max_positions // width), min(width, max_positions)
    for image in range(images):
        for top in range(0, height, rows):
            for left in range(0, width, columns):
                part = slice(image, image + 1), slice(top, top + rows), slice(left, left + columns)
                total[part] = _products(seen[part], weights, groups)
    return total


def _products(seen, weights, groups):
    """Accumulators of windows (B, OH, OW, height, width, C)."""
    depth, outputs = weights.shape[3], weights.shape[0] // groups
    positions = seen.shape[0] * seen.shape[1] * seen.shape[2]
    parts = []
    for group in range(groups):
        rows = seen[..., group * depth:(group + 1) * depth].reshape(positions, -1)
        parts.append(mvm(weights[group * outputs:(group + 1) * outputs].reshape(outputs, -1).T, rows))
    return np.concatenate(parts, axis=1).reshape(*seen.shape[:3], -1)


def convolve_depthwise(x, weights, *, stride, dilation, padding):
    """Accumulators of a depthwise convolution; as `convolve`, with weights (1, height, width, C * multiplier)."""
    x = pad_images(x, padding)
    x = np.repeat(x, weights.shape[3] // x.shape[3], axis=3)
    spans = [(length - 1) * step + 1 for length, step in zip(weights.shape[1:3], dilation)]
    height, width = ((length - span) // step + 1 for length, span, step in zip(x.shape[1:3], spans, stride))
    total = np.zeros((x.shape[0], height, width, x.shape[3]), dtype=np.int64)
    for row in range(weights.shape[1]):
        for column in range(weights.shape[2]):
            top, left = row * dilation[0], column * dilation[1]
            total += x[:, top:top + (height - 1) * stride[0] + 1:stride[0],
                       left:left + (width - 1) * stride[1] + 1:stride[1]] * weights[0, row, column]
    return total


def average_pool(x, size, stride, padding, clamp):
    """Means over windows (B, OH, OW, C), padding not counted, halves away from zero."""
    totals = windows(x, size, stride, (1, 1), padding, 0).sum(axis=(4, 5))
    counts = windows(np.ones((1, *x.shape[1:3], 1), np.int64), size, stride, (1, 1), padding, 0).sum(axis=(4, 5))
    means = (np.abs(totals) + counts // 2) // counts
    return np.clip(np.sign(totals) * means, *clamp)


def max_pool(x, size, stride, padding, clamp):
    """Maxima over windows (B, OH, OW, C), padding not counted."""
    return np.clip(windows(x, size, stride, (1, 1), padding, np.iinfo(np.int64).min).max(axis=(4, 5)), *clamp)


def mean_factor(scale, output_scale, count):
    """Multiplier and shift from sums of so many elements to their mean."""
    multiplier, shift = quantize_multiplier(float(np.float64(scale) / np.float64(output_scale)))
    # More bits of the factor, as many as the division removes.
    more = min(count.bit_length() - 1, 31 + shift)
    return (multiplier << more) // count, shift - more


def mean(x, axes, scale, zero_point, output_scale, output_zero_point, clamp, *, rounding="double"):
    """Means over some axes, which go: the division is part of the rescaling's factor."""
    count = math.prod(x.shape[axis] for axis in axes)
    total = x.sum(axis=tuple(axes)) - count * zero_point
    scaled = multiply_by_quantized_multiplier(total, *mean_factor(scale, output_scale, count), rounding)
    return np.clip(scaled + output_zero_point, *clamp)


def space_to_batch(x, block, amounts, fill):
    """(B, H, W, C) to (block * B, H / block, W / block, C); images of the first pixel of all blocks come first."""
    x = pad_images(x, amounts, fill)
    batch, height, width, channels = x.shape
    cut = x.reshape(batch, height // block[0], block[0], width // block[1], block[1], channels)
    return cut.transpose(2, 4, 0, 1, 3, 5).reshape(-1, height // block[0], width // block[1], channels)


def batch_to_space(x, block, amounts):
    """The reverse of `space_to_batch`, then crops."""
    _, height, width, channels = x.shape
    cut = x.reshape(*block, -1, height, width, channels).transpose(2, 3, 0, 4, 1, 5)
    whole = cut.reshape(-1, height * block[0], width * block[1], channels)
    (top, bottom), (left, right) = amounts
    return whole[:, top:whole.shape[1] - bottom, left:whole.shape[2] - right]


def sum_factors(scales, output_scale, left):
    """Multiplier and shift of each of two terms, to a common scale with so many bits to spare, and of their sum."""
    # The kernels double the scale in float32 and divide in float64.
    common = np.float64(np.float32(2) * np.float32(max(scales)))
    terms = [quantize_multiplier(float(np.float64(scale) / common)) for scale in scales]
    return terms, quantize_multiplier(float(common / ((1 << left) * np.float64(output_scale))))


def add(a, b, scales, zero_points, output_scale, output_zero_point, clamp, dtype, *, sign=1, rounding="double"):
    """Sum of two tensors that broadcast, each rescaled to a common scale with bits to spare.

    Parameters
    ----------
    a, b : int arrays
    scales, zero_points : pairs, of ``a`` and ``b``
    output_scale, output_zero_point
    clamp : (int, int)
    dtype : str
    sign : int
        1, or -1 for the difference.
    rounding : str
    """
    left = 15 if dtype == "int16" else 20
    terms, whole = sum_factors(scales, output_scale, left)
    total = 0
    for values, zero_point, factor, sign_of in zip((a, b), zero_points, terms, (1, sign)):
        scaled = multiply_by_quantized_multiplier((values - zero_point) << left, *factor, rounding)
        total = total + sign_of * scaled
    scaled = multiply_by_quantized_multiplier(total, *whole, rounding)
    return np.clip(scaled + output_zero_point, *clamp)


def add_shifted(a, b, scales, output_scale, clamp, *, sign=1):
    """Sum of two int16 tensors whose scales are powers of two, one of them that of the output, the other at most that.

    Parameters
    ----------
    a, b : int arrays
    scales : pair, of ``a`` and ``b``
    output_scale
    clamp : (int, int)
    sign : int
        1, or -1 for the difference.
    """
    a, b = (rounding_divide_by_pot(values, int(np.log2(output_scale / scale))) for values, scale in zip((a, b), scales))
    return np.clip(a + sign * b, *clamp)


def multiply(a, b, scales, zero_points, output_scale, output_zero_point, clamp, *, rounding="double"):
    """Product of two tensors that broadcast; parameters as for `add`."""
    # The kernels multiply the scales in float32 and divide in float32 too.
    factor = np.float32(scales[0]) * np.float32(scales[1]) / np.float32(output_scale)
    multiplier, shift = quantize_multiplier(float(factor))
    product = (a - zero_points[0]) * (b - zero_points[1])
    return np.clip(multiply_by_quantized_multiplier(product, multiplier, shift, rounding) + output_zero_point, *clamp)


def rescale(x, scale, zero_point, output_scale, output_zero_point, clamp, *, rounding="double", precision=np.float64):
    """Values at another scale; ``precision`` is that of the quotient of scales: float32 in clamps by themselves."""
    multiplier, shift = quantize_multiplier(float(precision(scale) / precision(output_scale)))
    return np.clip(multiply_by_quantized_multiplier(x - zero_point, multiplier, shift, rounding) + output_zero_point,
                   *clamp)


def rescale_float32(x, scale, zero_point, output_scale, output_zero_point, clamp):
    """uint8 values at another scale in float32, as concatenation has them; those of the same scale are left alone."""
    if (scale, zero_point) == (output_scale, output_zero_point):
        return x
    factor = np.float32(scale) * (np.float32(1) / np.float32(output_scale))
    return np.clip(round_away(x.astype(np.float32) * factor + -np.float32(zero_point) * factor) + output_zero_point,
                   *clamp)


def quantize(x, scale, zero_point, clamp):
    """Integers for floats (float32), rounded to nearest, halves away from zero."""
    return np.clip(round_away(np.float32(x) / np.float32(scale)) + zero_point, *clamp)


def dequantize(x, scale, zero_point):
    """float32 for integers."""
    return (np.float64(scale) * (x - zero_point)).astype(np.float32)
