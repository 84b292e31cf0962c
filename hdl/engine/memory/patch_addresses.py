"""Patch addresses: the reads that gather the vectors of a convolution, one a cycle."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..control.delays import minimum
from ..control.descriptor import ADDRESS_BITS, record_layout

# Of a place within a row of the source, in bytes or pixels, and of a row: those that fields can name at most.
PLACE_BITS, LINE_BITS = 42, 26


def read_layout(rows, lanes):
    """A read of a part of a vector.

    ``first``, ``end``: which of the bytes are within the source; ``offset``: place of the first byte in the vector;
    ``count``: bytes; ``begins``, ``ends``: it is the vector's first or last; ``ends_tile``: the vector is the last of
    its tile.
    """
    return data.StructLayout({
        "first": range(lanes + 1), "end": range(lanes + 1), "offset": range(rows),
        "count": range(lanes + 1), "begins": 1, "ends": 1, "ends_tile": 1})


class PatchAddresses(wiring.Component):
    """Walks over channels, strips, parts, windows, rows and runs of bytes; gives a read in each cycle with ``goes``.

    Latency: ``address`` comes a cycle after ``goes``, ``read`` two; ``ends`` at once.

    Parameters
    ----------
    rows : int
        Bytes of a vector, at most.
    lanes : int
        Bytes of a read.

    Members
    -------
    record : ``In(record_layout)``
        The descriptor, a CONV.
    begin : ``In(1)``
        For a cycle, at least two before the first read: ``record`` is new.
    goes : ``In(1)``
        A read; only while ``active``.
    active : ``Out(1)``
        There are reads left.
    ends : ``Out(1)``
        The read would be the last of its vector.
    address : ``Out(ADDRESS_BITS)``
        Of the first byte that is read.
    place : ``Out(range(lanes))``
        Its place in the vector, modulo ``lanes``.
    valid : ``Out(1)``
        A read.
    read : ``Out(read_layout)``
        What is read.
    """

    def __init__(self, *, rows, lanes):
        self.rows, self.lanes = rows, lanes
        super().__init__({
            "record": In(record_layout()), "begin": In(1), "goes": In(1), "active": Out(1), "ends": Out(1),
            "address": Out(ADDRESS_BITS), "place": Out(range(lanes)), "valid": Out(1),
            "read": Out(read_layout(rows, lanes)),
        })

    def elaborate(self, platform):
        m = Module()
        fields, products = self.record.fields, self.record.products
        # Where pixels follow one another, a run is a row of the window, and places in it are counted in bytes; else it
        # is a pixel, and they are counted in pixels.
        self._is_dense = products.is_dense
        self._run = Mux(self._is_dense, products.pixel_bytes, fields.depth)
        self._runs = Mux(self._is_dense, 1, fields.wide)
        ends_tile, is_last_part, length = self._walk_bytes(m)
        self._walk_windows(m, ends_tile, is_last_part)
        self._give(m, length)
        return m

    def _walk_bytes(self, m):
        """Within a window: rows, runs of bytes, reads. All distances are from the window's first byte."""
        fields, products = self.record.fields, self.record.products
        place = data.StructLayout({
            # Of the next byte, of its run, and of its row; its place in the row, and its row.
            "at": ADDRESS_BITS, "run_at": ADDRESS_BITS, "row_at": ADDRESS_BITS, "place": PLACE_BITS, "line": LINE_BITS,
            # Bytes that are left of the run, and runs of the row.
            "run_left": 18, "runs_left": 16})
        self._place = now = Signal(place, reset_less=True, name="place")
        first, following, start = Signal(place), Signal(place), Signal(place, reset_less=True, name="part_place")
        bytes_left, self._offset = Signal(range(self.rows + 1)), Signal(range(self.rows + 1))
        rows_left = Signal(32, reset_less=True)
        self._part_bytes = Signal(range(self.rows + 1))
        length = Signal(range(self.lanes + 1))
        m.d.comb += [
            length.eq(minimum(m, "length", 32, now.run_left, bytes_left, self.lanes)),
            self.ends.eq(bytes_left == length),
            first.run_left.eq(self._run), first.runs_left.eq(self._runs),
            following.eq(now),
            following.at.eq(now.at + length),
            following.run_left.eq(now.run_left - length),
        ]
        with m.If(self._is_dense):
            m.d.comb += following.place.eq(now.place + length)
        with m.If(now.run_left == length):
            m.d.comb += following.run_left.eq(self._run)
            with m.If(now.runs_left == 1):
                row = (now.row_at + fields.source_pitch)[:ADDRESS_BITS]
                m.d.comb += [following.at.eq(row), following.run_at.eq(row), following.row_at.eq(row),
                             following.place.eq(0), following.line.eq(now.line + 1),
                             following.runs_left.eq(self._runs)]
            with m.Else():
                pixel = (now.run_at + fields.source_pixel)[:ADDRESS_BITS]
                m.d.comb += [following.at.eq(pixel), following.run_at.eq(pixel), following.place.eq(now.place + 1),
                             following.runs_left.eq(now.runs_left - 1)]
        is_last_part, ends_tile = Signal(), Signal()
        self._is_last_window = Signal()
        m.d.comb += [
            is_last_part.eq(rows_left <= fields.part_rows),
            ends_tile.eq(self.ends & self._is_last_window),
        ]
        part_bytes = Signal.like(rows_left)
        m.d.comb += part_bytes.eq(Mux(is_last_part, products.rows, rows_left - fields.part_rows))
        least = minimum(m, "part_bytes", 32, part_bytes, fields.part_rows)
        this_part = Signal.like(bytes_left, reset_less=True)
        with m.If(self.begin):
            whole = minimum(m, "first_bytes", 32, products.rows, fields.part_rows)
            m.d.sync += [now.eq(first), start.eq(first), rows_left.eq(products.rows), bytes_left.eq(whole),
                         this_part.eq(whole), self._offset.eq(0)]
        with m.Elif(self.goes):
            m.d.sync += [now.eq(following), bytes_left.eq(bytes_left - length), self._offset.eq(self._offset + length)]
            with m.If(self.ends):
                m.d.sync += [now.eq(start), bytes_left.eq(this_part), self._offset.eq(0)]
            with m.If(ends_tile):
                m.d.sync += [now.eq(Mux(is_last_part, first, following)),
                             start.eq(Mux(is_last_part, first, following)),
                             rows_left.eq(part_bytes), bytes_left.eq(least), this_part.eq(least)]
        return ends_tile, is_last_part, length

    def _walk_windows(self, m, ends_tile, is_last_part):
        """Windows: each part of a strip sees all of the strip's, each range of channels all."""
        fields, products = self.record.fields, self.record.products
        window = data.StructLayout({
            # Of its first byte, and of that of the first window of the row; place in the row, and row of the source.
            "at": ADDRESS_BITS, "row_at": ADDRESS_BITS, "place": signed(PLACE_BITS), "line": signed(LINE_BITS),
            # Of the target what is left, this window's included.
            "columns": 16, "lines": 16})
        origin, chosen, following = Signal(window), Signal(window), Signal(window)
        strip, ahead = (Signal(window, name=name, reset_less=True) for name in ("strip_window", "window_ahead"))
        self._window, is_last = Signal(window, name="window", reset_less=True), Signal(name="is_last_of_target")
        strip_left, channels_left = Signal(16, reset_less=True), Signal(16, reset_less=True)
        new_strip, new_channels = Signal(), Signal()
        step_u = Mux(self._is_dense, products.step_x_bytes, fields.step_x)
        left = Signal(signed(PLACE_BITS))
        m.d.comb += [
            left.eq(Mux(self._is_dense, products.left, fields.left)),
            origin.at.eq(products.first), origin.row_at.eq(products.first), origin.place.eq(left),
            origin.line.eq(fields.top), origin.columns.eq(fields.target_width), origin.lines.eq(fields.target_height),
            self._is_last_window.eq((strip_left == 1) | is_last),
            new_channels.eq(is_last_part & is_last),
            new_strip.eq(ends_tile & is_last_part),
            chosen.eq(ahead),
        ]
        with m.If(self.begin | (ends_tile & new_channels)):
            m.d.comb += chosen.eq(origin)
        with m.Elif(ends_tile & ~is_last_part):
            m.d.comb += chosen.eq(strip)
        row_ends = Signal()
        row = (chosen.row_at + products.step_y_bytes)[:ADDRESS_BITS]
        m.d.comb += [
            row_ends.eq(chosen.columns <= fields.block_width),
            following.row_at.eq(Mux(row_ends, row, chosen.row_at)),
            following.at.eq(Mux(row_ends, row, chosen.at + products.step_x_bytes)),
            following.place.eq(Mux(row_ends, left, chosen.place + step_u)),
            following.line.eq(Mux(row_ends, chosen.line + fields.step_y, chosen.line)),
            following.columns.eq(Mux(row_ends, fields.target_width, chosen.columns - fields.block_width)),
            following.lines.eq(Mux(row_ends, chosen.lines - fields.block_height, chosen.lines)),
        ]
        with m.If(self.begin | (self.goes & self.ends)):
            m.d.sync += [self._window.eq(chosen), ahead.eq(following), strip_left.eq(strip_left - 1),
                         is_last.eq(row_ends & (chosen.lines <= fields.block_height))]
        with m.If(self.begin | (self.goes & ends_tile)):
            m.d.sync += strip_left.eq(fields.strip)
        with m.If(self.begin | (self.goes & new_strip)):
            m.d.sync += strip.eq(chosen)
        with m.If(self.begin):
            m.d.sync += [channels_left.eq(fields.channels), self.active.eq(1)]
        with m.Elif(self.goes & new_strip & is_last):
            m.d.sync += channels_left.eq(channels_left - fields.outputs)
            with m.If(channels_left <= fields.outputs):
                m.d.sync += self.active.eq(0)

    def _give(self, m, length):
        """The read, and which bytes of it are within the source."""
        fields, products, now, window = self.record.fields, self.record.products, self._place, self._window
        valid = Signal()
        place, line = Signal(signed(PLACE_BITS), reset_less=True), Signal(signed(LINE_BITS), reset_less=True)
        early = Signal(read_layout(self.rows, self.lanes), reset_less=True)
        m.d.sync += [
            valid.eq(self.goes), self.address.eq(window.at + now.at), early.offset.eq(self._offset),
            early.count.eq(length), early.begins.eq(self._offset == 0), early.ends.eq(self.ends),
            early.ends_tile.eq(self.ends & self._is_last_window),
            place.eq(window.place + now.place), line.eq(window.line + now.line),
        ]
        # In bytes or pixels from the first byte to the first and the last of the row.
        limit = Signal(signed(PLACE_BITS))
        before, behind = Signal(signed(PLACE_BITS)), Signal(signed(PLACE_BITS))
        is_inside = (line >= 0) & (line < fields.source_height)
        m.d.comb += [self.place.eq(early.offset),
                     limit.eq(Mux(self._is_dense, products.row_bytes, fields.source_width)),
                     before.eq(-place), behind.eq(limit - place)]
        m.d.sync += [self.valid.eq(valid), self.read.eq(early), self.read.first.eq(0)]
        most = Mux(self._is_dense, behind, Mux(behind > 0, self.lanes, 0))
        with m.If(before > 0):
            least = Mux(self._is_dense & (before < self.lanes), before, self.lanes)
            m.d.sync += self.read.first.eq(least)
        m.d.sync += self.read.end.eq(Mux(~is_inside | (most < 0), 0, Mux(most > self.lanes, self.lanes, most)))
