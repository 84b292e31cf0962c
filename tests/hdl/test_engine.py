# amaranth: UnusedElaboratable=no
"""The engine against its golden model: memory, outputs, and cycles of each descriptor."""

import random
from dataclasses import replace

import numpy as np
import pytest
from bitline.golden.engine.descriptor import Flags, Operation
from bitline.golden.engine.executor import Engine as GoldenEngine
from bitline.hdl.engine.compute.partial_sums import PartialSums
from bitline.hdl.engine.engine import Engine
from bitline.hdl.engine.memory.bounds import Bounds
from bitline.host.engine.compiler import compile_network
from bitline.host.network.operators import AveragePool2D, MaxPool2D
from bitline.verif.engine.small_engines import DEPTHWISE, FORMS, TINY
from engine_networks import Builder
from engine_runs import Run
from gateware import simulate


def check(config, network, *, seed=0, fuse=True):
    """Run a network on a drawn input, and compare; returns the program."""
    image = compile_network(config, network, fuse=fuse).image
    golden = GoldenEngine(config, image)
    x = np.random.default_rng(seed).integers(-128, 128, golden.input_bytes).astype(np.int8)
    expected = golden.run(x)
    run = Run(config, image, x, most=expected.cycles + 500)
    assert (run.memory == expected.steps[-1].memory).all()
    assert run.argmax == expected.argmax
    assert run.ends == [step.end for step in expected.steps]
    return golden.image.program


def test_partial_sums_that_are_wanted_again_at_once():
    sums, rng, kept, given = PartialSums(config=TINY), random.Random(1), {}, []

    async def testbench(ctx):
        for cycle in range(400):
            number, goes = rng.randrange(3), rng.random() < 0.8
            begins, totals = goes and number not in kept, [rng.randrange(-9999, 9999) for _ in range(TINY.lanes)]
            ctx.set(sums.number, number)
            await ctx.tick()
            ctx.set(sums.valid, goes)
            ctx.set(sums.begins, begins)
            ctx.set(sums.totals, totals)
            if goes:
                kept[number] = [old + new for old, new in zip(kept.get(number, [0] * TINY.lanes), totals)]
            given.append(list(kept[number]) if goes else None)
            if cycle >= PartialSums.LATENCY and (expected := given[-1 - PartialSums.LATENCY]):
                assert [ctx.get(sums.sums[lane]) for lane in range(TINY.lanes)] == expected

    simulate(sums, testbench)


def test_every_used_byte_is_compared():
    """Words that overlap base and limit, or are far from them, also such as begin before the first address."""
    bounds, rng, expected, size = Bounds(lanes=8), random.Random(1), [], 1 << 24

    async def testbench(ctx):
        for _ in range(3000):
            base = rng.choice([0, rng.randrange(100), rng.randrange(size)])
            limit = rng.choice([min(base + rng.randrange(20), size), size])
            address = rng.choice([base, limit, 0, size]) + rng.randrange(-12, 12)
            first, end = rng.randrange(9), rng.randrange(9)
            ctx.set(bounds.address, address % (2 * size))
            ctx.set(bounds.base, base)
            ctx.set(bounds.limit, limit)
            ctx.set(bounds.used.first, first)
            ctx.set(bounds.used.end, end)
            await ctx.tick()
            expected.append(any(not base <= address + byte < limit for byte in range(first, end)))
            if len(expected) >= Bounds.LATENCY:
                assert ctx.get(bounds.is_beyond) == expected[-Bounds.LATENCY]

    simulate(bounds, testbench)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tiny", "deep"])
def test_dense_layers(name):
    build = Builder(np.random.default_rng(1), (1, 40))
    build.dense(20, activation="relu")
    build.dense(10)
    check(FORMS[name], build.network())


@pytest.mark.slow
def test_windows_beyond_the_source_and_strips():
    build = Builder(np.random.default_rng(2), (1, 6, 5, 3))
    build.conv(6, (3, 3), (1, 2))
    build.conv(12, (3, 2), same=False)
    program = check(FORMS["few sums"], build.network())
    assert any(len(each.strips) > 1 and len(each.parts) > 1 for each in program[:-1])


