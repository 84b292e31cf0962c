"""Pool: the sum or the greatest of each channel over a window."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.descriptor import Flags
from ...fabric.adder import Addition, Operand, add
from ...fabric.emitter import Platform
from ..control.delays import delayed, first_of, fits
from ..control.descriptor import ADDRESS_BITS, record_layout
from ..memory.activation_memory import ActivationMemory
from ..memory.bounds import least_of, used_layout

# A sum of as many bytes as a window may have.
TOTAL_BITS = 25
LINE_BITS = 18


class Pool(wiring.Component):
    """Reads a word of ``lanes`` channels of one pixel in each cycle; all pixels of a window, then its next channels.

    Latency: from the read of a window's last pixel to ``totals`` `LATENCY` cycles.

    Parameters
    ----------
    lanes : int

    Members
    -------
    record : ``In(record_layout)``
        The descriptor, a POOL.
    begin : ``In(1)``
        For a cycle, two before the first read: ``record`` is new.
    go : ``In(1)``
        For a cycle, the one before the first read.
    reads : ``Out(1)``
        A read.
    counts : ``Out(1)``
        A read of which something is used.
    last : ``Out(1)``
        The last.
    address : ``Out(ADDRESS_BITS)``
        Of its first byte, a cycle later.
    used : ``Out(used_layout)``
        Which bytes are used, a cycle after the address.
    is_outside : ``Out(1)``
        With ``used``: the window is a sum, and not within the source.
    stop : ``In(1)``
        Nothing is read.
    data : ``In(8 * lanes)``
        The bytes.
    valid : ``Out(1)``
        Totals.
    totals : ``Out(ArrayLayout(signed(TOTAL_BITS), lanes))``
        Sum or greatest.
    target : ``Out(ADDRESS_BITS)``
        Where the first result goes.
    write : ``Out(lanes)``
        Which results are written.
    """

    LATENCY = 2 + ActivationMemory.READ

    def __init__(self, *, lanes):
        self.lanes = lanes
        super().__init__({
            "record": In(record_layout()), "begin": In(1), "go": In(1), "reads": Out(1), "counts": Out(1),
            "last": Out(1), "address": Out(ADDRESS_BITS), "used": Out(used_layout(lanes)), "is_outside": Out(1),
            "stop": In(1), "data": In(8 * lanes), "valid": Out(1),
            "totals": Out(data.ArrayLayout(signed(TOTAL_BITS), lanes)), "target": Out(ADDRESS_BITS),
            "write": Out(lanes),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        is_inside = self._walk_pixels(m)
        late = ActivationMemory.READ
        is_first, ends = self._is_first, self.reads & self._ends_group
        first = delayed(m, "first", is_first, 1 + late)
        inside = delayed(m, "inside", is_inside, late)
        is_greatest = (self.record.fields.flags & int(Flags.MAXIMUM)) != 0
        for lane in range(self.lanes):
            value = Signal(signed(8), name=f"value_{lane}")
            total = self.totals[lane]
            # The greatest is a sum of which nothing was before, or stays.
            before = Operand(total, bit=~(first | is_greatest))
            (following,) = add(m, platform, f"total_{lane}", [Addition(before, Operand(value), TOTAL_BITS)])
            m.d.comb += value.eq(Mux(inside, self.data[8 * lane:8 * lane + 8].as_signed(), self.record.fields.fill))
            with m.If(~is_greatest | first | (value > total[:8].as_signed())):
                m.d.sync += total.eq(following)
        m.d.comb += [
            self.valid.eq(delayed(m, "valid", ends, self.LATENCY, reset=True)),
            self.target.eq(delayed(m, "target", self._target + self._channel, self.LATENCY)),
            self.write.eq(delayed(m, "write", first_of(self._left, self.lanes), self.LATENCY)),
        ]
        return m

    def _walk_pixels(self, m):
        """Channels and pixels of a window, given those of the target; whether the pixel is within the source."""
        fields = self.record.fields
        runs = Signal()
        # The sums are there: a read for each word, of which nothing is used.
        is_summed = (fields.flags & int(Flags.SUMS)) != 0
        tall, wide = Mux(is_summed, 1, fields.tall), Mux(is_summed, 1, fields.wide)
        down, across = Signal(16, reset_less=True), Signal(16, reset_less=True)
        # From the window's first pixel: of the pixel, and of the first of its row.
        at, row_at = Signal(ADDRESS_BITS, reset_less=True), Signal(ADDRESS_BITS, reset_less=True)
        self._left, self._channel = (Signal(16, reset_less=True, name=name) for name in ("left", "channel"))
        self._is_first, self._ends_group = Signal(name="is_first", reset_less=True), Signal(name="ends_group")
        ends_window, is_last_window = Signal(), Signal()
        window = self._walk_windows(m, ends_window, is_last_window)
        m.d.comb += [
            self.reads.eq(runs), self.counts.eq(runs & ~is_summed),
            self._ends_group.eq((across == 1) & (down == 1)),
            ends_window.eq(self._ends_group & fits(self._left, self.lanes)),
            self.last.eq(runs & ends_window & is_last_window),
        ]
        with m.If(self.go):
            m.d.sync += runs.eq(1)
        with m.Elif(self.last | self.stop):
            m.d.sync += runs.eq(0)
        with m.If(self.begin | (runs & self._ends_group)):
            m.d.sync += [at.eq(0), row_at.eq(0), across.eq(wide), down.eq(tall), self._is_first.eq(1)]
            with m.If(self.begin | ends_window):
                m.d.sync += [self._left.eq(fields.channels), self._channel.eq(0)]
            with m.Else():
                m.d.sync += [self._left.eq(self._left - self.lanes), self._channel.eq(self._channel + self.lanes)]
        with m.Elif(runs):
            m.d.sync += self._is_first.eq(0)
            with m.If(across == 1):
                row = (row_at + fields.source_pitch)[:ADDRESS_BITS]
                m.d.sync += [at.eq(row), row_at.eq(row), across.eq(wide), down.eq(down - 1)]
            with m.Else():
                m.d.sync += [at.eq(at + fields.source_pixel), across.eq(across - 1)]
        # A register: row and place of the pixel.
        line, place = Signal(signed(LINE_BITS), reset_less=True), Signal(signed(LINE_BITS), reset_less=True)
        m.d.sync += [self.address.eq((window.at + self._channel)[:ADDRESS_BITS] + at),
                     line.eq(window.line + fields.tall - down), place.eq(window.place + fields.wide - across)]
        is_inside = (line >= 0) & (line < fields.source_height) & (place >= 0) & (place < fields.source_width)
        reads = delayed(m, "reads", runs & ~is_summed, 1, reset=True)
        count = delayed(m, "count", least_of(m, "count", self._left, self.lanes), 1)
        m.d.sync += [self.used.end.eq(Mux(reads & is_inside, count, 0)),
                     self.is_outside.eq(reads & ~is_inside & ((fields.flags & int(Flags.MAXIMUM)) == 0))]
        return is_inside

    def _walk_windows(self, m, ends_window, is_last_window):
        fields, products = self.record.fields, self.record.products
        layout = data.StructLayout({"at": ADDRESS_BITS, "row_at": ADDRESS_BITS, "line": signed(LINE_BITS),
                                    "place": signed(LINE_BITS), "columns": 16, "lines": 16,
                                    "target": ADDRESS_BITS, "target_row": ADDRESS_BITS})
        window = Signal(layout, name="window", reset_less=True)
        self._target = window.target
        m.d.comb += is_last_window.eq((window.columns == 1) & (window.lines == 1))
        with m.If(self.begin):
            m.d.sync += [window.at.eq(products.first), window.row_at.eq(products.first), window.line.eq(fields.top),
                         window.place.eq(fields.left), window.columns.eq(fields.target_width),
                         window.lines.eq(fields.target_height), window.target.eq(fields.target),
                         window.target_row.eq(fields.target)]
        with m.Elif(self.reads & ends_window):
            with m.If(window.columns == 1):
                row = (window.row_at + products.step_y_bytes)[:ADDRESS_BITS]
                target = (window.target_row + fields.target_pitch)[:ADDRESS_BITS]
                m.d.sync += [window.at.eq(row), window.row_at.eq(row), window.place.eq(fields.left),
                             window.line.eq(window.line + fields.step_y), window.columns.eq(fields.target_width),
                             window.lines.eq(window.lines - 1), window.target.eq(target),
                             window.target_row.eq(target)]
            with m.Else():
                m.d.sync += [window.at.eq(window.at + products.step_x_bytes),
                             window.place.eq(window.place + fields.step_x), window.columns.eq(window.columns - 1),
                             window.target.eq(window.target + fields.target_pixel)]
        return window
