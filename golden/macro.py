"""The macro from the view of software: banks of weights, totals, and one result a vector."""

from dataclasses import dataclass

import numpy as np

from .bits import wrap
from .mvm import fuse_totals, mvm, planes_needed


@dataclass(frozen=True)
class Result:
    """Result of a vector: ``y`` (columns / fuse,), ``sum_x``, and the planes it took."""

    y: np.ndarray
    sum_x: int
    planes: int


@dataclass(frozen=True)
class Results:
    """A sequence of `Result`, field by field.

    ``y`` is (vectors, columns), int64, of which a result has the first columns / fuse; ``planes`` is None where they
    are not known.
    """

    y: np.ndarray
    sum_x: np.ndarray
    fuse: np.ndarray
    planes: np.ndarray | None = None

    @classmethod
    def of(cls, results, columns):
        """Of a list of `Result` of a macro with so many columns."""
        y = np.zeros((len(results), columns), np.int64)
        for row, result in zip(y, results):
            row[:len(result.y)] = result.y
        return cls(y, np.array([result.sum_x for result in results], np.int64),
                   np.array([columns // len(result.y) for result in results], np.int64))

    def __len__(self):
        return len(self.y)

    def __getitem__(self, index):
        return Result(self.y[index, :self.y.shape[1] // int(self.fuse[index])], int(self.sum_x[index]),
                      None if self.planes is None else int(self.planes[index]))


@dataclass(frozen=True)
class Values:
    """What vectors stand for: ``x`` (vectors, rows), int32, and ``planes`` (vectors,), int64."""

    x: np.ndarray
    planes: np.ndarray


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
        self._bound = config.rows << config.weight_bits - 1 + config.input_bits
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

    # Many vectors at once.

    def values_of(self, vectors):
        """The `Values` of a `Stream` of vectors."""
        x, planes = np.zeros((len(vectors), self.config.rows), np.int32), np.zeros(len(vectors), np.int64)
        bits = np.clip(vectors.bits, 1, self.config.input_bits)
        for width, signed in set(zip(bits.tolist(), vectors.signed.tolist())):
            chosen = _run(np.flatnonzero((bits == width) & (vectors.signed == signed)))
            x[chosen] = wrap(vectors.x[chosen], width, signed)
            planes[chosen] = planes_needed(x[chosen], width, signed)
        return Values(x, planes)

    def play(self, writes, vectors, values, seen):
        """The `Results` of vectors, between writes.

        Parameters
        ----------
        writes, vectors : Stream
        values : Values
            Of the vectors.
        seen : int array (vectors,)
            How many writes precede each vector.
        """
        config, totals = self.config, np.zeros((len(vectors), self.config.columns), np.int64)
        exists = (writes.bank < config.banks) & (writes.row < config.rows)
        for bank in range(config.banks):
            numbers, done = np.flatnonzero(exists & (writes.bank == bank)), 0
            of_bank = np.flatnonzero(vectors.bank == bank)
            # For each of the bank's vectors the number of its writes that precede, which never falls.
            before = np.searchsorted(numbers, seen[of_bank])
            for count in sorted({*before.tolist(), len(numbers)}):
                if count > done:
                    chosen = _run(numbers[done:count])
                    rows = writes.row[chosen]
                    rows = _run(rows) if (rows[1:] > rows[:-1]).all() else rows
                    self.weights[bank, rows] = wrap(writes.weights[chosen], config.weight_bits)
                first, last = np.searchsorted(before, count), np.searchsorted(before, count, "right")
                if last > first:
                    chosen = _run(of_bank[first:last])
                    totals[chosen] = mvm(self.weights[bank], values.x[chosen], self._bound)
                done = count
        return self._finished(vectors, values, totals)

    def _finished(self, vectors, values, totals):
        """The `Results` of vectors whose products are ``totals``, which are added up where vectors accumulate."""
        config, sums = self.config, values.x.sum(axis=1)
        if config.max_accumulations > 1 and vectors.accumulate.any():
            starts = np.maximum.accumulate(np.where(vectors.accumulate, 0, np.arange(1, len(vectors) + 1)))
            carried = starts == 0
            totals, sums = (np.cumsum(part, axis=0) - np.concatenate([part[:1] * 0, np.cumsum(part, axis=0)])[
                np.maximum(starts - 1, 0)] for part in (totals, sums))
            totals[carried] += self._totals
            sums[carried] += self._sum_x
            totals, sums = wrap(totals, config.total_width), wrap(sums, config.sum_x_width)
        if len(vectors):
            self._totals, self._sum_x = totals[-1], int(sums[-1])
        fuses = np.minimum(vectors.fuse, config.fuse)
        if config.fuse == 1:
            return Results(totals, sums, fuses, values.planes)
        y = np.zeros_like(totals)
        for fuse in set(fuses.tolist()):
            chosen = _run(np.flatnonzero(fuses == fuse))
            y[chosen, :config.columns // fuse] = fuse_totals(totals[chosen], sums[chosen], config.weight_bits, fuse)
        return Results(y, sums, fuses, values.planes)


def _run(indices):
    """Rising indices, or a slice where they follow one another, for which numpy is faster."""
    if not len(indices):
        return slice(0)
    first, last = int(indices[0]), int(indices[-1])
    return slice(first, last + 1) if last - first + 1 == len(indices) else indices
