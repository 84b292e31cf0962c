"""Interlocks: rows and parameters in use wait, and accesses to registers in use are refused."""

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiStreamFrame

from ...golden.core import parameters_bytes, rows_bytes
from ...hdl.csr.register_map import ErrorCode
from .core_bench import Refused
from .core_steps import begin, begin_packet, default_settings, expect_error, vectors_of

# More vectors than a core can hold, and cycles in which it accepts as many as it can.
ENOUGH, LONG = 60, 1200


async def hold(bench, **settings):
    """Fill the core with vectors, while no result is accepted."""
    await default_settings(bench, **settings)
    bench.results.pause = True
    for _ in range(ENOUGH):
        bench.send(bench.draw_vector(bench.config.macro.input_bits, True))
    await ClockCycles(bench.dut.aclk, LONG)
    if bench.config.requantizes:
        assert (await bench.read("status"))["set_used"] == 1 << settings["set"]


async def release(bench):
    """Accept the results, which are of the old weights; then nothing is in use."""
    bench.results.pause = False
    await bench.check()
    status = await bench.read("status")
    assert (status["set_used"], status["idle"]) == (0, 1)


async def fill_with_words(bench, words):
    """Write words until a beat of them waits for its bank; how many that are."""
    sent = 0
    while sent < len(words) and (await bench.read("status"))["load_ready"]:
        await bench.write_bytes(bench.registers["load_data"].offset, words[sent])
        sent += 1
        await ClockCycles(bench.dut.aclk, 8)
    assert not (await bench.read("status"))["load_ready"], "a bank in use must keep words off"
    return sent


async def is_busy(bench, access):
    """An access is refused because the register is busy, and reported once."""
    try:
        await access
    except Refused:
        await expect_error(bench, ErrorCode.BUSY)
    else:
        raise AssertionError("what is in use must be busy")


@cocotb.test()
async def rows_wait_for_their_bank(dut):
    """Rows of a bank that vectors use are stored behind them, whole; those vectors see the bank as it was."""
    bench = await begin(dut)
    macro = bench.config.macro
    for bank in range(macro.banks):
        await hold(bench, bank=bank, set=0)
        weights = bench.draw_weights()
        await bench.write("load", bank=bank)
        bench.weights.send_nowait(AxiStreamFrame(rows_bytes(bench.config, weights)))
        await ClockCycles(dut.aclk, LONG)
        # One row may wait on its way.
        assert (await bench.read("load_index"))["index"] <= int(bench.config.checksum)
        assert (await bench.read("status"))["loading"] == 1
        await release(bench)
        await bench.weights.wait()
        await bench.until("status", "loading", 0)
        for row, values in enumerate(weights):
            bench.model.macro.write(bank, row, values)
        await vectors_of(bench, 3)


@cocotb.test()
async def rows_wait_for_a_vector_that_is_offered(dut):
    """A vector that the macro has not taken yet sees its bank as it was, though no other vector uses it."""
    bench = await begin(dut)
    last = bench.config.macro.banks - 1
    if not last:
        return
    await bench.write("control", clear_counters=1)
    await hold(bench, bank=0, set=0)
    count = (await bench.read("vectors"))["count"]
    await release(bench)
    # As many as the core can hold, which may be one less if they come slowly, the last of them of another bank.
    for before in (count - 2, count - 1):
        bench.results.pause = True
        for number in range(before + 1):
            await default_settings(bench, bank=last if number == before else 0)
            bench.send(bench.draw_vector(bench.config.macro.input_bits, True))
        await ClockCycles(dut.aclk, LONG)
        weights = bench.draw_weights(1) if bench.vectors.idle() else ()
        if len(weights):
            await bench.write("load", bank=last)
            await bench.weights.send(AxiStreamFrame(rows_bytes(bench.config, weights)))
            await ClockCycles(dut.aclk, LONG)
            assert (await bench.read("status"))["loading"] == 1
        await release(bench)
        await bench.until("status", "loading", 0)
        for row, values in enumerate(weights):
            bench.model.macro.write(last, row, values)
        await vectors_of(bench, 2)


@cocotb.test()
async def parameters_wait_for_their_set(dut):
    """Parameters of a set that vectors use are stored behind them, its settings are busy, and the other set is free."""
    bench = await begin(dut)
    if not bench.config.requantizes:
        return
    columns = bench.config.macro.columns
    for index in range(2):
        await hold(bench, set=index)
        for name in (f"offset_{index}", f"clamp_{index}"):
            before = await bench.read(name)
            await is_busy(bench, bench.write(name))
            assert await bench.read(name) == before
        await bench.load_set(1 - index)
        parameters = (np.arange(columns) * 100, np.full(columns, 1 << 30), np.full(columns, -4))
        await bench.write("load", parameters=1, set=index)
        bench.weights.send_nowait(AxiStreamFrame(parameters_bytes(bench.config, *parameters)))
        await ClockCycles(dut.aclk, LONG)
        assert (await bench.read("load_index"))["index"] == 0
        await release(bench)
        await bench.weights.wait()
        await bench.until("status", "loading", 0)
        bench.model.parameters[index] = parameters
        await vectors_of(bench, 3)
        await bench.load_set(index)
        await vectors_of(bench, 3)


