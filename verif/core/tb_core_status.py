"""Status of a core: counters, progress of loads, and events."""

import cocotb
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiStreamFrame

from ...golden.core import parameters_bytes, rows_bytes
from ...hdl.csr.register_map import ErrorCode
from .core_bench import Refused
from .core_steps import PAUSES, begin, default_settings, vectors_of, watch


@cocotb.test()
async def stalls_are_counted(dut):
    """The counters of stalls are those of a monitor at the ports, to the cycle."""
    bench = await begin(dut)
    stalls = {"s_axis": 0, "m_axis": 0}
    cocotb.start_soon(watch(bench, stalls))
    await default_settings(bench)
    for pause, results in ((0, 0), *((pause, 0.9) for pause in PAUSES)):
        await bench.write("control", clear_counters=1)
        stalls |= dict.fromkeys(stalls, 0)
        bench.pause(pause, results)
        await vectors_of(bench, 50)
        bench.pause(0)
        counted = {name: (await bench.read(f"{what}_stalls"))["count"]
                   for name, what in (("s_axis", "input"), ("m_axis", "output"))}
        assert counted == stalls, f"stalls must be {stalls}, and are {counted}"
        assert (stalls["m_axis"] > 0) == (results > 0)
        assert (await bench.read("vectors"))["count"] == 50


@cocotb.test()
async def index_tells_what_comes_next(dut):
    """``load_index`` is the next row or column, and the start of the next packet."""
    bench = await begin(dut)
    config, macro = bench.config, bench.config.macro
    kinds = [(macro.rows, {}, lambda: rows_bytes(config, bench.draw_weights(1)))]
    if config.requantizes:
        kinds.append((macro.columns, {"parameters": 1}, lambda: parameters_bytes(config, *[[1]] * 3)))
    for count, target, item in kinds:
        for first in {0, count - 1}:
            await bench.write("load", words=1, first=first, **target)
            assert (await bench.read("load_index"))["index"] == first
            for index in range(first, count):
                data = item()
                for low in range(0, len(data), 4):
                    await bench.until("status", "load_ready")
                    await bench.write_bytes(bench.registers["load_data"].offset, data[low:low + 4])
                await bench.until("load_index", "index", index + 1)
            await bench.write("load", first=first, **target)
            await bench.weights.send(AxiStreamFrame(item() * (count - first)))
            await bench.weights.wait()
            await bench.until("status", "loading", 0)
            assert (await bench.read("load_index"))["index"] == first
    assert await bench.read("error") == {"code": 0, "count": 0}


async def fail(bench):
    """Something that is an error, and nothing else."""
    try:
        await bench.read_word(0xFFC)
    except Refused:
        return
    raise AssertionError("there must be no register")


@cocotb.test()
async def each_event_is_its_own(dut):
    """Each event sets its bit and no other, and raises the interrupt if enabled."""
    bench = await begin(dut)
    await default_settings(bench)

    async def load():
        await bench.write("load", bank=0)
        await bench.weights.send(AxiStreamFrame(rows_bytes(bench.config, bench.draw_weights())))
        await bench.weights.wait()
        await bench.until("status", "loading", 0)

    async def zeroize():
        await bench.write("control", zeroize=1)
        await bench.until("status", "running", 0)
        bench.model.macro.weights[:] = 0

    async def result():
        await vectors_of(bench, 1)

    causes = {"error": lambda: fail(bench), "finished": zeroize, "result": result, "loaded": load}
    names = [field.name for field in bench.registers["interrupt_status"].fields]
    for name, cause in causes.items():
        for enabled in names:
            await bench.write("interrupt_status", **dict.fromkeys(names, 1))
            await bench.write("interrupt_enable", **{enabled: 1})
            await ClockCycles(dut.aclk, 4)
            assert dut.irq.value == 0
            await cause()
            await ClockCycles(dut.aclk, 4)
            found = await bench.read("interrupt_status")
            assert found == {other: int(other == name) for other in names}, f"{name} must happen, and {found} do"
            assert dut.irq.value == (name == enabled), f"with {enabled} enabled, {name} gives {dut.irq.value}"


@cocotb.test()
async def a_packet_that_is_cut_off_is_not_loaded(dut):
    """A packet that ends within a row is an error and no event of a load."""
    bench = await begin(dut)
    data = rows_bytes(bench.config, bench.draw_weights(1))
    beat = bench.config.weight_stream_bits // 8
    if len(data) <= beat:
        return
    await bench.write("interrupt_status", error=1, result=1, loaded=1, finished=1)
    await bench.weights.send(AxiStreamFrame(data[:beat]))
    await bench.weights.wait()
    events = await bench.read("interrupt_status")
    assert (events["error"], events["loaded"]) == (1, 0)
    assert (await bench.read("error"))["code"] == ErrorCode.LOAD_SHORT
