"""Window reader: pixels of three rows, column by column, for the depthwise unit."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...config.widths import ceil_log2
from ...fabric.emitter import Platform
from ...fabric.memory import LutRam
from ..control.delays import delayed
from ..control.descriptor import ADDRESS_BITS, record_layout
from ..memory.activation_memory import ActivationMemory
from ..memory.bounds import least_of, used_layout

ROWS, COLUMNS = 3, 3
# Columns that are kept, and in how many memories; both a power of two. A window may move in each cycle, so that beside
# its own columns as many are wanted as are on their way from the memory.
KEPT, BANKS = 16, 4
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

    Members
    -------
    record : ``In(record_layout)``
        The descriptor, a DEPTHWISE.
    begin : ``In(1)``
        For a cycle, two before the first read: ``record`` is new.
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
    first_column : ``Out(signed(LINE_BITS))``
        Column of the source of the first that is read of a row.
    row_columns : ``Out(COUNT_BITS)``
        Columns that are read of a row.
    word : ``In(range(words))``
        Word to show of ``COLUMNS`` columns.
    column : ``In(range(KEPT))``
        Number of the first of these, modulo ``KEPT``.
    pixels : ``Out(ArrayLayout(ArrayLayout(8 * lanes, ROWS), COLUMNS))``
        What they hold, in the same cycle.
    """

    LATENCY = 2 + ActivationMemory.READ

    def __init__(self, *, lanes, words):
        self.lanes, self.words = lanes, words
        column = data.ArrayLayout(8 * lanes, ROWS)
        super().__init__({
            "record": In(record_layout()), "begin": In(1), "go": In(1),
            "address": Out(data.ArrayLayout(ADDRESS_BITS, ROWS)), "rows": Out(ROWS), "data": In(column),
            "used": Out(data.ArrayLayout(used_layout(lanes), ROWS)), "stop": In(1), "needed": In(COUNT_BITS),
            "first_column": Out(signed(LINE_BITS)), "row_columns": Out(COUNT_BITS), "word": In(range(words)),
            "column": In(range(KEPT)), "pixels": Out(data.ArrayLayout(column, COLUMNS)),
        })

    def elaborate(self, platform):
        m = Module()
        goes, word, column, line = self._walk(m)
        fields = self.record.fields
        late = ActivationMemory.READ
        m.d.comb += self.rows.eq(Cat((line + row >= 0) & (line + row < fields.source_height) for row in range(ROWS)))
        inside = delayed(m, "inside", self.rows, late)
        valid = delayed(m, "valid", goes, 1 + late, reset=True)
        word, column = (delayed(m, name, value, 1 + late) for name, value in (
            ("word_read", word), ("column_read", column)))
        m.d.sync += [self.used[row].end.eq(Mux(self.rows[row], self._count, 0)) for row in range(ROWS)]
        fill = Cat(fields.fill.as_unsigned() for _ in range(self.lanes))
        stored = Cat(Mux(inside[row], self.data[row], fill) for row in range(ROWS))
        bank_bits, word_bits = ceil_log2(BANKS), ceil_log2(self.words)
        shown = []
        for bank in range(BANKS):
            cells = Platform.of(platform).instantiate(m, f"columns_{bank}", "window_columns", LutRam, width=len(stored),
                                                      depth=KEPT // BANKS << word_bits)
            # The one of the columns that follow one another that is in this bank.
            wanted = (self.column + ((bank - self.column)[:bank_bits]))[:ceil_log2(KEPT)]
            m.d.comb += [
                cells.write.eq(valid & (column[:bank_bits] == bank)),
                cells.write_address.eq(Cat(word[:word_bits], column[bank_bits:ceil_log2(KEPT)])),
                cells.write_data.eq(stored), cells.address.eq(Cat(self.word[:word_bits], wanted[bank_bits:])),
            ]
            shown.append(cells.data)
        for index in range(COLUMNS):
            place = (self.column + index)[:bank_bits]
            value = shown[0]
            for bank in range(1, BANKS):
                value = Mux(place == bank, shown[bank], value)
            m.d.comb += self.pixels[index].eq(value)
        return m

    def _walk(self, m):
        """Rows, columns and words: whether one is read, its word and column, and a cycle later its row."""
        fields, products = self.record.fields, self.record.products
        runs, goes = Signal(), Signal()
        word, read = Signal(range(self.words)), Signal(COUNT_BITS)
        words_left, columns_left, lines_left = (Signal(16, name=f"{name}_left", reset_less=True)
                                                for name in ("words", "columns", "lines"))
        at, row_at = Signal(ADDRESS_BITS, reset_less=True), Signal(ADDRESS_BITS, reset_less=True)
        y = Signal(signed(LINE_BITS), reset_less=True)
        line = Signal(signed(LINE_BITS), reset_less=True)
        # Columns from the first window's first to behind the last window's last.
        end = Signal(signed(COUNT_BITS + 4))
        first = Mux(fields.left < 0, products.first - products.left, products.first)
        m.d.comb += [
            self.first_column.eq(Mux(fields.left < 0, 0, fields.left)),
            end.eq(fields.left + products.span + fields.wide - fields.step_x),
            self.row_columns.eq(Mux(end < fields.source_width, end, fields.source_width) - self.first_column),
            goes.eq(runs & ((read - self.needed)[:COUNT_BITS] < KEPT)),
        ]
        offset = word << ceil_log2(self.lanes)
        m.d.sync += [line.eq(y), *(self.address[row].eq(at + offset + (fields.source_pitch << (row == 2) if row else 0))
                                   for row in range(ROWS))]
        self._count = delayed(m, "count", Mux(goes, least_of(m, "least", words_left, self.lanes), 0), 1)
        with m.If(self.begin):
            m.d.sync += [at.eq(first), row_at.eq(first), y.eq(fields.top), read.eq(0), word.eq(0), runs.eq(0),
                         words_left.eq(fields.channels), columns_left.eq(self.row_columns),
                         lines_left.eq(fields.target_height)]
        with m.Elif(self.go):
            m.d.sync += runs.eq(1)
        with m.Elif(self.stop):
            m.d.sync += runs.eq(0)
        with m.Elif(goes):
            m.d.sync += [word.eq(word + 1), words_left.eq(words_left - self.lanes)]
            with m.If(words_left <= self.lanes):
                m.d.sync += [word.eq(0), words_left.eq(fields.channels), read.eq(read + 1),
                             columns_left.eq(columns_left - 1), at.eq(at + fields.source_pixel)]
                with m.If(columns_left == 1):
                    row = (row_at + products.step_y_bytes)[:ADDRESS_BITS]
                    m.d.sync += [columns_left.eq(self.row_columns), at.eq(row), row_at.eq(row),
                                 y.eq(y + fields.step_y), lines_left.eq(lines_left - 1), runs.eq(lines_left != 1)]
        return goes, word, read, line
