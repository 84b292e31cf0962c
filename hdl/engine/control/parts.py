"""Parts: a number divided into parts of one size, of which the last has what is left."""

from amaranth.hdl import Mux, Signal

from .delays import at_most


class Parts:
    """Registers that walk over parts, again and again. All is known a part ahead, so that nothing is late.

    Attributes
    ----------
    is_last : Signal
        This part is the last; so it is in the cycle after ``begin``.
    next_size : Value
        Of the next part; after the last that is the first.
    first_size : Value
        Of the first part, with ``begin``.
    """

    def __init__(self, m, name, *, begin, advance, total, size):
        self.is_last, is_only = (Signal(name=f"{name}_{each}", reset_less=True) for each in ("is_last", "is_only"))
        # Of the next part: what is left from it on, and whether it is the last.
        left = Signal(len(total), name=f"{name}_left", reset_less=True)
        is_next_last = Signal(name=f"{name}_is_next_last", reset_less=True)
        fits, fits_twice = at_most(total, size), at_most(total, size << 1)
        with m.If(begin):
            m.d.sync += [self.is_last.eq(fits), is_only.eq(fits), is_next_last.eq(fits_twice),
                         left.eq(Mux(fits, total, total - size))]
        with m.Elif(advance):
            m.d.sync += [self.is_last.eq(is_next_last),
                         left.eq(Mux(is_next_last, total, left - size)),
                         is_next_last.eq(Mux(is_next_last, is_only, at_most(left, size << 1)))]
        self.first_size, self.next_size = Mux(fits, total, size), Mux(is_next_last, left, size)
