"""Near-bitline adder trees: one interface, and a structure for each target."""

from dataclasses import replace

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config.bitcells import tree_latency
from ..config.widths import ceil_log2
from ..fabric.emitter import Platform
from .adder_levels import Delays, Node, sum_level


class AdderTree(wiring.Component):
    """Sum of the weights of a column whose wordline carries a one: ``sum(w[r] * plane[r])``.

    The multiplication is one AND a cell, part of the tree's first level. Latency: ``latency`` cycles, one sum a cycle.

    Parameters
    ----------
    rows, weight_bits : int
        Number of weights, and the bits of each.

    Members
    -------
    enable : ``In(1)``
        The pipeline advances.
    weights : ``In(rows * weight_bits)``
        Row 0 in the lowest bits; complemented if the structure is ``active_low``.
    plane : ``In(rows)``
        One bit an input; complemented if the structure is ``active_low``.
    sum : ``Out(signed(weight_bits + ceil(log2(rows))))``
        Sum of the weights whose bit of the plane is one; cannot overflow.
    """

    active_low = False
    kind = None

    def __init__(self, *, rows, weight_bits):
        self.rows = rows
        self.weight_bits = weight_bits
        width = weight_bits + ceil_log2(rows)
        super().__init__({
            "enable": In(1),
            "weights": In(rows * weight_bits),
            "plane": In(rows),
            "sum": Out(signed(width)),
        })

    @property
    def latency(self):
        """Cycles from ``weights`` and ``plane`` to ``sum``."""
        return tree_latency(self.kind, self.rows)


class CarryChainTree(AdderTree):
    """Binary tree with a register after each level, so that each adder is one carry chain of the fabric.

    Without the registers a synthesizer merges the levels and leaves the carry chains.
    """

    kind = "carry_chain"

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        delays = Delays(m, self.enable)
        low, high = -1 << self.weight_bits - 1, (1 << self.weight_bits - 1) - 1
        nodes = [Node(self.weights.word_select(row, self.weight_bits).as_signed(), low, high, "and", one)
                 for row, one in enumerate(self.plane)]
        if len(nodes) == 1:
            nodes = [replace(nodes[0], value=Mux(nodes[0].bit, nodes[0].value, 0), bit=None)]
        for level in range(self.latency):
            (nodes,) = sum_level(m, platform, delays, f"level{level + 1}", [nodes])
        m.d.comb += self.sum.eq(nodes[0].value)
        return m


class FullAdder(wiring.Component):
    """``a + b + c`` of three bits, as a sum and a carry; a cell of a standard-cell library can replace it.

    Members
    -------
    a : ``In(1)``
        First operand.
    b : ``In(1)``
        Second operand.
    c : ``In(1)``
        Third operand.
    sum : ``Out(1)``
        Lower bit of the sum.
    carry : ``Out(1)``
        Upper bit of the sum.
    """

    a: In(1)
    b: In(1)
    c: In(1)
    sum: Out(1)
    carry: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += Cat(self.sum, self.carry).eq(self.a + self.b + self.c)
        return m


class HalfAdder(wiring.Component):
    """``a + b`` of two bits, as a sum and a carry; a cell of a standard-cell library can replace it.

    Members
    -------
    a : ``In(1)``
        First operand.
    b : ``In(1)``
        Second operand.
    sum : ``Out(1)``
        Lower bit of the sum.
    carry : ``Out(1)``
        Upper bit of the sum.
    """

    a: In(1)
    b: In(1)
    sum: Out(1)
    carry: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += Cat(self.sum, self.carry).eq(self.a + self.b)
        return m


class CarrySaveTree(AdderTree):
    """Carry-save tree of full adders and one register behind it.

    Products of the same significance are a column of bits. Full adders reduce three bits of a column to one there and
    one in the next, until no column has more than two bits; a chain of full adders then adds these. Each full adder
    removes one bit, and nothing else does, so for R rows of W bits, R a power of two, no structure needs fewer than the
    ``R * W - (W + log2(R))`` full adders here. The products are NORs of complemented bits. Products of sign bits are
    complemented, so that all bits are positive; the constant ``-R * 2**(W - 1)`` corrects that, and is one inverter at
    the top bit if R is a power of two.
    """

    active_low = True
    kind = "carry_save"

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        adders = _Adders(m, platform)
        width = len(self.sum)

        columns = [[] for _ in range(width)]
        for row, zero in enumerate(self.plane):
            weight = self.weights.word_select(row, self.weight_bits)
            for bit in range(self.weight_bits):
                product = Signal(name=f"product_{row}_{bit}")
                is_sign = bit == self.weight_bits - 1
                m.d.comb += product.eq((weight[bit] | zero) if is_sign else ~(weight[bit] | zero))
                columns[bit].append(product)

        correction = -self.rows << self.weight_bits - 1
        invert_top = correction % (1 << width) == 1 << width - 1
        if not invert_top:
            for bit in range(width):
                if correction >> bit & 1:
                    columns[bit].append(1)

        result = self._sum(m, platform, adders, columns)
        if invert_top:
            result[-1] = ~result[-1]
        register = Signal(width, reset_less=True)
        with m.If(self.enable):
            m.d.sync += register.eq(Cat(result))
        m.d.comb += self.sum.eq(register)
        return m

    def _sum(self, m, platform, adders, columns):
        """The bits of the sum of columns of bits."""
        return adders.ripple(adders.compress(columns))


