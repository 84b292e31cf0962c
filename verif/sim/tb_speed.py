"""Measures how fast a cocotb test runs a macro at full rate: with a `MacroPlayer`, or driving every vector itself.

Each test writes its numbers to the JSON file that `SPEED_OUTCOME` names.
"""

import json
import os
import time
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge

from ...golden.bits import to_bits
from ...golden.mvm import mvm
from ...golden.program import Program, Write
from ...hdl.config import MacroConfig
from .stream_player import MacroPlayer


async def transfer(clock, flag):
    """The next edge at which a ready or valid is high; wakes up when it rises, not at every edge."""
    await ReadOnly()
    if not flag.value:
        await RisingEdge(flag)
        await ReadOnly()
    await RisingEdge(clock)


async def take(dut, count, results):
    """Read all results."""
    for _ in range(count):
        await ReadOnly()
        if not dut.o_valid.value:
            await RisingEdge(dut.o_valid)
            await ReadOnly()
        results.append(int(dut.o_y.value))
        await RisingEdge(dut.clk)


async def begin(dut):
    """The macro's configuration, its clock after a reset, random weights and the inputs of all vectors."""
    config = MacroConfig.from_json(os.environ["BITLINE_CONFIG"])
    count, bits = int(os.environ["SPEED_VECTORS"]), int(os.environ["SPEED_BITS"])
    rng = np.random.default_rng(1)
    half = 1 << config.weight_bits - 1
    weights = rng.integers(-half, half, (config.rows, config.columns))
    # The highest bit set somewhere, so that each vector takes all its planes.
    inputs = rng.integers(0, 1 << bits, (count, config.rows))
    inputs[:, 0] |= 1 << bits - 1
    clock = Clock(dut.clk, 2, unit="ns")
    clock.start(start_high=False)
    for name in ("write_valid", "i_valid", "i_signed", *(["i_bank", "write_bank"] if config.banks > 1 else []),
                 *(["i_accumulate"] if config.max_accumulations > 1 else []), *(["i_fuse"] if config.fuse > 1 else [])):
        getattr(dut, name).value = 0
    dut.i_bits.value = bits
    dut.o_ready.value = 1
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    return config, clock, weights, inputs


class Stopwatch:
    """Seconds from its making on, also of processor time."""

    def __init__(self):
        self._wall, self._processor = time.perf_counter(), time.process_time()

    def save(self, cycles):
        """Write them, and how many cycles were simulated meanwhile."""
        seconds = {"seconds": time.perf_counter() - self._wall, "processor": time.process_time() - self._processor}
        Path(os.environ["SPEED_OUTCOME"]).write_text(json.dumps({"cycles": cycles, **seconds}), encoding="utf-8")


@cocotb.test()
async def played(dut):
    """Whatever a program takes counts: its records, the golden model, and the comparison of all results and cycles."""
    config, clock, weights, inputs = await begin(dut)
    bits = int(os.environ["SPEED_BITS"])
    player = MacroPlayer(dut, config, clock)
    await player.play(Program([Write(0, row, values) for row, values in enumerate(weights)]))
    program = Program()
    program.vectors.extend(len(inputs), x=inputs, bits=bits, signed=False)
    stopwatch = Stopwatch()
    outcome = await player.play(program)
    stopwatch.save(outcome.cycles)
    assert outcome.cycles == len(inputs) * bits + config.latency


@cocotb.test()
async def driven(dut):
    """Results are compared when the time is taken."""
    config, _, weights, inputs = await begin(dut)
    words = [to_bits(x, config.input_bits) for x in inputs]
    dut.write_valid.value = 1
    for row in range(config.rows):
        dut.write_row.value = row
        dut.write_weights.value = to_bits(weights[row], config.weight_bits)
        await RisingEdge(dut.clk)
    dut.write_valid.value = 0

    results = []
    taking = cocotb.start_soon(take(dut, len(words), results))
    stopwatch, start = Stopwatch(), cocotb.utils.get_sim_time("ns")
    dut.i_valid.value = 1
    for word in words:
        dut.i_x.value = word
        await transfer(dut.clk, dut.i_ready)
    dut.i_valid.value = 0
    await taking
    cycles = round((cocotb.utils.get_sim_time("ns") - start) / 2)
    stopwatch.save(cycles)

    expected = [to_bits(y, config.total_width) for y in mvm(weights, inputs)]
    assert results == expected
    assert cycles == len(words) * int(os.environ["SPEED_BITS"]) + config.latency
