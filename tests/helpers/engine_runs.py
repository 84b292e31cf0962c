"""Networks for small engines; an engine in the simulator of Amaranth."""

import numpy as np
from amaranth.sim import Simulator
from bitline.golden.engine.executor import Engine as GoldenEngine
from bitline.golden.engine.image import read_image
from bitline.hdl.engine.control.image_words import Section
from bitline.hdl.engine.engine import Engine
from bitline.hdl.engine.memory.activation_memory import ActivationMemory
from bitline.host.network.operators import AveragePool2D, MaxPool2D
from bitline.verif.engine.image_words import image_words
from engine_networks import Builder


def drawn(rng):
    """A network of a few layers that the tiny engines have."""
    image = tuple(rng.integers(3, 8, 2).tolist())
    build = Builder(rng, (1, *image, int(rng.choice([1, 3, 4, 5, 8]))))
    for _ in range(int(rng.integers(1, 4))):
        _, height, width, channels = build.tensors[build.last].shape
        size = tuple(int(rng.integers(1, min(length, 3) + 1)) for length in (height, width))
        stride, kind, before = tuple(rng.integers(1, 3, 2).tolist()), rng.integers(5), build.last
        if kind == 0:
            build.pool((MaxPool2D, AveragePool2D)[rng.integers(2)], size, stride)
        elif kind == 1:
            build.add(*rng.permutation([before, build.conv(channels, size)]).tolist())
        elif kind == 2:
            build.depthwise(size, stride)
        else:
            build.conv(int(rng.choice([4, 6, 8, 12])), size, stride, bool(rng.integers(2)))
    ends = rng.integers(3)
    if ends == 1:
        build.mean()
    elif ends == 2:
        build.flat()
        build.dense(int(rng.integers(2, 12)))
    return build.network()


class Run:
    """A run of an engine on an input.

    Parameters
    ----------
    config : EngineConfig
    data : bytes
        Of the image.
    x : int8 array

    Attributes
    ----------
    ends : list of int
        Cycle after which each descriptor was done.
    memory : uint8 array
        The activation memory after the run.
    argmax : int
    """

    def __init__(self, config, data, x, most=20000):
        self.config, self.image, self.most = config, read_image(config, data), most
        golden = GoldenEngine(config, data)
        golden.load(x)
        self.before, self.ends, self.argmax = golden.memory.copy(), [], None
        self.memory = np.zeros(config.activation_bytes, np.uint8)
        self.engine = Engine(config=config)
        simulator = Simulator(self.engine)
        simulator.add_clock(1e-6)
        simulator.add_testbench(self._drive)
        simulator.run()

    async def _drive(self, ctx):
        await self._load(ctx)
        await self._run(ctx)
        await self._read(ctx)

    async def _load(self, ctx):
        engine, words = self.engine, list(image_words(self.config, self.image))
        words += [(Section.ACTIVATIONS.value, 4 * number, 0, word)
                  for number, word in enumerate(self.before.view("<u4").tolist()) if word]
        ctx.set(engine.valid, 1)
        for section, item, part, word in words:
            ctx.set(engine.section, section)
            ctx.set(engine.item, item)
            ctx.set(engine.part, part)
            ctx.set(engine.word, word)
            await ctx.tick()
        ctx.set(engine.valid, 0)
        await ctx.tick().repeat(4)
        ctx.set(engine.load_count, len(self.image.loads))

    async def _run(self, ctx):
        engine = self.engine
        ctx.set(engine.start, 1)
        await ctx.tick()
        ctx.set(engine.start, 0)
        while ctx.get(engine.running):
            cycle = ctx.get(engine.cycle)
            assert cycle < self.most, f"the run must end within {self.most} cycles, and has ended {self.ends}"
            if ctx.get(engine.ended):
                self.ends.append(cycle + 1)
            await ctx.tick()
        self.argmax = ctx.get(engine.argmax)

    async def _read(self, ctx):
        engine, lanes = self.engine, self.config.lanes
        late = ActivationMemory.READ
        for number in range(len(self.memory) // lanes + late):
            ctx.set(engine.address, number * lanes % len(self.memory))
            if number >= late:
                value = ctx.get(engine.data)
                self.memory[(number - late) * lanes:][:lanes] = np.frombuffer(value.to_bytes(lanes, "little"), np.uint8)
            await ctx.tick()
