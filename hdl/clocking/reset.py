"""Resets of two clock domains, one of which has a clock that may fail."""

from amaranth.hdl import ResetSignal, Signal
from amaranth.lib.cdc import FFSynchronizer

# iCE40's block RAM takes a microsecond to answer after configuration. The other domain, up to `MAX_RATIO` times slower,
# sees a reset of so many cycles, and what it sends then is seen before the end of it.
RESET_CYCLES = 256
MAX_RATIO = 32


def hold_in_reset(m, *, first, second, locked):
    """Hold two clock domains in reset from power-up until the clock of the first is stable, and whenever it is not.

    The first leaves reset `RESET_CYCLES` after ``locked``, the second as many of its own after the first. When
    ``locked`` goes low, both enter it, the second also if the clock of the first has stopped. It stays there until the
    first has been in reset, even if that misses how ``locked`` was low. So no domain leaves reset with what the other
    sent before.

    The first is reset in the cycle in which it could use what the reset of the second seems to send, or earlier.

    Parameters
    ----------
    m : Module
    first, second : str
        Domains; neither clock is more than `MAX_RATIO` times faster than the other.
    locked : Value
        The clock of the first is stable, such as a PLL says it; of any clock.
    """
    # Low from when the second domain sees that the lock is lost until it sees the first in reset.
    kept = Signal(reset_less=True)
    running = _release(m, first, _synchronized(m, first, "lock", locked) & _synchronized(m, first, "kept", kept))
    locked_here = _synchronized(m, second, "lock", locked)
    running_there = _synchronized(m, second, "start", running)
    m.d[second] += kept.eq(locked_here & (kept | ~running_there))
    # From a flip-flop, so that `check_crossings` does not take the two domains' resets for a request.
    ready = Signal(name=f"{second}_ready", reset_less=True)
    m.d[second] += ready.eq(locked_here & running_there & kept)
    _release(m, second, ready)


def _synchronized(m, domain, name, value):
    """A value of another clock, in this domain."""
    here = Signal(name=f"{domain}_{name}")
    m.submodules[f"{domain}_{name}_in"] = FFSynchronizer(value, here, o_domain=domain)
    return here


def _release(m, domain, ready):
    """Reset a domain until `RESET_CYCLES` after ``ready``; returns a flip-flop that is high when it is out of reset."""
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
