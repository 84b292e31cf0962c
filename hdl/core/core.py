"""The core: a macro with its streams, registers, requantizer and self-test on buses."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..axi.axi_stream import beat_layout
from ..axi.bursts import dma_signature
from ..csr.buses import BUS_COMPONENTS, connect_bus
from ..csr.register_file import RegisterFile
from ..csr.register_map import register_map
from ..fabric.emitter import Platform
from ..macro.macro import Macro
from .checksum import RowChecksum, TotalsCheck
from .error_log import ErrorLog
from .performance_counters import Performance
from .register_connections import (
    connect_counters,
    connect_dma,
    connect_errors,
    connect_events,
    connect_idle,
    connect_loader,
    connect_requantizer,
    connect_self_test,
    connect_status,
    connect_vectors,
)
from .requantizer import SHOWN, Requantizer
from .result_packer import ResultPacker, result_beat_layout
from .self_test import SelfTest
from .source_switch import SourceSwitch
from .vector_input import VectorInput
from .vector_tracker import VectorTracker
from .weight_loader import Loader


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
    dma : ``Out(dma_signature)``
        Transfers, if there is a DMA.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "s_axis": In(stream.Signature(beat_layout(config.input_stream_bits))),
            "s_axis_w": In(stream.Signature(beat_layout(config.weight_stream_bits))),
            "m_axis": Out(stream.Signature(result_beat_layout(config))),
            "bus": Out(wiring.Signature(BUS_COMPONENTS[config.bus].PORTS)),
            "irq": Out(1), **({"dma": Out(dma_signature(config.dma))} if config.dma else {}),
        })

    def elaborate(self, platform):
        platform, config = Platform.of(platform), self.config
        m = Module()

        def add(name, cls, **parameters):
            return platform.instantiate(m, name, name, cls, **parameters)

        front = add("front", BUS_COMPONENTS[config.bus])
        registers = add("registers", RegisterFile, registers=register_map(config))
        test = add("self_test", SelfTest, config=config)
        vectors = add("vectors", VectorInput, config=config)
        loader = add("loader", Loader, config=config)
        macro = add("macro", Macro, config=config.array, has_plane_mask=True)
        tracker = add("tracker", VectorTracker, config=config, max_in_requantizer=Requantizer.max_vectors(config))
        requantizer = add("requantizer", Requantizer, config=config)
        packer = add("packer", ResultPacker, config=config, latency=Requantizer.max_vectors(config))
        errors = add("errors", ErrorLog, has_dma=bool(config.dma))
        vector_source = add("vector_source", SourceSwitch, bits=config.input_stream_bits)
        load_source = add("load_source", SourceSwitch, bits=config.weight_stream_bits)
        connect_bus(m, self.bus, front, registers)
        self._connect_source(m, vector_source, self.s_axis, test.vector, vectors, test.takeover)
        self._connect_source(m, load_source, self.s_axis_w, test.load, loader, test.takeover)
        m.d.comb += load_source.changes.eq(registers.load.writing)
        connect_vectors(m, self, registers, test, vectors)
        connect_loader(m, self, registers, test, loader)
        # A vector that is offered to the macro comes before a row of the same bank.
        m.d.comb += loader.held.eq(vectors.i.valid & (vectors.i.payload.bank == loader.target.bank))
        self._connect_macro(m, vectors, macro, tracker, requantizer, test.takeover)
        self._connect_results(m, requantizer, packer, tracker, test)
        if config.requantizes:
            wiring.connect(m, loader.parameters, requantizer.write)
            connect_requantizer(m, registers, tracker, requantizer)
        if config.checksum:
            self._connect_rows(m, loader, add("row_checksum", RowChecksum, config=config), macro, test)
            check = add("totals_check", TotalsCheck, config=config)
            self._connect_check(m, requantizer, check, packer)
            m.d.comb += registers.interrupt_status.checksum.set.eq(check.mismatch)
        else:
            wiring.connect(m, loader.write, macro.write)
        connect_self_test(m, registers, test)
        self._connect_self_test(m, vectors, loader, macro, tracker, requantizer, test)
        connect_idle(m, registers, vectors, tracker, packer, test)
        connect_errors(m, registers, vectors, loader, test.takeover, errors)
        connect_status(m, self, registers, loader, tracker, test)
        connect_events(m, self, registers, loader, test, errors)
        if config.dma:
            connect_dma(m, self, registers, loader, errors)
        performance = add("performance", Performance, max_skipped=config.macro.input_bits - 1)
        connect_counters(m, self, registers, vectors, tracker, performance)
        return m

    @staticmethod
    def _connect_source(m, switch, source, test, block, takeover):
        """Connect a stream, or the self-test instead of it, to a block."""
        wiring.connect(m, wiring.flipped(source), switch.source)
        wiring.connect(m, test, switch.test)
        wiring.connect(m, takeover, switch.takeover)
        wiring.connect(m, switch.o, block.s)
        m.d.comb += switch.within.eq(block.within)

    @staticmethod
    def _connect_macro(m, vectors, macro, tracker, requantizer, takeover):
        """Vectors and their tags into the macro and the tracker, totals and tags out of them."""
        wiring.connect(m, tracker.o, requantizer.tag)
        # The tracker has as much room as the macro, and is always ready.
        m.d.comb += [
            macro.i.valid.eq(vectors.i.valid),
            tracker.i.valid.eq(vectors.completes),
            vectors.i.ready.eq(macro.i.ready),
            Value.cast(macro.i.payload).eq(Value.cast(vectors.i.payload)),
            tracker.i.payload.set.eq(vectors.tag.set),
            tracker.i.payload.wanted.eq(vectors.tag.wanted & ~takeover.active),
            tracker.i.payload.for_self_test.eq(takeover.active),
            requantizer.i.valid.eq(macro.o.valid),
            macro.o.ready.eq(requantizer.i.ready),
            tracker.squash.eq(requantizer.squash),
            # Those of the checksum are the last.
            Value.cast(requantizer.i.payload).eq(Value.cast(macro.o.payload.y)),
        ]

    def _connect_results(self, m, requantizer, packer, tracker, test):
        wiring.connect(m, requantizer.o, packer.i)
        wiring.connect(m, packer.o, wiring.flipped(self.m_axis))
        m.d.comb += [
            requantizer.flush.eq(test.will_abort),
            tracker.ended.eq(requantizer.o.valid & requantizer.o.last),
            tracker.ended_set.eq(requantizer.last_set),
        ]

    @staticmethod
    def _connect_rows(m, loader, rows, macro, test):
        """Add the checksum to rows for the macro; march tests write all columns themselves."""
        wiring.connect(m, loader.write, rows.i)
        wiring.connect(m, rows.o, macro.write)
        m.d.comb += [
            rows.pending.eq(loader.offered),
            rows.override.eq(test.takeover.active & ~test.dense),
            rows.check_weights.eq(test.check_weights),
        ]

    def _connect_check(self, m, requantizer, check, packer):
        """Check groups of totals against the checksum; the result of the check comes with the last results."""
        shown = requantizer.shown
        m.d.comb += [
            check.taken.eq(shown.taken),
            check.first.eq(shown.group == 0),
            check.last.eq(shown.last),
            Value.cast(check.totals).eq(Value.cast(shown.totals)),
            Value.cast(check.check_totals).eq(Value.cast(shown.check_totals)),
        ]
        wrong = check.mismatch
        for cycle in range(Requantizer.max_vectors(self.config) - SHOWN - TotalsCheck.cycles(self.config)):
            register = Signal(name=f"wrong_{cycle}", reset_less=True)
            m.d.sync += register.eq(wrong)
            wrong = register
        m.d.comb += packer.wrong.eq(wrong)

    @staticmethod
    def _connect_self_test(m, vectors, loader, macro, tracker, requantizer, test):
        """What the self-test sees of the data path: the totals that it reads, whether it may begin, rows written."""
        ready = Signal()
        # Nothing begins any more once it waits.
        m.d.sync += ready.eq(test.running & tracker.empty & ~vectors.within & ~loader.within & ~loader.pending)
        m.d.comb += [
            test.sample.eq(requantizer.shown.sampled),
            test.group.eq(requantizer.shown.group),
            Value.cast(test.totals).eq(Value.cast(requantizer.shown.totals)),
            Value.cast(test.check_totals).eq(Value.cast(requantizer.shown.check_totals)),
            test.ready.eq(ready),
            test.storing.eq(loader.pending),
            test.written.eq(macro.write.valid & macro.write.ready),
        ]
