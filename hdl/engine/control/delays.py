"""Values some cycles later, and comparisons."""

from amaranth.hdl import Const, Signal


def delayed(m, name, value, cycles, reset=False):
    """A value so many cycles later; ``reset``: its registers are cleared by a reset."""
    shape = value.shape()
    for cycle in range(cycles):
        register = Signal(shape, name=f"{name}_{cycle + 1}", reset_less=not reset)
        m.d.sync += register.eq(value)
        value = register
    return value


def exceeds(value, number):
    """Whether an unsigned value is above a number; a constant where none of its shape can be, of which tools warn."""
    return value > number if number + 1 < 1 << len(value) else Const(0)


def minimum(m, name, width, *values):
    """The least of some values."""
    least = values[0]
    for index, value in enumerate(values[1:]):
        chosen = Signal(width, name=f"{name}_{index}")
        m.d.comb += chosen.eq(least)
        with m.If(value < least):
            m.d.comb += chosen.eq(value)
        least = chosen
    return least
