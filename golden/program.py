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
    """

    results: list
    taken: list
    cycles: int


def predict(config, program):
    """Results and cycles of a program whose results are always taken at once.

    Parameters
    ----------
    config : MacroConfig
    program : Program

    Returns
    -------
    Outcome
    """
    model, clock = MacroModel(config), MacroCycles(config)
    planes = [model.planes(vector.x, vector.bits, vector.signed) for vector in program.vectors]
    results, taken = [], []
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
            writes += 1
            last = cycle
        if vector is not None and i_ready:
            results.append(model.vector(vector.x, bits=vector.bits, signed=vector.signed, bank=vector.bank,
                                        accumulate=vector.accumulate, fuse=vector.fuse))
            vectors += 1
        cycle += 1
    return Outcome(results, taken, last + 1 if cycle else 0)
