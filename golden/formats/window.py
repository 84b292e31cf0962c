"""Results of a block macro: products whose blocks are joined in a window of bits, else lost."""

from dataclasses import dataclass
from functools import reduce
from operator import add

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
    part_bits : int
        Integers of inputs come in parts of so many bits, the lowest first and all but the last without a sign, each
        with a sum and an exponent of its own. Parts that cancel each other count all the same.
    point : int
        The greatest point of inputs and that of weights, added up; the exponent of the sums of formats with smaller
        ones is greater by what they are smaller.
    """

    max_shift: int
    max_blocks: int
    part_bits: int
    point: int

    def results(self, pairs, base, kind="float32"):
        """Products of the last two axes of arrays of blocks, as a block macro gives them.

        Parameters
        ----------
        pairs : list of (Blocks, Blocks)
            Inputs and weights, whose shapes broadcast; without scales of whole arrays. The products of all pairs, which
            may be of different formats, are added up.
        base : int array (...)
        kind : str
            Of `ROUNDED`.

        Returns
        -------
        values : float64 array (...)
        is_lost : bool array (...)
            The value is NaN because a block does not fit.
        """
        total, is_outside = reduce(add, (dot(*pair) for pair in pairs)), False
        for sums, exponent in self._sums(pairs):
            above = exponent - np.asarray(base)[..., None]
            is_outside = is_outside | ((sums != 0) & ((above < 0) | (above > self.max_shift))).any(axis=-1)
        blocks = sum(a.scales.shape[-1] for a, _ in pairs)
        is_lost = is_outside & ~np.isnan(total.special) | (blocks > self.max_blocks)
        return np.where(is_lost, np.nan, total.round_to(kind)), is_lost

    def base_of(self, pairs):
        """int64 (...): the base with which most fits, the least exponent of the sums that are not zero; 0 if all are.

        A sum is that of a part of a block.
        """
        highest = 1 << 30
        found = reduce(np.minimum, (np.where(sums != 0, exponent, highest).min(axis=-1, initial=highest)
                                    for sums, exponent in self._sums(pairs)))
        return np.where(found == highest, 0, found)

    def _sums(self, pairs):
        """The sum of each block, and its exponent, int64, pair by pair and part by part."""
        for a, b in pairs:
            x, w = (each.format.element.integers[each.codes] for each in (a, b))
            exponent = exponents(a) + exponents(b) + self.point - a.format.element.point - b.format.element.point
            parts = -(-a.format.element.integer_bits // self.part_bits)
            for part in range(parts):
                piece = x >> part * self.part_bits
                if part < parts - 1:
                    piece = piece & (1 << self.part_bits) - 1
                yield (piece * w).sum(axis=-1), exponent + part * self.part_bits


def exponents(blocks):
    """int64 (...) of the scales: what a sum's exponent is made of; of NaN that of the code."""
    codes = blocks.scales.astype(np.int64)
    if blocks.format.scale is None:
        return codes
    return np.maximum((codes & SCALE_NAN >> 1) >> blocks.format.scale.mantissa_bits, 1) - 1
