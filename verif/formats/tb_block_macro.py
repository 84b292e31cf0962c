"""Plays a program on a block macro: `BITLINE_PROGRAM` names a file of `run_on`, and `BITLINE_FOUND` one to write."""

import cocotb

from .player import load, play, start, write


@cocotb.test()
async def plays(dut):
    """The program, from a reset on."""
    streams = load()
    await start(dut, streams, dut.clk, dut.rst, is_low=False)
    await play(dut, streams, dut.clk)
    write(streams)
