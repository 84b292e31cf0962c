"""Testbenches of the macro. Each runs in lockstep with the golden model, which checks every cycle of every test."""

import itertools

import cocotb
import numpy as np

from ...golden.bits import limits
from ...golden.program import Vector, Write
from .macro_bench import Bench, Pauses
from .stimulus import PAUSES, Stimulus


async def begin(dut):
    """A bench after reset, all banks full of random weights."""
    bench = Bench(dut)
    stimulus = Stimulus(bench.config, bench.rng, bench.numpy_rng)
    await bench.start()
    await bench.play([write for bank in range(bench.config.banks) for write in stimulus.bank(bank)])
    return bench, stimulus


def full(config, bits, signed, pattern):
    """A vector that needs all its planes: alternating sign, or the highest bit set."""
    minimum, maximum = limits(bits, signed)
    lanes = np.where(np.arange(config.rows) % 2 == pattern % 2, minimum if signed else maximum, maximum)
    return lanes & (1 << config.input_bits) - 1


@cocotb.test()
async def full_rate(dut):
    """Back to back, n vectors of p planes take exactly n p cycles plus the latency, also while a bank is written.

    Where results keep an interval, all but the last of them take no less than that.
    """
    bench, stimulus = await begin(dut)
    config = bench.config
    # Tables must be complete, and calibrated.
    await bench.play([stimulus.vector(bank=0)])
    for bits in range(1, config.input_bits + 1):
        for signed in (False, True):
            for written in (False, True) if config.banks > 1 else (False,):
                vectors = [stimulus.vector(bits=bits, signed=signed, bank=0, x=full(config, bits, signed, n))
                           for n in range(12)]
                writes = stimulus.bank(1) if written else []
                start, done = bench.cycle, len(bench.taken)
                await bench.play(writes + vectors)
                taken = bench.taken[done:]
                gaps = {b - a for a, b in itertools.pairwise(taken)}
                interval = max(bits, config.result_interval)
                assert gaps == {interval}, f"results must come every {interval} cycles, and came after {gaps}"
                cycles = taken[-1] - start + 1
                assert cycles == 11 * interval + bits + config.latency, f"{cycles} cycles"
    await bench.finish()


@cocotb.test()
async def random_traffic(dut):
    """Vectors and writes of every kind, and every stream pausing from never to nine cycles in ten."""
    bench, stimulus = await begin(dut)
    for i_pause in PAUSES:
        for o_pause in PAUSES:
            items = stimulus.vectors(25)
            writes = stimulus.bank(bench.rng.randrange(bench.config.banks))[:10]
            await bench.play(items + writes, Pauses(write=bench.rng.choice(PAUSES), i=i_pause, o=o_pause))
    await bench.finish()


@cocotb.test()
async def every_precision(dut):
    """Every number of bits, signed and unsigned, with every number of planes below it."""
    bench, stimulus = await begin(dut)
    config = bench.config
    for bits in range(1, config.input_bits + 1):
        for signed in (False, True):
            items = []
            for planes in range(1, bits + 1):
                minimum, maximum = limits(planes, signed)
                for extreme in (minimum, maximum):
                    lanes = np.zeros(config.rows, dtype=np.int64)
                    lanes[bench.rng.randrange(config.rows)] = extreme
                    items.append(stimulus.vector(bits=bits, signed=signed, x=lanes & (1 << config.input_bits) - 1))
            await bench.play(items)
    # Some rows, each of which alone needs each plane.
    await bench.play([stimulus.vector(bits=config.input_bits, x=np.eye(config.rows, dtype=np.int64)[row] << plane)
                      for row in bench.rng.sample(range(config.rows), min(config.rows, 24))
                      for plane in range(config.input_bits)])
    await bench.finish()


@cocotb.test()
async def extremes(dut):
    """Minimum and maximum weights times minimum and maximum inputs, in the longest accumulations."""
    bench, stimulus = await begin(dut)
    config = bench.config
    for weight in limits(config.weight_bits, True):
        await bench.play(stimulus.bank(0, fill=weight))
        for signed in (False, True):
            for value in limits(config.input_bits, signed):
                lanes = np.full(config.rows, value & (1 << config.input_bits) - 1)
                for fuse in {1, config.fuse}:
                    await bench.play([Vector(lanes, config.input_bits, signed, 0, n > 0, fuse)
                                      for n in range(config.max_accumulations)])
    await bench.finish()


@cocotb.test()
async def long_accumulations(dut):
    """As many vectors added up as the configuration allows, precisions and signs mixed, under back-pressure."""
    bench, stimulus = await begin(dut)
    for pause in PAUSES[:3]:
        vectors = [stimulus.vector(accumulate=n > 0) for n in range(bench.config.max_accumulations)]
        await bench.play(vectors, Pauses(i=pause, o=pause))
    if bench.config.max_accumulations > 1:
        # Totals of more vectors wrap.
        await bench.play([stimulus.vector(accumulate=n > 0, fuse=1) for n in range(3 * bench.config.max_accumulations)])
    await bench.finish()


