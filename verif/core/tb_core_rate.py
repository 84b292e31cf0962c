"""How much of the array's peak a core sustains, measured at its streams.

`BITLINE_VECTORS` says with how many vectors, and `BITLINE_FIGURES` names the file that gets the figures.
"""

import json
import os
from pathlib import Path

import cocotb
from cocotb.utils import get_sim_steps, get_sim_time
from cocotbext.axi import AxiStreamFrame

from ...golden.core import rows_bytes
from .core_bench import PERIOD_NS, CoreBench


async def run(bench, count, reload):
    """Cycles from the first beat to the last beat of results, of vectors that need all planes; and of a reload."""
    macro = bench.config.macro
    await bench.apply_settings(bits=macro.input_bits, signed=1, bank=0, set=0)
    await bench.write("control", clear_counters=1)
    rows = bench.draw_weights()
    start = get_sim_time("step")
    for _ in range(count):
        assert bench.send(bench.draw_vector(macro.input_bits, True)) == 0
    if reload:
        await bench.write("load", bank=1)
        bench.weights.send_nowait(AxiStreamFrame(rows_bytes(bench.config, rows)))
        for row, values in enumerate(rows):
            bench.model.macro.write(1, row, values)
    wanted, ends = list(bench.expected), []
    for result in wanted:
        frame = await bench.results.recv()
        assert bytes(frame.tdata) == result
        ends.append(frame.sim_time_end)
    bench.expected.clear()
    assert (await bench.read("output_stalls"))["count"] == 0
    return (ends[-1] - start) // get_sim_steps(PERIOD_NS, "ns") + 1, bench.weights.idle()


@cocotb.test()
async def rate(dut):
    """Vectors with and without a reload of the other bank; the command and the test check the figures."""
    bench = CoreBench(dut)
    await bench.start()
    for bank in range(2):
        await bench.load_bank(bank)
    await bench.load_set(0)
    count = int(os.environ["BITLINE_VECTORS"])
    peak = count * bench.config.macro.input_bits
    alone, _ = await run(bench, count, False)
    loaded, is_loaded = await run(bench, count, True)
    assert is_loaded
    Path(os.environ["BITLINE_FIGURES"]).write_text(json.dumps({
        "vectors": count, "peak": peak, "cycles": alone, "cycles_with_reload": loaded, "efficiency": peak / alone,
        "reload_cost": loaded / alone - 1}), encoding="utf-8")
    # The other bank has the weights loaded meanwhile.
    await bench.apply_settings(bits=bench.config.macro.input_bits, signed=1, bank=1, set=0)
    bench.send(bench.draw_vector(bench.config.macro.input_bits, True))
    await bench.check()
