"""Encoder: a plane as the addresses and signs of tables in offset binary."""

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class OffsetEncoder(wiring.Component):
    """Encodes each group of rows of a plane: which bits equal that of the last row, and whether that is zero.

    A zero counts as -1 in offset binary, so complementing all bits of a group negates its sum. Combinational, shared by
    all columns.

    Parameters
    ----------
    shape : TableShape

    Members
    -------
    plane : ``In(rows)``
        One bit of each input.
    codes : ``Out(plane_bits)``
        For each group its address bits, then its sign, the first group lowest. Missing rows of a group count as equal.
    """

    def __init__(self, *, shape):
        self.table = shape
        super().__init__({"plane": In(shape.rows), "codes": Out(shape.plane_bits)})

    def elaborate(self, platform):
        m = Module()
        codes = []
        for rows in self.table.rows_of_groups:
            last = self.plane[rows[-1]]
            codes += [Const(1) if row is None else ~(self.plane[row] ^ last) for row in rows[:-1]] + [~last]
        m.d.comb += self.codes.eq(Cat(codes))
        return m