@pytest.mark.slow
@pytest.mark.parametrize("fuse", [True, False])
def test_sums_of_two(fuse):
    build = Builder(np.random.default_rng(3), (1, 4, 4, 4))
    before = build.conv(4)
    build.add(build.conv(4, (2, 2)), before)
    program = check(TINY, build.network(), fuse=fuse)
    assert (Operation.ADD in {each.operation for each in program}) != fuse


@pytest.mark.slow
def test_pools():
    build = Builder(np.random.default_rng(4), (1, 6, 5, 5))
    build.pool(MaxPool2D, (2, 2), (2, 1))
    build.pool(AveragePool2D, (3, 2), (1, 2))
    assert Flags.MAXIMUM & check(TINY, build.network())[0].flags


@pytest.mark.slow
@pytest.mark.parametrize("adds", [True, False])
def test_sums_of_an_image(adds):
    build = Builder(np.random.default_rng(5), (1, 4, 3, 4))
    before = build.conv(12)
    if adds:
        build.add(build.conv(12, (1, 2)), before)
    build.mean()
    program = check(FORMS["four banks"], build.network())
    assert any(each.operation == Operation.POOL and each.is_summed for each in program)


@pytest.mark.slow
@pytest.mark.parametrize("size, stride", [((3, 3), (1, 1)), ((2, 3), (2, 1)), ((3, 1), (1, 2))])
def test_depthwise(size, stride):
    build = Builder(np.random.default_rng(6), (1, 6, 5, 8))
    build.depthwise(size, stride)
    assert check(DEPTHWISE, build.network())[0].operation == Operation.DEPTHWISE


@pytest.mark.slow
@pytest.mark.parametrize("stride", [(1, 1), (2, 1)])
def test_depthwise_that_feeds(stride):
    build = Builder(np.random.default_rng(7), (1, 6, 5, 8))
    build.depthwise((3, 3), stride)
    build.conv(8, (1, 1))
    assert check(DEPTHWISE, build.network())[0].feeds


class CanceledRuns(Run):
    """Runs of which each is canceled in one of the last cycles, and one that is started at once after each.

    Attributes
    ----------
    after : list of (int, int, int)
        Of each of these count of descriptors that ended, fault, and argmax.
    """

    async def _drive(self, ctx):
        engine, self.after = self.engine, []
        await self._load(ctx)
        await self._run(ctx)
        for cycle in range(self.ends[-1] - 14, self.ends[-1] + 3):
            ctx.set(engine.start, 1)
            await ctx.tick()
            # A start in a run is nothing.
            ctx.set(engine.start, cycle % 2)
            while ctx.get(engine.running) and ctx.get(engine.cycle) < cycle:
                await ctx.tick()
            ctx.set(engine.start, 0)
            ctx.set(engine.cancel, 1)
            await ctx.tick()
            ctx.set(engine.cancel, 0)
            while ctx.get(engine.running):
                await ctx.tick()
            self.ends = []
            await self._run(ctx)
            self.after.append((len(self.ends), ctx.get(engine.fault), self.argmax))
        await self._read(ctx)


@pytest.mark.slow
def test_runs_that_are_canceled_in_their_last_cycles():
    build = Builder(np.random.default_rng(8), (1, 8))
    build.dense(6)
    image = compile_network(TINY, build.network()).image
    golden = GoldenEngine(TINY, image)
    x = np.random.default_rng(9).integers(-128, 128, golden.input_bytes).astype(np.int8)
    expected, run = golden.run(x), CanceledRuns(TINY, image, x)
    assert run.after == [(2, 0, expected.argmax)] * 17
    assert (run.memory == expected.steps[-1].memory).all()


def test_what_the_gateware_does_not_have():
    with pytest.raises(ValueError, match=r"^arrays must be 1 in gateware, not 2$"):
        Engine(config=replace(TINY, arrays=2))
