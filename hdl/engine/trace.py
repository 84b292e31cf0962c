"""Trace: when descriptors ran, and what was counted meanwhile."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from ..fabric.memory import BlockRam

WORD_BITS = 32
# Words of an entry, of which some are not used; and what the others are, in order.
ENTRY_WORDS = 8
WORDS = ("start", "end", "rows", "reads", "lanes")
COUNTED = WORDS[2:]


class Trace(wiring.Component):
    """An entry for each descriptor, or two that run together, that has ended: `WORDS`.

    Parameters
    ----------
    program_length : int
        Descriptors.

    Members
    -------
    clear : ``In(1)``
        A run begins.
    begins : ``In(1)``
        The first cycle of a descriptor.
    ends : ``In(1)``
        Its last.
    cycle : ``In(32)``
        Of the run.
    rows : ``In(1)``
        Like the next two, an event in a cycle of the descriptor: a row goes into the macro.
    reads : ``In(1)``
        The activation memory is read.
    lanes : ``In(1)``
        The lanes take something.
    address : ``In(range(program_length * ENTRY_WORDS))``
        Word to read while there is no run: entry by entry, in the order in which they ended.
    data : ``Out(32)``
        The word, two cycles later.
    """

    def __init__(self, *, program_length):
        self.program_length = program_length
        address = range(program_length * ENTRY_WORDS)
        super().__init__({
            "clear": In(1), "begins": In(1), "ends": In(1), "cycle": In(WORD_BITS), "rows": In(1), "reads": In(1),
            "lanes": In(1), "address": In(address), "data": Out(WORD_BITS),
        })

    def elaborate(self, platform):
        m = Module()
        memory = Platform.of(platform).instantiate(m, "entries", "trace_entries", BlockRam, width=WORD_BITS,
                                                   depth=self.program_length * ENTRY_WORDS)
        start, counts = Signal(WORD_BITS), [Signal(WORD_BITS, name=name) for name in COUNTED]
        for name, count in zip(COUNTED, counts):
            event = getattr(self, name)
            with m.If(self.begins):
                m.d.sync += count.eq(event)
            with m.Elif(event):
                m.d.sync += count.eq(count + 1)
        with m.If(self.begins):
            m.d.sync += start.eq(self.cycle)
        # An entry is stored word by word before the next descriptor starts.
        entry, number = Signal(range(self.program_length)), Signal(range(ENTRY_WORDS))
        stored, left = Signal(len(WORDS) * WORD_BITS, reset_less=True), Signal(range(len(WORDS) + 1))
        m.d.comb += [
            memory.write.eq(left != 0), memory.write_address.eq(Cat(number, entry)),
            memory.write_data.eq(stored[:WORD_BITS]), memory.enable.eq(1), memory.address.eq(self.address),
            self.data.eq(memory.data),
        ]
        with m.If(self.clear):
            m.d.sync += [entry.eq(0), left.eq(0)]
        with m.Elif(self.ends):
            last = [count + getattr(self, name) for name, count in zip(COUNTED, counts)]
            m.d.sync += [stored.eq(Cat(start, (self.cycle + 1)[:WORD_BITS], *(each[:WORD_BITS] for each in last))),
                         left.eq(len(WORDS)), number.eq(0)]
        with m.Elif(left != 0):
            m.d.sync += [stored.eq(stored >> WORD_BITS), left.eq(left - 1), number.eq(number + 1)]
            with m.If(left == 1):
                m.d.sync += entry.eq(entry + 1)
        return m
