"""Activation functions of quantized values, as kernels of TensorFlow Lite compute them."""

import numpy as np

from ..requantize import (
    multiply_by_quantized_multiplier,
    quantize_multiplier,
    round_away,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)
from . import fixed_point

FUNCTIONS = {"logistic": lambda x: 1 / (1 + np.exp(-x)), "tanh": np.tanh}


def table_8bit(function, scale, zero_point, output_scale, output_zero_point, clamp):
    """A function of `FUNCTIONS` for every 8-bit value, computed in float32, halves away from zero.

    Parameters
    ----------
    function : str
    scale, output_scale : float32
    zero_point, output_zero_point : int
    clamp : (int, int)
        Limits of the 8-bit type, of the inputs as well.

    Returns
    -------
    int64 array (256,)
        From the least value on.
    """
    x = np.float32(scale) * np.arange(clamp[0] - zero_point, clamp[1] - zero_point + 1, dtype=np.float32)
    wide = FUNCTIONS["tanh"](x.astype(np.float64)).astype(np.float32) if function == "tanh" else _logistic_float32(x)
    scaled = wide * (np.float32(1) / np.float32(output_scale))
    return np.clip(round_away(scaled) + output_zero_point, *clamp)


def _logistic_float32(x):
    """Operation by operation in float32; C's expf rounds correctly where it matters, numpy's does not."""
    with np.errstate(over="ignore"):
        power = np.exp(-x.astype(np.float64)).astype(np.float32)
    return np.float32(1) / (np.float32(1) + power)


def fixed_8bit(function, x, scale, zero_point):
    """A function of `FUNCTIONS` of int8 values in fixed point, as tflite-micro computes it.

    Parameters
    ----------
    function : str
    x : int array (...)
    scale : float32
    zero_point : int

    Returns
    -------
    int64 array (...)
        Of scale 1/256 and zero point -128 (logistic), or 1/128 and 0 (tanh).
    """
    # Inputs with four integer bits: what is beyond them is at the end of the range.
    multiplier, shift = quantize_multiplier(float(np.float32(scale)) * (1 << 27))
    radius = int(15 * 2 ** 27 / 2 ** shift)
    values = x - zero_point
    inside = np.clip(values, 1 - radius, radius - 1)
    wide = multiply_by_quantized_multiplier(inside, multiplier, shift)
    bits, offset = (23, -128) if function == "logistic" else (24, 0)
    y = rounding_divide_by_pot(getattr(fixed_point, function)(wide, 4), bits) + offset
    return np.where(values <= -radius, -128, np.where(values >= radius, 127, np.clip(y, -128, 127)))


def _sigmoid_table():
    """The logistic function at steps of 1/24, as uint16; half the error in the middle of a segment is its start's."""
    at = np.arange(256) / 24
    start, middle, end = (65536 * FUNCTIONS["logistic"](at + part / 24) for part in (0, 0.5, 1))
    table = np.floor(start + (middle - (start + end) / 2) / 2 + 0.5).astype(np.int64)
    table[-1] = 65535
    return table


SIGMOID = _sigmoid_table()


def function_16bit(function, x, scale):
    """A function of `FUNCTIONS` of int16 values, by interpolation in a table, as int16 of scale ``2**-15``.

    Parameters
    ----------
    function : str
    x : int array (...)
    scale : float32
        Below 4.

    Returns
    -------
    int64 array (...)
    """
    # As steps of 1/(3 * 4096): 2**17 is 10.7.
    multiplier, shift = multiplier_16bit(function, scale)
    values = (x * multiplier + (1 << shift >> 1)) >> shift
    # tanh(x) is 2 * logistic(2 * x) - 1.
    fraction = 9 if function == "logistic" else 8
    index = np.abs(values) >> fraction
    start = np.minimum(index, 254)
    between = SIGMOID[start] * (1 << fraction) + (np.abs(values) & (1 << fraction) - 1) * (
        SIGMOID[start + 1] - SIGMOID[start])
    if function == "logistic":
        y = np.where(index >= 255, 0x7FFF << 10, between)
        return np.where(values >= 0, y + 512, (1 << 25) - y + 511) >> 10
    y = np.where(index >= 255, 0xFFFF << 8, between) - (1 << 23)
    return np.where(values >= 0, y + 128, -y + 127) >> 8


def multiplier_16bit(function, scale):
    """Factor, and bits to shift out, from int16 values to steps of the table."""
    scale = float(np.float32(scale))
    shift = np.frexp(scale)[1] - 1 + 12
    if np.frexp(scale)[0] == 0.5 and (shift == 0 or (function == "tanh" and shift == 1)):
        return 3 << int(shift), 0
    multiplier, shift = scale * 3 * 4096, 0
    while multiplier <= 32767 / 2 and shift <= 30:
        multiplier, shift = multiplier * 2, shift + 1
    return int(multiplier), shift


