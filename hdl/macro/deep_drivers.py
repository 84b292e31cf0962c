"""Wordline drivers of a macro that decides ahead: three vectors deep, one bit-plane a cycle."""

import itertools
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from ..fabric.register import registered
from .driver_slice import DriverSlice

# At most so many rows are a slice: a chain of carry cells compares them in one cycle.
SLICE_ROWS = 20


class DeepDrivers(wiring.Component):
    """Holds a driven, a waiting and an arrived vector, and drives the planes of the first from the highest down.

    The highest plane that can change the result is looked for while a vector waits, whose planes above its bits are
    stored as zeros: a comparison of neighboring planes then serves vectors of both signs. The rows are in slices, and
    what is said to all of them is said a cycle ahead, so that each has registers of its own for it.

    Latency: ``will_move`` in cycle 0, ``highest`` in cycle 5, ``will_dispatch`` in the cycle before that or later, the
    plane that ``next_index`` names in the same cycle on ``plane`` two cycles after.

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
    will_load : ``In(1)``
        Load a vector in the next cycle.
    will_move : ``In(1)``
        The vector that has been loaded waits after the next cycle.
    stays : ``In(1)``
        The complement of ``will_move``, which clears registers without a LUT. Not if ``has_plane_mask``.
    above : ``In(input_bits)``
        Of the vector that has been loaded: the plane is above its bits. Not if ``has_plane_mask``.
    is_signed : ``In(1)``
        Its inputs are two's complement. Not if ``has_plane_mask``.
    will_dispatch : ``In(1)``
        The waiting vector is driven after the next cycle.
    plane_mask : ``In(input_bits)``
        With the vector, if ``has_plane_mask``: the planes within its bits that differ from the one below, or from zero
        if it is unsigned. Bit 0 is ignored: the lowest plane always counts.
    highest : ``Out(range(input_bits))``
        Highest plane of the waiting vector that can change the result.
    will_enable : ``In(1)``
        The pipeline advances in the next cycle.
    next_index : ``In(range(input_bits))``
        Plane of the driven vector that is chosen in the next cycle; whatever after its last.
    will_blank : ``In(1)``
        Zeros are chosen in the next cycle; only with ``will_enable``.
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
            "will_load": In(1),
            "will_move": In(1),
            "will_dispatch": In(1),
            **({"plane_mask": In(input_bits)} if has_plane_mask else
               {"stays": In(1), "above": In(input_bits), "is_signed": In(1)}),
            "highest": Out(range(input_bits)),
            "will_enable": In(1),
            "next_index": In(range(input_bits)),
            "will_blank": In(1),
            "plane": Out(rows),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        count = -(-self.rows // SLICE_ROWS)
        bounds = [self.rows * index // count for index in range(count + 1)]
        slices = []
        for index, (first, end) in enumerate(itertools.pairwise(bounds)):
            rows = end - first
            one = platform.instantiate(m, f"slice_{index}", f"driver_slice_{rows}", DriverSlice, rows=rows,
                                       input_bits=self.input_bits, active_low=self.active_low,
                                       has_plane_mask=self.has_plane_mask)
            m.d.comb += [one.x.eq(self.x[first:end]), self.plane[first:end].eq(one.plane)]
            m.d.comb += [getattr(one, name).eq(getattr(self, name)) for name in one.signature.members
                         if name not in ("x", "plane", "differs")]
            slices.append(one)
        # In cycle 1 it moves.
        move = registered(m, "move", self.will_move)
        highest = (self._masked(m, move) if self.has_plane_mask else
                   self._found(m, move, [one.differs for one in slices]))
        m.d.comb += self.highest.eq(registered(m, "_highest", highest))
        return m

    def _masked(self, m, move):
        """Highest plane of the waiting vector's mask."""
        load = registered(m, "load", self.will_load, init=1, reset_less=False)
        arrived, waiting = (Signal(self.input_bits, name=f"{name}_mask", reset_less=True)
                            for name in ("arrived", "waiting"))
        with m.If(load):
            m.d.sync += arrived.eq(self.plane_mask)
        with m.If(move):
            m.d.sync += waiting.eq(arrived)
        return _highest(waiting[1:], range(1, self.input_bits))

    def _found(self, m, move, differing):
        """Highest plane of the waiting vector: neighbors that differ in each slice, in any of them, the highest.

        A signed vector needs the upper one of two planes that differ, which is its sign; an unsigned one the lower.
        """
        bits = self.input_bits
        is_signed = Signal(name="signed_waits", reset_less=True)
        # Above a signed vector's sign are zeros, which do not count as different.
        ignored = Signal(bits, reset_less=True)
        with m.If(move):
            m.d.sync += [is_signed.eq(self.is_signed),
                         ignored.eq(Cat(self.above[1:], 1) & self.is_signed.replicate(bits))]
        parts = []
        for index, differs in enumerate(differing):
            part = Signal(bits, name=f"differs_{index}", reset_less=True)
            m.d.sync += part.eq(differs)
            for bit in range(bits):
                with m.If(ignored[bit]):
                    m.d.sync += part[bit].eq(0)
            parts.append(part)
        found = registered(m, "found", reduce(or_, parts))
        return Mux(is_signed, _highest(found, range(1, bits + 1)), _highest(found, range(bits)))


def _highest(found, values):
    """The value of the highest bit that is one; zero if none is."""
    highest = Const(0)
    for bit, value in zip(found, values):
        highest = Mux(bit, value, highest)
    return highest
