"""Transfers of a core's DMA: exact, within pages, at the rate of the array, and through errors of memory."""

import json
import os
from pathlib import Path

import cocotb
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_steps, get_sim_time

from ...golden.core import rows_bytes
from ...hdl.axi.bursts import PATIENCE
from ...hdl.csr.register_map import ErrorCode
from ..core.core_bench import PERIOD_NS, Refused
from .dma_bench import DmaBench


async def started(dut, **memory):
    """A bench with weights and parameters of all banks and sets, loaded by the DMA."""
    bench = DmaBench(dut)
    for name, value in memory.items():
        setattr(bench.memory, name, value)
    await bench.start()
    for bank in range(bench.config.macro.banks):
        await bench.load_bank(bank)
    for index in range(2):
        await bench.load_set(index)
    await bench.write("interrupt_status", transferred=1)
    return bench


async def send(bench, count):
    """Vectors with drawn settings, of which ``count`` make the same number of results."""
    macro = bench.config.macro
    bits, signed = bench.rng.randint(1, macro.input_bits), bench.rng.randrange(2)
    await bench.apply_settings(bits=bits, signed=signed, bank=bench.rng.randrange(macro.banks),
                               set=bench.rng.randrange(2))
    for _ in range(count):
        bench.send(bench.draw_vector(bits, signed))


async def transfer(bench, count):
    """Some vectors and their results, compared."""
    await send(bench, count)
    size, (results, vectors) = len(bench.kept), bench.place()
    await bench.begin_all(results, vectors, size)
    await bench.end()
    await bench.check_results(results)
    assert await bench.left("vectors") == await bench.left("results") == 0


async def errors(bench):
    """Code and count, cleared."""
    found = await bench.read("error")
    await bench.write("control", clear_error=1)
    return found["code"], found["count"]


@cocotb.test()
async def transfers(dut):
    """Drawn ones, from and to drawn addresses, from a memory that answers soon or late, and pauses or not."""
    bench = await started(dut)
    await bench.write("interrupt_enable", transferred=1)
    for latency, pause in (((0, 0), 0.0), ((1, 40), 0.3), ((100, 100), 0.0), ((5, 9), 0.7)):
        bench.memory.latency, bench.memory.pause = latency, pause
        for count in (1, bench.rng.randint(2, 9), bench.rng.randint(20, 60)):
            await transfer(bench, count)
            assert (await bench.read("interrupt_status"))["transferred"] and dut.irq.value
            await bench.write("interrupt_status", transferred=1)
            await bench.load_bank(bench.rng.randrange(bench.config.macro.banks))
            await bench.write("interrupt_status", transferred=1)
    assert await errors(bench) == (ErrorCode.NONE, 0) and bench.memory.is_idle


@cocotb.test()
async def weights_beside_vectors(dut):
    """A bank is loaded while vectors use another one, and each channel goes on whatever the other waits for."""
    bench = await started(dut, latency=(20, 60), pause=0.2)
    macro = bench.config.macro
    if macro.banks < 2:
        return
    for _ in range(4):
        await bench.apply_settings(bits=macro.input_bits, signed=1, bank=0, set=0)
        for _ in range(30):
            bench.send(bench.draw_vector(macro.input_bits, True))
        size, (results, vectors) = len(bench.kept), bench.place()
        await bench.begin_all(results, vectors, size)
        await bench.load_bank(1)
        # Into the bank in use, which waits until the vectors are done.
        await bench.load_bank(0)
        await bench.end()
        await bench.check_results(results)
    assert await errors(bench) == (ErrorCode.NONE, 0)


@cocotb.test()
async def refused(dut):
    """No transfer of nothing, and none while one runs; the one that runs is not disturbed."""
    bench = await started(dut, latency=(200, 200))
    for register, value, code in (("beats", 0, ErrorCode.VALUE), ("address", 64, ErrorCode.BUSY),
                                  ("beats", 64, ErrorCode.BUSY)):
        await send(bench, 3)
        size, (results, vectors) = len(bench.kept), bench.place()
        if code is ErrorCode.BUSY:
            await bench.begin_all(results, vectors, size)
        for channel in ("vectors", "results"):
            try:
                await bench.write(f"dma_{channel}_{register}", **{register: value})
            except Refused:
                continue
            raise AssertionError(f"{register} must be refused")
        if code is ErrorCode.VALUE:
            await bench.begin_all(results, vectors, size)
        await bench.end()
        await bench.check_results(results)
        assert await errors(bench) == (code, 2)


