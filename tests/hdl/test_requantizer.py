# amaranth: UnusedElaboratable=no
import random

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.sim import Simulator
from bitline.golden.bits import limits
from bitline.golden.requantize import ROUNDINGS, SHIFTS, requantize
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.core import SETS
from bitline.hdl.core.requantizer import Requantizer
from bitline.hdl.core.result_packer import ResultPacker
from some import some

CONFIGS = [CoreConfig(macro=MacroConfig(rows=9, **macro), **core) for macro, core in (
    ({"columns": 1}, {}),
    ({"columns": 13, "input_bits": 4}, {"output_stream_bits": 32}),
    ({"columns": 13, "input_bits": 4}, {"output_stream_bits": 64, "output": "int16"}),
    ({"columns": 10, "input_bits": 3}, {"output_stream_bits": 128}),
    ({"columns": 8, "input_bits": 1}, {}),
    ({"columns": 5}, {"output": "int32"}),
    ({"columns": 6, "input_bits": 2}, {"output_stream_bits": 256, "output": "int32"}),
    # As many groups as the macro keeps totals for, fewer, and more, of which each fills a beat.
    ({"columns": 4, "result_interval": 4}, {"output_stream_bits": 32}),
    ({"columns": 2, "result_interval": 4}, {"output": "int32"}),
    ({"columns": 20, "input_bits": 5, "result_interval": 4}, {"output_stream_bits": 32}),
    ({"columns": 20, "input_bits": 5, "result_interval": 2}, {"output_stream_bits": 32}),
    # Groups that share beats.
    ({"columns": 16, "result_interval": 4}, {}),
    ({"columns": 20, "result_interval": 4}, {"output_stream_bits": 64, "output": "int16"}),
)]
# Every so many vectors all totals are extremes, and a set is loaded again.
EXTREMES_EVERY, RELOAD_EVERY = 5, 7
# Of the vectors where sides pause.
WANTED_SHARE = 0.8
# More than what the packer has room for; and a simulation that takes longer than this has lost a result.
STALL_CYCLES, MAX_CYCLES = 30, 10000
# More than the latency of requantizer and packer.
PIPELINE_CYCLES = 20


class Chain(wiring.Component):
    """Requantizer and packer, as the core connects them."""

    def __init__(self, config):
        self.requantizer = Requantizer(config=config)
        self.packer = ResultPacker(config=config, latency=self.requantizer.latency)
        super().__init__({})

    def elaborate(self, platform):
        m = Module()
        m.submodules.requantizer, m.submodules.packer = requantizer, packer = self.requantizer, self.packer
        wiring.connect(m, requantizer.o, packer.i)
        return m


def draw_parameters(config, rng):
    """Of one set: arrays of bias, multiplier and shift, and what `requantize` takes by name."""
    columns = config.macro.columns
    minimum, maximum = limits(config.output_bits, True)
    low, high = sorted(rng.integers(minimum, maximum + 1, 2).tolist())
    arrays = (rng.integers(-1 << 16, 1 << 16, columns), rng.integers(1 << 30, 1 << 31, columns),
              rng.integers(SHIFTS[0] + 12, SHIFTS[1] + 1, columns))
    return arrays, {"zero_point": int(rng.integers(minimum, maximum + 1)), "low": low, "high": high,
                    "rounding": str(rng.choice(ROUNDINGS))}


def expected(config, totals, parameters):
    arrays, settings = parameters
    results = requantize(totals, *arrays, **settings) if config.requantizes else totals
    return results.astype(f"<i{config.output_bits // 8}").tobytes()


