"""A core with a stuck cell, with a cell that flips, and with counters near their end.

Runs in the bench module of `storage`, which reaches in.
"""

import itertools

import cocotb
from cocotb.triggers import ClockCycles
from cocotb.utils import get_sim_time

from ...hdl.csr.register_map import PERFORMANCE_COUNTERS
from .core_bench import PERIOD_NS, CoreBench, Refused
from .core_steps import PAUSES, begin, watch
from .reach import reach_in
from .upsets import HARMLESS, UNSEEN, follow


async def run(bench, register, program):
    """Status after a program; while it runs, the result of the program before is not shown."""
    await bench.write(register, **{program: 1})
    try:
        await bench.read("fault")
        raise AssertionError("fault must be refused while a program runs")
    except Refused:
        pass
    await bench.until("status", "running", 0, reads=20000)
    return await bench.read("status")


@cocotb.test()
async def stuck(dut):
    """March tests find a stuck cell of any column at either level, and report its position; known answers at one level.

    Zeroize does not claim that it is clear if it is stuck at one. All is well when the cell is.
    """
    reach_in(dut)
    bench = CoreBench(dut)
    await bench.start()
    array, rng = bench.config.array, bench.rng
    assert not array.table_fill_cycles, "what is stored must be the weights themselves"
    failed = 0
    for column in range(array.columns):
        for level, march in enumerate(rng.sample(("march_c_minus", "march_ss"), 2)):
            bank, row = rng.randrange(array.banks), rng.randrange(array.rows)
            bit = array.weight_bits * row + rng.randrange(array.weight_bits)
            # The list of stores has the banks of a column one after the other.
            cell = {"stuck": 1, "store": column * array.banks + bank, "bit_": bit}
            reach_in(dut, level=level, **cell)
            status = await run(bench, "self_test", march)
            assert (status["failed"], status["passed"]) == (1, 0)
            assert await bench.read("fault") == {"bank": bank, "row": row, "column": column}
            status = await run(bench, "control", "zeroize")
            assert (status["zeroized"], status["passed"], status["failed"]) == (1 - level, 1 - level, level)
    for level in (0, 1):
        reach_in(dut, level=level, **cell)
        failed += (await run(bench, "self_test", "known_answers"))["failed"]
    # Known answers write each cell once, so one of the two levels is that value.
    assert failed == 1
    reach_in(dut)
    for program in ("march_ss", "known_answers"):
        status = await run(bench, "self_test", program)
        assert (status["failed"], status["passed"]) == (0, 1)


@cocotb.test()
async def flips_are_marked(dut):
    """A checksum marks every result that a flipped cell changes; there is an interrupt for it."""
    reach_in(dut)
    bench = await begin(dut)
    macro, array = bench.config.macro, bench.config.array
    if not bench.config.checksum:
        return
    await bench.apply_settings(bits=macro.input_bits, signed=1, bank=0, set=0)
    outcomes = []
    # Many change no result that is at a bound.
    while sum(outcome != HARMLESS for outcome in outcomes) < 4:
        store, bit = bench.rng.randrange(array.columns) * array.banks, bench.rng.randrange(
            array.rows * array.weight_bits)
        outcomes.append((await follow(bench, (store, 0, bit)))[0])
        assert UNSEEN not in outcomes and len(outcomes) < 400
    assert (await bench.read("interrupt_status"))["checksum"] == 1


@cocotb.test()
async def counters_wrap(dut):
    """Every counter counts from any value, and wraps to zero."""
    reach_in(dut)
    bench = await begin(dut)
    macro, vectors = bench.config.macro, 20
    stalls = {"s_axis": 0, "m_axis": 0}
    cocotb.start_soon(watch(bench, stalls))
    await bench.apply_settings(bits=macro.input_bits, signed=1, bank=0, set=0)
    for start in (0x55555555, 0xAAAAAAAA, 0x0000FFF0, (1 << 32) - vectors // 2):
        reach_in(dut, preset=1, count=start)
        await bench.edge()
        await bench.edge()
        reach_in(dut)
        stalls |= dict.fromkeys(stalls, 0)
        preset = get_sim_time("ns")
        bench.pause(0, 0.8)
        skipped = sum(bench.send(bench.draw_vector(macro.input_bits, True, macro.input_bits // 2))
                      for _ in range(vectors))
        await bench.check()
        bench.pause(0)
        expected = {"vectors": vectors, "planes_skipped": skipped, "input_stalls": stalls["s_axis"],
                    "output_stalls": stalls["m_axis"]}
        # They stay: with an edge between, what changes them back and forth is seen.
        for _ in range(2):
            for name, counted in expected.items():
                assert (await bench.read(name))["count"] == (start + counted) % (1 << 32), name
            await bench.edge()
        assert stalls["m_axis"] > vectors // 2
        passed = ((await bench.read("cycles"))["count"] - start) % (1 << 32)
        assert abs(passed - (get_sim_time("ns") - preset) / PERIOD_NS) <= 4
    assert set(PERFORMANCE_COUNTERS) == {*expected, "cycles"}


@cocotb.test()
async def each_total_has_its_tag(dut):
    """There is a tag whenever there are totals, and room for those of all vectors, whatever pauses."""
    reach_in(dut)
    bench = await begin(dut)
    macro, config = bench.config.macro, bench.config
    await bench.apply_settings(bits=macro.input_bits, signed=1, bank=0, set=0)
    for pause, results in itertools.product(PAUSES, PAUSES):
        bench.pause(pause, results)
        for _ in range(20):
            bench.send(bench.draw_vector(macro.input_bits, True, bench.rng.randint(1, macro.input_bits)))
        await bench.check()
    # As many as the core holds.
    bench.pause(0)
    bench.results.pause = True
    for _ in range(60):
        bench.send(bench.draw_vector(macro.input_bits, True))
    await ClockCycles(dut.aclk, 1200)
    bench.results.pause = False
    await bench.check()
    await run(bench, "self_test", "known_answers")
    assert not dut.tag_missed.value
    assert 2 <= int(dut.most_tags.value) <= config.in_flight
