"""A plain array of multiply-accumulate units, for comparison in standard cells."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform


class MacUnit(wiring.Component):
    """Multiplies two words and adds the product to what there is, in one cycle.

    Parameters
    ----------
    x_bits, w_bits : int
        Of the factors.
    width : int
        Of the sum.

    Members
    -------
    add : ``In(1)``
        Add to what there is, and else start afresh.
    x, w : ``In(signed(x_bits))``, ``In(signed(w_bits))``
        The factors.
    sum : ``Out(signed(width))``
        The sum, from a register.
    """

    def __init__(self, *, x_bits, w_bits, width):
        super().__init__({"add": In(1), "x": In(signed(x_bits)), "w": In(signed(w_bits)), "sum": Out(signed(width))})

    def elaborate(self, platform):
        m = Module()
        total = Signal(self.sum.shape(), name="total", reset_less=True)
        m.d.sync += total.eq(Mux(self.add, total, 0) + self.x * self.w)
        m.d.comb += self.sum.eq(total)
        return m


class MacArray(wiring.Component):
    """A multiply-accumulate unit for each pair of an input and a column: a MAC each a cycle.

    Output-stationary: neither weights nor inputs are stored, but for one register at the edge of each row and column.
    A factor that is offered is in the sum after two edges.

    Parameters
    ----------
    rows, columns : int
        Inputs and weights a cycle.
    x_bits, w_bits : int
        Of an input, and of a weight.
    width : int
        Of a sum.

    Members
    -------
    add : ``In(1)``
        Add to what there is, and else start afresh.
    x, w : ``In``
        A factor for each row, and for each column, two's complement.
    sums : ``Out(rows * columns * width)``
        Row by row.
    """

    def __init__(self, *, rows, columns, x_bits, w_bits, width):
        self.rows, self.columns, self.width = rows, columns, width
        self.x_bits, self.w_bits = x_bits, w_bits
        super().__init__({
            "add": In(1),
            "x": In(data.ArrayLayout(signed(x_bits), rows)),
            "w": In(data.ArrayLayout(signed(w_bits), columns)),
            "sums": Out(rows * columns * width),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        adds = Signal(name="adds", reset_less=True)
        x = [Signal(signed(self.x_bits), name=f"x_{row}", reset_less=True) for row in range(self.rows)]
        w = [Signal(signed(self.w_bits), name=f"w_{column}", reset_less=True) for column in range(self.columns)]
        m.d.sync += [adds.eq(self.add), *(register.eq(self.x[row]) for row, register in enumerate(x)),
                     *(register.eq(self.w[column]) for column, register in enumerate(w))]
        sums = []
        for row in range(self.rows):
            for column in range(self.columns):
                unit = platform.instantiate(m, f"unit_{row}_{column}", "unit", MacUnit, x_bits=self.x_bits,
                                            w_bits=self.w_bits, width=self.width)
                m.d.comb += [unit.add.eq(adds), unit.x.eq(x[row]), unit.w.eq(w[column])]
                sums.append(unit.sum)
        m.d.comb += self.sums.eq(Cat(sums))
        return m
