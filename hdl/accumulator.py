"""Shift-accumulator: folds the planes of a vector, and the vectors of a chain, into one total."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class ShiftAccumulator(wiring.Component):
    """Horner's rule over the planes from the highest down, then the sum over the vectors of a chain.

    The highest plane of a signed vector counts negative. Instead of a subtraction the accumulator starts from the
    complement, one too small, shifts a one in behind it with each plane, which keeps it one too small, and leaves the
    missing one to the total's carry-in.

    Latency: the last plane's ``sum`` in cycle 0, the total in cycle 2.

    Parameters
    ----------
    sum_shape : Shape
        Of the sums.
    width, total_width : int
        Bits of the accumulator and of the total.
    tiles : int
        Vectors in a chain; with one there is nothing to add to.

    Members
    -------
    sum : ``In(sum_shape)``
        Sum of one plane.
    enable, first, negative : ``In(1)``
        Move on; the sum is a vector's first; the vector is signed.
    load, add, increment : ``In(1)``
        The accumulator is complete: make it the total, or add it to the total; the vector was signed.
    total : ``Out(signed(total_width))``
        Holds until the next ``load``.
    """

    def __init__(self, *, sum_shape, width, total_width, tiles):
        self.width = width
        self.tiles = tiles
        super().__init__({
            "sum": In(sum_shape),
            "enable": In(1),
            "first": In(1),
            "negative": In(1),
            "load": In(1),
            "add": In(int(tiles > 1)),
            "increment": In(1),
            "total": Out(signed(total_width)),
        })

    def elaborate(self, platform):
        m = Module()
        accumulator = Signal(signed(self.width), reset_less=True)
        total = Signal.like(self.total, reset_less=True)
        m.d.comb += self.total.eq(total)
        plane_sum = self.sum if self.sum.shape().signed else Cat(self.sum, 0).as_signed()
        shifted = Mux(self.first, 0, Cat(self.negative, accumulator).as_signed())
        term = Mux(self.first & self.negative, ~plane_sum, plane_sum)
        with m.If(self.enable):
            m.d.sync += accumulator.eq(shifted + term)

        # A one below the lowest bit of both operands carries in.
        history = Mux(self.add, total, 0) if self.tiles > 1 else Const(0, signed(1))
        result = Cat(self.increment, accumulator).as_signed() + Cat(1, history).as_signed()
        with m.If(self.load):
            m.d.sync += total.eq(result >> 1)
        return m
