"""An SPI flash, and the registers of an engine that gets an image from it, in simulations in Python."""

import zlib

from bitline.hdl.engine_core.register_map import ITEM_BITS, engine_register_map


class Flash:
    """Answers on an `SPI` from the contents; None for one that is not there.

    Attributes
    ----------
    commands : list of list of int
        Bytes that were sent, from the selection on, for each.
    """

    def __init__(self, spi, content, level=1):
        self.spi, self.content, self.level, self.commands = spi, content, level, []

    async def run(self, ctx):
        before, bits, is_asleep = 0, [], True
        async for _, _, clk, cs, copi in ctx.tick().sample(self.spi.clk, self.spi.cs, self.spi.copi):
            if not cs:
                bits = []
            elif clk and not before:
                bits.append(copi)
                if len(bits) == 1:
                    self.commands.append([])
                if len(bits) % 8 == 0:
                    self.commands[-1].append(int("".join(map(str, bits[-8:])), 2))
                    is_asleep = is_asleep and self.commands[-1] != [0xAB]
            elif before and not clk:
                ctx.set(self.spi.cipo, self._answer(len(bits)) if not is_asleep else self.level)
            before = clk and cs

    def _answer(self, count):
        """The bit that follows so many."""
        if self.content is None or count < 8:
            return self.level
        sent, (index, bit) = self.commands[-1], divmod(count, 8)
        if sent[0] == 0x9F:
            byte = 0xEF
        elif sent[0] == 3 and index >= 4:
            place = int.from_bytes(sent[1:4], "big") + index - 4
            byte = self.content[place] if place < len(self.content) else 0xFF
        else:
            return self.level
        return byte >> 7 - bit & 1


class EngineRegisters:
    """Answers on ``ACCESSES`` as an engine does that takes so many words of each section.

    Attributes
    ----------
    writes : list of (str, int)
        Of registers, by name.
    """

    def __init__(self, config, accesses, words=1 << 20, wait=0):
        self._names = {register.offset: register.name for register in engine_register_map(config)}
        self.accesses, self.words, self.wait, self.writes = accesses, words, wait, []

    @property
    def sections(self):
        """What came to each section, by its number; after the last write of `target` to it."""
        found = {}
        for name, word in self.writes:
            if name == "target":
                content = found[word >> ITEM_BITS] = bytearray()
            elif name == "write_data" and len(content) < 4 * self.words:
                content += word.to_bytes(4, "little")
        return found

    async def run(self, ctx):
        write, i, o = self.accesses.write, self.accesses.i, self.accesses.o
        while True:
            await ctx.tick()
            if not ctx.get(write.valid) and not ctx.get(i.valid):
                continue
            await ctx.tick().repeat(self.wait + 1)
            stream = write if ctx.get(write.valid) else i
            name = self._names[ctx.get(stream.payload.address)]
            if stream is write:
                self.writes.append((name, ctx.get(write.payload.data)))
            ctx.set(stream.ready, 1)
            await ctx.tick()
            ctx.set(stream.ready, 0)
            if stream is i:
                assert name == "checksum"
                await ctx.tick().repeat(self.wait + 1)
                ctx.set(o.payload.data, zlib.crc32([*self.sections.values()][-1]))
                ctx.set(o.valid, 1)
                *_, ready = await ctx.tick().sample(o.ready)
                while not ready:
                    *_, ready = await ctx.tick().sample(o.ready)
                ctx.set(o.valid, 0)
