"""`FormatChoice`: the formats of vectors or weights of a block macro, of which each vector or packet has one."""

from dataclasses import dataclass

from ...golden.formats.blocks import FORMATS
from ...golden.formats.elements import NUMBERS

# What there is no gateware of, and why.
REFUSED = {"MXFP8_E5M2": "whose infinities no sum of integers holds"}
FORMAT_NAMES = tuple(name for name in FORMATS if name not in REFUSED)
NUMBER_BITS = len(FORMATS).bit_length()
# Between the names of formats.
SEPARATOR = "+"


@dataclass(frozen=True)
class FormatChoice:
    """One format, or several to choose among at run time.

    Parameters
    ----------
    formats : tuple of BlockFormat
        With blocks and scales alike.
    """

    formats: tuple

    @classmethod
    def read(cls, name, text):
        """The formats in a text like ``MXFP4+MXINT8``, which is that of a parameter of this name.

        Raises
        ------
        ValueError
            One line: there is no gateware of a format, it is there twice, or its blocks or scales are of another kind.
        """
        names = text.split(SEPARATOR) if isinstance(text, str) else [text]
        for each in names:
            is_text = isinstance(each, str)
            if is_text and each in REFUSED:
                raise ValueError(f"{name} must not be {each}, {REFUSED[each]}")
            if not is_text or each not in FORMAT_NAMES:
                raise ValueError(f"{name} must be one of {', '.join(FORMAT_NAMES)}, not {each!r}")
            if names.count(each) > 1:
                raise ValueError(f"{name} must have each format once, not {text}")
        choice = cls(tuple(FORMATS[each] for each in names))
        choice.check_kind(name, choice.formats[0])
        return choice

    def check_kind(self, name, first):
        """ValueError, in one line, unless blocks and scales are like those of another format."""
        for each in self.formats:
            if (each.size, each.scale) != (first.size, first.scale):
                raise ValueError(f"{name} must have blocks and scales like {first.name}, not be {each.name}")

    @property
    def names(self):
        """Of the formats."""
        return tuple(each.name for each in self.formats)

    @property
    def is_several(self):
        """They are to be chosen among."""
        return len(self.formats) > 1

    @property
    def number_bits(self):
        """Bits of the number of a format; none if there is only one."""
        return NUMBER_BITS if self.is_several else 0

    @property
    def bits(self):
        """Of a code, which narrower formats have in the lowest of them."""
        return max(each.element.bits for each in self.formats)

    @property
    def integer_bits(self):
        """Of an element's integer."""
        return max(each.element.integer_bits for each in self.formats)

    @property
    def point(self):
        """Integers count ``2**-point``, but those of formats with a smaller point of their own."""
        return max(each.element.point for each in self.formats)

    def raised(self, block_format):
        """By how much the exponent of a format's integers is greater than ``-point``."""
        return self.point - block_format.element.point

    @property
    def has_nan(self):
        """Elements of a format may be NaN."""
        return any(each.element.specials != NUMBERS for each in self.formats)
