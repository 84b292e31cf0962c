"""Elements of block formats: codes of four to eight bits, each an integer times one power of two of the format.

Definitions: OCP Microscaling Formats (MX) 1.0, section 5, and OCP 8-bit Floating Point (OFP8) 1.0.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

# What the codes of the highest exponent are: numbers; of all ones NaN, else numbers; infinities and NaN.
NUMBERS, ONE_NAN, IEEE = "numbers", "one_nan", "ieee"


@dataclass(frozen=True)
class Element:
    """A narrow format.

    Parameters
    ----------
    name : str
    exponent_bits : int
        0 if it is an integer in two's complement.
    mantissa_bits : int
        Behind the point, without the bit that is implied; of an integer all but the sign.
    specials : str
        `NUMBERS`, `ONE_NAN` or `IEEE`.
    """

    name: str
    exponent_bits: int
    mantissa_bits: int
    specials: str = NUMBERS

    @property
    def bits(self):
        """Of a code."""
        return 1 + self.exponent_bits + self.mantissa_bits

    @property
    def bias(self):
        """Of the exponent."""
        return (1 << self.exponent_bits - 1) - 1

    @property
    def point(self):
        """A code's value is its integer times ``2**-point``."""
        # The least subnormal is one; MXINT8 has two's complement with six bits behind the point.
        return self.bias - 1 + self.mantissa_bits if self.exponent_bits else self.mantissa_bits - 1

    @cached_property
    def integers(self):
        """int64 (2**bits): the integer of each code, 0 of those that are not finite."""
        codes = np.arange(1 << self.bits)
        if not self.exponent_bits:
            return np.where(codes >> self.bits - 1, codes - (1 << self.bits), codes)
        exponent = codes >> self.mantissa_bits & (1 << self.exponent_bits) - 1
        mantissa = codes & (1 << self.mantissa_bits) - 1
        magnitude = np.where(exponent == 0, mantissa,
                             (mantissa | 1 << self.mantissa_bits) << np.maximum(exponent - 1, 0))
        return np.where(self.special == 0, np.where(codes >> self.bits - 1, -magnitude, magnitude), 0)

    @cached_property
    def special(self):
        """float64 (2**bits): NaN or an infinity of codes that are none of numbers, else 0."""
        special, half = np.zeros(1 << self.bits), 1 << self.bits - 1
        if self.specials == ONE_NAN:
            special[[half - 1, -1]] = np.nan
        elif self.specials == IEEE:
            first = half - (1 << self.mantissa_bits)
            special[first], special[first + half] = np.inf, -np.inf
            special[first + 1:half] = special[first + half + 1:] = np.nan
        return special

    @cached_property
    def integer_bits(self):
        """Of the integers, two's complement."""
        return int(max(self.integers.max(), -self.integers.min() - 1)).bit_length() + 1

    @property
    def greatest(self):
        """The greatest value."""
        return float(self.integers.max()) * 2.0 ** -self.point

    @property
    def greatest_exponent(self):
        """Of the greatest power of two."""
        return int(self.integers.max()).bit_length() - 1 - self.point

    @cached_property
    def _positive(self):
        """The codes of zero and all positive numbers, ascending."""
        codes = np.arange(1 << self.bits - 1)
        return codes[self.special[codes] == 0]

    def values(self, codes):
        """float64 (...) of codes (...), exact; the code of minus zero is minus zero."""
        return self._values[codes]

    @cached_property
    def _values(self):
        values = self.integers * 2.0 ** -self.point
        if self.exponent_bits:
            values[1 << self.bits - 1] = -0.0
        return np.where(self.special == 0, values, self.special)

    def encode(self, values, unit=1.0):
        """The nearest codes of ``values / unit``, of two that are as near the even one; beyond the greatest, that.

        A NaN is NaN where there is a code for it; an infinity is one where there is, and else saturates. The lowest
        code of an integer, which has no negative, is never used.

        Parameters
        ----------
        values : float64 array (...)
        unit : float64 array that broadcasts
            Positive, of at most 40 significant bits: then no rounding but the one to the code happens.

        Returns
        -------
        uint8 array (...)

        Raises
        ------
        ValueError
            A value is NaN, and the format has none.
        """
        values, unit = np.broadcast_arrays(np.asarray(values, dtype=np.float64), np.asarray(unit, dtype=np.float64))
        is_nan = np.isnan(values)
        if is_nan.any() and not np.isnan(self.special).any():
            raise ValueError(f"{self.name} has no NaN, and a value is NaN")
        magnitude = np.where(is_nan, 0, np.abs(values))
        codes = self._nearest(magnitude, unit)
        if self.specials == IEEE:
            codes = np.where(np.isinf(magnitude), int(np.flatnonzero(np.isposinf(self.special))[0]), codes)
        if self.exponent_bits:
            codes = codes | np.signbit(values).astype(np.int64) << self.bits - 1
        else:
            codes = np.where(np.signbit(values), -codes, codes) & (1 << self.bits) - 1
        if is_nan.any():
            codes = np.where(is_nan, (1 << self.bits - 1) - 1, codes)
        return codes.astype(np.uint8)

    def _nearest(self, magnitude, unit):
        """Codes of the numbers nearest to magnitudes in units."""
        numbers = self.values(self._positive)
        middles = (numbers[:-1] + numbers[1:]) / 2
        index = np.searchsorted(middles, magnitude / unit)
        # A quotient beyond a middle may be rounded to it; the product of a middle and the unit is exact.
        above = np.append(middles, np.nan)[index] * unit
        is_odd = self._positive & 1 == 1
        return self._positive[index + ((magnitude > above) | (magnitude == above) & is_odd[index])]


INT8 = Element("INT8", 0, 7)
E2M1 = Element("E2M1", 2, 1)
E2M3 = Element("E2M3", 2, 3)
E3M2 = Element("E3M2", 3, 2)
E4M3 = Element("E4M3", 4, 3, ONE_NAN)
E5M2 = Element("E5M2", 5, 2, IEEE)
ELEMENTS = {element.name: element for element in (INT8, E2M1, E2M3, E3M2, E4M3, E5M2)}
