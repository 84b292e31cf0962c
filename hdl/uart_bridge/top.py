"""Top modules of boards: the macro with its bridge to the host, and the macro between shift registers."""

from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, Elaboratable, Instance, Module, ResetSignal
from amaranth.lib import io, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from ..clocking.crossing import StreamCrossing
from ..clocking.pll import add_pll
from ..clocking.reset import MAX_RATIO, hold_in_reset
from ..macro.ports import input_layout, output_layout, port_values, ports, write_layout
from ..measure.harness import add_harness
from .bridge import Bridge
from .busy_cycles import BusyCycles


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


def clock_pin(platform):
    """The pin of the board's oscillator."""
    return platform.request(platform.default_clk, 0, dir="-")


def add_uart(m, platform):
    """Request the pins of the board's serial port; returns the received and the transmitted bit."""
    pins = platform.request("uart", 0, dir="-")
    m.submodules.rx_pin = rx = io.Buffer("i", pins.rx)
    m.submodules.tx_pin = tx = io.Buffer("o", pins.tx)
    return rx.i, tx.o


def add_core(m, *, config, clock_hz, macro_hz, baud, locked):
    """Add a macro in clock domain ``macro``, its bridge in domain ``sync``, their crossings and resets.

    The macro leaves reset after its clock is stable, the bridge after the macro; see `hold_in_reset`.

    Parameters
    ----------
    m : Module
        Has both domains.
    config : MacroConfig
    clock_hz, macro_hz : int
        Hz of ``sync`` and of ``macro``.
    baud : int
        Bits a second of the serial port.
    locked : Value
        The clock of the macro is stable; of any clock.

    Returns
    -------
    Bridge
        Its ``rx`` and ``tx`` are left to connect.

    Raises
    ------
    ValueError
        One clock is more than `MAX_RATIO` times faster than the other.
    """
    if not clock_hz <= MAX_RATIO * macro_hz <= MAX_RATIO**2 * clock_hz:
        raise ValueError(f"macro_hz must be from 1/{MAX_RATIO} to {MAX_RATIO} times clock_hz, {clock_hz}, not "
                         f"{macro_hz}")
    macro, busy = MacroInstance(config=config), BusyCycles()
    m.submodules.macro, m.submodules.busy = DomainRenamer("macro")(macro), DomainRenamer("macro")(busy)
    m.submodules.bridge = bridge = Bridge(config=config, clock_hz=clock_hz, macro_hz=macro_hz, baud=baud)
    m.submodules.write_crossing = write = StreamCrossing(shape=write_layout(config), source="sync", sink="macro")
    m.submodules.i_crossing = i = StreamCrossing(shape=input_layout(config), source="sync", sink="macro")
    m.submodules.o_crossing = o = StreamCrossing(shape=output_layout(config), source="macro", sink="sync")
    for source, sink in ((bridge.write, write.i), (write.o, macro.write), (bridge.i, i.i), (i.o, macro.i),
                         (o.o, bridge.o)):
        connect(m, source, sink)
    # A result waits until the cycles that go with it are counted.
    m.d.comb += [
        busy.accepted.eq(macro.i.valid & macro.i.ready),
        busy.valid.eq(macro.o.valid),
        o.i.valid.eq(macro.o.valid & busy.counted),
        o.i.payload.eq(macro.o.payload),
        macro.o.ready.eq(o.i.ready),
        bridge.busy_cycles.eq(busy.cycles),
    ]
    hold_in_reset(m, first="macro", second="sync", locked=locked)
    return bridge


class BoardTop(Elaboratable):
    """The macro with its bridge on the pins of the board's serial port.

    The bridge runs from the oscillator, the macro from a PLL.

    Parameters
    ----------
    config : MacroConfig
    pll : Setting
        Of the PLL, with the frequencies of both clocks.
    baud : int
        Bits a second of the serial port.
    """

    def __init__(self, *, config, pll, baud):
        self.config = config
        self.pll = pll
        self.baud = baud

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        m.domains.macro = ClockDomain()
        oscillator, clock, locked = add_pll(m, clock_pin(platform), self.pll)
        m.d.comb += [ClockSignal().eq(oscillator), ClockSignal("macro").eq(clock)]
        bridge = add_core(m, config=self.config, clock_hz=round(self.pll.oscillator),
                          macro_hz=round(self.pll.frequency), baud=self.baud, locked=locked)
        rx, tx = add_uart(m, platform)
        m.d.comb += [bridge.rx.eq(rx), tx.eq(bridge.tx)]
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
        m.submodules.clock_pin = clock = io.Buffer("i", clock_pin(platform))
        m.domains.sync = ClockDomain()
        m.d.comb += ClockSignal().eq(clock.i)
        rx, tx = add_uart(m, platform)
        m.d.comb += tx.eq(add_harness(m, "macro", MacroPorts(config=self.config), rx))
        return m
