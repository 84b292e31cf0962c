"""Element decoder: from the code of an element to its integer."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...golden.formats.elements import ONE_NAN

# Codes of so many bits have a table, of which synthesizers make few LUTs.
TABLE_BITS = 6


class ElementDecoder(wiring.Component):
    """The integer of a code, in the same cycle.

    Parameters
    ----------
    element : Element
        Without infinities.

    Members
    -------
    code : ``In(bits)``
        The code.
    integer : ``Out(signed(integer_bits))``
        The element is so many ``2**-point``; undefined of NaN.
    is_nan : ``Out(1)``
        It is NaN.
    """

    def __init__(self, *, element):
        self.element = element
        super().__init__({"code": In(element.bits), "integer": Out(signed(element.integer_bits)), "is_nan": Out(1)})

    def elaborate(self, platform):
        m = Module()
        element, code = self.element, self.code
        if not element.exponent_bits:
            m.d.comb += self.integer.eq(code.as_signed())
        elif element.bits <= TABLE_BITS:
            with m.Switch(code):
                for index, integer in enumerate(element.integers.tolist()):
                    with m.Case(index):
                        m.d.comb += self.integer.eq(integer)
        else:
            self._shift(m)
        if element.specials == ONE_NAN:
            m.d.comb += self.is_nan.eq(code[:-1].all())
        return m

    def _shift(self, m):
        element, code = self.element, self.code
        mantissa, exponent = code[:element.mantissa_bits], code[element.mantissa_bits:-1]
        magnitude = Signal(element.integer_bits - 1)
        # Subnormal numbers have the exponent of the least normal ones.
        m.d.comb += [
            magnitude.eq(Cat(mantissa, exponent.any()) << Mux(exponent.any(), exponent - 1, 0)[:len(exponent)]),
            self.integer.eq(Mux(code[-1], -magnitude, magnitude)),
        ]
