"""An array of DSPs against numpy, every sum in every cycle."""

import json
import os
from collections import deque

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from ...golden.bits import from_bits, limits, to_bits

# Edges from the factors to their sum, and cycles that `add` is later than they.
LATENCY, LATER = 4, 2


@cocotb.test()
async def sums_of_products(dut):
    array = json.loads(os.environ["BITLINE_ARRAY"])
    rows, columns, bits, width = (array[name] for name in ("rows", "columns", "bits", "width"))
    rng = np.random.default_rng(1)
    minimum, maximum = limits(bits, True)
    sums, expected, adds = np.zeros((rows, columns), int), deque(), deque(np.zeros((LATER, rows, columns), bool))
    Clock(dut.clk, 2, unit="ns").start(start_high=False)
    dut.rst.value = 0
    for cycle in range(array["cycles"] + LATENCY):
        await FallingEdge(dut.clk)
        if cycle >= LATENCY:
            found = from_bits(int(dut.sums.value), width, rows * columns).reshape(rows, columns)
            assert found.tolist() == expected.popleft().tolist(), f"sums in cycle {cycle}"
        # Now and then either extreme everywhere, whose products are the largest.
        x, w = (rng.choice([minimum, maximum], size) if cycle % 7 == 0 else rng.integers(minimum, maximum + 1, size)
                for size in (rows, columns))
        # None with the first factors: what the sums start from is not known.
        adds.append(rng.random((rows, columns)) < 0.8 * (cycle > 0))
        dut.x.value, dut.w.value = to_bits(x, bits), to_bits(w, bits)
        dut.add.value = to_bits(adds.popleft().ravel(), 1)
        sums = np.where(adds[-1], sums, 0) + np.outer(x, w)
        expected.append(sums)
    assert len(expected) == LATENCY
