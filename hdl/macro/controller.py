"""Controller: which vector, plane and bank are where, and who waits."""

from dataclasses import dataclass
from functools import reduce
from operator import or_

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..columns.column_block import control_layout
from .ports import descriptor_layout, result_layout


def _take(target, source):
    """Assignments of those fields that the target has."""
    return [target[name].eq(source[name]) for name, _ in target.shape()]


@dataclass(frozen=True)
class Plane:
    """A plane of a vector at one place of the pipeline: whether it is there, what the vector says of itself, whether
    the plane is its first, comes before that and is of zeros, or is its last."""

    valid: Value
    descriptor: data.View
    first: Value
    blank: Value
    last: Value


class Controller(wiring.Component):
    """Steers vectors through drivers, columns, accumulators and fuse stages, each one a plane a cycle without a bubble.

    A vector waits, is driven plane by plane, and its last plane then moves down the pipeline as one bit that marks
    completion. The pipeline stands still only while a finished result finds the one before it not yet taken.

    With a ``result_interval`` of 2 what moves is decided a cycle ahead, so that every enable comes out of a register:
    a vector waits for at least two cycles, and the pipeline stands still even if that result is then taken.

    A write waits while a vector in flight uses its bank, for ever if such vectors never pause; a vector accepted in the
    same cycle as a write comes after it. A vector waits until the tables of its bank are complete; where columns need
    it, a plane of zeros goes before the first vector after a write or a reset, from which they learn the bank's sums.

    Parameters
    ----------
    config : MacroConfig

    Members
    -------
    i_valid : ``In(1)``
        A vector is there.
    i_ready : ``Out(1)``
        It is taken in.
    descriptor : ``In(descriptor_layout)``
        What it says of itself; the drivers hold its values.
    write_ready : ``Out(1)``
        No vector in flight uses the bank of the write.
    write_bank : ``In(range(banks))``
        That bank.
    write_taken : ``In(1)``
        A write is taken.
    wanted : ``Out(1)``
        To the table writers: a vector waits for a bank.
    wanted_bank : ``Out(range(banks))``
        For this one.
    busy : ``In(1)``
        From the table writers: the tables of that bank are not complete.
    o_valid : ``Out(1)``
        A result is there, which the last stage holds.
    o_ready : ``In(1)``
        It is taken.
    load : ``Out(1)``
        As all up to ``select`` to and from `WordlineDrivers`: take a vector in.
    advance : ``Out(1)``
        Move the waiting vector to the wordlines.
    bits : ``Out(range(input_bits + 1))``
        Of the vector that is taken in.
    is_signed : ``Out(1)``
        Whether it is.
    top : ``In(input_bits)``
        One-hot: highest plane of the waiting vector that can change the result.
    select : ``Out(input_bits)``
        Which plane comes next.
    enable : ``Out(1)``
        The pipeline moves on.
    control : ``Out(control_layout)``
        See `ColumnBlock`.
    fuse_load : ``Out(fuse_latency)``
        Which fuse stages take in; none without fusing.
    fuse_mode : ``Out(2 * fuse_latency)``
        For each fuse stage the logarithm of how many columns; none without fusing.
    """

    def __init__(self, *, config):
        self.config = config
        ports = {
            "i_valid": In(1), "i_ready": Out(1), "descriptor": In(descriptor_layout(config)),
            "write_ready": Out(1), "write_bank": In(range(config.banks)), "write_taken": In(1),
            "wanted": Out(1), "wanted_bank": Out(range(config.banks)), "busy": In(1),
            "o_valid": Out(1), "o_ready": In(1),
            "load": Out(1), "advance": Out(1), "bits": Out(range(config.input_bits + 1)), "is_signed": Out(1),
            "top": In(config.input_bits), "select": Out(config.input_bits),
            "enable": Out(1), "control": Out(control_layout(config)),
        }
        if config.fuse > 1:
            ports |= {"fuse_load": Out(config.fuse_latency), "fuse_mode": Out(2 * config.fuse_latency)}
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        # It will advance in the next cycle; only where that is known.
        advances = Signal(name="_advances")
        waits, waiting = self._fetch(m, advances)
        driven = self._drive(m, waits, waiting, advances)
        plane, bank = self._put_on_wordlines(m, driven)
        self._guard_banks(m, [(waits, waiting.bank), (driven.valid, driven.descriptor.bank), (plane.valid, bank)])
        self._track(m, plane)
        return m

    def _fetch(self, m, advances):
        """Take vectors in; whether one waits, and its descriptor."""
        is_held = Signal(name="_waits")
        waiting = Signal(descriptor_layout(self.config), reset_less=True, name="_waiting")
        started = Signal()
        waits = Signal()
        m.d.comb += [
            waits.eq(Mux(self.i_ready, self.i_valid, is_held)),
            # Without `i_valid` what is taken in is never looked at.
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
            m.d.comb += self.i_ready.eq(~is_held | self.advance)
        else:
            ready = Signal(init=1)
            m.d.sync += ready.eq(~waits | advances)
            m.d.comb += self.i_ready.eq(ready)
        return is_held, waiting

    def _drive(self, m, is_held, waiting, advances):
        """Drive the planes of one vector after the other; the one that the drivers hold."""
        drives = Signal()
        driven = Signal(data.StructLayout({
            "bank": range(self.config.banks),
            **result_layout(self.config).members,
        }), reset_less=True)
        planned, blank = Signal(reset_less=True), Signal(reset_less=True)
        select = Signal.like(self.select, reset_less=True)
        # The plane that comes after one of zeros.
        first = Signal.like(self.top, reset_less=True)
        last = select[0]
        top, follows = Signal.like(self.top, reset_less=True), Signal.like(select)
        m.d.comb += [self.select.eq(select), follows.eq(first | select >> 1)]
        waits, drained = is_held & ~self.busy, ~drives | (last & self.enable)
        if self.config.result_interval == 1:
            m.d.comb += [self.advance.eq(waits & drained), top.eq(self.top)]
        else:
            will_drain = Mux(self.enable, follows[0], last) & self.control.move
            advance = Signal()
            m.d.comb += [advances.eq(waits & ~advance & (drained | will_drain)), self.advance.eq(advance)]
            m.d.sync += [advance.eq(advances), top.eq(self.top)]
        stale = self._stale(m, waiting.bank)
        with m.If(self.advance):
            m.d.sync += _take(driven, waiting)
            m.d.sync += [drives.eq(1), planned.eq(1), blank.eq(stale), select.eq(Mux(stale, 0, top)),
                         first.eq(Mux(stale, top, 0))]
        with m.Elif(self.enable):
            m.d.sync += [drives.eq(drives & ~last), planned.eq(planned & blank), blank.eq(0), first.eq(0),
                         select.eq(follows)]
        return Plane(drives, driven, planned, blank, drives & last)

    def _put_on_wordlines(self, m, driven):
        """The plane that is on the wordlines, a move after the drivers have it."""
        on_wordlines = Signal()
        bank = Signal(range(self.config.banks), reset_less=True)
        plane = Signal(result_layout(self.config), reset_less=True, name="_plane")
        first = Signal(reset_less=True, name="_plane_first")
        blank = Signal(reset_less=True, name="_plane_blank")
        last = Signal(name="_plane_last")
        with m.If(self.enable):
            m.d.sync += [
                on_wordlines.eq(driven.valid),
                first.eq(driven.first),
                blank.eq(driven.blank),
                last.eq(driven.last),
                bank.eq(driven.descriptor.bank),
                *_take(plane, driven.descriptor),
            ]
        m.d.comb += self.control.bank.eq(bank)
        return Plane(on_wordlines, plane, first, blank, last), bank

    def _guard_banks(self, m, users):
        """Keep writes off the banks of vectors, of which those on the wordlines come last."""
        for cycle in range(self.config.held):
            users.append((self._delay(m, f"held_{cycle}", users[-1][0], 1, reset=True),
                          self._delay(m, f"held_bank_{cycle}", users[-1][1], 1)))
        used = [valid & (bank == self.write_bank) for valid, bank in users]
        m.d.comb += self.write_ready.eq(~reduce(or_, used))

    def _stale(self, m, bank):
        """Whether the waiting vector is the first with its bank since a write or a reset, where that matters."""
        if not self.config.calibrates:
            return 0
        stale = Signal(self.config.banks, init=-1)
        with m.If(self.advance):
            m.d.sync += stale.bit_select(bank, 1).eq(0)
        with m.If(self.write_taken):
            m.d.sync += stale.bit_select(self.write_bank, 1).eq(1)
        return stale.bit_select(bank, 1)

    def _track(self, m, plane):
        """Follow each vector's last plane to its result; see `ColumnBlock` for what comes early."""
        config, descriptor, control = self.config, plane.descriptor, self.control
        at_sum = config.column_latency - 1
        first = self._delay(m, "first", plane.first, at_sum)
        loads = self._delay(m, "loads", plane.last, at_sum + 2, reset=True)
        complete = self._delay(m, "complete", loads, 1, reset=True)
        m.d.comb += [
            control.shift.eq(~first),
            control.negative.eq(self._delay(m, "negative", plane.first & descriptor.signed, at_sum)),
            control.add.eq(self._delay(m, "add", descriptor.accumulate, at_sum + 1)),
        ]
        if config.calibrates:
            m.d.comb += control.calibrate.eq(self._delay(m, "calibrate", plane.blank, config.calibration))

        # What arrives at the output, and one move before.
        before, arriving = loads, complete
        if config.fuse > 1:
            mode = self._delay(m, "mode", descriptor.fuse, at_sum + 4)
            before, arriving = complete, self._delay(m, "total", complete, 1, reset=True)
            for stage in range(config.fuse_latency):
                m.d.comb += self.fuse_mode.word_select(stage, 2).eq(mode)
                if stage + 1 < config.fuse_latency:
                    m.d.comb += self.fuse_load[stage].eq(self.enable & arriving)
                    mode = self._delay(m, f"mode_{stage}", mode, 1)
                    before, arriving = arriving, self._delay(m, f"fused_{stage}", arriving, 1, reset=True)
            m.d.comb += self.fuse_load[-1].eq(self.enable & arriving)
        # Every block finds its own enable, of a register that knows whether a result will find the one before it.
        moves, o_valid, next_arriving, next_complete = Signal(init=1), Signal(), Signal(), Signal()
        m.d.comb += [
            next_arriving.eq(Mux(self.enable, before, arriving)),
            next_complete.eq(Mux(self.enable, loads, complete)),
            o_valid.eq((self.enable & arriving) | (self.o_valid & ~self.o_ready)),
            control.move.eq(~(next_arriving & o_valid)),
            control.load.eq(next_complete),
            self.enable.eq(moves),
        ]
        if config.result_interval == 1:
            m.d.comb += self.enable.eq(moves | self.o_ready)
        else:
            m.d.comb += control.load.eq(next_complete & control.move)
        m.d.sync += [self.o_valid.eq(o_valid), moves.eq(control.move)]

    def _delay(self, m, name, signal, cycles, reset=False):
        """``signal`` as it was ``cycles`` moves of the pipeline ago."""
        for cycle in range(cycles):
            register = Signal(len(signal), name=f"{name}_{cycle}", reset_less=not reset)
            with m.If(self.enable):
                m.d.sync += register.eq(signal)
            signal = register
        return signal
