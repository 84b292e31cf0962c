"""Blocks of the engine by themselves."""

import random

import numpy as np
import pytest
from bitline.golden.engine.descriptor import Flags
from bitline.golden.engine.executor import SUM_SHIFT
from bitline.golden.requantize import multiply_by_quantized_multiplier
from bitline.hdl.engine.compute.sum_of_two import SumOfTwo
from bitline.hdl.engine.memory.tile_memory import TileMemory
from gateware import simulate


@pytest.mark.parametrize("shift", [0, -1, -2, -7, -19, -31])
def test_sums_of_two_are_those_of_the_golden_model(shift):
    """Extremes and drawn values, every other cycle or less often."""
    block, rng, ends = SumOfTwo(lanes=2), random.Random(shift), (-128, -1, 0, 127)
    expected = {}

    async def testbench(ctx):
        cycle = 0
        for multiplier in (0, 1 << 30, (1 << 31) - 1, rng.randrange(1 << 31), 1 << 10 << min(20, -shift)):
            zeros = [rng.choice(ends) for _ in range(2)]
            scales_own = rng.random() < 0.5
            ctx.set(block.fields.term_multiplier, multiplier)
            ctx.set(block.fields.term_shift, shift)
            ctx.set(block.fields.flags, int(Flags.SCALES_OWN) * scales_own)
            ctx.set(block.fields.own_zero, zeros[0])
            ctx.set(block.fields.other_zero, zeros[1])
            was_valid = True
            for step in range(60):
                valid = 2 < step < 60 - SumOfTwo.LATENCY and not was_valid and rng.random() < 0.8
                was_valid = valid
                given = [[rng.choice((*ends, rng.randrange(-128, 128))) for _ in range(2)] for _ in range(2)]
                ctx.set(block.valid, valid)
                for name, values in zip(("own", "other"), given):
                    ctx.set(getattr(block, name), int.from_bytes(np.array(values, np.int8).tobytes(), "little"))
                if valid:
                    own, other = (np.array(values) - zero for values, zero in zip(given, zeros))
                    x, y = (own, other) if scales_own else (other, own)
                    expected[cycle + SumOfTwo.LATENCY] = (multiply_by_quantized_multiplier(
                        x << SUM_SHIFT, multiplier, shift) + (y << SUM_SHIFT - 1)).tolist()
                await ctx.tick()
                cycle += 1
                if cycle in expected:
                    assert [ctx.get(block.sums[lane]) for lane in range(2)] == expected[cycle]

    simulate(block, testbench)
    assert len(expected) > 60


@pytest.mark.parametrize("depth", [40, 600])
def test_rows_of_the_tile_memory(depth):
    memory, rng, cells = TileMemory(width=40, depth=depth), random.Random(1), {}

    async def testbench(ctx):
        for row in rng.sample(range(depth), depth):
            cells[row] = rng.getrandbits(40)
            ctx.set(memory.write, 1)
            ctx.set(memory.write_address, row)
            ctx.set(memory.write_data, cells[row])
            await ctx.tick()
        ctx.set(memory.write, 0)
        reads = [None, None]
        for _ in range(200):
            row, enable = rng.randrange(depth), rng.random() < 0.7
            ctx.set(memory.address, row)
            ctx.set(memory.enable, enable)
            await ctx.tick()
            if enable:
                reads = [reads[1], row]
            if reads[0] is not None:
                assert ctx.get(memory.data) == cells[reads[0]]

    simulate(memory, testbench)
