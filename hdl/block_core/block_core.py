"""The block core: a block macro with its streams and registers on buses."""

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..axi.axi_stream import beat_layout
from ..config.formats import WEIGHT_BEAT_BITS
from ..core.error_log import ErrorLog
from ..core.performance_counters import Performance
from ..core.register_connections import connect_counters, connect_error_register, connect_interrupt
from ..csr.buses import BUS_COMPONENTS, connect_bus
from ..csr.register_file import RegisterFile
from ..csr.register_map import ErrorCode
from ..fabric.emitter import Platform
from ..formats.block_macro import BlockMacro
from .register_map import block_core_register_map
from .vector_packets import VectorPackets
from .weight_packets import WeightPackets

# More than the accumulations between the two ends of a block macro: those of its tags, halves and rounding.
MAX_ACCUMULATIONS = 63


class BlockCore(wiring.Component):
    """A block macro behind streams and registers.

    Each packet of ``s_axis`` gives one packet of results at ``m_axis``, in order; each of ``s_axis_w`` loads a bank;
    the bus has the registers of `block_core_register_map`.

    Parameters
    ----------
    config : BlockCoreConfig

    Members
    -------
    s_axis : ``In(stream)``
        `beat_layout`: headers and codes of vectors.
    s_axis_w : ``In(stream)``
        `beat_layout`: headers, codes and scales of weights.
    m_axis : ``Out(stream)``
        `beat_layout`, a result each; ``user``: it is lost.
    bus : ``Out(PORTS)``
        Of the kind of bus that the configuration has.
    irq : ``Out(1)``
        High while an enabled event is pending.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "s_axis": In(stream.Signature(beat_layout(config.blocks.input_beat_bits))),
            "s_axis_w": In(stream.Signature(beat_layout(WEIGHT_BEAT_BITS))),
            "m_axis": Out(stream.Signature(beat_layout(config.blocks.result_bits, user=True))),
            "bus": Out(wiring.Signature(BUS_COMPONENTS[config.bus].PORTS)), "irq": Out(1),
        })

    def elaborate(self, platform):
        platform, config = Platform.of(platform), self.config
        m = Module()

        def add(name, cls, **parameters):
            return platform.instantiate(m, name, name, cls, **parameters)

        front = add("front", BUS_COMPONENTS[config.bus])
        registers = add("registers", RegisterFile, registers=block_core_register_map(config))
        vectors = add("vector_packets", VectorPackets, config=config.blocks)
        weights = add("weight_packets", WeightPackets, config=config.blocks)
        macro = add("block_macro", BlockMacro, config=config.blocks)
        errors = add("errors", ErrorLog, others=(ErrorCode.VECTOR_HEADER, ErrorCode.LOAD_HEADER))
        performance = add("performance", Performance, max_skipped=None)
        connect_bus(m, self.bus, front, registers)
        wiring.connect(m, wiring.flipped(self.s_axis), vectors.s)
        wiring.connect(m, wiring.flipped(self.s_axis_w), weights.s)
        self._connect_macro(m, vectors, weights, macro)
        self._connect_errors(m, registers, vectors, weights, errors)
        self._connect_state(m, registers, vectors, weights)
        self._connect_events(m, registers, weights, errors)
        connect_counters(m, self, registers, vectors.enters, performance)
        return m

    def _connect_macro(self, m, vectors, weights, macro):
        """Beats to the macro, and its results, of which each is a beat."""
        for name, side in (("i", vectors.o), ("w", weights.o)):
            fields = {field: side.payload[field] for field, shape in side.payload.shape() if shape.width}
            m.d.comb += [getattr(macro, f"{name}_{field}").eq(Value.cast(value)) for field, value in fields.items()]
            m.d.comb += [getattr(macro, f"{name}_valid").eq(side.valid),
                         side.ready.eq(getattr(macro, f"{name}_ready"))]
        results = self.m_axis.payload
        m.d.comb += [
            self.m_axis.valid.eq(macro.o_valid), macro.o_ready.eq(self.m_axis.ready), results.data.eq(macro.o_value),
            results.keep.eq(-1), results.last.eq(macro.o_last), results.user.eq(macro.o_is_lost),
        ]

    @staticmethod
    def _connect_errors(m, registers, vectors, weights, errors):
        """Errors of the streams, and of accesses."""
        wiring.connect(m, vectors.faults, errors.vector)
        wiring.connect(m, weights.faults, errors.load)
        m.d.comb += [errors.vector_header.eq(vectors.header_fault), errors.load_header.eq(weights.header_fault)]
        connect_error_register(m, registers, errors)

    def _connect_state(self, m, registers, vectors, weights):
        """Whether accumulations are in flight, and packets of weights."""
        in_flight = Signal(range(MAX_ACCUMULATIONS + 1))
        idle, loading = Signal(init=1), Signal()
        enters = vectors.o.valid & vectors.o.ready & vectors.o.payload.last
        m.d.sync += [in_flight.eq(in_flight + enters - self._result_leaves()),
                     idle.eq(~vectors.within & (in_flight == 0)),
                     loading.eq(weights.within | self.s_axis_w.valid)]
        m.d.comb += [registers.status.idle.data.eq(idle), registers.status.loading.data.eq(loading)]

    def _result_leaves(self):
        """Whether the last beat of results is taken."""
        results = self.m_axis
        return results.valid & results.ready & results.payload.last

    def _connect_events(self, m, registers, weights, errors):
        """Events, and the interrupt."""
        status, enable, results = registers.interrupt_status, registers.interrupt_enable, self.m_axis
        had_result, was_loaded, had_lost = (Signal(name=name) for name in ("had_result", "was_loaded", "had_lost"))
        m.d.sync += [had_result.eq(self._result_leaves()), was_loaded.eq(weights.loaded),
                     had_lost.eq(results.valid & results.ready & results.payload.user)]
        m.d.comb += [status.error.set.eq(errors.happens), status.result.set.eq(had_result),
                     status.loaded.set.eq(was_loaded), status.lost.set.eq(had_lost)]
        connect_interrupt(m, self, [(getattr(status, name), getattr(enable, name))
                                    for name in ("error", "result", "loaded", "lost")])
