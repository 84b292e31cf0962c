"""An engine's image from an SPI flash: the bytes, what is made of them, and a host beside it."""

import zlib

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal
from amaranth.sim import Simulator
from bitline.golden.engine.descriptor import Descriptor, Operation
from bitline.golden.engine.image import HEADER, PARAMETER, PORT, Image, Load, header_crc, read_image
from bitline.hdl.flash.flash_loader import FLASH, IMAGE, FlashLoader
from bitline.hdl.flash.flash_reader import FlashReader
from bitline.hdl.flash.image_loader import CRC_WORD, FlashState, ImageLoader
from bitline.verif.engine.small_engines import TINY
from flash import EngineRegisters, Flash

# For which few cycles are waited for a flash to wake.
CLOCK_HZ = 50_000
HEAD = 4 * CRC_WORD


# Little of each section; whether the program makes sense is not the loader's concern.
DATA = Image([Descriptor(operation=Operation.END)], [Load(3, 4), Load(5, 6)], np.full((2, TINY.columns), 3),
             np.full((1, TINY.lanes), 77, PARAMETER), np.full(1, 5, PORT), np.array([1, -2, 3]), 9).to_bytes(TINY)


def simulate(component, testbench, *others):
    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    for other in others:
        simulator.add_testbench(other, background=True)
    simulator.run()


def changed(first, new, is_sealed=True):
    """The image with other bytes in its header or table, and, if it is sealed, their CRC-32."""
    data = bytearray(DATA)
    data[first:first + len(new)] = new
    if is_sealed:
        data[HEAD:HEAD + 4] = zlib.crc32(data[:HEAD]).to_bytes(4, "little")
    return bytes(data)


def field(number):
    """The bytes of a word of the header or table."""
    return DATA[4 * number:4 * number + 4]


def raised(number, by=1):
    """The image with a greater word in its header or table, which are sealed."""
    return changed(4 * number, (int.from_bytes(field(number), "little") + by).to_bytes(4, "little"))


def flipped(position):
    return changed(position, bytes([DATA[position] ^ 0x10]), False)


def sections(data):
    return dict(enumerate(read_image(TINY, data).sections[:4]))


@pytest.mark.parametrize("address", [0, 0x5A1234])
def test_the_maker_and_the_bytes_from_the_address_on(address):
    reader = FlashReader(address=address, clock_hz=CLOCK_HZ)
    flash = Flash(reader.spi, bytes(address) + DATA[:20])
    found = []

    async def take(ctx):
        for number in range(23):
            while not ctx.get(reader.o.valid):
                await ctx.tick()
            # Nothing happens on the line while a byte waits.
            for _ in range(number % 3 * 20):
                await ctx.tick()
                assert not ctx.get(reader.spi.clk) and ctx.get(reader.o.valid) and ctx.get(reader.spi.cs)
            found.append(ctx.get(reader.o.payload))
            ctx.set(reader.o.ready, 1)
            await ctx.tick()
            ctx.set(reader.o.ready, 0)

    simulate(reader, take, flash.run)
    assert bytes(found) == b"\xef" + DATA[:20] + b"\xff\xff"
    assert flash.commands[:3] == [[0xFF], [0xAB], [0x9F, 0]]
    assert flash.commands[3][:4] == [3, *address.to_bytes(3, "big")] and len(flash.commands) == 4


def outcomes(images, **engine):
    """What becomes of each image, and what an engine got of it."""
    loader, restart = ImageLoader(config=TINY), Signal()
    registers, found = EngineRegisters(TINY, loader.engine, **engine), []

    async def feed(ctx):
        for data in images:
            registers.writes = []
            ctx.set(restart, 1)
            await ctx.tick()
            ctx.set(restart, 0)
            ctx.set(loader.bytes.valid, 1)
            for byte in data + b"\xff" * len(DATA):
                ctx.set(loader.bytes.payload, byte)
                *_, ready, state = await ctx.tick().sample(loader.bytes.ready, loader.state)
                while not ready and state is FlashState.LOADING:
                    *_, ready, state = await ctx.tick().sample(loader.bytes.ready, loader.state)
                if state is not FlashState.LOADING:
                    break
            ctx.set(loader.bytes.valid, 0)
            found.append((state, ctx.get(loader.crc), registers.sections, registers.writes[-1:]))

    simulate(ResetInserter(restart)(loader), feed, registers.run)
    return found


@pytest.mark.parametrize("wait", [0, 7])
def test_an_image_is_loaded(wait):
    (state, crc, taken, last), = outcomes([b"\xef" + DATA], wait=wait)
    assert state is FlashState.LOADED and crc == header_crc(DATA) and taken == sections(DATA)
    assert last == [("load_count", len(read_image(TINY, DATA).loads))]
    assert all(sections(DATA).values())


