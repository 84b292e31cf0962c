"""Element decoder: from the code of an element to its integer."""

from contextlib import nullcontext

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...golden.formats.blocks import NUMBER_OF
from ...golden.formats.elements import ONE_NAN

# Codes of so many bits have a table, of which synthesizers make few LUTs.
TABLE_BITS = 6


class ElementDecoder(wiring.Component):
    """The integer of a code, in the same cycle.

    Parameters
    ----------
    choice : FormatChoice
        Of elements without infinities.

    Members
    -------
    code : ``In(bits)``
        The code.
    integer : ``Out(signed(integer_bits))``
        The element is so many ``2**-point``; undefined of NaN.
    is_nan : ``Out(1)``
        It is NaN.
    number : ``In(number_bits)``
        Of the code's format; bits of the code that it has not are ignored. Exists if there are several.
    """

    def __init__(self, *, choice):
        self.choice = choice
        super().__init__({"code": In(choice.bits), "integer": Out(signed(choice.integer_bits)), "is_nan": Out(1),
                          **({"number": In(choice.number_bits)} if choice.is_several else {})})

    def elaborate(self, platform):
        m = Module()
        is_several = self.choice.is_several
        with m.Switch(self.number) if is_several else nullcontext():
            for each in self.choice.formats:
                with m.Case(NUMBER_OF[each.name]) if is_several else nullcontext():
                    self._decode(m, each.element, self.code[:each.element.bits])
        return m

    def _decode(self, m, element, code):
        if not element.exponent_bits:
            m.d.comb += self.integer.eq(code.as_signed())
        elif element.bits <= TABLE_BITS:
            with m.Switch(code):
                for index, integer in enumerate(element.integers.tolist()):
                    with m.Case(index):
                        m.d.comb += self.integer.eq(integer)
        else:
            self._shift(m, element, code)
        if element.specials == ONE_NAN:
            m.d.comb += self.is_nan.eq(code[:-1].all())

    def _shift(self, m, element, code):
        mantissa, exponent = code[:element.mantissa_bits], code[element.mantissa_bits:-1]
        magnitude = Signal(element.integer_bits - 1)
        # Subnormal numbers have the exponent of the least normal ones.
        m.d.comb += [
            magnitude.eq(Cat(mantissa, exponent.any()) << Mux(exponent.any(), exponent - 1, 0)[:len(exponent)]),
            self.integer.eq(Mux(code[-1], -magnitude, magnitude)),
        ]


def decode(m, platform, choice, number, codes):
    """Integers of the codes of a beat, of the format with a number, as one word; and which of them are NaN."""
    name = "_".join(dict.fromkeys(each.element.name.lower() for each in choice.formats))
    decoders = [platform.instantiate(m, f"decoder_{lane}", f"decoder_{name}", ElementDecoder, choice=choice)
                for lane in range(len(codes))]
    m.d.comb += [decoder.code.eq(code) for decoder, code in zip(decoders, codes)]
    if choice.is_several:
        m.d.comb += [decoder.number.eq(number) for decoder in decoders]
    return (Cat(decoder.integer.as_unsigned() for decoder in decoders),
            Cat(decoder.is_nan for decoder in decoders))
