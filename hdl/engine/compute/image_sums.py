"""Sums of an image: results of each channel, added up over the whole target."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.checks import SUMMED_WORDS
from ...fabric.emitter import Platform
from ...fabric.memory import LutRam

BITS = 24


class ImageSums(wiring.Component):
    """``SUMMED_WORDS`` words of ``lanes`` sums, to which results are added as they go to memory.

    Parameters
    ----------
    lanes : int

    Members
    -------
    clear : ``In(1)``
        All sums are zero.
    write : ``In(lanes)``
        Add these results.
    word : ``In(range(SUMMED_WORDS))``
        To this word.
    results : ``In(8 * lanes)``
        The results.
    shown : ``In(range(SUMMED_WORDS))``
        The word to read, while nothing is added.
    sums : ``Out(ArrayLayout(signed(BITS), lanes))``
        It, in the same cycle.
    """

    def __init__(self, *, lanes):
        self.lanes = lanes
        super().__init__({
            "clear": In(1), "write": In(lanes), "word": In(range(SUMMED_WORDS)), "results": In(8 * lanes),
            "shown": In(range(SUMMED_WORDS)), "sums": Out(data.ArrayLayout(signed(BITS), lanes)),
        })

    def elaborate(self, platform):
        m = Module()
        cells = Platform.of(platform).instantiate(m, "words", "image_sums_words", LutRam, width=BITS * self.lanes,
                                                  depth=SUMMED_WORDS)
        begun, writes = Signal(SUMMED_WORDS), Signal()
        word, before = Signal.like(self.word), Signal(self.sums.shape())
        m.d.comb += [
            writes.eq(self.write.any()), word.eq(Mux(writes, self.word, self.shown)),
            cells.address.eq(word), self.sums.eq(cells.data),
            before.eq(Mux(begun.bit_select(word, 1), cells.data, 0)),
            cells.write.eq(writes), cells.write_address.eq(word),
            cells.write_data.eq(Cat(
                (before[lane] + Mux(self.write[lane], self.results[8 * lane:8 * lane + 8].as_signed(), 0))[:BITS]
                for lane in range(self.lanes))),
        ]
        with m.If(self.clear):
            m.d.sync += begun.eq(0)
        with m.Elif(writes):
            m.d.sync += begun.bit_select(word, 1).eq(1)
        return m
