"""The engine core: an engine, its registers, and what is between the two."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ..axi.master import read_ports
from ..axi.row_reader import RowReader
from ..csr.buses import BUS_COMPONENTS, connect_bus
from ..csr.register_file import RegisterFile
from ..csr.register_map import ErrorCode
from ..engine.engine import Engine, check_gateware
from ..engine.memory.weight_port import port_members
from ..fabric.emitter import Platform
from .memory_reader import MemoryReader
from .register_map import engine_register_map
from .run_state import RunState
from .word_checksum import WordChecksum
from .word_writer import WordWriter

# Bits of an address of the memory outside.
ADDRESS_BITS = 64


def weight_ports(config):
    """Ports of the AXI4 master of an engine with a ``weight_port``, as of `read_ports`; without one none."""
    return read_ports(8 * config.weight_port, ADDRESS_BITS) if config.weight_port else {}


class EngineCore(wiring.Component):
    """An engine behind a bus, with the registers of `engine_register_map`.

    Parameters
    ----------
    config : EngineCoreConfig

    Raises
    ------
    ValueError
        As `Engine` does.

    Members
    -------
    bus : ``Out(PORTS)``
        Of the kind of bus that the configuration has.
    irq : ``Out(1)``
        High while an enabled event is pending.
    m_axi : ``Out(weight_ports)``
        AXI4, to read weights; only with ``weight_port``.
    """

    def __init__(self, *, config):
        check_gateware(config.engine)
        self.config = config
        ports = {name: flow(width) for name, (flow, width, _) in weight_ports(config.engine).items()}
        super().__init__({"bus": Out(wiring.Signature(BUS_COMPONENTS[config.bus].PORTS)), "irq": Out(1),
                          **({"m_axi": Out(wiring.Signature(ports))} if ports else {})})

    def elaborate(self, platform):
        platform, config = Platform.of(platform), self.config.engine
        m = Module()

        def add(name, cls, **parameters):
            return platform.instantiate(m, name, name, cls, **parameters)

        front = add("front", BUS_COMPONENTS[self.config.bus])
        registers = add("registers", RegisterFile, registers=engine_register_map(config))
        engine = add("engine", Engine, config=config)
        writer = add("word_writer", WordWriter, config=config)
        reader = add("memory_reader", MemoryReader, size=config.activation_bytes)
        checksum, state = add("word_checksum", WordChecksum), add("run_state", RunState)
        connect_bus(m, self.bus, front, registers)
        self._connect_run(m, registers, engine, state)
        self._connect_words(m, registers, engine, writer, checksum, state)
        self._connect_reads(m, registers, engine, reader, state)
        m.d.comb += reader.changes.eq(registers.write_data.written)
        self._connect_events(m, registers, state)
        if config.weight_port:
            weights = add("weights", RowReader, bits=8 * config.weight_port, address_bits=ADDRESS_BITS,
                          row_bits=len(engine.request_row), row_beats=config.row_cycles)
            self._connect_weights(m, registers, engine, weights, state)
        return m

    def _connect_weights(self, m, registers, engine, weights, state):
        """The memory outside."""
        count, low, high = registers.row_count, registers.weight_address, registers.weight_address_high
        m.d.comb += [engine.row_count.eq(count.count.data), weights.base.eq(Cat(low.address.data, high.address.data)),
                     *(register.busy.eq(state.busy) for register in (count, low, high))]
        for name, member in port_members(self.config.engine).items():
            ours, theirs = getattr(engine, name), getattr(weights, name)
            m.d.comb += theirs.eq(ours) if member.flow == Out else ours.eq(theirs)
        wiring.connect(m, weights.m_axi, wiring.flipped(self.m_axi))

    @staticmethod
    def _connect_run(m, registers, engine, state):
        """Commands, and what became of a run."""
        control, status = registers.control, registers.status
        m.d.comb += [
            *(side.start.eq(control.start.data) for side in (engine, state)),
            *(side.cancel.eq(control.cancel.data) for side in (engine, state)),
            engine.load_count.eq(registers.load_count.count.data), registers.load_count.busy.eq(state.busy),
            control.busy.eq(state.busy), state.running.eq(engine.running),
            status.busy.data.eq(state.busy), status.done.data.eq(state.done),
            status.canceled.data.eq(state.canceled),
            registers.fault.code.data.eq(engine.fault), registers.fault.descriptor.data.eq(engine.fault_number),
            registers.result.argmax.data.eq(engine.argmax), registers.cycles.count.data.eq(engine.cycle),
            registers.trace_count.count.data.eq(engine.trace_count),
        ]

    @staticmethod
    def _connect_words(m, registers, engine, writer, checksum, state):
        """Words into the memories. A write for which there is no item is refused; writes are further apart than
        ``is_full`` is late.
        """
        target, word = registers.target, registers.write_data
        m.d.comb += [
            writer.restart.eq(target.written), writer.first_section.eq(target.section.data),
            writer.first_item.eq(target.item.data), writer.write.eq(word.written),
            *(getattr(engine, name).eq(getattr(writer, name)) for name in ("section", "item", "part")),
            engine.valid.eq(word.written), engine.word.eq(word.word.data), target.busy.eq(state.busy),
            word.busy.eq(state.busy | writer.is_full),
            checksum.restart.eq(target.written), checksum.valid.eq(word.written), checksum.word.eq(word.word.data),
            registers.checksum.crc.data.eq(checksum.crc),
        ]

    @staticmethod
    def _connect_reads(m, registers, engine, reader, state):
        """Words out of the activation memory, and out of the trace."""
        address, trace = registers.read_address, registers.trace_address
        m.d.comb += [
            reader.restart.eq(address.written), reader.first.eq(address.address.data),
            reader.read.eq(registers.read_data.read), engine.address.eq(reader.address),
            registers.read_data.word.data.eq(engine.data), address.busy.eq(state.busy),
            registers.read_data.busy.eq(state.busy), registers.hold.eq(reader.waits),
            engine.trace_address.eq(trace.word.data), registers.trace_data.word.data.eq(engine.trace_data),
            trace.busy.eq(state.busy), registers.trace_data.busy.eq(state.busy),
        ]

    def _connect_events(self, m, registers, state):
        """Refused accesses, events, and the interrupt."""
        error, status, enable = registers.error, registers.interrupt_status, registers.interrupt_enable
        happens, code, count = Signal(), Signal(8), Signal(8)
        m.d.comb += [happens.eq(registers.access_error != ErrorCode.NONE), error.code.data.eq(code),
                     error.count.data.eq(count), status.finished.set.eq(state.finished), status.error.set.eq(happens)]
        with m.If(registers.control.clear_error.data):
            m.d.sync += [code.eq(0), count.eq(0)]
        with m.Elif(happens):
            m.d.sync += [code.eq(Mux(count == 0, registers.access_error, code)),
                         count.eq(Mux(count.all(), count, count + 1))]
        m.d.sync += self.irq.eq(Cat(status.finished.data & enable.finished.data,
                                    status.error.data & enable.error.data).any())
