"""Countdown: what is left of a number, step by step."""

from amaranth.hdl import Signal

from ...fabric.register import registered
from .delays import fits


class Countdown:
    """A register of what is left, and one of whether the next step is the last, so that nothing is compared in the
    cycle of a step.

    Parameters
    ----------
    m : Module
    name : str
    restart : Value
        For a cycle: all is left.
    advance : Value
        For a cycle: a step; ``restart`` goes before.
    total : Value
        The number, above zero, for a cycle or more before ``restart``.
    size : int
        Of a step: a power of two.

    Attributes
    ----------
    left : Signal
    is_last : Signal
        What is left is at most ``size``.
    """

    def __init__(self, m, name, *, restart, advance, total, size=1):
        self.left = Signal(len(total), name=f"{name}_left", reset_less=True)
        self.is_last = Signal(name=f"{name}_is_last", reset_less=True)
        is_single = registered(m, f"{name}_is_single", fits(total, size))
        with m.If(restart):
            m.d.sync += [self.left.eq(total), self.is_last.eq(is_single)]
        with m.Elif(advance):
            m.d.sync += [self.left.eq(self.left - size), self.is_last.eq(fits(self.left, 2 * size))]
