"""Requantization: an accumulator times a fixed-point factor, rounded once or twice, as integers.

The factor is ``multiplier / 2**31 * 2**shift``, with a non-negative int32 multiplier. There are three rounding rules:
``single`` rounds the product once, halves up; ``double`` is that of gemmlowp, a doubling high multiplication, halves
up, then a division by a power of two, halves away from zero; ``away`` rounds the product once, halves away from zero.
Kernels of one runtime use the first two.
"""

import math
from functools import lru_cache

import numpy as np

# By their number in the core's registers.
ROUNDINGS = ("single", "double", "away")
INT32 = np.iinfo(np.int32)
# Factors of the gateware: multiplier * 2**(shift - FRACTION), with shifts in this range.
FRACTION = 31
SHIFTS = (-31, 7)


@lru_cache(1 << 14)
def quantize_multiplier(factor):
    """Multiplier and shift of a non-negative factor.

    Parameters
    ----------
    factor : float

    Returns
    -------
    (multiplier, shift) : (int, int)
        (0, 0) for a factor below ``2**-32``.
    """
    if factor == 0:
        return 0, 0
    fraction, shift = math.frexp(factor)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return (multiplier, shift) if shift >= -31 else (0, 0)


def quantize_multipliers(factors):
    """`quantize_multiplier` of each factor: two int64 arrays."""
    pairs = [quantize_multiplier(float(factor)) for factor in np.ravel(factors)]
    return tuple(np.array(values, dtype=np.int64) for values in zip(*pairs))


def multiply_by_quantized_multiplier(values, multiplier, shift, rounding="double"):
    """int32 values times ``multiplier / 2**31 * 2**shift``, rounded.

    Parameters
    ----------
    values : int array (...)
        Within int32; if rounded once and with shifts up to 11 within 48 bits. With the rule ``double`` and a positive
        shift they wrap as int32 when shifted.
    multiplier, shift : int or int array that broadcasts
        ``multiplier`` from 0 to ``2**31 - 1``, ``shift`` from -31 to 30.
    rounding : str
        One of `ROUNDINGS`.

    Returns
    -------
    int64 array (...)
    """
    values, multiplier, shift = (np.asarray(array, dtype=np.int64) for array in (values, multiplier, shift))
    _check_rounding(rounding)
    if rounding != "double":
        return _round_once(values, multiplier, 31 - shift, rounding)
    if (shift > 0).any():
        values = (values << np.maximum(shift, 0)).astype(np.int32).astype(np.int64)
    return rounding_divide_by_pot(saturating_rounding_doubling_high_mul(values, multiplier), np.maximum(-shift, 0))


def _check_rounding(rounding):
    if rounding not in ROUNDINGS:
        raise ValueError(f"rounding must be one of {', '.join(ROUNDINGS)}, not {rounding!r}")


def _round_once(values, multiplier, total, rounding="single"):
    """``values * multiplier / 2**total``, rounded by ``single`` or ``away``, where the product may need 79 bits."""
    if rounding == "away":
        sign = np.where((values < 0) != (multiplier < 0), -1, 1)
        return sign * _round_once(sign * values, multiplier, total)
    # As two products. The division discards the bits that the lower product loses.
    low = np.minimum(total - 1, 20)
    product = (values >> low) * multiplier + ((values & (1 << low) - 1) * multiplier >> low)
    return (product + (1 << total - low - 1)) >> total - low


def saturating_rounding_doubling_high_mul(a, b):
    """``a * b / 2**31`` of int32 values, rounded to nearest, halves up.

    The only product that does not fit, the square of the minimum, saturates.
    """
    product = np.asarray(a, dtype=np.int64) * np.asarray(b, dtype=np.int64)
    return np.minimum((product + (1 << 30)) >> 31, INT32.max)


def rounding_divide_by_pot(values, exponent):
    """``values / 2**exponent``, rounded to nearest, halves away from zero."""
    values, exponent = np.asarray(values, dtype=np.int64), np.asarray(exponent, dtype=np.int64)
    mask = (1 << exponent) - 1
    return (values >> exponent) + ((values & mask) > (mask >> 1) + (values < 0))


def multiply_wide(values, multiplier, shift):
    """int48 values (accumulators of int16 activations) times a factor whose multiplier is first rounded to 15 bits.

    Parameters
    ----------
    values : int array (...)
    multiplier, shift : int or int array that broadcasts
        ``shift`` from -31 to 7.

    Returns
    -------
    int64 array (...)
    """
    values, multiplier, shift = (np.asarray(array, dtype=np.int64) for array in (values, multiplier, shift))
    reduced = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
    total = 15 - shift
    return (values * reduced + (1 << total - 1)) >> total


def multiply_float64(values, factor):
    """Values times a float64 factor, rounded to the nearest integer, halves away from zero.

    So LiteRT 2.3 computes FULLY_CONNECTED (its issue 8567). `golden.exact_multiplier` has the multiplier that does the
    same.

    Parameters
    ----------
    values : int array (...)
        Below ``2**53``.
    factor : float64 or array that broadcasts

    Returns
    -------
    int64 array (...)
    """
    return round_away(np.asarray(values, dtype=np.float64) * factor)


def round_away(values):
    """Nearest integers of floats, halves away from zero, int64."""
    values = np.asarray(values)
    whole = np.trunc(values)
    # Exact, where adding a half to a number next to it is not.
    return (whole + np.copysign(np.abs(values - whole) >= 0.5, values)).astype(np.int64)


def requantize(totals, bias, multiplier, shift, *, zero_point, low, high, rounding="single"):
    """``clip(round((totals + bias) * multiplier * 2**(shift - 31)) + zero_point, low, high)``, as the gateware does it.

    Parameters
    ----------
    totals : int array (..., N), int32
    bias, multiplier : int array (N,), int32
    shift : int array (N,)
        -31 to 7, positive to the left, as TensorFlow Lite has it.
    zero_point, low, high : int
        Of the results, int16.
    rounding : str
        One of `ROUNDINGS`. For shifts of 0 or more, ``double`` does not round twice, nor wrap: it is ``single``.

    Returns
    -------
    int64 array (..., N)

    Raises
    ------
    ValueError
        A parameter is out of its range.
    """
    _check_rounding(rounding)
    bounds = {"totals": (totals, 32), "bias": (bias, 32), "multiplier": (multiplier, 32),
              "zero_point": (zero_point, 16), "low": (low, 16), "high": (high, 16)}
    for name, (value, width) in bounds.items():
        _check(name, value, -(1 << width - 1), (1 << width - 1) - 1)
    _check("shift", shift, *SHIFTS)
    if np.any(np.asarray(low) > high):
        raise ValueError(f"low must be at most high, not {low} with {high}")
    values = np.asarray(totals, dtype=np.int64) + bias
    multiplier, shift = (np.asarray(array, dtype=np.int64) for array in (multiplier, shift))
    rounded = _round_once(values, multiplier, FRACTION - shift, "away" if rounding == "away" else "single")
    if rounding == "double":
        twice = rounding_divide_by_pot(_round_once(values, multiplier, FRACTION), np.maximum(-shift, 0))
        rounded = np.where(shift < 0, twice, rounded)
    return np.clip(rounded + zero_point, low, high)


def _check(name, value, minimum, maximum):
    values = np.asarray(value)
    if values.min(initial=0) < minimum or values.max(initial=0) > maximum:
        wrong = values[(values < minimum) | (values > maximum)][0]
        raise ValueError(f"{name} must be from {minimum} to {maximum}, not {wrong}")
