"""Row buffer: the tile memory as a queue of rows that have come from outside."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...fabric.emitter import Platform
from .tile_memory import READ, TileMemory


class RowBuffer(wiring.Component):
    """Rows in the order in which they were stored; who stores them sees that there is room.

    Latency: from a row that is stored until it is there `READ` + 1 cycles, if none waits.

    Parameters
    ----------
    width, depth : int
        Bits of a row, and rows.

    Members
    -------
    clear : ``In(1)``
        For a cycle: there are no rows.
    write : ``In(1)``
        Store a row.
    write_data : ``In(width)``
        The row.
    valid : ``Out(1)``
        A row is there.
    row : ``Out(width)``
        The row.
    take : ``In(1)``
        It is accepted.
    is_empty : ``Out(1)``
        No row is there, or on its way.
    """

    def __init__(self, *, width, depth):
        self.width, self.depth = width, depth
        super().__init__({"clear": In(1), "write": In(1), "write_data": In(width), "valid": Out(1), "row": Out(width),
                          "take": In(1), "is_empty": Out(1)})

    def elaborate(self, platform):
        m = Module()
        tiles = Platform.of(platform).instantiate(m, "tiles", "tiles", TileMemory, width=self.width, depth=self.depth)
        write_at, read_at = Signal(range(self.depth)), Signal(range(self.depth))
        # Rows that are not read yet; which stages of reading have a row.
        left, stages = Signal(range(self.depth + 1)), Signal(READ)
        reads = Signal()
        m.d.comb += [
            tiles.write.eq(self.write), tiles.write_address.eq(write_at), tiles.write_data.eq(self.write_data),
            tiles.address.eq(read_at), tiles.enable.eq(~stages[-1] | self.take), self.row.eq(tiles.data),
            reads.eq(tiles.enable & (left != 0)), self.valid.eq(stages[-1]),
            self.is_empty.eq((left == 0) & ~stages.any()),
        ]
        with m.If(self.clear):
            m.d.sync += [write_at.eq(0), read_at.eq(0), left.eq(0), stages.eq(0)]
        with m.Else():
            m.d.sync += left.eq(left + self.write - reads)
            for strobe, at in ((self.write, write_at), (reads, read_at)):
                with m.If(strobe):
                    m.d.sync += at.eq(Mux(at == self.depth - 1, 0, at + 1))
            with m.If(tiles.enable):
                m.d.sync += stages.eq(Cat(reads, stages))
        return m
