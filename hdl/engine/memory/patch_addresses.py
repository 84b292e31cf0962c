"""Patch addresses: the reads that gather the vectors of a convolution, one a cycle."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.checks import MOST_ROW_BYTES
from ...config.widths import ceil_log2
from ..control.delays import fits
from ..control.descriptor import ADDRESS_BITS, record_layout
from ..control.parts import Parts

# Of the bytes of a run, a row of a window if pixels follow one another, with one more: `MOST_ROW_BYTES`. No step and no
# distance to the left of the source is longer, in bytes or pixels.
RUN_BITS = MOST_ROW_BYTES.bit_length() + 1
# Of the number of a row of a source, and of that of a window, which stays when all rows are above it.
ROW_BITS, LINE_BITS = 16, 18


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
    size : int
        Of the activation memory, in bytes: no row of the source has more.

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

    def __init__(self, *, rows, lanes, size):
        self.rows, self.lanes, self.size = rows, lanes, size
        # A window stays when it is to the right of any row: from there on it sees nothing of this one.
        self._beyond = max(ceil_log2(size), RUN_BITS - 1)
        super().__init__({
            "record": In(record_layout()), "begin": In(1), "goes": In(1), "active": Out(1), "ends": Out(1),
            "address": Out(ADDRESS_BITS), "place": Out(range(lanes)), "valid": Out(1),
            "read": Out(read_layout(rows, lanes)),
        })

    def elaborate(self, platform):
        m = Module()
        fields, products = self.record.fields, self.record.products
        # Where pixels follow one another, a run is a row of the window, and places in it are counted in bytes; else it
        # is a pixel, and they are counted in pixels. These are there when the first read is prepared.
        self._is_dense = products.is_dense
        self._run, self._runs = Signal(RUN_BITS, reset_less=True, name="run"), Signal(16, reset_less=True, name="runs")
        self._starts = Signal(name="starts")
        m.d.sync += self._starts.eq(self.begin)
        with m.If(self.begin):
            m.d.sync += [self._run.eq(Mux(self._is_dense, products.pixel_bytes, fields.depth)),
                         self._runs.eq(Mux(self._is_dense, 1, fields.wide))]
        self._is_last_window = Signal(name="is_last_window", reset_less=True)
        self._ends_tile = Signal(name="ends_tile")
        parts = Parts(m, "part", begin=self.begin, advance=self.goes & self._ends_tile, total=products.rows,
                      size=fields.part_rows[:ceil_log2(self.rows + 1)])
        self._is_last_part, first_bytes = parts.is_last, Signal(range(self.rows + 1), reset_less=True)
        m.d.sync += first_bytes.eq(parts.first_size)
        self._count(m, Mux(self._starts, first_bytes, parts.next_size[:len(first_bytes)]))
        self._move(m)
        self._walk_windows(m)
        self._give(m)
        return m

    def _count(self, m, next_bytes):
        """The length of each read, and what ends with it, found a cycle before.

        Of the bytes that are left of a run and of the part the difference is kept, so that a read of either's last
        bytes needs no subtraction of its length.
        """
        lanes, run = self.lanes, self._run
        layout = data.StructLayout({
            "run_left": RUN_BITS, "part_left": range(self.rows + 1), "more": signed(RUN_BITS + 1),
            "run_first": 1, "part_first": 1, "length": range(lanes + 1), "ends_run": 1, "ends": 1})
        self._now = now = Signal(layout, name="now", reset_less=True)
        start = Signal(layout, name="start", reset_less=True)

        def found(name, run_left, part_left, more, run_first, part_first):
            one = Signal(layout, name=name)
            run_fits, part_fits = fits(one.run_left, lanes), fits(one.part_left, lanes)
            m.d.comb += [
                one.run_left.eq(run_left), one.part_left.eq(part_left), one.more.eq(more),
                one.run_first.eq(run_first), one.part_first.eq(part_first),
                one.length.eq(Mux(run_first, Mux(run_fits, run_left, lanes), Mux(part_fits, part_left, lanes))),
                one.ends_run.eq(run_first & run_fits), one.ends.eq(part_first & part_fits)]
            return one

        on = found("on", now.run_left - lanes, now.part_left - lanes, now.more, now.run_first, now.part_first)
        rest = (now.part_left - now.length)[:len(now.part_left)]
        next_run = found("next_run", run, rest, run + now.more, run <= rest, rest <= run)
        # A part begins where the one before has ended, unless that was the last.
        first_run = Mux(self._starts | self._is_last_part | now.ends_run, run, now.more[:RUN_BITS])
        next_part = found("next_part", first_run, next_bytes, first_run - next_bytes, first_run <= next_bytes,
                          next_bytes <= first_run)
        self._offset = Signal(range(self.rows + 1), name="offset", reset_less=True)
        m.d.comb += [self.ends.eq(now.ends), self._ends_tile.eq(now.ends & self._is_last_window)]
        with m.If(self._starts | (self.goes & self._ends_tile)):
            m.d.sync += [now.eq(next_part), start.eq(next_part)]
        with m.Elif(self.goes):
            m.d.sync += now.eq(Mux(now.ends, start, Mux(now.ends_run, next_run, on)))
        with m.If(self._starts | (self.goes & now.ends)):
            m.d.sync += self._offset.eq(0)
        with m.Elif(self.goes):
            m.d.sync += self._offset.eq(self._offset + now.length)

    def _move(self, m):
        """Within a window: rows, runs of bytes, reads. All distances are from the window's first byte."""
        fields, count = self.record.fields, self._now
        place = data.StructLayout({
            # Of the next byte, of its run, and of its row; its place in the row, and its row.
            "at": ADDRESS_BITS, "run_at": ADDRESS_BITS, "row_at": ADDRESS_BITS, "place": RUN_BITS, "line": ROW_BITS + 1,
            # Runs that are left of the row, and whether it is one.
            "runs_left": 16, "is_last": 1})
        self._place = now = Signal(place, reset_less=True, name="place")
        first, following, start = Signal(place), Signal(place), Signal(place, reset_less=True, name="part_place")
        m.d.comb += [first.runs_left.eq(self._runs), first.is_last.eq(self._runs == 1), following.eq(now),
                     following.at.eq(now.at + count.length)]
        with m.If(self._is_dense):
            m.d.comb += following.place.eq(now.place + count.length)
        with m.If(count.ends_run & now.is_last):
            row = (now.row_at + fields.source_pitch)[:ADDRESS_BITS]
            m.d.comb += [following.at.eq(row), following.run_at.eq(row), following.row_at.eq(row),
                         following.place.eq(0), following.line.eq(now.line + 1),
                         following.runs_left.eq(self._runs), following.is_last.eq(first.is_last)]
        with m.Elif(count.ends_run):
            pixel = (now.run_at + fields.source_pixel)[:ADDRESS_BITS]
            m.d.comb += [following.at.eq(pixel), following.run_at.eq(pixel), following.place.eq(now.place + 1),
                         following.runs_left.eq(now.runs_left - 1), following.is_last.eq(now.runs_left == 2)]
        with m.If(self._starts | (self.goes & self._ends_tile)):
            chosen = Mux(self._starts | self._is_last_part, first, following)
            m.d.sync += [now.eq(chosen), start.eq(chosen)]
        with m.Elif(self.goes):
            m.d.sync += now.eq(Mux(count.ends, start, following))

    def _walk_windows(self, m):
        """Windows: each part of a strip sees all of the strip's, each range of channels all.

        The window after one is found when that one is, and kept with it where it is returned to.
        """
        fields, products = self.record.fields, self.record.products
        window = data.StructLayout({
            # Of its first byte, and of that of the first window of the row; place in the row, and row of the source.
            "at": ADDRESS_BITS, "row_at": ADDRESS_BITS, "place": signed(self._beyond + 2),
            "line": signed(LINE_BITS),
            # Of the target what is left, this window's included.
            "columns": 16, "lines": 16})
        # A window, the one after it, and whether the first is the target's last.
        pair = data.StructLayout({"window": window, "ahead": window, "is_last": 1})
        base, begun, chosen = Signal(window), Signal(pair), Signal(pair)
        now, first, strip = (Signal(pair, name=f"{name}_window", reset_less=True) for name in (
            "now", "first", "strip"))
        self._window = now.window
        strip_left, channels_left = Signal(16, reset_less=True), Signal(16, reset_less=True)
        left, row_ends = Signal.like(base.place), Signal()
        is_right, is_below = (~value[-1] & value[bit] for value, bit in (
            (base.place, self._beyond), (base.line, ROW_BITS)))
        step_x = Mux(is_right, 0, Mux(self._is_dense, products.step_x_bytes[:RUN_BITS], fields.step_x))
        step_y = Mux(is_below, 0, fields.step_y)
        # Right of any row is right of all: it saturates, where a distance to the left is limited by the rules.
        is_far = ~products.left[-1] & products.left[self._beyond:].any()
        bytes_left = Mux(is_far, 1 << self._beyond, products.left)
        m.d.comb += [left.eq(Mux(self._is_dense, bytes_left, fields.left)), base.eq(now.ahead)]
        with m.If(self.begin):
            m.d.comb += [base.at.eq(products.first), base.row_at.eq(products.first), base.place.eq(left),
                         base.line.eq(fields.top), base.columns.eq(fields.target_width),
                         base.lines.eq(fields.target_height)]
        row = (base.row_at + products.step_y_bytes)[:ADDRESS_BITS]
        m.d.comb += [
            row_ends.eq(base.columns <= fields.block_width),
            begun.window.eq(base), begun.is_last.eq(row_ends & (base.lines <= fields.block_height)),
            begun.ahead.row_at.eq(Mux(row_ends, row, base.row_at)),
            begun.ahead.at.eq(Mux(row_ends, row, base.at + products.step_x_bytes)),
            begun.ahead.place.eq(Mux(row_ends, left, base.place + step_x)),
            begun.ahead.line.eq(Mux(row_ends, base.line + step_y, base.line)),
            begun.ahead.columns.eq(Mux(row_ends, fields.target_width, base.columns - fields.block_width)),
            begun.ahead.lines.eq(Mux(row_ends, base.lines - fields.block_height, base.lines)),
            chosen.eq(begun),
        ]
        new_strip = self._ends_tile & self._is_last_part
        with m.If(~self.begin & new_strip & now.is_last):
            m.d.comb += chosen.eq(first)
        with m.Elif(~self.begin & self._ends_tile & ~self._is_last_part):
            m.d.comb += chosen.eq(strip)
        with m.If(self.begin | (self.goes & self.ends)):
            m.d.sync += [now.eq(chosen), strip_left.eq(strip_left - 1),
                         self._is_last_window.eq(chosen.is_last | (strip_left == 2))]
        with m.If(self.begin | (self.goes & self._ends_tile)):
            m.d.sync += [strip_left.eq(fields.strip), self._is_last_window.eq(chosen.is_last | (fields.strip == 1))]
        with m.If(self.begin | (self.goes & new_strip)):
            m.d.sync += strip.eq(chosen)
        with m.If(self.begin):
            m.d.sync += [first.eq(begun), channels_left.eq(fields.channels), self.active.eq(1)]
        with m.Elif(self.goes & new_strip & now.is_last):
            m.d.sync += channels_left.eq(channels_left - fields.outputs)
            with m.If(channels_left <= fields.outputs):
                m.d.sync += self.active.eq(0)

    def _give(self, m):
        """The read, and which bytes of it are within the source."""
        fields, products, now, window = self.record.fields, self.record.products, self._place, self._window
        length = self._now.length
        valid = Signal()
        # One bit more than those of a window.
        place = Signal(signed(self._beyond + 3), reset_less=True)
        line = Signal(signed(LINE_BITS + 1), reset_less=True)
        early = Signal(read_layout(self.rows, self.lanes), reset_less=True)
        m.d.sync += [
            valid.eq(self.goes), self.address.eq(window.at + now.at), early.offset.eq(self._offset),
            early.count.eq(length), early.begins.eq(self._offset == 0), early.ends.eq(self.ends),
            early.ends_tile.eq(self._ends_tile),
            place.eq(window.place + now.place), line.eq(window.line + now.line),
        ]
        # In bytes or pixels from the first byte to the first and behind the last of the row, of which the lowest bits
        # count where the others are all zero.
        low = ceil_log2(self.lanes)
        limit, behind = Signal(self._beyond + 1), Signal(signed(self._beyond + 4))
        is_inside = (line >= 0) & (line < fields.source_height)
        m.d.comb += [self.place.eq(early.offset), behind.eq(limit - place),
                     limit.eq(Mux(self._is_dense, products.row_bytes, fields.source_width))]
        m.d.sync += [self.valid.eq(valid), self.read.eq(early), self.read.first.eq(0), self.read.end.eq(0)]
        before = (-place)[:low]
        with m.If(place < 0):
            m.d.sync += self.read.first.eq(Mux(self._is_dense & place[low:].all() & (before != 0), before, self.lanes))
        with m.If(is_inside & (behind >= 0)):
            is_all = Mux(self._is_dense, behind[low:].any(), behind != 0)
            m.d.sync += self.read.end.eq(Mux(is_all, self.lanes, behind[:low]))
