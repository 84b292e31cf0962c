"""Image bytes: where each byte of an image is, the words that they make, and their checksum."""

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from .flash_reader import ADDRESS_BITS


class ImageBytes(wiring.Component):
    """Counts bytes from the reset on, gathers words of four, the first byte lowest, and computes the CRC-32 of zlib.

    Members
    -------
    valid : ``In(1)``
        A byte.
    byte : ``In(8)``
        The byte.
    is_word : ``Out(1)``
        With ``valid``: it is the last of a word.
    restart : ``In(1)``
        For a cycle, not with ``valid``: the checksum is of the bytes from the next on.
    position : ``Out(ADDRESS_BITS)``
        How many there were; this and what follows from the next cycle on.
    word : ``Out(32)``
        The last four.
    crc : ``Out(32)``
        The checksum.
    matches : ``Out(1)``
        The last four are the checksum of those before them.
    """

    def __init__(self):
        super().__init__({"valid": In(1), "byte": In(8), "is_word": Out(1), "restart": In(1),
                          "position": Out(ADDRESS_BITS), "word": Out(32), "crc": Out(32), "matches": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.processor = processor = catalog.CRC32_ISO_HDLC(data_width=8).create()
        m.d.comb += [processor.start.eq(self.restart), processor.valid.eq(self.valid), processor.data.eq(self.byte),
                     self.crc.eq(processor.crc), self.matches.eq(processor.match_detected),
                     self.is_word.eq(self.valid & self.position[:2].all())]
        with m.If(self.valid):
            m.d.sync += [self.word.eq(Cat(self.word[8:], self.byte)), self.position.eq(self.position + 1)]
        return m
