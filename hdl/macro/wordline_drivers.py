"""Wordline drivers: two vectors deep, one bit-plane a cycle."""

import itertools
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from ..fabric.mux import instantiate_choice

# Rows that are compared in one cycle; the next cycle combines them.
ROWS_AT_ONCE = 32
# The same with `is_late`.
ROWS_SEARCHED = 16


class WordlineDrivers(wiring.Component):
    """Holds a driven and a waiting vector, and drives the planes of the former from the highest down.

    Vectors are stored by planes, so that a plane is one word; the transposition is wiring. ``top`` is the highest plane
    of the waiting vector that can change the result: leading zeros of an unsigned vector and copies of the sign of a
    signed one cannot.

    With ``is_late`` that plane is looked for once the vector waits, and planes above its bits are stored as zeros: a
    comparison of neighboring planes then serves vectors of both signs, with half the logic and no path from a port.
    Planes are named by their number, which suits wide multiplexers, and not one-hot.

    ``top`` is one-hot, and so is ``select`` while a vector is driven; at other times ``plane`` is not used. Latency:
    ``load`` in cycle 0, ``top`` in cycle 1, or 3 with ``is_late``, ``dispatch`` at that time or later, the plane
    that ``select`` or ``index`` names in the next cycle on ``plane`` in the one after.

    Parameters
    ----------
    rows, input_bits : int
        Inputs of a vector, and the bits of each.
    active_low : bool
        A one is a low level, for cells that multiply with a NOR.
    has_plane_mask : bool
        The planes that can change the result come with the vector as ``plane_mask``, and are not found here.
    is_late : bool
        The highest of them is known two cycles later.

    Members
    -------
    x : ``In(ArrayLayout(input_bits, rows))``
        The vector to load.
    load : ``In(1)``
        Load a vector.
    dispatch : ``In(1)``
        Move the waiting vector to the wordlines.
    bits : ``In(range(input_bits + 1))``
        Precision of the vector that is loaded; 0 counts as 1, more than ``input_bits`` as ``input_bits``. Not if
        ``is_late``.
    is_signed : ``In(1)``
        Its inputs are two's complement.
    will_clear : ``In(input_bits)``
        If ``is_late``, instead of ``bits``: a vector is loaded in the next cycle, and the plane is above its bits.
    plane_mask : ``In(input_bits)``
        If ``has_plane_mask``, instead of ``bits`` and ``is_signed``: the planes within the vector's bits that differ
        from the one below, or from zero if the vector is unsigned. Bit 0 is ignored: the lowest plane always counts.
    top : ``Out(input_bits)``
        One-hot: highest plane of the waiting vector that can change the result.
    enable : ``In(1)``
        The pipeline advances.
    select : ``In(input_bits)``
        One-hot: next plane of the driven vector; zero after its last.
    index : ``In(range(input_bits))``
        If ``is_late``, instead of ``select``: its number.
    blank : ``In(1)``
        If ``is_late``: let ``plane`` be zeros; only with ``enable``.
    plane : ``Out(rows)``
        The wordlines.
    """

    def __init__(self, *, rows, input_bits, active_low=False, has_plane_mask=False, is_late=False):
        self.rows = rows
        self.input_bits = input_bits
        self.active_low = active_low
        self.has_plane_mask = has_plane_mask
        self.is_late = is_late
        super().__init__({
            "x": In(data.ArrayLayout(unsigned(input_bits), rows)),
            "load": In(1),
            "dispatch": In(1),
            **({"plane_mask": In(input_bits)} if has_plane_mask else
               {"is_signed": In(1), **({"will_clear": In(input_bits)} if is_late else
                                       {"bits": In(range(input_bits + 1))})}),
            "top": Out(input_bits),
            "enable": In(1),
            **({"index": In(range(input_bits)), "blank": In(1)} if is_late else {"select": In(input_bits)}),
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
        if self.is_late and not self.has_plane_mask:
            self._search_waiting(m, waiting)
        else:
            self._search_arriving(m, arriving)

        if self.is_late:
            m.d.comb += plane.eq(instantiate_choice(m, Platform.of(platform), "plane", list(driven), self.index))
        else:
            # ANDs and ORs: two words with their bits of `select` are the four inputs of a LUT.
            m.d.comb += plane.eq(reduce(or_, (driven[bit] & self.select[bit].replicate(self.rows)
                                              for bit in range(self.input_bits))))
        with m.If(self.enable):
            m.d.sync += wordlines.eq(~plane if self.active_low else plane)
        if self.is_late:
            with m.If(self.blank):
                m.d.sync += wordlines.eq(-1 if self.active_low else 0)
        m.d.comb += self.plane.eq(wordlines)
        return m

    def _search_arriving(self, m, arriving):
        """Find planes that differ from the one below as the vector is loaded, and the highest while it waits."""
        found = []
        for bit in range(1, self.input_bits):
            differs = self.plane_mask[bit] if self.has_plane_mask else self._differs(arriving, bit)
            parts = Signal(len(differs), name=f"differs_{bit}", reset_less=True)
            with m.If(self.load):
                m.d.sync += parts.eq(differs)
            found.append(parts.any())
        self._choose_top(m, found)

    def _differs(self, arriving, bit):
        """Whether a plane can change the result, for some rows each."""
        # A plane of a signed vector that equals the one below in all rows is a copy of the sign.
        differs = arriving[bit] ^ Mux(self.is_signed, arriving[bit - 1], 0)
        return Cat(differs[first:first + ROWS_AT_ONCE].any() & (bit < self.bits)
                   for first in range(0, self.rows, ROWS_AT_ONCE))

    def _search_waiting(self, m, waiting):
        """Find neighboring planes that differ in two cycles, in which the vector waits, and the highest in the next."""
        is_used = Signal(self.input_bits, reset_less=True)
        is_signed = Signal(reset_less=True)
        # From registers, as each clears many.
        clear = Signal(self.input_bits, reset_less=True)
        m.d.sync += clear.eq(self.will_clear)
        with m.If(self.load):
            m.d.sync += [is_used.eq(~clear), is_signed.eq(self.is_signed)]
        for bit in range(1, self.input_bits):
            with m.If(clear[bit]):
                m.d.sync += waiting[bit].eq(0)
        differs = []
        for bit in range(1, self.input_bits + 1):
            # Above the highest plane of an unsigned vector are zeros.
            different = waiting[bit - 1] ^ (waiting[bit] if bit < self.input_bits else 0)
            parts = Signal(-(-self.rows // ROWS_SEARCHED), name=f"differs_{bit}", reset_less=True)
            m.d.sync += parts.eq(Cat(different[first:first + ROWS_SEARCHED].any()
                                     for first in range(0, self.rows, ROWS_SEARCHED)))
            differs.append(parts.any())
        # A signed vector needs the upper one of two planes that differ, which is its sign; an unsigned one the lower.
        found = Signal(self.input_bits - 1, reset_less=True)
        m.d.sync += found.eq(Cat(Mux(is_signed, below & is_used[bit], above)
                                 for bit, (below, above) in enumerate(itertools.pairwise(differs), 1)))
        self._choose_top(m, found)

    def _choose_top(self, m, found):
        """The highest plane that is found, of all but the lowest one, which always counts."""
        above = Const(0)
        for bit in reversed(range(1, self.input_bits)):
            m.d.comb += self.top[bit].eq(found[bit - 1] & ~above)
            above |= found[bit - 1]
        m.d.comb += self.top[0].eq(~above)
