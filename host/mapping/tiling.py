"""Tiling: a matrix of any size as tiles of a macro, and the program that multiplies it with vectors."""

from dataclasses import dataclass

import numpy as np

from ...golden.bits import limits, slice_weights
from ...golden.mvm import planes_needed
from ...golden.program import Program
from ...hdl.config import FUSES


@dataclass(frozen=True)
class Tile:
    """One macro-sized block: rows ``row..row + rows`` and columns ``column..column + columns`` of the matrix."""

    row: int
    rows: int
    column: int
    columns: int
    bank: int

    @property
    def block(self):
        """Where it is in the matrix."""
        return slice(self.row, self.row + self.rows), slice(self.column, self.column + self.columns)


@dataclass(frozen=True)
class MatrixProduct:
    """The program of one product, and how to read its results.

    Attributes
    ----------
    program : Program
    tiles : list of Tile
        In the order in which they are written.
    fuse : int
        Columns of the macro to one of the matrix.
    work : int
        1-bit MACs that count: rows and columns of the matrix, planes that are not skipped.
    """

    program: Program
    tiles: list
    fuse: int
    work: int
    _outputs: list
    _shape: tuple

    def collect(self, results):
        """The product (B, N), int64, from the results of the program's vectors.

        The last vector of a chain holds its total; totals of one output that no chain could span are added here.
        """
        y = np.zeros(self._shape, dtype=np.int64)
        for chain, tile in self._outputs:
            y[:, tile.column:tile.column + tile.columns] += results.y[chain, :tile.columns]
        return y

    def utilization(self, config, cycles):
        """1-bit MACs done over those that the array could have done in so many cycles."""
        return self.work / (config.rows * config.columns * cycles) if cycles else 0.0


def fuse_for(config, weights):
    """The smallest ``fuse`` that holds these weights; ValueError if the configuration has none."""
    minimum, maximum = int(weights.min(initial=0)), int(weights.max(initial=0))
    for fuse in FUSES:
        low, high = limits(config.weight_bits * fuse, True)
        if fuse <= config.fuse and low <= minimum and maximum <= high:
            return fuse
    low, high = limits(config.weight_bits * config.fuse, True)
    raise ValueError(f"weights must be from {low} to {high} (weight_bits {config.weight_bits}, fuse {config.fuse}), "
                     f"not {minimum if minimum < low else maximum}")


def check_inputs(config, inputs, bits, signed):
    """ValueError if inputs do not fit their bits."""
    if not 1 <= bits <= config.input_bits:
        raise ValueError(f"bits must be from 1 to {config.input_bits} (input_bits), not {bits}")
    low, high = limits(bits, signed)
    minimum, maximum = int(inputs.min(initial=0)), int(inputs.max(initial=0))
    if minimum < low or maximum > high:
        kind = "signed" if signed else "unsigned"
        raise ValueError(f"inputs must be from {low} to {high} ({bits} bits, {kind}), "
                         f"not {minimum if minimum < low else maximum}")


def matrix_product(config, weights, inputs, *, bits=None, signed=None):
    """Tile a product of a matrix and vectors.

    Tiles go into the banks in turn. Those of one group of rows form a chain, which every vector runs through before
    the next vector starts; while a group computes, the banks outside it are written. If all tiles fit, they are
    written once and chains are as long as ``max_accumulations`` allows.

    Parameters
    ----------
    config : MacroConfig
    weights : int array (K, N)
    inputs : int array (B, K)
    bits : int
        Of the inputs; by default ``input_bits``.
    signed : bool
        By default whether there is a negative input.

    Returns
    -------
    MatrixProduct

    Raises
    ------
    ValueError
        Weights or inputs that do not fit.
    """
    bits = config.input_bits if bits is None else bits
    signed = bool((inputs < 0).any()) if signed is None else signed
    check_inputs(config, inputs, bits, signed)
    fuse = fuse_for(config, weights)
    tiles, count = _tiles(config, weights.shape, fuse), inputs.shape[0]
    longest = min(config.max_accumulations, config.banks if len(tiles) <= config.banks else max(1, config.banks // 2))
    program, outputs, work = Program(), [], 0
    released = dict.fromkeys(range(config.banks), 0)
    for group in _groups(tiles, longest):
        for tile in group:
            program.writes.extend(tile.rows, bank=tile.bank, row=np.arange(tile.rows), after=released[tile.bank],
                                  weights=stored_rows(config, weights[tile.block], fuse))
        # Of each vector its part for every tile of the group, one after the other.
        x = np.stack([pad_rows(config, inputs[:, tile.row:tile.row + tile.rows]) for tile in group], axis=1)
        planes = planes_needed(x, bits, signed).sum(axis=0).tolist()
        work += sum(tile.rows * tile.columns * fuse * needed for tile, needed in zip(group, planes))
        first = len(program.vectors)
        program.vectors.extend(
            count * len(group), x=x.reshape(-1, config.rows) & (1 << config.input_bits) - 1, bits=bits, signed=signed,
            bank=np.tile([tile.bank for tile in group], count),
            accumulate=np.tile(np.arange(len(group)) > 0, count), fuse=fuse, after=len(program.writes))
        outputs.append((slice(first + len(group) - 1, len(program.vectors), len(group)), group[-1]))
        released.update(dict.fromkeys((tile.bank for tile in group), len(program.vectors)))
    return MatrixProduct(program, tiles, fuse, work, outputs, (count, weights.shape[1]))


def _tiles(config, shape, fuse):
    """The tiles of a matrix (K, N), those of the same columns one after the other, in banks in turn."""
    return [Tile(rows.start, rows.stop - rows.start, columns.start, columns.stop - columns.start, index % config.banks)
            for index, (rows, columns) in enumerate(blocks_of(shape, config.rows, config.columns // fuse))]


def blocks_of(shape, rows, columns):
    """Slices of rows and columns of a matrix (K, N), at most so long, those of the same columns one after the other."""
    depth, width = shape
    return [(slice(row, min(row + rows, depth)), slice(column, min(column + columns, width)))
            for column in range(0, width, columns) for row in range(0, depth, rows)]


def _groups(tiles, longest):
    """Neighboring tiles of the same columns, at most ``longest`` together."""
    group = []
    for tile in tiles:
        if group and (len(group) == longest or tile.column != group[0].column):
            yield group
            group = []
        group.append(tile)
    if group:
        yield group


def stored_rows(config, block, fuse):
    """A tile's weights (rows, columns / fuse) as they are stored: int16 (rows, columns of the macro), padded with 0."""
    slices = slice_weights(block, config.weight_bits, fuse)
    rows = np.zeros((slices.shape[0], config.columns), dtype=np.int16)
    rows[:, :slices.shape[1]] = slices
    return rows


def pad_rows(config, inputs):
    """Inputs of a tile (B, rows of the tile), padded with zeros to int32 (B, rows of the macro)."""
    padded = np.zeros((inputs.shape[0], config.rows), dtype=np.int32)
    padded[:, :inputs.shape[1]] = inputs
    return padded
