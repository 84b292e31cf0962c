"""The macro from the view of software: banks of weights, totals, and one result a vector."""

from dataclasses import dataclass

import numpy as np

from .bits import wrap
from .mvm import fuse_totals, planes_needed


@dataclass(frozen=True)
class Result:
    """Result of a vector: ``y`` (columns / fuse,), ``sum_x``, and the planes it took."""

    y: np.ndarray
    sum_x: int
    planes: int


class MacroModel:
    """Exact model of a macro's state, one accepted write or vector after the other.

    Parameters
    ----------
    config : MacroConfig

    Attributes
    ----------
    weights : int64 array (banks, rows, columns)
        Stored weights.
    """

    def __init__(self, config):
        self.config = config
        self.weights = np.zeros((config.banks, config.rows, config.columns), dtype=np.int64)
        self.reset()

    def reset(self):
        """Clear the totals; the weights are kept."""
        self._totals = np.zeros(self.config.columns, dtype=np.int64)
        self._sum_x = 0

    def write(self, bank, row, weights):
        """Store ``weights`` (columns,) in one row of a bank; a row or bank that does not exist is ignored."""
        if bank < self.config.banks and row < self.config.rows:
            self.weights[bank, row] = wrap(weights, self.config.weight_bits)

    def values(self, x, bits, signed):
        """Values of the lowest ``bits`` bits of inputs."""
        return wrap(x, min(max(bits, 1), self.config.input_bits), signed)

    def planes(self, x, bits, signed):
        """Number of planes of a vector."""
        return int(planes_needed(self.values(x, bits, signed), min(max(bits, 1), self.config.input_bits), signed))

    def vector(self, x, *, bits, signed, bank=0, accumulate=False, fuse=1):
        """The `Result` of a vector ``x`` (rows,)."""
        fuse = min(fuse, self.config.fuse)
        values = self.values(x, bits, signed)
        config = self.config
        if not accumulate or config.max_accumulations == 1:
            self.reset()
        self._totals = wrap(self._totals + values @ self.weights[bank], config.total_width)
        self._sum_x = int(wrap(self._sum_x + values.sum(), config.sum_x_width))
        y = fuse_totals(self._totals, self._sum_x, config.weight_bits, fuse)
        return Result(y, self._sum_x, self.planes(x, bits, signed))
