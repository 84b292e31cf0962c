"""Programs: writes and vectors in order, what they give and how long they take."""

from dataclasses import dataclass, field

import numpy as np

from .cycles import MacroCycles
from .macro import MacroModel


@dataclass(frozen=True)
class Write:
    """One row of a bank. Offered once ``after`` vectors of the program have been accepted."""

    bank: int
    row: int
    weights: np.ndarray
    after: int = 0


@dataclass(frozen=True)
class Vector:
    """One vector. Offered once ``after`` writes of the program have been accepted."""

    x: np.ndarray
    bits: int
    signed: bool
    bank: int = 0
    accumulate: bool = False
    fuse: int = 1
    after: int = 0


@dataclass
class Program:
    """What the two input streams of a macro are to be given, each in order and without a pause of its own."""

    writes: list = field(default_factory=list)
    vectors: list = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What a program gives.

    ``results`` holds a `Result` for each vector, ``taken`` the cycle in which each was taken, ``cycles`` the number of
    cycles from the first in which something was offered to the last in which something was taken, both included.
    ``written`` holds the cycle in which each write was accepted, where that is known.
    """

    results: list
    taken: list
    cycles: int
    written: list = field(default_factory=list)


class MacroState:
    """A macro between programs: what its banks hold, and its cycles.

    Parameters
    ----------
    config : MacroConfig
    """

    def __init__(self, config):
        self.model, self.clock = MacroModel(config), MacroCycles(config)
        self._pause = pause(config)

    def settle(self):
        """Let the cycles go by that lie between two programs."""
        for _ in range(self._pause):
            self.clock.step(None, (0, 0), False, True)


def pause(config):
    """Cycles after which a macro that is left alone does nothing any more: its pipeline, and walks of table writers."""
    return config.latency + (4 * (config.table_fill_cycles + 2) if config.table_fill_cycles else 0)


def predict(config, program, state=None):
    """Results and cycles of a program whose results are always taken at once.

    Parameters
    ----------
    config : MacroConfig
    program : Program
    state : MacroState, optional
        Of a macro that has run other programs, and is left as this one leaves it; by default it is new.

    Returns
    -------
    Outcome
    """
    state = state or MacroState(config)
    state.settle()
    model, clock = state.model, state.clock
    planes = [model.planes(vector.x, vector.bits, vector.signed) for vector in program.vectors]
    results, taken, written = [], [], []
    writes = vectors = cycle = last = 0
    while writes < len(program.writes) or len(taken) < len(program.vectors):
        write = vector = None
        if writes < len(program.writes) and program.writes[writes].after <= vectors:
            write = program.writes[writes]
        if vectors < len(program.vectors) and program.vectors[vectors].after <= writes:
            vector = program.vectors[vectors]
        if clock.idle and write is None and vector is None:
            raise ValueError(f"program must not wait for itself, and does at write {writes} and vector {vectors}")
        if clock.o_valid:
            taken.append(cycle)
            last = cycle
        i_ready, write_ready = clock.step(vector and (planes[vectors], vector.bank),
                                          (write.bank, write.row) if write else (0, 0), write is not None, True)
        if write is not None and write_ready:
            model.write(write.bank, write.row, write.weights)
            written.append(cycle)
            writes += 1
            last = cycle
        if vector is not None and i_ready:
            results.append(model.vector(vector.x, bits=vector.bits, signed=vector.signed, bank=vector.bank,
                                        accumulate=vector.accumulate, fuse=vector.fuse))
            vectors += 1
        cycle += 1
    return Outcome(results, taken, last + 1 if cycle else 0, written)
