# amaranth: UnusedElaboratable=no
import random

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.sim import Simulator
from bitline.golden.bits import limits
from bitline.golden.requantize import SHIFTS, requantize
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.core import SETS
from bitline.hdl.core.requantizer import Requantizer
from bitline.hdl.core.result_packer import ResultPacker

CONFIGS = [CoreConfig(macro=MacroConfig(rows=9, **macro), **core) for macro, core in (
    ({"columns": 1}, {}),
    ({"columns": 13, "input_bits": 4}, {"output_stream_bits": 32}),
    ({"columns": 13, "input_bits": 4}, {"output_stream_bits": 64, "output": "int16"}),
    ({"columns": 10, "input_bits": 3}, {"output_stream_bits": 128}),
    ({"columns": 8, "input_bits": 1}, {}),
    ({"columns": 5}, {"output": "int32"}),
    ({"columns": 6, "input_bits": 2}, {"output_stream_bits": 256, "output": "int32"}),
)]


class Chain(wiring.Component):
    """Requantizer and packer, as the core connects them."""

    def __init__(self, config):
        self.requantizer, self.packer = Requantizer(config=config), ResultPacker(config=config)
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.requantizer, m.submodules.packer = requantizer, packer = self.requantizer, self.packer
        wiring.connect(m, requantizer.o, packer.i)
        return m


def draw_parameters(config, rng):
    """Of one set: arrays of bias, multiplier and shift, and what `requantize` takes by name."""
    columns = config.macro.columns
    least, greatest = limits(config.output_bits, True)
    low, high = sorted(rng.integers(least, greatest + 1, 2).tolist())
    arrays = (rng.integers(-1 << 16, 1 << 16, columns), rng.integers(1 << 30, 1 << 31, columns),
              rng.integers(SHIFTS[0] + 12, SHIFTS[1] + 1, columns))
    return arrays, {"zero_point": int(rng.integers(least, greatest + 1)), "low": low, "high": high,
                    "rounding": str(rng.choice(["single", "double"]))}


def expected(config, totals, parameters):
    arrays, settings = parameters
    results = requantize(totals, *arrays, **settings) if config.requantizes else totals
    return results.astype(f"<i{config.output_bits // 8}").tobytes()


def run(config, seed, vectors, pause):
    """Results of random totals, loaded and used set by set; returns cycles from the first taken to the last beat."""
    rng, numpy_rng, chain = random.Random(seed), np.random.default_rng(seed), Chain(config)
    requantizer, packer = chain.requantizer, chain.packer
    wanted, using, results, sets, times, finished = [], [], [], {}, [], []

    async def load(ctx, index):
        sets[index] = arrays, settings = draw_parameters(config, numpy_rng)
        if not config.requantizes:
            return
        for column in range(config.macro.columns):
            bias, multiplier, shift = (int(array[column]) for array in arrays)
            ctx.set(requantizer.write.payload, {"set": index, "column": column, "parameters": {
                "bias": bias, "multiplier": multiplier, "shift": shift}})
            ctx.set(requantizer.write.enable, 1)
            await ctx.tick()
        ctx.set(requantizer.write.enable, 0)
        ctx.set(requantizer.settings[index], {"double": settings["rounding"] == "double", **{
            name: settings[name] for name in ("zero_point", "low", "high")}})

    async def source(ctx):
        for index in range(SETS):
            await load(ctx, index)
        least, greatest = limits(config.macro.total_width, True)
        for number in range(vectors):
            totals = numpy_rng.integers(least, greatest + 1, config.macro.columns)
            if number % 5 == 0:
                totals[:] = numpy_rng.choice([least, greatest])
            index, is_wanted = rng.randrange(SETS), pause == 0 or rng.random() < 0.8
            while rng.random() < pause:
                await ctx.tick()
            ctx.set(requantizer.i.payload, {"totals": totals.tolist(), "set": index, "wanted": is_wanted,
                                              "for_self_test": 0})
            ctx.set(requantizer.i.valid, 1)
            if is_wanted:
                wanted.append(expected(config, totals, sets[index]))
                using.append(index)
            times.append(ctx.get(cycle))
            await ctx.tick().until(requantizer.i.ready)
            ctx.set(requantizer.i.valid, 0)
            # The other set can be loaded once no vector of it is on its way, whatever is of this one.
            if pause and number % 7 == 6:
                while 1 - index in using[len(results):]:
                    await ctx.tick()
                await load(ctx, 1 - index)
        finished.append(True)

    async def sink(ctx):
        data = b""
        while len(results) < len(wanted) or not finished:
            ctx.set(packer.o.ready, rng.random() >= pause)
            _, _, valid, ready, beat = await ctx.tick().sample(packer.o.valid, packer.o.ready, packer.o.payload)
            if valid and ready:
                word = beat.data.to_bytes(config.output_stream_bits // 8, "little")
                kept = beat.keep.bit_length()
                assert beat.keep == (1 << kept) - 1 and (beat.last or kept == len(word))
                data += word[:kept]
                if beat.last:
                    results.append(data)
                    data = b""
                    times.append(ctx.get(cycle))
        assert not data

    m = Module()
    m.submodules.chain = chain
    cycle = Signal(32)
    m.d.sync += cycle.eq(cycle + 1)
    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(source)
    simulator.add_testbench(sink)
    simulator.run()
    assert results == wanted and len(results) > vectors // 2
    return times[-1] - times[0]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
@pytest.mark.parametrize("pause", [0.1, 0.6])
def test_results_equal_the_twin(config, pause):
    run(config, 1, 60, pause)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_a_vector_takes_as_many_cycles_as_groups(config):
    assert run(config, 2, 100, 0) <= 100 * config.groups + 20
