"""A plain array of DSPs, for comparison."""

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.adder import Addition, Operand, add
from ..fabric.multiplier import multiply


class DspArray(wiring.Component):
    """One MULT18X18D of ECP5 and one accumulator for each pair of an input and a column: a MAC each a cycle.

    Output-stationary: neither weights nor inputs are stored. The DSPs' own registers are all in use, and each
    accumulator is one carry chain: a multiplication cannot be had for less.

    Latency: the product is added with the fourth edge.

    Parameters
    ----------
    rows, columns : int
        Inputs and weights a cycle.
    bits : int
        Of an input and of a weight.
    width : int
        Of an accumulator.

    Members
    -------
    add : ``In(rows * columns)``
        Add to what there is, and else start afresh, two cycles after the factors; one for each accumulator, because one
        for all would be the slowest path of the array.
    x, w : ``In``
        A factor for each row, and for each column, two's complement.
    sums : ``Out(rows * columns * width)``
    """

    def __init__(self, *, rows, columns, bits, width):
        self.rows = rows
        self.columns = columns
        self.width = width
        super().__init__({
            "add": In(rows * columns),
            "x": In(data.ArrayLayout(signed(bits), rows)),
            "w": In(data.ArrayLayout(signed(bits), columns)),
            "sums": Out(rows * columns * width),
        })

    def elaborate(self, platform):
        m = Module()
        sums = []
        for row in range(self.rows):
            for column in range(self.columns):
                name = f"{row}_{column}"
                product = multiply(m, platform, f"multiplier_{name}", self.x[row], self.w[column])
                adds = Signal(name=f"adds_{name}", reset_less=True)
                m.d.sync += adds.eq(self.add[len(sums)])
                total = Signal(signed(self.width), name=f"sum_{name}", reset_less=True)
                step = Addition(Operand(product), Operand(total, "and", adds), self.width)
                m.d.sync += total.eq(add(m, platform, f"add_{name}", [step])[0])
                sums.append(total)
        m.d.comb += self.sums.eq(Cat(sums))
        return m
