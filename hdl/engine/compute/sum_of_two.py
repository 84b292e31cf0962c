"""Sum of two: int8 values of two tensors, brought to a common scale."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.descriptor import Flags
from ....golden.engine.executor import SUM_SHIFT
from ....golden.requantize import FRACTION
from ...fabric.emitter import Platform
from ...fabric.multiplier import CYCLES, multiply
from ...fabric.mux import instantiate_choice
from ..control.delays import delayed
from ..control.descriptor import descriptor_layout

# Of the difference of two bytes, of the scaled one, and of the sum.
BYTE_BITS, TERM_BITS, SUM_BITS = 9, SUM_SHIFT + 9, SUM_SHIFT + 10
# A multiplier comes in two pieces, of which the lower has so many bits.
PIECE = 16
# Bits of a product that are rounded away first, and of the shift after that.
ROUNDED = FRACTION - SUM_SHIFT
SHIFT_BITS, FINE_BITS = 5, 3


class SumOfTwo(wiring.Component):
    """``round((x - x_zero) * 2**20 * term_multiplier * 2**(term_shift - 31)) + (y - y_zero) * 2**19`` of each lane.

    It is rounded as `golden.requantize` does by its rule ``double``. Values come at most every other cycle, so half of
    the lanes are there, and have the upper values a cycle after the lower ones.

    Latency: `LATENCY` cycles.

    Parameters
    ----------
    lanes : int

    Members
    -------
    fields : ``In(descriptor_layout)``
        Zero points, multiplier and shift of the term, and which of the two is ``x``; they stay from two cycles before
        the first value until the last sum.
    valid : ``In(1)``
        There are values; never in two cycles that follow one another.
    own : ``In(8 * lanes)``
        Values.
    other : ``In(8 * lanes)``
        What is added to them.
    sums : ``Out(ArrayLayout(signed(SUM_BITS), lanes))``
        Their sums.
    """

    # Registers of each half: differences, which of them is x, products, the sum of these, the two roundings, a shift in
    # two steps, the sum; and one more of the lower half.
    CHOSEN, LATENCY = 2, 8 + CYCLES

    def __init__(self, *, lanes):
        self.lanes = lanes
        super().__init__({
            "fields": In(descriptor_layout()), "valid": In(1), "own": In(8 * lanes), "other": In(8 * lanes),
            "sums": Out(data.ArrayLayout(signed(SUM_BITS), lanes)),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        fields = self.fields
        self._shift = Signal(SHIFT_BITS, reset_less=True, name="shift")
        # What is added before the shift: a half, and less for negative terms, whose halves go down.
        self._half, self._half_below = (Signal(1 << SHIFT_BITS, name=name, reset_less=True)
                                        for name in ("half", "half_below"))
        m.d.sync += [self._shift.eq(-fields.term_shift), self._half.eq((1 << self._shift) >> 1),
                     self._half_below.eq(self._half - (self._shift != 0))]
        scales_own = (fields.flags & int(Flags.SCALES_OWN)) != 0
        multiplier, half = fields.term_multiplier.as_unsigned(), self.lanes // 2
        own, other = (self._in_turn(m, name, value) for name, value in (("own", self.own), ("other", self.other)))
        for index in range(half):
            one, two = (delayed(m, f"{name}_{index}", value[8 * index:8 * index + 8].as_signed() - zero, 1)
                        for name, value, zero in (("one", own, fields.own_zero), ("two", other, fields.other_zero)))
            x, y = (Signal(BYTE_BITS, name=f"{name}_{index}", reset_less=True) for name in "xy")
            m.d.sync += [x.eq(Mux(scales_own, one, two)), y.eq(Mux(scales_own, two, one))]
            pieces = [multiply(m, platform, f"product_{index}_{piece}", x.as_signed(), factor) for piece, factor in
                      enumerate((multiplier[:PIECE], multiplier[PIECE:FRACTION]))]
            term = self._scale(m, platform, index, *pieces)
            late = delayed(m, f"late_{index}", y, self.LATENCY - 2 - self.CHOSEN)
            upper = self.sums[index + half]
            m.d.sync += [upper.eq(term + (late.as_signed() << SUM_SHIFT - 1)), self.sums[index].eq(upper)]
        return m

    def _in_turn(self, m, name, value):
        """The lower half of what comes, and in the next cycle the upper one."""
        half = len(value) // 2
        return Mux(self.valid, value[:half], delayed(m, f"{name}_upper", value[half:], 1))

    def _scale(self, m, platform, index, low, high):
        """The rounded term of a lane, given the products with both pieces of the multiplier."""
        whole = Signal(signed(TERM_BITS), name=f"whole_{index}", reset_less=True)
        rounded, moved = (Signal(1 << SHIFT_BITS, name=f"{name}_{index}", reset_less=True)
                          for name in ("rounded", "moved"))
        term = Signal(TERM_BITS, name=f"term_{index}", reset_less=True)
        coarse, fine = ([value.as_signed() >> step * choice for choice in range(1 << bits)]
                        for value, step, bits in ((rounded, 1 << FINE_BITS, SHIFT_BITS - FINE_BITS),
                                                  (moved, 1, FINE_BITS)))
        # The upper piece has no bits that are rounded away; of the lower one the highest such bit is a carry.
        above = Cat(Const(1, 1), Const(0, PIECE - ROUNDED), high).as_signed()
        m.d.sync += [
            whole.eq((above + low[ROUNDED - 1:].as_signed()) >> 1),
            rounded.eq(whole + Mux(whole < 0, self._half_below, self._half).as_signed()),
            moved.eq(instantiate_choice(m, platform, f"moved_{index}", _words(coarse, len(moved)),
                                        self._shift[FINE_BITS:])),
            term.eq(instantiate_choice(m, platform, f"shifted_{index}", _words(fine, len(term)),
                                       self._shift[:FINE_BITS])),
        ]
        return term.as_signed()


def _words(values, width):
    """Signed values as words of one width."""
    return [Cat(value[min(bit, len(value) - 1)] for bit in range(width)) for value in values]
