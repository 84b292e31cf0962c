"""Wordline drivers: two vectors deep, one bit-plane a cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

# Rows compared in one cycle; the next puts them together.
ROWS_AT_ONCE = 16


class WordlineDrivers(wiring.Component):
    """Holds one vector on the wordlines and the next one behind it, and drives the planes from the highest down.

    Vectors are kept by planes, so that a plane is one word; the transposition is wiring. While a vector waits, ``top``
    says which is its highest plane that can change the result: leading zeros of an unsigned vector and copies of the
    sign of a signed one cannot.

    Latency: ``load`` in cycle 0, ``advance`` in cycle 1, the plane that ``select`` names on ``plane`` in cycle 3.

    Parameters
    ----------
    rows, input_bits : int
        Inputs of a vector, and the bits of each.
    active_low : bool
        Drive a one as a low level, as cells that multiply with a NOR want it.

    Members
    -------
    x : ``In(ArrayLayout(input_bits, rows))``
        The vector that ``load`` takes in.
    load, advance : ``In(1)``
        Take a vector in; move the waiting vector to the wordlines.
    bits, is_signed : ``In``
        How many bits the vector that is taken in uses (0 counts as 1, more than ``input_bits`` as ``input_bits``), and
        whether its values are two's complement.
    top : ``Out(range(input_bits))``
        Highest plane of the waiting vector that matters.
    enable, select, blank : ``In``
        Move on; which plane of the driven vector comes next, or a plane of zeros.
    plane : ``Out(rows)``
        The wordlines.
    """

    def __init__(self, *, rows, input_bits, active_low=False):
        self.rows = rows
        self.input_bits = input_bits
        self.active_low = active_low
        super().__init__({
            "x": In(data.ArrayLayout(unsigned(input_bits), rows)),
            "load": In(1),
            "advance": In(1),
            "bits": In(range(input_bits + 1)),
            "is_signed": In(1),
            "top": Out(range(input_bits)),
            "enable": In(1),
            "select": In(range(input_bits)),
            "blank": In(1),
            "plane": Out(rows),
        })

    def elaborate(self, platform):
        m = Module()
        planes = data.ArrayLayout(unsigned(self.rows), self.input_bits)
        waiting = Signal(planes, reset_less=True)
        driven = Signal(planes, reset_less=True)
        plane = Signal(self.rows)
        wordlines = Signal(self.rows, reset_less=True)

        arriving = Signal(planes)
        m.d.comb += arriving.eq(Cat(Cat(x[bit] for x in self.x) for bit in range(self.input_bits)))
        with m.If(self.load):
            m.d.sync += waiting.eq(arriving)
        with m.If(self.advance):
            m.d.sync += driven.eq(waiting)
        self._find_top(m, arriving)

        m.d.comb += plane.eq(_chosen([driven[bit] for bit in range(self.input_bits)], self.select))
        with m.If(self.enable):
            m.d.sync += wordlines.eq(~plane if self.active_low else plane)
            with m.If(self.blank):
                m.d.sync += wordlines.eq(-1 if self.active_low else 0)
        m.d.comb += self.plane.eq(wordlines)
        return m

    def _find_top(self, m, arriving):
        """Which planes differ from the one below is found when the vector is taken, the highest while it waits."""
        for bit in range(1, self.input_bits):
            # A plane of a signed vector that equals the one below it everywhere only repeats the sign.
            below = Mux(self.is_signed, arriving[bit - 1], 0)
            differs = (arriving[bit] ^ below) & (bit < self.bits).replicate(self.rows)
            parts = Signal(-(-self.rows // ROWS_AT_ONCE), name=f"differs_{bit}", reset_less=True)
            with m.If(self.load):
                m.d.sync += parts.eq(Cat(differs[first:first + ROWS_AT_ONCE].any()
                                         for first in range(0, self.rows, ROWS_AT_ONCE)))
            with m.If(parts.any()):
                m.d.comb += self.top.eq(bit)


def _chosen(words, select):
    """One of some words, by a tree of multiplexers: what a fabric has of them is then used."""
    for bit in select:
        words = [Mux(bit, *reversed(words[first:first + 2])) if first + 1 < len(words) else words[first]
                 for first in range(0, len(words), 2)]
    return words[0]
