"""Long random traffic: any values on the ports of a macro, in any order, with resets, for a given number of cycles."""

import os

import cocotb

from ...golden.program import Write
from .macro_bench import Bench, Pauses
from .stimulus import PAUSES, Stimulus


def draw(bench, stimulus):
    """Vectors in accumulations, and writes that come before, among or after them, some to rows that do not exist."""
    config, rng = bench.config, bench.rng
    count = rng.randint(1, 40)
    chosen = {"bank": rng.randrange(config.banks)} if rng.random() < 0.3 else {}
    items = stimulus.vectors(count, **chosen)
    for _ in range(rng.randrange(3)):
        items += stimulus.bank(rng.randrange(config.banks), after=rng.randrange(count))[:rng.randint(1, config.rows)]
    if rng.random() < 0.1:
        rows, banks = (1 << (size - 1).bit_length() for size in (config.rows, config.banks))
        items.append(Write(rng.randrange(banks), rng.randrange(rows), stimulus.bank(0)[0].weights))
    return items


@cocotb.test()
async def traffic(dut):
    """`SOAK_CYCLES` cycles of rounds of random traffic, each with its own pauses, some ended by a reset."""
    bench = Bench(dut)
    config, rng = bench.config, bench.rng
    stimulus = Stimulus(config, rng, bench.numpy_rng)
    await bench.start()
    await bench.play([write for bank in range(config.banks) for write in stimulus.bank(bank)])
    while bench.cycle < int(os.environ["SOAK_CYCLES"]):
        pauses = Pauses(*(rng.choice(PAUSES) for _ in range(3)))
        if rng.random() < 0.2:
            await bench.play(draw(bench, stimulus), pauses, stop_after=rng.randrange(8 * config.latency))
            await bench.reset()
            await bench.idle(rng.randrange(6))
        else:
            await bench.play(draw(bench, stimulus), pauses)
    await bench.finish()
