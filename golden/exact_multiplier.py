"""Which fixed-point multiplier gives exactly the results of a factor in float64.

LiteRT's FULLY_CONNECTED scales an accumulator ``a`` by a float64 factor and rounds halves away from zero (see
`golden.requantize`). Both that and fixed point are step functions of ``a`` that never fall, so they are equal if and
only if they step at the same accumulators. The float64 rule reaches ``n`` at an accumulator ``t``, and ``-n`` at
``-t``. Fixed point with halves up and ``h = (2 * n - 1) * 2**(k - 1)``, ``k`` bits shifted out, does the same if

=============  =============================================
``n`` at t     ``multiplier * t >= h > multiplier * (t - 1)``
``-n`` at -t   ``multiplier * t > h >= multiplier * (t - 1)``
=============  =============================================

for every ``n`` that is not clamped: bounds of an interval, of which any multiplier will do. An exact half, where the
two rules differ, is moved away from zero by a multiplier that is a little greater than the factor. No third rounding
mode is needed in gateware.
"""

import numpy as np

from .requantize import SHIFTS, quantize_multiplier


def exact_multiplier(factor, largest, *, zero_point, low, high):
    """Multiplier and shift with which rounding once, halves up, equals the float64 rule.

    Parameters
    ----------
    factor : float
        Positive, as float64.
    largest : int
        Accumulators are from ``-largest`` to ``largest``; at most ``2**31 - 1``.
    zero_point, low, high : int
        Of the results: ``clip(round(a * factor) + zero_point, low, high)``.

    Returns
    -------
    (multiplier, shift) : (int, int) or None
        For `golden.requantize.requantize` with the rule ``single``; None if there are none.
    """
    multiplier, shift = quantize_multiplier(factor)
    if not multiplier or shift > SHIFTS[1]:
        return None
    bits = 31 - shift
    minimum, maximum = 0, (1 << 31) - 1
    for count, is_negative in ((high - zero_point, False), (zero_point - low, True)):
        for step, start in zip(range(1, count + 1), _starts(factor, count)):
            half = 2 * step - 1 << bits - 1
            if start <= largest:
                minimum = max(minimum, half // start + 1 if is_negative else -(-half // start))
            before = min(start - 1, largest)
            if before > 0:
                maximum = min(maximum, half // before if is_negative else (half - 1) // before)
            if start > largest:
                break
    # The nearest to the factor, of those that will do.
    return (min(max(multiplier, minimum), maximum), shift) if minimum <= maximum else None


def _starts(factor, count):
    """The least accumulators that float64 rounds to 1, 2 ... ``count``: a list of int."""
    halves = np.arange(count) + 0.5
    starts = np.ceil(halves / factor)
    # The division is rounded, and so is the product that decides.
    while (too_late := (starts - 1) * factor >= halves).any():
        starts -= too_late
    while (too_early := starts * factor < halves).any():
        starts += too_early
    return [int(start) for start in starts]
