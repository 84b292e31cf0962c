"""Serial port: receiver and transmitter, one start bit, eight data bits, no parity, one stop bit."""

from fractions import Fraction

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

# Clock cycles of a bit are counted in eighths, so that 25 MHz gives 3 Mbaud.
STEP = 8
MIN_DIVISOR = 4

RECEIVED = data.StructLayout({"data": 8, "error": 1})


def bit_time(divisor):
    """Duration of a bit in eighths of a clock cycle; ValueError below four cycles."""
    if divisor < MIN_DIVISOR:
        raise ValueError(f"divisor must be at least {MIN_DIVISOR} clock cycles a bit, not {divisor}")
    return round(Fraction(divisor) * STEP)


class UartReceiver(wiring.Component):
    """Bytes from a serial line, each bit sampled once, in its middle.

    A start bit that is gone in its middle was a glitch and is ignored. A missing stop bit gives a byte with ``error``,
    and the receiver waits for the line to go high: a break of any length is one byte.

    Parameters
    ----------
    divisor : int, float or Fraction
        Clock cycles a bit, at least 4; rounded to an eighth.

    Members
    -------
    rx : ``In(1)``
        The line, high when idle, not synchronous to the clock.
    o : ``Out(stream)``
        ``data`` and ``error``; valid for one cycle, half a bit into the stop bit.
    """

    def __init__(self, *, divisor):
        self.divisor = divisor
        self.bit_time = bit_time(divisor)
        super().__init__({"rx": In(1), "o": Out(stream.Signature(RECEIVED, always_ready=True))})

    def elaborate(self, platform):
        m = Module()
        line = Signal(init=1)
        m.submodules.synchronizer = FFSynchronizer(self.rx, line, init=1)
        timer = Signal(range(2 * self.bit_time))
        left = Signal(range(11))
        sample = timer < STEP
        bits = Signal(8)
        m.d.sync += timer.eq(Mux(sample, timer + (self.bit_time - STEP), timer - STEP))
        with m.FSM():
            with m.State("IDLE"):
                # The first sample is half a bit after the edge; one cycle has passed.
                m.d.sync += [timer.eq(self.bit_time // 2 - STEP // 2), left.eq(9)]
                with m.If(~line):
                    m.next = "BITS"
            with m.State("BITS"), m.If(sample):
                m.d.sync += left.eq(left - 1)
                with m.If((left == 9) & line):
                    m.next = "IDLE"
                with m.If(left == 0):
                    m.d.comb += self.o.valid.eq(1)
                    # Without waiting for the end of the bit: the next start bit may come half a bit later.
                    m.next = "IDLE"
                    with m.If(~line):
                        m.next = "HIGH"
                with m.Else():
                    m.d.sync += bits.eq(Cat(bits[1:], line))
            with m.State("HIGH"), m.If(line):
                m.next = "IDLE"
        m.d.comb += [self.o.payload.data.eq(bits), self.o.payload.error.eq(~line)]
        return m


class UartTransmitter(wiring.Component):
    """Bytes to a serial line, back to back if they arrive in time.

    Parameters
    ----------
    divisor : int, float or Fraction
        Clock cycles a bit, at least 4; rounded to an eighth.

    Members
    -------
    i : ``In(stream)``
        Bytes to send.
    tx : ``Out(1)``
        The line, high when idle; from a register.
    """

    def __init__(self, *, divisor):
        self.divisor = divisor
        self.bit_time = bit_time(divisor)
        super().__init__({"i": In(stream.Signature(8)), "tx": Out(1, init=1)})

    def elaborate(self, platform):
        m = Module()
        timer = Signal(range(2 * self.bit_time))
        left = Signal(range(11))
        bits = Signal(9, init=0x1FF)
        m.d.comb += self.i.ready.eq(left == 0)
        with m.If(left == 0):
            m.d.sync += [bits.eq(Cat(self.i.payload, 1)), timer.eq(self.bit_time - STEP)]
            with m.If(self.i.valid):
                m.d.sync += [self.tx.eq(0), left.eq(10)]
        with m.Elif(timer < STEP):
            m.d.sync += [timer.eq(timer + (self.bit_time - STEP)), left.eq(left - 1)]
            m.d.sync += [self.tx.eq(bits[0]), bits.eq(Cat(bits[1:], 1))]
        with m.Else():
            m.d.sync += timer.eq(timer - STEP)
        return m
