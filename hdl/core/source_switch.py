"""Source switch: selects a stream or the self-test as the source of a block."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..axi.axi_stream import beat_layout

# How the self-test takes over the input streams: ``active``, it is their source; ``hold``, no packet of theirs may
# begin; ``abort``, packets that have begun are discarded. The first acts in the next cycle.
TAKEOVER = wiring.Signature({"active": Out(1), "hold": Out(1), "abort": Out(1)})


class SourceSwitch(wiring.Component):
    """Forwards packets of the source or of the self-test; never switches within a packet.

    Parameters
    ----------
    bits : int
        Of a beat.

    Members
    -------
    source : ``In(stream)``
        `beat_layout`. The rest of an aborted packet is discarded.
    test : ``In(stream)``
        `beat_layout`: packets of the self-test.
    takeover : ``In(TAKEOVER)``
        Control by the self-test.
    within : ``In(1)``
        A packet has begun and not ended.
    changes : ``In(1)``
        The destination is about to change: no packet may go on.
    o : ``Out(stream)``
        `beat_layout`: the selected packets.
    """

    def __init__(self, *, bits):
        beats = stream.Signature(beat_layout(bits))
        super().__init__({"source": In(beats), "test": In(beats), "takeover": In(TAKEOVER), "within": In(1),
                          "changes": In(1), "o": Out(beats)})

    def elaborate(self, platform):
        m = Module()
        # A register of its own, as it goes far.
        active, abort = Signal(), self.takeover.abort
        m.d.sync += active.eq(self.takeover.active)
        is_open = Signal()
        rest = Signal()
        with m.If(abort & self.within):
            m.d.sync += rest.eq(1)
        with m.Elif(self.source.valid & self.source.payload.last):
            m.d.sync += rest.eq(0)
        m.d.comb += [
            is_open.eq((~self.takeover.hold | self.within) & ~(abort | rest | self.changes)),
            self.o.valid.eq(Mux(active, self.test.valid, self.source.valid & is_open)),
            Value.cast(self.o.payload).eq(Mux(active, Value.cast(self.test.payload), Value.cast(self.source.payload))),
            self.source.ready.eq(self.o.ready & is_open & ~active | rest),
            self.test.ready.eq(self.o.ready),
        ]
        return m
