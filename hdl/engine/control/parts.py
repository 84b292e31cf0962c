"""Parts: a number divided into parts of one size, of which the last has what is left."""

from amaranth.hdl import Mux, Signal

from ...fabric.register import registered
from .delays import at_most


class Parts:
    """Registers that walk over parts, again and again. All is known a part ahead, so that nothing is late.

    ``total`` and ``size`` are there for a cycle or more before ``begin``.

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
        self.is_last = Signal(name=f"{name}_is_last", reset_less=True)
        # Of the next part: what is left from it on, and whether it is the last.
        left = Signal(len(total), name=f"{name}_left", reset_less=True)
        is_next_last = Signal(name=f"{name}_is_next_last", reset_less=True)
        is_only, is_double = (registered(m, f"{name}_{key}", at_most(total, most)) for key, most in (
            ("is_only", size), ("is_double", size << 1)))
        with m.If(begin):
            m.d.sync += [self.is_last.eq(is_only), is_next_last.eq(is_double),
                         left.eq(Mux(is_only, total, total - size))]
        with m.Elif(advance):
            m.d.sync += [self.is_last.eq(is_next_last),
                         left.eq(Mux(is_next_last, total, left - size)),
                         is_next_last.eq(Mux(is_next_last, is_only, at_most(left, size << 1)))]
        self.first_size, self.next_size = Mux(is_only, total, size), Mux(is_next_last, left, size)
