"""Window reader: pixels of three rows, column by column, for the depthwise unit."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...config.widths import ceil_log2
from ...fabric.emitter import Platform
from ...fabric.memory import LutRam
from ...fabric.mux import choose, instantiate_choice
from ...fabric.register import registered
from ..control.countdown import Countdown
from ..control.delays import delayed
from ..control.descriptor import ADDRESS_BITS, record_layout
from ..memory.activation_memory import ActivationMemory
from ..memory.bounds import least_of, used_layout

ROWS, COLUMNS = 3, 3
# Columns that are kept, and in how many memories; both a power of two. A window may move in each cycle, so that beside
# its own columns as many are wanted as are on their way from the memory; of pixels of many words those are fewer.
KEPT, BANKS = 16, 4
# Columns that may be read until the reader knows that there is no room for more: in two cycles, and of pixels of
# several words.
LATE_COLUMNS, LATE_WIDE_COLUMNS = 2, 1
COUNT_BITS, LINE_BITS = 16, 18


class WindowReader(wiring.Component):
    """Reads a word of ``lanes`` channels of three rows in a cycle, as long as there is room for another column.

    Columns of all rows of windows are numbered through, without those that are beyond the source.

    Latency: a word that is read in a cycle is there `LATENCY` cycles later.

    Parameters
    ----------
    lanes : int
    words : int
        Of a pixel, at most.
    together : int
        Groups of channels in a word.

    Members
    -------
    record : ``In(record_layout)``
        The descriptor, a DEPTHWISE.
    begin : ``In(1)``
        For a cycle, two before the first read; ``record`` is new for some cycles.
    go : ``In(1)``
        For a cycle, the one before the first read.
    address : ``Out(ArrayLayout(ADDRESS_BITS, ROWS))``
        Of a word in each row.
    rows : ``Out(ROWS)``
        Which of the rows are within the source.
    used : ``Out(ArrayLayout(used_layout, ROWS))``
        Which bytes of each word are used, a cycle after the address.
    stop : ``In(1)``
        Nothing is read.
    data : ``In(ArrayLayout(8 * lanes, ROWS))``
        The words, `ActivationMemory.READ` cycles after the address.
    needed : ``In(COUNT_BITS)``
        Number of the first column that is still needed.
    row_columns : ``Out(COUNT_BITS)``
        Columns that are read of a row.
    word : ``In(range(words))``
        Word to show of ``COLUMNS`` columns in the next cycle.
    group : ``In(range(together))``
        Which group of it.
    column : ``In(range(KEPT))``
        Number of the first of these, modulo ``KEPT``.
    pixels : ``Out(ArrayLayout(ArrayLayout(8 * lanes // together, ROWS), COLUMNS))``
        What they hold, a cycle later; the fill byte of the record in rows beyond the source.
    """

    LATENCY = 2 + ActivationMemory.READ

    def __init__(self, *, lanes, words, together):
        self.lanes, self.words, self.together = lanes, words, together
        column, part = (data.ArrayLayout(width, ROWS) for width in (8 * lanes, 8 * lanes // together))
        super().__init__({
            "record": In(record_layout()), "begin": In(1), "go": In(1),
            "address": Out(data.ArrayLayout(ADDRESS_BITS, ROWS)), "rows": Out(ROWS), "data": In(column),
            "used": Out(data.ArrayLayout(used_layout(lanes), ROWS)), "stop": In(1), "needed": In(COUNT_BITS),
            "row_columns": Out(COUNT_BITS), "word": In(range(words)),
            "group": In(range(together)), "column": In(range(KEPT)), "pixels": Out(data.ArrayLayout(part, COLUMNS)),
        })

    def elaborate(self, platform):
        m = Module()
        fields = self.record.fields
        self._is_wide = registered(m, "is_wide", (fields.channels > self.lanes * self.words // 2) & (self.words > 1))
        goes, word, column, line = self._walk(m)
        late = ActivationMemory.READ
        m.d.comb += self.rows.eq(Cat((line + row >= 0) & (line + row < fields.source_height) for row in range(ROWS)))
        inside = delayed(m, "inside", self.rows, late)
        valid = delayed(m, "valid", goes, 1 + late, reset=True)
        word, column = (delayed(m, name, value, 1 + late) for name, value in (
            ("word_read", word), ("column_read", column)))
        m.d.sync += [self.used[row].end.eq(Mux(self.rows[row], self._count, 0)) for row in range(ROWS)]
        fill = Cat(fields.fill.as_unsigned() for _ in range(self.lanes))
        self._show(m, Platform.of(platform), valid, column, word,
                   Cat(Mux(inside[row], self.data[row], fill) for row in range(ROWS)))
        return m

    def _show(self, m, platform, valid, column, word, stored):
        """Columns in memories, of which those that follow one another are in different ones."""
        bank_bits, width = ceil_log2(BANKS), 8 * self.lanes // self.together
        first, group = registered(m, "first", self.column[:bank_bits]), registered(m, "group", self.group)
        shown = []
        for bank in range(BANKS):
            depth = max(KEPT // BANKS * self.words // 2, KEPT // BANKS)
            cells = platform.instantiate(m, f"columns_{bank}", "window_columns", LutRam, width=len(stored), depth=depth)
            # The one of the columns that follow one another that is in this bank.
            wanted = (self.column + ((bank - self.column)[:bank_bits]))[:ceil_log2(KEPT)]
            m.d.comb += [
                cells.write.eq(valid & (column[:bank_bits] == bank)),
                cells.write_address.eq(self._place(word, column[bank_bits:ceil_log2(KEPT)])),
                cells.write_data.eq(stored),
                cells.address.eq(registered(m, f"address_{bank}", self._place(self.word, wanted[bank_bits:]))),
            ]
            words = [cells.data.word_select(row, 8 * self.lanes) for row in range(ROWS)]
            chosen = [choose([value[width * part:][:width] for part in range(self.together)], group)
                      for value in words]
            shown.append(Cat(chosen))
        for index in range(COLUMNS):
            place = (first + index)[:bank_bits]
            m.d.comb += Value.cast(self.pixels[index]).eq(
                instantiate_choice(m, platform, f"pixels_{index}", shown, place))

    def _place(self, word, column):
        """The address of a word: pixels of more than half of the most words are half as many."""
        half = ceil_log2(self.words) - 1
        if half < 0:
            return column
        return Cat(word[:half], column[:-1], Mux(self._is_wide, word[half], column[-1]))

    def _walk(self, m):
        """Rows, columns and words: whether one is read, its word and column, and a cycle later its row."""
        fields, products = self.record.fields, self.record.products
        runs, goes, ends_column, ends_row = Signal(), Signal(), Signal(), Signal()
        word, read = Signal(range(self.words)), Signal(COUNT_BITS)
        at, row_at = Signal(ADDRESS_BITS, reset_less=True), Signal(ADDRESS_BITS, reset_less=True)
        y = Signal(signed(LINE_BITS), reset_less=True)
        line = Signal(signed(LINE_BITS), reset_less=True)
        # Columns from the first window's first to behind the last window's last; the first that is read of a row, and
        # its first byte.
        end = registered(m, "end", fields.left + products.span + fields.wide - fields.step_x)
        first_column = Mux(fields.left < 0, 0, fields.left)
        first = registered(m, "first", products.first - Mux(fields.left < 0, products.left, 0))[:ADDRESS_BITS]
        m.d.sync += self.row_columns.eq(Mux(end < fields.source_width, end, fields.source_width) - first_column)
        words = Countdown(m, "word", restart=self.begin | ends_column, advance=goes, total=fields.channels,
                          size=self.lanes)
        columns = Countdown(m, "column", restart=self.begin | ends_row, advance=ends_column, total=self.row_columns)
        lines = Countdown(m, "line", restart=self.begin, advance=ends_row, total=fields.target_height)
        m.d.comb += [goes.eq(runs & self._has_room(m, read)), ends_column.eq(goes & words.is_last),
                     ends_row.eq(ends_column & columns.is_last)]
        offset = word << ceil_log2(self.lanes)
        m.d.sync += [line.eq(y), *(self.address[row].eq(at + offset + (fields.source_pitch << (row == 2) if row else 0))
                                   for row in range(ROWS))]
        self._count = delayed(m, "count", Mux(goes, least_of(m, "least", words.left, self.lanes), 0), 1)
        with m.If(self.begin):
            m.d.sync += [at.eq(first), row_at.eq(first), y.eq(fields.top), read.eq(0), word.eq(0), runs.eq(0)]
        with m.Elif(self.go):
            m.d.sync += runs.eq(1)
        with m.Elif(self.stop):
            m.d.sync += runs.eq(0)
        with m.Elif(goes):
            m.d.sync += word.eq(word + 1)
            with m.If(words.is_last):
                m.d.sync += [word.eq(0), read.eq(read + 1), at.eq(at + fields.source_pixel)]
                with m.If(columns.is_last):
                    row = (row_at + products.step_y_bytes)[:ADDRESS_BITS]
                    m.d.sync += [at.eq(row), row_at.eq(row), y.eq(y + fields.step_y), runs.eq(~lines.is_last)]
        return goes, word, read, line

    def _has_room(self, m, read):
        """Whether there is room for another column: found two cycles before, in which some may be read."""
        ahead, has_room = Signal(COUNT_BITS), Signal()
        kept = Mux(self._is_wide, KEPT // 2 - LATE_WIDE_COLUMNS, KEPT - LATE_COLUMNS)
        m.d.sync += [ahead.eq(read - self.needed), has_room.eq(ahead < kept)]
        with m.If(self.begin):
            m.d.sync += [ahead.eq(0), has_room.eq(1)]
        return has_room
