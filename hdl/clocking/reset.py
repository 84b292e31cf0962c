"""Resets that wait for something of another clock."""

from amaranth.hdl import ResetSignal, Signal
from amaranth.lib.cdc import FFSynchronizer

# iCE40's block RAM takes a microsecond to answer after configuration. The other domain, up to `MAX_RATIO` times slower,
# sees a reset of so many cycles, and what it sends then is seen before the end of it.
RESET_CYCLES = 256
MAX_RATIO = 32


def hold_in_reset(m, domain, until):
    """Hold a clock domain in reset from power-up until ``RESET_CYCLES`` after a bit of another clock is high.

    Two flip-flops synchronize the bit. If it goes low again, so does the domain into reset.

    Parameters
    ----------
    m : Module
    domain : str
    until : Value
        From a flip-flop, or a PLL's ``locked``.

    Returns
    -------
    Signal
        A flip-flop of the domain that is high when it is out of reset.
    """
    ready = Signal(name=f"{domain}_ready")
    m.submodules[f"{domain}_start"] = FFSynchronizer(until, ready, o_domain=domain)
    # Without a reset, because they make it.
    elapsed = Signal(range(RESET_CYCLES), name=f"{domain}_elapsed", reset_less=True)
    running = Signal(name=f"{domain}_running", reset_less=True)
    # The reset of many flip-flops comes straight from one. It starts low, because iCE40 would make a flip-flop that
    # starts high of one that starts low and an inverter; everything starts as if it had been reset, so nothing happens
    # in that cycle.
    waiting = Signal(name=f"{domain}_waiting", reset_less=True)
    m.d.comb += ResetSignal(domain).eq(waiting)
    m.d[domain] += elapsed.eq(elapsed + 1)
    with m.If(~ready):
        m.d[domain] += [elapsed.eq(0), running.eq(0), waiting.eq(1)]
    with m.Elif(elapsed.all()):
        m.d[domain] += [running.eq(1), waiting.eq(0)]
    return running
