"""Rounding: an integer times a power of two to a float, once."""

from amaranth.hdl import Cat, Const, Module, Mux, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config.widths import ceil_log2
from ..fabric.adder import Addition, Carry, Operand, add
from ..fabric.register import all_registered

# Of float32 and of bfloat16.
EXPONENT_BITS, FLOAT_BIAS = 8, 127
# Steps of a shift that are made in a cycle.
STEPS = 2


class Rounding(wiring.Component):
    """The float nearest to ``integer * 2**(exponent - bias)``, of two that are as near the even one.

    Subnormal numbers are kept; what is too great is infinite. Zero is plus zero, but what is negative and rounded to it
    minus zero. NaN is the quiet one without a sign. Latency: `cycles` enabled cycles, one number a cycle.

    Parameters
    ----------
    width : int
        Bits of the integer.
    exponent_bits, bias : int
    mantissa_bits : int
        23 of float32, 7 of bfloat16.
    float_exponent_bits : int
        Bits of the exponent of a float; smaller only in proofs.

    Members
    -------
    enable : ``In(1)``
        The number advances.
    integer : ``In(signed(width))``
        The integer.
    exponent : ``In(exponent_bits)``
        Its exponent.
    is_nan : ``In(1)``
        It is NaN instead.
    value : ``Out(1 + float_exponent_bits + mantissa_bits)``
        The float.
    """

    def __init__(self, *, width, exponent_bits, bias, mantissa_bits, float_exponent_bits=EXPONENT_BITS):
        self.width, self.exponent_bits, self.bias = width, exponent_bits, bias
        self.mantissa_bits, self.float_exponent_bits = mantissa_bits, float_exponent_bits
        super().__init__({"enable": In(1), "integer": In(signed(width)), "exponent": In(exponent_bits),
                          "is_nan": In(1), "value": Out(1 + float_exponent_bits + mantissa_bits)})

    @staticmethod
    def inner_width(width, mantissa_bits):
        """Bits of the magnitude: with those that are kept, one to round by, and one more at least."""
        return max(width, mantissa_bits + 3)

    @classmethod
    def cycles(cls, width, mantissa_bits):
        """Latency."""
        steps = len(_steps(cls.inner_width(width, mantissa_bits))), len(_steps(mantissa_bits + 4))
        return 1 + sum(-(-count // STEPS) for count in steps) + 2

    def elaborate(self, platform):
        m = Module()
        inner = self.inner_width(self.width, self.mantissa_bits)
        padding = inner - self.width
        integer = self.integer
        # Minus a number is its complement and one.
        (magnitude,) = add(m, platform, "negate", [Addition(Operand(integer, "xor", integer[-1]), Operand(
            Const(0)), self.width, Carry(lambda a, b: a, integer[-1]))])
        state = all_registered(m, "magnitude", {
            "value": Cat(Const(0, padding), magnitude), "negative": integer[-1], "rest": Const(0),
            "exponent": self.exponent, "is_nan": self.is_nan}, enable=self.enable)
        state, leading = self._normalize(m, state, inner)
        state = self._find_exponent(m, state, leading, inner, self.bias + padding)
        state = self._denormalize(m, state)
        self._round(m, state)
        return m

    def _normalize(self, m, state, inner):
        """Shift out leading zeros; their number, as bits of the steps."""
        steps = _steps(inner)
        for index, step in enumerate(steps):
            value = state["value"]
            state[f"by_{step}"] = is_zero = ~value[-step:].any()
            value = Mux(is_zero, Cat(Const(0, step), value[:-step]), value)
            # So many of the highest bits can still come to be among those that are kept.
            beyond = max(0, len(value) - (self.mantissa_bits + 2 + step - 1))
            state["rest"] |= value[:beyond].any()
            state["value"] = value[beyond:]
            if index % STEPS == STEPS - 1 or index == len(steps) - 1:
                state = all_registered(m, f"normalized_{step}", state, enable=self.enable)
        leading = Cat(state.pop(f"by_{step}") for step in reversed(steps))
        return state, leading

    def _find_exponent(self, m, state, leading, inner, bias):
        """Keep the bits that count and whether there are others; the exponent, and how far below the least it is."""
        kept, kept_bits = state.pop("value"), self.mantissa_bits + 2
        # Of the highest bit, as the float has it.
        exponent = state.pop("exponent") - leading + (inner - 1 - bias + self._float_bias)
        most = kept_bits + 1
        below = 1 - exponent
        return all_registered(m, "exponent", {
            **state, "kept": kept,
            "field": Mux(exponent > 1, exponent - 1, 0) & self._is_some(kept, exponent),
            "too_great": (exponent >= (1 << self.float_exponent_bits) - 1) & kept[-1],
            "below": Mux(below > 0, Mux(below > most, most, below), 0)[:ceil_log2(most + 1)]}, enable=self.enable)

    @staticmethod
    def _is_some(kept, exponent):
        """All bits of the exponent, unless the number is zero."""
        return kept[-1].replicate(len(exponent))

    @property
    def _float_bias(self):
        return (1 << self.float_exponent_bits - 1) - 1

    def _denormalize(self, m, state):
        """Shift what is below the least exponent to the right."""
        steps = _steps(self.mantissa_bits + 4)
        for index, step in enumerate(steps):
            shifts, kept = state["below"][step.bit_length() - 1], state["kept"]
            state["rest"] = state["rest"] | shifts & kept[:step].any()
            state["kept"] = Mux(shifts, kept[step:], kept)
            if index % STEPS == STEPS - 1 or index == len(steps) - 1:
                state = all_registered(m, f"shifted_{step}", state, enable=self.enable)
        return state

    def _round(self, m, state):
        kept, bits = state["kept"], self.mantissa_bits
        mantissa, half = kept[1:], kept[0]
        # The bit that is implied counts for the exponent, and so does a carry out of the mantissa.
        packed = Cat(Const(0, bits), state["field"]) + mantissa + (half & (state["rest"] | mantissa[0]))
        infinity = ((1 << self.float_exponent_bits) - 1) << bits
        number = Mux(state["too_great"], infinity, packed)[:self.float_exponent_bits + bits]
        with m.If(self.enable):
            m.d.sync += self.value.eq(Mux(state["is_nan"], infinity | 1 << bits - 1, Cat(number, state["negative"])))


def _steps(count):
    """The powers of two that shifts by less than so much are made of, the greatest first."""
    return [1 << bit for bit in reversed(range(ceil_log2(count)))]
