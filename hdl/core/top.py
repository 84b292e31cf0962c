"""The core as a Verilog module: ports by name, clock and reset."""

from dataclasses import dataclass

from amaranth.hdl import Cat, ClockDomain, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..axi.dma import Dma, master_ports
from ..csr.buses import BUS_COMPONENTS
from ..fabric.emitter import Platform, documented_members
from .core import Core
from .result_packer import result_beat_layout

# Vivado interfaces of the buses of registers.
VIVADO_BUSES = {"axi": "xilinx.com:interface:aximm:1.0", "apb": "xilinx.com:interface:apb:1.0",
                "wishbone": "bitline.org:interface:wishbone:1.0"}
STREAMS = {"s_axis": "vectors", "s_axis_w": "rows of weights, and columns' parameters", "m_axis": "results"}
STREAM = "xilinx.com:interface:axis:1.0"
# Prefix of the ports of an AXI4 master, and its channels by the first letters of their names.
DMA = "m_axi"
DMA_PORTS = {"ar": "requests to read", "r": "what is read", "aw": "requests to write", "w": "what is written",
             "b": "answers to writes"}


@dataclass(frozen=True, kw_only=True)
class CorePort:
    """One port of the Verilog module."""

    name: str
    direction: str
    width: int
    meaning: str
    interface: str
    role: str
    parameters: str = ""

    @property
    def is_register_bus(self):
        """Whether it belongs to the bus of registers."""
        kind, name = self.interface.split()
        return kind in VIVADO_BUSES.values() and name != DMA

    @property
    def attributes(self):
        """Vivado's, as Verilog."""
        pairs = {"X_INTERFACE_INFO": f"{self.interface} {self.role}"}
        if self.parameters:
            pairs["X_INTERFACE_PARAMETER"] = self.parameters
        return "(* " + ", ".join(f'{name} = "{value}"' for name, value in pairs.items()) + " *)"


def core_ports(config):
    """The ports of a core's module, a list of `CorePort`."""
    ports = (([DMA], master_interface(master_ports(config.output_stream_bits, config.dma))) if config.dma else
             (STREAMS, _stream_ports(config)))
    return all_ports(config, *ports)


def all_ports(config, names, ports):
    """Ports of the interfaces with these names, and with them clock, reset, registers and interrupt of any core."""
    names = [BUS_COMPONENTS[config.bus].PREFIX.rstrip("_"), *names]
    return [*clock_ports(names, config.reset), *register_ports(config.bus), *ports, interrupt_port()]


def clock_ports(names, reset):
    """Clock and reset of the interfaces with these names; ``reset`` as of `CoreConfig`."""
    return [
        CorePort(name="aclk", direction="input", width=1, meaning="clock, rising edge",
                 interface="xilinx.com:signal:clock:1.0 aclk", role="CLK",
                 parameters=f"ASSOCIATED_BUSIF {':'.join(names)}, ASSOCIATED_RESET aresetn"),
        CorePort(name="aresetn", direction="input", width=1, interface="xilinx.com:signal:reset:1.0 aresetn",
                 role="RST", parameters="POLARITY ACTIVE_LOW",
                 meaning="reset, active low, may fall at any moment" if reset == "asynchronous" else
                         "reset, active low, synchronous to aclk"),
    ]


def register_ports(bus):
    """The bus of registers, one of `BUS_COMPONENTS`."""
    front = BUS_COMPONENTS[bus]
    meanings = documented_members(front)
    for name, member in front.PORTS.items():
        yield CorePort(name=front.PREFIX + name, direction="input" if member.flow == In else "output",
                       width=member.shape, meaning=f"registers: {_phrase(meanings[name])}",
                       interface=f"{VIVADO_BUSES[bus]} {front.PREFIX.rstrip('_')}", role=name.upper())


def interrupt_port():
    """The interrupt."""
    return CorePort(name="irq", direction="output", width=1, meaning="interrupt, high while one is pending",
                    interface="xilinx.com:signal:interrupt:1.0 irq", role="INTERRUPT",
                    parameters="SENSITIVITY LEVEL_HIGH")


def master_interface(ports):
    """An AXI4 master with some of `master_ports`."""
    for name, (flow, width, meaning) in ports.items():
        channel = DMA_PORTS[name[:2] if name[0] == "a" else name[0]]
        yield CorePort(name=f"{DMA}_{name}", direction="input" if flow == In else "output", width=width,
                       meaning=f"{channel}: {meaning}", interface=f"{VIVADO_BUSES['axi']} {DMA}", role=name.upper())


def _stream_ports(config):
    bits = {"s_axis": config.input_stream_bits, "s_axis_w": config.weight_stream_bits,
            "m_axis": config.output_stream_bits}
    wrong = "with tlast: the results do not agree with the checksum"
    return stream_ports({name: (bits[name], meaning) for name, meaning in STREAMS.items()},
                        wrong if config.checksum else None)


