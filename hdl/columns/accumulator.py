"""Shift-accumulator: folds the planes of a vector, and the vectors that accumulate, into one total."""

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..fabric.adder import Addition, Carry, Operand, add


class ShiftAccumulator(wiring.Component):
    """Horner's rule over the planes from the highest down, then the sum over the vectors that accumulate.

    The highest plane of a signed vector is subtracted: its sum is complemented, and one is carried in. Columns may give
    the complement of their sums, at no cost here.

    Control signals of the carry chains are registered here, close to them, so they come a cycle before their data.
    Latency: the last plane's ``sum`` in cycle 0, ``load`` in cycle 1, the total in cycle 2.

    Parameters
    ----------
    sum_shape : Shape
        Of the sums.
    width, total_width : int
        Bits of the accumulator and of the total.
    max_accumulations : int
        Most vectors in a total; with 1 there is nothing to add to.

    Members
    -------
    sum : ``In(sum_shape)``
        Sum of one plane, or its complement.
    enable : ``In(1)``
        The pipeline advances.
    flip : ``In(1)``
        Complement the sum.
    carry : ``In(1)``
        Add one.
    shift : ``In(1)``
        Add twice the accumulator; low with a vector's first plane.
    add : ``In(int(max_accumulations > 1))``
        With ``load``: add the accumulator to the total instead of replacing it.
    load : ``In(1)``
        Store the complete accumulator in the total, independent of ``enable``.
    total : ``Out(signed(total_width))``
        The total; stable until the next ``load``.
    """

    def __init__(self, *, sum_shape, width, total_width, max_accumulations):
        self.width = width
        self.max_accumulations = max_accumulations
        super().__init__({
            "sum": In(sum_shape),
            "enable": In(1),
            "flip": In(1),
            "carry": In(1),
            "shift": In(1),
            "load": In(1),
            "add": In(int(max_accumulations > 1)),
            "total": Out(signed(total_width)),
        })

    def elaborate(self, platform):
        m = Module()
        flip, carry, shift, accumulates = (Signal(len(port), name=name, reset_less=True) for name, port in (
            ("flip_q", self.flip), ("carry_q", self.carry), ("shift_q", self.shift), ("add_q", self.add)))
        with m.If(self.enable):
            m.d.sync += [flip.eq(self.flip), carry.eq(self.carry), shift.eq(self.shift), accumulates.eq(self.add)]
        accumulator = Signal(signed(self.width), reset_less=True)
        total = Signal.like(self.total, reset_less=True)
        m.d.comb += self.total.eq(total)
        plane_sum = self.sum if self.sum.shape().signed else Cat(self.sum, 0).as_signed()
        step = Addition(Operand(plane_sum, "xor", flip),
                        Operand(Cat(0, accumulator[:-1]).as_signed(), "and", shift), self.width,
                        Carry(lambda a, b: a, carry))
        with m.If(self.enable):
            m.d.sync += accumulator.eq(add(m, platform, "step", [step])[0])

        result = accumulator
        if self.max_accumulations > 1:
            addition = Addition(Operand(accumulator), Operand(total, "and", accumulates), len(total))
            result = add(m, platform, "total", [addition])[0]
        with m.If(self.load):
            m.d.sync += total.eq(result)
        return m
