"""Encoder: a plane as the addresses and signs of tables in offset binary."""

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class OffsetEncoder(wiring.Component):
    """For each group of rows which of them equal the last, and whether the last is zero.

    A zero counts as -1 in offset binary, so a group whose last row is zero is the negative of one where it is one.
    Combinational, once for all columns.

    Parameters
    ----------
    shape : TableShape

    Members
    -------
    plane : ``In(rows)``
    codes : ``Out(plane_bits)``
        A group after the other: its address bits, then its sign. A row that a group does not have counts as equal.
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
