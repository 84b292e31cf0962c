"""Data backgrounds: words that a march test writes to a row; any two bits of a row differ in one of them."""

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config.widths import ceil_log2
from ..fabric.mux import choose


class DataBackground(wiring.Component):
    """Generates a background or its inverse: zeros, then bit ``k`` of each bit's position in the row, for every ``k``.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    number : ``In(range(count))``
        Number of the background.
    inverts : ``In(1)``
        Generate its inverse.
    load : ``In(1)``
        Update ``o`` in the next cycle.
    inverts_element : ``Out(per_beat)``
        Of the elements of a beat of a row: the element's number in the beat inverts it; valid with ``o``.
    o : ``Out(layout)``
        The background, as weights of a row; see `weight`.
    """

    def __init__(self, *, config):
        self.weight_bits = config.macro.weight_bits
        self.column_bits = ceil_log2(config.array.columns)
        per_beat = self.per_beat(config)
        super().__init__({
            "number": In(range(self.count(config))), "inverts": In(1), "load": In(1),
            "inverts_element": Out(per_beat), "o": Out(self.layout(config)),
        })

    @staticmethod
    def count(config):
        """Number of backgrounds."""
        return 1 + ceil_log2(config.macro.weight_bits) + ceil_log2(config.array.columns)

    @staticmethod
    def per_beat(config):
        """Elements of a beat of a row, as far as there are columns."""
        return min(config.weight_stream_bits // 8 // config.weight_bytes, 1 << ceil_log2(config.array.columns))

    @staticmethod
    def layout(config):
        """A weight ``pattern``, and a ``mask`` of the bits of a column's number that invert it."""
        return data.StructLayout({"pattern": config.macro.weight_bits, "mask": ceil_log2(config.array.columns)})

    @staticmethod
    def weight(background, column):
        """The weight of a background in a column."""
        return background.pattern ^ (column & background.mask).any().replicate(len(background.pattern))

    def elaborate(self, platform):
        m = Module()
        bits, low = self.weight_bits, ceil_log2(self.weight_bits)
        within = [Cat(Const(bit >> position & 1) for bit in range(bits)) for position in range(low)]
        none = Const(0, bits)
        same = choose([none, *within, *[none] * self.column_bits], self.number)
        with m.If(self.load):
            m.d.sync += self.inverts_element.eq(Cat(
                Cat(self.number == 1 + low + position for position in range(self.column_bits)
                    if element >> position & 1).any() for element in range(len(self.inverts_element))))
            m.d.sync += [self.o.pattern.eq(same ^ self.inverts.replicate(bits)),
                         self.o.mask.eq(Cat(self.number == 1 + low + position for position in range(self.column_bits)))]
        return m
