"""Lanes of the requantizer: a column's total to its result."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...golden.requantize import ROUNDINGS
from ..config.core import MAX_TOTAL_BITS
from ..fabric.adder import Addition, Carry, Operand, add
from ..fabric.multiplier import CYCLES, multiply
from ..fabric.mux import instantiate_choice
from ..fabric.register import registered

# Of a column; further bits of its item in the stream are ignored.
PARAMETERS = data.StructLayout({"bias": signed(32), "multiplier": signed(32), "shift": signed(6)})

# The least significant bit of a product that any shift leaves in place: half of the result's lowest bit at shift 7.
BASE = 23
MAX_LEFT_SHIFT = 7
# Factors are split here, so that a product of two pieces fits a multiplier of 18 by 18 bits.
PIECE = 16


def plus(bit):
    """A carry into an addition."""
    return Carry(lambda one, other: one & other, bit)


def settings_layout(output_bits):
    """Settings of all columns of a set."""
    value = signed(output_bits)
    return data.StructLayout({"rounding": range(len(ROUNDINGS)), "zero_point": value, "low": value, "high": value})


class RequantizerLane(wiring.Component):
    """``clip(round((total + bias) * multiplier * 2**(shift - 31)) + zero_point, low, high)``, one a cycle.

    Exactly `golden.requantize.requantize`; a shift above 7 is undefined. Every rule is made one rounding of a product
    ``p`` at the last bit, halves up. Rounding at bit 31 and then again, halves away from zero, as TensorFlow Lite does,
    equals adding ``2**30`` first if ``p`` is not negative, otherwise subtracting it. Rounding once, halves away from
    zero, equals subtracting one first if ``p`` is negative.

    Latency: `latency` cycles.

    Parameters
    ----------
    total_width : int, at most 32
    output_bits : 8 or 16
    is_fast : bool
        For a higher clock take a cycle more, the last one, to select what was compared.
    has_other : bool
        There are two totals, of which one is taken; the choice is in the cells of the first addition.

    Members
    -------
    total : ``In(signed(total_width))``
        Total of a column.
    other : ``In(signed(total_width))``
        If ``has_other``: the other one.
    takes_other : ``In(1)``
        If ``has_other``: it is the one.
    parameters : ``In(PARAMETERS)``
        Parameters of the column, with the total.
    settings : ``In(settings_layout(output_bits))``
        ``rounding``, of `golden.requantize.ROUNDINGS`, comes `ROUNDED` cycles after the total, ``zero_point`` `OFFSET`
        cycles, the others `CLIPPED`. Rounding 3 is as 1.
    result : ``Out(signed(output_bits))``
        Result, `latency` cycles after the total.
    """

    ROUNDED, OFFSET, CLIPPED, latency = 4, 8, 9, 10

    def __init__(self, *, total_width, output_bits, is_fast=False, has_other=False):
        self.total_width = total_width
        self.output_bits = output_bits
        self.is_fast = is_fast
        self.has_other = has_other
        self.latency = RequantizerLane.latency + is_fast
        super().__init__({
            "total": In(signed(total_width)),
            **({"other": In(signed(total_width)), "takes_other": In(1)} if has_other else {}),
            "parameters": In(PARAMETERS),
            "settings": In(settings_layout(output_bits)),
            "result": Out(signed(output_bits)),
        })

    def elaborate(self, platform):
        m = Module()
        given = self.parameters
        operands = Operand(self.total), Operand(given.bias)
        if self.has_other:
            operands = Operand(given.bias), Operand(self.other, "select", self.takes_other, self.total)
        value = self._sum(m, platform, "value", *operands, MAX_TOTAL_BITS + 1)
        multiplier = registered(m, "multiplier_1", given.multiplier.as_unsigned())
        shifts_right = registered(m, "shifts_right_1", given.shift < 0)
        product, negative = self._multiply(m, platform, value, multiplier, shifts_right)
        # Distance from the maximum left shift.
        right = self._delay(m, "right", (MAX_LEFT_SHIFT - given.shift)[:6], 0, 6)
        scaled, beyond = self._shift(m, platform, product, right)
        negative = self._delay(m, "negative", negative, 6, 8)
        self._clip(m, platform, scaled, beyond, negative)
        return m

    def _delay(self, m, name, value, first, last):
        """A value of cycle ``first`` in cycle ``last``."""
        for cycle in range(first, last):
            value = registered(m, f"{name}_{cycle + 1}", value)
        return value

    def _multiply(self, m, platform, value, multiplier, shifts_right):
        """The product without the bits below `BASE`, cycle 6, with the first of the two roundings; its sign."""
        pieces = {"h": (value[PIECE:].as_signed(), multiplier[PIECE:].as_signed()),
                  "l": (value[:PIECE], multiplier[:PIECE])}
        products = {a + b: multiply(m, platform, f"product_{a}{b}", pieces[a][0], pieces[b][1])
                    for a in "hl" for b in "hl"}
        negative = self._delay(m, "negative", value[-1] ^ multiplier[-1], 1, 1 + CYCLES)
        # Only if bits are left to round after bit 31.
        twice = self.settings.rounding[0] & self._delay(m, "shifts_right", shifts_right, 1, 1 + CYCLES)
        lowered = self.settings.rounding[1] & ~self.settings.rounding[0] & negative
        # To the bits from `PIECE` on: one at bit 30 with its sign; or minus one, which is taken back where the bits
        # below, of which only these are dropped, are not all zero and so do not borrow.
        first = Cat(lowered.replicate(30 - PIECE), twice | lowered, twice & negative | lowered).as_signed()
        upper = Cat(products["ll"][PIECE:], products["hh"]).as_signed()
        outer = self._sum(m, platform, "outer", Operand(upper), Operand(first), len(upper))
        inner = self._sum(m, platform, "inner", Operand(products["hl"]), Operand(products["lh"]),
                          len(products["hl"]) + 1)
        given_back = registered(m, "given_back", lowered & products["ll"][:PIECE].any())
        step = Addition(Operand(outer.as_signed()), Operand(inner.as_signed()), len(outer), plus(given_back))
        (whole,) = add(m, platform, "add_whole", [step])
        kept = whole[BASE - PIECE:MAX_TOTAL_BITS * 2 + 1 - PIECE].as_signed()
        return registered(m, "product", kept), self._delay(m, "negative", negative, 4, 6)

    def _sum(self, m, platform, name, first, second, width):
        """A register of the sum of two operands, of signed words, itself without a sign."""
        (total,) = add(m, platform, f"add_{name}", [Addition(first, second, width)])
        return registered(m, name, total)

    def _shift(self, m, platform, product, right):
        """The product shifted to the right, cycle 8, with the highest discarded bit; and whether it overflows.

        After each step the bits above those that can still be needed are dropped, and checked to be copies of the sign.
        """
        beyond, value = Const(0, 1), product
        for step, choices, rest in ((16, 3, 15), (4, 4, 3), (1, 4, 0)):
            width = min(self.output_bits + 2 + rest, len(value))
            chosen = right[4:] if step == 16 else right[2:4] if step == 4 else right[:2]
            moved = [self._extended(value, step * choice, width) for choice in range(choices)]
            shifted = instantiate_choice(m, platform, f"moved_by_{step}", moved, chosen).as_signed()
            # For each piece that may be left above, whether it has more than copies of the sign.
            above = [(value[low:low + step] ^ value[-1].replicate(len(value[low:low + step]))).any()
                     for low in range(width - 1, width - 1 + step * (choices - 1), step)]
            for choice, has_more in enumerate(above):
                beyond |= has_more & (chosen <= choice)
            value = shifted
            if step != 4:
                beyond, value = registered(m, f"beyond_{step}", beyond), registered(m, f"shifted_{step}", value)
                right = registered(m, f"right_{step}", right)
        return value, beyond

    @staticmethod
    def _extended(value, low, width):
        """Some bits of a signed value from ``low`` on."""
        return Cat(value[min(low + bit, len(value) - 1)] for bit in range(width))

    def _clip(self, m, platform, scaled, beyond, negative):
        settings = self.settings
        (total,) = add(m, platform, "add_sum", [Addition(Operand(scaled[1:].as_signed()), Operand(settings.zero_point),
                                                         len(scaled) + 1, plus(scaled[0]))])
        total = registered(m, "sum", total.as_signed())
        beyond = registered(m, "beyond", beyond)
        negative = registered(m, "negative", negative)
        below = Signal(reset_less=True)
        above = Signal(reset_less=True)
        low, high, inside = settings.low, settings.high, total[:self.output_bits]
        compared = [
            below.eq(Mux(beyond, negative, total < low)),
            above.eq(Mux(beyond, ~negative, total > high)),
        ]
        if self.is_fast:
            m.d.sync += compared
            low, high = registered(m, "low", low), registered(m, "high", high)
            inside = registered(m, "inside", inside)
        else:
            m.d.comb += compared
        m.d.sync += self.result.eq(Mux(below, low, Mux(above, high, inside)))
