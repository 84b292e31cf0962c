"""Controller that decides ahead: nothing far away is behind logic."""

from functools import reduce
from operator import or_

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

    Instead of ``load``, ``bits``, ``top`` and ``select`` it has:

    Members
    -------
    will_load : ``Out(1)``
        Load a vector in the next cycle.
    will_move : ``Out(1)``
        Let the vector that has arrived wait after the next cycle.
    stays : ``Out(1)``
        The complement of ``will_move``, which clears registers without a LUT.
    above : ``Out(input_bits)``
        Of the vector that has arrived: the plane is above its bits.
    will_dispatch : ``Out(1)``
        Dispatch in the next cycle.
    highest : ``In(range(input_bits))``
        Highest plane of the waiting vector that can change the result, five cycles after ``will_move``.
    will_enable : ``Out(1)``
        The pipeline advances in the next cycle.
    next_index : ``Out(range(input_bits))``
        The plane that is chosen in the next cycle.
    will_blank : ``Out(1)``
        That is the calibration plane, and the pipeline advances.
    """

    @staticmethod
    def plane_ports(config):
        return {"will_load": Out(1), "will_move": Out(1), "stays": Out(1), "above": Out(config.input_bits),
                "will_dispatch": Out(1), "highest": In(range(config.input_bits)), "will_enable": Out(1),
                "next_index": Out(range(config.input_bits)), "will_blank": Out(1)}

    def _choose_planes(self, m):
        self._move = Signal(name="move")
        arrived, arrival = self._arrive(m)
        waits, waiting = self._wait(m, arrived, arrival)
        return [(arrived, arrival.bank), (waits, waiting.bank)], self._drive(m, waits, waiting)

    def _arrive(self, m):
        """Accept vectors; whether one has arrived, and its descriptor."""
        arrived = Signal()
        started = Signal()
        arrival = Signal(descriptor_layout(self.config), reset_less=True)
        above = Signal(self.config.input_bits, name="_above", reset_less=True)
        next_arrived = Mux(arrived, ~self._move, self.i_valid)
        m.d.comb += [self.i_ready.eq(~arrived), self.will_load.eq(~next_arrived),
                     self.is_signed.eq(arrival.signed), self.above.eq(above)]
        m.d.sync += arrived.eq(next_arrived)
        with m.If(~arrived):
            m.d.sync += [arrival.eq(self.descriptor),
                         above.eq(Cat(bit >= self.descriptor.bits for bit in range(self.config.input_bits)))]
            # After a reset there is no total to add to.
            m.d.sync += [arrival.accumulate.eq(self.descriptor.accumulate & started),
                         started.eq(started | self.i_valid)]
        return arrived, arrival

    def _wait(self, m, arrived, arrival):
        """Let a vector wait as soon as the one before goes; whether one waits, and its descriptor."""
        waits = Signal(name="_waits")
        waiting = Signal(descriptor_layout(self.config), reset_less=True)
        m.d.comb += [
            self.will_move.eq(arrived & ~self._move & (~waits | self.will_dispatch | self.dispatch)),
            self.stays.eq(~self.will_move),
            self.wanted.eq(waits),
            self.wanted_bank.eq(waiting.bank),
        ]
        m.d.sync += [self._move.eq(self.will_move), waits.eq(self._move | (waits & ~self.dispatch))]
        with m.If(self._move):
            m.d.sync += waiting.eq(arrival)
        return waits, waiting

    def _drive(self, m, waits, waiting):
        """Drive the planes of one vector after the other; the one that the drivers hold."""
        drives = Signal()
        waited = Signal()
        will_dispatch = Signal(name="_will_dispatch")
        dispatch = Signal(name="_dispatch")
        driven = Signal(data.StructLayout({
            "bank": range(self.config.banks),
            **result_descriptor_layout(self.config).members,
        }), reset_less=True)
        planned = Signal(reset_less=True)
        is_calibration = Signal(reset_less=True)
        index = Signal.like(self.next_index, name="index", reset_less=True)
        # The plane after that, and whether it comes next unless a vector is dispatched.
        following = Signal.like(index, name="following", reset_less=True)
        steps = Signal(reset_less=True)
        stale = self._registered_stale(m, waiting.bank)
        now, *later = self._enables
        # Drained by the cycle after the next: three planes at most, and three cycles in which the pipeline advances.
        # Once the tables of its bank are complete they stay so while a vector waits.
        drains = (index + is_calibration <= 2) & now & Cat(later).all()
        next_is_calibration = Mux(dispatch, stale, is_calibration & ~now)
        m.d.comb += [
            self.will_dispatch.eq(will_dispatch),
            self.dispatch.eq(dispatch),
            self.will_enable.eq(later[0]),
            self.next_index.eq(Mux(dispatch, self.highest, Mux(steps, following, index))),
            self.will_blank.eq(next_is_calibration & later[0]),
        ]
        m.d.sync += [
            waited.eq(waits & ~self.busy & ~will_dispatch & ~dispatch),
            will_dispatch.eq(waited & ~will_dispatch & (~drives | drains)),
            dispatch.eq(will_dispatch),
            index.eq(self.next_index),
            following.eq(self.next_index - 1),
            steps.eq(later[0] & ~next_is_calibration),
            is_calibration.eq(next_is_calibration),
        ]
        last = (index == 0) & ~is_calibration
        with m.If(dispatch):
            m.d.sync += [*taken_over(driven, waiting), drives.eq(1), planned.eq(1)]
        with m.Elif(now):
            m.d.sync += [drives.eq(drives & ~last), planned.eq(planned & is_calibration)]
        return Plane(drives, driven, planned, is_calibration, drives & last)

    def _guard_banks(self, m, users):
        """Keep writes off the banks of vectors: in use two cycles ago, or just before they are dispatched one ago."""
        arrived, waits, *planes = users
        early = [(self.i_valid & self.i_ready, self.descriptor.bank), arrived, waits]
        late = [(self.dispatch, waits[1]), *planes, *self._held_banks(m, *planes[-1])]

        def banks(which):
            return Cat(reduce(or_, (valid & (bank == index) for valid, bank in which))
                       for index in range(self.config.banks))
        used = Signal(self.config.banks)
        was_used = Signal(self.config.banks)
        m.d.sync += [was_used.eq(banks(late)), used.eq(banks(early) | was_used)]
        m.d.comb += self.write_ready.eq(~used.bit_select(self.write_bank, 1))

    def _registered_stale(self, m, bank):
        """Whether the waiting vector needs calibration: as it waits for longer than that takes, from registers."""
        taken = Signal(name="was_written")
        written = Signal.like(self.write_bank, name="written", reset_less=True)
        stale = Signal(name="is_stale", reset_less=True)
        m.d.sync += [taken.eq(self.write_taken), written.eq(self.write_bank),
                     stale.eq(self._stale(m, bank, taken, written))]
        return stale
