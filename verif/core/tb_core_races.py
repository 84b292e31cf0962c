"""Races in a core: packets, marches, accumulations, and register writes at the same time."""

import itertools

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiStreamFrame

from ...golden.bits import limits
from ...golden.core import parameters_bytes, rows_bytes, vector_bytes
from ...golden.requantize import SHIFTS
from ...hdl.core.self_test import TIMEOUT_CYCLES
from ...hdl.csr.register_map import ErrorCode
from .core_bench import LONGEST_WAIT, PERIOD_NS, Refused
from .core_steps import begin, begin_packet, default_settings, expect_error, vectors_of


def check_cut(bench):
    """Some of the expected results arrive, then perhaps a part of one, then results of zero weights."""
    before, bench.expected = bench.expected, []
    zeros, _ = bench.model.vector(np.zeros(bench.config.macro.rows, dtype=int), **bench._settings)
    frames = []
    while not bench.results.empty():
        frames.append(bytes(bench.results.recv_nowait().tdata))
    while before and frames and frames[0] == before[0]:
        frames.pop(0), before.pop(0)
    if frames and frames[0] != zeros:
        # Of its last beat some bytes may be of no column.
        whole = len(frames[0]) - bench.config.output_stream_bits // 8
        assert len(frames[0]) < len(zeros) + 8 and before.pop(0).startswith(frames.pop(0)[:max(whole, 0)])
    assert all(frame == zeros for frame in frames)


@cocotb.test()
async def packets_wait_for_a_march(dut):
    """Weights and parameters that come while a march runs are stored when it has ended, from their first beat on."""
    bench = await begin(dut)
    macro = bench.config.macro
    await default_settings(bench)
    await bench.write("load", bank=0)
    await bench.write("control", zeroize=1)
    bench.model.macro.weights[:] = 0
    weights = bench.draw_weights()
    bench.weights.send_nowait(AxiStreamFrame(rows_bytes(bench.config, weights)))
    await bench.until("status", "running", 0)
    await bench.weights.wait()
    await bench.until("status", "loading", 0)
    for row, values in enumerate(weights):
        bench.model.macro.write(0, row, values)
    await vectors_of(bench, 4)
    if bench.config.requantizes:
        parameters = (np.arange(macro.columns) * 100, np.full(macro.columns, 1 << 30), np.full(macro.columns, -4))
        await bench.write("load", parameters=1)
        await bench.write("control", zeroize=1)
        bench.weights.send_nowait(AxiStreamFrame(parameters_bytes(bench.config, *parameters)))
        await bench.until("status", "running", 0)
        await bench.weights.wait()
        bench.model.macro.weights[:] = 0
        bench.model.parameters[0] = parameters
        await bench.load_bank(0)
        await vectors_of(bench, 4)
    assert (await bench.read("error"))["code"] == 0


@cocotb.test()
async def march_in_an_accumulation(dut):
    """A march drops the result of the accumulation that has begun, and does not shift the ones after it."""
    bench = await begin(dut)
    macro = bench.config.macro
    for begun in range(macro.max_accumulations):
        await default_settings(bench, accumulate_count=macro.max_accumulations)
        for _ in range(begun):
            bench.send(bench.draw_vector(macro.input_bits, True))
        await bench.vectors.wait()
        await bench.write("control", zeroize=1)
        await bench.until("status", "running", 0)
        bench.model.macro.weights[:] = 0
        bench.model.interrupt()
        for bank in range(macro.banks):
            await bench.load_bank(bank)
        await vectors_of(bench, 3 * macro.max_accumulations - begun)
    assert await bench.read("error") == {"code": 0, "count": 0}


