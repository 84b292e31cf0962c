"""Memory built-in self-test: march tests of the stored weights, and zeroize."""

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...golden.march_tests import PROGRAMS
from ..config.widths import ceil_log2
from ..fabric.emitter import Platform
from .data_background import DataBackground
from .march_sequencer import MarchOperation, MarchSequencer
from .response_comparator import ResponseComparator


def beat_count(config):
    """Maximum number of beats of a row of weights or of a vector."""
    return max(config.vector_beats, config.row_beats)


class MemoryBist(wiring.Component):
    """Generates the rows to write and the vectors to read rows with, and compares what is read.

    A row is written through the loader, and read with a vector that is one in that row and zero in all others, so that
    the totals are the weights of the row.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    start : ``In(1)``
        See `MarchSequencer`.
    program : ``In(range(len(PROGRAMS)))``
        See `MarchSequencer`.
    advance : ``In(1)``
        See `MarchSequencer`.
    is_last : ``Out(1)``
        See `MarchSequencer`.
    step : ``Out(MarchOperation)``
        See `MarchSequencer`.
    bank : ``Out(range(banks))``
        See `MarchSequencer`.
    row : ``Out(range(rows))``
        See `MarchSequencer`.
    prepare : ``In(1)``
        Generate the background of the current operation.
    beat : ``In(range(beat_count))``
        Number of the beat of the current row or vector.
    row_beat : ``Out(weight_stream_bits)``
        That beat of the row to write.
    vector_beat : ``Out(input_stream_bits)``
        That beat of the vector to read the row with.
    check_weights : ``Out(check_columns * weight_bits)``
        Weights of the checksum columns.
    group : ``In(range(groups))``
        See `ResponseComparator`.
    totals : ``In(ArrayLayout(total_width, lanes))``
        See `ResponseComparator`.
    check_totals : ``In(ArrayLayout(total_width, check_columns))``
        See `ResponseComparator`.
    differs : ``Out(1)``
        See `ResponseComparator`.
    column : ``Out(range(columns))``
        See `ResponseComparator`.
    """

    def __init__(self, *, config):
        self.config = config
        macro, width = config.macro, config.macro.total_width
        super().__init__({
            "start": In(1), "program": In(range(len(PROGRAMS))), "advance": In(1), "is_last": Out(1),
            "step": Out(MarchOperation), "bank": Out(range(macro.banks)), "row": Out(range(macro.rows)),
            "prepare": In(1), "beat": In(range(beat_count(config))), "row_beat": Out(config.weight_stream_bits),
            "vector_beat": Out(config.input_stream_bits),
            "check_weights": Out(config.check_columns * macro.weight_bits),
            "group": In(range(config.groups)), "totals": In(data.ArrayLayout(width, config.lanes)),
            "check_totals": In(data.ArrayLayout(width, config.check_columns)),
            "differs": Out(1), "column": Out(range(config.array.columns)),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        config = self.config
        sequencer = platform.instantiate(
            m, "sequencer", "march_sequencer", MarchSequencer, banks=config.macro.banks, rows=config.macro.rows,
            backgrounds=DataBackground.count(config))
        background = platform.instantiate(m, "background", "data_background", DataBackground, config=config)
        comparator = platform.instantiate(m, "comparator", "response_comparator", ResponseComparator, config=config)
        m.d.comb += [
            sequencer.start.eq(self.start),
            sequencer.program.eq(self.program),
            sequencer.advance.eq(self.advance),
            self.is_last.eq(sequencer.is_last),
            self.step.eq(sequencer.step),
            self.bank.eq(sequencer.bank),
            self.row.eq(sequencer.row),
            background.number.eq(sequencer.background),
            background.inverts.eq(sequencer.step.inverts),
            background.load.eq(self.prepare),
            comparator.background.eq(background.o),
            comparator.group.eq(self.group),
            comparator.totals.eq(self.totals),
            comparator.check_totals.eq(self.check_totals),
            self.differs.eq(comparator.differs),
            self.column.eq(comparator.column),
            self.row_beat.eq(self._row_beat(background)),
            self.vector_beat.eq(self._vector_beat()),
            self.check_weights.eq(self._check_weights(background.o)),
        ]
        return m

    def _row_beat(self, background):
        """Weights of the background, as elements of a beat."""
        config, pattern = self.config, background.o.pattern
        inverts_beat = (background.o.mask[ceil_log2(DataBackground.per_beat(config)):] & self.beat).any()
        return Cat(Cat(pattern ^ (inverts | inverts_beat).replicate(len(pattern)),
                       Const(0, 8 * config.weight_bytes - len(pattern))) for inverts in background.inverts_element)

    def _vector_beat(self):
        """One for the current row, zero for the others."""
        config = self.config
        per_beat = config.input_stream_bits // 8 // config.input_bytes
        position = ceil_log2(per_beat)
        here = self.row[position:] == self.beat
        return Cat(Cat(here & (self.row[:position] == index), Const(0, 8 * config.input_bytes - 1))
                   for index in range(per_beat))

    def _check_weights(self, background):
        config, bits = self.config, ceil_log2(self.config.array.columns)
        return Cat(DataBackground.weight(background, Const(config.macro.columns + index, bits))
                   for index in range(config.check_columns))
