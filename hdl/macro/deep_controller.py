"""Controller that decides ahead: nothing far away is behind logic."""

from amaranth.hdl import Cat, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from .controller import Controller, Plane, taken_over
from .ports import descriptor_layout, result_descriptor_layout


class DeepController(Controller):
    """The controller of a macro with a ``result_interval`` of 4: every output that goes far comes out of a register.

    A vector arrives, waits until its highest plane is found, and is driven. Enables are decided three cycles ahead, and
    when a vector is dispatched two cycles ahead: as soon as the driven one has at most three planes left and the
    pipeline is known to advance for as many cycles. `DeepDrivers` has what is said of vectors here.

    Members as of `Controller`, but instead of ``bits``, ``top`` and ``select``:

    move : ``Out(1)``
        Let the vector that has arrived wait.
    clear : ``Out(input_bits)``
        With ``move``: the plane is above its bits.
    highest : ``In(range(input_bits))``
        Highest plane of the waiting vector that can change the result, four cycles after ``move``.
    index : ``Out(range(input_bits))``
        The plane that comes next.
    blank : ``Out(1)``
        The plane is the calibration plane, and the pipeline advances.
    """

    @staticmethod
    def plane_ports(config):
        return {"move": Out(1), "clear": Out(config.input_bits), "highest": In(range(config.input_bits)),
                "index": Out(range(config.input_bits)), "blank": Out(1)}

    def _choose_planes(self, m):
        # Dispatch in the next cycle.
        will_dispatch = Signal()
        arrived, arrival = self._arrive(m)
        waits, waiting = self._wait(m, arrived, arrival, will_dispatch)
        return [(arrived, arrival.bank), (waits, waiting.bank)], self._drive(m, waits, waiting, will_dispatch)

    def _arrive(self, m):
        """Accept vectors; whether one has arrived, and its descriptor."""
        arrived, started = Signal(), Signal()
        arrival = Signal(descriptor_layout(self.config), reset_less=True)
        m.d.comb += [self.i_ready.eq(~arrived), self.load.eq(~arrived), self.is_signed.eq(arrival.signed)]
        with m.If(~arrived):
            m.d.sync += [arrived.eq(self.i_valid), arrival.eq(self.descriptor)]
            # After a reset there is no total to add to.
            m.d.sync += [arrival.accumulate.eq(self.descriptor.accumulate & started),
                         started.eq(started | self.i_valid)]
        with m.Elif(self.move):
            m.d.sync += arrived.eq(0)
        return arrived, arrival

    def _wait(self, m, arrived, arrival, will_dispatch):
        """Let a vector wait as soon as the one before goes; whether one waits, and its descriptor."""
        waits, move = Signal(), Signal(name="_move")
        waiting = Signal(descriptor_layout(self.config), reset_less=True)
        clear = Signal(self.config.input_bits, name="_clear")
        will_move = arrived & ~move & (~waits | will_dispatch | self.dispatch)
        m.d.sync += [
            move.eq(will_move),
            clear.eq(Cat(will_move & (bit >= arrival.bits) for bit in range(self.config.input_bits))),
            waits.eq(move | (waits & ~self.dispatch)),
        ]
        with m.If(move):
            m.d.sync += waiting.eq(arrival)
        m.d.comb += [self.move.eq(move), self.clear.eq(clear), self.wanted.eq(waits), self.wanted_bank.eq(waiting.bank)]
        return waits, waiting

    def _drive(self, m, waits, waiting, will_dispatch):
        """Drive the planes of one vector after the other; the one that the drivers hold."""
        drives, waited, dispatch = Signal(), Signal(), Signal(name="_dispatch")
        driven = Signal(data.StructLayout({
            "bank": range(self.config.banks),
            **result_descriptor_layout(self.config).members,
        }), reset_less=True)
        planned, is_calibration = Signal(reset_less=True), Signal(reset_less=True)
        index = Signal.like(self.index, name="_index", reset_less=True)
        # A copy of `is_calibration`, as it clears all wordlines.
        blank = Signal(name="_blank")
        stale = self._registered_stale(m, waiting.bank)
        now, *later = self._enables
        m.d.comb += [self.dispatch.eq(dispatch), self.index.eq(index), self.blank.eq(blank)]
        # Drained by the cycle after the next: three planes at most, and three cycles in which the pipeline advances.
        # Once the tables of its bank are complete they stay so while a vector waits.
        drains = (index + is_calibration <= 2) & now & Cat(later).all()
        m.d.sync += [
            waited.eq(waits & ~self.busy & ~will_dispatch & ~dispatch),
            will_dispatch.eq(waited & ~will_dispatch & (~drives | drains)),
            dispatch.eq(will_dispatch),
            blank.eq(Mux(dispatch, stale, is_calibration & ~now) & later[0]),
        ]
        last = (index == 0) & ~is_calibration
        with m.If(dispatch):
            m.d.sync += taken_over(driven, waiting)
            m.d.sync += [drives.eq(1), planned.eq(1), is_calibration.eq(stale), index.eq(self.highest)]
        with m.Elif(self.enable):
            m.d.sync += [drives.eq(drives & ~last), planned.eq(planned & is_calibration), is_calibration.eq(0),
                         index.eq(index - (~is_calibration)[0])]
        return Plane(drives, driven, planned, is_calibration, drives & last)

    def _registered_stale(self, m, bank):
        """Whether the waiting vector needs calibration: as it waits for longer than that takes, from registers."""
        taken, stale = Signal(name="was_written"), Signal(name="is_stale", reset_less=True)
        written = Signal.like(self.write_bank, name="written", reset_less=True)
        m.d.sync += [taken.eq(self.write_taken), written.eq(self.write_bank),
                     stale.eq(self._stale(m, bank, taken, written))]
        return stale
