"""Programs: sequences of writes and vectors, with their results and cycles."""

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
    """Contents of the two input streams of a macro, each in order and without pauses."""

    writes: list = field(default_factory=list)
    vectors: list = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """Results and timing of a program.

    ``results`` has a `Result` for each vector, ``taken`` the cycle in which each result was accepted, ``cycles`` the
    number of cycles from the first offer to the last handshake, both included. ``written`` has the cycle in which each
    write was accepted, if known.
    """

    results: list
    taken: list
    cycles: int
    written: list = field(default_factory=list)


class MacroState:
    """State of a macro between programs: contents of its banks, and its cycles.

    Parameters
    ----------
    config : MacroConfig
    """

    def __init__(self, config):
        self.model, self.clock = MacroModel(config), MacroCycles(config)
        self._pause = pause(config)

    def settle(self):
        """Run the idle cycles between two programs."""
        for _ in range(self._pause):
            self.clock.step(None, (0, 0), False, True)


def pause(config):
    """Cycles after which an idle macro has emptied its pipeline and completed all table fills."""
    return config.latency + (4 * (config.table_fill_cycles + 2) if config.table_fill_cycles else 0)


def predict(config, program, state=None):
    """Results and cycles of a program whose results are always accepted at once.

    Parameters
    ----------
    config : MacroConfig
    program : Program
    state : MacroState, optional
        State of a macro that has run other programs, which is updated; by default that of a new macro.

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
