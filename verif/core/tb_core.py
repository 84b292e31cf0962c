"""Testbenches of the core, through its buses alone."""

import itertools
import os

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiStreamFrame

from ...golden.bits import limits
from ...golden.core import parameters_bytes, rows_bytes, vector_bytes
from ...golden.requantize import ROUNDINGS
from ...hdl.csr.register_map import ErrorCode
from .core_bench import PERIOD_NS, Refused
from .core_steps import PAUSES, begin, expect_error


@cocotb.test()
async def random_traffic(dut):
    """Vectors of every precision, accumulated in every number, while banks and sets that are not in use are loaded."""
    bench = await begin(dut)
    macro = bench.config.macro
    pairs = [(0, 0), (0.3, 0.3), (0, 0.95), (0.9, 0)]
    minimum = int(os.environ.get("BITLINE_CYCLES", "0")) * PERIOD_NS
    for pause, results in pairs:
        # A long run goes on with pauses of any kind.
        if get_sim_time("ns") < minimum:
            pairs.append((bench.rng.uniform(0, 0.9), bench.rng.uniform(0, 0.9)))
        for index in range(2):
            bench.pause(pause, results)
            bits, signed = bench.rng.randint(1, macro.input_bits), bench.rng.randrange(2)
            bank, count = bench.rng.randrange(macro.banks), bench.rng.randint(1, macro.max_accumulations)
            await bench.apply_settings(bits=bits, signed=signed, bank=bank, set=index, accumulate_count=count)
            # Enough to fill the buffer of results.
            for _ in range((60 if results > pause else 12) * count):
                planes = bench.rng.choice((None, bench.rng.randint(1, bits)))
                bench.send(bench.draw_vector(bits, signed, planes))
            await bench.load_set(1 - index)
            free = set(range(macro.banks)) - {(bank + step) % macro.banks for step in range(count)}
            for other in free:
                await bench.load_bank(other)
            await bench.check()
    assert await bench.read("error") == {"code": 0, "count": 0}


@cocotb.test()
async def extremes(dut):
    """Minimum and maximum weights, inputs and biases."""
    bench = await begin(dut)
    macro = bench.config.macro
    for weight in (-(1 << macro.weight_bits - 1), (1 << macro.weight_bits - 1) - 1):
        await bench.load_bank(0, np.full((macro.rows, macro.columns), weight))
        for signed in (0, 1):
            await bench.apply_settings(bits=macro.input_bits, signed=signed, bank=0, set=signed)
            for value in (-(1 << macro.input_bits - 1), -1, (1 << macro.input_bits - 1) - 1):
                bench.send(np.full(macro.rows, value))
            await bench.check()


@cocotb.test()
async def settings(dut):
    """Each bit of bounds and zero points counts, of either set: they alone make the results if all factors are zero."""
    bench = await begin(dut)
    if not bench.config.requantizes:
        return
    nothing = [np.zeros(bench.config.macro.columns, dtype=int)] * 3
    minimum, maximum = limits(bench.config.output_bits, True)
    alternating = maximum // 3
    for index, value in itertools.product(range(2), (alternating, ~alternating)):
        await bench.load(parameters_bytes(bench.config, *nothing), parameters=1, set=index)
        # Below both bounds, above them, and in between.
        for zero_point, low, high in ((minimum, value, maximum), (maximum, minimum, value), (value, minimum, maximum)):
            await bench.write(f"offset_{index}", zero_point=zero_point)
            await bench.write(f"clamp_{index}", low=low, high=high)
            bench.model.parameters[index] = nothing
            bench.model.settings[index] = {"zero_point": zero_point, "low": low, "high": high, "rounding": ROUNDINGS[0]}
            await bench.apply_settings(bits=1, signed=0, bank=0, set=index)
            bench.send(bench.draw_vector(1, False))
            await bench.check()


