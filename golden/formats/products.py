"""Products of blocks: an exact sum, and one rounding at its end."""

from dataclasses import dataclass

import numpy as np

from .blocks import SCALE_BIAS, SCALE_NAN

# Mantissa bits behind the point, and the exponents of the least and of the greatest normal number.
ROUNDED = {"float32": (23, -126, 127), "bfloat16": (7, -126, 127)}


@dataclass(frozen=True)
class ExactSum:
    """Numbers that are sums of products.

    Parameters
    ----------
    integers : object array (...)
        Python integers.
    exponent : int
        A number is its integer times ``2**exponent``.
    special : float64 array (...)
        NaN or an infinity instead of the number, else 0.
    units : tuple of float
        Scales of whole arrays that the number is still to be multiplied by, float32 each.
    """

    integers: np.ndarray
    exponent: int
    special: np.ndarray
    units: tuple = ()

    def __add__(self, other):
        """Sums of both, exact.

        Raises
        ------
        ValueError
            Scales of whole arrays are still to be multiplied in.
        """
        if self.units or other.units:
            raise ValueError(f"sums must have no scales of whole arrays, not {self.units + other.units}")
        exponent = min(self.exponent, other.exponent)
        integers = sum(each.integers * (1 << each.exponent - exponent) for each in (self, other))
        with np.errstate(invalid="ignore"):
            return ExactSum(np.asarray(integers, dtype=object), exponent, self.special + other.special)

    def round_to(self, kind):
        """float64 (...) of numbers of ``kind``, of `ROUNDED`: rounded once, halves to even; what is too great infinite.

        Subnormal numbers are kept. A sum of zero is plus zero; what is negative and rounded to zero is minus zero.
        """
        if kind not in ROUNDED:
            raise ValueError(f"kind must be one of {', '.join(ROUNDED)}, not {kind!r}")
        factor, exponent = 1, self.exponent
        for unit in self.units:
            # A float32 is an integer below 2**24 times a power of two.
            numerator, denominator = float(unit).as_integer_ratio()
            factor, exponent = factor * numerator, exponent - (denominator.bit_length() - 1)
        rounded = np.frompyfunc(lambda integer: _rounded(integer * factor, exponent, *ROUNDED[kind]), 1, 1)
        return np.where(self.special == 0, np.asarray(rounded(self.integers), dtype=np.float64), self.special)


def _rounded(integer, exponent, mantissa_bits, least, greatest):
    """The float nearest to ``integer * 2**exponent``."""
    if not integer:
        return 0.0
    magnitude, sign = abs(integer), -1.0 if integer < 0 else 1.0
    # The exponent of the last bit that is kept.
    last = max(magnitude.bit_length() - 1 + exponent, least) - mantissa_bits
    drop = last - exponent
    if drop > 0:
        kept, rest, half = magnitude >> drop, magnitude & (1 << drop) - 1, 1 << drop - 1
        kept += rest > half or (rest == half and kept & 1)
    else:
        kept = magnitude << -drop
    if kept.bit_length() - 1 + last > greatest:
        return sign * np.inf
    return sign * float(kept) * 2.0 ** last


def block_sums(a, b):
    """Sum of products of the integers of each pair of blocks, exact.

    Parameters
    ----------
    a, b : uint8 arrays (..., blocks, size), and their elements
        As pairs (codes, Element); the shapes broadcast.

    Returns
    -------
    sums : int64 or object array (..., blocks)
        Python integers where int64 could overflow. Their exponent is minus the points of both elements.
    special : float64 array (..., blocks)
        NaN or an infinity instead of the sum, else 0.
    """
    (a_codes, a_element), (b_codes, b_element) = a, b
    size = a_codes.shape[-1]
    x, y = a_element.integers[a_codes], b_element.integers[b_codes]
    if a_element.integer_bits + b_element.integer_bits - 1 + size.bit_length() > 64:
        # In two parts, each of which is exact.
        high, low = x >> 16, x & 0xffff
        sums = ((high * y).sum(axis=-1).astype(object) << 16) + (low * y).sum(axis=-1).astype(object)
    else:
        sums = (x * y).sum(axis=-1)
    return sums, _special(a_element, a_codes, b_element, b_codes)


def _special(a_element, a_codes, b_element, b_codes):
    """What IEEE 754 gives as the sum of products in which one is not finite: NaN, an infinity, or 0 for neither."""
    if not (np.any(a_element.special) or np.any(b_element.special)):
        return np.zeros(np.broadcast_shapes(a_codes.shape, b_codes.shape)[:-1])
    x, y = a_element.values(a_codes), b_element.values(b_codes)
    with np.errstate(invalid="ignore"):
        products = x * y
        return np.where(np.isfinite(products), 0, products).sum(axis=-1)


def dot(a, b):
    """The product of the last two axes of two arrays of blocks.

    Parameters
    ----------
    a, b : Blocks
        Shapes broadcast; blocks of one size.

    Returns
    -------
    ExactSum (...)
        NaN where a scale is NaN, or the elements give one.

    Raises
    ------
    ValueError
        Blocks of two sizes, or numbers of them.
    """
    if a.format.size != b.format.size or a.scales.shape[-1:] != b.scales.shape[-1:]:
        raise ValueError("blocks must be of one size, and as many of them, not "
                         f"{a.scales.shape[-1:]} of {a.format.size} and {b.scales.shape[-1:]} of {b.format.size}")
    sums, special = block_sums((a.codes, a.format.element), (b.codes, b.format.element))
    (a_scales, a_lost, a_point), (b_scales, b_lost, b_point) = map(_integer_scales, (a, b))
    integers = (sums.astype(object) * a_scales * b_scales).sum(axis=-1)
    with np.errstate(invalid="ignore"):
        special = (special + a_lost + b_lost).sum(axis=-1)
    exponent = -(a.format.element.point + b.format.element.point + a_point + b_point)
    return ExactSum(np.asarray(integers, dtype=object), exponent, special,
                    tuple(each.unit for each in (a, b) if each.unit != 1))


def _integer_scales(blocks):
    """Scales as integers, NaN for those that are NaN else 0, and the point of the integers."""
    element = blocks.format.scale
    if element:
        return element.integers[blocks.scales].astype(object), element.special[blocks.scales], element.point
    powers = np.frompyfunc(lambda code: 1 << code, 1, 1)(blocks.scales.astype(object))
    return powers, np.where(blocks.scales == SCALE_NAN, np.nan, 0), SCALE_BIAS
