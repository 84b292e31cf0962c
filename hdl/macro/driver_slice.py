"""A slice of deep wordline drivers: some rows of the vectors, with registers of their own for all that is broadcast."""

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from ..fabric.equality import differ
from ..fabric.mux import instantiate_choice
from ..fabric.register import registered


class DriverSlice(wiring.Component):
    """Rows of a driven, a waiting and an arrived vector, a plane of which goes to the wordlines.

    What is said a cycle ahead is registered here, close to the registers that it controls.

    Parameters
    ----------
    rows, input_bits : int
        Inputs of a vector that are held here, and the bits of each.
    active_low, has_plane_mask : bool
        As of `DeepDrivers`.

    Members
    -------
    x : ``In(ArrayLayout(input_bits, rows))``
        The inputs to load.
    will_load : ``In(1)``
        Load in the next cycle.
    will_move : ``In(1)``
        What has been loaded waits after the next cycle.
    stays : ``In(1)``
        The complement of ``will_move``, which clears registers without a LUT. Not if ``has_plane_mask``.
    above : ``In(input_bits)``
        With ``will_move``: the plane is above the vector's bits. Not if ``has_plane_mask``.
    will_dispatch : ``In(1)``
        What waits is driven after the next cycle.
    will_enable : ``In(1)``
        The pipeline advances in the next cycle.
    next_index : ``In(range(input_bits))``
        The plane that is chosen in the next cycle.
    will_blank : ``In(1)``
        Zeros are chosen in the next cycle; only with ``will_enable``.
    differs : ``Out(input_bits)``
        Of what waits, for each plane: some bit differs from that of the plane above, zeros above the highest. Not if
        ``has_plane_mask``.
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
            "will_enable": In(1),
            "next_index": In(range(input_bits)),
            "will_blank": In(1),
            **({} if has_plane_mask else {"stays": In(1), "above": In(input_bits), "differs": Out(input_bits)}),
            "plane": Out(rows),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        # After a reset it loads, and the pipeline advances.
        load, move, dispatch, enable, blank = (
            registered(m, name, getattr(self, f"will_{name}"), init=init, reset_less=False)
            for name, init in (("load", 1), ("move", 0), ("dispatch", 0), ("enable", 1), ("blank", 0)))
        index = registered(m, "index", self.next_index)
        # By planes, so that a plane is one word; the transposition is wiring.
        planes = data.ArrayLayout(unsigned(self.rows), self.input_bits)
        arrived, waiting, driven = (Signal(planes, name=name, reset_less=True)
                                    for name in ("arrived", "waiting", "driven"))
        with m.If(load):
            m.d.sync += arrived.eq(Cat(Cat(x[bit] for x in self.x) for bit in range(self.input_bits)))
        with m.If(move):
            m.d.sync += waiting.eq(arrived)
        with m.If(dispatch):
            m.d.sync += driven.eq(waiting)
        if not self.has_plane_mask:
            self._compare(m, platform, waiting)
        wordlines = Signal(self.rows, reset_less=True)
        plane = instantiate_choice(m, platform, "chosen", list(driven), index)
        with m.If(enable):
            m.d.sync += wordlines.eq(~plane if self.active_low else plane)
        with m.If(blank):
            m.d.sync += wordlines.eq(-1 if self.active_low else 0)
        m.d.comb += self.plane.eq(wordlines)
        return m

    def _compare(self, m, platform, waiting):
        """Clear planes above the vector's bits, and compare each plane with the one above."""
        clear = registered(m, "clear", self.above)
        with m.If(self.stays):
            m.d.sync += clear.eq(0)
        for bit in range(1, self.input_bits):
            with m.If(clear[bit]):
                m.d.sync += waiting[bit].eq(0)
        above = [*list(waiting)[1:], None]
        m.d.comb += self.differs.eq(Cat(differ(m, platform, f"differs_{bit}", plane, other)
                                        for bit, (plane, other) in enumerate(zip(waiting, above))))
