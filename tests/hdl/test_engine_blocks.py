"""Blocks of the engine by themselves."""

import random

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import data
from bitline.golden.engine.descriptor import Flags
from bitline.golden.engine.executor import SUM_SHIFT
from bitline.golden.requantize import multiply_by_quantized_multiplier
from bitline.hdl.engine.compute.sum_of_two import SumOfTwo
from bitline.hdl.engine.control.countdown import Countdown
from bitline.hdl.engine.control.queue import Queue
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


@pytest.mark.parametrize("total", [1, 3, 4, 5, 8, 9, 20])
@pytest.mark.parametrize("size", [1, 4])
def test_the_last_step_of_a_number_is_known(total, size):
    """After a restart, also one at the last step, and while no step is made."""
    m, number = Module(), Signal(8, init=total)
    restart, advance = Signal(name="restart"), Signal(name="advance")
    count = Countdown(m, "count", restart=restart, advance=advance, total=number, size=size)

    async def testbench(ctx):
        await ctx.tick()
        ctx.set(restart, 1)
        ctx.set(advance, 1)
        await ctx.tick()
        for _ in range(2):
            ctx.set(restart, 0)
            for left in range(total, 0, -size):
                ctx.set(advance, 0)
                await ctx.tick()
                assert (ctx.get(count.left), ctx.get(count.is_last)) == (left, left <= size)
                ctx.set(advance, 1)
                ctx.set(restart, left <= size)
                await ctx.tick()

    simulate(m, testbench)


def test_items_of_a_queue_come_in_order_one_a_cycle():
    """Given and taken at random, then always, then cleared with two items in it."""
    m, rng, given = Module(), random.Random(1), Signal(data.StructLayout({"number": 16}))
    clear, valid, take = (Signal(name=name) for name in ("clear", "valid", "take"))
    queue = Queue(m, clear=clear, valid=valid, given=given, take=take)

    async def testbench(ctx):
        kept, number, taken = [], 0, 0
        for cycle in range(400):
            gives, takes = cycle >= 300 or rng.random() < 0.6, cycle >= 300 or rng.random() < 0.5
            clears = cycle < 300 and rng.random() < 0.1
            ctx.set(clear, clears)
            ctx.set(valid, gives)
            ctx.set(given.number, number)
            assert ctx.get(queue.valid) == bool(kept) and ctx.get(queue.has_room) == (len(kept) < 2)
            ctx.set(take, takes and bool(kept))
            accepted = gives and len(kept) < 2
            if takes and kept:
                assert ctx.get(queue.item.number) == kept.pop(0)
                taken += cycle >= 310
            if accepted:
                kept.append(number)
                number += 1
            if clears:
                kept.clear()
            await ctx.tick()
        assert taken == 90

    simulate(m, testbench)
