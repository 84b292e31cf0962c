"""List of loads: its entries in order, each as soon as the one before it has begun."""

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.image import LOAD_KEEPS, LOAD_ROWS
from ...fabric.emitter import Platform
from ...fabric.memory import BlockRam
from ..control.descriptor import WORD_BITS

LOAD = data.StructLayout({"first": LOAD_ROWS, "rows": LOAD_KEEPS - LOAD_ROWS, "keeps": 1})
# Cycles from an address of a `BlockRam` to its word.
READ = 2


class LoadList(wiring.Component):
    """Entries in block RAM, one a cycle at most, from three cycles after ``start`` on.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    write : ``In(1)``
        Store an entry.
    write_address : ``In(range(load_entries))``
        Its number.
    write_data : ``In(32)``
        The entry.
    count : ``In(range(load_entries + 1))``
        Entries.
    start : ``In(1)``
        For a cycle: begin with the first.
    begins : ``In(1)``
        For a cycle: go on to the next.
    entry : ``Out(LOAD)``
        The next.
    is_there : ``Out(1)``
        There is one, and the rows that it names can be.
    is_wrong : ``Out(1)``
        There is one of rows that cannot be.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "write": In(1), "write_address": In(range(config.load_entries)), "write_data": In(WORD_BITS),
            "count": In(range(config.load_entries + 1)), "start": In(1), "begins": In(1), "entry": Out(LOAD),
            "is_there": Out(1), "is_wrong": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        # Whether there can be its rows is found when an entry is stored, and is stored with it.
        entries = Platform.of(platform).instantiate(m, "entries", "entries", BlockRam, width=WORD_BITS + 1,
                                                    depth=config.load_entries)
        address, left = Signal(range(config.load_entries)), Signal(range(config.load_entries + 1))
        has_next = Signal()
        prime, given, is_right = Signal(READ), data.View(LOAD, self.write_data), Signal()
        m.d.comb += [
            is_right.eq((given.rows != 0) & (given.rows <= config.macro.rows) &
                        (given.first + given.rows <= config.most_tile_rows)),
            entries.write.eq(self.write), entries.write_address.eq(self.write_address),
            entries.write_data.eq(Cat(self.write_data, is_right)), entries.address.eq(address),
            entries.enable.eq(prime.any() | self.begins),
            Value.cast(self.entry).eq(entries.data), self.is_there.eq(has_next & ~prime.any() & entries.data[-1]),
            self.is_wrong.eq(has_next & ~prime.any() & ~entries.data[-1]),
        ]
        m.d.sync += prime.eq(Cat(self.start, prime))
        with m.If(self.start):
            m.d.sync += [address.eq(0), left.eq(self.count), has_next.eq(self.count != 0)]
        with m.Elif(entries.enable):
            m.d.sync += address.eq(address + 1)
            with m.If(self.begins):
                m.d.sync += [left.eq(left - 1), has_next.eq(left != 1)]
        return m
