"""Self-test: march tests and known answers instead of the input streams, and their result."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.march_tests import PROGRAMS
from ..axi.axi_stream import beat_layout
from ..bist.logic_bist import LogicBist
from ..bist.march_sequencer import ZEROIZE
from ..bist.memory_bist import MemoryBist, beat_count
from ..fabric.emitter import Platform
from .source_switch import TAKEOVER

# Cycles that a program waits for packets and vectors that have begun.
TIMEOUT_CYCLES = 1024


def fault_layout(config):
    """Where a weight is."""
    return data.StructLayout({"bank": range(config.macro.banks), "row": range(config.macro.rows),
                              "column": range(config.array.columns)})


class SelfTest(wiring.Component):
    """Runs a program on all rows of all banks, as the source of both input streams.

    Each operation writes a row through the loader, or reads one with a vector whose totals are sampled, so the macro
    needs no test port. `MemoryBist` sequences the operations and compares; for the program of known answers `LogicBist`
    generates rows and vectors (all planes, signed) and checks a signature.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    start : ``In(1)``
        For a cycle: run ``program``.
    program : ``In(range(len(PROGRAMS)))``
        Which one of ``PROGRAMS``, in their order.
    ready : ``In(1)``
        No vector is in flight, and no packet has begun.
    running : ``Out(1)``
        A program waits for ``ready``, or runs.
    done : ``Out(1)``
        For a cycle: it has ended.
    failed : ``Out(1)``
        Since the start of the program something was read that was not written, or the signature is wrong.
    passed : ``Out(1)``
        The last program has ended without a failure.
    zeroized : ``Out(1)``
        That program was a zeroize, and no row was written since.
    fault : ``Out(fault_layout)``
        The first weight that was read wrong.
    written : ``In(1)``
        The macro takes a row of weights.
    storing : ``In(1)``
        A row that the loader has accepted is not written yet.
    takeover : ``Out(TAKEOVER)``
        Takeover of the input streams.
    will_abort : ``Out(1)``
        ``takeover.abort`` in the next cycle.
    forget : ``Out(1)``
        The next beat of ``load``, or of its source, starts another row.
    vector : ``Out(stream)``
        `beat_layout`: vectors that read.
    load : ``Out(stream)``
        `beat_layout`: rows of weights.
    dense : ``Out(1)``
        Rows and vectors are pseudo-random patterns.
    bank : ``Out(range(banks))``
        To read or write.
    row : ``Out(range(rows))``
        To read or write.
    check_weights : ``Out(check_columns * weight_bits)``
        Weights of the checksum columns, unless ``dense``.
    sample : ``In(1)``
        ``totals`` are of what is read.
    group : ``In(range(groups))``
        Of which columns.
    totals : ``In(ArrayLayout(total_width, lanes))``
        Of these, the lowest column first.
    check_totals : ``In(ArrayLayout(total_width, check_columns))``
        Of the checksum columns.
    """

    def __init__(self, *, config):
        self.config = config
        macro, width = config.macro, config.macro.total_width
        super().__init__({
            "start": In(1), "program": In(range(len(PROGRAMS))), "ready": In(1), "running": Out(1), "done": Out(1),
            "failed": Out(1), "passed": Out(1), "zeroized": Out(1), "fault": Out(fault_layout(config)),
            "written": In(1), "storing": In(1), "takeover": Out(TAKEOVER), "will_abort": Out(1),
            "forget": Out(1),
            "vector": Out(stream.Signature(beat_layout(config.input_stream_bits))),
            "load": Out(stream.Signature(beat_layout(config.weight_stream_bits))),
            "dense": Out(1), "bank": Out(range(macro.banks)), "row": Out(range(macro.rows)),
            "check_weights": Out(config.check_columns * macro.weight_bits),
            "sample": In(1), "group": In(range(config.groups)), "totals": In(data.ArrayLayout(width, config.lanes)),
            "check_totals": In(data.ArrayLayout(width, config.check_columns)),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        memory_bist = platform.instantiate(m, "memory_bist", "memory_bist", MemoryBist, config=self.config)
        logic_bist = platform.instantiate(m, "logic_bist", "logic_bist", LogicBist, config=self.config)
        # What is needed of the current operation, from its preparation on.
        self._step = step = Signal(data.StructLayout({"reads": 1, "dense": 1}), name="step", reset_less=True)
        with m.If(memory_bist.prepare):
            m.d.sync += [step.reads.eq(memory_bist.step.reads), step.dense.eq(memory_bist.step.dense)]
        m.d.comb += [
            memory_bist.program.eq(self.program),
            self.bank.eq(memory_bist.bank),
            self.row.eq(memory_bist.row),
            self.check_weights.eq(memory_bist.check_weights),
            self.dense.eq(step.dense),
        ]
        for bist in (memory_bist, logic_bist):
            m.d.comb += [bist.totals.eq(self.totals), bist.check_totals.eq(self.check_totals)]
        m.d.comb += [memory_bist.group.eq(self.group), logic_bist.start.eq(self.start)]
        begins = Signal()
        offers = Signal()
        self._send(m, memory_bist, logic_bist, begins, offers)
        self._sequence(m, memory_bist, begins, offers)
        self._update_result(m, memory_bist, logic_bist)
        self._hold_sources(m, begins)
        return m

    def _send(self, m, memory_bist, logic_bist, begins, offers):
        """Beats of a row or vector, each made in the cycle before it is offered."""
        config, step = self.config, self._step
        # The next one to make, the first if the last is offered.
        beat = Signal(range(beat_count(config)))
        vector, load = self.vector.payload, self.load.payload
        makes = Signal()
        is_last = Signal(reset_less=True)
        makes_last = Mux(step.reads, beat == config.vector_beats - 1, beat == config.row_beats - 1)
        row_beat = Signal.like(load.data, name="row_beat", reset_less=True)
        vector_beat = Signal.like(vector.data, name="vector_beat", reset_less=True)
        taken = Signal()
        offers_vector = Signal()
        offers_row = Signal()
        with m.If(makes):
            m.d.sync += [row_beat.eq(Mux(step.dense, logic_bist.pattern, memory_bist.row_beat)),
                         vector_beat.eq(Mux(step.dense, logic_bist.pattern, memory_bist.vector_beat))]
        m.d.comb += [
            memory_bist.beat.eq(beat),
            load.data.eq(row_beat),
            load.keep.eq(-1),
            load.last.eq(is_last),
            vector.data.eq(vector_beat),
            vector.keep.eq(-1),
            vector.last.eq(is_last),
            self.vector.valid.eq(offers_vector),
            self.load.valid.eq(offers_row),
            offers.eq(offers_vector | offers_row),
            taken.eq(offers_vector & self.vector.ready | offers_row & self.load.ready),
            # A beat before the last is accepted at once.
            makes.eq(begins | offers & ~is_last),
            logic_bist.next.eq(makes & step.dense),
        ]
        with m.If(makes):
            m.d.sync += [offers_vector.eq(step.reads), offers_row.eq(~step.reads), is_last.eq(makes_last),
                         beat.eq(Mux(makes_last, 0, beat + 1))]
        with m.Elif(taken):
            m.d.sync += [offers_vector.eq(0), offers_row.eq(0)]

    def _sequence(self, m, memory_bist, begins, offers):
        """One operation after the other: prepare it, make its beats, send them, sample what is read, go on."""
        waited = Signal(range(TIMEOUT_CYCLES + 1))
        # A register for each state; ``active`` and ``abort`` are late, which ``hold`` covers.
        waits, prepares, sends, samples, advances = (
            Signal(name=name) for name in ("waits", "prepares", "sends", "samples", "advances"))
        is_done = Signal()
        is_long = Signal()
        m.d.comb += [
            is_done.eq(Mux(self._step.reads, self.sample & (self.group == self.config.groups - 1), ~self.storing)),
            is_long.eq(waited >= TIMEOUT_CYCLES - 1),
            memory_bist.start.eq(self.start & ~self.running),
            memory_bist.prepare.eq(prepares),
            memory_bist.advance.eq(advances),
        ]
        m.d.sync += [
            self.running.eq(memory_bist.start | self.running & ~self.done),
            waits.eq(memory_bist.start | waits & ~self.ready),
            prepares.eq(waits & self.ready | advances & ~memory_bist.is_last),
            begins.eq(prepares),
            sends.eq(begins | sends & offers),
            samples.eq(sends & ~offers | samples & ~is_done),
            advances.eq(samples & is_done),
            self.done.eq(advances & memory_bist.is_last),
            self.takeover.active.eq(self.running & ~waits),
            self.will_abort.eq(waits & ~self.ready & is_long),
            self.takeover.abort.eq(self.will_abort),
        ]
        with m.If(waits):
            m.d.sync += waited.eq(Mux(self.ready, 0, Mux(is_long, TIMEOUT_CYCLES, waited + 1)))

    def _update_result(self, m, memory_bist, logic_bist):
        """Results of the current program, and of the last one."""
        dense, sample = self._step.dense, self.takeover.active & self.sample
        clears = Signal()
        # What differs, a cycle later, in which bank and row are still those of the sample.
        differed = Signal()
        column = Signal.like(memory_bist.column, name="column", reset_less=True)
        m.d.comb += logic_bist.compact.eq(sample)
        m.d.sync += [differed.eq(sample & memory_bist.differs), column.eq(memory_bist.column)]
        with m.If(memory_bist.start):
            m.d.sync += self.failed.eq(0)
        with m.Elif(memory_bist.advance & memory_bist.is_last & dense & ~logic_bist.passed):
            m.d.sync += self.failed.eq(1)
        with m.Elif(differed & ~self.failed & ~dense):
            m.d.sync += [self.failed.eq(1), self.fault.bank.eq(self.bank), self.fault.row.eq(self.row),
                         self.fault.column.eq(column)]
        with m.If(self.start):
            m.d.sync += [self.passed.eq(0), self.zeroized.eq(0), clears.eq(self.program == ZEROIZE)]
        with m.Elif(self.done):
            m.d.sync += [self.passed.eq(~self.failed), self.zeroized.eq(clears & ~self.failed)]
        with m.Elif(self.written):
            m.d.sync += self.zeroized.eq(0)

    def _hold_sources(self, m, begins):
        """Hold the sources for two more cycles after a program, as ``active`` is late, and for one after a reset."""
        ended = Signal()
        released = Signal()
        hold = Signal(init=1)
        m.d.sync += [ended.eq(self.done), released.eq(ended), hold.eq(self.start | self.running | ended)]
        m.d.comb += [
            self.takeover.hold.eq(hold),
            self.forget.eq(begins | self.takeover.abort | released),
        ]