def leaky_relu(x, alpha, scale, zero_point, output_scale, output_zero_point, clamp, *, precision=np.float32):
    """``x``, or ``alpha`` (float32) times ``x`` where that is negative, at another scale.

    ``precision`` is that in which scales are divided.
    """
    values = x - zero_point
    ratio = precision(scale) * precision(np.float32(alpha)) / precision(output_scale)
    below, above = (multiply_by_quantized_multiplier(values, *quantize_multiplier(float(factor))) for factor in (
        np.abs(ratio), precision(scale) / precision(output_scale)))
    return np.clip(np.where(values >= 0, above, -below if ratio < 0 else below) + output_zero_point, *clamp)


def prelu(x, alpha, scales, zero_points, output_scale, output_zero_point, clamp):
    """``x``, or ``alpha`` times ``x`` where that is negative; scales and zero points are of both, which broadcast."""
    values = x - zero_points[0]
    first = np.float32(scales[0]) / np.float32(output_scale)
    second = np.float32(scales[0]) * np.float32(scales[1]) / np.float32(output_scale)
    above = multiply_by_quantized_multiplier(values, *quantize_multiplier(float(first)))
    below = multiply_by_quantized_multiplier(values * (alpha - zero_points[1]), *quantize_multiplier(float(second)))
    return np.clip(np.where(values >= 0, above, below) + output_zero_point, *clamp)


def hard_swish(x, scale, zero_point, output_scale, output_zero_point, clamp):
    """``x * clip(x + 3, 0, 6) / 6`` of 8-bit values, in fixed point of 16 bits.

    ``scale`` is at most 128 times ``output_scale``.
    """
    fine = np.float32(1 / 128) * np.float32(scale)
    (gain, gain_shift), (slope, slope_shift) = (
        _multiplier_16bit(fine / np.float32(unit)) for unit in (output_scale, np.float32(3) / np.float32(32768)))
    values = (x - zero_point) << 7
    scaled = fixed_point.multiply_high(values, gain, 16)
    if slope_shift > 0:
        part = fixed_point.saturate(values << slope_shift - 1, 16)
        part = fixed_point.saturate(fixed_point.multiply_high(part, slope, 16) << 1, 16)
    else:
        part = rounding_divide_by_pot(fixed_point.multiply_high(values, slope, 16), -slope_shift)
    part = (part + 32768) >> 1
    product = part * scaled
    y = rounding_divide_by_pot(np.sign(product) * (np.abs(product) >> 15), -gain_shift)
    return np.clip(y + output_zero_point, *clamp)


def _multiplier_16bit(factor):
    """As `quantize_multiplier`, the multiplier rounded to 15 bits."""
    multiplier, shift = quantize_multiplier(float(factor))
    return min((multiplier + (1 << 15)) >> 16, 32767), shift


def l2_normalize(x, zero_point, dtype):
    """Values over the root of the sum of their squares, of the last dimension, of scale 1/128.

    Parameters
    ----------
    x : int array (..., n)
    zero_point : int
    dtype : str
        ``"int8"`` (zero point 0 of the output) or ``"uint8"`` (128).

    Returns
    -------
    int64 array (..., n)
    """
    values = x - zero_point
    squares = (values * values).sum(axis=-1, keepdims=True)
    multiplier, shift = _inverse_square_root(squares)
    # The kernel of uint8 takes all seven bits of the scale before the product, that of int8 those that are not shifted
    # out again.
    before = np.full_like(shift, 7) if dtype == "uint8" else np.maximum(7 - shift, 0)
    y = rounding_divide_by_pot(saturating_rounding_doubling_high_mul(values << before, multiplier), shift - 7 + before)
    return np.clip(y + 128, 0, 255) if dtype == "uint8" else np.clip(y, -128, 127)


def _inverse_square_root(values):
    """``multiplier / 2**31 / 2**shift`` of positive integers below ``2**31``; that of 0 and 1 is next to 1."""
    shift = np.full_like(values, 11)
    numbers = np.maximum(values, 2)
    while (large := numbers >= 1 << 29).any():
        numbers, shift = np.where(large, numbers // 4, numbers), shift + large
    pairs = (31 - np.frexp(numbers.astype(np.float64))[1]) // 2 - 1
    # With three integer bits, from 1/4 to 1.
    half = rounding_divide_by_pot((numbers << 2 * pairs) >> 1, 1)
    shift = shift - pairs
    x, high = np.full_like(values, 1 << 28), fixed_point.multiply_high
    for _ in range(5):
        cube = fixed_point.saturate(high(high(x, x), x) << 6)
        x = fixed_point.saturate((high(np.int64(3 << 27), x) - high(half, cube)) << 3)
    x = high(x, fixed_point.constant(np.sqrt(0.5), 0))
    x, shift = np.where(shift < 0, x << np.maximum(-shift, 0), x), np.maximum(shift, 0)
    is_small = values <= 1
    return np.where(is_small, (1 << 31) - 1, x), np.where(is_small, 0, shift)
