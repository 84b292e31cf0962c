"""Plays a program on a block macro: `BITLINE_PROGRAM` names a file of `run_program`, and `BITLINE_FOUND` one to write.
"""

import json
import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge

from .streams import OTHER, RESULT, Streams

PERIOD_NS = 10


def ports_of(dut, beats):
    """The ports of the streams, by name; a macro has no port for a field without bits."""
    fields = {"o": RESULT, **{stream: beats[stream][0] for stream in OTHER}}
    names = [f"{stream}_{field}" for stream, others in fields.items() for field in ("valid", "ready", *others)]
    return {name: getattr(dut, name) for name in names if hasattr(dut, name)}


@cocotb.test()
async def plays(dut):
    """The program, from a reset on."""
    program = json.loads(Path(os.environ["BITLINE_PROGRAM"]).read_text(encoding="utf-8"))
    streams, ports = Streams(**program), ports_of(dut, program["beats"])
    for name, port in ports.items():
        if not name.startswith("o_") and not name.endswith("ready"):
            port.value = 0
    ports["o_ready"].value = 0
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, "ns").start()
    for _ in range(2):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    while not streams.is_done:
        for name, value in streams.drive().items():
            if name in ports:
                ports[name].value = value
        await ReadOnly()
        streams.look(lambda name: ports[name].value)
        await RisingEdge(dut.clk)
    Path(os.environ["BITLINE_FOUND"]).write_text(json.dumps({"found": streams.found, "cycles": streams.cycles}),
                                                 encoding="utf-8")
