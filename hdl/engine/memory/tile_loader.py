"""Tile loader: tiles into the banks of the macro, in the order of the list of loads."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.image import LOAD_KEEPS, LOAD_ROWS
from ....golden.engine.latencies import LOAD_LATENCY
from ...fabric.emitter import Platform
from ...fabric.memory import BlockRam
from ...macro.ports import write_layout
from ..control.descriptor import WORD_BITS
from .tile_memory import READ, TileMemory

LOAD = data.StructLayout({"first": LOAD_ROWS, "rows": LOAD_KEEPS - LOAD_ROWS, "keeps": 1})


class TileLoader(wiring.Component):
    """Offers the rows of tiles, whatever runs, one in each cycle once the bank of its tile is free.

    The memory's output waits with a row until that is accepted. While taps are read no row is offered, and for as long
    after them as it takes to read the rows again that were on their way.

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
    write_row : ``In(1)``
        Store a row of the tile memory.
    row_address : ``In(range(tile_rows))``
        Its number.
    row : ``In(8 * columns)``
        Its weights.
    count : ``In(range(load_entries + 1))``
        Entries.
    start : ``In(1)``
        For a cycle: begin with the first load.
    runs : ``In(1)``
        Loads may begin.
    tap_reads : ``In(1)``
        A row of taps is read, and no row of a tile.
    tap_row : ``In(16)``
        Which.
    taps : ``Out(8 * columns)``
        It, two cycles later.
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
        There is no tile of the next vector, and will be none: the loads are over, or the next is none of the tile
        memory.
    busy : ``Out(1)``
        A row is offered, or about to be.
    """

    def __init__(self, *, config):
        self.config = config
        macro = config.macro
        super().__init__({
            "write_entry": In(1), "entry_address": In(range(config.load_entries)), "entry": In(WORD_BITS),
            "write_row": In(1), "row_address": In(range(config.tile_rows)), "row": In(8 * macro.columns),
            "count": In(range(config.load_entries + 1)), "start": In(1), "runs": In(1),
            "tap_reads": In(1), "tap_row": In(16), "taps": Out(8 * macro.columns),
            "write": Out(stream.Signature(write_layout(macro))), "released": In(1), "has_tile": Out(1),
            "bank": Out(range(macro.banks)), "used": Out(range(config.load_entries + 1)), "lacks": Out(1),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        # A row that is read waits at the output of the memory, and is offered as soon as it is there.
        assert LOAD_LATENCY == READ + 1
        begins, ends, offers = Signal(), Signal(), Signal()
        entry, has_entry, is_wrong = self._read_entries(m, platform, begins)
        banks = self.config.macro.banks
        # Tiles that are written or being written, and those of them that were written; the bank of the next.
        in_use, written = Signal(range(banks + 1)), Signal(range(banks + 1))
        bank = Signal(range(banks))
        left, waits = Signal(LOAD_KEEPS - LOAD_ROWS), Signal(LOAD_LATENCY - 1)
        row_number = Signal(range(self.config.macro.rows))
        accepted = self.write.valid & self.write.ready
        self._read_rows(m, platform, entry, begins, offers, accepted)
        is_idle = ~waits.any() & ~offers
        m.d.comb += [
            begins.eq(self.runs & is_idle & has_entry & (in_use < banks)),
            ends.eq((begins & entry.keeps) | (accepted & (left == 1))),
            self.write.payload.bank.eq(bank), self.write.payload.row.eq(row_number), self.has_tile.eq(written != 0),
            self.busy.eq(~is_idle), self.lacks.eq((in_use == 0) & ((self.used == self.count) | is_wrong)),
        ]
        m.d.sync += [
            waits.eq(Cat(begins & ~entry.keeps, waits)), offers.eq((offers & ~ends) | waits[-1]),
            in_use.eq(in_use + begins - self.released), written.eq(written + ends - self.released),
        ]
        with m.If(begins):
            m.d.sync += [left.eq(entry.rows), row_number.eq(0)]
        with m.Elif(accepted):
            m.d.sync += [left.eq(left - 1), row_number.eq(row_number + 1)]
        with m.If(ends):
            m.d.sync += bank.eq(Mux(bank == banks - 1, 0, bank + 1))
        with m.If(self.released):
            m.d.sync += self.bank.eq(Mux(self.bank == banks - 1, 0, self.bank + 1))
        m.d.sync += self.used.eq(self.used + self.released)
        with m.If(self.start):
            m.d.sync += [in_use.eq(0), written.eq(0), bank.eq(0), self.bank.eq(0), waits.eq(0), offers.eq(0),
                         self.used.eq(0)]
        return m

    def _read_entries(self, m, platform, begins):
        """The next load, whether there is one, and whether there is one that the tile memory does not have."""
        config = self.config
        # Whether the tile memory has its rows is found when it is stored, and is stored with it.
        entries = platform.instantiate(m, "entries", "entries", BlockRam, width=WORD_BITS + 1,
                                       depth=config.load_entries)
        address, left = Signal(range(config.load_entries)), Signal(range(config.load_entries + 1))
        prime, given = Signal(READ), data.View(LOAD, self.entry)
        is_right = ((given.rows != 0) & (given.rows <= config.macro.rows) &
                    (given.first + given.rows <= config.tile_rows))
        m.d.comb += [
            entries.write.eq(self.write_entry), entries.write_address.eq(self.entry_address),
            entries.write_data.eq(Cat(self.entry, is_right)), entries.address.eq(address),
            entries.enable.eq(prime.any() | begins),
        ]
        m.d.sync += prime.eq(Cat(self.start, prime))
        with m.If(self.start):
            m.d.sync += [address.eq(0), left.eq(self.count)]
        with m.Elif(entries.enable):
            m.d.sync += [address.eq(address + 1), left.eq(left - begins)]
        shown, is_right = (left != 0) & ~prime.any(), entries.data[-1]
        return data.View(LOAD, entries.data[:WORD_BITS]), shown & is_right, shown & ~is_right

    def _read_rows(self, m, platform, entry, begins, offers, accepted):
        """Rows of a tile, and of taps."""
        config = self.config
        tiles = platform.instantiate(m, "tiles", "tiles", TileMemory, width=8 * config.macro.columns,
                                     depth=config.tile_rows)
        # The row that is offered, or will be when it was read; the next that is read.
        row, ahead = Signal(range(config.tile_rows)), Signal(range(config.tile_rows), name="row_ahead")
        # Rows of taps were read, so that none of a tile is on its way.
        after = Signal(READ, name="after_taps")
        is_held = self.tap_reads | after.any()
        m.d.comb += [
            tiles.write.eq(self.write_row), tiles.write_address.eq(self.row_address), tiles.write_data.eq(self.row),
            tiles.address.eq(Mux(self.tap_reads, self.tap_row, ahead)), tiles.enable.eq(~offers | is_held | accepted),
            self.taps.eq(tiles.data), Value.cast(self.write.payload.weights).eq(tiles.data),
            self.write.valid.eq(offers & ~is_held),
        ]
        m.d.sync += after.eq(Cat(self.tap_reads, after))
        with m.If(begins):
            m.d.sync += [row.eq(entry.first), ahead.eq(entry.first)]
        with m.Else():
            m.d.sync += row.eq(row + accepted)
            with m.If(self.tap_reads):
                m.d.sync += ahead.eq(row)
            with m.Elif(tiles.enable):
                m.d.sync += ahead.eq(ahead + 1)
