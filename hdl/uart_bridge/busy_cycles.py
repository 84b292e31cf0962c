"""How long vectors take, in cycles of the macro's clock."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .protocol import BUSY_BITS


class BusyCycles(wiring.Component):
    """Counts the cycles from the acceptance of each vector to its result, both included; one vector at a time.

    Members
    -------
    accepted : ``In(1)``
        The macro accepts a vector.
    valid : ``In(1)``
        The macro offers the result.
    counted : ``Out(1)``
        All cycles up to the result are counted, and ``cycles`` is stable: two or three cycles after ``valid``.
    cycles : ``Out(32)``
        The sum since the reset; wraps.
    """

    def __init__(self):
        super().__init__({"accepted": In(1), "valid": In(1), "counted": Out(1), "cycles": Out(BUSY_BITS)})

    def elaborate(self, platform):
        m = Module()
        # A cycle late, so that the counter is not in a path through the macro, and its upper half another cycle later,
        # so that its carry is not what limits the clock.
        counting, valid, carry = Signal(), Signal(), Signal()
        half = len(self.cycles) // 2
        low, high = self.cycles[:half], self.cycles[half:]
        m.d.comb += self.counted.eq(valid & ~counting & ~carry)
        m.d.sync += [valid.eq(self.valid), carry.eq(counting & low.all())]
        with m.If(self.accepted):
            m.d.sync += counting.eq(1)
        with m.Elif(valid):
            m.d.sync += counting.eq(0)
        with m.If(counting):
            m.d.sync += low.eq(low + 1)
        with m.If(carry):
            m.d.sync += high.eq(high + 1)
        return m
