"""Sum of two: int8 values of two tensors, brought to a common scale."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.descriptor import Flags
from ....golden.engine.executor import SUM_SHIFT
from ....golden.requantize import FRACTION
from ...fabric.adder import Addition, Operand, add
from ...fabric.emitter import Platform
from ...fabric.multiplier import CYCLES, multiply
from ...fabric.mux import instantiate_choice
from ..control.delays import delayed, exceeds
from ..control.descriptor import descriptor_layout

# Of the difference of two bytes, of the scaled one, and of the sum.
BYTE_BITS, TERM_BITS, SUM_BITS = 9, SUM_SHIFT + 9, SUM_SHIFT + 10
# A multiplier comes in two pieces, of which the lower has so many bits.
PIECE = 16
# Bits of a product that are rounded away first, and of the shift after that. Factors are shifted to the left by what
# its lowest bits lack, so that behind the product only steps of `STEP` bits are left.
ROUNDED = FRACTION - SUM_SHIFT
SHIFT_BITS, FINE_BITS = 5, 3
STEP = 1 << FINE_BITS
# Of a factor that was shifted, of its product with what is added for the rounding, and of those of its bits that are
# rounded away in any case.
SHIFTED_BITS, PRODUCT_BITS, BELOW = BYTE_BITS + STEP - 1, FRACTION + BYTE_BITS + STEP, ROUNDED + STEP - 1


class SumOfTwo(wiring.Component):
    """``round((x - x_zero) * 2**20 * term_multiplier * 2**(term_shift - 31)) + (y - y_zero) * 2**19`` of each lane.

    It is rounded as `golden.requantize` does by its rule ``double``. Values come at most every other cycle, so half of
    the lanes are there, and have the upper values a cycle after the lower ones.

    Both roundings, of the product at bit ``31 - 20`` and of what is shifted, are one: what is added for either is added
    to the product, for the second a half, or less for negative terms, whose halves go down.

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

    # Registers of each half: differences, which of them is x, products, their sum, the rounded one, the term twice, the
    # sum; and one more of the lower half.
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
        self._fine, self._halves = self._find_halves(m)
        m.d.sync += self._shift.eq(-fields.term_shift)
        scales_own = (fields.flags & int(Flags.SCALES_OWN)) != 0
        multiplier, half = fields.term_multiplier.as_unsigned(), self.lanes // 2
        own, other = (self._in_turn(m, name, value) for name, value in (("own", self.own), ("other", self.other)))
        for index in range(half):
            one, two = (delayed(m, f"{name}_{index}", value[8 * index:8 * index + 8].as_signed() - zero, 1)
                        for name, value, zero in (("one", own, fields.own_zero), ("two", other, fields.other_zero)))
            x, y = (Signal(BYTE_BITS, name=f"{name}_{index}", reset_less=True) for name in "xy")
            m.d.sync += [x.eq(Mux(scales_own, one, two)), y.eq(Mux(scales_own, two, one))]
            shifted = Signal(SHIFTED_BITS, name=f"shifted_{index}")
            m.d.comb += shifted.eq(instantiate_choice(m, platform, f"shifted_{index}", [
                Cat(Const(0, by), x, x[-1].replicate(STEP))[:SHIFTED_BITS] for by in range(STEP)], self._fine))
            pieces = [multiply(m, platform, f"product_{index}_{piece}", shifted.as_signed(), factor)
                      for piece, factor in enumerate((multiplier[:PIECE], multiplier[PIECE:FRACTION]))]
            term = self._scale(m, platform, index, *pieces)
            late = delayed(m, f"late_{index}", y, self.LATENCY - 2 - self.CHOSEN)
            upper = self.sums[index + half]
            m.d.sync += [upper.eq(term + (late.as_signed() << SUM_SHIFT - 1)), self.sums[index].eq(upper)]
        return m

    def _find_halves(self, m):
        """By how much factors are shifted; and what is added to a product for both roundings, above zero and below."""
        fine = Signal(FINE_BITS, reset_less=True, name="fine")
        left, steps, is_twice = ~self._shift[:FINE_BITS], self._shift[FINE_BITS:], self._shift != 0
        halves = [Signal(PRODUCT_BITS, name=name, reset_less=True) for name in ("half", "half_below")]
        half, below = [], []
        for bit in range(PRODUCT_BITS):
            first, step = bit - (ROUNDED - 1), (bit - BELOW + 1) // STEP
            # A half of the first rounding, and of the second. The latter less twice the former are ones between these.
            is_first = left == first if 0 <= first < STEP else Const(0)
            is_second = is_twice & (steps == step) if (bit - BELOW + 1) % STEP == 0 and step >= 0 else Const(0)
            is_between = Const(0) if first < 0 else ~exceeds(left, first)
            half.append(is_first | is_second)
            below.append(Mux(is_twice, is_between & (exceeds(steps, step) if step >= 0 else Const(1)), is_first))
        m.d.sync += [fine.eq(left), halves[0].eq(Cat(half)), halves[1].eq(Cat(below))]
        return fine, halves

    def _in_turn(self, m, name, value):
        """The lower half of what comes, and in the next cycle the upper one."""
        half = len(value) // 2
        return Mux(self.valid, value[:half], delayed(m, f"{name}_upper", value[half:], 1))

    def _scale(self, m, platform, index, low, high):
        """The rounded term of a lane, given the products with both pieces of the multiplier."""
        product, rounded = (Signal(PRODUCT_BITS, name=f"{name}_{index}", reset_less=True)
                            for name in ("whole", "rounded"))
        upper = PRODUCT_BITS - PIECE
        (above,) = add(m, platform, f"add_whole_{index}", [
            Addition(Operand(high), Operand(low[PIECE:].as_signed()), upper)])
        half, half_below = self._halves
        # Nothing is added to the bits below the last one of a half.
        (total,) = add(m, platform, f"add_half_{index}", [Addition(
            Operand(product[ROUNDED - 1:]), Operand(half_below[ROUNDED - 1:], "select", product[-1],
                                                    half[ROUNDED - 1:]), PRODUCT_BITS - ROUNDED + 1)])
        moved = Signal(TERM_BITS, name=f"moved_{index}", reset_less=True)
        choices = [rounded.as_signed() >> BELOW + STEP * steps for steps in range(1 << SHIFT_BITS - FINE_BITS)]
        m.d.sync += [
            product.eq(Cat(low[:PIECE], above)), rounded.eq(Cat(product[:ROUNDED - 1], total)),
            moved.eq(instantiate_choice(m, platform, f"moved_{index}", _words(choices, TERM_BITS),
                                        self._shift[FINE_BITS:])),
        ]
        return delayed(m, f"term_{index}", moved.as_signed(), 1)


def _words(values, width):
    """Signed values as words of one width."""
    return [Cat(value[min(bit, len(value) - 1)] for bit in range(width)) for value in values]
