"""The core: a macro with its streams, registers, requantizer and self-test on buses."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.march_tests import PROGRAMS
from ..csr.apb import Apb
from ..csr.axi_lite import AxiLite
from ..csr.register_file import RegisterFile
from ..csr.wishbone import Wishbone
from ..fabric.emitter import Platform
from ..macro.macro import Macro
from .checksum import RowChecksum, TotalsCheck
from .error_log import ErrorLog
from .performance_counters import Performance
from .requantizer import Requantizer
from .result_packer import ResultPacker, beat_layout, result_beat_layout
from .self_test import SelfTest
from .source_switch import SourceSwitch
from .vector_input import VectorInput
from .vector_tracker import VectorTracker
from .weight_loader import Loader

BUS_COMPONENTS = {"axi": AxiLite, "wishbone": Wishbone, "apb": Apb}


class Core(wiring.Component):
    """A macro behind streams and registers.

    Vectors of ``s_axis`` give results at ``m_axis``, in order; ``s_axis_w`` loads weights and requantization
    parameters; the bus has the registers of `register_map`.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    s_axis : ``In(stream)``
        `beat_layout`: vectors.
    s_axis_w : ``In(stream)``
        `beat_layout`: rows of weights, or columns' parameters.
    m_axis : ``Out(stream)``
        `result_beat_layout`: results.
    bus : ``Out(PORTS)``
        Of the kind of bus that the configuration has.
    irq : ``Out(1)``
        High while an enabled event is pending.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "s_axis": In(stream.Signature(beat_layout(config.input_stream_bits))),
            "s_axis_w": In(stream.Signature(beat_layout(config.weight_stream_bits))),
            "m_axis": Out(stream.Signature(result_beat_layout(config))),
            "bus": Out(wiring.Signature(BUS_COMPONENTS[config.bus].PORTS)),
            "irq": Out(1),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        config = self.config

        def add(name, cls, **parameters):
            return platform.instantiate(m, name, name, cls, **parameters)

        front = add("front", BUS_COMPONENTS[config.bus])
        registers = add("registers", RegisterFile, config=config)
        test = add("self_test", SelfTest, config=config)
        vectors = add("vectors", VectorInput, config=config)
        loader = add("loader", Loader, config=config)
        macro = add("macro", Macro, config=config.array, has_plane_mask=True)
        tracker = add("tracker", VectorTracker, config=config, max_in_requantizer=Requantizer.max_vectors(config))
        requantizer = add("requantizer", Requantizer, config=config)
        packer = add("packer", ResultPacker, config=config)
        errors = add("errors", ErrorLog)
        self._connect_bus(m, front, registers)
        self._connect_source(m, add("vector_source", SourceSwitch, bits=config.input_stream_bits), self.s_axis,
                             test.vector, vectors, test.takeover)
        load_source = add("load_source", SourceSwitch, bits=config.weight_stream_bits)
        self._connect_source(m, load_source, self.s_axis_w, test.load, loader, test.takeover)
        m.d.comb += load_source.changes.eq(registers.load.written)
        self._connect_vector_settings(m, registers, test, vectors)
        self._connect_target(m, registers, test, loader)
        self._connect_macro(m, vectors, macro, tracker, requantizer, test.takeover)
        self._connect_results(m, requantizer, packer, tracker, test.takeover)
        if config.requantizes:
            self._connect_parameters(m, registers, loader, tracker, requantizer)
        if config.checksum:
            rows = add("row_checksum", RowChecksum, config=config)
            self._connect_rows(m, loader, rows, macro, test)
            check = add("totals_check", TotalsCheck, config=config)
            self._connect_check(m, macro, requantizer, check, packer, registers)
            m.d.comb += test.check_totals.eq(check.check_totals)
        else:
            wiring.connect(m, loader.write, macro.write)
        self._connect_self_test(m, registers, test, requantizer)
        m.d.comb += [
            test.ready.eq(tracker.empty & ~vectors.within & ~loader.within & ~loader.pending),
            test.written.eq(macro.write.valid & macro.write.ready),
            registers.status.idle.data.eq(tracker.empty & ~packer.busy & ~test.running & ~vectors.within),
        ]
        self._connect_errors(m, registers, vectors, loader, test.takeover, errors)
        self._connect_status(m, registers, loader, test, tracker)
        self._connect_events(m, registers, loader, test, errors)
        self._connect_counters(m, registers, vectors, test.takeover, add(
            "performance", Performance, max_skipped=config.macro.input_bits - 1))
        return m

    def _connect_bus(self, m, front, registers):
        wiring.connect(m, front.bus, registers.bus)
        ports = {path: port for path, _, port in front.signature.flatten(front)}
        for path, member, outer in self.bus.signature.flatten(self.bus):
            m.d.comb += ports[path].eq(outer) if member.flow == In else outer.eq(ports[path])

    @staticmethod
    def _connect_source(m, switch, source, test, block, takeover):
        """Connect a stream, or the self-test instead of it, to a block."""
        wiring.connect(m, wiring.flipped(source), switch.source)
        wiring.connect(m, test, switch.test)
        wiring.connect(m, takeover, switch.takeover)
        wiring.connect(m, switch.o, block.s)
        m.d.comb += switch.within.eq(block.within)

    def _connect_vector_settings(self, m, registers, test, vectors):
        """How vectors are computed: by the registers, or for the self-test without accumulation."""
        settings, chosen, vector = vectors.vector_settings, test.takeover.active, registers.vector
        m.d.comb += [
            settings.bits.eq(Mux(chosen, Mux(test.dense, self.config.macro.input_bits, 1), vector.bits.data)),
            settings.signed.eq(Mux(chosen, test.dense, vector.is_signed.data)),
            settings.bank.eq(Mux(chosen, test.bank, vector.bank.data)),
            settings.set.eq(Mux(chosen, 0, vector.set.data)),
            settings.accumulate_count.eq(Mux(chosen, 1, registers.accumulate.count.data)),
            vectors.restart.eq(registers.accumulate.written),
            vectors.no_accumulate.eq(chosen),
            vectors.flush.eq(test.takeover.abort),
        ]

    def _connect_target(self, m, registers, test, loader):
        """Where the loader stores: as the registers say, or in the row of the self-test."""
        target, chosen, load = loader.target, test.takeover.active, registers.load
        m.d.comb += [
            target.words.eq(~chosen & load.words.data),
            target.bank.eq(Mux(chosen, test.bank, load.bank.data)),
            target.first.eq(Mux(chosen, test.row, load.first.data)),
            loader.restart.eq(load.written | test.forget),
            loader.word.eq(registers.load_data.word.data),
            loader.word_valid.eq(registers.load_data.written & ~chosen),
            loader.locked.eq(registers.lock.locked.data & ~chosen),
        ]
        if self.config.requantizes:
            m.d.comb += [target.parameters.eq(~chosen & load.parameters.data), target.set.eq(~chosen & load.set.data)]

    @staticmethod
    def _connect_macro(m, vectors, macro, tracker, requantizer, takeover):
        """Vectors and their tags into the macro and the tracker, totals and tags out of them."""
        totals = requantizer.i
        # The tracker has as much room as the macro, so neither waits for the other.
        m.d.comb += [
            macro.i.valid.eq(vectors.i.valid & tracker.i.ready),
            tracker.i.valid.eq(vectors.i.valid & macro.i.ready),
            vectors.i.ready.eq(macro.i.ready & tracker.i.ready),
            Value.cast(macro.i.payload).eq(Value.cast(vectors.i.payload)),
            tracker.i.payload.set.eq(vectors.tag.set),
            tracker.i.payload.wanted.eq(vectors.tag.wanted & ~takeover.active),
            tracker.i.payload.for_self_test.eq(takeover.active),
            totals.valid.eq(macro.o.valid),
            macro.o.ready.eq(totals.ready),
            tracker.o.ready.eq(totals.valid & totals.ready),
            tracker.squash.eq(takeover.abort & ~requantizer.begun),
            Value.cast(totals.payload.totals).eq(Value.cast(macro.o.payload.y)[:len(Value.cast(totals.payload.totals))]),
            totals.payload.set.eq(tracker.o.payload.set),
            totals.payload.wanted.eq(tracker.o.payload.wanted),
            totals.payload.for_self_test.eq(tracker.o.payload.for_self_test),
        ]

    def _connect_results(self, m, requantizer, packer, tracker, takeover):
        wiring.connect(m, requantizer.o, packer.i)
        wiring.connect(m, packer.o, wiring.flipped(self.m_axis))
        m.d.comb += [
            requantizer.flush.eq(takeover.abort & requantizer.begun),
            packer.flush.eq(requantizer.flush),
            tracker.ended.eq(requantizer.o.valid & requantizer.o.last),
            tracker.ended_set.eq(requantizer.last_set),
        ]

    @staticmethod
    def _connect_parameters(m, registers, loader, tracker, requantizer):
        """Connect columns' parameters from the loader, and settings of all columns from the registers."""
        wiring.connect(m, loader.parameters, requantizer.write)
        sets = ((registers.offset_0, registers.clamp_0), (registers.offset_1, registers.clamp_1))
        for index, (offset, clamp) in enumerate(sets):
            settings = requantizer.settings[index]
            m.d.comb += [
                settings.double.eq(offset.rounds_twice.data),
                settings.zero_point.eq(offset.zero_point.data),
                settings.low.eq(clamp.low.data),
                settings.high.eq(clamp.high.data),
                offset.busy.eq(tracker.set_used[index]),
                clamp.busy.eq(tracker.set_used[index]),
            ]

    @staticmethod
    def _connect_rows(m, loader, rows, macro, test):
        """Add the checksum to rows for the macro; march tests write all columns themselves."""
        wiring.connect(m, loader.write, rows.i)
        wiring.connect(m, rows.o, macro.write)
        m.d.comb += [
            rows.pending.eq(loader.pending),
            rows.override.eq(test.takeover.active & ~test.dense),
            rows.check_weights.eq(test.check_weights),
        ]

    def _connect_check(self, m, macro, requantizer, check, packer, registers):
        """Check groups of totals against the checksum; the result of the check comes with the last results."""
        m.d.comb += [
            check.taken.eq(requantizer.o.taken),
            check.first.eq(requantizer.group == 0),
            check.last.eq(requantizer.o.taken_last),
            Value.cast(check.totals).eq(Value.cast(requantizer.totals)),
            Value.cast(check.check_totals).eq(Value.cast(macro.o.payload.y)[len(Value.cast(requantizer.i.payload.totals)):]),
        ]
        wrong = check.mismatch
        for cycle in range(Requantizer.max_vectors(self.config) - TotalsCheck.cycles(self.config)):
            register = Signal(name=f"wrong_{cycle}", reset_less=True)
            m.d.sync += register.eq(wrong)
            wrong = register
        m.d.comb += [packer.wrong.eq(wrong), registers.interrupt_status.checksum.set.eq(check.mismatch)]

    @staticmethod
    def _connect_self_test(m, registers, test, requantizer):
        commands = {"zeroize": registers.control.zeroize, "march_c_minus": registers.self_test.march_c_minus,
                    "march_ss": registers.self_test.march_ss, "known_answers": registers.self_test.known_answers}
        for number, name in enumerate(PROGRAMS):
            with m.If(commands[name].data):
                m.d.comb += [test.start.eq(1), test.program.eq(number)]
        m.d.comb += [
            test.sample.eq(requantizer.sample),
            test.group.eq(requantizer.group),
            Value.cast(test.totals).eq(Value.cast(requantizer.totals)),
            registers.control.busy.eq(test.running),
            registers.self_test.busy.eq(test.running),
            registers.fault.busy.eq(test.running),
            registers.status.running.data.eq(test.running),
            registers.status.failed.data.eq(test.failed & ~test.running),
            registers.status.passed.data.eq(test.passed),
            registers.status.zeroized.data.eq(test.zeroized),
            registers.fault.row.data.eq(test.fault.row),
            registers.fault.column.data.eq(test.fault.column),
            registers.fault.bank.data.eq(test.fault.bank),
        ]

    @staticmethod
    def _connect_errors(m, registers, vectors, loader, takeover, errors):
        was_aborting = Signal()
        m.d.sync += was_aborting.eq(takeover.abort)
        wiring.connect(m, vectors.faults, errors.vector)
        wiring.connect(m, loader.faults, errors.load)
        m.d.comb += [
            errors.muted.eq(takeover.active),
            errors.locked.eq(loader.refused),
            errors.aborted.eq(takeover.abort & ~was_aborting),
            errors.access.eq(registers.access_error),
            errors.clear.eq(registers.control.clear_error.data),
            registers.error.code.data.eq(errors.code),
            registers.error.count.data.eq(errors.count),
        ]

    def _connect_status(self, m, registers, loader, test, tracker):
        """Status of loading, and which registers are busy."""
        status, load_data = registers.status, registers.load_data
        m.d.comb += [
            status.loading.data.eq(loader.within | self.s_axis_w.valid & ~registers.load.words.data),
            status.load_ready.data.eq(loader.word_ready & ~test.running & ~registers.lock.locked.data),
            status.set_used.data.eq(tracker.set_used),
            loader.set_used.eq(tracker.set_used),
            registers.load_index.index.data.eq(loader.index),
            # A packet may begin in this cycle.
            registers.load.busy.eq(loader.within | test.running | self.s_axis_w.valid & self.s_axis_w.ready),
            load_data.busy.eq(~loader.word_ready | test.running | load_data.written),
        ]

    def _connect_events(self, m, registers, loader, test, errors):
        """Events, and the interrupt."""
        status, enable = registers.interrupt_status, registers.interrupt_enable
        m.d.comb += [
            status.error.set.eq(errors.happens),
            status.result.set.eq(self.m_axis.valid & self.m_axis.payload.last & self.m_axis.ready),
            status.loaded.set.eq(loader.loaded & ~test.takeover.active),
            status.finished.set.eq(test.done),
        ]
        events = [(status.error, enable.error), (status.result, enable.result), (status.loaded, enable.loaded),
                  (status.finished, enable.finished)]
        if self.config.checksum:
            events.append((status.checksum, enable.checksum))
        m.d.sync += self.irq.eq(Cat(event.data & enabled.data for event, enabled in events).any())

    def _connect_counters(self, m, registers, vectors, takeover, performance):
        taken = vectors.i.valid & vectors.i.ready & ~takeover.active
        m.d.comb += [
            performance.clear.eq(registers.control.clear_counters.data),
            performance.vector.eq(taken),
            performance.skipped.eq(Mux(taken, vectors.skipped, 0)),
            performance.input_stall.eq(self.s_axis.valid & ~self.s_axis.ready),
            performance.output_stall.eq(self.m_axis.valid & ~self.m_axis.ready),
            registers.cycles.count.data.eq(performance.cycles),
            registers.vectors.count.data.eq(performance.vectors),
            registers.planes_skipped.count.data.eq(performance.planes_skipped),
            registers.input_stalls.count.data.eq(performance.input_stalls),
            registers.output_stalls.count.data.eq(performance.output_stalls),
        ]
