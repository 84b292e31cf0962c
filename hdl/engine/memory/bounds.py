"""Bounds: whether bytes that are read or written are a tensor's."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..control.descriptor import ADDRESS_BITS


def used_layout(lanes):
    """Which of ``lanes`` bytes are used, ``first`` to before ``end``; ``is_residual``: of the tensor that is added."""
    return data.StructLayout({"first": range(lanes + 1), "end": range(lanes + 1), "is_residual": 1})


def least_of(m, name, left, lanes):
    """So many of a word's bytes as there are left."""
    count = Signal(range(lanes + 1), name=name)
    m.d.comb += count.eq(Mux(left < lanes, left, lanes))
    return count


def is_above(value, number):
    """Whether a signed value is above an unsigned number of fewer bits, which alone are compared with its lowest."""
    bits = len(number)
    return ~value[-1] & (value[bits:-1].any() | (value[:bits] > number))


def is_below(value, number):
    """Whether it is below."""
    bits = len(number)
    return value[-1] | (~value[bits:-1].any() & (value[:bits] < number))


class Bounds(wiring.Component):
    """Compares the used bytes of a word with base and limit.

    Addresses wrap: that of a word of which only the last bytes are used may be before the first one. So addresses of
    the upper half, which no memory has, are negative; base and limit are not.

    Latency: `LATENCY` cycles.

    Parameters
    ----------
    lanes : int
        Bytes of a word.

    Members
    -------
    address : ``In(ADDRESS_BITS)``
        Of the first byte.
    used : ``In(used_layout)``
        Which are used; none if ``first`` is not below ``end``.
    base : ``In(ADDRESS_BITS)``
        The tensor's first address.
    limit : ``In(ADDRESS_BITS)``
        The address after its last.
    is_beyond : ``Out(1)``
        A used byte is not between them.
    """

    LATENCY = 2

    def __init__(self, *, lanes):
        self.lanes = lanes
        super().__init__({"address": In(ADDRESS_BITS), "used": In(used_layout(lanes)), "base": In(ADDRESS_BITS),
                          "limit": In(ADDRESS_BITS), "is_beyond": Out(1)})

    def elaborate(self, platform):
        m = Module()
        # From the first byte of the word to base and limit.
        before, room = (Signal(signed(ADDRESS_BITS + 2), name=name, reset_less=True) for name in ("before", "room"))
        used, address = Signal(used_layout(self.lanes), name="late_used"), self.address.as_signed()
        m.d.sync += [
            before.eq(self.base - address), room.eq(self.limit - address), used.eq(self.used),
            self.is_beyond.eq((used.first < used.end) & (is_above(before, used.first) | is_below(room, used.end))),
        ]
        return m