def test_what_is_no_image_for_the_engine_is_told():
    table = HEADER.size // 4
    cases = [
        (b"\x00" + DATA, FlashState.SILENT), (b"\xff" + DATA, FlashState.SILENT), (b"\x01" + DATA, FlashState.LOADED),
        (b"\xef", FlashState.EMPTY), (b"\xef" + DATA[:60], FlashState.DAMAGED),
        (b"\xef" + DATA[:HEAD + 40], FlashState.DAMAGED), (b"\xef" + DATA[:-1], FlashState.DAMAGED),
        (b"\xef" + changed(0, b"BLNF"), FlashState.EMPTY), (b"\xef" + raised(1), FlashState.VERSION),
        (b"\xef" + raised(1, 1 << 16), FlashState.VERSION), (b"\xef" + raised(2), FlashState.ENGINE),
        # Of another size, or whose sections are not one behind the other, or of other contents.
        (b"\xef" + raised(3), FlashState.DAMAGED), (b"\xef" + raised(3, 1 << 24), FlashState.DAMAGED),
        *((b"\xef" + raised(table + word), FlashState.DAMAGED) for word in (*range(3), *range(9, 12), *range(15, 18))),
        (b"\xef" + DATA, FlashState.LOADED),
    ]
    found = outcomes([data for data, _ in cases])
    assert [state for state, *_ in found] == [state for _, state in cases]


def test_a_flipped_bit_anywhere_is_noticed():
    """In the header and table, and at the end of each section."""
    ends = HEAD + 4 + np.cumsum([len(section) for section in read_image(TINY, DATA).sections])
    positions = [3, 7, *range(8, HEAD + 4, 7), *(ends - 1).tolist()]
    found = outcomes([b"\xef" + flipped(position) for position in positions])
    states = [FlashState.EMPTY, FlashState.VERSION] + [FlashState.DAMAGED] * (len(positions) - 2)
    assert [state for state, *_ in found] == states and ends[-1] == len(DATA)


def test_words_that_the_engine_does_not_take_are_noticed():
    most = max(map(len, sections(DATA).values())) // 4
    for words, state in ((most, FlashState.LOADED), (most - 1, FlashState.REFUSED)):
        assert outcomes([b"\xef" + DATA], words=words)[0][0] is state


def test_a_host_beside_the_loader():
    loader = FlashLoader(config=TINY, address=16, clock_hz=CLOCK_HZ)
    flash = Flash(loader.spi, bytes(16) + DATA)
    registers, host = EngineRegisters(TINY, loader.engine, wait=9), loader.host

    async def until(ctx, stream):
        """A transfer; the cycles until it is done, and its payload."""
        cycles = 0
        *_, ready, valid, payload = await ctx.tick().sample(stream.ready, stream.valid, stream.payload.as_value())
        while not (ready and valid):
            cycles += 1
            *_, ready, valid, payload = await ctx.tick().sample(stream.ready, stream.valid, stream.payload.as_value())
        return cycles, payload

    async def write(ctx, address, data):
        ctx.set(host.write.payload, {"address": address, "data": data})
        ctx.set(host.write.valid, 1)
        cycles, _ = await until(ctx, host.write)
        ctx.set(host.write.valid, 0)
        return cycles

    async def read(ctx, address):
        ctx.set(host.i.payload.address, address)
        ctx.set(host.i.valid, 1)
        before, _ = await until(ctx, host.i)
        ctx.set(host.i.valid, 0)
        ctx.set(host.o.ready, 1)
        cycles, payload = await until(ctx, host.o)
        ctx.set(host.o.ready, 0)
        return before + cycles, payload

    async def testbench(ctx):
        # What is written to the engine waits for the end of the load, and what is beside the engine does not.
        assert (await read(ctx, FLASH))[1] == FlashState.LOADING.value
        assert await write(ctx, IMAGE, 1) == await write(ctx, FLASH, 0) == 0
        cycles, word = await read(ctx, IMAGE)
        # Nor does a host say which image there is before one is there.
        assert word == 0 and cycles < 10
        assert await write(ctx, 0x50, 77) > 8 * 4 * len(DATA)
        assert registers.writes[-2:] == [("load_count", 2), ("load_count", 77)]
        assert registers.sections == sections(DATA) and (await read(ctx, IMAGE))[1] == header_crc(DATA)
        assert (await read(ctx, FLASH))[1] == FlashState.LOADED.value
        # From the engine: the checksum of the last section.
        assert (await read(ctx, 0x64))[1] == zlib.crc32(sections(DATA)[3])
        flash.content, registers.writes = b"", []
        await write(ctx, FLASH, 0)
        assert (await read(ctx, IMAGE))[1] == 0
        while (state := (await read(ctx, FLASH))[1]) == FlashState.LOADING.value:
            await ctx.tick().repeat(100)
        assert state == FlashState.EMPTY.value and (await read(ctx, IMAGE))[1] == 0
        assert await write(ctx, IMAGE, 5) == 0 and (await read(ctx, IMAGE))[1] == 5
        await write(ctx, 0x50, 78)
        assert registers.writes == [("load_count", 78)]

    simulate(loader, testbench, flash.run, registers.run)
