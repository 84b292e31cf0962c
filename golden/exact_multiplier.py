"""Which fixed-point multiplier gives exactly the results of a factor in float64.

LiteRT's FULLY_CONNECTED scales an accumulator ``a`` by a float64 factor and rounds halves away from zero (see
`golden.requantize`). Both that and fixed point are step functions of ``a`` that never fall, so they are equal if and
only if they step at the same accumulators. The float64 rule reaches ``n`` at an accumulator ``t``, and ``-n`` at
``-t``. Fixed point with ``h = (2 * n - 1) * 2**(k - 1)``, ``k`` bits shifted out, does the same if

=============  ============================================  ============================================
rounding       ``n`` at t                                    ``-n`` at -t
=============  ============================================  ============================================
``away``       ``multiplier * t >= h > multiplier * (t-1)``  the same
``single``     ``multiplier * t >= h > multiplier * (t-1)``  ``multiplier * t > h >= multiplier * (t-1)``
=============  ============================================  ============================================

for every ``n`` that is not clamped: bounds of an interval, of which any multiplier will do. With ``away`` a power of
two always is its own multiplier. Next to a fraction like 7/10 there is none however small the accumulators are: its
products in float64 are a half for one and just less for another (``45 * 0.7``). With ``single`` a multiplier a little
greater than the factor moves exact halves away from zero, where accumulators are small enough that it moves nothing
else.
"""

import numpy as np

from .requantize import SHIFTS, quantize_multiplier


def exact_multiplier(factor, largest, *, zero_point, low, high, rounding="away"):
    """Multiplier and shift with which rounding once equals the float64 rule.

    Parameters
    ----------
    factor : float
        Positive, as float64.
    largest : int
        Accumulators are from ``-largest`` to ``largest``; at most ``2**31 - 1``.
    zero_point, low, high : int
        Of the results: ``clip(round(a * factor) + zero_point, low, high)``.
    rounding : str
        ``"away"`` or ``"single"``.

    Returns
    -------
    (multiplier, shift) : (int, int) or None
        For `golden.requantize.requantize` with that rounding; None if there are none.
    """
    multiplier, shift = quantize_multiplier(factor)
    if not multiplier or shift > SHIFTS[1]:
        return None
    bits = 31 - shift
    minimum, maximum = 0, (1 << 31) - 1
    for count, turns in ((high - zero_point, False), (zero_point - low, rounding == "single")):
        for step, start in zip(range(1, count + 1), _starts(factor, count)):
            half = 2 * step - 1 << bits - 1
            if start <= largest:
                minimum = max(minimum, half // start + 1 if turns else -(-half // start))
            before = min(start - 1, largest)
            if before > 0:
                maximum = min(maximum, half // before if turns else (half - 1) // before)
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
