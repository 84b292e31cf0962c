"""Tile rows: rows of tiles and of taps that are all in the tile memory."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.image import LOAD_ROWS
from ...fabric.emitter import Platform
from .tile_memory import READ, TileMemory


def row_members(config):
    """Members by which rows of tiles and of taps are taken, wherever they come from."""
    return {
        "offers": In(1), "valid": Out(1), "row": Out(8 * config.columns), "take": In(1),
        "tap_reads": In(1), "tap_row": In(LOAD_ROWS), "tap_ready": Out(1), "tap_arrives": Out(1),
        "taps": Out(8 * config.columns), "tap_beyond": Out(1),
    }


class TileRows(wiring.Component):
    """Reads a row ahead of the one that is offered, and taps in between.

    The memory's output waits with a row until that is accepted. While taps are read no row is there, and for as long
    after them as it takes to read the rows again that were on their way.

    Latency: `READ` cycles from ``begins``, and from a row of taps, to the row.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    write : ``In(1)``
        Store a row.
    write_address : ``In(range(tile_rows))``
        Its number.
    write_data : ``In(8 * columns)``
        Its weights.
    begins : ``In(1)``
        For a cycle: go on with the rows of another load.
    first : ``In(range(tile_rows))``
        The first of them.
    offers : ``In(1)``
        A row of a tile is wanted.
    valid : ``Out(1)``
        It is there.
    row : ``Out(8 * columns)``
        The row.
    take : ``In(1)``
        It is accepted.
    tap_reads : ``In(1)``
        A row of taps is wanted.
    tap_row : ``In(16)``
        Which.
    tap_ready : ``Out(1)``
        It is read: always.
    tap_arrives : ``Out(1)``
        A row of taps is there, in the order in which they were wanted.
    taps : ``Out(8 * columns)``
        That row.
    tap_beyond : ``Out(1)``
        The row of taps that is wanted is beyond the memory.
    """

    def __init__(self, *, config):
        self.config = config
        rows = range(config.tile_rows)
        super().__init__({"write": In(1), "write_address": In(rows), "write_data": In(8 * config.columns),
                          "begins": In(1), "first": In(rows), **row_members(config)})

    def elaborate(self, platform):
        m = Module()
        tiles = Platform.of(platform).instantiate(m, "tiles", "tiles", TileMemory, width=len(self.row),
                                                  depth=self.config.tile_rows)
        # The row that is offered, or will be when it was read; the next that is read.
        row, ahead = Signal(range(self.config.tile_rows)), Signal(range(self.config.tile_rows), name="row_ahead")
        # Rows of taps were read, so that none of a tile is on its way.
        after = Signal(READ, name="after_taps")
        is_held = self.tap_reads | after.any()
        m.d.comb += [
            tiles.write.eq(self.write), tiles.write_address.eq(self.write_address),
            tiles.write_data.eq(self.write_data), tiles.address.eq(Mux(self.tap_reads, self.tap_row, ahead)),
            tiles.enable.eq(~self.offers | is_held | self.take), self.taps.eq(tiles.data), self.row.eq(tiles.data),
            self.valid.eq(~is_held), self.tap_ready.eq(1), self.tap_arrives.eq(after[-1]),
            self.tap_beyond.eq(self.tap_reads & (self.tap_row >= self.config.tile_rows)),
        ]
        m.d.sync += after.eq(Cat(self.tap_reads, after))
        with m.If(self.begins):
            m.d.sync += [row.eq(self.first), ahead.eq(self.first)]
        with m.Else():
            m.d.sync += row.eq(row + self.take)
            with m.If(self.tap_reads):
                m.d.sync += ahead.eq(row)
            with m.Elif(tiles.enable):
                m.d.sync += ahead.eq(ahead + 1)
        return m
