"""Top modules of boards: an accelerator with its bridge to the host, and a macro between shift registers."""

from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, Elaboratable, Instance, Module, ResetSignal
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


def add_flash(m, platform, resource, spi):
    """Connect an `SPI` to the pins of an ECP5's configuration flash.

    Its clock is no pin that a design can have, but the configuration clock, which ``USRMCLK`` drives (Lattice
    FPGA-TN-02039, ECP5 and ECP5-5G sysCONFIG Usage Guide).
    """
    pins = platform.request(resource, 0, dir="-")
    m.submodules.flash_cipo = cipo = io.Buffer("i", pins.cipo)
    m.d.comb += spi.cipo.eq(cipo.i)
    for name, value in (("cs", spi.cs), ("copi", spi.copi), ("wp", 0), ("hold", 0)):
        m.submodules[f"flash_{name}"] = pin = io.Buffer("o", getattr(pins, name))
        m.d.comb += pin.o.eq(value)
    m.submodules.flash_clock = Instance("USRMCLK", i_USRMCLKI=spi.clk, i_USRMCLKTS=ResetSignal())


def add_core(m, *, accelerator, clock_hz, macro_hz, baud, locked, image_address=0):
    """Add an accelerator in clock domain ``macro``, its bridge and loader in domain ``sync``, crossings and resets.

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
    image_address : int
        Of an engine's image in the flash.

    Returns
    -------
    (Bridge, PureInterface or None)
        Its ``rx`` and ``tx`` are left to connect, and the `SPI` to the flash where the accelerator has a loader.

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
    host, spi = bridge, None
    if accelerator.loader:
        m.submodules.flash_loader = loader = accelerator.loader(
            config=accelerator.config, address=image_address, clock_hz=clock_hz)
        for source, sink in ((bridge.write, loader.host.write), (bridge.i, loader.host.i), (loader.host.o, bridge.o)):
            connect(m, source, sink)
        host, spi = loader.engine, loader.spi
    for source, sink in ((host.write, write.i), (write.o, core.write), (host.i, i.i), (i.o, core.i), (o.o, host.o)):
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
    return bridge, spi


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
    flash : Flash or None
        Which an engine's image is loaded from; without one the loader sees none that answers.
    """

    def __init__(self, *, accelerator, pll, baud, flash=None):
        self.accelerator = accelerator
        self.pll = pll
        self.baud = baud
        self.flash = flash

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        m.domains.macro = ClockDomain()
        oscillator, clock, locked = add_pll(m, clock_pin(platform), self.pll)
        m.d.comb += [ClockSignal().eq(oscillator), ClockSignal("macro").eq(clock)]
        bridge, spi = add_core(
            m, accelerator=self.accelerator, clock_hz=round(self.pll.oscillator), macro_hz=round(self.pll.frequency),
            baud=self.baud, locked=locked, image_address=self.flash.image_address if self.flash else 0)
        rx, tx = add_uart(m, platform)
        m.d.comb += [bridge.rx.eq(rx), tx.eq(bridge.tx)]
        if spi is not None and self.flash:
            add_flash(m, platform, self.flash.resource, spi)
        elif spi is not None:
            m.d.comb += spi.cipo.eq(1)
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
