"""Accesses to registers by streams, and the checksum of words."""

import random
import zlib

import pytest
from amaranth.sim import Simulator
from bitline.hdl.csr.register_master import ADDRESS_BITS, RegisterMaster
from bitline.hdl.engine_core.register_map import engine_register_map
from bitline.hdl.engine_core.word_checksum import WordChecksum
from bitline.hdl.flash.flash_loader import FLASH, IMAGE
from bitline.scripts.integration.c_headers import FULL_ENGINE

ACCESSES = 200


def simulate(component, *testbenches):
    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    for testbench in testbenches:
        simulator.add_testbench(testbench)
    simulator.run()


class Registers:
    """A slave on AXI4-Lite that takes addresses and data in either order, each after any time."""

    def __init__(self, bus, rng):
        self.bus, self.rng, self.accesses = bus, rng, []

    async def _take(self, ctx, channel, *names):
        """Accept a request of a channel; what it says."""
        for _ in range(self.rng.randrange(3)):
            await ctx.tick()
            assert ctx.get(getattr(self.bus, f"{channel}valid")), "a request must wait"
        ctx.set(getattr(self.bus, f"{channel}ready"), 1)
        said = [ctx.get(getattr(self.bus, name)) for name in names]
        await ctx.tick()
        ctx.set(getattr(self.bus, f"{channel}ready"), 0)
        return said

    async def _answer(self, ctx, channel, **values):
        """Offer an answer until it is accepted."""
        for _ in range(self.rng.randrange(3)):
            await ctx.tick()
        for name, value in values.items():
            ctx.set(getattr(self.bus, name), value)
        ctx.set(getattr(self.bus, f"{channel}valid"), 1)
        *_, ready = await ctx.tick().sample(getattr(self.bus, f"{channel}ready"))
        while not ready:
            *_, ready = await ctx.tick().sample(getattr(self.bus, f"{channel}ready"))
        ctx.set(getattr(self.bus, f"{channel}valid"), 0)

    async def run(self, ctx):
        bus = self.bus
        while len(self.accesses) < ACCESSES:
            if ctx.get(bus.arvalid):
                (address,) = await self._take(ctx, "ar", "araddr")
                self.accesses.append(("read", address))
                await self._answer(ctx, "r", rdata=address * 3, rresp=address & 2)
            elif ctx.get(bus.awvalid):
                taken = {}
                for channel, names in self.rng.sample([("aw", ["awaddr"]), ("w", ["wdata", "wstrb"])], 2):
                    taken[channel] = await self._take(ctx, channel, *names)
                self.accesses.append(("write", *taken["aw"], *taken["w"]))
                await self._answer(ctx, "b", bresp=2)
            else:
                await ctx.tick()


@pytest.mark.parametrize("seed", range(3))
def test_each_access_is_done_once_in_order_and_answered(seed):
    master, rng = RegisterMaster(), random.Random(seed)
    registers, expected = Registers(master.bus, random.Random(seed)), []

    async def host(ctx):
        for _ in range(ACCESSES):
            address, is_write = rng.randrange(256), rng.random() < 0.5
            stream = master.write if is_write else master.i
            ctx.set(stream.payload.address, address)
            if is_write:
                ctx.set(stream.payload.data, address << 20)
            ctx.set(stream.valid, 1)
            *_, ready = await ctx.tick().sample(stream.ready)
            while not ready:
                *_, ready = await ctx.tick().sample(stream.ready)
            ctx.set(stream.valid, 0)
            expected.append(("write", address, address << 20, 15) if is_write else ("read", address))
            # A write is accepted when it has been done.
            assert not is_write or registers.accesses == expected
            if not is_write:
                ctx.set(master.o.ready, 0)
                while not ctx.get(master.o.valid):
                    await ctx.tick()
                for _ in range(rng.randrange(3)):
                    await ctx.tick()
                    assert ctx.get(master.o.valid)
                assert (ctx.get(master.o.payload.data), ctx.get(master.o.payload.response)) == (address * 3,
                                                                                                address & 2)
                ctx.set(master.o.ready, 1)
                await ctx.tick()
                ctx.set(master.o.ready, 0)

    simulate(master, host, registers.run)
    assert registers.accesses == expected and len(expected) == ACCESSES


def test_every_register_of_an_engine_has_an_address():
    """Those of a board are beyond."""
    assert all(register.offset < FLASH < IMAGE < 1 << ADDRESS_BITS for register in engine_register_map(FULL_ENGINE))


def test_the_checksum_is_that_of_zlib():
    checksum, rng = WordChecksum(), random.Random(1)

    async def testbench(ctx):
        for length in (0, 1, 2, 40):
            ctx.set(checksum.restart, 1)
            await ctx.tick()
            ctx.set(checksum.restart, 0)
            data = rng.randbytes(4 * length)
            for first in range(0, len(data), 4):
                ctx.set(checksum.word, int.from_bytes(data[first:first + 4], "little"))
                for valid in (1, 0):
                    ctx.set(checksum.valid, valid)
                    await ctx.tick()
            assert ctx.get(checksum.crc) == zlib.crc32(data)

    simulate(checksum, testbench)
