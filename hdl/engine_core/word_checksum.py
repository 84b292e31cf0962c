"""Word checksum: the CRC-32 of what is written to the memories of an engine."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.crc import catalog
from amaranth.lib.wiring import In, Out

from .word_writer import WORD_BYTES


class WordChecksum(wiring.Component):
    """CRC-32 of words, as zlib computes it of their bytes, the lowest of each word first.

    It shows a driver that all words of a section have arrived, each once and in order: an image has the CRC-32 of each
    of its sections.

    Members
    -------
    restart : ``In(1)``
        For a cycle, not with ``valid``: no word has come.
    valid : ``In(1)``
        A word.
    word : ``In(32)``
        The word.
    crc : ``Out(32)``
        Of the words since ``restart``, from the cycle after the last of them on.
    """

    def __init__(self):
        super().__init__({"restart": In(1), "valid": In(1), "word": In(8 * WORD_BYTES), "crc": Out(32)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.processor = processor = catalog.CRC32_ISO_HDLC(data_width=8 * WORD_BYTES).create()
        m.d.comb += [processor.start.eq(self.restart), processor.valid.eq(self.valid), processor.data.eq(self.word),
                     self.crc.eq(processor.crc)]
        return m