class LastAdder(wiring.Component):
    """``a + b`` of two words, for synthesis to make as fast as it can.

    Parameters
    ----------
    width : int

    Members
    -------
    a : ``In(width)``
        One operand.
    b : ``In(width)``
        The other.
    sum : ``Out(width)``
        Their sum, modulo ``2**width``.
    """

    def __init__(self, *, width):
        super().__init__({"a": In(width), "b": In(width), "sum": Out(width)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.sum.eq(self.a + self.b)
        return m


class CompressorTree(CarrySaveTree):
    """Tree of full adders, each of the bits that arrive first, then one addition, and one register behind it.

    From the lowest column of bits to the highest, full adders take three bits, those that arrive first, until two are
    left (V. G. Oklobdzija et al., 1996). A chain of full adders is the smallest circuit for the rest, and takes time in
    proportion to the width; here it is one addition, a block of its own, of which synthesis makes a faster circuit.
    """

    kind = "compressor"

    def _sum(self, m, platform, adders, columns):
        columns = adders.compress_by_arrival(columns)
        pairs = [(*column, 0, 0)[:2] for column in columns]
        rows = [Cat(Const(bit, 1) if isinstance(bit, int) else bit for bit in row) for row in zip(*pairs)]
        last = platform.instantiate(m, "last_adder", "last_adder", LastAdder, width=len(columns))
        m.d.comb += [last.a.eq(rows[0]), last.b.eq(rows[1])]
        return list(last.sum)


# Delays of full adders, in a unit of their own: to the sum, to the sum from the input that the last bit is at, and to
# the carry.
ARRIVALS = {"sum": 5, "late_sum": 4, "carry": 4}


class _Adders:
    """Instantiates full and half adders for columns of bits of equal significance."""

    def __init__(self, m, platform):
        self._m = m
        self._platform = platform
        self._count = 0

    def compress(self, columns):
        """Level by level, three bits of a column into one and a carry, until no column has more than two."""
        while max(map(len, columns)) > 2:
            shorter = [[] for _ in columns]
            for bit, column in enumerate(columns):
                whole = len(column) - len(column) % 3
                for index in range(0, whole, 3):
                    self._add(shorter, bit, column[index:index + 3])
                shorter[bit] += column[whole:]
            columns = shorter
        return columns

    def compress_by_arrival(self, columns):
        """Column by column, the three bits that arrive first into one and a carry, until no column has more than two.

        Products arrive at zero; `ARRIVALS` of the library's adders count.
        """
        timed = [[(0, bit) for bit in column] for column in columns]
        for bit, column in enumerate(timed):
            while len(column) > 2:
                column.sort(key=lambda item: item[0])
                first, second, last = column[:3]
                del column[:3]
                results = [[] for _ in columns]
                self._add(results, bit, [first[1], second[1], last[1]])
                column.append((max(second[0] + ARRIVALS["sum"], last[0] + ARRIVALS["late_sum"]), *results[bit]))
                if bit + 1 < len(columns):
                    timed[bit + 1].append((last[0] + ARRIVALS["carry"], *results[bit + 1]))
        return [[bit for _, bit in column] for column in timed]

    def ripple(self, columns):
        """One bit a column, each carry into the next."""
        columns = [list(column) for column in columns]
        for bit, column in enumerate(columns):
            if len(column) > 1:
                columns[bit] = []
                self._add(columns, bit, column)
        return [column[0] if column else 0 for column in columns]

    def _add(self, columns, bit, operands):
        """Add two or three bits; the sum and carry join ``columns``."""
        is_full = len(operands) == 3
        kind, cls = ("full_adder", FullAdder) if is_full else ("half_adder", HalfAdder)
        name = f"add_{bit}_{self._count}"
        self._count += 1
        adder = self._platform.instantiate(self._m, name, kind, cls)
        inputs = (adder.a, adder.b, adder.c) if is_full else (adder.a, adder.b)
        self._m.d.comb += [port.eq(operand) for port, operand in zip(inputs, operands)]
        columns[bit].append(adder.sum)
        # A carry out of the top column is a copy of the sign.
        if bit + 1 < len(columns):
            columns[bit + 1].append(adder.carry)


TREE_COMPONENTS = {tree.kind: tree for tree in (CarryChainTree, CarrySaveTree, CompressorTree)}
