"""Requantisation: totals of a column as int8 or int16 of the next layer, in integers alone."""

import numpy as np

ROUNDINGS = ("single", "double")
# A real factor is multiplier * 2**(shift - FRACTION).
FRACTION = 31
SHIFTS = (-31, 7)


def requantize(totals, bias, multiplier, shift, *, zero_point, low, high, rounding="single"):
    """``clip(round((totals + bias) * multiplier * 2**(shift - 31)) + zero_point, low, high)``.

    Parameters
    ----------
    totals : int array (..., N), int32
    bias, multiplier : int array (N,), int32
    shift : int array (N,)
        -31 to 7, positive to the left, as TensorFlow Lite has it.
    zero_point, low, high : int
        Of the results, int16.
    rounding : str
        ``"single"``: once, halves up. ``"double"``: TensorFlow Lite's SaturatingRoundingDoublingHighMul, halves up,
        then RoundingDivideByPOT, halves away from zero; as it has no second rounding if ``shift`` is 0 or more, that
        is the same as ``"single"`` there.

    Returns
    -------
    int64 array (..., N)

    Raises
    ------
    ValueError
        A parameter is out of its range.
    """
    if rounding not in ROUNDINGS:
        raise ValueError(f"rounding must be one of {', '.join(ROUNDINGS)}, not {rounding!r}")
    bounds = {"totals": (totals, 32), "bias": (bias, 32), "multiplier": (multiplier, 32),
              "zero_point": (zero_point, 16), "low": (low, 16), "high": (high, 16)}
    for name, (value, width) in bounds.items():
        _check(name, value, -(1 << width - 1), (1 << width - 1) - 1)
    _check("shift", shift, *SHIFTS)
    # The lowest 16 bits of a product are below whatever is rounded away, and without them it fits in int64.
    value = np.asarray(totals, dtype=np.int64) + bias
    multiplier = np.asarray(multiplier, dtype=np.int64)
    product = (value >> 16) * multiplier + ((value & 0xFFFF) * multiplier >> 16)
    right = FRACTION - 16 - np.asarray(shift, dtype=np.int64)
    once = product + (1 << right - 1) >> right
    if rounding == "double":
        once = np.where(right > FRACTION - 16, _divide_by_power(product + (1 << 14) >> 15, right - 15), once)
    return np.clip(once + zero_point, low, high)


def _divide_by_power(value, exponent):
    """``value / 2**exponent`` rounded, halves away from zero; ``exponent`` below 1 counts as 1."""
    half = 1 << np.maximum(exponent, 1) - 1
    return value + half - (value < 0) >> np.maximum(exponent, 1)


def _check(name, value, least, greatest):
    values = np.asarray(value)
    if values.min(initial=0) < least or values.max(initial=0) > greatest:
        wrong = values[(values < least) | (values > greatest)][0]
        raise ValueError(f"{name} must be from {least} to {greatest}, not {wrong}")
