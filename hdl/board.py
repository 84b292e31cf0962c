"""Tops for boards: the macro with its bridge to the host, and the macro alone between shift registers."""

from amaranth.hdl import Cat, ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal, Value
from amaranth.lib import io, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from .bridge import Bridge
from .ports import HANDSHAKE, input_layout, output_layout, ports, write_layout


class MacroInstance(wiring.Component):
    """The macro as an instance of its Verilog module, so that what is built is the file that was simulated.

    Parameters
    ----------
    config : MacroConfig

    Members
    -------
    write, i, o
        As of `Macro`.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "write": In(stream.Signature(write_layout(config))),
            "i": In(stream.Signature(input_layout(config))),
            "o": Out(stream.Signature(output_layout(config))),
        })

    def connections(self):
        """Of each port of the Verilog its description and the value it is connected to."""
        for port in ports(self.config):
            side = getattr(self, port.stream)
            value = getattr(side, port.field) if port.field in HANDSHAKE else side.payload[port.field]
            yield port, Value.cast(value)

    def elaborate(self, platform):
        return Instance(self.config.name, i_clk=ClockSignal(), i_rst=ResetSignal(), **{
            f"{'i' if port.is_input else 'o'}_{port.name}": value for port, value in self.connections()})


def add_clock(m, platform):
    """Run domain ``sync`` from the board's oscillator, and keep it in reset for the first 256 cycles.

    iCE40 needs a microsecond of that before its block RAM answers.
    """
    pin = platform.request(platform.default_clk, 0, dir="-")
    m.submodules.clock_pin = clock = io.Buffer("i", pin)
    m.domains.start = ClockDomain(reset_less=True, local=True)
    m.domains.sync = ClockDomain()
    elapsed = Signal(9)
    with m.If(~elapsed[-1]):
        m.d.start += elapsed.eq(elapsed + 1)
    m.d.comb += [
        ClockSignal("start").eq(clock.i),
        ClockSignal().eq(clock.i),
        ResetSignal().eq(~elapsed[-1]),
    ]


def add_uart(m, platform):
    """Put the pins of the board's serial port into a module; returns the bits that arrive and that leave."""
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
        add_clock(m, platform)
        rx, tx = add_uart(m, platform)
        m.d.comb += [bridge.rx.eq(rx), tx.eq(bridge.tx)]
        connect(m, bridge.write, macro.write)
        connect(m, bridge.i, macro.i)
        connect(m, macro.o, bridge.o)
        return m


class Harness(Elaboratable):
    """The macro between two shift registers on the pins of the UART, to measure it where its ports outnumber the pins.

    Every input comes from a register of its own and every output ends in one, behind one LUT that it shares with two
    others at most: nothing is optimised away, and no path is longer than the macro's own.

    Parameters
    ----------
    config : MacroConfig
    """

    def __init__(self, *, config):
        self.config = config

    def elaborate(self, platform):
        m = Module()
        m.submodules.macro = macro = MacroInstance(config=self.config)
        add_clock(m, platform)
        rx, tx = add_uart(m, platform)
        inputs = Cat(value for port, value in macro.connections() if port.is_input)
        outputs = Cat(value for port, value in macro.connections() if not port.is_input)
        groups = [outputs[low:low + 3] for low in range(0, len(outputs), 3)]
        stimulus = Signal(len(inputs), reset_less=True)
        signature = Signal(len(groups), reset_less=True)
        m.d.sync += [
            stimulus.eq(Cat(rx, stimulus)),
            signature.eq(Cat(rx, signature) ^ Cat(group.xor() for group in groups)),
        ]
        m.d.comb += [inputs.eq(stimulus), tx.eq(signature[-1])]
        return m
