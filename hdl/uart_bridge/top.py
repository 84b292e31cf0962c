"""Top modules of boards: the macro with its bridge to the host, and the macro between shift registers."""

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal
from amaranth.lib import io, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from ..macro.ports import input_layout, output_layout, port_values, ports, write_layout
from ..measure.harness import add_harness
from .bridge import Bridge


def instance(config, values):
    """An instance of a macro's Verilog module; each port is connected to the value of the same name."""
    return Instance(config.name, i_clk=ClockSignal(), i_rst=ResetSignal(), **{
        f"{'i' if port.is_input else 'o'}_{port.name}": values[port.name] for port in ports(config)})


class MacroInstance(wiring.Component):
    """The macro as an instance of its Verilog module, so that the simulated file is the one that is built.

    Parameters
    ----------
    config : MacroConfig

    Members
    -------
    write : ``In(stream)``
        See `Macro`.
    i : ``In(stream)``
        See `Macro`.
    o : ``Out(stream)``
        See `Macro`.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "write": In(stream.Signature(write_layout(config))),
            "i": In(stream.Signature(input_layout(config))),
            "o": Out(stream.Signature(output_layout(config))),
        })

    def elaborate(self, platform):
        return instance(self.config, port_values(self))


class MacroPorts(wiring.Component):
    """The macro as an instance of its Verilog module, with that module's ports.

    Parameters
    ----------
    config : MacroConfig
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({port.name: (In if port.is_input else Out)(port.shape.width) for port in ports(config)})

    def elaborate(self, platform):
        return instance(self.config, {name: pin for (name,), _, pin in self.signature.flatten(self)})


def add_clock(m, platform):
    """Run domain ``sync`` from the board's oscillator; returns the clock."""
    pin = platform.request(platform.default_clk, 0, dir="-")
    m.submodules.clock_pin = clock = io.Buffer("i", pin)
    m.domains.sync = ClockDomain()
    m.d.comb += ClockSignal().eq(clock.i)
    return clock.i


def add_reset(m, clock):
    """Keep domain ``sync`` in reset for the first 256 cycles; iCE40's block RAM takes a microsecond to answer."""
    m.domains.start = ClockDomain(reset_less=True, local=True)
    elapsed = Signal(9)
    with m.If(~elapsed[-1]):
        m.d.start += elapsed.eq(elapsed + 1)
    m.d.comb += [ClockSignal("start").eq(clock), ResetSignal().eq(~elapsed[-1])]


def add_uart(m, platform):
    """Request the pins of the board's serial port; returns the received and the transmitted bit."""
    pins = platform.request("uart", 0, dir="-")
    m.submodules.rx_pin = rx = io.Buffer("i", pins.rx)
    m.submodules.tx_pin = tx = io.Buffer("o", pins.tx)
    return rx.i, tx.o


class BoardTop(Elaboratable):
    """The macro with its bridge on the pins of the board's serial port, all on the clock of the board's oscillator.

    Parameters
    ----------
    config : MacroConfig
    clock : float
        Hz of the oscillator.
    baud : int
        Bits a second of the serial port.
    """

    def __init__(self, *, config, clock, baud):
        self.config = config
        self.clock = clock
        self.baud = baud

    def elaborate(self, platform):
        m = Module()
        m.submodules.macro = macro = MacroInstance(config=self.config)
        m.submodules.bridge = bridge = Bridge(config=self.config, clock_hz=round(self.clock), baud=self.baud)
        add_reset(m, add_clock(m, platform))
        rx, tx = add_uart(m, platform)
        m.d.comb += [bridge.rx.eq(rx), tx.eq(bridge.tx)]
        connect(m, bridge.write, macro.write)
        connect(m, bridge.i, macro.i)
        connect(m, macro.o, bridge.o)
        return m


class MeasuredMacro(Elaboratable):
    """The macro between two shift registers on the pins of the board's serial port, to measure it.

    Parameters
    ----------
    config : MacroConfig
    """

    def __init__(self, *, config):
        self.config = config

    def elaborate(self, platform):
        m = Module()
        add_clock(m, platform)
        rx, tx = add_uart(m, platform)
        m.d.comb += tx.eq(add_harness(m, "macro", MacroPorts(config=self.config), rx))
        return m
