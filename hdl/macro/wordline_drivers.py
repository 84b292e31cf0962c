"""Wordline drivers: two vectors deep, one bit-plane a cycle."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

# Rows that are compared in one cycle; the next cycle combines them.
ROWS_AT_ONCE = 32


class WordlineDrivers(wiring.Component):
    """Holds a driven and a waiting vector, and drives the planes of the former from the highest down.

    Vectors are stored by planes, so that a plane is one word; the transposition is wiring. ``top`` is the highest plane
    of the waiting vector that can change the result: leading zeros of an unsigned vector and copies of the sign of a
    signed one cannot.

    ``top`` is one-hot, and so is ``select`` while a vector is driven; at other times ``plane`` is not used. Latency:
    ``load`` in cycle 0, ``dispatch`` in cycle 1, the plane that ``select`` names on ``plane`` in cycle 3.

    Parameters
    ----------
    rows, input_bits : int
        Inputs of a vector, and the bits of each.
    active_low : bool
        A one is a low level, for cells that multiply with a NOR.
    has_plane_mask : bool
        The planes that can change the result come with the vector as ``plane_mask``, and are not found here.

    Members
    -------
    x : ``In(ArrayLayout(input_bits, rows))``
        The vector to load.
    load : ``In(1)``
        Load a vector.
    dispatch : ``In(1)``
        Move the waiting vector to the wordlines.
    bits : ``In(range(input_bits + 1))``
        Precision of the vector that is loaded; 0 counts as 1, more than ``input_bits`` as ``input_bits``.
    is_signed : ``In(1)``
        Its inputs are two's complement.
    plane_mask : ``In(input_bits)``
        If ``has_plane_mask``, instead of ``bits`` and ``is_signed``: the planes within the vector's bits that differ
        from the one below, or from zero if the vector is unsigned. Bit 0 is ignored: the lowest plane always counts.
    top : ``Out(input_bits)``
        One-hot: highest plane of the waiting vector that can change the result.
    enable : ``In(1)``
        The pipeline advances.
    select : ``In(input_bits)``
        One-hot: next plane of the driven vector; zero after its last.
    plane : ``Out(rows)``
        The wordlines.
    """

    def __init__(self, *, rows, input_bits, active_low=False, has_plane_mask=False):
        self.rows = rows
        self.input_bits = input_bits
        self.active_low = active_low
        self.has_plane_mask = has_plane_mask
        super().__init__({
            "x": In(data.ArrayLayout(unsigned(input_bits), rows)),
            "load": In(1),
            "dispatch": In(1),
            **({"plane_mask": In(input_bits)} if has_plane_mask else
               {"bits": In(range(input_bits + 1)), "is_signed": In(1)}),
            "top": Out(input_bits),
            "enable": In(1),
            "select": In(input_bits),
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
        with m.If(self.dispatch):
            m.d.sync += driven.eq(waiting)
        self._find_top(m, arriving)

        # ANDs and ORs: two words with their bits of `select` are the four inputs of a LUT.
        m.d.comb += plane.eq(reduce(or_, (driven[bit] & self.select[bit].replicate(self.rows)
                                          for bit in range(self.input_bits))))
        with m.If(self.enable):
            m.d.sync += wordlines.eq(~plane if self.active_low else plane)
        m.d.comb += self.plane.eq(wordlines)
        return m

    def _find_top(self, m, arriving):
        """Find planes that differ from the one below as the vector is loaded, and the highest while it waits."""
        above = Const(0)
        for bit in reversed(range(1, self.input_bits)):
            found = self.plane_mask[bit] if self.has_plane_mask else self._differs(arriving, bit)
            parts = Signal(len(found), name=f"differs_{bit}", reset_less=True)
            with m.If(self.load):
                m.d.sync += parts.eq(found)
            m.d.comb += self.top[bit].eq(parts.any() & ~above)
            above |= parts.any()
        m.d.comb += self.top[0].eq(~above)

    def _differs(self, arriving, bit):
        """Whether a plane can change the result, for some rows each."""
        # A plane of a signed vector that equals the one below in all rows is a copy of the sign.
        differs = arriving[bit] ^ Mux(self.is_signed, arriving[bit - 1], 0)
        return Cat(differs[first:first + ROWS_AT_ONCE].any() & (bit < self.bits)
                   for first in range(0, self.rows, ROWS_AT_ONCE))