@cocotb.test()
async def ping_pong(dut):
    """Each bank is written while another computes, and a write waits for the vectors before it."""
    bench, stimulus = await begin(dut)
    config = bench.config
    for bank in range(config.banks):
        other = (bank + 1) % config.banks
        for pause in PAUSES[:3]:
            # The writes are held until the first vectors of the bank are in flight.
            vectors = [stimulus.vector(bank=bank) for _ in range(6)] + [stimulus.vector(bank=other) for _ in range(6)]
            await bench.play(vectors + stimulus.bank(bank, after=3)[:24], Pauses(o=pause))
    # A vector that arrives with a write of its bank sees what was written.
    for bank in range(config.banks):
        for write in stimulus.bank(bank)[:4]:
            await bench.play([write, stimulus.vector(bank=bank)])
    await bench.finish()


def look(stimulus, banks, after=0):
    """Vectors whose results depend on every weight of some banks."""
    config = stimulus.config
    return [stimulus.vector(after=after, bank=bank, bits=config.input_bits, x=stimulus.dense()) for bank in banks]


@cocotb.test()
async def scattered_writes(dut):
    """Rows of any bank in any order, some twice; vectors see each write at once, and all other weights unchanged."""
    bench, stimulus = await begin(dut)
    config = bench.config
    # A few at a time; then so many in a row that they wait for each other wherever they can.
    for counts, pauses in (((1, 1, 2, 5), PAUSES[:3]), ((5, 7, 12), (0, 0.3))):
        rows = [write for _ in range(2) for bank in range(config.banks) for write in stimulus.bank(bank)]
        bench.rng.shuffle(rows)
        while rows:
            count = bench.rng.choice(counts)
            writes, rows = rows[:count], rows[count:]
            # That of the last one first, whose row has waited least.
            banks = [*dict.fromkeys(write.bank for write in reversed(writes)), bench.rng.randrange(config.banks)]
            await bench.play(writes + look(stimulus, banks, len(writes)), Pauses(write=bench.rng.choice(pauses)))
    await bench.play(look(stimulus, range(config.banks)))
    await bench.finish()


@cocotb.test()
async def fuse_modes(dut):
    """Every number of fused columns after every other, alone and accumulated."""
    bench, stimulus = await begin(dut)
    factors = [factor for factor in (1, 2, 4) if factor <= bench.config.fuse]
    for _ in range(2):
        for first in factors:
            for second in factors:
                await bench.play([stimulus.vector(fuse=first), stimulus.vector(fuse=second)])
                if bench.config.max_accumulations > 1:
                    await bench.play([stimulus.vector(fuse=first), stimulus.vector(fuse=second, accumulate=True)])
    await bench.finish()


@cocotb.test()
async def reset_in_flight(dut):
    """Reset at any moment empties the pipeline, keeps weights, loses what is offered, and ends every accumulation."""
    bench, stimulus = await begin(dut)
    config = bench.config
    await bench.reset()
    for _ in range(30):
        cycles = bench.rng.randrange(4 * config.latency)
        # Writes keep vectors waiting where they go into tables.
        writes = stimulus.bank(bench.rng.randrange(config.banks)) if bench.rng.random() < 0.5 else []
        pauses = Pauses(write=bench.rng.choice((0, 0.5)), i=bench.rng.choice((0, 0.5)), o=bench.rng.choice((0, 0.9)))
        await bench.play(stimulus.vectors(12) + writes, pauses, stop_after=cycles)
        lost = bench.rng.choice(stimulus.bank(bench.rng.randrange(config.banks)))
        await bench.reset(lost if bench.rng.random() < 0.5 else None)
        await bench.idle(bench.rng.randrange(6))
        await bench.play([stimulus.vector(accumulate=config.max_accumulations > 1), *stimulus.vectors(2),
                          *look(stimulus, range(config.banks)), *writes[:2]])
    await bench.finish()


@cocotb.test()
async def values_out_of_range(dut):
    """Values beyond the configuration: precision and fuse are clamped, writes ignored."""
    bench, stimulus = await begin(dut)
    config = bench.config
    items = [stimulus.vector(bits=0, x=stimulus.lanes(1, False)) for _ in range(4)]
    max_bits = (1 << config.input_bits.bit_length()) - 1
    items += [stimulus.vector(bits=max_bits, x=stimulus.lanes(config.input_bits, True)) for _ in range(4)]
    if config.fuse == 4:
        items.append(stimulus.vector(fuse=8))
    rows = 1 << (config.rows - 1).bit_length()
    banks = 1 << (config.banks - 1).bit_length()
    weights = stimulus.bank(0)[0].weights
    await bench.play([Write(bank, row, weights) for bank in range(banks) for row in range(rows)
                      if bank >= config.banks or row >= config.rows])
    await bench.play(items)
    await bench.finish()