@cocotb.test()
async def accumulate_written_in_a_vector(dut):
    """A write of ``accumulate`` while a vector arrives takes effect after that vector; the core is not idle then."""
    bench = await begin(dut)
    macro = bench.config.macro
    x = bench.draw_vector(macro.input_bits, True)
    if len(vector_bytes(bench.config, x)) <= bench.config.input_stream_bits // 8:
        return
    counts = range(1, macro.max_accumulations + 1)
    cases = [(before, after, begun) for before in counts for after in counts for begun in range(before)]
    # In the last case the write comes first.
    for (before, after, begun), delay in itertools.product(cases, (*range(8), 20)):
        await default_settings(bench, accumulate_count=before)
        for _ in range(begun):
            bench.send(bench.draw_vector(macro.input_bits, True))
        await bench.vectors.wait()
        await ClockCycles(dut.aclk, 40 + macro.latency)
        await begin_packet(bench, bench.vectors, "s_axis", vector_bytes(bench.config, x))
        assert (await bench.read("status"))["idle"] == 0
        result, _ = bench.model.vector(x, **bench._settings)
        if result is not None:
            bench.expected.append(result)
        writing = cocotb.start_soon(bench.write("accumulate", count=after))
        await ClockCycles(dut.aclk, delay)
        bench.vectors.pause = False
        await writing
        bench.model.restart(after)
        await vectors_of(bench, 2 * after)
    # With the first beat of a vector, it is that vector's.
    for delay in range(16):
        await default_settings(bench, accumulate_count=macro.max_accumulations)
        if macro.max_accumulations > 1:
            bench.send(x)
        await bench.vectors.wait()
        await ClockCycles(dut.aclk, 20)
        writing = cocotb.start_soon(bench.write("accumulate", count=1))
        await ClockCycles(dut.aclk, delay)
        bench.vectors.send_nowait(AxiStreamFrame(vector_bytes(bench.config, x)))
        await bench.vectors.wait()
        await writing
        await ClockCycles(dut.aclk, 40 + macro.latency)
        while not bench.results.empty():
            bench.results.recv_nowait()
        bench.model.restart(1)
        await vectors_of(bench, 2)


@cocotb.test()
async def settings_of_the_first_beat(dut):
    """A vector has the settings of when its first beat is accepted, however long this or the next waits; a march waits
    for a vector that has begun."""
    bench = await begin(dut)
    macro = bench.config.macro
    other = {"bits": 1, "bank": macro.banks - 1, "set": 1}

    async def begin_vector():
        await default_settings(bench)
        x = bench.draw_vector(macro.input_bits, True)
        result, _ = bench.model.vector(x, **bench._settings)
        bench.expected.append(result)
        await begin_packet(bench, bench.vectors, "s_axis", vector_bytes(bench.config, x))

    if bench.config.vector_bytes > bench.config.input_stream_bits // 8:
        await begin_vector()
        await bench.write("vector", is_signed=0, **other)
        bench.pause(0)
        await bench.check()
        await begin_vector()
        await bench.write("self_test", march_c_minus=1)
        bench.pause(0)
        await bench.check()
        await bench.until("status", "running", 0, reads=20000)
        assert (await bench.read("status"))["passed"] == 1
        for bank in range(macro.banks):
            await bench.load_bank(bank)
    await default_settings(bench)
    bench.pause(0, 1)
    while not dut.s_axis_tvalid.value:
        x = bench.draw_vector(macro.input_bits, True)
        bench.send(x)
        await ClockCycles(bench.dut.aclk, 150)
    await bench.write("vector", is_signed=0, **other)
    bench.expected[-1], _ = bench.model.vector(x, signed=0, **other)
    bench.pause(0)
    await bench.check()
    await default_settings(bench)
    await vectors_of(bench, 3)


