"""Image words: what is loaded before a run, word by word, into the memories of the engine."""

from amaranth.hdl import Module, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.latencies import FETCH_CYCLES
from .descriptor import WORD_BITS


class Section(enum.Enum, shape=3):
    """Where a word goes."""

    PROGRAM = 0
    LOADS = 1
    TILES = 2
    PARAMETERS = 3
    ACTIVATIONS = 4


def word_members():
    """Members of a word and its place."""
    return {"valid": In(1), "section": In(Section), "item": In(24), "part": In(8), "word": In(WORD_BITS)}


class ImageWords(wiring.Component):
    """Gathers words of items that are wider than one, and stores an item with its last word.

    Parameters
    ----------
    columns, lanes : int
        Columns of rows of tiles; 0: no such rows are stored.

    Members
    -------
    valid : ``In(1)``
        A word.
    section : ``In(Section)``
        Where it goes.
    item : ``In(24)``
        Which of its items: descriptor, load, row of tiles, ``slot * lanes + lane``, address of four bytes.
    part : ``In(8)``
        Which word of the item.
    word : ``In(32)``
        The word.
    store : ``Out(Section)``
        With ``stores``: where the item goes.
    stores : ``Out(1)``
        An item is complete.
    number : ``Out(24)``
        Its number.
    data : ``Out(8 * columns)``
        The item, at least 96 bits.
    program_word : ``Out(16)``
        Number of a word of the program: each word of a descriptor is stored for itself.
    """

    def __init__(self, *, columns, lanes):
        self.columns, self.lanes = columns, lanes
        super().__init__({
            **word_members(), "store": Out(Section), "stores": Out(1), "number": Out(24),
            "data": Out(max(8 * columns, 96)), "program_word": Out(16),
        })

    def elaborate(self, platform):
        m = Module()
        gathered = Signal(len(self.data))
        words = {Section.TILES: max(1, self.columns // 4), Section.PARAMETERS: 3}
        is_last = Signal()
        # A product with a constant, for which synthesizers take a multiplier without registers.
        shifts = [bit for bit in range(FETCH_CYCLES.bit_length()) if FETCH_CYCLES >> bit & 1]
        m.d.comb += is_last.eq(1)
        with m.Switch(self.section):
            for section, count in words.items():
                with m.Case(section):
                    m.d.comb += is_last.eq(self.part == count - 1)
        m.d.sync += [self.stores.eq(self.valid & is_last), self.store.eq(self.section), self.number.eq(self.item),
                     self.program_word.eq(sum(self.item << bit for bit in shifts) + self.part)]
        with m.If(self.valid):
            for index in range(len(gathered) // WORD_BITS):
                with m.If(self.part == index):
                    m.d.sync += gathered.word_select(index, WORD_BITS).eq(self.word)
            with m.If((self.section != Section.TILES) & (self.section != Section.PARAMETERS)):
                m.d.sync += gathered[:WORD_BITS].eq(self.word)
        m.d.comb += self.data.eq(gathered)
        return m
