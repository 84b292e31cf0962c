"""Tile loader: tiles into the banks of the macro, in the order of the list of loads."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.image import LOAD_KEEPS, LOAD_ROWS
from ....golden.engine.latencies import LOAD_LATENCY
from ...fabric.emitter import Platform
from ...fabric.memory import BlockRam, LutRam
from ...macro.ports import write_layout
from ..control.descriptor import WORD_BITS
from .tile_memory import READ, TileMemory

# Rows that were read and not accepted, and entries of the list that were read and not written; powers of two.
ROWS_AHEAD, ENTRIES_AHEAD = 8, 8

LOAD = data.StructLayout({"first": LOAD_ROWS, "rows": LOAD_KEEPS - LOAD_ROWS, "keeps": 1})


class TileLoader(wiring.Component):
    """Reads tiles ahead, whatever runs, and offers a row in each cycle once the bank of its tile is free.

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
    holds : ``In(1)``
        No row is offered.
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
            "holds": In(1), "tap_reads": In(1), "tap_row": In(16), "taps": Out(8 * macro.columns),
            "write": Out(stream.Signature(write_layout(macro))), "released": In(1), "has_tile": Out(1),
            "bank": Out(range(macro.banks)), "used": Out(range(config.load_entries + 1)), "lacks": Out(1),
            "busy": Out(1),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        row, row_valid, taken, entry, entry_valid, entry_taken = self._read(m, platform)
        banks = self.config.macro.banks
        # Tiles that are written or being written, and those of them that were written; the bank of the next.
        in_use, written = Signal(range(banks + 1)), Signal(range(banks + 1))
        bank = Signal(range(banks))
        left, waits, offers = Signal(LOAD_KEEPS - LOAD_ROWS), Signal(LOAD_LATENCY - 1), Signal()
        row_number = Signal(range(self.config.macro.rows))
        begins, ends = Signal(), Signal()
        accepted = self.write.valid & self.write.ready
        is_idle = ~waits.any() & ~offers
        m.d.comb += [
            begins.eq(self.runs & is_idle & entry_valid & (in_use < banks)),
            ends.eq((begins & entry.keeps) | (accepted & (left == 1))),
            entry_taken.eq(begins),
            self.write.valid.eq(offers & row_valid & ~self.holds),
            taken.eq(accepted),
            self.write.payload.bank.eq(bank),
            self.write.payload.row.eq(row_number),
            Value.cast(self.write.payload.weights).eq(row),
            self.has_tile.eq(written != 0),
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
        m.d.comb += [self.busy.eq(~is_idle),
                     self.lacks.eq((in_use == 0) & ((self.used == self.count) | (self._is_wrong & ~entry_valid)))]
        return m

    def _read(self, m, platform):
        """Entries and rows in queues: a row, whether there is one, whether it is taken, and the same of entries."""
        config = self.config
        entries = platform.instantiate(m, "entries", "entries", BlockRam, width=WORD_BITS, depth=config.load_entries)
        tiles = platform.instantiate(m, "tiles", "tiles", TileMemory, width=8 * config.macro.columns,
                                     depth=config.tile_rows)
        address, left = Signal(range(config.load_entries)), Signal(range(config.load_entries + 1))
        prime = Signal(READ)
        number = Signal(LOAD_KEEPS - LOAD_ROWS)
        load = data.View(LOAD, entries.data)
        issues, ends, is_first = Signal(), Signal(), number == 0
        # A load that the memory does not have ends the list.
        self._is_wrong = Signal(name="is_wrong")
        is_right = ((load.rows != 0) & (load.rows <= config.macro.rows) &
                    (load.first + load.rows <= config.tile_rows))
        has_rows, has_entries = Signal(), Signal()
        m.d.comb += [
            entries.write.eq(self.write_entry), entries.write_address.eq(self.entry_address),
            entries.write_data.eq(self.entry), entries.address.eq(address), entries.enable.eq(prime.any() | ends),
            tiles.write.eq(self.write_row), tiles.write_address.eq(self.row_address), tiles.write_data.eq(self.row),
            tiles.address.eq(Mux(self.tap_reads, self.tap_row, load.first + number)),
            self.taps.eq(tiles.data),
            issues.eq((left != 0) & ~self.tap_reads & ~prime.any() & has_entries & (load.keeps | has_rows) &
                      is_right),
            ends.eq(issues & (load.keeps | (number + 1 == load.rows))),
        ]
        m.d.sync += [prime.eq(Cat(self.start, prime)),
                     self._is_wrong.eq((left != 0) & ~prime.any() & ~is_right & ~self.start)]
        with m.If(self.start):
            m.d.sync += [address.eq(0), left.eq(self.count), number.eq(0)]
        with m.Else():
            with m.If(entries.enable):
                m.d.sync += address.eq(address + 1)
            with m.If(issues):
                m.d.sync += [number.eq(Mux(ends, 0, number + 1)), left.eq(left - ends)]
        arrives = Signal(READ)
        m.d.sync += arrives.eq(Mux(self.start, 0, Cat(issues & ~load.keeps, arrives)))
        row, row_valid, row_taken = self._queue(m, platform, "rows", ROWS_AHEAD, tiles.data, arrives[-1],
                                                issues & ~load.keeps, has_rows)
        entry, entry_valid, entry_taken = self._queue(m, platform, "loads", ENTRIES_AHEAD, entries.data,
                                                      issues & is_first, issues & is_first, has_entries)
        return row, row_valid, row_taken, data.View(LOAD, entry), entry_valid, entry_taken

    def _queue(self, m, platform, name, depth, word, arrives, reserves, has_room):
        """A queue in LUT-RAM: its first word, whether there is one, and a signal to take it."""
        cells = platform.instantiate(m, name, f"{name}_queue", LutRam, width=len(word), depth=depth)
        writing, reading = Signal(range(depth), name=f"{name}_writing"), Signal(range(depth), name=f"{name}_reading")
        held, reserved = (Signal(range(depth + 1), name=f"{name}_{each}") for each in ("held", "reserved"))
        taken = Signal(name=f"{name}_taken")
        m.d.comb += [cells.write.eq(arrives), cells.write_address.eq(writing), cells.write_data.eq(word),
                     cells.address.eq(reading), has_room.eq(reserved != depth)]
        m.d.sync += [writing.eq(writing + arrives), reading.eq(reading + taken), held.eq(held + arrives - taken),
                     reserved.eq(reserved + reserves - taken)]
        with m.If(self.start):
            m.d.sync += [writing.eq(0), reading.eq(0), held.eq(0), reserved.eq(0)]
        return cells.data, held != 0, taken
