"""Whole programs, played among what the test drives itself; also an example of a test with a `MacroPlayer`.

`PROGRAM_FAULT` is driven on the port ``fault`` of what is around the macro, in the last program.
"""

import os

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge
from cocotb.utils import get_sim_time

from ...golden.program import Vector
from ...hdl.config import MacroConfig
from ...hdl.macro.ports import HANDSHAKE, ports
from ..sim.port_fields import encode_vector
from ..sim.stream_player import MacroPlayer
from .drawn_program import draw_program

PERIOD_NS = 10


async def begin(dut, config):
    """A started clock; all inputs are driven, and the macro was reset."""
    for port in ports(config):
        if port.is_input:
            getattr(dut, port.name).value = 0
    dut.rst.value = 1
    clock = Clock(dut.clk, PERIOD_NS, unit="ns")
    clock.start(start_high=False)
    await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    return clock


async def sum_inputs(dut, config, x):
    """The sum of the inputs of one vector, driven and read by hand."""
    vector = encode_vector(config, Vector(x, config.input_bits, signed=False))
    for port in ports(config):
        if port.stream == "i" and port.field not in HANDSHAKE:
            # The player left the last vector there.
            getattr(dut, port.name).value = vector[port.field]
    dut.i_valid.value = 1
    await at_edge(dut, dut.i_ready)
    dut.i_valid.value = 0
    return await at_edge(dut, dut.o_valid, dut.o_sum_x)


async def at_edge(dut, flag, port=None):
    """The next edge at which a flag is high; the value of a port there."""
    await ReadOnly()
    while not flag.value:
        await RisingEdge(dut.clk)
        await ReadOnly()
    value = None if port is None else port.value.to_signed()
    await RisingEdge(dut.clk)
    return value


@cocotb.test()
async def programs(dut):
    config = MacroConfig.from_json(os.environ["BITLINE_CONFIG"])
    rng = np.random.default_rng(int(os.environ["COCOTB_RANDOM_SEED"]))
    if "PROGRAM_FAULT" in os.environ:
        dut.fault.value = 0
    player = MacroPlayer(dut, config, await begin(dut, config), patience=1000)
    edge = get_sim_time("ns")
    for _ in range(3):
        await player.play(draw_program(config, rng, 100))
        # Just after an edge of the same clock.
        assert (get_sim_time("ns") - edge) % PERIOD_NS == 0 and dut.clk.value == 1 and not dut.i_valid.value
        x = rng.integers(0, 1 << config.input_bits, config.rows)
        assert await sum_inputs(dut, config, x) == x.sum()
    if "PROGRAM_FAULT" in os.environ:
        dut.fault.value = int(os.environ["PROGRAM_FAULT"])
        await player.play(draw_program(config, rng, 100))
