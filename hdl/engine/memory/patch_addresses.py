"""Patch addresses: the reads that gather the vectors of a convolution, one a cycle."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.checks import MOST_ROW_BYTES
from ...config.widths import ceil_log2
from ...fabric.register import registered
from ..control.delays import fits
from ..control.descriptor import ADDRESS_BITS, record_layout
from ..control.queue import Queue
from ..control.windows import Windows

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
    """Walks over channels, strips, parts, windows, rows and runs of bytes, and has a read ready in each cycle.

    Latency: the first read is ready `LATENCY` cycles after ``begin``, and each other one when the one before it was
    taken.

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
        For a cycle: ``record`` is new.
    valid : ``Out(1)``
        There is a read.
    take : ``In(1)``
        It is taken; only while ``valid``.
    address : ``Out(ADDRESS_BITS)``
        Of the first byte that it reads.
    read : ``Out(read_layout)``
        What it reads.
    """

    LATENCY = 5

    def __init__(self, *, rows, lanes, size):
        self.rows, self.lanes, self.size = rows, lanes, size
        # A window stays when it is to the right of any row: from there on it sees nothing of this one.
        self._beyond = max(ceil_log2(size), RUN_BITS - 1)
        super().__init__({
            "record": In(record_layout()), "begin": In(1), "valid": Out(1), "take": In(1),
            "address": Out(ADDRESS_BITS), "read": Out(read_layout(rows, lanes)),
        })

    def elaborate(self, platform):
        m = Module()
        fields, products = self.record.fields, self.record.products
        # Where pixels follow one another, a run is a row of the window, and places in it are counted in bytes; else it
        # is a pixel, and they are counted in pixels.
        self._is_dense = products.is_dense
        run, runs = (Mux(self._is_dense, *values) for values in (
            (products.pixel_bytes[:RUN_BITS], fields.depth), (1, fields.wide)))
        self._run, self._runs, self._run_fits, self._is_only_run = (registered(m, name, value) for name, value in (
            ("run", run), ("runs", runs), ("run_fits", fits(run, self.lanes)), ("is_only_run", runs == 1)))
        # It also goes on where no vector is left, and nothing is valid: so its path begins with one register.
        self._goes, ends_vector = Signal(name="goes_on"), Signal()
        self._windows = windows = self._walk_windows(m, ends_vector)
        first_bytes, next_bytes = (size[:ceil_log2(self.rows + 1)] for size in (
            windows.parts.first_size, windows.parts.next_size))
        self._count(m, Mux(windows.begins, first_bytes, next_bytes))
        m.d.comb += ends_vector.eq(self._goes & self._now.ends)
        self._move(m)
        self._give(m)
        return m

    def _count(self, m, next_bytes):
        """The length of each read, and what ends with it, found a cycle before.

        Of the bytes that are left of a run and of the part both differences are kept, so that a read of either's last
        bytes needs no subtraction of its length.
        """
        lanes, run, windows = self.lanes, self._run, self._windows
        layout = data.StructLayout({
            "run_left": RUN_BITS, "part_left": range(self.rows + 1), "run_more": signed(RUN_BITS + 1),
            "part_more": signed(RUN_BITS + 1), "run_first": 1, "part_first": 1, "length": range(lanes + 1),
            "ends_run": 1, "ends": 1})
        self._now = now = Signal(layout, name="now", reset_less=True)
        start = Signal(layout, name="start", reset_less=True)

        def found(name, run_left, part_left, run_fits, part_fits, **differences):
            one = Signal(layout, name=name)
            m.d.comb += [
                one.run_left.eq(run_left), one.part_left.eq(part_left),
                *(one[key].eq(value) for key, value in differences.items()),
                one.length.eq(Mux(one.run_first, Mux(run_fits, one.run_left, lanes),
                                  Mux(part_fits, one.part_left, lanes))),
                one.ends_run.eq(one.run_first & run_fits), one.ends.eq(one.part_first & part_fits)]
            return one

        def compared(name, run_left, part_left, run_fits):
            return found(name, run_left, part_left, run_fits, fits(part_left, lanes), run_more=run_left - part_left,
                         part_more=part_left - run_left, run_first=run_left <= part_left,
                         part_first=part_left <= run_left)

        on = found("on", now.run_left - lanes, now.part_left - lanes, fits(now.run_left, 2 * lanes),
                   fits(now.part_left, 2 * lanes),
                   **{key: now[key] for key in ("run_more", "part_more", "run_first", "part_first")})
        next_run = compared("next_run", run, now.part_more[:len(now.part_left)], self._run_fits)
        # A part begins where the one before has ended, unless that was the last.
        begins_run = windows.begins | windows.parts.is_last | now.ends_run
        next_part = compared("next_part", Mux(begins_run, run, now.run_more[:RUN_BITS]), next_bytes,
                             Mux(begins_run, self._run_fits, fits(now.run_more[:RUN_BITS], lanes)))
        self._offset = Signal(range(self.rows + 1), name="offset", reset_less=True)
        with m.If(windows.begins | (self._goes & now.ends & windows.ends_tile)):
            m.d.sync += [now.eq(next_part), start.eq(next_part)]
        with m.Elif(self._goes):
            m.d.sync += now.eq(Mux(now.ends, start, Mux(now.ends_run, next_run, on)))
        with m.If(windows.begins | (self._goes & now.ends)):
            m.d.sync += self._offset.eq(0)
        with m.Elif(self._goes):
            m.d.sync += self._offset.eq(self._offset + now.length)

    def _move(self, m):
        """Within a window: rows, runs of bytes, reads. All distances are from the window's first byte."""
        fields, count, windows = self.record.fields, self._now, self._windows
        place = data.StructLayout({
            # Of the next byte, of its run, and of its row; its place in the row, and its row.
            "at": ADDRESS_BITS, "run_at": ADDRESS_BITS, "row_at": ADDRESS_BITS, "place": RUN_BITS, "line": ROW_BITS + 1,
            # Runs that are left of the row, and whether it is one.
            "runs_left": 16, "is_last": 1})
        self._place = now = Signal(place, reset_less=True, name="place")
        first, following, start = Signal(place), Signal(place), Signal(place, reset_less=True, name="part_place")
        m.d.comb += [first.runs_left.eq(self._runs), first.is_last.eq(self._is_only_run), following.eq(now),
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
        with m.If(windows.begins | (self._goes & count.ends & windows.ends_tile)):
            chosen = Mux(windows.begins | windows.parts.is_last, first, following)
            m.d.sync += [now.eq(chosen), start.eq(chosen)]
        with m.Elif(self._goes):
            m.d.sync += now.eq(Mux(count.ends, start, following))

    def _walk_windows(self, m, ends_vector):
        """The windows, each with the address of its first byte, and its place in the row and row of the source."""
        fields, products = self.record.fields, self.record.products
        coordinates = {"at": ADDRESS_BITS, "row_at": ADDRESS_BITS, "place": signed(self._beyond + 2),
                       "line": signed(LINE_BITS)}
        # Right of any row is right of all: it saturates, where a distance to the left is limited by the rules.
        is_far = ~products.left[-1] & products.left[self._beyond:].any()
        bytes_left = Mux(is_far, 1 << self._beyond, products.left)
        left = Signal(signed(self._beyond + 2))
        m.d.comb += left.eq(Mux(self._is_dense, bytes_left, fields.left))
        first = {"at": products.first, "row_at": products.first, "place": left, "line": fields.top}
        row_place = registered(m, "row_place", left)
        step_x = registered(m, "step_x", Mux(self._is_dense, products.step_x_bytes[:RUN_BITS], fields.step_x))

        def following(window):
            is_right, is_below = (~value[-1] & value[bit] for value, bit in (
                (window.place, self._beyond), (window.line, ROW_BITS)))
            row = (window.row_at + products.step_y_bytes)[:ADDRESS_BITS]
            return {"row_at": Mux(window.ends_row, row, window.row_at),
                    "at": Mux(window.ends_row, row, window.at + products.step_x_bytes),
                    "place": Mux(window.ends_row, row_place, window.place + Mux(is_right, 0, step_x)),
                    "line": window.line + Mux(window.ends_row & ~is_below, fields.step_y, 0)}

        return Windows(m, self.record, begin=self.begin, advance=ends_vector, rows=self.rows, coordinates=coordinates,
                       first=first, following=following)

    def _give(self, m):
        """The read, and which bytes of it are within the source: in a register, in another one, and in the queue."""
        now, windows = self._place, self._windows
        early = Signal(read_layout(self.rows, self.lanes), reset_less=True)
        # One bit more than those of a window.
        place = Signal(signed(self._beyond + 3), reset_less=True)
        line = Signal(signed(LINE_BITS + 1), reset_less=True)
        valid, address = Signal(), Signal(ADDRESS_BITS, reset_less=True, name="early_address")
        with m.If(self._goes):
            m.d.sync += [
                valid.eq(windows.valid), address.eq(windows.window.at + now.at), early.offset.eq(self._offset),
                early.count.eq(self._now.length), early.begins.eq(self._offset == 0), early.ends.eq(self._now.ends),
                early.ends_tile.eq(self._now.ends & windows.ends_tile),
                place.eq(windows.window.place + now.place), line.eq(windows.window.line + now.line),
            ]
        is_valid, given = self._compare(m, valid, early, address, place, line)
        with m.If(self.begin):
            m.d.sync += [valid.eq(0), is_valid.eq(0)]
        queue = Queue(m, clear=self.begin, valid=is_valid, given=given, take=self.take)
        m.d.comb += [self._goes.eq(queue.has_room), self.valid.eq(queue.valid),
                     self.address.eq(queue.item.address), self.read.eq(queue.item.read)]

    def _compare(self, m, valid, early, address, place, line):
        """Which bytes are within the source."""
        fields, low = self.record.fields, ceil_log2(self.lanes)
        item = data.StructLayout({"read": early.shape(), "address": ADDRESS_BITS})
        late, given = Signal(item, reset_less=True, name="late"), Signal(item, name="given")
        # In bytes or pixels from the first byte to the first and behind the last of the row, of which the lowest bits
        # count where the others are all zero.
        limit = registered(m, "limit", Mux(self._is_dense, self.record.products.row_bytes, fields.source_width)
                           [:self._beyond + 1])
        before, behind = Signal(low, reset_less=True), Signal(signed(self._beyond + 4), reset_less=True)
        is_left, is_near, is_inside = (Signal(name=name, reset_less=True) for name in (
            "is_left", "is_near", "is_inside"))
        is_valid = Signal()
        with m.If(self._goes):
            m.d.sync += [
                is_valid.eq(valid), late.read.eq(early), late.address.eq(address), is_left.eq(place < 0),
                is_near.eq(self._is_dense & place[low:].all() & (place[:low] != 0)), before.eq(-place),
                behind.eq(limit - place), is_inside.eq((line >= 0) & (line < fields.source_height))]
        m.d.comb += [given.eq(late), given.read.first.eq(0), given.read.end.eq(0)]
        with m.If(is_left):
            m.d.comb += given.read.first.eq(Mux(is_near, before, self.lanes))
        with m.If(is_inside & ~behind[-1]):
            is_all = Mux(self._is_dense, behind[low:].any(), behind != 0)
            m.d.comb += given.read.end.eq(Mux(is_all, self.lanes, behind[:low]))
        return is_valid, given
