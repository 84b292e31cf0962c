"""Flash reader: the maker and the contents of an SPI flash, as bytes."""

from math import ceil

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

# Serial peripheral interface, mode 0: bits are taken at rising edges of ``clk`` and change at falling ones. ``cs`` is
# high while the flash is selected.
SPI = wiring.Signature({"cs": Out(1), "clk": Out(1), "copi": Out(1), "cipo": In(1)})
# Bits of an address.
ADDRESS_BITS = 24
# Commands; the first, which is none, ends a continuous read, and takes the edges that a clock driver may swallow.
NONE, RELEASE_POWER_DOWN, READ_ID, READ = 0xFF, 0xAB, 0x9F, 0x03
# Between commands: no flash takes longer to wake.
GAP_S = 100e-6


class FlashReader(wiring.Component):
    """Wakes a flash, and reads who has made it and then its contents.

    A bit takes four cycles, of which ``cipo`` has two from the falling edge that asks for it until it is taken, into a
    synchronizer. While a byte waits for ``o.ready`` the flash waits, with its clock low.

    Latency: three times `GAP_S` and 32 bits until the maker's number, then `GAP_S` and 40 bits until the first byte of
    the contents.

    Throughput: a byte in 33 cycles.

    Parameters
    ----------
    address : int
        Where to begin.
    clock_hz : int
        Frequency of the clock.

    Members
    -------
    o : ``Out(stream)``
        From the reset on: the maker's number, as JEDEC has assigned it, which is neither 0 nor 255; then the bytes of
        the flash, without end.
    spi : ``Out(SPI)``
        To the flash; the outputs are from flip-flops.
    """

    def __init__(self, *, address, clock_hz):
        self.address, self.clock_hz = address, clock_hz
        super().__init__({"o": Out(stream.Signature(8)), "spi": Out(SPI)})

    def elaborate(self, platform):
        m = Module()
        # What is sent, and the bits until the first byte that is wanted is there; the first two bring none.
        steps = ((NONE << 24, 8), (RELEASE_POWER_DOWN << 24, 8), (READ_ID << 24, 16), (READ << 24 | self.address, 40))
        gap = ceil(GAP_S * self.clock_hz)
        step, waited, left, phase = Signal(range(len(steps))), Signal(range(gap)), Signal(range(41)), Signal(2)
        bits, cipo = Signal(32, reset_less=True), Signal()
        m.submodules.cipo_in = FFSynchronizer(self.spi.cipo, cipo)
        m.d.comb += [self.spi.clk.eq(phase[-1]), self.spi.copi.eq(bits[-1]), self.o.payload.eq(bits[:8])]

        def go_on():
            m.d.sync += [self.spi.cs.eq(0), step.eq(step + 1)]
            m.next = "GAP"

        with m.FSM():
            with m.State("GAP"):
                m.d.sync += waited.eq(waited + 1)
                with m.If(waited == gap - 1):
                    m.d.sync += [waited.eq(0), self.spi.cs.eq(1)]
                    with m.Switch(step):
                        for number, (sent, count) in enumerate(steps):
                            with m.Case(number):
                                m.d.sync += [bits.eq(sent), left.eq(count)]
                    m.next = "SHIFT"
            with m.State("SHIFT"):
                m.d.sync += phase.eq(phase + 1)
                with m.If(phase.all()):
                    m.d.sync += [bits.eq(Cat(cipo, bits)), left.eq(left - 1)]
                    with m.If(left == 1):
                        m.next = "OFFER"
                        with m.If(step < 2):
                            go_on()
            with m.State("OFFER"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += left.eq(8)
                    m.next = "SHIFT"
                    with m.If(step != len(steps) - 1):
                        go_on()
        return m
