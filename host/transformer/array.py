"""A macro that computes the products of a transformer, and loads each matrix while it computes with the one before."""

from dataclasses import dataclass

import numpy as np

from ...golden.program import MacroState, Program, predict
from ...golden.transformer.forward import exact
from ..mapping.tiling import blocks_of, pad_rows, stored_rows
from .layout import all_of, layout_of

# Bits that inputs and weights of a transformer have.
BITS = 8


@dataclass(frozen=True)
class PartRecord:
    """One program: what was computed together.

    Attributes
    ----------
    part : str
    predicted : int
        Cycles.
    cycles : int or None
        Those that the simulator counted.
    vectors, rows : int
        That were computed and written, rows of what comes next too.
    planes, work : int
        Planes driven, and 1-bit MACs of products that were wanted.
    sums, mismatches : int
        Results wanted, and those that differ from the products in numpy.
    """

    part: str
    predicted: int
    cycles: int | None
    vectors: int
    rows: int
    planes: int
    work: int
    sums: int
    mismatches: int


@dataclass(frozen=True)
class _Read:
    """Vectors of a program, from ``first`` on, and what of a product their results are."""

    product: int
    chosen: np.ndarray
    columns: slice
    first: int
    work: np.ndarray


class MacroArray:
    """Products on a macro, called as `golden.transformer.forward.exact`.

    Two banks take turns: one computes while the other is written. Banks beyond two have each a tile of their own, first
    of all tiles of values, to which a token adds a row, then constant matrices, then keys. A row that a bank holds
    already is not written.

    Parameters
    ----------
    config : MacroConfig
    player : context manager
        As of `MacroBackend`.
    model : Transformer

    Attributes
    ----------
    records : list of PartRecord

    Raises
    ------
    ValueError
        The macro's inputs or weights are too narrow.
    """

    def __init__(self, config, player, model):
        for name in ("input_bits", "weight_bits"):
            if getattr(config, name) < BITS:
                raise ValueError(f"{name} must be at least {BITS} for a transformer, not {getattr(config, name)}")
        self.config, self.records, self._player = config, [], player
        self._state = MacroState(config)
        self._homes, self._turning = _homes(config, model)
        # Of turning banks what they hold, and the one that is used next.
        self._held, self._turn = [None] * self._turning, 0
        # At first nothing that a weight can be: what a bank then holds is not known.
        self._stored = np.full((config.banks, config.rows, config.columns), 1 << config.weight_bits)

    def __enter__(self):
        self._playing = self._player.__enter__()
        return self

    def __exit__(self, *error):
        return self._player.__exit__(*error)

    def __call__(self, part, products, ahead=()):
        """Sums of products, as `exact` gives them, by one program."""
        program, reads, released = Program(), [], [0] * self.config.banks
        layouts = [layout_of(product, self.config.rows, self.config.columns) for product in products]
        for number, (product, one) in enumerate(zip(products, layouts)):
            bank = self._compute(program, reads, released, number, product, one)
        self._load_ahead(program, released, ahead, bank)
        predicted = predict(self.config, program, self._state)
        outcome = self._playing.play(program)
        sums = [np.zeros((len(one.vectors), one.matrix.shape[1]), np.int64) for one in layouts]
        results = (outcome or predicted).results.y
        for read in reads:
            width = read.columns.stop - read.columns.start
            sums[read.product][read.chosen, read.columns] += results[read.first:read.first + len(read.chosen), :width]
        found = [one.places(total) for one, total in zip(layouts, sums)]
        planes = predicted.results.planes
        work = sum(int((planes[read.first:read.first + len(read.chosen)] * read.work).sum()) for read in reads)
        wrong = sum(int(np.count_nonzero(mine != right)) for mine, right in zip(found, exact(part, products)))
        self.records.append(PartRecord(
            part, predicted.cycles, outcome and outcome.cycles, len(program.vectors), len(program.writes),
            int(planes.sum()), work, sum(total.size for total in found), wrong))
        return found

    def _compute(self, program, reads, released, number, product, layout):
        """Vectors of a product for each tile of it, and what of the tile is not there yet; the bank of the last."""
        config = self.config
        for rows, columns in blocks_of(layout.matrix.shape, config.rows, config.columns):
            chosen = np.flatnonzero(layout.used[:, rows].any(axis=1))
            if not chosen.size:
                continue
            bank = self._bank((product.matrix.name, rows.start, columns.start))
            self._write(program, bank, layout, rows, columns, released)
            reads.append(_Read(number, chosen, columns, len(program.vectors), layout.work(rows, columns)[chosen]))
            program.vectors.extend(
                len(chosen), x=pad_rows(config, layout.vectors[chosen, rows]) & (1 << config.input_bits) - 1,
                bits=product.bits, signed=product.signed, bank=bank, after=len(program.writes))
            released[bank] = len(program.vectors)
        return bank

    def _load_ahead(self, program, released, matrices, busy):
        """Write tiles of what comes next into banks of their own, and one into the bank that takes the next turn."""
        config, filled = self.config, False
        for matrix in matrices:
            layout = layout_of(all_of(matrix), config.rows, config.columns)
            for rows, columns in blocks_of(layout.matrix.shape, config.rows, config.columns):
                key = matrix.name, rows.start, columns.start
                if key not in self._homes:
                    if filled or self._turn == busy or not self._turning:
                        return
                    filled = True
                bank = self._bank(key)
                if bank != busy:
                    self._write(program, bank, layout, rows, columns, released)

    def _bank(self, key):
        """The bank of a tile: its own, the one that holds it, or the one whose turn it is."""
        if key in self._homes:
            return self._homes[key]
        bank = self._held.index(key) if key in self._held else self._turn
        self._held[bank], self._turn = key, (bank + 1) % self._turning
        return bank

    def _write(self, program, bank, layout, rows, columns, released):
        """Those rows of a tile that are read and that the bank does not hold, once the vectors before have left."""
        config, block = self.config, layout.matrix[rows, columns]
        stored = stored_rows(config, block, 1)
        changed = np.flatnonzero(layout.needed[rows] & (self._stored[bank, :len(block)] != stored).any(axis=1))
        if changed.size:
            program.writes.extend(len(changed), bank=bank, row=changed, weights=stored[changed], after=released[bank])
            self._stored[bank, changed] = stored[changed]


def _homes(config, model):
    """The bank of each tile that has one of its own, and how many banks take turns."""
    def tiles_of(name, shape):
        return [(name, rows.start, columns.start) for rows, columns in blocks_of(shape, config.rows, config.columns)]

    numbers = range(len(model.blocks))
    values = [tiles_of(f"block {number} values", (model.context, model.dimensions)) for number in numbers]
    constant = [tiles_of(matrix.name, matrix.weights.shape) for matrix in model.matrices]
    keys = [tiles_of(f"block {number} keys", (model.dimensions, model.context)) for number in numbers]
    tiles = [tile for tiles in (*values, *constant, *keys) for tile in tiles]
    turning = 0 if len(tiles) <= config.banks else min(2, config.banks)
    return {tile: turning + number for number, tile in enumerate(tiles[:config.banks - turning])}, turning