class Bench:
    """Random totals through a `Chain`; parameters are loaded set by set, and again while the other set is used.

    Parameters
    ----------
    config : CoreConfig
    seed, vectors : int
    pause : float
        Probability that a side pauses in a cycle.
    stalls : bool
        The sink takes all or nothing for `STALL_CYCLES`, more or less.
    """

    def __init__(self, config, seed, vectors, pause, stalls=False):
        self.config, self.vectors, self.pause, self.stalls = config, vectors, pause, stalls
        self.rng, self.numpy_rng = random.Random(seed), np.random.default_rng(seed)
        self.chain, self.cycle = Chain(config), Signal(32)
        self.expected, self.results, self.sets, self.used_sets = [], [], {}, []
        self.first_cycle, self.last_cycle, self.is_finished = None, None, False

    async def load(self, ctx, index):
        """Draw and load the parameters of a set."""
        requantizer = self.chain.requantizer
        self.sets[index] = arrays, settings = draw_parameters(self.config, self.numpy_rng)
        if not self.config.requantizes:
            return
        for column in range(self.config.macro.columns):
            bias, multiplier, shift = (int(array[column]) for array in arrays)
            ctx.set(requantizer.write.payload, {"set": index, "column": column, "parameters": {
                "bias": bias, "multiplier": multiplier, "shift": shift}})
            ctx.set(requantizer.write.enable, 1)
            await ctx.tick()
        ctx.set(requantizer.write.enable, 0)
        ctx.set(requantizer.settings[index], {"rounding": ROUNDINGS.index(settings["rounding"]), **{
            name: settings[name] for name in ("zero_point", "low", "high")}})
        # The last write is stored a cycle later.
        await ctx.tick()

    def draw_totals(self, number):
        """Random totals; in every `EXTREMES_EVERY`-th vector only extremes."""
        minimum, maximum = limits(self.config.macro.total_width, True)
        if number % EXTREMES_EVERY == 0:
            return self.numpy_rng.choice([minimum, maximum], self.config.macro.columns)
        return self.numpy_rng.integers(minimum, maximum + 1, self.config.macro.columns)

    async def source(self, ctx):
        stream, tag = self.chain.requantizer.i, self.chain.requantizer.tag
        interval, columns = self.config.macro.result_interval, self.config.macro.columns
        for index in range(SETS):
            await self.load(ctx, index)
        for number in range(self.vectors):
            totals, index = self.draw_totals(number), self.rng.randrange(SETS)
            is_wanted = self.pause == 0 or self.rng.random() < WANTED_SHARE
            while self.rng.random() < self.pause:
                await ctx.tick()
            ctx.set(stream.payload, {"totals": totals.tolist(), "check_totals": []})
            ctx.set(tag.payload, {"set": index, "wanted": is_wanted, "for_self_test": 0})
            ctx.set(stream.valid, 1)
            if is_wanted:
                self.expected.append(expected(self.config, totals, self.sets[index]))
                self.used_sets.append(index)
            if self.first_cycle is None:
                self.first_cycle = ctx.get(self.cycle)
            *_, ends = await ctx.tick().sample(tag.ready).until(stream.ready)
            ctx.set(stream.valid, 0)
            # So long the macro keeps its output.
            for _ in range(interval - 1):
                *_, ends_now = await ctx.tick().sample(tag.ready)
                ends |= ends_now
            assert ends
            ctx.set(stream.payload, {"totals": [self.rng.randrange(2)] * columns, "check_totals": []})
            if self.pause and number % RELOAD_EVERY == RELOAD_EVERY - 1:
                await self.reload(ctx, 1 - index)
        self.is_finished = True

    async def reload(self, ctx, index):
        """Load a set once no vector in flight uses it; those of the other set do not matter."""
        while index in self.used_sets[len(self.results):]:
            await ctx.tick()
        await self.load(ctx, index)

    async def sink(self, ctx):
        stream, data, is_ready = self.chain.packer.o, b"", False
        while len(self.results) < len(self.expected) or not self.is_finished:
            if self.stalls:
                is_ready ^= self.rng.random() < 1 / STALL_CYCLES
            else:
                is_ready = self.rng.random() >= self.pause
            ctx.set(stream.ready, is_ready)
            assert ctx.get(self.cycle) < MAX_CYCLES
            _, _, valid, ready, beat = await ctx.tick().sample(stream.valid, stream.ready, stream.payload)
            if valid and ready:
                word = beat.data.to_bytes(self.config.output_stream_bits // 8, "little")
                kept = beat.keep.bit_length()
                assert beat.keep == (1 << kept) - 1 and (beat.last or kept == len(word))
                data += word[:kept]
                if beat.last:
                    self.results.append(data)
                    data, self.last_cycle = b"", ctx.get(self.cycle)
        assert not data

    def run(self):
        """Simulate and compare; cycles from the first vector offered to the last beat."""
        m = Module()
        m.submodules.chain = self.chain
        m.d.sync += self.cycle.eq(self.cycle + 1)
        simulator = Simulator(m)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self.source)
        simulator.add_testbench(self.sink)
        simulator.run()
        assert self.results == self.expected and len(self.results) > self.vectors // 2
        return self.last_cycle - self.first_cycle


@pytest.mark.parametrize("config", some(CONFIGS, 1, 2, 4, 5, 6, 8, 10, 12), ids=lambda config: config.name)
@pytest.mark.parametrize("pause", some([0.1, 0.6], 1))
def test_results_equal_the_twin(config, pause):
    Bench(config, 1, 60, pause).run()


@pytest.mark.parametrize("config", some(CONFIGS, 0, 3, 7, 9, 11), ids=lambda config: config.name)
def test_no_beat_is_lost_where_the_sink_stalls(config):
    Bench(config, 3, 100, 0, stalls=True).run()


def test_beats_fit_one_lut_ram_unless_every_group_is_one():
    depths = {}
    for columns in (16, 32, 64):
        config = CoreConfig(macro=MacroConfig(rows=64, columns=columns, result_interval=4))
        depths[columns] = ResultPacker(config=config, latency=Requantizer.max_vectors(config)).depth
    assert depths == {16: 17, 32: 17, 64: 19}


@pytest.mark.parametrize("config", some(CONFIGS, 0, 2, 8, 9, 12), ids=lambda config: config.name)
def test_a_vector_takes_as_many_cycles_as_groups(config):
    vectors = 100
    each = max(config.groups, config.macro.result_interval)
    assert Bench(config, 2, vectors, 0).run() <= vectors * each + PIPELINE_CYCLES