@cocotb.test()
async def load_is_busy_within_a_packet(dut):
    """The destination of a load cannot be changed within a packet."""
    bench = await begin(dut)
    macro = bench.config.macro
    await default_settings(bench)
    weights = bench.draw_weights(macro.rows)
    data = rows_bytes(bench.config, weights)
    if len(data) <= bench.config.weight_stream_bits // 8:
        return
    await bench.write("load", bank=0)
    await begin_packet(bench, bench.weights, "s_axis_w", data)
    before = await bench.read("load")
    await is_busy(bench, bench.write("load", bank=macro.banks - 1, first=macro.rows - 1))
    assert await bench.read("load") == before
    assert (await bench.read("status"))["loading"] == 1
    bench.weights.pause = False
    await bench.weights.wait()
    await bench.until("status", "loading", 0)
    for row, values in enumerate(weights):
        bench.model.macro.write(0, row, values)
    await vectors_of(bench, 2)


@cocotb.test()
async def words_are_busy_until_their_beat_is_taken(dut):
    """A word for which there is no room is refused, and those before it are stored when their bank is free."""
    bench = await begin(dut)
    weights = bench.draw_weights()
    data = rows_bytes(bench.config, weights)
    words = [data[first:first + 4] for first in range(0, len(data), 4)]
    address = bench.registers["load_data"].offset
    await hold(bench, set=0)
    await bench.write("load", words=1, bank=0)
    sent = await fill_with_words(bench, words)
    # Those of a row, which waits: whoever sees that it is ready again knows that the row is stored.
    assert sent == bench.config.row_beats * bench.config.weight_stream_bits // 32
    await is_busy(bench, bench.write_bytes(address, bytes(4)))
    await release(bench)
    for word in words[sent:]:
        await bench.until("status", "load_ready")
        await bench.write_bytes(address, word)
    await bench.until("status", "load_ready")
    for row, values in enumerate(weights):
        bench.model.macro.write(0, row, values)
    await vectors_of(bench, 3)


@cocotb.test()
async def words_that_wait_are_dropped_by_a_write_of_load(dut):
    """Words are no packet: `load` can be written while a beat of them waits, which is then never stored."""
    bench = await begin(dut)
    data = rows_bytes(bench.config, bench.draw_weights())
    words = [data[first:first + 4] for first in range(0, len(data), 4)]
    for by_words in (1, 0):
        await hold(bench, set=0)
        await bench.write("load", words=1, bank=0)
        await fill_with_words(bench, words)
        assert (await bench.read("load_index"))["index"] == 0
        await bench.write("load", words=by_words, bank=0, first=bench.config.macro.rows - 1)
        status = await bench.read("status")
        assert (status["load_ready"], status["loading"]) == (by_words, 0)
        await release(bench)
        assert (await bench.read("load_index"))["index"] == bench.config.macro.rows - 1
        # The bank is as it was, and what comes now is stored.
        await vectors_of(bench, 2)
        await bench.load_bank(0, words=bool(by_words))
        await vectors_of(bench, 2)
        assert (await bench.read("error"))["code"] == 0


@cocotb.test()
async def load_is_busy_while_a_packet_waits(dut):
    """`load` cannot be written while the row of a packet that has ended waits for its bank, nor with more behind it."""
    bench = await begin(dut)
    for packets in (1, 3):
        await hold(bench, bank=0, set=0)
        await bench.write("load", bank=0)
        weights = bench.draw_weights(packets)
        for row in weights:
            bench.weights.send_nowait(AxiStreamFrame(rows_bytes(bench.config, row[None])))
        await ClockCycles(dut.aclk, 8)
        before = await bench.read("load")
        await is_busy(bench, bench.write("load", bank=bench.config.macro.banks - 1, first=bench.config.macro.rows - 1))
        assert await bench.read("load") == before
        assert (await bench.read("status"))["loading"] == 1
        await release(bench)
        await bench.weights.wait()
        await bench.until("status", "loading", 0)
        bench.model.macro.write(0, 0, weights[-1])
        await vectors_of(bench, 2)


@cocotb.test()
async def a_row_that_waits_is_refused_by_the_lock(dut):
    """Of a packet that was accepted, what is not stored when the core locks is refused, and reported once."""
    bench = await begin(dut)
    await hold(bench, bank=0, set=0)
    await bench.write("load", bank=0)
    bench.weights.send_nowait(AxiStreamFrame(rows_bytes(bench.config, bench.draw_weights(1))))
    await bench.weights.wait()
    await ClockCycles(dut.aclk, 8)
    await bench.write("lock", locked=1)
    await bench.until("status", "loading", 0)
    await expect_error(bench, ErrorCode.LOCKED)
    await release(bench)
    await vectors_of(bench, 2)
