"""Source switch: a stream's own source, or the self-test in its place."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .result_packer import beat_layout

# What a self-test asks of the sources of streams: ``active``, it is the source; ``holds``, no packet may begin;
# ``cuts``, what has begun must be thrown away.
TAKEOVER = wiring.Signature({"active": Out(1), "holds": Out(1), "cuts": Out(1)})


class SourceSwitch(wiring.Component):
    """Hands on the packets of the source, or those of the self-test; changes between them never within a packet.

    Parameters
    ----------
    bits : int
        Of a beat.

    Members
    -------
    source : ``In(stream)``
        `beat_layout`. What is left of a packet that is cut is thrown away.
    test : ``In(stream)``
        `beat_layout`, of the self-test.
    takeover : ``In(TAKEOVER)``
        Of the self-test.
    within : ``In(1)``
        A packet has begun and not ended.
    changes : ``In(1)``
        No packet may go on: where to is about to change.
    o : ``Out(stream)``
        `beat_layout`.
    """

    def __init__(self, *, bits):
        beats = stream.Signature(beat_layout(bits))
        super().__init__({"source": In(beats), "test": In(beats), "takeover": In(TAKEOVER), "within": In(1),
                          "changes": In(1), "o": Out(beats)})

    def elaborate(self, platform):
        m = Module()
        active, cuts = self.takeover.active, self.takeover.cuts
        is_open = Signal()
        rest = Signal()
        with m.If(cuts & self.within):
            m.d.sync += rest.eq(1)
        with m.Elif(self.source.valid & self.source.payload.last):
            m.d.sync += rest.eq(0)
        m.d.comb += [
            is_open.eq((~self.takeover.holds | self.within) & ~(cuts | rest | self.changes)),
            self.o.valid.eq(Mux(active, self.test.valid, self.source.valid & is_open)),
            Value.cast(self.o.payload).eq(Mux(active, Value.cast(self.test.payload), Value.cast(self.source.payload))),
            self.source.ready.eq(self.o.ready & is_open & ~active | rest),
            self.test.ready.eq(self.o.ready),
        ]
        return m