@cocotb.test()
async def words(dut):
    """Weights and parameters by registers."""
    bench = await begin(dut)
    bench.pause(0.2)
    await bench.load_bank(0, words=True)
    # Often enough that each bit of the parameters matters.
    for number in range(6):
        await bench.load_set(number % 2, words=True)
        await bench.apply_settings(bits=bench.config.macro.input_bits, signed=1, bank=0, set=number % 2)
        for _ in range(5):
            bench.send(bench.draw_vector(bench.config.macro.input_bits, True))
        await bench.check()
    # The stream can be used again, from any row on.
    rows = bench.draw_weights(1)
    await bench.load(rows_bytes(bench.config, rows), bank=0, first=bench.config.macro.rows - 1)
    bench.model.macro.write(0, bench.config.macro.rows - 1, rows[0])
    bench.send(bench.draw_vector(bench.config.macro.input_bits, True))
    await bench.check()


@cocotb.test()
async def vector_faults(dut):
    """Vectors that are too short, too long or lack a byte are reported once each and harm no other."""
    bench = await begin(dut)
    macro, beat = bench.config.macro, bench.config.input_stream_bits // 8
    good = vector_bytes(bench.config, bench.draw_vector(macro.input_bits, True))
    holes = [bytes([1] * index + [0] + [1] * (len(good) - index - 1)) for index in
             {0, len(good) - 1, *bench.rng.sample(range(len(good)), min(len(good), 8))}]
    faults = [(good + bytes(beat), None, ErrorCode.VECTOR_LONG), (good + bytes(9 * beat), None, ErrorCode.VECTOR_LONG)]
    faults += [(good, hole, ErrorCode.VECTOR_NULL) for hole in holes]
    if len(good) > beat:
        faults += [(good[:beat], None, ErrorCode.VECTOR_SHORT), (good[:-beat], None, ErrorCode.VECTOR_SHORT)]
    for pause, count in itertools.product(PAUSES[:2], {1, macro.max_accumulations}):
        bench.pause(pause)
        await bench.apply_settings(bits=macro.input_bits, signed=1, bank=0, set=0, accumulate_count=count)
        for data, keep, code in faults:
            for _ in range(bench.rng.randrange(3)):
                bench.send(bench.draw_vector(macro.input_bits, True))
            bench.send_faulty(data, None if keep is None else list(keep))
            for _ in range(2 * count):
                bench.send(bench.draw_vector(macro.input_bits, True))
            await bench.vectors.wait()
            await bench.check()
            await expect_error(bench, code)


@cocotb.test()
async def load_faults(dut):
    """Packets of rows that are too short, too long or lack a byte are reported once each; rows before it are stored."""
    bench = await begin(dut)
    macro, beat = bench.config.macro, bench.config.weight_stream_bits // 8
    size = len(rows_bytes(bench.config, bench.draw_weights(1)))
    await bench.apply_settings(bits=macro.input_bits, signed=1, bank=0, set=0)

    async def attempt(rows, cut, keep, code, stored):
        data = rows_bytes(bench.config, rows)[:cut]
        await bench.write("load", bank=0)
        await bench.weights.send(AxiStreamFrame(data, tkeep=keep))
        await bench.weights.wait()
        await bench.until("status", "loading", 0)
        for row in range(stored):
            bench.model.macro.write(0, row, rows[row])
        bench.send(bench.draw_vector(macro.input_bits, True))
        await bench.check()
        await expect_error(bench, code)

    await attempt(bench.draw_weights(macro.rows + 2), None, None, ErrorCode.LOAD_LONG, macro.rows)
    if size > beat:
        # The first that is wrong counts: the last beat lacks a byte too.
        for last in (1, 0):
            keep = [1] * (2 * size - beat - 1) + [last]
            await attempt(bench.draw_weights(), len(keep), keep, ErrorCode.LOAD_SHORT, 1)
    rows = bench.draw_weights(3)
    hole = [1] * 3 * size
    hole[size] = 0
    await attempt(rows, None, hole, ErrorCode.LOAD_NULL, 1)
    await bench.load_bank(0)
    bench.send(bench.draw_vector(macro.input_bits, True))
    await bench.check()


