"""Lanes of the requantizer: a column's total to its result."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...golden.requantize import ROUNDINGS
from ..config.core import MAX_TOTAL_BITS
from ..fabric.mux import instantiate_choice

# Of a column; further bits of its item in the stream are ignored.
PARAMETERS = data.StructLayout({"bias": signed(32), "multiplier": signed(32), "shift": signed(6)})

# The least significant bit of a product that any shift leaves in place: half of the result's lowest bit at shift 7.
BASE = 23
MAX_LEFT_SHIFT = 7
# Factors are split here, so that a product of two pieces fits a multiplier of 18 by 18 bits.
PIECE = 16


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

    Members
    -------
    total : ``In(signed(total_width))``
        Total of a column.
    parameters : ``In(PARAMETERS)``
        Parameters of the column, with the total.
    settings : ``In(settings_layout(output_bits))``
        ``rounding``, of `golden.requantize.ROUNDINGS`, comes `ROUNDED` cycles after the total, ``zero_point`` `OFFSET`
        cycles, the others `CLIPPED`. Rounding 3 is as 1.
    result : ``Out(signed(output_bits))``
        Result, `latency` cycles after the total.
    """

    ROUNDED, OFFSET, CLIPPED, latency = 3, 8, 9, 11

    def __init__(self, *, total_width, output_bits):
        self.total_width = total_width
        self.output_bits = output_bits
        super().__init__({
            "total": In(signed(total_width)),
            "parameters": In(PARAMETERS),
            "settings": In(settings_layout(output_bits)),
            "result": Out(signed(output_bits)),
        })

    def elaborate(self, platform):
        m = Module()
        total = self._register(m, "total", self.total)
        given = self._register(m, "given", self.parameters)
        value = self._register(m, "value", total + given.bias)
        multiplier = self._register(m, "multiplier_2", given.multiplier)
        shifts_right = self._register(m, "shifts_right_2", given.shift < 0)
        product, negative = self._multiply(m, value, multiplier, shifts_right)
        # Distance from the maximum left shift.
        right = self._register(m, "right_2", (MAX_LEFT_SHIFT - given.shift)[:6])
        for stage in range(3, 6):
            right = self._register(m, f"right_{stage}", right)
        scaled, beyond = self._shift(m, platform, product, right)
        for stage in range(6, 9):
            negative = self._register(m, f"negative_{stage}", negative)
        self._clip(m, scaled, beyond, negative)
        return m

    def _register(self, m, name, value):
        register = Signal(value.shape(), name=name, reset_less=True)
        m.d.sync += register.eq(value)
        return register

    def _multiply(self, m, value, multiplier, shifts_right):
        """The product without the bits below `BASE`, cycle 5, with the first of the two roundings; its sign."""
        pieces = {"h": (value[PIECE:].as_signed(), multiplier[PIECE:].as_signed()),
                  "l": (value[:PIECE], multiplier[:PIECE])}
        products = {a + b: self._register(m, f"product_{a}{b}", pieces[a][0] * pieces[b][1])
                    for a in "hl" for b in "hl"}
        negative = self._register(m, "negative_3", value[-1] ^ multiplier[-1])
        # Only if bits are left to round after bit 31.
        twice = self.settings.rounding[0] & self._register(m, "shifts_right_3", shifts_right)
        lowered = self.settings.rounding[1] & ~self.settings.rounding[0] & negative
        # To the bits from `PIECE` on: one at bit 30 with its sign; or minus one, which is taken back where the bits
        # below, of which only these are dropped, are not all zero and so do not borrow.
        first = Cat(lowered.replicate(30 - PIECE), twice | lowered, twice & negative | lowered).as_signed()
        upper = Cat(products["ll"][PIECE:], products["hh"]).as_signed()
        outer = self._register(m, "outer", (upper + first)[:len(upper)].as_signed())
        inner = self._register(m, "inner", products["hl"] + products["lh"])
        given_back = self._register(m, "given_back", lowered & products["ll"][:PIECE].any())
        whole = (outer + inner + given_back)[BASE - PIECE:MAX_TOTAL_BITS * 2 + 1 - PIECE]
        return self._register(m, "product", whole.as_signed()), self._register(
            m, "negative_5", self._register(m, "negative_4", negative))

    def _shift(self, m, platform, product, right):
        """The product shifted to the right, cycle 8, with the highest discarded bit; and whether it overflows.

        After each step the bits above those that can still be needed are dropped, and checked to be copies of the sign.
        """
        beyond, value = Const(0, 1), product
        for stage, (step, choices, rest) in enumerate(((16, 3, 15), (4, 4, 3), (1, 4, 0)), start=6):
            width = min(self.output_bits + 2 + rest, len(value))
            chosen = right[4:] if step == 16 else right[2:4] if step == 4 else right[:2]
            moved = [self._extended(value, step * choice, width) for choice in range(choices)]
            shifted = instantiate_choice(m, platform, f"moved_{stage}", moved, chosen).as_signed()
            # For each piece that may be left above, whether it has more than copies of the sign.
            above = [(value[low:low + step] ^ value[-1].replicate(len(value[low:low + step]))).any()
                     for low in range(width - 1, width - 1 + step * (choices - 1), step)]
            for choice, has_more in enumerate(above):
                beyond |= has_more & (chosen <= choice)
            beyond = self._register(m, f"beyond_{stage}", beyond)
            right = self._register(m, f"right_{stage}", right)
            value = self._register(m, f"shifted_{stage}", shifted)
        return value, beyond

    @staticmethod
    def _extended(value, low, width):
        """Some bits of a signed value from ``low`` on."""
        return Cat(value[min(low + bit, len(value) - 1)] for bit in range(width))

    def _clip(self, m, scaled, beyond, negative):
        settings = self.settings
        total = self._register(m, "sum", (scaled >> 1) + settings.zero_point + scaled[0])
        beyond = self._register(m, "beyond", beyond)
        negative = self._register(m, "negative", negative)
        below = self._register(m, "below", Mux(beyond, negative, total < settings.low))
        above = self._register(m, "above", Mux(beyond, ~negative, total > settings.high))
        within = self._register(m, "within", total[:self.output_bits])
        low, high = self._register(m, "low", settings.low), self._register(m, "high", settings.high)
        m.d.sync += self.result.eq(Mux(below, low, Mux(above, high, within)))


class RawLane(wiring.Component):
    """Totals as they are, with the sign extended to 32 bits.

    Latency: one cycle.

    Parameters
    ----------
    total_width : int, at most 32

    Members
    -------
    total : ``In(signed(total_width))``
        Total of a column.
    result : ``Out(signed(32))``
        The total, sign-extended.
    """

    latency = 1

    def __init__(self, *, total_width):
        self.total_width = total_width
        super().__init__({"total": In(signed(total_width)), "result": Out(signed(MAX_TOTAL_BITS))})

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.result.eq(self.total)
        return m