@cocotb.test()
async def reads_that_fail(dut):
    """Vectors before the fault give their results, the one at it gives none; what is left is read again."""
    bench = await started(dut, latency=(3, 30))
    for _ in range(8):
        count = bench.rng.randint(2, 12)
        await send(bench, count)
        size, (results, vectors) = len(bench.kept), bench.place()
        delivered = bench.rng.randrange(size // bench.beat_bytes) * bench.beat_bytes
        fault = vectors + delivered
        bench.memory.faulty = [(fault, fault + 1)]
        await bench.begin_all(results, vectors, size)
        await bench.end("vectors")
        assert (await errors(bench))[0] == ErrorCode.DMA_WRONG
        assert await bench.left("vectors") == size - delivered
        bench.memory.faulty = []
        # From the beginning of the vector that was not whole.
        whole = delivered - delivered % (size // count)
        await bench.begin("vectors", vectors + whole, size - whole)
        await bench.end()
        await bench.check_results(results)
        assert await errors(bench) == (ErrorCode.NONE, 0)
    await transfer(bench, 5)


@cocotb.test()
async def rows_that_fail(dut):
    """Rows before the fault are stored, and the load is completed after it."""
    bench = await started(dut)
    macro = bench.config.macro
    for _ in range(3):
        weights = bench.draw_weights()
        data = rows_bytes(bench.config, weights)
        size, address = len(data) // macro.rows, bench.store(data)
        at = bench.rng.randrange(len(data) // bench.beat_bytes) * bench.beat_bytes
        whole = at // size
        bench.memory.faulty = [(address + at, address + at + 1)]
        await bench.write("load", bank=0)
        await bench.begin("weights", address, len(data))
        await bench.end("weights")
        await bench.until("status", "loading", 0)
        assert (await errors(bench))[0] == ErrorCode.DMA_WRONG
        bench.memory.faulty = []
        await bench.write("load", bank=0, first=whole)
        await bench.begin("weights", address + whole * size, len(data) - whole * size)
        await bench.end("weights")
        await bench.until("status", "loading", 0)
        for row, values in enumerate(weights):
            bench.model.macro.write(0, row, values)
        await transfer(bench, 4)
        assert await errors(bench) == (ErrorCode.NONE, 0)


@cocotb.test()
async def writes_that_fail(dut):
    """What memory does not take is lost, what the core still has is not."""
    bench = await started(dut, latency=(3, 30))
    for _ in range(3):
        await send(bench, 150)
        size, (results, vectors) = len(bench.kept), bench.place()
        lost = bench.rng.randrange(4)
        fault = results + lost * bench.result_size
        bench.memory.faulty = [(fault, fault + bench.result_size)]
        await bench.begin_all(results, vectors, size)
        await bench.end("results")
        assert (await errors(bench))[0] == ErrorCode.DMA_WRONG
        left, whole = await bench.left("results"), bench.result_size * len(bench.expected)
        assert 0 < left < whole
        await bench.begin("results", results + whole - left, left)
        await bench.end()
        await bench.check_results(results, {lost})
        assert await errors(bench) == (ErrorCode.NONE, 0)
    bench.memory.faulty = []
    await transfer(bench, 3)


@cocotb.test()
async def last_writes_that_fail(dut):
    """Of results that the core has all given the channel tells, and an error, also after a stop."""
    bench = await started(dut, latency=(300, 300))
    for stops in (False, True):
        await send(bench, 2)
        size, (results, vectors) = len(bench.kept), bench.place()
        bench.memory.faulty = [(results, results + 1)]
        await bench.begin_all(results, vectors, size)
        await bench.end("vectors")
        await bench.until("status", "idle")
        if stops:
            await bench.write("dma_stop", results=1)
        assert not (await bench.read("dma_status"))["results_failed"]
        await bench.end("results")
        assert (await bench.read("dma_status"))["results_failed"] and await bench.left("results") == 0
        assert await errors(bench) == (ErrorCode.DMA_WRONG, 1)
        bench.memory.faulty = []
        bench.expected.clear()
        await transfer(bench, 3)
        assert not (await bench.read("dma_status"))["results_failed"]


@cocotb.test()
async def accumulations_that_fail(dut):
    """A fault within one: it begins again with its first vector, and the others have their results."""
    bench = await started(dut, latency=(3, 30))
    macro = bench.config.macro
    for _ in range(6 if macro.max_accumulations > 1 else 0):
        count, each = bench.rng.randint(2, 6), bench.rng.randint(2, macro.max_accumulations)
        bits, bank = macro.input_bits, bench.rng.randrange(macro.banks)
        await bench.apply_settings(bits=bits, signed=1, bank=bank, set=0, accumulate_count=each)
        for _ in range(count * each):
            bench.send(bench.draw_vector(bits, True))
        size, (results, vectors) = len(bench.kept), bench.place()
        delivered = bench.rng.randrange(size // bench.beat_bytes) * bench.beat_bytes
        bench.memory.faulty = [(vectors + delivered, vectors + delivered + 1)]
        await bench.begin_all(results, vectors, size)
        await bench.end("vectors")
        assert (await errors(bench))[0] == ErrorCode.DMA_WRONG
        bench.memory.faulty = []
        await bench.write("accumulate", count=each)
        whole = delivered - delivered % (size // count)
        await bench.begin("vectors", vectors + whole, size - whole)
        await bench.end()
        await bench.check_results(results)
        assert await errors(bench) == (ErrorCode.NONE, 0)


@cocotb.test()
async def stopped_while_the_core_is_full(dut):
    """Nobody takes results, so no vector can go on: what the channel offers is given up, what the core has is not."""
    bench = await started(dut)
    for _ in range(3):
        await send(bench, 60)
        vector, (results, vectors) = len(bench.kept) // 60, bench.place()
        await bench.begin("vectors", vectors, 60 * vector)
        await ClockCycles(dut.aclk, 3000 + bench.rng.randrange(100))
        assert (await bench.read("dma_status"))["vectors_busy"]
        await bench.write("dma_stop", vectors=1)
        await bench.end("vectors")
        whole = 60 - -(-await bench.left("vectors") // vector)
        await errors(bench)
        del bench.expected[whole:]
        await bench.begin("results", results, bench.result_size * whole)
        await bench.end()
        await bench.check_results(results)
    await transfer(bench, 6)


async def fill(bench, bank):
    """Vectors of a bank, as many as the core holds while nobody takes results; where those are to go."""
    await bench.apply_settings(bits=bench.config.macro.input_bits, signed=1, bank=bank, set=0)
    for _ in range(60):
        bench.send(bench.draw_vector(bench.config.macro.input_bits, True))
    vector, (results, vectors) = len(bench.kept) // 60, bench.place()
    await bench.begin("vectors", vectors, 60 * vector)
    await ClockCycles(bench.dut.aclk, 1500)
    await bench.write("dma_stop", vectors=1)
    await bench.end("vectors")
    del bench.expected[60 - -(-await bench.left("vectors") // vector):]
    await errors(bench)
    return results


@cocotb.test()
async def weights_of_a_bank_in_use(dut):
    """A transfer of rows ends when the last is stored; one that is stopped, or fails, does not wait for that."""
    bench = await started(dut)
    macro = bench.config.macro
    # What the loader holds of more rows, while the first waits: that, and the first beat of the next.
    held = (bench.config.row_beats + 1) * bench.beat_bytes
    for rows, ends in ((1, ""), (macro.rows, "stop"), (macro.rows, "fault")):
        results = await fill(bench, 0)
        data = rows_bytes(bench.config, weights := bench.draw_weights(rows))
        address = bench.store(data)
        bench.memory.faulty = [(address + held, address + held + 1)] if ends == "fault" else []
        await bench.write("load", bank=0)
        await bench.write("interrupt_status", transferred=1)
        await bench.begin("weights", address, len(data))
        await ClockCycles(dut.aclk, 300)
        if ends == "stop":
            assert (await bench.read("dma_status"))["weights_busy"]
            await bench.write("dma_stop", weights=1)
        if ends:
            await bench.end("weights")
        assert (await bench.read("status"))["loading"]
        assert (await bench.read("dma_status"))["weights_busy"] == (not ends)
        assert (await bench.read("interrupt_status"))["transferred"] == bool(ends)
        taken = len(data) - await bench.left("weights")
        assert taken == (held if ends else len(data))
        await bench.begin("results", results, bench.result_size * len(bench.expected))
        await bench.end("results", "weights")
        await bench.until("status", "loading", 0)
        await bench.check_results(results)
        for row, values in enumerate(weights[:taken * rows // len(data)]):
            bench.model.macro.write(0, row, values)
        code, _ = await errors(bench)
        assert code in {"": (ErrorCode.NONE,), "stop": (ErrorCode.LOAD_NULL, ErrorCode.LOAD_SHORT),
                        "fault": (ErrorCode.DMA_WRONG,)}[ends]
        bench.memory.faulty = []
        await transfer(bench, 4)


@cocotb.test()
async def target_of_a_load(dut):
    """It stays while a transfer of weights may still come, and the driver sees that one does."""
    bench = await started(dut, latency=(400, 400))
    data = rows_bytes(bench.config, weights := bench.draw_weights())
    await bench.write("load", bank=0)
    await bench.begin("weights", bench.store(data), len(data))
    assert (await bench.read("status"))["loading"]
    try:
        await bench.write("load", bank=bench.config.macro.banks - 1)
        raise AssertionError("load must be refused")
    except Refused:
        pass
    await bench.end("weights")
    await bench.until("status", "loading", 0)
    for row, values in enumerate(weights):
        bench.model.macro.write(0, row, values)
    assert await errors(bench) == (ErrorCode.BUSY, 1)
    await transfer(bench, 8)


@cocotb.test()
async def memory_that_does_not_answer(dut):
    """The core says so and can be used by its registers. Once memory answers, what is left is transferred."""
    bench = await started(dut)
    for channel in ("ar", "r", "aw", "w", "b"):
        await send(bench, 4)
        size, (results, vectors) = len(bench.kept), bench.place()
        bench.memory.silent = {channel}
        await bench.begin_all(results, vectors, size)
        await ClockCycles(dut.aclk, PATIENCE - 500)
        assert await errors(bench) == (ErrorCode.NONE, 0)
        await ClockCycles(dut.aclk, 1000)
        assert await errors(bench) == (ErrorCode.DMA_LATE, 1)
        stuck, place, size = ("vectors", vectors, size) if channel in ("ar", "r") else (
            "results", results, bench.result_size * len(bench.expected))
        assert (await bench.read("dma_status"))[f"{stuck}_busy"]
        await bench.load_bank(bench.config.macro.banks - 1, words=True)
        bench.memory.silent = set()
        await bench.end(stuck)
        if left := await bench.left(stuck):
            await bench.begin(stuck, place + size - left, left)
        await bench.end()
        if stuck == "results":
            # Vectors came before the other weights.
            await bench.check_results(results)
        bench.expected.clear()
        await transfer(bench, 6)
        assert await errors(bench) == (ErrorCode.NONE, 0)


@cocotb.test()
async def stopped(dut):
    """A transfer ends on command: a packet that has begun is discarded, results stay in the core."""
    bench = await started(dut, latency=(10, 30))
    for cycles in (0, 7, 30, 90):
        await send(bench, 60)
        size, (results, vectors) = len(bench.kept), bench.place()
        await bench.begin_all(results, vectors, size)
        await ClockCycles(dut.aclk, cycles)
        await bench.write("dma_stop", vectors=1)
        await bench.end("vectors")
        left = await bench.left("vectors")
        vector = size // len(bench.expected)
        assert left > 0
        whole = (size - left) // vector
        code, count = await errors(bench)
        # Of a vector that had begun.
        assert (code in (ErrorCode.VECTOR_NULL, ErrorCode.VECTOR_SHORT) and count == 1) if left % vector else not code
        await bench.until("status", "idle")
        del bench.expected[whole:]
        await bench.write("dma_stop", results=1)
        await bench.end()
        await bench.check_results(results)
    await transfer(bench, 6)
    assert await errors(bench) == (ErrorCode.NONE, 0)


@cocotb.test()
async def reset_in_a_transfer(dut):
    """Nothing of it is left."""
    bench = await started(dut, latency=(10, 50))
    for cycles in (3, 60, 150):
        await send(bench, 20)
        size, (results, vectors) = len(bench.kept), bench.place()
        await bench.begin_all(results, vectors, size)
        await ClockCycles(dut.aclk, cycles)
        await bench.reset()
        bench.model.restart(1)
        for bank in range(bench.config.macro.banks):
            await bench.load_bank(bank)
        for index in range(2):
            await bench.load_set(index)
        await transfer(bench, 5)
        assert await errors(bench) == (ErrorCode.NONE, 0)


@cocotb.test()
async def rate(dut):
    """Share of the array's peak with a memory that takes long to answer."""
    bench = await started(dut, latency=(100, 100))
    macro, count = bench.config.macro, int(os.environ.get("BITLINE_VECTORS", "2000"))
    await bench.apply_settings(bits=macro.input_bits, signed=1, bank=0, set=0)
    for _ in range(count):
        bench.send(bench.draw_vector(macro.input_bits, True))
    size, (results, vectors) = len(bench.kept), bench.place()
    await bench.begin("results", results, bench.result_size * count)
    start = get_sim_time("step")
    await bench.begin("vectors", vectors, size)
    await bench.end()
    cycles = (get_sim_time("step") - start) // get_sim_steps(PERIOD_NS, "ns")
    peak = count * macro.input_bits
    if "BITLINE_FIGURES" in os.environ:
        Path(os.environ["BITLINE_FIGURES"]).write_text(json.dumps({
            "vectors": count, "peak": peak, "cycles": cycles, "efficiency": peak / cycles}), encoding="utf-8")
    await bench.check_results(results)
    assert peak / cycles >= 0.95, peak / cycles