@cocotb.test()
async def lock(dut):
    """A locked core refuses weights and parameters by stream and by register until it is reset, and computes."""
    bench = await begin(dut)
    macro = bench.config.macro
    await bench.write("lock", locked=1)
    await bench.write("lock", locked=0)
    assert await bench.read("lock") == {"locked": 1}
    assert (await bench.read("status"))["load_ready"] == 0
    names = [name for name, register in bench.registers.items() if register.locks]
    assert {"load", "load_data", "self_test"} <= set(names)
    for name in names:
        before = await bench.read(name)
        try:
            await bench.write_bytes(bench.registers[name].offset, bytes([1, 0, 0, 0]))
        except Refused:
            await expect_error(bench, ErrorCode.LOCKED)
        else:
            raise AssertionError(f"{name} must be locked")
        assert await bench.read(name) == before
    # Everything except weights and parameters works as before.
    for register in bench.registers.values():
        if not register.locks:
            word = await bench.read_word(register.offset)
            await bench.write_bytes(register.offset, word.to_bytes(4, "little"))
    assert await bench.read("error") == {"code": 0, "count": 0}
    await bench.weights.send(rows_bytes(bench.config, bench.draw_weights(2)))
    await bench.weights.wait()
    await expect_error(bench, ErrorCode.LOCKED)
    await bench.apply_settings(bits=macro.input_bits, signed=0, bank=0, set=0)
    bench.send(bench.draw_vector(macro.input_bits, False))
    await bench.check()
    await bench.reset()
    assert await bench.read("lock") == {"locked": 0}


@cocotb.test()
async def zeroize(dut):
    """Zeroize clears every weight, locked or not, proves it, and lets traffic before and after it be."""
    bench = await begin(dut)
    macro = bench.config.macro
    await bench.apply_settings(bits=macro.input_bits, signed=0, bank=0, set=0)
    for locked in (0, 1):
        await bench.write("lock", locked=locked)
        for _ in range(4):
            bench.send(bench.draw_vector(macro.input_bits, False))
        await bench.vectors.wait()
        await bench.write("control", zeroize=1)
        assert (await bench.read("status"))["zeroized"] == 0
        # One after the other: that of a single row is short.
        for register in ("control", "fault"):
            try:
                await (bench.read("fault") if register == "fault" else bench.write("control", zeroize=1))
            except Refused:
                continue
            raise AssertionError(f"{register} must be busy")
        await bench.until("interrupt_status", "error")
        bench.model.macro.weights[:] = 0
        for _ in range(4):
            bench.send(bench.draw_vector(macro.input_bits, False))
        await bench.check()
        await bench.until("interrupt_status", "finished")
        await bench.write("interrupt_status", finished=1)
        status = await bench.read("status")
        assert (status["zeroized"], status["passed"], status["failed"], status["running"]) == (1, 1, 0, 0)
        await expect_error(bench, ErrorCode.BUSY, 2)
        if not locked:
            await bench.load_bank(macro.banks - 1)
            assert (await bench.read("status"))["zeroized"] == 0


@cocotb.test()
async def self_test(dut):
    """Both marches and the known answers pass on a sound core, which works afterwards."""
    bench = await begin(dut)
    macro = bench.config.macro
    for name in ("march_c_minus", "march_ss", "known_answers"):
        await bench.write("self_test", **{name: 1})
        await bench.until("status", "running", 0, reads=20000)
        status = await bench.read("status")
        assert (status["passed"], status["failed"], status["zeroized"]) == (1, 0, 0)
    for bank in range(macro.banks):
        await bench.load_bank(bank)
    await bench.apply_settings(bits=macro.input_bits, signed=1, bank=0, set=0, accumulate_count=macro.max_accumulations)
    for _ in range(2 * macro.max_accumulations):
        bench.send(bench.draw_vector(macro.input_bits, True))
    await bench.check()


