"""Softmax of quantized values in integers, as reference kernels of TensorFlow Lite compute it."""

import math

import numpy as np

from ..requantize import multiply_by_quantized_multiplier, quantize_multiplier, rounding_divide_by_pot
from . import fixed_point

# Segments of a table of int16 values, and the minimum argument of the exponential's.
SEGMENTS, MIN_ARGUMENT = 512, -10.0


def softmax_8bit(x, scale, beta, clamp):
    """Softmax over the last dimension of 8-bit values, from the least to the greatest value of the output's type.

    Parameters
    ----------
    x : int array (..., n)
    scale : float32
    beta : float
    clamp : (int, int)
        Of 8 or 16 bits.

    Returns
    -------
    int64 array (..., n)
    """
    # Differences with five integer bits; those beyond count nothing.
    factor = float(np.float32(beta)) * float(np.float32(scale)) * (1 << 26)
    multiplier, shift = quantize_multiplier(min(factor, (1 << 31) - 1.0))
    differences = x - x.max(axis=-1, keepdims=True)
    counts = differences >= -int(31 * 2 ** 26 / 2 ** shift)
    scaled = multiply_by_quantized_multiplier(np.where(counts, differences, 0), multiplier, shift)
    powers = fixed_point.exp_of_negative(scaled, 5)
    # The total with twelve integer bits, as 1 + x.
    total = np.where(counts, rounding_divide_by_pot(powers, 12), 0).sum(axis=-1, keepdims=True)
    headroom = 32 - np.frexp(total.astype(np.float64))[1]
    reciprocal = fixed_point.reciprocal_of_one_plus((total << headroom) - (1 << 31))
    bits = (clamp[1] - clamp[0]).bit_length()
    y = rounding_divide_by_pot(fixed_point.multiply_high(reciprocal, powers), 12 - headroom + 31 - bits)
    return np.where(counts, np.clip(y + clamp[0], *clamp), clamp[0])


def _round(value):
    """Nearest integer of a float, halves away from zero."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def _table(function, minimum, maximum):
    """A function at 513 points as int16; half the error in the middle of a segment is taken off its start."""
    step = (maximum - minimum) / SEGMENTS
    values = []
    for index in range(SEGMENTS):
        start, end = minimum + index * step, minimum + (index + 1) * step
        first = _round(function(start) * 32768)
        between = _round((function(end) * 32768 + first) / 2)
        error = between - _round(function(start + step / 2) * 32768)
        values.append(first - _round(error / 2))
    values.append(_round(function(maximum) * 32768))
    return np.clip(np.array(values, dtype=np.int64), -32768, 32767)


EXPONENTIAL = _table(math.exp, MIN_ARGUMENT, 0.0)
RECIPROCAL = _table(lambda x: 1 / (1 + x), 0.0, 1.0)


def _look_up(values, table):
    """Between two entries of a table, by the lowest seven bits of int16 values."""
    values = np.clip(values, -32768, 32767)
    index = 256 + (values >> 7)
    return table[index] + (((table[index + 1] - table[index]) * (values & 0x7F) + 64) >> 7)


def softmax_int16(x, scale, beta):
    """Softmax over the last dimension of int16 values, as int16 of scale ``2**-15``.

    Parameters
    ----------
    x : int array (..., n)
    scale : float32
    beta : float

    Returns
    -------
    int64 array (..., n)
    """
    # Differences from -65535 to 0 stand for -10 to 0.
    factor = float(np.float32(scale) * np.float32(beta)) / (-MIN_ARGUMENT / 65535.0)
    differences = multiply_by_quantized_multiplier(x - x.max(axis=-1, keepdims=True), *quantize_multiplier(factor))
    values = _look_up(differences + 32767, EXPONENTIAL)
    total = values.sum(axis=-1, keepdims=True)
    # The total as 1 + x, x in 16 bits.
    bits = np.frexp(total.astype(np.float64))[1]
    headroom = 31 - bits
    normal = ((total << headroom) + (1 << 13)) >> 14
    reciprocal = _look_up(normal - ((1 << 15) + (1 << 16)), RECIPROCAL)
    shift = 30 - headroom
    return np.clip((values * reciprocal + (1 << shift - 1)) >> shift, 0, 32767)
