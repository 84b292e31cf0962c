"""What a core does with a cell that is stuck, and with counters near their end; runs in a bench module of `storage`."""

import cocotb

from ..hdl.registers import COUNTERS
from .core_bench import CoreBench, Refused
from .storage import INPUTS


def reach_in(dut, **values):
    """Set some inputs of the bench module, and the others to zero."""
    for name in INPUTS:
        getattr(dut, name).value = values.get(name, 0)


async def run(bench, register, program):
    """What the core says after a program, in which it does not say what the one before has found."""
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
    """Both marches find a cell of any column, and name its place; known answers differ.

    Zeroise does not claim that it is clear if it is stuck at one. All is well when the cell is.
    """
    reach_in(dut)
    bench = CoreBench(dut)
    await bench.start()
    array, rng = bench.config.array, bench.rng
    assert array.column == "bitcell"
    for column in range(array.columns):
        bank, row = rng.randrange(array.banks), rng.randrange(array.rows)
        level, bit = rng.randrange(2), array.weight_bits * row + rng.randrange(array.weight_bits)
        # Banks of one column come one after the other in the list of what is stored.
        reach_in(dut, stuck=1, level=level, store=column * array.banks + bank, bit_=bit)
        status = await run(bench, "self_test", rng.choice(("march_c_minus", "march_ss")))
        assert (status["failed"], status["passed"]) == (1, 0)
        assert await bench.read("fault") == {"bank": bank, "row": row, "column": column}
        status = await run(bench, "control", "zeroise")
        assert (status["zeroised"], status["passed"], status["failed"]) == (1 - level, 1 - level, level)
    status = await run(bench, "self_test", "known_answers")
    assert (status["failed"], status["passed"]) == (1, 0)
    reach_in(dut)
    for program in ("march_ss", "known_answers"):
        status = await run(bench, "self_test", program)
        assert (status["failed"], status["passed"]) == (0, 1)


@cocotb.test()
async def counters_wrap(dut):
    """Every counter goes on from any value, past the greatest to zero."""
    reach_in(dut)
    bench = CoreBench(dut)
    await bench.start()
    macro = bench.config.macro
    for bank in range(macro.banks):
        await bench.load_bank(bank)
    await bench.load_set(0)
    await bench.orders(bits=macro.input_bits, signed=1, bank=0, set=0)
    vectors, planes = 20, macro.input_bits // 2
    for start in (0x55555555, 0xAAAAAAAA, 0x0000FFFF, (1 << 32) - vectors // 2):
        reach_in(dut, preset=1, count=start)
        await bench.edge()
        await bench.edge()
        reach_in(dut)
        # All but the clock stand still while nothing is sent.
        for name in COUNTERS:
            assert name == "cycles" or (await bench.read(name))["count"] == start, name
        skipped = sum(bench.send(bench.draw_vector(macro.input_bits, True, planes)) for _ in range(vectors))
        await bench.check()
        assert (await bench.read("vectors"))["count"] == (start + vectors) % (1 << 32)
        assert (await bench.read("planes_skipped"))["count"] == (start + skipped) % (1 << 32)
        passed = ((await bench.read("cycles"))["count"] - start) % (1 << 32)
        assert vectors < passed < 100 * (vectors + 50)
