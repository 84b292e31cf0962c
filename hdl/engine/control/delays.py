"""Values some cycles later, and comparisons."""

from amaranth.hdl import Cat, Const, Signal

from ...config.widths import ceil_log2


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


def fits(left, size):
    """Whether so many, of which there are some, are at most a power of two: found from single bits, without a carry."""
    bits = ceil_log2(size)
    return ~left[bits + 1:].any() & ~(left[bits:bits + 1].any() & left[:bits].any())


def first_of(left, size):
    """A bit for each of a power of two of places: the first of them, as many as there are left."""
    bits = ceil_log2(size)
    return Cat(left[bits:].any() | exceeds(left[:bits], place) for place in range(size))


def at_most(value, most):
    """Whether an unsigned value is at most another one; if that has fewer bits, only the lowest are compared."""
    bits = len(most)
    return ~value[bits:].any() & (value[:bits] <= most) if len(value) > bits else value <= most
