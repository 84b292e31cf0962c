"""Result of the known answers in a core with wrong products."""

import cocotb

from .core_bench import CoreBench


@cocotb.test()
async def products(dut):
    """A march, which reads one row at a time, sees nothing wrong with the adders; the known answers do."""
    bench = CoreBench(dut)
    await bench.start()
    for name, verdict in (("march_c_minus", (1, 0)), ("known_answers", (0, 1))):
        await bench.write("self_test", **{name: 1})
        await bench.until("status", "running", 0, reads=20000)
        status = await bench.read("status")
        assert (status["passed"], status["failed"]) == verdict, f"{name}: {status}"