@cocotb.test()
async def reset_in_flight(dut):
    """Reset at random cycles, among vectors, loads and a march: nothing in flight survives; all works afterwards."""
    bench = await begin(dut)
    macro = bench.config.macro
    for number in range(24):
        bench.pause(bench.rng.choice(PAUSES))
        bits, signed = bench.rng.randint(1, macro.input_bits), bench.rng.randrange(2)
        await bench.apply_settings(bits=bits, signed=signed, bank=0, set=0,
                                   accumulate_count=bench.rng.randint(1, macro.max_accumulations))
        if number % 4 == 1:
            bench.send_faulty(bytes(50 * bench.config.input_stream_bits // 8))
        for _ in range(6):
            bench.send(bench.draw_vector(bits, signed))
        if number % 4 == 3:
            await bench.write("self_test", march_c_minus=1)
        else:
            await bench.write("load", bank=macro.banks - 1)
            bench.weights.send_nowait(AxiStreamFrame(rows_bytes(bench.config, bench.draw_weights())))
        await ClockCycles(dut.aclk, bench.rng.randint(1, 40))
        # One that is synchronized must be long enough to be there when it ends without.
        await bench.reset(bench.rng.randint(1, 4) + (2 if bench.config.reset == "asynchronous" else 0))
        assert dut.m_axis_tvalid.value == 0 and dut.irq.value == 0
        assert await bench.read("error") == {"code": 0, "count": 0}
        for bank in range(macro.banks):
            await bench.load_bank(bank)
        await bench.load_set(0)
        await bench.apply_settings(bits=bits, signed=signed, bank=0, set=0)
        for _ in range(3):
            bench.send(bench.draw_vector(bits, signed))
        await bench.check()


@cocotb.test()
async def results_stand(dut):
    """Without a sink the core accepts as many vectors as it has room for, the same number each time; none is lost."""
    bench = await begin(dut)
    taken = set()
    for _ in range(6):
        bench.pause(0, 1)
        await bench.apply_settings(bits=1, signed=0, bank=0, set=0)
        before = (await bench.read("vectors"))["count"]
        for _ in range(80):
            bench.send(bench.draw_vector(1, False))
        await ClockCycles(dut.aclk, 80 * bench.config.groups + 200)
        taken.add((await bench.read("vectors"))["count"] - before)
        bench.pause(0)
        await bench.check()
        await bench.until("status", "idle")
    assert len(taken) == 1 and 0 < min(taken) < 80, taken


@cocotb.test()
async def planes_that_do_not_matter_take_no_cycle(dut):
    """Vectors of few planes take fewer cycles, also if they arrive in many beats."""
    bench = await begin(dut)
    config, macro, count = bench.config, bench.config.macro, 60
    beats = config.vector_beats
    bench.pause(0)
    for signed in (0, 1):
        for planes in range(1, macro.input_bits + 1):
            await bench.apply_settings(bits=macro.input_bits, signed=signed, bank=0, set=0)
            start = (await bench.read("cycles"))["count"]
            for _ in range(count):
                bench.send(bench.draw_vector(macro.input_bits, signed, planes))
            await bench.vectors.wait()
            minimum = max(planes, beats, config.groups, macro.result_interval)
            took = (await bench.read("cycles"))["count"] - start
            assert took <= count * minimum + 60, f"{count} vectors of {planes} planes took {took} cycles"
            await bench.check()


@cocotb.test()
async def counters(dut):
    """Cycles, vectors, planes skipped and stalls are counted; the interrupt follows its enables."""
    bench = await begin(dut)
    macro = bench.config.macro
    for pause in PAUSES:
        bench.pause(pause)
        for signed in (0, 1):
            bits = bench.rng.randint(1, macro.input_bits)
            await bench.apply_settings(bits=bits, signed=signed, bank=0, set=0)
            await bench.write("control", clear_counters=1)
            count = bench.rng.choice((20, 300))
            skipped = sum(bench.send(bench.draw_vector(bits, signed, bench.rng.randint(1, bits))) for _ in range(count))
            await bench.check()
            assert (await bench.read("vectors"))["count"] == count
            assert (await bench.read("planes_skipped"))["count"] == skipped
            assert ((await bench.read("output_stalls"))["count"] > 0) == (pause > 0)
    before, start = (await bench.read("cycles"))["count"], get_sim_time("ns")
    after, end = (await bench.read("cycles"))["count"], get_sim_time("ns")
    assert abs((after - before) - (end - start) / PERIOD_NS) <= 4 / (1 - PAUSES[-1])
    assert dut.irq.value == 0
    await bench.write("interrupt_status", error=1, result=1, loaded=1, finished=1)
    await bench.write("interrupt_enable", result=1)
    bench.send(bench.draw_vector(macro.input_bits, False) & 1)
    await bench.check()
    assert dut.irq.value == 1
    await bench.write("interrupt_status", result=1)
    await bench.edge()
    await bench.edge()
    assert dut.irq.value == 0