@cocotb.test()
async def zeroize_is_not_blocked(dut):
    """A stalled stream delays zeroize up to the timeout; then begun packets are discarded, and that is reported."""
    bench = await begin(dut)
    macro = bench.config.macro
    x = bench.draw_vector(macro.input_bits, True)
    row = rows_bytes(bench.config, bench.draw_weights(2))
    holds = [("results", None), ("weights", row)]
    if len(vector_bytes(bench.config, x)) > bench.config.input_stream_bits // 8:
        holds.append(("vectors", vector_bytes(bench.config, x)))
    for locked in (0, 1):
        for name, data in holds:
            if not locked:
                await bench.write("load", bank=0)
            await bench.write("lock", locked=locked)
            await default_settings(bench)
            port = getattr(bench, name)
            if name == "results":
                port.pause = True
                for _ in range(60):
                    bench.send(bench.draw_vector(macro.input_bits, True))
                await ClockCycles(dut.aclk, 1200)
            else:
                await begin_packet(bench, port, {"weights": "s_axis_w", "vectors": "s_axis"}[name], data)
            await bench.write("control", zeroize=1)
            await bench.until("status", "running", 0, reads=TIMEOUT_CYCLES // 2)
            status = await bench.read("status")
            assert (status["zeroized"], status["failed"]) == (1, 0)
            bench.model.macro.weights[:] = 0
            port.pause = False
            await getattr(bench, "vectors" if name == "results" else name).wait()
            await ClockCycles(dut.aclk, 400)
            await bench.vectors.wait()
            await ClockCycles(dut.aclk, 100)
            check_cut(bench)
            assert (await bench.read("error"))["code"] == (ErrorCode.LOCKED if locked and name == "weights"
                                                           else ErrorCode.ABORTED)
            await bench.write("control", clear_error=1)
            await bench.until("status", "idle")
            await default_settings(bench)
            await vectors_of(bench, 2)
            if not locked:
                for bank in range(macro.banks):
                    await bench.load_bank(bank)
                await vectors_of(bench, 3)


@cocotb.test()
async def zeroize_waits_as_long_as_it_says(dut):
    """Zeroize waits for the rest of a packet as many cycles as documented; to discard results takes a few more."""
    bench = await begin(dut)
    macro = bench.config.macro
    bench.pause(0)
    await bench.write("interrupt_enable", finished=1)

    async def cycles():
        await bench.write("interrupt_status", finished=1)
        await bench.write("control", zeroize=1)
        start = get_sim_time("ns")
        await RisingEdge(dut.irq)
        return round((get_sim_time("ns") - start) / PERIOD_NS)

    alone = await cycles()
    # Rows for tables may wait until the tables of the row before are filled, in each measurement.
    fill = macro.table_fill_cycles + 1 if macro.table_fill_cycles else 0
    for _ in range(2):
        await begin_packet(bench, bench.weights, "s_axis_w", rows_bytes(bench.config, bench.draw_weights(2)))
        longer = await cycles() - alone
        assert abs(longer - TIMEOUT_CYCLES - 2) <= fill, longer
        bench.weights.pause = False
        await bench.weights.wait()
    await default_settings(bench)
    bench.pause(0, 1)
    for _ in range(60):
        bench.send(bench.draw_vector(macro.input_bits, True))
    await ClockCycles(dut.aclk, 1200)
    longer = await cycles() - alone
    assert TIMEOUT_CYCLES - fill <= longer <= TIMEOUT_CYCLES + 64, longer


@cocotb.test()
async def load_while_a_packet_begins(dut):
    """A write of ``load`` is refused, or takes effect before the packet: all rows are stored where they should."""
    bench = await begin(dut)
    macro = bench.config.macro
    await default_settings(bench)
    for delay in range(-8, 12):
        first = [bench.draw_weights() for _ in range(macro.banks)]
        for bank, weights in enumerate(first):
            await bench.load_bank(bank, weights)
        weights = bench.draw_weights()
        await bench.write("load", bank=0)

        async def change(delay):
            await ClockCycles(dut.aclk, delay)
            try:
                await bench.write("load", bank=macro.banks - 1)
            except Refused:
                return 0
            return macro.banks - 1

        task = cocotb.start_soon(change(max(-delay, 0)))
        await ClockCycles(dut.aclk, max(delay, 0))
        await bench.weights.send(AxiStreamFrame(rows_bytes(bench.config, weights)))
        await bench.weights.wait()
        target = await task
        await bench.until("status", "loading", 0)
        if target:
            # The packet may have ended before the write.
            await default_settings(bench)
            for row, values in enumerate(weights):
                bench.model.macro.write(0, row, values)
            for _ in range(8):
                bench.send(bench.draw_vector(macro.input_bits, True))
            found = [bytes((await with_timeout(bench.results.recv(), LONGEST_WAIT * PERIOD_NS, "ns")).tdata)
                     for _ in range(8)]
            target, bench.expected = 0 if found == bench.expected else target, []
            for row, values in enumerate(first[0]):
                bench.model.macro.write(0, row, values)
        for row, values in enumerate(weights):
            bench.model.macro.write(target, row, values)
        for bank in range(macro.banks):
            await default_settings(bench, bank=bank)
            await vectors_of(bench, 2)
        if (await bench.read("error"))["count"]:
            await expect_error(bench, ErrorCode.BUSY)


@cocotb.test()
async def zeroize_waits_for_rows_on_their_way(dut):
    """Rows that were accepted, but wait to be stored, are stored before zeroize begins."""
    bench = await begin(dut)
    config, macro = bench.config, bench.config.macro
    for delay in range(macro.rows * (config.row_beats + 1) + macro.table_fill_cycles):
        await bench.write("load", bank=0)
        await bench.write("interrupt_status", loaded=1)
        bench.weights.send_nowait(AxiStreamFrame(rows_bytes(config, bench.draw_weights())))
        await ClockCycles(dut.aclk, delay)
        await bench.write("control", zeroize=1)
        await bench.until("status", "running", 0)
        await bench.weights.wait()
        await bench.until("status", "loading", 0)
        assert (await bench.read("interrupt_status"))["loaded"] == 1, delay
    assert await bench.read("error") == {"code": 0, "count": 0}


async def behind_a_start(bench, delay, access):
    """What an access gives that begins as soon after a start of zeroize as the bus allows, or some cycles later."""
    if bench.config.bus == "axi":
        writing = cocotb.start_soon(bench.write("control", zeroize=1))
        await ClockCycles(bench.dut.aclk, delay)
        found = await access()
        await writing
        return found
    bench.bus.back_to_back = int(not delay)
    await bench.write("control", zeroize=1)
    bench.bus.back_to_back = 0
    await ClockCycles(bench.dut.aclk, delay)
    return await access()


async def is_refused(access):
    """Whether an access is refused."""
    try:
        await access
    except Refused:
        return True
    return False


async def check_start(bench, delay):
    """A start is seen by each access behind it, and by all that `status` tells in the same cycle."""
    word = bench.registers["load_data"].offset
    for words in (0, 1):
        await bench.write("load", words=words)
        status = await behind_a_start(bench, delay, lambda: bench.read("status"))
        assert status["running"] + status["idle"] == 1 and not status["running"] & status["load_ready"], status
        await bench.until("status", "running", 0)
        writes = [lambda: bench.write("load", words=1)] + [lambda: bench.write_bytes(word, bytes(4))] * words
        for write in writes:
            assert await behind_a_start(bench, delay, lambda write=write: is_refused(write())), "written in a march"
            await bench.until("status", "running", 0)
            await expect_error(bench, ErrorCode.BUSY)
        assert (await bench.read("load"))["words"] == words


@cocotb.test()
async def commands_in_a_march(dut):
    """While a march runs, errors and counters can be cleared; it cannot be started again."""
    bench = await begin(dut)
    # On AXI4-Lite an access overtakes what is offered in the same cycle.
    for delay in range(1, 8) if bench.config.bus == "axi" else range(3):
        await check_start(bench, delay)
    await bench.write("self_test", march_ss=1)
    await bench.write("control", clear_error=1, clear_counters=1)
    for register, fields in (("control", {"zeroize": 1, "clear_error": 1}), ("self_test", {"march_c_minus": 1})):
        try:
            await bench.write(register, **fields)
        except Refused:
            await expect_error(bench, ErrorCode.BUSY)
        else:
            raise AssertionError(f"{register} must be refused in a march")
    assert (await bench.read("status"))["running"] == 1


@cocotb.test()
async def valid_from_the_first_edge(dut):
    """Accesses offered right after a reset are executed once, and answered."""
    bench = await begin(dut)
    macro = bench.config.macro
    for _ in range(3):
        await bench.reset(settle=0)
        weights = bench.draw_weights()
        bench.weights.send_nowait(AxiStreamFrame(rows_bytes(bench.config, weights)))
        writing = cocotb.start_soon(bench.write("vector", bits=macro.input_bits, is_signed=1, bank=0, set=0))
        await with_timeout(writing, 100 * PERIOD_NS, "ns")
        await with_timeout(bench.weights.wait(), 100 * PERIOD_NS, "ns")
        await bench.until("status", "loading", 0)
        for row, values in enumerate(weights):
            bench.model.macro.write(0, row, values)
        assert (await bench.read("vector"))["is_signed"] == 1
        await bench.load_set(0)
        await default_settings(bench)
        await vectors_of(bench, 2)
        # Vectors too.
        await bench.reset(settle=0)
        bench.vectors.send_nowait(AxiStreamFrame(vector_bytes(bench.config, np.zeros(macro.rows, dtype=int))))
        reading = cocotb.start_soon(bench.read("identity"))
        await with_timeout(reading, 100 * PERIOD_NS, "ns")
        await with_timeout(bench.results.recv(), 200 * PERIOD_NS, "ns")
        assert (await bench.read("error"))["code"] == 0


async def send_vectors(bench, delay, vectors):
    """Send vectors after some cycles."""
    if delay:
        await ClockCycles(bench.dut.aclk, delay)
    for x in vectors:
        bench.vectors.send_nowait(AxiStreamFrame(vector_bytes(bench.config, x)))


@cocotb.test()
async def parameters_are_whole_when_a_vector_comes(dut):
    """A vector that comes while parameters of its set are stored uses those of a column before or after that, whole.

    Columns are stored in order, and later vectors use no older parameters.
    """
    bench = await begin(dut)
    config, columns = bench.config, bench.config.macro.columns
    if not config.requantizes:
        return
    await default_settings(bench)
    minimum, maximum = limits(config.output_bits, True)
    # Results are zero with the former and the maximum with the latter, and with any mixture neither.
    before, after = ([np.full(columns, value) for value in values] for values in (
        (0, 1 << 30, SHIFTS[0]), (1 << 30, (1 << 31) - 1, 1)))
    await bench.write("offset_0")
    await bench.write("clamp_0", low=minimum, high=maximum)
    x = np.zeros(config.macro.rows, dtype=int)
    seen = set()
    # From vectors that come before the first column on, to those that come after the last one.
    early = 4 + 8 * config.vector_bytes // config.input_stream_bits
    for delay in range(-early, 4 * columns + 16, 1 + columns // 4):
        await bench.load(parameters_bytes(config, *before), parameters=1, set=0)
        await bench.write("load", parameters=1, set=0)
        cocotb.start_soon(send_vectors(bench, max(delay, 0), [x] * 3))
        if delay < 0:
            await ClockCycles(dut.aclk, -delay)
        await bench.weights.send(AxiStreamFrame(parameters_bytes(config, *after)))
        await bench.weights.wait()
        counts = []
        for _ in range(3):
            frame = await with_timeout(bench.results.recv(), LONGEST_WAIT * PERIOD_NS, "ns")
            results = np.frombuffer(bytes(frame.tdata), f"<i{config.output_bits // 8}").tolist()
            counts.append(results.count(maximum))
            assert results == [maximum] * counts[-1] + [0] * (columns - counts[-1])
        assert counts == sorted(counts)
        seen.update(counts)
    assert {0, columns} <= seen
