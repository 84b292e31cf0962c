"""What a core with a faulty cell says of itself."""

import json
import os

import cocotb

from .core_bench import CoreBench


@cocotb.test()
async def fault(dut):
    """Both marches find the cell, and tell its place; zeroise does not claim that it is clear if it is stuck at one."""
    bench = CoreBench(dut)
    await bench.start()
    place = json.loads(os.environ["BITLINE_FAULT"])
    stuck_at_one = place.pop("stuck_at_one")
    for name in ("march_c_minus", "march_ss"):
        await bench.write("self_test", **{name: 1})
        await bench.until("status", "running", 0, reads=20000)
        status = await bench.read("status")
        assert (status["failed"], status["passed"]) == (1, 0)
        assert await bench.read("fault") == place
    await bench.write("control", zeroise=1)
    await bench.until("status", "running", 0)
    status = await bench.read("status")
    assert (status["zeroised"], status["failed"]) == (1 - stuck_at_one, stuck_at_one)
