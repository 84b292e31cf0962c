"""Controller: which vector, plane and bank are where, and who waits."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from .ports import descriptor_layout, result_layout


def _take(target, source):
    """Assignments of those fields that the target has."""
    return [target[name].eq(source[name]) for name, _ in target.shape()]


class Controller(wiring.Component):
    """Steers vectors through drivers, columns, accumulators and fuse stages, each one a plane a cycle without a bubble.

    A vector waits, is driven plane by plane, and its last plane then moves down the pipeline as one bit that marks
    completion. The pipeline stands still only while a finished result finds the one before it not yet taken.

    A write waits while a vector in flight uses its bank, for ever if such vectors never pause; a vector accepted in the
    same cycle as a write comes after it.

    Parameters
    ----------
    config : MacroConfig

    Members
    -------
    i_valid, i_ready, descriptor : stream of vectors
        Without the values, which the drivers hold.
    write_ready, write_bank : stream of writes
        What decides whether the row decoder takes one.
    o_valid, o_ready : stream of results
        Without the results, which the last stage holds.
    load, advance, bits, is_signed, top, select : to and from the drivers
        See `WordlineDrivers`.
    enable : ``Out(1)``
        The pipeline moves on.
    bank : ``Out``
        Bank of the plane on the wordlines.
    first, negative : ``Out(1)``
        Of the sum at the accumulators: a vector's first; the vector is signed.
    complete, add, increment : ``Out(1)``
        The accumulators hold a result; add it to the total; its vector is signed.
    fuse_load, fuse_mode : ``Out``
        For each fuse stage: take in; logarithm of how many columns.
    """

    def __init__(self, *, config):
        self.config = config
        select = range(config.input_bits)
        ports = {
            "i_valid": In(1), "i_ready": Out(1), "descriptor": In(descriptor_layout(config)),
            "write_ready": Out(1), "write_bank": In(range(config.banks)),
            "o_valid": Out(1), "o_ready": In(1),
            "load": Out(1), "advance": Out(1), "bits": Out(range(config.input_bits + 1)), "is_signed": Out(1),
            "top": In(select), "select": Out(select),
            "enable": Out(1), "bank": Out(range(config.banks)),
            "first": Out(1), "negative": Out(1),
            "complete": Out(1), "add": Out(int(config.tiles > 1)), "increment": Out(1),
        }
        if config.fuse > 1:
            ports |= {"fuse_load": Out(config.fuse_latency), "fuse_mode": Out(2 * config.fuse_latency)}
        super().__init__(ports)

    def elaborate(self, platform):
        m = Module()
        self._fetch(m)
        self._drive(m)
        self._track(m)
        return m

    def _fetch(self, m):
        """Take vectors in, and keep writes off the banks in use."""
        self._waits = Signal()
        self._waiting = Signal(descriptor_layout(self.config), reset_less=True)
        started = Signal()
        m.d.comb += [
            self.i_ready.eq(~self._waits | self.advance),
            self.load.eq(self.i_valid & self.i_ready),
            self.bits.eq(self._waiting.bits),
            self.is_signed.eq(self._waiting.signed),
        ]
        with m.If(self.i_ready):
            m.d.sync += self._waits.eq(self.i_valid)
        with m.If(self.load):
            m.d.sync += self._waiting.eq(self.descriptor)
            # After a reset there is no total to add to.
            m.d.sync += self._waiting.accumulate.eq(self.descriptor.accumulate & started)
            m.d.sync += started.eq(1)

    def _drive(self, m):
        """Drive the planes of one vector after the other."""
        drives = Signal()
        driven = Signal(data.StructLayout({
            "bank": range(self.config.banks),
            **result_layout(self.config).members,
        }), reset_less=True)
        planned = Signal(reset_less=True)
        last = Signal()
        m.d.comb += [
            last.eq(self.select == 0),
            self.advance.eq(self._waits & (~drives | (last & self.enable))),
        ]
        with m.If(self.advance):
            m.d.sync += _take(driven, self._waiting)
            m.d.sync += [drives.eq(1), self.select.eq(self.top), planned.eq(1)]
        with m.Elif(self.enable):
            m.d.sync += [drives.eq(drives & ~last), self.select.eq(self.select - 1), planned.eq(0)]

        self._on_wordlines = Signal()
        self._plane = Signal(result_layout(self.config), reset_less=True)
        self._plane_first = Signal(reset_less=True)
        self._plane_last = Signal()
        with m.If(self.enable):
            m.d.sync += [
                self._on_wordlines.eq(drives),
                self._plane_first.eq(planned),
                self._plane_last.eq(drives & last),
                self.bank.eq(driven.bank),
                *_take(self._plane, driven),
            ]

        users = ((self._waits, self._waiting.bank), (drives, driven.bank), (self._on_wordlines, self.bank))
        used = [valid & (bank == self.write_bank) for valid, bank in users]
        m.d.comb += self.write_ready.eq(~(used[0] | used[1] | used[2]))

    def _track(self, m):
        """Follow each vector's last plane to its result."""
        config, plane = self.config, self._plane
        at_sum = config.tree_latency
        m.d.comb += [
            self.first.eq(self._delay(m, "first", self._plane_first, at_sum)),
            self.negative.eq(self._delay(m, "negative", plane.signed, at_sum)),
        ]
        complete = self._delay(m, "complete", self._plane_last, at_sum + 1, reset=True)
        m.d.comb += [
            self.add.eq(self._delay(m, "add", plane.accumulate, at_sum + 1)),
            self.increment.eq(self._delay(m, "increment", self.negative, 1)),
        ]

        arriving = complete
        if config.fuse > 1:
            mode = self._delay(m, "mode", plane.fuse, at_sum + 2)
            arriving = self._delay(m, "total", complete, 1, reset=True)
            for stage in range(config.fuse_latency):
                m.d.comb += self.fuse_mode.word_select(stage, 2).eq(mode)
                if stage + 1 < config.fuse_latency:
                    m.d.comb += self.fuse_load[stage].eq(self.enable & arriving)
                    mode = self._delay(m, f"mode_{stage}", mode, 1)
                    arriving = self._delay(m, f"fused_{stage}", arriving, 1, reset=True)
            m.d.comb += self.fuse_load[-1].eq(self.enable & arriving)
        m.d.comb += [
            self.complete.eq(self.enable & complete),
            self.enable.eq(~(arriving & self.o_valid & ~self.o_ready)),
        ]
        m.d.sync += self.o_valid.eq(arriving | (self.o_valid & ~self.o_ready))

    def _delay(self, m, name, signal, cycles, reset=False):
        """``signal`` as it was ``cycles`` moves of the pipeline ago."""
        for cycle in range(cycles):
            register = Signal(len(signal), name=f"{name}_{cycle}", reset_less=not reset)
            with m.If(self.enable):
                m.d.sync += register.eq(signal)
            signal = register
        return signal
