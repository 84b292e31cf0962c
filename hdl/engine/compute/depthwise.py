"""Depthwise unit: each channel with its own window of up to 3 x 3."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.descriptor import Flags
from ....golden.engine.latencies import GATHER_VECTORS, WINDOW_LATENCY
from ...config.engine import DEPTHWISE_GROUPS
from ...config.widths import ceil_log2
from ...fabric.adder import Addition, Operand, add
from ...fabric.emitter import Platform
from ...fabric.memory import LutRam
from ...fabric.multiplier import CYCLES, multiply
from ...fabric.register import registered
from ..control.countdown import Countdown
from ..control.delays import delayed, first_of
from ..control.descriptor import ADDRESS_BITS, record_layout
from ..memory.bounds import used_layout
from .pool import TOTAL_BITS
from .window_reader import COLUMNS, COUNT_BITS, LINE_BITS, ROWS, WindowReader

# Cycles by which windows are used later than the count of cycles has it: what the reader needs.
LATE = 5
# Of a sum of a row of products of two bytes, and of three of these.
ROW_BITS, SUM_BITS = 17, 19
# From the cycle in which the lanes are taken to the sums: as of the macro's results.
NEXT = 3


class Depthwise(wiring.Component):
    """Computes ``depthwise`` channels of a position in each cycle.

    Latency: from the cycle of a group of channels to ``sums`` `LATENCY` cycles.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    record : ``In(record_layout)``
        The descriptor, a DEPTHWISE.
    begin : ``In(1)``
        For a cycle, two before the first of the descriptor; ``record`` is new for some cycles.
    go : ``In(1)``
        For a cycle, the one before the first.
    take : ``In(1)``
        The macro accepts a vector, where it is fed.
    last : ``Out(1)``
        The last cycle of the last row.
    tap_reads : ``Out(1)``
        A row of taps is wanted.
    tap_row : ``Out(16)``
        Which row.
    tap_ready : ``In(1)``
        It will come.
    tap_arrives : ``In(1)``
        A row of taps is there, in the order in which they were wanted.
    taps : ``In(8 * columns)``
        That row.
    address : ``Out(ArrayLayout(ADDRESS_BITS, ROWS))``
        Of words in three rows of the source.
    rows : ``Out(ROWS)``
        Which of the rows are within the source.
    used : ``Out(ArrayLayout(used_layout, ROWS))``
        Which bytes of each word are used, a cycle after the address.
    stop : ``In(1)``
        Nothing is read.
    data : ``In(ArrayLayout(8 * lanes, ROWS))``
        The words.
    next : ``Out(1)``
        There are sums in three cycles.
    slot : ``Out(16)``
        Of the parameters, two cycles before the sums.
    valid : ``Out(1)``
        There are sums.
    sums : ``Out(ArrayLayout(signed(TOTAL_BITS), lanes))``
        Sums of ``lanes`` channels.
    target : ``Out(ADDRESS_BITS)``
        Where the first result goes.
    write : ``Out(lanes)``
        Which are written.
    begins : ``Out(1)``
        They are a position's first.
    ends : ``Out(1)``
        They are its last.
    is_end : ``Out(1)``
        They are the last of all.
    offset : ``Out(16)``
        Number of the first channel.
    """

    def __init__(self, *, config):
        self.config = config
        lanes = config.lanes
        super().__init__({
            "record": In(record_layout()), "begin": In(1), "go": In(1), "take": In(1), "last": Out(1),
            "tap_reads": Out(1), "tap_row": Out(16), "tap_ready": In(1), "tap_arrives": In(1),
            "taps": In(8 * config.columns),
            "address": Out(data.ArrayLayout(ADDRESS_BITS, ROWS)), "rows": Out(ROWS),
            "data": In(data.ArrayLayout(8 * lanes, ROWS)), "used": Out(data.ArrayLayout(used_layout(lanes), ROWS)),
            "stop": In(1),
            "next": Out(1), "slot": Out(16), "valid": Out(1), "sums": Out(data.ArrayLayout(signed(TOTAL_BITS), lanes)),
            "target": Out(ADDRESS_BITS), "write": Out(lanes), "begins": Out(1), "ends": Out(1), "is_end": Out(1),
            "offset": Out(16),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        config = self.config
        words = DEPTHWISE_GROUPS * config.depthwise // config.lanes
        reader = platform.instantiate(m, "reader", "window_reader", WindowReader, lanes=config.lanes, words=words,
                                      together=config.lanes // config.depthwise)
        m.d.comb += [reader.record.eq(self.record), reader.begin.eq(self.begin), reader.go.eq(self.go),
                     self.address.eq(reader.address), self.rows.eq(reader.rows), reader.data.eq(self.data),
                     Value.cast(self.used).eq(Value.cast(reader.used)), reader.stop.eq(self.stop)]
        self._read_taps(m)
        group, inside = self._walk(m, reader, *self._count(m, reader))
        taps = self._taps(m, platform, group)
        self._multiply(m, platform, reader, taps, group, inside)
        return m

    def _read_taps(self, m):
        """Ask for rows of taps; whether the one that arrives is the last."""
        fields = self.record.fields
        reads = Signal()
        asked, came = self.tap_reads & self.tap_ready, self.tap_arrives
        *_, is_last = self._count_taps(m, "asked", asked)
        self._group, self._number, is_over = self._count_taps(m, "tap", came)
        m.d.comb += self.tap_reads.eq(reads)
        self._has_taps = came & is_over
        with m.If(self.go):
            m.d.sync += [reads.eq(1), self.tap_row.eq(fields.weights)]
        with m.Elif(asked):
            m.d.sync += [self.tap_row.eq(self.tap_row + 1), reads.eq(~is_last)]
        with m.If(self.stop):
            m.d.sync += reads.eq(0)

    def _count_taps(self, m, name, goes):
        """Of the next row of taps its group of channels, which row of the group it is, and whether it is the last."""
        most = self.config.tap_rows
        group = Signal(range(DEPTHWISE_GROUPS), name=f"{name}_group")
        number = Signal(range(most), name=f"{name}_number")
        ends_group = number == most - 1
        groups = Countdown(m, f"{name}_groups", restart=self.go, advance=goes & ends_group,
                           total=self.record.fields.channels, size=self.config.depthwise)
        with m.If(self.go):
            m.d.sync += [group.eq(0), number.eq(0)]
        with m.Elif(goes):
            m.d.sync += number.eq(number + 1)
            with m.If(ends_group):
                m.d.sync += [number.eq(0), group.eq(group + 1)]
        return group, number, groups.is_last & ends_group

    def _taps(self, m, platform, group):
        """The taps of a group of channels, a cycle after its number."""
        config, fields = self.config, self.record.fields
        width, places = 8 * config.depthwise, config.columns // config.depthwise
        found = []
        for row in range(ROWS):
            for column in range(COLUMNS):
                own, place = divmod(COLUMNS * row + column, places)
                cells = platform.instantiate(m, f"taps_{row}_{column}", "taps", LutRam, width=width,
                                             depth=DEPTHWISE_GROUPS)
                m.d.comb += [
                    cells.write.eq(self.tap_arrives & (self._number == own)), cells.write_address.eq(self._group),
                    cells.write_data.eq(self.taps[width * place:][:width]), cells.address.eq(group),
                ]
                is_used = registered(m, f"uses_{row}_{column}", (fields.tall > row) & (fields.wide > column))
                found.append(delayed(m, f"tap_{row}_{column}", Mux(is_used, cells.data, 0), 1))
        return found

    def _count(self, m, reader):
        """The cycles of rows and of positions: whether a group of channels is computed, and is it a row's first."""
        fields, products, config = self.record.fields, self.record.products, self.config
        # Cycles until the window is filled; of positions, and of pixels that are read, in a row.
        fills, fills_word, runs, starts, row_ends = Signal(), Signal(), Signal(), Signal(), Signal()
        span = registered(m, "span", products.span + fields.wide - fields.step_x)
        seen = registered(m, "seen", Mux(span < fields.source_width, span[:16], fields.source_width))
        times = [self._count_pixels(m, name, starts, 1, across, size)[1] for name, across, size in (
            ("position", fields.target_width, config.depthwise), ("read", seen, config.lanes))]
        goes, within, ahead = Signal(), Signal(), Signal(range(GATHER_VECTORS + 1))
        ends_position, is_over, has_none = self._count_pixels(m, "group", starts, goes, fields.target_width,
                                                              config.depthwise)
        self._show_columns(m, reader, goes & ends_position, goes & is_over)
        feeds = (fields.flags & int(Flags.FEEDS)) != 0
        m.d.comb += goes.eq(runs & ~has_none & (within | ~feeds | (ahead != GATHER_VECTORS)))
        with m.If(goes):
            m.d.sync += within.eq(~ends_position)
        with m.If(self.begin):
            m.d.sync += ahead.eq(0)
        with m.Else():
            # What the macro accepts is known late, and only chooses.
            fed = goes & ends_position & feeds
            m.d.sync += ahead.eq(Mux(self.take & feeds, Mux(fed, ahead, ahead - 1), ahead + fed))
        words = Countdown(m, "fill_words", restart=self.go | fills_word, advance=fills, total=fields.channels,
                          size=config.lanes)
        columns = Countdown(m, "fill_columns", restart=self.go, advance=fills_word, total=fields.wide)
        lines = Countdown(m, "lines", restart=self.go, advance=row_ends, total=fields.target_height)
        fills_end = fills_word & columns.is_last
        begins = self._begin_rows(m, delayed(m, "filled", fills_end, WINDOW_LATENCY, reset=True))
        m.d.comb += [
            fills_word.eq(fills & words.is_last),
            row_ends.eq(runs & times[0] & times[1] & (is_over & (goes | has_none))),
            starts.eq(begins | (row_ends & ~lines.is_last)), self.last.eq(row_ends & lines.is_last),
        ]
        with m.If(self.go):
            m.d.sync += fills.eq(1)
        with m.Elif(fills_end):
            m.d.sync += fills.eq(0)
        with m.If(begins):
            m.d.sync += runs.eq(1)
        with m.Elif(row_ends):
            m.d.sync += runs.eq(~lines.is_last)
        with m.If(self.stop):
            m.d.sync += [fills.eq(0), runs.eq(0), within.eq(0)]
        return delayed(m, "starts_late", starts, LATE, reset=True), delayed(m, "goes_late", goes, LATE, reset=True)

    def _show_columns(self, m, reader, ends_position, ends_row):
        """Tell the reader which columns are used, and which are needed: `LATE` cycles earlier, as a column that is read
        then comes no sooner."""
        fields = self.record.fields
        # Of the window's first pixel the column, counted from the first that is read of the row; the number of that.
        number, base = Signal(signed(LINE_BITS), name="number", reset_less=True), Signal(COUNT_BITS)
        m.d.sync += reader.needed.eq(base + Mux(number < 0, 0, number))
        m.d.comb += reader.column.eq(delayed(m, "column_shown", (base + number)[:len(reader.column)], LATE))
        with m.If(self.begin):
            m.d.sync += [base.eq(0), reader.needed.eq(0)]
        with m.Elif(ends_row):
            m.d.sync += base.eq(base + reader.row_columns)
        with m.If(self.begin | ends_row):
            m.d.sync += number.eq(Mux(fields.left < 0, fields.left, 0))
        with m.Elif(ends_position):
            m.d.sync += number.eq(number + fields.step_x)

    def _begin_rows(self, m, filled):
        """Whether taps and the first window's pixels, which are read at the same time, are all there in this cycle."""
        has_taps, is_filled, begins = Signal(), Signal(), Signal(name="begins_rows")
        m.d.comb += begins.eq((self._has_taps | has_taps) & (filled | is_filled))
        m.d.sync += [has_taps.eq(self._has_taps | has_taps), is_filled.eq(filled | is_filled)]
        with m.If(begins | self.go | self.stop):
            m.d.sync += [has_taps.eq(0), is_filled.eq(0)]
        return begins

    def _count_pixels(self, m, name, starts, goes, across, size):
        """Steps of a row: whether one ends a pixel, and the row; the latter also when that is over; and if it is."""
        steps, ends, has_none = Signal(name=f"{name}_steps"), Signal(name=f"{name}_ends"), Signal(
            name=f"{name}_has_none", init=1)
        channels = Countdown(m, f"{name}_channels", restart=starts | ends, advance=steps,
                             total=self.record.fields.channels, size=size)
        pixels = Countdown(m, f"{name}_pixels", restart=starts, advance=ends, total=across)
        m.d.comb += [steps.eq(goes & ~has_none), ends.eq(steps & channels.is_last)]
        with m.If(starts):
            m.d.sync += has_none.eq(0)
        with m.Elif(ends & pixels.is_last):
            m.d.sync += has_none.eq(1)
        return channels.is_last, has_none | (pixels.is_last & channels.is_last), has_none

    def _walk(self, m, reader, row_starts, runs):
        """Groups of channels of positions: number of the group, and which columns of the window are in the source."""
        fields, config = self.record.fields, self.config
        together = config.lanes // config.depthwise
        group, ends_position, ends_row = Signal(range(DEPTHWISE_GROUPS)), Signal(), Signal()
        # Of the window's first pixel the column of the source.
        column = Signal(signed(LINE_BITS), reset_less=True)
        # Of the target the pixel, and the first of its row.
        at, row_at = Signal(ADDRESS_BITS, reset_less=True), Signal(ADDRESS_BITS, reset_less=True)
        channels = Countdown(m, "channels", restart=row_starts | ends_position, advance=runs, total=fields.channels,
                             size=config.depthwise)
        positions = Countdown(m, "positions", restart=row_starts, advance=ends_position, total=fields.target_width)
        lines = Countdown(m, "rows", restart=self.begin, advance=ends_row, total=fields.target_height)
        place = (group & together - 1) if together > 1 else 0
        m.d.comb += [ends_position.eq(runs & channels.is_last), ends_row.eq(ends_position & positions.is_last)]
        m.d.comb += [reader.word.eq(group >> ceil_log2(together)), reader.group.eq(place)]
        with m.If(self.begin):
            m.d.sync += [at.eq(fields.target), row_at.eq(fields.target)]
        with m.If(self.begin | ends_row):
            m.d.sync += column.eq(fields.left)
        with m.Elif(ends_position):
            m.d.sync += column.eq(column + fields.step_x)
        with m.If(row_starts | ends_position):
            m.d.sync += group.eq(0)
        with m.Elif(runs):
            m.d.sync += group.eq(group + 1)
        with m.If(ends_row):
            row = (row_at + fields.target_pitch)[:ADDRESS_BITS]
            m.d.sync += [at.eq(row), row_at.eq(row)]
        with m.Elif(ends_position):
            m.d.sync += at.eq(at + fields.target_pixel)
        word = group >> ceil_log2(together)
        ends = runs & (channels.is_last | (place == together - 1))
        # Channels from this word's first on.
        rest = channels.left + place * config.depthwise
        late = self.LATENCY
        m.d.comb += [
            self.next.eq(delayed(m, "next", ends, late - NEXT, reset=True)),
            self.valid.eq(delayed(m, "valid", self.next, NEXT, reset=True)),
            self.begins.eq(delayed(m, "begins", word == 0, late)),
            self.ends.eq(delayed(m, "ends", channels.is_last, late)),
            self.offset.eq(delayed(m, "offset", word * config.lanes, late)),
            self.is_end.eq(delayed(m, "is_end", ends_row & lines.is_last, late)),
            self.slot.eq(delayed(m, "slot", fields.parameters + word, late - 2)),
            self.target.eq(delayed(m, "target", (at + word * config.lanes)[:ADDRESS_BITS], late)),
            self.write.eq(delayed(m, "write", first_of(rest, config.lanes), late)),
        ]
        inside = Cat((column + across >= 0) & (column + across < fields.source_width) for across in range(COLUMNS))
        return delayed(m, "group_shown", group, 1), delayed(m, "inside", inside, 1)

    # Registers of what the reader shows, of pixels, products, sums of a row of taps, sums, and of the lanes' words.
    LATENCY = 5 + CYCLES

    def _multiply(self, m, platform, reader, taps, group, inside):
        """Products and their sums."""
        fields, config = self.record.fields, self.config
        together = config.lanes // config.depthwise
        place = group[:ceil_log2(together)]
        pixels = {}
        fill = Cat(fields.fill.as_unsigned() for _ in range(config.depthwise))
        for across in range(COLUMNS):
            for row in range(ROWS):
                pixels[row, across] = delayed(m, f"pixels_{row}_{across}",
                                              Mux(inside[across], reader.pixels[across][row], fill), 1)
        places = delayed(m, "place", place, self.LATENCY - 2) if together > 1 else None
        for channel in range(config.depthwise):
            rows = []
            for row in range(ROWS):
                products = [multiply(m, platform, f"product_{channel}_{row}_{across}",
                                     pixels[row, across][8 * channel:][:8].as_signed(),
                                     taps[COLUMNS * row + across][8 * channel:][:8].as_signed())
                            for across in range(COLUMNS)]
                rows.append(self._sum(m, platform, f"row_{channel}_{row}", products, ROW_BITS))
            total = self._sum(m, platform, f"total_{channel}", rows, SUM_BITS)
            for index in range(together):
                with m.If(places == index if together > 1 else 1):
                    m.d.sync += self.sums[config.depthwise * index + channel].eq(total)

    def _sum(self, m, platform, name, words, width):
        """A register of the sum of three words, in two chains of adders."""
        first, second, third = (Operand(word) for word in words)
        (both,) = add(m, platform, f"{name}_both", [Addition(first, second, width)])
        (total,) = add(m, platform, f"{name}_all", [Addition(Operand(both.as_signed()), third, width)])
        return registered(m, name, total).as_signed()
