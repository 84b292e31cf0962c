"""Wordline drivers of a macro that decides ahead: three vectors deep, one bit-plane a cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from ..fabric.equality import differ
from ..fabric.mux import instantiate_choice


class DeepDrivers(wiring.Component):
    """Holds a driven, a waiting and an arrived vector, and drives the planes of the first from the highest down.

    Vectors are stored by planes, so that a plane is one word; the transposition is wiring. The highest plane that can
    change the result is looked for while a vector waits, whose planes above its bits are stored as zeros: a comparison
    of neighboring planes then serves vectors of both signs. Every input of many registers comes out of a register, and
    a wide multiplexer chooses the plane.

    Latency: ``move`` in cycle 0, ``highest`` in cycle 4, ``dispatch`` then or later, the plane that ``index`` names in
    the next cycle on ``plane`` in the one after.

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
    move : ``In(1)``
        Let the vector that has been loaded wait.
    dispatch : ``In(1)``
        Move the waiting vector to the wordlines.
    clear : ``In(input_bits)``
        With ``move``: the plane is above the vector's bits. Not if ``has_plane_mask``.
    is_signed : ``In(1)``
        With ``move``: its inputs are two's complement. Not if ``has_plane_mask``.
    plane_mask : ``In(input_bits)``
        With ``load``, if ``has_plane_mask``: the planes within the vector's bits that differ from the one below, or
        from zero if the vector is unsigned. Bit 0 is ignored: the lowest plane always counts.
    highest : ``Out(range(input_bits))``
        Highest plane of the waiting vector that can change the result.
    enable : ``In(1)``
        The pipeline advances.
    index : ``In(range(input_bits))``
        Next plane of the driven vector; whatever after its last.
    blank : ``In(1)``
        Let ``plane`` be zeros; only with ``enable``.
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
            "move": In(1),
            "dispatch": In(1),
            **({"plane_mask": In(input_bits)} if has_plane_mask else {"clear": In(input_bits), "is_signed": In(1)}),
            "highest": Out(range(input_bits)),
            "enable": In(1),
            "index": In(range(input_bits)),
            "blank": In(1),
            "plane": Out(rows),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        planes = data.ArrayLayout(unsigned(self.rows), self.input_bits)
        arrived, waiting, driven = (Signal(planes, name=name, reset_less=True)
                                    for name in ("arrived", "waiting", "driven"))
        with m.If(self.load):
            m.d.sync += arrived.eq(Cat(Cat(x[bit] for x in self.x) for bit in range(self.input_bits)))
        with m.If(self.move):
            m.d.sync += waiting.eq(arrived)
        with m.If(self.dispatch):
            m.d.sync += driven.eq(waiting)
        highest = self._masked(m) if self.has_plane_mask else self._found(m, platform, waiting)
        register = Signal.like(self.highest, name="_highest", reset_less=True)
        m.d.sync += register.eq(highest)
        m.d.comb += self.highest.eq(register)

        wordlines = Signal(self.rows, reset_less=True)
        plane = instantiate_choice(m, platform, "plane", list(driven), self.index)
        with m.If(self.enable):
            m.d.sync += wordlines.eq(~plane if self.active_low else plane)
        with m.If(self.blank):
            m.d.sync += wordlines.eq(-1 if self.active_low else 0)
        m.d.comb += self.plane.eq(wordlines)
        return m

    def _masked(self, m):
        """Highest plane of the waiting vector's mask."""
        arrived, waiting = (Signal(self.input_bits, name=f"{name}_mask", reset_less=True)
                            for name in ("arrived", "waiting"))
        with m.If(self.load):
            m.d.sync += arrived.eq(self.plane_mask)
        with m.If(self.move):
            m.d.sync += waiting.eq(arrived)
        return _highest(waiting, range(self.input_bits))

    def _found(self, m, platform, waiting):
        """Highest plane of the waiting vector, found in three cycles: neighbors that differ, all parts, the highest.

        A signed vector needs the upper one of two planes that differ, which is its sign; an unsigned one the lower.
        """
        bits = self.input_bits
        is_signed = Signal(reset_less=True)
        # Above a signed vector's sign are zeros, which do not count as different.
        ignored = Signal(bits + 1, reset_less=True)
        with m.If(self.move):
            m.d.sync += [is_signed.eq(self.is_signed),
                         ignored.eq(Cat(self.clear, 1) & self.is_signed.replicate(bits + 1))]
        for bit in range(1, bits):
            with m.If(self.clear[bit]):
                m.d.sync += waiting[bit].eq(0)
        found = Signal(bits + 1, reset_less=True)
        for bit in range(1, bits + 1):
            different = differ(m, platform, f"differs_{bit}", waiting[bit - 1], waiting[bit] if bit < bits else None)
            parts = Signal(len(different), name=f"parts_{bit}", reset_less=True)
            m.d.sync += parts.eq(Cat(different))
            with m.If(ignored[bit]):
                m.d.sync += parts.eq(0)
            m.d.sync += found[bit].eq(parts.any())
        return Mux(is_signed, _highest(found, range(bits + 1)), _highest(found, [0, *range(bits)]))


def _highest(found, values):
    """The value of the highest bit that is one, or of the lowest."""
    highest = values[0]
    for bit, value in zip(found[1:], values[1:]):
        highest = Mux(bit, value, highest)
    return highest
