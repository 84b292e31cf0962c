"""Plays the streams of a block macro or core in cocotb, by files that the environment names."""

import json
import os
from pathlib import Path

from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge, Timer

from .streams import Streams

PERIOD_NS = 10
# An asynchronous reset that is low from power-up on needs four edges, with the effect at the next.
RESET_CYCLES = 5


def load():
    """The `Streams` of `BITLINE_PROGRAM`."""
    return Streams(**json.loads(Path(os.environ["BITLINE_PROGRAM"]).read_text(encoding="utf-8")))


def write(streams, **more):
    """What came out, and the cycles that it took, to `BITLINE_FOUND`."""
    Path(os.environ["BITLINE_FOUND"]).write_text(json.dumps({"found": streams.found, "cycles": streams.cycles, **more}),
                                                 encoding="utf-8")


async def start(dut, streams, clock, reset, *, is_low):
    """Clock and reset, with all inputs of the streams driven from before the first edge."""
    for name in streams.inputs:
        if hasattr(dut, name):
            getattr(dut, name).value = 0
    reset.value = not is_low
    await Timer(PERIOD_NS, "ns")
    Clock(clock, PERIOD_NS, "ns").start()
    for _ in range(RESET_CYCLES):
        await RisingEdge(clock)
    reset.value = is_low


async def play(dut, streams, clock):
    """The program, to its end."""
    ports = {name: getattr(dut, name) for name in (*streams.inputs, *streams.outputs) if hasattr(dut, name)}
    while not streams.is_done:
        for name, value in streams.drive().items():
            if name in ports:
                ports[name].value = value
        await ReadOnly()
        streams.look(lambda name: ports[name].value)
        await RisingEdge(clock)