def stream_ports(streams, user):
    """AXI4-Streams: of each its bits and meaning, by name; and what ``tuser`` of the results means, None without."""
    for stream, (bits, meaning) in streams.items():
        for name, (width, says) in {
                "tdata": (bits, "bytes, the first lowest"), "tkeep": (bits // 8, "which bytes count"),
                "tlast": (1, "the last beat of a packet"), "tvalid": (1, "a beat is offered"),
                "tready": (1, "it is accepted")}.items():
            is_input = (name == "tready") == (stream == "m_axis")
            yield CorePort(name=f"{stream}_{name}", direction="input" if is_input else "output", width=width,
                           meaning=f"{meaning}: {says}", interface=f"{STREAM} {stream}", role=name.upper())
    if user:
        yield CorePort(name="m_axis_tuser", direction="output", width=1, interface=f"{STREAM} m_axis", meaning=user,
                       role="TUSER")


def _phrase(sentence):
    """A sentence without its capital, and without what it says of the ports that follow."""
    return (sentence[0].lower() + sentence[1:]).partition("; this and")[0]


def stream_pins(core):
    """Values of a core's streams for each port, by its name."""
    pins = {}
    for name in STREAMS:
        side = getattr(core, name)
        pins |= {f"{name}_tvalid": side.valid, f"{name}_tready": side.ready}
        pins |= {f"{name}_t{field}": Value.cast(side.payload[field]) for field, _ in side.payload.shape()}
    return pins


def master_pins(port):
    """Values of an AXI4 master for each port, by its name."""
    return {f"{DMA}_{name}": value for (name,), _, value in port.signature.flatten(port)}


class CoreTop(wiring.Component):
    """The core with its ports by name.

    With an `asynchronous` reset, ``aresetn`` sets two flip-flops at once, and two more synchronize them, so that no
    flip-flop of the core sees an edge other than the clock's. The core is in reset from two clock edges after
    ``aresetn`` falls to four after it rises. ``aresetn`` must be low for three cycles, so that other
    blocks with the same reset ignore the outputs that the core still has from before. At power-up, where it may be low
    without a falling edge, the first clock edge replaces that edge, so it must be low for four edges.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    As `core_ports` names them.
    """

    # What is within, and the function of its ports.
    CORE, PORTS = Core, staticmethod(core_ports)

    def __init__(self, *, config):
        self.config = config
        super().__init__({port.name: (In if port.direction == "input" else Out)(port.width)
                          for port in self.PORTS(config)})

    @property
    def meanings(self):
        """What each port is for, by its name."""
        return {port.name: port.meaning for port in self.PORTS(self.config)}

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        m.domains.sync = sync = ClockDomain()
        m.d.comb += [sync.clk.eq(self.aclk), sync.rst.eq(self._reset(m))]
        core = platform.instantiate(m, "core", "core", self.CORE, config=self.config)
        prefix = BUS_COMPONENTS[self.config.bus].PREFIX
        inner = {"irq": core.irq, **self._data_pins(m, platform, core),
                 **{f"{prefix}{name}": value for (name,), _, value in core.bus.signature.flatten(core.bus)}}
        for (name,), member, pin in self.signature.flatten(self):
            # All except clock and reset.
            if name in inner:
                m.d.comb += inner[name].eq(pin) if member.flow == In else pin.eq(inner[name])
        return m

    def _data_pins(self, m, platform, core):
        """Values of the streams' ports by name, or of those of the DMA behind them."""
        if not self.config.dma:
            return stream_pins(core)
        return master_pins(self._add_dma(m, platform, core).m_axi)

    def _add_dma(self, m, platform, core):
        """The DMA between the core's streams and its own port."""
        config = self.config
        bits = config.output_stream_bits
        dma = platform.instantiate(m, "dma", "dma", Dma, bits=bits, address_bits=config.dma,
                                   vector_beats=config.vector_beats,
                                   result_beat=result_beat_layout(config))
        wiring.connect(m, dma.vectors, core.s_axis)
        wiring.connect(m, dma.weights, core.s_axis_w)
        wiring.connect(m, core.m_axis, dma.results)
        wiring.connect(m, core.dma, dma.control)
        return dma

    def _reset(self, m):
        """Active high, synchronous."""
        if self.config.reset == "synchronous":
            return ~self.aresetn
        m.domains.released = released = ClockDomain(async_reset=True, local=True)
        m.domains.always = always = ClockDomain(reset_less=True, local=True)
        kept, stages = Signal(2, name="kept", init=-1), Signal(2, name="stages", init=-1)
        m.d.comb += [released.clk.eq(self.aclk), released.rst.eq(~self.aresetn), always.clk.eq(self.aclk)]
        m.d.released += kept.eq(kept << 1)
        m.d.always += stages.eq(Cat(kept[1], stages[0]))
        return stages[1]
