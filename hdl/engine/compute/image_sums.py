"""Sums of an image: results of each channel, added up over the whole target."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.checks import SUMMED_WORDS
from ...fabric.adder import Addition, Operand, add
from ...fabric.emitter import Platform
from ...fabric.memory import LutRam
from ..control.delays import delayed

BITS = 24


class ImageSums(wiring.Component):
    """``SUMMED_WORDS`` words of ``lanes`` sums, to which results are added as they go to memory.

    Parameters
    ----------
    lanes : int

    Members
    -------
    clear : ``In(1)``
        All sums are zero, and the first word comes next.
    write : ``In(lanes)``
        Add these results.
    word : ``In(range(SUMMED_WORDS))``
        To this word.
    results : ``In(8 * lanes)``
        The results.
    take : ``In(1)``
        A word is taken, while nothing is added; the following comes next.
    sums : ``Out(ArrayLayout(signed(BITS), lanes))``
        The word to take, three cycles after the last addition or later.
    """

    def __init__(self, *, lanes):
        self.lanes = lanes
        super().__init__({
            "clear": In(1), "write": In(lanes), "word": In(range(SUMMED_WORDS)), "results": In(8 * lanes),
            "take": In(1), "sums": Out(data.ArrayLayout(signed(BITS), lanes)),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        cells = platform.instantiate(m, "words", "image_sums_words", LutRam, width=BITS * self.lanes,
                                     depth=SUMMED_WORDS)
        # What is added, a cycle later, and whether something was added to its word before.
        begun, writes = Signal(SUMMED_WORDS), delayed(m, "writes", self.write.any(), 1, reset=True)
        write, late, has_begun = (delayed(m, name, value, 1) for name, value in (
            ("write", self.write), ("word", self.word), ("has_begun", begun.bit_select(self.word, 1))))
        word, results = Signal.like(self.word), data.View(data.ArrayLayout(signed(8), self.lanes),
                                                          delayed(m, "results", self.results, 1))
        # Number of the word to take, and of the one that is read.
        taken, following, upcoming = Signal.like(self.word), Signal.like(self.word), Signal.like(self.word, init=1)
        added = []
        for lane in range(self.lanes):
            (total,) = add(m, platform, f"add_{lane}", [Addition(
                Operand(cells.data.word_select(lane, BITS), bit=has_begun),
                Operand(results[lane], bit=write[lane]), BITS)])
            added.append(total)
        m.d.comb += [
            following.eq(Mux(self.take, upcoming, taken)), word.eq(Mux(writes, late, following)),
            cells.address.eq(word),
            cells.write.eq(writes), cells.write_address.eq(word), cells.write_data.eq(Cat(added)),
        ]
        m.d.sync += [taken.eq(following), upcoming.eq(following + 1), Value.cast(self.sums).eq(cells.data)]
        with m.If(self.clear):
            m.d.sync += [begun.eq(0), taken.eq(0), upcoming.eq(1)]
        with m.Elif(self.write.any()):
            m.d.sync += begun.bit_select(self.word, 1).eq(1)
        return m
