"""Backends: what computes the matrix products of a network. All give the same integers.

Each is a context manager with ``product(operator, x)``, as `Inference` takes it, and ``records``, a `LayerRecord` of
each product so far.
"""

from dataclasses import dataclass

import numpy as np

from ..golden.program import MacroState, Outcome, predict
from ..verif.sim.player import RtlSession
from .board import Board
from .mapping.schedule import Schedule

# Backends with a macro, and all.
MACROS = ("golden", "rtl", "board")
BACKENDS = (*MACROS, "numpy")


@dataclass(frozen=True)
class LayerRecord:
    """One product on a macro.

    Attributes
    ----------
    output : int
        Number of the tensor that the operator makes.
    runs : int
        Inputs of the network that were run together.
    predicted : int
        Cycles.
    cycles : int or None
        Those that the simulator counted; a board does not tell.
    vectors : int
    loads : tuple of (layer, rows, bits)
        Tiles that were written, those of later layers too.
    planes, skipped, work : int
        See `LayerProgram.activity`.
    inputs, sums : int
        Bits of activations sent to the macro, and results read from it, without rows and columns that no tile uses.
    mismatches : int
        Accumulators that differ from those in numpy.
    """

    output: int
    runs: int
    predicted: int
    cycles: int | None
    vectors: int
    loads: tuple
    planes: int
    skipped: int
    work: int
    inputs: int
    sums: int
    mismatches: int


class NumpyBackend:
    """Products in numpy, without a macro and its cycles."""

    def __init__(self, network):
        self.network, self.records = network, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def product(self, operator, x):
        """Accumulators (N, *output shape), int64, without bias, of inputs (N, *input shape)."""
        return operator.accumulators(self.network.tensors, x)


class Predicted:
    """A macro that is only calculated: exact results and cycles, without a simulator."""

    def __init__(self, config):
        self.config = config

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def play(self, program):
        """Nothing new: the prediction is made anyway."""
        return None


class BoardPlayer:
    """A board as a player of programs.

    Parameters
    ----------
    port : str
    config : MacroConfig
    options
        Of `Board`.
    """

    def __init__(self, port, config, **options):
        self._board = Board(port, config, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._board.close()

    def play(self, program):
        """Run a `Program`; an `Outcome` without cycles, which a board does not tell."""
        return Outcome(self._board.play(program), [], None)


class MacroBackend:
    """Products on a macro.

    Parameters
    ----------
    mapping : Mapping
    player : context manager
        With ``play(program)``, an `Outcome`: `RtlSession`, `BoardPlayer` or `Predicted`.
    """

    def __init__(self, mapping, player):
        self.mapping, self.records, self._player = mapping, [], player
        self._schedule, self._state = Schedule(mapping), MacroState(mapping.config)

    def __enter__(self):
        self._playing = self._player.__enter__()
        return self

    def __exit__(self, *error):
        return self._player.__exit__(*error)

    def product(self, operator, x):
        """Accumulators (N, *output shape), int64, without bias, of inputs (N, *input shape)."""
        layer = self._schedule.program(operator, x)
        predicted = predict(self.mapping.config, layer.program, self._state)
        outcome = self._playing.play(layer.program)
        y = layer.collect((outcome or predicted).results)
        expected = operator.accumulators(self.mapping.network.tensors, x)
        planes, skipped, work = layer.activity(predicted.results.planes)
        bits = self.mapping.config.weight_bits
        self.records.append(LayerRecord(
            operator.output, len(x), predicted.cycles, outcome and outcome.cycles, len(layer.program.vectors),
            tuple((tile.layer, tile.slice.rows, tile.slice.rows * self._columns(tile) * self._layer(tile).fuse * bits)
                  for tile, _, _ in layer.loads),
            planes, skipped, work,
            sum(tile.slice.rows * input_slice.bits * count for tile, input_slice, _, count in layer.reads),
            sum(self._columns(tile) * count for tile, _, _, count in layer.reads),
            int(np.count_nonzero(y != expected))))
        return y

    def _layer(self, tile):
        return self.mapping.layers[tile.layer]

    def _columns(self, tile):
        """Weights in a row of a tile."""
        return self._layer(tile).block(tile.slice).shape[1]


def open_backend(name, mapping, *, simulator="verilator", folder=None, port=None):
    """A `MacroBackend` by name.

    Parameters
    ----------
    name : str
        One of `MACROS`; ``"golden"`` is a macro that is only calculated.
    mapping : Mapping
    simulator, folder
        Of `RtlSession`.
    port : str
        Of a board.
    """
    if name == "golden":
        player = Predicted(mapping.config)
    elif name == "rtl":
        player = RtlSession(mapping.config, simulator=simulator, **({"folder": folder} if folder else {}))
    elif name == "board":
        player = BoardPlayer(port, mapping.config)
    else:
        raise ValueError(f"backend must be one of {', '.join(MACROS)}, not {name!r}")
    return MacroBackend(mapping, player)
