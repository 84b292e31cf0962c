"""Upsets of stored weights: what a macro computes from inverted or stuck bits, and what its checksum makes of that."""

from dataclasses import dataclass, fields, replace

import numpy as np

from .bits import wrap
from .checksum import agrees, check_column_count, check_weights
from .macro import MacroModel, Results
from .program import Outcome, Stream, Vector, Write

# Bits that are inverted once they are written, until the next write; cells that hold one value for good.
FLIPPED, STUCK = "flipped", "stuck"
KINDS = (FLIPPED, STUCK)


@dataclass
class Tally:
    """Results of a run: all of them, and how many of each sort.

    Attributes
    ----------
    results : int
    wrong : int
        Those that differ from the exact ones, when they are first computed.
    marked : int
        Those that disagree with their check columns, wrong or not: a check column may be upset too.
    missed : int
        Wrong ones that agree.
    lost : int
        Marked ones that are repeated, and marked again.
    """

    results: int = 0
    wrong: int = 0
    marked: int = 0
    missed: int = 0
    lost: int = 0

    def __add__(self, other):
        return Tally(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


class UpsetMacro:
    """A macro of bitcells with checksum columns, a share of whose stored bits is wrong; it plays programs.

    A user who repeats writes the rows of a marked result again and computes it again: into the same bank, where flipped
    bits are then right, or, because a stuck cell stays as it is, into the next bank. What is marked again is used as it
    came first.

    Parameters
    ----------
    config : MacroConfig
        Without the checksum columns.
    kind : str
        One of `KINDS`.
    rate : float
        Probability that a stored bit is wrong, those of the checksum columns among them. Flipped bits are drawn for
        every row that is written; stuck cells once, half of them at 1.
    seed : int
    repeats : bool

    Attributes
    ----------
    tally : Tally

    Raises
    ------
    ValueError
        A kind that there is not; columns that fuse; stuck cells of one bank, and repeats.
    """

    def __init__(self, config, kind, rate, seed, *, repeats=False):
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, not {kind}")
        if config.fuse > 1:
            raise ValueError(f"a macro with upsets must have fuse 1, not {config.fuse}")
        if kind == STUCK and repeats and config.banks == 1:
            raise ValueError("a macro with stuck cells must have another bank to repeat in, and has one")
        self.config, self.kind, self.rate, self.repeats, self.tally = config, kind, rate, repeats, Tally()
        checks = check_column_count(config.columns, config.weight_bits)
        self.checked = replace(config, columns=config.columns + checks)
        self._rng = np.random.default_rng(seed)
        self._upset, self._exact, self._other = (MacroModel(self.checked) for _ in range(3))
        self._stuck = self._draw(config.banks, config.rows), self._draw(config.banks, config.rows, rate=0.5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def play(self, program):
        """The `Outcome` of a program, without cycles; the macro's columns only."""
        writes, vectors = program.writes, program.vectors
        # Each write goes in as soon as it may: never into a bank that a vector still reads.
        seen = np.searchsorted(np.maximum.accumulate(writes.after), np.arange(len(vectors)), "right")
        rows = np.concatenate([writes.weights, check_weights(writes.weights, self.config.weight_bits)], axis=-1)
        rows = rows.reshape(len(writes), self.checked.columns)
        flips = self._draw(len(writes)) if self.kind == FLIPPED else None

        def played(model, weights, shift=0):
            stored, moved = Stream(Write), Stream(Vector)
            stored.extend(len(writes), bank=(writes.bank + shift) % self.config.banks, row=writes.row, weights=weights)
            moved.extend(len(vectors), **{each.name: getattr(vectors, each.name) for each in fields(Vector)}
                         | {"bank": (vectors.bank + shift) % self.config.banks})
            return model.play(stored, moved, values, seen)

        values = self._exact.values_of(vectors)
        exact = played(self._exact, rows)
        first = played(self._upset, self._wrong(rows, writes, flips))
        again = exact if self.kind == FLIPPED else played(self._other, self._wrong(rows, writes, flips, 1), 1)
        return Outcome(self._chosen(exact, first, again), [], None)

    def _chosen(self, exact, first, again):
        """The `Results` that a user takes, counted."""
        marked, marked_again = ~self._agrees(first), ~self._agrees(again)
        wrong = (first.y != exact.y)[:, :self.config.columns].any(axis=1)
        self.tally += Tally(len(wrong), int(wrong.sum()), int(marked.sum()), int((wrong & ~marked).sum()),
                            int((marked & marked_again).sum()) if self.repeats else 0)
        repeated = marked & ~marked_again & self.repeats
        y = np.where(repeated[:, None], again.y, first.y)[:, :self.config.columns]
        return Results(y, first.sum_x, first.fuse, first.planes)

    def _agrees(self, results):
        totals, checks = np.split(results.y, [self.config.columns], axis=-1)
        return agrees(totals, checks, self.config.weight_bits, self.checked.total_width)

    def _wrong(self, rows, writes, flips, shift=0):
        """What the cells hold of the rows that are written."""
        bits = self.config.weight_bits
        if self.kind == FLIPPED:
            return wrap(rows ^ flips, bits)
        stuck, ones = (part[(writes.bank + shift) % self.config.banks, writes.row] for part in self._stuck)
        return wrap(rows & ~stuck | ones & stuck, bits)

    def _draw(self, *shape, rate=None):
        """Words (*shape, columns) of ``weight_bits`` bits, each 1 with probability ``rate``."""
        shape = *shape, self.checked.columns, self.config.weight_bits
        drawn = self._rng.random(shape) < (self.rate if rate is None else rate)
        return drawn @ (1 << np.arange(self.config.weight_bits))
