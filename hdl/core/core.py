"""The core: a macro with its streams, registers, requantizer and march on buses."""

from amaranth.hdl import Const, Module, Mux, Signal, Value
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
from .result_packer import ResultPacker, beat_layout, result_layout
from .self_test import March
from .vector_input import VectorInput, orders_layout
from .vector_tracker import Flight
from .weight_loader import Loader, target_layout

BUSES = {"axi": AxiLite, "wishbone": Wishbone, "apb": Apb}
EVENTS = ("error", "result", "loaded", "finished")


class Core(wiring.Component):
    """A macro behind streams and registers.

    Vectors of ``s_axis`` give results at ``m_axis``, in order; ``s_axis_w`` loads weights and requantization
    parameters; the bus has the registers of `register_map`.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    bus
        Ports of the kind of bus that the configuration has.
    s_axis, s_axis_w, m_axis : stream
        `beat_layout`, `result_layout`.
    irq : ``Out(1)``
        High while an enabled interrupt is pending.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "s_axis": In(stream.Signature(beat_layout(config.input_stream_bits))),
            "s_axis_w": In(stream.Signature(beat_layout(config.weight_stream_bits))),
            "m_axis": Out(stream.Signature(result_layout(config))),
            "bus": Out(wiring.Signature(BUSES[config.bus].PORTS)),
            "irq": Out(1),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        config = self.config

        def add(name, cls, **parameters):
            return platform.instantiate(m, name, name, cls, **parameters)

        self.registers = add("registers", RegisterFile, config=config)
        self.march = add("march", March, config=config)
        self.vectors = add("vectors", VectorInput, config=config)
        self.loader = add("loader", Loader, config=config)
        self.macro = add("macro", Macro, config=config.array, told=True)
        self.flight = add("flight", Flight, config=config, behind=Requantizer.most(config))
        self.requantizer = add("requantizer", Requantizer, config=config)
        self.packer = add("packer", ResultPacker, config=config)
        self.errors = add("errors", ErrorLog)
        self.performance = add("performance", Performance, most=config.macro.input_bits - 1)
        self._connect_bus(m, add("front", BUSES[config.bus]))
        self._connect_sources(m)
        self._connect_macro(m)
        self._connect_results(m)
        if config.checksum:
            self._connect_checksum(m, add("row_checksum", RowChecksum, config=config),
                                   add("totals_check", TotalsCheck, config=config))
        self._connect_march(m)
        self._connect_errors(m)
        self._connect_status(m)
        return m

    def _connect_bus(self, m, front):
        wiring.connect(m, front.bus, self.registers.bus)
        for name, member in BUSES[self.config.bus].PORTS.items():
            inner, outer = getattr(front, name), getattr(self.bus, name)
            m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)

    def _connect_sources(self, m):
        """The streams into vectors and loader, or the march in their place; neither within a packet."""
        march, registers = self.march, self.registers
        ended = Signal(name="march_ended")
        awake = Signal()
        # In the first cycle after a reset a source may not know yet that it is over.
        m.d.sync += [ended.eq(march.done), awake.eq(1)]
        for name, outer, own, block, changes in (
                ("vectors", self.s_axis, march.vector, self.vectors, 0),
                ("loader", self.s_axis_w, march.load, self.loader, registers.load_written)):
            is_open, rest = Signal(name=f"{name}_open"), Signal(name=f"{name}_rest")
            with m.If(march.cuts & block.within):
                m.d.sync += rest.eq(1)
            with m.Elif(outer.valid & outer.payload.last):
                m.d.sync += rest.eq(0)
            m.d.comb += [
                is_open.eq((~(march.running | ended) | block.within) & ~(march.cuts | rest | changes) & awake),
                block.s.valid.eq(Mux(march.active, own.valid, outer.valid & is_open)),
                Value.cast(block.s.payload).eq(Mux(march.active, Value.cast(own.payload), Value.cast(outer.payload))),
                outer.ready.eq(block.s.ready & is_open & ~march.active | rest),
                own.ready.eq(block.s.ready),
            ]
        orders, target = Signal(orders_layout(self.config)), Signal(target_layout(self.config))
        m.d.comb += [orders[name].eq(getattr(registers, f"vector_{name}"))
                     for name in ("bits", "signed", "bank", "set")]
        m.d.comb += orders.chain.eq(registers.chain_length)
        m.d.comb += [target[name].eq(getattr(registers, f"load_{name}", 0)) for name, _ in target.shape()]
        m.d.comb += [Value.cast(self.vectors.orders).eq(Value.cast(orders)),
                     Value.cast(self.loader.target).eq(Value.cast(target))]
        with m.If(march.active):
            m.d.comb += [Value.cast(self.vectors.orders).eq(0),
                         self.vectors.orders.bits.eq(Mux(march.dense, self.config.macro.input_bits, 1)),
                         self.vectors.orders.signed.eq(march.dense),
                         self.vectors.orders.bank.eq(march.bank), self.vectors.orders.chain.eq(1),
                         Value.cast(self.loader.target).eq(0), self.loader.target.bank.eq(march.bank),
                         self.loader.target.first.eq(march.row)]
        m.d.comb += [
            self.vectors.restart.eq(registers.chain_written),
            self.vectors.alone.eq(march.active),
            self.vectors.cut.eq(march.cuts),
            self.loader.restart.eq(registers.load_written | march.restart | march.cuts | ended),
            self.loader.word.eq(registers.load_data_word),
            self.loader.word_valid.eq(registers.load_data_written & ~march.active),
            self.loader.locked.eq(registers.lock_locked & ~march.active),
            self.loader.set_used.eq(self.flight.set_used),
        ]

    def _connect_macro(self, m):
        """Vectors with their fates, rows, and totals with the fates again."""
        macro, flight, vectors = self.macro, self.flight, self.vectors
        totals = self.requantizer.i
        # The fates have as much room as the macro, so neither waits for the other.
        m.d.comb += [
            macro.i.valid.eq(vectors.i.valid & flight.i.ready),
            flight.i.valid.eq(vectors.i.valid & macro.i.ready),
            vectors.i.ready.eq(macro.i.ready & flight.i.ready),
            Value.cast(macro.i.payload).eq(Value.cast(vectors.i.payload)),
            Value.cast(flight.i.payload).eq(Value.cast(vectors.fate)),
            totals.valid.eq(macro.o.valid),
            macro.o.ready.eq(totals.ready),
            flight.o.ready.eq(totals.valid & totals.ready),
            flight.drops.eq(self.march.cuts & ~self.requantizer.begun),
            Value.cast(totals.payload.totals).eq(Value.cast(macro.o.payload.y)[:len(Value.cast(totals.payload.totals))]),
            totals.payload.set.eq(flight.o.payload.set),
            totals.payload.wanted.eq(flight.o.payload.wanted),
            totals.payload.inspected.eq(flight.o.payload.inspected),
        ]
        if not self.config.checksum:
            wiring.connect(m, self.loader.write, macro.write)
        with m.If(self.march.active):
            m.d.comb += [flight.i.payload.wanted.eq(0), flight.i.payload.inspected.eq(1)]

    def _connect_results(self, m):
        requantizer, packer = self.requantizer, self.packer
        m.d.comb += [getattr(packer, name).eq(getattr(requantizer, name))
                     for name in ("taken", "taken_last", "valid", "last", "results")]
        m.d.comb += [
            requantizer.space.eq(packer.space),
            requantizer.cut.eq(self.march.cuts & requantizer.begun),
            packer.cut.eq(requantizer.cut),
            self.flight.ended.eq(requantizer.valid & requantizer.last),
            self.flight.ended_set.eq(requantizer.last_set),
        ]
        wiring.connect(m, packer.o, wiring.flipped(self.m_axis))
        if not self.config.requantizes:
            return
        m.d.comb += [
            requantizer.write_enable.eq(self.loader.parameters_enable),
            Value.cast(requantizer.write).eq(Value.cast(self.loader.parameters)),
        ]
        for index, settings in enumerate(requantizer.settings):
            m.d.comb += [settings[name].eq(getattr(self.registers, f"{register}_{index}_{name}")) for register, name in
                         (("offset", "double"), ("offset", "zero_point"), ("clamp", "low"), ("clamp", "high"))]

    def _connect_checksum(self, m, rows, check):
        """Rows on their way to the macro, and groups of totals; the march writes and reads all columns itself."""
        march, requantizer = self.march, self.requantizer
        digits = Value.cast(self.macro.o.payload.y)[len(Value.cast(requantizer.i.payload.totals)):]
        wiring.connect(m, self.loader.write, rows.i)
        wiring.connect(m, rows.o, self.macro.write)
        m.d.comb += [
            rows.held.eq(self.loader.held),
            rows.given.eq(march.active & ~march.dense),
            rows.digits.eq(march.digits),
            march.digit_totals.eq(digits),
            check.taken.eq(requantizer.taken),
            check.first.eq(requantizer.group == 0),
            check.last.eq(requantizer.taken_last),
            Value.cast(check.totals).eq(requantizer.totals),
            Value.cast(check.digits).eq(digits),
        ]
        wrong = check.mismatch
        for cycle in range(Requantizer.most(self.config) - TotalsCheck.cycles(self.config)):
            register = Signal(name=f"wrong_{cycle}", reset_less=True)
            m.d.sync += register.eq(wrong)
            wrong = register
        m.d.comb += [self.packer.wrong.eq(wrong), self.registers.interrupt_status_checksum.eq(check.mismatch)]

    def _connect_march(self, m):
        march, registers, requantizer = self.march, self.registers, self.requantizer
        commands = {"zeroise": registers.control_zeroise, "march_c_minus": registers.self_test_march_c_minus,
                    "march_ss": registers.self_test_march_ss, "known_answers": registers.self_test_known_answers}
        for number, name in enumerate(PROGRAMS):
            with m.If(commands[name]):
                m.d.comb += [march.start.eq(1), march.program.eq(number)]
        m.d.comb += [
            march.ready.eq(self.flight.empty & ~self.vectors.within & ~self.loader.within & ~self.loader.held),
            march.looks.eq(requantizer.looks),
            march.group.eq(requantizer.group),
            march.totals.eq(requantizer.totals),
        ]
        passed, cleared, clears = Signal(), Signal(), Signal()
        with m.If(march.start):
            m.d.sync += [passed.eq(0), cleared.eq(0), clears.eq(march.program == 0)]
        with m.Elif(march.done):
            m.d.sync += [passed.eq(~march.failed), cleared.eq(clears & ~march.failed)]
        with m.Elif(self.macro.write.valid & self.macro.write.ready):
            m.d.sync += cleared.eq(0)
        m.d.comb += [
            registers.status_running.eq(march.running),
            registers.status_failed.eq(march.failed & ~march.running),
            registers.status_passed.eq(passed),
            registers.status_zeroised.eq(cleared),
            registers.fault_row.eq(march.fault.row),
            registers.fault_column.eq(march.fault.column),
            registers.fault_bank.eq(march.fault.bank),
        ]

    def _connect_errors(self, m):
        errors, registers, march = self.errors, self.registers, self.march
        cut = Signal()
        m.d.sync += cut.eq(march.cuts)
        m.d.comb += [getattr(errors, f"vector_{name}").eq(getattr(self.vectors, name) & ~march.active)
                     for name in ("null", "short", "long")]
        m.d.comb += [getattr(errors, f"load_{name}").eq(getattr(self.loader, name) & ~march.active)
                     for name in ("null", "short", "long")]
        m.d.comb += [
            errors.locked.eq(self.loader.refused),
            errors.cut.eq(march.cuts & ~cut),
            errors.access.eq(registers.error),
            errors.clear.eq(registers.control_clear_error),
            registers.error_code.eq(errors.code),
            registers.error_count.eq(errors.count),
        ]

    def _connect_status(self, m):
        registers, march, loader, performance = self.registers, self.march, self.loader, self.performance
        last = self.m_axis.payload.last & self.m_axis.ready
        m.d.comb += [
            registers.status_idle.eq(self.flight.empty & ~self.packer.busy & ~march.running & ~self.vectors.within),
            registers.status_loading.eq(loader.within | self.s_axis_w.valid & ~registers.load_words),
            registers.status_load_ready.eq(loader.word_ready & ~march.running & ~registers.lock_locked),
            registers.status_set_used.eq(self.flight.set_used),
            registers.load_index_index.eq(loader.index),
            registers.interrupt_status_error.eq(self.errors.happens),
            registers.interrupt_status_result.eq(self.m_axis.valid & last),
            registers.interrupt_status_loaded.eq(loader.loaded & ~march.active),
            registers.interrupt_status_finished.eq(march.done),
            # A packet may begin in this very cycle.
            registers.load_used.eq(loader.within | march.running | self.s_axis_w.valid & self.s_axis_w.ready),
            registers.load_data_used.eq(~loader.word_ready | march.running | registers.load_data_written),
        ]
        m.d.comb += [getattr(registers, f"{name}_used").eq(march.running) for name in ("control", "self_test", "fault")]
        for index in range(len(self.flight.set_used) if self.config.requantizes else 0):
            for name in ("offset", "clamp"):
                m.d.comb += getattr(registers, f"{name}_{index}_used").eq(self.flight.set_used[index])
        pending = Const(0, 1)
        for name in (*EVENTS, *(["checksum"] if self.config.checksum else [])):
            pending |= (getattr(registers, f"interrupt_status_{name}_now")
                        & getattr(registers, f"interrupt_enable_{name}"))
        m.d.sync += self.irq.eq(pending)
        taken = self.macro.i.valid & self.macro.i.ready & ~march.active
        m.d.comb += [
            performance.clear.eq(registers.control_clear_counters),
            performance.vectors.eq(taken),
            performance.planes_skipped.eq(Mux(taken, self.vectors.skipped, 0)),
            performance.input_stalls.eq(self.s_axis.valid & ~self.s_axis.ready),
            performance.output_stalls.eq(self.m_axis.valid & ~self.m_axis.ready),
        ]
        for name, _, value in performance.signature.flatten(performance):
            if name[0].endswith("_count"):
                m.d.comb += getattr(registers, name[0]).eq(value)
