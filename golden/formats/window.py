"""Results of a block macro: products whose blocks are joined in a window of bits, else lost."""

from dataclasses import dataclass

import numpy as np

from .blocks import SCALE_NAN
from .products import dot


@dataclass(frozen=True)
class Window:
    """Which sums of blocks fit.

    Parameters
    ----------
    max_shift : int
        A sum that is not zero fits if its exponent, which is that of both scales, and of its part, is the base at
        least, and at most so much above.
    max_blocks : int
        Of an accumulation.
    parts, part_bits : int
        Integers of inputs come in so many parts of so many bits, the lowest first and all but the last without a sign,
        each with a sum and an exponent of its own. Parts that cancel each other count all the same.
    """

    max_shift: int
    max_blocks: int
    parts: int = 1
    part_bits: int = 0

    def results(self, a, b, base, kind="float32"):
        """Products of the last two axes of arrays of blocks, as a block macro gives them.

        Parameters
        ----------
        a, b : Blocks
            Inputs and weights, whose shapes broadcast; without scales of whole arrays.
        base : int array (...)
        kind : str
            Of `ROUNDED`.

        Returns
        -------
        values : float64 array (...)
        is_lost : bool array (...)
            The value is NaN because a block does not fit.
        """
        total, is_outside = dot(a, b), np.zeros(1, bool)
        for sums, exponent in self._sums(a, b):
            above = exponent - np.asarray(base)[..., None]
            is_outside = is_outside | (sums != 0) & ((above < 0) | (above > self.max_shift))
        is_lost = is_outside.any(axis=-1) & ~np.isnan(total.special) | (a.scales.shape[-1] > self.max_blocks)
        return np.where(is_lost, np.nan, total.round_to(kind)), is_lost

    def base_of(self, a, b):
        """int64 (...): the base with which most fits, the least exponent of the sums that are not zero; 0 if all are.

        A sum is that of a part of a block.
        """
        highest = 1 << 30
        least = [np.where(sums != 0, exponent, highest).min(axis=-1, initial=highest)
                 for sums, exponent in self._sums(a, b)]
        found = np.minimum.reduce(least)
        return np.where(found == highest, 0, found)

    def _sums(self, a, b):
        """The sum of each block, and its exponent, int64, part by part."""
        x, w = (each.format.element.integers[each.codes] for each in (a, b))
        for part in range(self.parts):
            is_last = part == self.parts - 1
            piece = x >> part * self.part_bits if is_last else x >> part * self.part_bits & (1 << self.part_bits) - 1
            yield (piece * w).sum(axis=-1), exponents(a) + exponents(b) + part * self.part_bits


def exponents(blocks):
    """int64 (...) of the scales: what a sum's exponent is made of; of NaN that of the code."""
    codes = blocks.scales.astype(np.int64)
    if blocks.format.scale is None:
        return codes
    return np.maximum((codes & SCALE_NAN >> 1) >> blocks.format.scale.mantissa_bits, 1) - 1
