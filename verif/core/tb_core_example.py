"""Runs the example of a document: register writes and bytes of streams."""

import json
import os

import cocotb
from cocotbext.axi import AxiStreamFrame

from .core_bench import CoreBench


@cocotb.test()
async def example(dut):
    """Each step is a pair: a register and its word, or a stream and its bytes."""
    bench = CoreBench(dut)
    await bench.start()
    for where, what in json.loads(os.environ["BITLINE_STEPS"]):
        if where == "m_axis":
            frame = await bench.results.recv()
            assert bytes(frame.tdata) == bytes.fromhex(what), f"m_axis must be {what}, not {bytes(frame.tdata).hex()}"
        elif where in ("s_axis", "s_axis_w"):
            source = bench.vectors if where == "s_axis" else bench.weights
            await source.send(AxiStreamFrame(bytes.fromhex(what)))
            await source.wait()
        else:
            await bench.write_bytes(bench.registers[where].offset, int(what, 16).to_bytes(4, "little"))
    assert await bench.read("error") == {"code": 0, "count": 0}
