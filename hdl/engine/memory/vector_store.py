"""Vector store: bytes that were read become vectors, which wait for the macro."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...fabric.emitter import Platform
from ...fabric.memory import LutRam
from ...fabric.mux import instantiate_rotation
from ..control.delays import delayed, exceeds
from .patch_addresses import read_layout


class VectorStore(wiring.Component):
    """A queue of vectors, each of which is written read by read, and taken from the queue as a whole.

    The first read of a vector, which has its first bytes, writes zeros to all places for which it has none, as the
    tile's bank may hold rows of another tile there. There is no check for room: who reads counts.

    Latency: ``bytes_after + 1`` cycles from ``valid`` to the vector.

    Parameters
    ----------
    rows : int
        Bytes of a vector.
    lanes : int
        Bytes of a read.
    depth : int
        Vectors.
    bytes_after : int
        Cycles from ``valid`` until ``data`` is valid.

    Members
    -------
    valid : ``In(1)``
        A read was begun.
    read : ``In(read_layout)``
        What is read.
    data : ``In(8 * lanes)``
        The bytes, so many cycles later, each at its place in the vector, modulo ``lanes``.
    fill : ``In(8)``
        The byte for what is outside the source.
    is_unsigned : ``In(1)``
        The highest bit of all bytes is inverted.
    o_valid : ``Out(1)``
        A vector is complete.
    x : ``Out(8 * rows)``
        The vector.
    ends_tile : ``Out(1)``
        It is the last of its tile.
    take : ``In(1)``
        It is taken.
    stop : ``In(1)``
        All are forgotten; for so long that no read is on its way any more.
    """

    def __init__(self, *, rows, lanes, depth, bytes_after):
        self.rows, self.lanes, self.depth, self.bytes_after = rows, lanes, depth, bytes_after
        super().__init__({
            "valid": In(1), "read": In(read_layout(rows, lanes)), "data": In(8 * lanes), "fill": In(8),
            "is_unsigned": In(1), "o_valid": Out(1), "x": Out(8 * rows), "ends_tile": Out(1), "take": In(1),
            "stop": In(1),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        read, lanes = self.read, self.lanes
        writing, reading = Signal(range(self.depth)), Signal(range(self.depth))
        complete = Signal(range(self.depth + 1))
        # A cycle for which bytes are within the source, one for their places.
        inside = Signal(lanes, reset_less=True)
        m.d.sync += inside.eq(Cat((index >= read.first) & (index < read.end) for index in range(lanes)))
        place = delayed(m, "place", read.offset[:(lanes - 1).bit_length()], 1)
        inside = delayed(m, "inside", instantiate_rotation(m, platform, "turned", inside, 1, place),
                         self.bytes_after - 1)
        valid = delayed(m, "valid", self.valid, self.bytes_after, reset=True)
        late = delayed(m, "late", read, self.bytes_after - 1)
        within = Signal(self.rows, reset_less=True)
        m.d.sync += within.eq(self._from(late.offset) & ~self._from(late.offset + late.count))
        late = delayed(m, "latest", late, 1)
        # The first read of a vector has the vector's first bytes, so that words behind them then are zero.
        words = [self._words(inside, counts)
                 for counts in (Cat(within, Const(0, lanes)), (~late.begins).replicate(lanes))]
        for row in range(self.rows):
            cells = platform.instantiate(m, f"row_{row}", "vector_row", LutRam, width=8, depth=self.depth)
            m.d.comb += [
                cells.write.eq(valid & (late.begins | within[row])), cells.write_address.eq(writing),
                cells.write_data.eq(words[row >= lanes][row % lanes]), cells.address.eq(reading),
                self.x[8 * row:8 * row + 8].eq(cells.data),
            ]
        ends = valid & late.ends
        flags = Signal(self.depth, reset_less=True)
        m.d.comb += [self.o_valid.eq(complete != 0), self.ends_tile.eq(flags.bit_select(reading, 1))]
        m.d.sync += complete.eq(complete + ends - self.take)
        with m.If(ends):
            m.d.sync += [flags.bit_select(writing, 1).eq(late.ends_tile), writing.eq(writing + 1)]
        with m.If(self.take):
            m.d.sync += reading.eq(reading + 1)
        with m.If(self.stop):
            m.d.sync += [complete.eq(0), writing.eq(0), reading.eq(0)]
        return m

    def _words(self, inside, counts):
        """Bytes of a read, or the fill byte; zero where a lane does not count. A LUT for each bit but the highest."""
        sign = self.is_unsigned << 7
        return [Mux(inside[lane], self.data[8 * lane:8 * lane + 8] ^ sign, self.fill ^ sign) &
                counts[lane].replicate(8) for lane in range(self.lanes)]

    def _from(self, place):
        """A bit for each place of a vector: those from this one on, of which the word and the lane are compared."""
        bits = (self.lanes - 1).bit_length()
        lane, word = place[:bits], place[bits:]
        lanes = [~exceeds(lane, index) for index in range(self.lanes)]
        # No word is before the first.
        return Cat((word == index // self.lanes) & lanes[index % self.lanes] |
                   ((word < index // self.lanes) if index >= self.lanes else 0) for index in range(self.rows))
