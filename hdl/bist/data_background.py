"""Data backgrounds: what a march test writes into a row, so that any two bits of it differ in one of them."""

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config.widths import ceil_log2
from ..fabric.mux import choose


class DataBackground(wiring.Component):
    """Makes a background, or its inverse: all zeros, then bit ``k`` of each bit's position in the row, for every ``k``.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    number : ``In(range(count))``
        Of the background.
    inverts : ``In(1)``
        The inverse of it.
    load : ``In(1)``
        Make it, for the cycles after this one.
    o : ``Out(layout)``
        What the weights of the row are; see `weight`.
    """

    def __init__(self, *, config):
        self.weight_bits = config.macro.weight_bits
        self.column_bits = ceil_log2(config.array.columns)
        super().__init__({
            "number": In(range(self.count(config))), "inverts": In(1), "load": In(1), "o": Out(self.layout(config)),
        })

    @staticmethod
    def count(config):
        """How many backgrounds there are."""
        return 1 + ceil_log2(config.macro.weight_bits) + ceil_log2(config.array.columns)

    @staticmethod
    def layout(config):
        """A weight ``pattern``, and the ``mask`` of those bits of a column's number that invert it."""
        return data.StructLayout({"pattern": config.macro.weight_bits, "mask": ceil_log2(config.array.columns)})

    @staticmethod
    def weight(background, column):
        """The weight that a background has in a column."""
        return background.pattern ^ (column & background.mask).any().replicate(len(background.pattern))

    def elaborate(self, platform):
        m = Module()
        bits, low = self.weight_bits, ceil_log2(self.weight_bits)
        within = [Cat(Const(bit >> position & 1) for bit in range(bits)) for position in range(low)]
        none = Const(0, bits)
        same = choose([none, *within, *[none] * self.column_bits], self.number)
        with m.If(self.load):
            m.d.sync += [self.o.pattern.eq(same ^ self.inverts.replicate(bits)),
                         self.o.mask.eq(Cat(self.number == 1 + low + position for position in range(self.column_bits)))]
        return m
