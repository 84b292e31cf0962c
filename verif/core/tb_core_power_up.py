"""Testbench of a core's first reset, on any bus: out of any state, of which X is one in a four-valued simulator."""

import os

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, Timer

from ...hdl.config import CoreConfig
from ...hdl.core.top import core_ports
from .core_bench import PERIOD_NS, CoreBench

# Clock cycles of the shortest reset at power-up, by kind of reset, and until the core is out of reset.
SHORTEST = {"synchronous": 1, "asynchronous": 4}
SETTLED = {"synchronous": 1, "asynchronous": 5}
# Ports that are valid only while another is high.
PAYLOADS = ("tdata", "tkeep", "tlast", "tuser", "rdata", "rresp", "bresp", "dat_r")


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def power_up(dut):
    """After some clock edges with undriven inputs, the first at time 0, the shortest reset makes all outputs known.

    Then vectors have their results. Where there are no such edges, the reset is low from time 0, and has no edge.
    """
    config = CoreConfig.from_json(os.environ["BITLINE_CORE_CONFIG"])
    edges, clock = int(os.environ["BITLINE_EDGES"]), Clock(dut.aclk, PERIOD_NS, unit="ns")
    if edges:
        clock.start()
        await ClockCycles(dut.aclk, edges)
    bench = CoreBench(dut)
    if not edges:
        await Timer(PERIOD_NS, "ns")
        clock.start()
    await ClockCycles(dut.aclk, SHORTEST[config.reset])
    await ReadOnly()
    assert str(dut.s_axis_tready.value) == str(dut.s_axis_w_tready.value) == "0", "taken in a reset"
    await Timer(1, "ns")
    dut.aresetn.value = 1
    await ClockCycles(dut.aclk, SETTLED[config.reset])
    for port in core_ports(config):
        if port.direction == "output" and not port.name.endswith(PAYLOADS):
            value = getattr(dut, port.name).value
            assert value.is_resolvable, f"{port.name} must be known after a reset, and is {value}"
    assert (await bench.read("identity"))["identity"] == bench.registers["identity"].fields[0].reset
    for bank in range(config.macro.banks):
        await bench.load_bank(bank)
    await bench.load_set(0)
    for bank in range(config.macro.banks):
        await bench.apply_settings(bits=config.macro.input_bits, signed=1, bank=bank, set=0,
                           accumulate_count=config.macro.max_accumulations)
        for _ in range(3 * config.macro.max_accumulations):
            bench.send(bench.draw_vector(config.macro.input_bits, True))
        await bench.check()
    assert await bench.read("error") == {"code": 0, "count": 0}
