"""Trace: when descriptors ran, and what was counted meanwhile."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...golden.engine.latencies import START_CYCLES
from ..fabric.emitter import Platform
from ..fabric.memory import BlockRam
from ..fabric.mux import choose
from .control.delays import delayed

# Of a word; and cycles from an address to it.
WORD_BITS, READ = 32, 2
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
    count : ``Out(range(program_length + 1))``
        Entries that are complete.
    address : ``In(range(program_length * ENTRY_WORDS))``
        Word to read while there is no run: entry by entry, in the order in which they ended.
    data : ``Out(32)``
        The word, `READ` cycles later.
    """

    def __init__(self, *, program_length):
        self.program_length = program_length
        address = range(program_length * ENTRY_WORDS)
        super().__init__({
            "clear": In(1), "begins": In(1), "ends": In(1), "cycle": In(WORD_BITS), "rows": In(1), "reads": In(1),
            "lanes": In(1), "count": Out(range(program_length + 1)), "address": In(address), "data": Out(WORD_BITS),
        })

    def elaborate(self, platform):
        m = Module()
        # An entry is stored before the next descriptor begins.
        assert len(WORDS) <= START_CYCLES
        memory = Platform.of(platform).instantiate(m, "entries", "trace_entries", BlockRam, width=WORD_BITS,
                                                   depth=self.program_length * ENTRY_WORDS)
        start, end, counts = Signal(WORD_BITS), Signal(WORD_BITS), [Signal(WORD_BITS, name=name) for name in COUNTED]
        # What was counted stays while an entry is stored, which ends before the next descriptor starts.
        number, stores = Signal(range(ENTRY_WORDS)), Signal()
        # All that happens is seen a cycle later.
        begins, ends, *events = (delayed(m, name, getattr(self, name), 1, reset=True)
                                 for name in ("begins", "ends", *COUNTED))
        cycle = delayed(m, "cycle", self.cycle, 1)
        for event, count in zip(events, counts):
            with m.If(begins):
                m.d.sync += count.eq(event)
            with m.Elif(event & ~stores):
                m.d.sync += count.eq(count + 1)
        with m.If(begins):
            m.d.sync += start.eq(cycle)
        with m.If(number == 0):
            m.d.sync += end.eq(cycle)
        m.d.comb += [
            memory.write.eq(stores), memory.write_address.eq(Cat(number, self.count)),
            memory.write_data.eq(choose([start, end, *counts], number)), memory.enable.eq(1),
            memory.address.eq(self.address), self.data.eq(memory.data),
        ]
        with m.If(self.clear):
            m.d.sync += [self.count.eq(0), stores.eq(0), number.eq(0)]
        with m.Elif(ends):
            m.d.sync += stores.eq(1)
        with m.Elif(stores):
            m.d.sync += number.eq(number + 1)
            with m.If(number == len(WORDS) - 1):
                m.d.sync += [self.count.eq(self.count + 1), stores.eq(0), number.eq(0)]
        return m
