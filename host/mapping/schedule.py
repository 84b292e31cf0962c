"""Schedules: the programs that run a mapped network layer by layer, and the cycles in which tiles are used."""

from dataclasses import dataclass

import numpy as np

from ...golden.program import MacroState, Program, predict
from .mapping import ScheduledTile
from .packing import PackedLayer
from .tiling import pad_rows


@dataclass(frozen=True)
class LayerProgram:
    """The program of one layer for some inputs, and how to read its results.

    Attributes
    ----------
    program : Program
    loads : list of (ScheduledTile, first write, writes)
        Tiles that it writes, including those of later layers.
    reads : list of (ScheduledTile, InputSlice, first vector, vectors)
        Tiles that it computes with.
    """

    program: Program
    loads: list
    reads: list
    _layer: PackedLayer
    _runs: int
    _tensors: list

    def collect(self, results):
        """The accumulators (N, *output shape), int64, without bias, from the results of the program's vectors."""
        total = self._layer.accumulators(self._runs)
        for tile, input_slice, first, count in self.reads:
            width = self._layer.block(tile.slice).shape[1]
            self._layer.add(total, tile.slice, input_slice, results.y[first:first + count, :width])
        return self._layer.operator.arrange(total, self._tensors)

    def activity(self, planes):
        """What the array does, from the planes (vectors,) that it drives.

        Returns
        -------
        (planes, skipped, work) : (int, int, int)
            Planes that are driven and that are skipped, and 1-bit MACs without cells that hold no weight.
        """
        skipped = work = 0
        for tile, input_slice, first, count in self.reads:
            needed = int(planes[first:first + count].sum())
            skipped += input_slice.bits * count - needed
            work += needed * self._layer.used(tile.slice)
        return int(planes.sum()), skipped, work


class Schedule:
    """The programs of a mapping; each starts with the banks as the previous one left them.

    Parameters
    ----------
    mapping : Mapping
    """

    def __init__(self, mapping):
        self.mapping = mapping
        self._stored = [None] * mapping.config.banks
        self._number = {operator.output: number
                        for number, operator in enumerate(mapping.network.matrix_operators)}

    def program(self, operator, x):
        """The program of a layer.

        Parameters
        ----------
        operator : MatrixOperator
        x : int array (N, *input shape)

        Returns
        -------
        LayerProgram
        """
        number, config = self._number[operator.output], self.mapping.config
        layer = self.mapping.layers[number]
        if operator.is_loaded:
            self._load_matrix(layer, number, operator)
        patches, released = layer.patches(x), [0] * config.banks
        program, loads, reads = Program(), [], []
        for tile in (tile for tile in self.mapping.tiles if tile.layer == number):
            self._load(program, loads, tile, released)
            inputs = layer.inputs(patches, tile.slice)
            for input_slice in layer.input_slices:
                values = layer.slice_inputs(inputs, input_slice)
                reads.append((tile, input_slice, len(program.vectors), len(values)))
                program.vectors.extend(
                    len(values), x=pad_rows(config, values & (1 << config.input_bits) - 1), bits=input_slice.bits,
                    signed=input_slice.signed, bank=tile.bank, fuse=layer.fuse, after=len(program.writes))
            released[tile.bank] = len(program.vectors)
        self._load_ahead(program, loads, number, released)
        return LayerProgram(program, loads, reads, layer, len(x), self.mapping.network.tensors)

    def _load_matrix(self, layer, number, operator):
        """Weights that are known now, in place of those before; what the banks hold of those is of no use."""
        layer.replace_weights(operator.convolution(self.mapping.network.tensors).kernel)
        self._stored = [None if tile is not None and tile.layer == number else tile for tile in self._stored]

    def _load(self, program, loads, tile, released):
        """Write a tile once its bank is free, unless the bank holds it already."""
        if self._stored[tile.bank] == tile:
            return
        layer = self.mapping.layers[tile.layer]
        loads.append((tile, len(program.writes), tile.slice.rows))
        program.writes.extend(tile.slice.rows, bank=tile.bank, row=np.arange(tile.slice.rows),
                              weights=layer.stored(tile.slice), after=released[tile.bank])
        self._stored[tile.bank] = tile

    def _load_ahead(self, program, loads, number, released):
        """Write tiles of later layers into the banks that this layer uses no more."""
        taken = {bank for bank, until in enumerate(released) if until == len(program.vectors)}
        for tile in (tile for tile in self.mapping.tiles if tile.layer > number):
            if self._stored[tile.bank] == tile:
                continue
            # One whose weights are not known yet is loaded when they are, as is what comes after it in its bank.
            if tile.bank in taken or self.mapping.layers[tile.layer].operator.is_loaded:
                break
            self._load(program, loads, tile, released)
            taken.add(tile.bank)


@dataclass(frozen=True)
class PlannedTile:
    """A tile and the cycles in which it is used.

    Attributes
    ----------
    tile : ScheduledTile
    written, results : (int, int)
        First and last cycle in which a row is written, and a result accepted, counted from the start of the run.
    """

    tile: ScheduledTile
    written: tuple
    results: tuple


@dataclass(frozen=True)
class Plan:
    """The cycles of a mapping; ``str`` of it is a table.

    Attributes
    ----------
    layers : list of PackedLayer
    tiles : list of PlannedTile
    cycles : int
    """

    layers: list
    tiles: list
    cycles: int

    def __str__(self):
        lines = []
        for number, layer in enumerate(self.layers):
            tiles = [planned for planned in self.tiles if planned.tile.layer == number]
            lines.append(f"{layer.operator.location}: {layer.packing}, {len(tiles)} tiles")
            lines += [f"  bank {planned.tile.bank}{' for good' if planned.tile.resident else ''}: "
                      f"{planned.tile.slice.rows} rows x {layer.block(planned.tile.slice).shape[1]} columns, "
                      f"written in {planned.written[0]}..{planned.written[1]}, "
                      f"results in {planned.results[0]}..{planned.results[1]}" for planned in tiles]
        return "\n".join([*lines, f"{self.cycles} cycles"])


def plan(mapping):
    """The `Plan` of a mapping's first run, if no plane is skipped."""
    schedule, state = Schedule(mapping), MacroState(mapping.config)
    written, results, start = {}, {}, 0
    for operator, layer in zip(mapping.network.matrix_operators, mapping.layers):
        layer_program = schedule.program(operator, layer.worst(mapping.runs))
        outcome = predict(mapping.config, layer_program.program, state)
        for tile, first, count in layer_program.loads:
            written[tile] = start + outcome.written[first], start + outcome.written[first + count - 1]
        for tile, _, first, count in layer_program.reads:
            begin, _ = results.get(tile, (start + outcome.taken[first], None))
            results[tile] = begin, start + outcome.taken[first + count - 1]
        start += outcome.cycles
    tiles = [PlannedTile(tile, written[tile], results[tile]) for tile in mapping.tiles]
    return Plan(mapping.layers, tiles, start)
