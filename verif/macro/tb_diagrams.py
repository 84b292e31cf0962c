"""Scenarios that show how each stream behaves.

`DIAGRAMS_SIGNALS` says as a JSON object where each signal to sample is; `DIAGRAMS_SAMPLES` names the file that gets
every cycle of the scenarios as JSON. For a macro of 4 rows, 2 columns, 4-bit weights and inputs, and 2 banks.
"""

import json
import os
from pathlib import Path

import cocotb
import numpy as np
from cocotb.triggers import ReadOnly, RisingEdge

from ...golden.program import Vector, Write
from .macro_bench import Bench

ROWS = ((3, -2), (-8, 7), (5, 1), (-4, 6))
OTHER_ROWS = ((1, -1), (2, -5), (-3, 4), (7, -8))


class Timetable:
    """Fixed pauses: the cycles of a scenario in which a stream is not driven.

    Parameters
    ----------
    bench : Bench
    held : container of int for each of write, i and o
        Cycles from the start of the scenario, which is now.
    """

    def __init__(self, bench, **held):
        self._bench, self._first, self._held = bench, bench.cycle, held

    def __getattr__(self, stream):
        return float(self._bench.cycle - self._first in self._held.get(stream, ()))


def write_scenario():
    """Bank 0 is written and used; bank 1 is written meanwhile; a write of bank 0 waits until the vector has left it."""
    writes = [Write(0, row, np.array(weights)) for row, weights in enumerate(ROWS)]
    writes += [Write(1, row, np.array(OTHER_ROWS[row]), after=1) for row in range(2)]
    writes += [Write(0, row, np.array(OTHER_ROWS[row])) for row in range(2)]
    return [*writes, Vector(np.array([9, 1, 4, 2]), 4, False, after=4)], {}


def i_scenario():
    """Vectors of 3, 4, 2, 1 and 4 planes, back to back."""
    vectors = (([5, 3, 0, 7], 4, False), ([9, 1, 4, 2], 4, False), ([-1, 0, 1, -2], 4, True), ([1, 0, 1, 1], 3, False),
               ([-8, 7, 3, -1], 4, True))
    return [Vector(np.array(x) & 15, bits, signed) for x, bits, signed in vectors], {}


def o_scenario():
    """Vectors of two planes; from cycle 10 on no result is accepted for five cycles."""
    vectors = ([1, 2, 0, 3], [3, 1, 1, 0], [0, 2, 3, 1], [2, 2, 1, 3], [1, 0, 2, 0], [3, 3, 0, 1], [0, 1, 2, 2])
    return [Vector(np.array(x), 2, False) for x in vectors], {"o": range(10, 15)}


SCENARIOS = {"write": write_scenario, "i": i_scenario, "o": o_scenario}


def find(dut, path):
    """The handle of a signal, from the names on the way to it."""
    for name in path.split("."):
        dut = dut[name]
    return dut


async def sample(dut, handles, cycles):
    """Append the values of the signals in each cycle, in binary."""
    while True:
        await ReadOnly()
        cycles.append({name: str(handle.value) for name, handle in handles.items()})
        await RisingEdge(dut.clk)


@cocotb.test()
async def diagrams(dut):
    """Play each scenario in lockstep with the golden model; an idle cycle before it and one after it."""
    bench, cycles, parts = Bench(dut), [], {}
    handles = {name: find(dut, path) for name, path in json.loads(os.environ["DIAGRAMS_SIGNALS"]).items()}
    await bench.start()
    cocotb.start_soon(sample(dut, handles, cycles))
    # No cell may be unknown.
    await bench.play([Write(bank, row, np.array(weights)) for bank, rows in enumerate((ROWS, OTHER_ROWS))
                      for row, weights in enumerate(rows)])
    for name, scenario in SCENARIOS.items():
        items, held = scenario()
        first = bench.cycle
        await bench.play(items, Timetable(bench, **{"write": (0,), "i": (0,), **held}))
        parts[name] = slice(first, bench.cycle + 1)
    await RisingEdge(dut.clk)
    samples = {name: cycles[part] for name, part in parts.items()}
    Path(os.environ["DIAGRAMS_SAMPLES"]).write_text(json.dumps(samples), encoding="utf-8")
