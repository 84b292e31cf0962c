"""Checksum columns: a row's weights summed, so that the sum of all totals can be told beforehand."""

from dataclasses import dataclass

import numpy as np

from .bits import wrap
from .macro import MacroModel, Result


def digit_count(columns, weight_bits):
    """Columns that hold the sum of ``columns`` weights, as digits of ``weight_bits`` bits, two's complement each."""
    digits, reach = 0, 0
    while reach < columns:
        digits, reach = digits + 1, (reach << weight_bits) + 1
    return digits


def digit_offset(count, weight_bits):
    """What makes every digit non-negative: the sum plus this, in plain binary, is each digit plus half its range."""
    return sum(1 << weight_bits * (index + 1) - 1 for index in range(count))


def checksum_digits(weights, weight_bits):
    """Digits of each row's sum, the lowest first.

    Parameters
    ----------
    weights : int array (..., columns)
    weight_bits : int

    Returns
    -------
    int64 array (..., digits)
    """
    weights = np.asarray(weights, dtype=np.int64)
    count = digit_count(weights.shape[-1], weight_bits)
    shifted = weights.sum(axis=-1, keepdims=True) + digit_offset(count, weight_bits)
    digits = shifted >> weight_bits * np.arange(count) & (1 << weight_bits) - 1
    return digits - (1 << weight_bits - 1)


def agrees(totals, digit_totals, weight_bits, total_width):
    """Whether the totals of all columns add up to what the checksum columns say, modulo ``2**total_width``.

    One wrong total of any size is seen: it is wrong by less than that.
    """
    expected = (np.asarray(digit_totals) << weight_bits * np.arange(len(digit_totals))).sum()
    return int(wrap(np.sum(totals) - expected, total_width)) == 0


@dataclass(frozen=True)
class CheckedResult(Result):
    """What a vector gives, and whether its totals agree with the checksum columns."""

    is_sound: bool


class CheckedMacro(MacroModel):
    """A macro with checksum columns behind its own: rows are written without, and results come without.

    Parameters
    ----------
    config : MacroConfig
        With the checksum columns.
    columns : int
        Without them.
    """

    def __init__(self, config, columns):
        super().__init__(config)
        self.columns = columns

    def write(self, bank, row, weights):
        """Store a row of weights (columns,) and the digits of their sum."""
        weights = wrap(weights, self.config.weight_bits)
        super().write(bank, row, np.concatenate([weights, checksum_digits(weights, self.config.weight_bits)]))

    def vector(self, x, **settings):
        """The `CheckedResult` of a vector ``x`` (rows,)."""
        result = super().vector(x, **settings)
        totals, digits = np.split(result.y, [self.columns])
        return CheckedResult(totals, result.sum_x, result.planes,
                             agrees(totals, digits, self.config.weight_bits, self.config.total_width))
