"""Controller: which vector, plane and bank are where, and who waits."""

import itertools
from dataclasses import dataclass
from functools import reduce
from operator import or_

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..columns.column_block import control_layout
from .ports import descriptor_layout, result_descriptor_layout


def taken_over(target, source):
    """Assignments of those fields that the target has."""
    return [target[name].eq(source[name]) for name, _ in target.shape()]


@dataclass(frozen=True)
class Plane:
    """A plane at one stage of the pipeline: whether there is one, the descriptor of its vector, and whether it is the
    vector's first, the calibration plane before that, or the last."""

    valid: Value
    descriptor: data.View
    first: Value
    is_calibration: Value
    last: Value


def _moved(steps, enable):
    """Steps of the pipeline a cycle later, but for the earliest, of which nothing is known."""
    return [Mux(enable, before, now) for now, before in itertools.pairwise(steps)]


class Controller(wiring.Component):
    """Steers vectors through drivers, columns, accumulators and fuse stages, each one a plane a cycle without a bubble.

    A vector waits, is driven plane by plane, and its last plane then moves down the pipeline as one bit that marks
    completion. The pipeline stalls only while a result is ready and the previous one has not been accepted.

    With a ``result_interval`` of ``n > 1`` the enables are decided ``n - 1`` cycles ahead, so that each comes out of a
    register: the pipeline stalls even if the previous result is accepted in the meantime. With 2 a vector waits for at
    least two cycles; for 4 see `DeepController`.

    A write waits while a vector in flight uses its bank, forever if such vectors never pause; a vector accepted in the
    same cycle as a write comes after it. A vector waits until the tables of its bank are complete. If columns need
    calibration, a plane of zeros precedes the first vector after a write to its bank or a reset.

    Parameters
    ----------
    config : MacroConfig

    Members
    -------
    i_valid : ``In(1)``
        A vector is offered.
    i_ready : ``Out(1)``
        It is accepted.
    descriptor : ``In(descriptor_layout)``
        Of that vector; the drivers hold its values.
    write_ready : ``Out(1)``
        No vector in flight uses the bank of the write.
    write_bank : ``In(range(banks))``
        That bank.
    write_taken : ``In(1)``
        A write is accepted.
    wanted : ``Out(1)``
        To the table writers: a vector waits for a bank.
    wanted_bank : ``Out(range(banks))``
        For this one.
    busy : ``In(1)``
        From the table writers: the tables of that bank are not complete.
    o_valid : ``Out(1)``
        A result is offered; the last stage holds it.
    o_ready : ``In(1)``
        It is accepted.
    load : ``Out(1)``
        Like all up to ``select``, to or from `WordlineDrivers`: load a vector.
    dispatch : ``Out(1)``
        Move the waiting vector to the wordlines.
    bits : ``Out(range(input_bits + 1))``
        Precision of the vector that is loaded.
    is_signed : ``Out(1)``
        Its inputs are two's complement.
    top : ``In(input_bits)``
        One-hot: highest plane of the waiting vector that can change the result.
    select : ``Out(input_bits)``
        Which plane comes next.
    enable : ``Out(1)``
        The pipeline advances.
    control : ``Out(control_layout)``
        See `ColumnBlock`.
    fuse_load : ``Out(fuse_latency)``
        Enables of the fuse stages; none without fusing.
    fuse_mode : ``Out(2 * fuse_latency)``
        For each fuse stage the logarithm of how many columns are fused; none without fusing.
    """

    def __init__(self, *, config):
        self.config = config
        ports = {
            "i_valid": In(1), "i_ready": Out(1), "descriptor": In(descriptor_layout(config)),
            "write_ready": Out(1), "write_bank": In(range(config.banks)), "write_taken": In(1),
            "wanted": Out(1), "wanted_bank": Out(range(config.banks)), "busy": In(1),
            "o_valid": Out(1), "o_ready": In(1),
            "dispatch": Out(1), "is_signed": Out(1), **self.plane_ports(config),
            "enable": Out(1), "control": Out(control_layout(config)),
        }
        if config.fuse > 1:
            ports |= {"fuse_load": Out(config.fuse_latency), "fuse_mode": Out(2 * config.fuse_latency)}
        super().__init__(ports)

    @staticmethod
    def plane_ports(config):
        """Ports to choose the planes of a vector."""
        return {"load": Out(1), "bits": Out(range(config.input_bits + 1)), "top": In(config.input_bits),
                "select": Out(config.input_bits)}

    def elaborate(self, platform):
        m = Module()
        # Whether the pipeline advances in this cycle and in those after it that are decided already.
        self._enables = [Signal(init=1, name="pipeline_enable"), *(
            Signal(init=1, name=f"enable_{cycle}") for cycle in range(1, max(1, self.config.result_interval - 1)))]
        vectors, driven = self._choose_planes(m)
        plane, bank = self._put_on_wordlines(m, driven)
        self._guard_banks(m, [*vectors, (driven.valid, driven.descriptor.bank), (plane.valid, bank)])
        self._track(m, plane)
        return m

    def _choose_planes(self, m):
        """Accept vectors and drive their planes; valid bit and bank of each that is not driven, and the driven one."""
        # Dispatch in the next cycle; not used with a ``result_interval`` of 1.
        will_dispatch = Signal(name="_will_dispatch")
        waits, waiting = self._fetch(m, will_dispatch)
        return [(waits, waiting.bank)], self._drive(m, waits, waiting, will_dispatch)

    def _fetch(self, m, will_dispatch):
        """Accept vectors; whether one waits, and its descriptor."""
        is_held = Signal(name="_waits")
        waiting = Signal(descriptor_layout(self.config), reset_less=True, name="_waiting")
        started = Signal()
        waits = Signal()
        m.d.comb += [
            waits.eq(Mux(self.i_ready, self.i_valid, is_held)),
            # What is loaded without `i_valid` is not used.
            self.load.eq(self.i_ready),
            self.bits.eq(self.descriptor.bits),
            self.is_signed.eq(self.descriptor.signed),
            self.wanted.eq(is_held),
            self.wanted_bank.eq(waiting.bank),
        ]
        with m.If(self.i_ready):
            m.d.sync += waiting.eq(self.descriptor)
            # After a reset there is no total to add to.
            m.d.sync += waiting.accumulate.eq(self.descriptor.accumulate & started)
            m.d.sync += started.eq(started | self.i_valid)
        m.d.sync += is_held.eq(waits)
        if self.config.result_interval == 1:
            m.d.comb += self.i_ready.eq(~is_held | self.dispatch)
        else:
            ready = Signal(init=1)
            m.d.sync += ready.eq(~waits | will_dispatch)
            m.d.comb += self.i_ready.eq(ready)
        return is_held, waiting

    def _drive(self, m, is_held, waiting, will_dispatch):
        """Drive the planes of one vector after the other; the one that the drivers hold."""
        drives = Signal()
        driven = Signal(data.StructLayout({
            "bank": range(self.config.banks),
            **result_descriptor_layout(self.config).members,
        }), reset_less=True)
        planned = Signal(reset_less=True)
        is_calibration = Signal(reset_less=True)
        select = Signal.like(self.select, reset_less=True)
        # The plane after the calibration plane.
        first = Signal.like(self.top, reset_less=True)
        last = select[0]
        top, follows = Signal.like(self.top, reset_less=True), Signal.like(select)
        m.d.comb += [self.select.eq(select), follows.eq(first | select >> 1)]
        waits, drained = is_held & ~self.busy, ~drives | (last & self.enable)
        if self.config.result_interval == 1:
            m.d.comb += [self.dispatch.eq(waits & drained), top.eq(self.top)]
        else:
            dispatch = Signal()
            will_drain = Mux(self.enable, follows[0], last) & self.control.advance_next
            m.d.comb += [will_dispatch.eq(waits & ~dispatch & (drained | will_drain)), self.dispatch.eq(dispatch)]
            m.d.sync += [dispatch.eq(will_dispatch), top.eq(self.top)]
        stale = self._stale(m, waiting.bank, self.write_taken, self.write_bank)
        with m.If(self.dispatch):
            m.d.sync += taken_over(driven, waiting)
            m.d.sync += [drives.eq(1), planned.eq(1), is_calibration.eq(stale), select.eq(Mux(stale, 0, top)),
                         first.eq(Mux(stale, top, 0))]
        with m.Elif(self.enable):
            m.d.sync += [drives.eq(drives & ~last), planned.eq(planned & is_calibration), is_calibration.eq(0),
                         first.eq(0), select.eq(follows)]
        return Plane(drives, driven, planned, is_calibration, drives & last)

    def _put_on_wordlines(self, m, driven):
        """The plane on the wordlines, a pipeline step after the drivers."""
        on_wordlines = Signal()
        bank = Signal(range(self.config.banks), reset_less=True)
        plane = Signal(result_descriptor_layout(self.config), reset_less=True, name="_plane")
        first = Signal(reset_less=True, name="_plane_first")
        is_calibration = Signal(reset_less=True, name="_plane_is_calibration")
        last = Signal(name="_plane_last")
        with m.If(self.enable):
            m.d.sync += [
                on_wordlines.eq(driven.valid),
                first.eq(driven.first),
                is_calibration.eq(driven.is_calibration),
                last.eq(driven.last),
                bank.eq(driven.descriptor.bank),
                *taken_over(plane, driven.descriptor),
            ]
        m.d.comb += self.control.bank.eq(bank)
        return Plane(on_wordlines, plane, first, is_calibration, last), bank

    def _guard_banks(self, m, users):
        """Keep writes off the banks of vectors, of which those on the wordlines come last."""
        used = [valid & (bank == self.write_bank) for valid, bank in (*users, *self._held_banks(m, *users[-1]))]
        m.d.comb += self.write_ready.eq(~reduce(or_, used))

    def _held_banks(self, m, valid, bank):
        """Valid bit and bank of each plane for as long as its bank is held, given those of the one on the wordlines."""
        held = []
        for cycle in range(self.config.bank_hold_cycles):
            valid = self._delay(m, f"hold_{cycle}", valid, 1, reset=True)
            bank = self._delay(m, f"hold_bank_{cycle}", bank, 1)
            held.append((valid, bank))
        return held

    def _stale(self, m, bank, written, written_bank):
        """Whether a vector of this bank needs calibration: it is the first since a write to the bank or a reset."""
        if not self.config.needs_calibration:
            return Const(0)
        stale = Signal(self.config.banks, init=-1)
        with m.If(self.dispatch):
            m.d.sync += stale.bit_select(bank, 1).eq(0)
        with m.If(written):
            m.d.sync += stale.bit_select(written_bank, 1).eq(1)
        return stale.bit_select(bank, 1)

    def _track(self, m, plane):
        """Follow each vector's last plane to its result; see `ColumnBlock` for what comes early."""
        config, descriptor, control = self.config, plane.descriptor, self.control
        at_sum = config.column_latency - 1
        first = self._delay(m, "first", plane.first, at_sum)
        last = [plane.last, *self._delays(m, "loads", plane.last, at_sum + 2 + config.broadcast, reset=True)]
        loads = last[-1]
        complete = self._delay(m, "complete", loads, 1, reset=True)
        m.d.comb += [
            control.shift.eq(~first),
            control.negative.eq(self._delay(m, "negative", plane.first & descriptor.signed, at_sum)),
            control.add.eq(self._delay(m, "add", descriptor.accumulate, at_sum + 1)),
        ]
        if config.needs_calibration:
            m.d.comb += control.calibrate.eq(self._delay(m, "calibrate", plane.is_calibration, config.calibration))

        # Before a result arrives at the output: whether there is one so many pipeline steps earlier.
        steps = completing = [complete, *reversed(last)]
        if config.fuse > 1:
            mode = self._delay(m, "mode", descriptor.fuse, at_sum + 4 + config.broadcast)
            steps = [self._delay(m, "total", complete, 1, reset=True), *steps]
            for stage in range(config.fuse_latency):
                m.d.comb += self.fuse_mode.word_select(stage, 2).eq(mode)
                if stage + 1 < config.fuse_latency:
                    m.d.comb += self.fuse_load[stage].eq(self.enable & steps[0])
                    mode = self._delay(m, f"mode_{stage}", mode, 1)
                    steps.insert(0, self._delay(m, f"fused_{stage}", steps[0], 1, reset=True))
            m.d.comb += self.fuse_load[-1].eq(self.enable & steps[0])
        # When the accumulators' blocks know it; with a broadcast a cycle earlier.
        for enable in (self.enable, *self._enables[1:1 + config.broadcast]):
            completing = _moved(completing, enable)
        next_complete = Signal()
        m.d.comb += next_complete.eq(completing[0])
        if config.result_interval == 1:
            m.d.comb += control.load.eq(next_complete)
        else:
            m.d.comb += control.load.eq(next_complete & control.advance_next)
        self._advance(m, steps)

    def _advance(self, m, steps):
        """Decide whether the pipeline advances: unless a result that arrives has to wait for the one at the output.

        ``steps`` says whether a result is about to arrive at the output, and the same for each pipeline step before.
        Every block makes its own enable from a registered copy of ``advance_next``; with a broadcast it is registered
        on the way, too.
        """
        o_valid = Signal()
        # Whether a result arrives in the cycle that is decided about, and whether one may still be at the output then.
        next_arriving = Signal()
        occupied, steps_then = o_valid, _moved(steps, self.enable)
        for enable in self._enables[1:]:
            occupied |= enable & steps_then[0]
            steps_then = _moved(steps_then, enable)
        decided = ~(next_arriving & occupied)
        decisions = [*self._enables[1:], decided]
        m.d.comb += [
            next_arriving.eq(steps_then[0]),
            o_valid.eq((self.enable & steps[0]) | (self.o_valid & ~self.o_ready)),
            self.control.advance_next.eq(decisions[self.config.broadcast]),
            self.enable.eq(self._enables[0]),
        ]
        if self.config.result_interval == 1:
            m.d.comb += self.enable.eq(self._enables[0] | self.o_ready)
        m.d.sync += [self.o_valid.eq(o_valid), *(now.eq(then) for now, then in zip(self._enables, decisions))]

    def _delay(self, m, name, signal, cycles, reset=False):
        """``signal``, delayed by ``cycles`` pipeline steps."""
        return [signal, *self._delays(m, name, signal, cycles, reset)][-1]

    def _delays(self, m, name, signal, cycles, reset=False):
        """``signal``, delayed by each number of pipeline steps up to ``cycles``."""
        registers = []
        for cycle in range(cycles):
            register = Signal(len(signal), name=f"{name}_{cycle}", reset_less=not reset)
            with m.If(self.enable):
                m.d.sync += register.eq(signal)
            signal = register
            registers.append(register)
        return registers
