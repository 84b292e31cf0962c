"""Top modules of boards: an accelerator with its bridge to the host, and a macro between shift registers."""

from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, Elaboratable, Module
from amaranth.lib import io
from amaranth.lib.wiring import connect

from ..clocking.crossing import StreamCrossing
from ..clocking.pll import add_pll
from ..clocking.reset import MAX_RATIO, hold_in_reset
from ..measure.harness import add_harness
from .bridge import Bridge
from .busy_cycles import BusyCycles
from .macro_instance import MacroPorts


def clock_pin(platform):
    """The pin of the board's oscillator."""
    return platform.request(platform.default_clk, 0, dir="-")


def add_uart(m, platform):
    """Request the pins of the board's serial port; returns the received and the transmitted bit."""
    pins = platform.request("uart", 0, dir="-")
    m.submodules.rx_pin = rx = io.Buffer("i", pins.rx)
    m.submodules.tx_pin = tx = io.Buffer("o", pins.tx)
    return rx.i, tx.o


def add_core(m, *, accelerator, clock_hz, macro_hz, baud, locked):
    """Add an accelerator in clock domain ``macro``, its bridge in domain ``sync``, their crossings and resets.

    The accelerator leaves reset after its clock is stable, the bridge after the accelerator; see `hold_in_reset`.

    Parameters
    ----------
    m : Module
        Has both domains.
    accelerator : Accelerator
    clock_hz, macro_hz : int
        Hz of ``sync`` and of ``macro``.
    baud : int
        Bits a second of the serial port.
    locked : Value
        The clock of the accelerator is stable; of any clock.

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
    core, busy = accelerator.component(config=accelerator.module), BusyCycles()
    m.submodules[accelerator.name], m.submodules.busy = DomainRenamer("macro")(core), DomainRenamer("macro")(busy)
    m.submodules.bridge = bridge = Bridge(accelerator=accelerator, clock_hz=clock_hz, macro_hz=macro_hz, baud=baud)
    m.submodules.write_crossing = write = StreamCrossing(shape=accelerator.write, source="sync", sink="macro")
    m.submodules.i_crossing = i = StreamCrossing(shape=accelerator.i, source="sync", sink="macro")
    m.submodules.o_crossing = o = StreamCrossing(shape=accelerator.o, source="macro", sink="sync")
    for source, sink in ((bridge.write, write.i), (write.o, core.write), (bridge.i, i.i), (i.o, core.i),
                         (o.o, bridge.o)):
        connect(m, source, sink)
    # A result waits until the cycles that go with it are counted.
    m.d.comb += [
        busy.accepted.eq(core.i.valid & core.i.ready),
        busy.valid.eq(core.o.valid),
        o.i.valid.eq(core.o.valid & busy.counted),
        o.i.payload.eq(core.o.payload),
        core.o.ready.eq(o.i.ready),
        bridge.busy_cycles.eq(busy.cycles),
    ]
    hold_in_reset(m, first="macro", second="sync", locked=locked)
    return bridge


class BoardTop(Elaboratable):
    """An accelerator with its bridge on the pins of the board's serial port.

    The bridge runs from the oscillator, the accelerator from a PLL.

    Parameters
    ----------
    accelerator : Accelerator
    pll : Setting
        Of the PLL, with the frequencies of both clocks.
    baud : int
        Bits a second of the serial port.
    """

    def __init__(self, *, accelerator, pll, baud):
        self.accelerator = accelerator
        self.pll = pll
        self.baud = baud

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        m.domains.macro = ClockDomain()
        oscillator, clock, locked = add_pll(m, clock_pin(platform), self.pll)
        m.d.comb += [ClockSignal().eq(oscillator), ClockSignal("macro").eq(clock)]
        bridge = add_core(m, accelerator=self.accelerator, clock_hz=round(self.pll.oscillator),
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
