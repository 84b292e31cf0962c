"""Pool: the sum or the greatest of each channel over a window."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.descriptor import Flags
from ...fabric.adder import Addition, Operand, add
from ...fabric.emitter import Platform
from ..control.countdown import Countdown
from ..control.delays import delayed, first_of
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
        For a cycle, two before the first read; ``record`` is new for some cycles.
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
        # From the window's first pixel: of the pixel, and of the first of its row.
        at, row_at = Signal(ADDRESS_BITS, reset_less=True), Signal(ADDRESS_BITS, reset_less=True)
        self._channel = Signal(16, reset_less=True, name="channel")
        self._is_first, self._ends_group = Signal(name="is_first", reset_less=True), Signal(name="ends_group")
        ends_row, ends_window, is_last_window = Signal(), Signal(), Signal()
        window = self._walk_windows(m, ends_window, is_last_window)
        begins_group = self.begin | (runs & self._ends_group)
        across = Countdown(m, "across", restart=begins_group | (runs & ends_row), advance=runs, total=wide)
        down = Countdown(m, "down", restart=begins_group, advance=runs & ends_row, total=tall)
        words = Countdown(m, "word", restart=self.begin | (runs & ends_window), advance=runs & self._ends_group,
                          total=fields.channels, size=self.lanes)
        self._left = words.left
        m.d.comb += [
            self.reads.eq(runs), self.counts.eq(runs & ~is_summed), ends_row.eq(across.is_last),
            self._ends_group.eq(across.is_last & down.is_last), ends_window.eq(self._ends_group & words.is_last),
            self.last.eq(runs & ends_window & is_last_window),
        ]
        with m.If(self.go):
            m.d.sync += runs.eq(1)
        with m.Elif(self.last | self.stop):
            m.d.sync += runs.eq(0)
        with m.If(begins_group):
            m.d.sync += [at.eq(0), row_at.eq(0), self._is_first.eq(1),
                         self._channel.eq(Mux(self.begin | ends_window, 0, self._channel + self.lanes))]
        with m.Elif(runs):
            m.d.sync += self._is_first.eq(0)
            with m.If(ends_row):
                row = (row_at + fields.source_pitch)[:ADDRESS_BITS]
                m.d.sync += [at.eq(row), row_at.eq(row)]
            with m.Else():
                m.d.sync += at.eq(at + fields.source_pixel)
        # A register: row and place of the pixel.
        line, place = Signal(signed(LINE_BITS), reset_less=True), Signal(signed(LINE_BITS), reset_less=True)
        m.d.sync += [self.address.eq((window.at + self._channel)[:ADDRESS_BITS] + at),
                     line.eq(window.line + fields.tall - down.left),
                     place.eq(window.place + fields.wide - across.left)]
        is_inside = (line >= 0) & (line < fields.source_height) & (place >= 0) & (place < fields.source_width)
        reads = delayed(m, "reads", runs & ~is_summed, 1, reset=True)
        count = delayed(m, "count", least_of(m, "count", self._left, self.lanes), 1)
        m.d.sync += [self.used.end.eq(Mux(reads & is_inside, count, 0)),
                     self.is_outside.eq(reads & ~is_inside & ((fields.flags & int(Flags.MAXIMUM)) == 0))]
        return is_inside

    def _walk_windows(self, m, ends_window, is_last_window):
        fields, products = self.record.fields, self.record.products
        layout = data.StructLayout({"at": ADDRESS_BITS, "row_at": ADDRESS_BITS, "line": signed(LINE_BITS),
                                    "place": signed(LINE_BITS), "target": ADDRESS_BITS, "target_row": ADDRESS_BITS})
        window = Signal(layout, name="window", reset_less=True)
        self._target, moves = window.target, self.reads & ends_window
        ends_row = Signal(name="ends_target_row")
        columns = Countdown(m, "column", restart=self.begin | (moves & ends_row), advance=moves,
                            total=fields.target_width)
        lines = Countdown(m, "line", restart=self.begin, advance=moves & ends_row, total=fields.target_height)
        m.d.comb += [ends_row.eq(columns.is_last), is_last_window.eq(columns.is_last & lines.is_last)]
        with m.If(self.begin):
            m.d.sync += [window.at.eq(products.first), window.row_at.eq(products.first), window.line.eq(fields.top),
                         window.place.eq(fields.left), window.target.eq(fields.target),
                         window.target_row.eq(fields.target)]
        with m.Elif(moves):
            with m.If(ends_row):
                row = (window.row_at + products.step_y_bytes)[:ADDRESS_BITS]
                target = (window.target_row + fields.target_pitch)[:ADDRESS_BITS]
                m.d.sync += [window.at.eq(row), window.row_at.eq(row), window.place.eq(fields.left),
                             window.line.eq(window.line + fields.step_y), window.target.eq(target),
                             window.target_row.eq(target)]
            with m.Else():
                m.d.sync += [window.at.eq(window.at + products.step_x_bytes),
                             window.place.eq(window.place + fields.step_x),
                             window.target.eq(window.target + fields.target_pixel)]
        return window
