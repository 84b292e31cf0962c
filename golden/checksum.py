"""Checksum columns: they hold the sum of each row's weights, so their totals predict the sum of all totals."""

from dataclasses import dataclass

import numpy as np

from .bits import wrap
from .macro import MacroModel, Result


def check_column_count(columns, weight_bits):
    """Columns that hold the sum of ``columns`` weights, in slices of ``weight_bits`` bits, two's complement each."""
    count, reach = 0, 0
    while reach < columns:
        count, reach = count + 1, (reach << weight_bits) + 1
    return count


def check_weight_offset(count, weight_bits):
    """Offset of a sum that makes its slices non-negative: sum plus offset, in binary, is each slice plus half range."""
    return sum(1 << weight_bits * (index + 1) - 1 for index in range(count))


def check_weights(weights, weight_bits):
    """Weights of the check columns: slices of each row's sum, the lowest first.

    Parameters
    ----------
    weights : int array (..., columns)
    weight_bits : int

    Returns
    -------
    int64 array (..., check columns)
    """
    weights = np.asarray(weights, dtype=np.int64)
    count = check_column_count(weights.shape[-1], weight_bits)
    shifted = weights.sum(axis=-1, keepdims=True) + check_weight_offset(count, weight_bits)
    slices = shifted >> weight_bits * np.arange(count) & (1 << weight_bits) - 1
    return slices - (1 << weight_bits - 1)


def agrees(totals, check_totals, weight_bits, total_width):
    """Whether the totals of all columns add up to what the checksum columns say, modulo ``2**total_width``.

    One wrong total of any size is detected: its error is less than the modulus.

    Parameters
    ----------
    totals : int array (..., columns)
    check_totals : int array (..., check columns)
    weight_bits, total_width : int

    Returns
    -------
    bool array (...)
    """
    checks = np.asarray(check_totals)
    expected = (checks << weight_bits * np.arange(checks.shape[-1])).sum(axis=-1)
    return wrap(np.sum(totals, axis=-1) - expected, total_width) == 0


@dataclass(frozen=True)
class CheckedResult(Result):
    """What a vector gives, and whether its totals agree with the checksum columns."""

    is_sound: bool


class CheckedMacro(MacroModel):
    """A macro with checksum columns after its own, which its rows and results do not show.

    Parameters
    ----------
    config : MacroConfig
        With the checksum columns.
    columns : int
        Without the checksum columns.
    """

    def __init__(self, config, columns):
        super().__init__(config)
        self.columns = columns

    def write(self, bank, row, weights):
        """Store a row of weights (columns,) and the slices of their sum."""
        weights = wrap(weights, self.config.weight_bits)
        super().write(bank, row, np.concatenate([weights, check_weights(weights, self.config.weight_bits)]))

    def vector(self, x, **settings):
        """The `CheckedResult` of a vector ``x`` (rows,)."""
        result = super().vector(x, **settings)
        totals, checks = np.split(result.y, [self.columns])
        return CheckedResult(totals, result.sum_x, result.planes,
                             bool(agrees(totals, checks, self.config.weight_bits, self.config.total_width)))
