"""A stream between two clock domains of any frequencies and phases."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out


class StreamCrossing(wiring.Component):
    """Hands transfers from one clock domain to another, one at a time, by a two-phase handshake.

    A request is a change of one bit, its acknowledgment the same change of another; each passes two flip-flops of the
    other domain. ``i`` is ready when the sink has accepted the transfer. Until then its payload is stable, as of every
    stream, and so it is when the sink's one register a bit captures it. The payload must come from flip-flops without
    logic between, to which `bitline synth` holds the netlist. Its wires may take a cycle of the source, by which it is
    ahead of the request, and one of the sink, which the request takes at least.

    Both domains must be reset together, and neither may leave reset while the other can still see its last request:
    see `hold_in_reset`.

    Latency: one cycle of the source and 2 to 3 of the sink until ``o`` is valid; after its transfer 2 to 3 of the
    source until ``i`` is ready. It is the closed-loop multi-cycle path formulation of Clifford E. Cummings, Clock
    Domain Crossing (CDC) Design and Verification Techniques Using SystemVerilog, SNUG Boston 2008.

    Parameters
    ----------
    shape : ShapeLike
        Of the payload.
    source, sink : str
        Clock domains of ``i`` and of ``o``.

    Members
    -------
    i : ``In(stream)``
        Payloads, from flip-flops of the source's domain.
    o : ``Out(stream)``
        The same, from flip-flops of the sink's domain.
    """

    def __init__(self, *, shape, source, sink):
        self.shape, self.source, self.sink = shape, source, sink
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        request, requested, acknowledge, acknowledged = (Signal(name=name) for name in (
            "request", "requested", "acknowledge", "acknowledged"))
        m.submodules.to_sink = FFSynchronizer(request, requested, o_domain=self.sink)
        m.submodules.to_source = FFSynchronizer(acknowledge, acknowledged, o_domain=self.source)

        waiting = Signal()
        # From a flip-flop, because much may depend on it in the same cycle.
        m.d[self.source] += self.i.ready.eq(waiting & (acknowledged == request) & ~self.i.ready)
        with m.If(self.i.ready):
            m.d[self.source] += waiting.eq(0)
        with m.Elif(self.i.valid & ~waiting):
            m.d[self.source] += [request.eq(~request), waiting.eq(1)]

        captured = Signal(self.shape, reset_less=True)
        m.d.comb += self.o.payload.eq(captured)
        with m.If(self.o.valid & self.o.ready):
            m.d[self.sink] += [self.o.valid.eq(0), acknowledge.eq(requested)]
        with m.If(~self.o.valid & (requested != acknowledge)):
            m.d[self.sink] += [captured.eq(self.i.payload), self.o.valid.eq(1)]
        return m
