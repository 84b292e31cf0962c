"""Tile loader: tiles into the banks of the macro, in the order of the list of loads."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.image import LOAD_KEEPS, LOAD_ROWS
from ....golden.engine.latencies import LOAD_LATENCY
from ...fabric.emitter import Platform
from ...macro.ports import write_layout
from ..control.descriptor import WORD_BITS
from .load_list import LoadList
from .tile_memory import READ


class TileLoader(wiring.Component):
    """Offers the rows of tiles, whatever runs, one in each cycle, once the bank of its tile is free and it is there.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    write_entry : ``In(1)``
        Store an entry of the list of loads.
    entry_address : ``In(range(load_entries))``
        Its number.
    entry : ``In(32)``
        The entry.
    count : ``In(range(load_entries + 1))``
        Entries.
    start : ``In(1)``
        For a cycle: begin with the first load.
    runs : ``In(1)``
        Loads may begin.
    begins : ``Out(1)``
        For a cycle: a load does.
    first : ``Out(16)``
        Its first row.
    offers : ``Out(1)``
        A row is wanted.
    valid : ``In(1)``
        It is there.
    row : ``In(8 * columns)``
        The row.
    take : ``Out(1)``
        It is accepted.
    write : ``Out(stream)``
        Of the macro.
    released : ``In(1)``
        All vectors of a tile were accepted.
    has_tile : ``Out(1)``
        The tile of the next vector was written.
    bank : ``Out(range(banks))``
        Where that is.
    used : ``Out(range(load_entries + 1))``
        Loads of which all vectors were accepted.
    lacks : ``Out(1)``
        There is no tile of the next vector, and will be none: the loads are over, or the rows of the next cannot be.
    busy : ``Out(1)``
        A row is offered, or about to be.
    """

    def __init__(self, *, config):
        self.config = config
        macro = config.macro
        super().__init__({
            "write_entry": In(1), "entry_address": In(range(config.load_entries)), "entry": In(WORD_BITS),
            "count": In(range(config.load_entries + 1)), "start": In(1), "runs": In(1), "begins": Out(1),
            "first": Out(LOAD_ROWS), "offers": Out(1), "valid": In(1), "row": In(8 * macro.columns), "take": Out(1),
            "write": Out(stream.Signature(write_layout(macro))), "released": In(1), "has_tile": Out(1),
            "bank": Out(range(macro.banks)), "used": Out(range(config.load_entries + 1)), "lacks": Out(1),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        # A row that is read waits at the output of its memory, and is offered as soon as it is there.
        assert LOAD_LATENCY == READ + 1
        loads = Platform.of(platform).instantiate(m, "loads", "load_list", LoadList, config=self.config)
        entry, banks = loads.entry, self.config.macro.banks
        # Tiles that are written or being written, and those of them that were written; the bank of the next.
        in_use, written = Signal(range(banks + 1)), Signal(range(banks + 1))
        bank, ends = Signal(range(banks)), Signal()
        left, waits = Signal(LOAD_KEEPS - LOAD_ROWS), Signal(LOAD_LATENCY - 1)
        row_number = Signal(range(self.config.macro.rows))
        m.d.comb += [
            loads.write.eq(self.write_entry), loads.write_address.eq(self.entry_address),
            loads.write_data.eq(self.entry), loads.count.eq(self.count), loads.start.eq(self.start),
            loads.begins.eq(self.begins), self.first.eq(entry.first),
            self.begins.eq(self.runs & ~self.busy & loads.is_there & (in_use < banks)),
            self.write.valid.eq(self.offers & self.valid), self.take.eq(self.write.valid & self.write.ready),
            ends.eq((self.begins & entry.keeps) | (self.take & (left == 1))),
            self.write.payload.bank.eq(bank), self.write.payload.row.eq(row_number),
            Value.cast(self.write.payload.weights).eq(self.row), self.has_tile.eq(written != 0),
            self.busy.eq(waits.any() | self.offers),
            self.lacks.eq((in_use == 0) & ((self.used == self.count) | loads.is_wrong)),
        ]
        m.d.sync += [
            waits.eq(Cat(self.begins & ~entry.keeps, waits)), self.offers.eq((self.offers & ~ends) | waits[-1]),
            in_use.eq(in_use + self.begins - self.released), written.eq(written + ends - self.released),
        ]
        with m.If(self.begins):
            m.d.sync += [left.eq(entry.rows), row_number.eq(0)]
        with m.Elif(self.take):
            m.d.sync += [left.eq(left - 1), row_number.eq(row_number + 1)]
        with m.If(ends):
            m.d.sync += bank.eq(Mux(bank == banks - 1, 0, bank + 1))
        with m.If(self.released):
            m.d.sync += self.bank.eq(Mux(self.bank == banks - 1, 0, self.bank + 1))
        m.d.sync += self.used.eq(self.used + self.released)
        with m.If(self.start):
            m.d.sync += [in_use.eq(0), written.eq(0), bank.eq(0), self.bank.eq(0), waits.eq(0), self.offers.eq(0),
                         self.used.eq(0)]
        return m
