"""DMA: a core's streams from and to memory, by AXI4."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from .axi_stream import beat_layout
from .bursts import dma_signature
from .master import address_ports, connect_address, read_ports
from .read_channel import ReadChannel
from .write_channel import WriteChannel

# Beats that a channel has room for: more than a memory takes to answer, and for the rest two bursts and more.
DEPTHS = {"vectors": 256, "weights": 64, "results": 64}
# Identifiers of what is read.
VECTORS, WEIGHTS = 0, 1


def master_ports(bits, address_bits):
    """Ports of the AXI4 master: direction and width, seen from the DMA, and meaning, by name."""
    return {
        **read_ports(bits, address_bits),
        **address_ports("aw", address_bits), "wdata": (Out, bits, "a beat"),
        "wstrb": (Out, bits // 8, "which of its bytes count"),
        "wlast": (Out, 1, "the last beat of its burst"), "wvalid": (Out, 1, "a beat is offered"),
        "wready": (In, 1, "it is accepted"), "bid": (In, 1, "of an answer; not needed"),
        "bresp": (In, 2, "2 or 3 is an error"), "bvalid": (In, 1, "a burst is answered"),
        "bready": (Out, 1, "the answer is accepted, always"),
    }


class Dma(wiring.Component):
    """Reads vectors and weights, and writes results, in bursts; vectors and weights take turns.

    Beats of memory are beats of the streams. Vectors are packets of ``vector_beats``, weights one packet a transfer.
    Results come as they are.

    Parameters
    ----------
    bits : int
        Of a beat.
    address_bits : int
    vector_beats : int
    result_beat : StructLayout
        A beat of results.

    Members
    -------
    control : ``In(dma_signature)``
        Transfers.
    vectors : ``Out(stream)``
        `beat_layout`.
    weights : ``Out(stream)``
        `beat_layout`.
    results : ``In(stream)``
        ``result_beat``.
    m_axi : ``Out(signature)``
        `master_ports`.
    """

    def __init__(self, *, bits, address_bits, vector_beats, result_beat):
        self.bits, self.address_bits = bits, address_bits
        self.vector_beats, self.result_beat = vector_beats, result_beat
        super().__init__({
            "control": In(dma_signature(address_bits)),
            "vectors": Out(stream.Signature(beat_layout(bits))), "weights": Out(stream.Signature(beat_layout(bits))),
            "results": In(stream.Signature(result_beat)),
            "m_axi": Out(wiring.Signature({name: flow(width) for name, (flow, width, _) in
                                           master_ports(bits, address_bits).items()})),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        shared = {"bits": self.bits, "address_bits": self.address_bits}
        vectors, weights = (
            platform.instantiate(m, name, f"dma_{name}", ReadChannel, packet_beats=beats, depth=DEPTHS[name], **shared)
            for name, beats in (("vectors", self.vector_beats), ("weights", 0)))
        results = platform.instantiate(m, "results", "dma_results", WriteChannel, beat=self.result_beat,
                                       depth=DEPTHS["results"], **shared)
        control = self.control
        for given, channel in ((control.vectors, vectors), (control.weights, weights), (control.results, results)):
            wiring.connect(m, wiring.flipped(given), channel.control)
        wiring.connect(m, vectors.o, wiring.flipped(self.vectors))
        wiring.connect(m, weights.o, wiring.flipped(self.weights))
        wiring.connect(m, wiring.flipped(self.results), results.i)
        self._read(m, vectors, weights)
        self._write(m, results)
        return m

    def _read(self, m, vectors, weights):
        """One request after the other, in turns; beats go where their identifier says."""
        port, turn = self.m_axi, Signal()
        held = Signal(vectors.request.payload.shape())
        accepts, picks_weights, picked = ~port.arvalid | port.arready, Signal(), Signal()
        m.d.comb += [
            picks_weights.eq(weights.request.valid & (turn | ~vectors.request.valid)),
            picked.eq(accepts & (vectors.request.valid | weights.request.valid)),
            vectors.request.ready.eq(accepts & ~picks_weights),
            weights.request.ready.eq(accepts & picks_weights),
            port.rready.eq(1),
        ]
        with m.If(accepts):
            m.d.sync += port.arvalid.eq(picked)
        with m.If(picked):
            m.d.sync += [turn.eq(~picks_weights), port.arid.eq(picks_weights),
                         held.eq(Mux(picks_weights, weights.request.payload.as_value(),
                                     vectors.request.payload.as_value()))]
        connect_address(m, port, "ar", held, self.bits)
        for channel, identifier in ((vectors, VECTORS), (weights, WEIGHTS)):
            m.d.comb += [channel.arrives.eq(port.rvalid & (port.rid == identifier)), channel.data.eq(port.rdata),
                         channel.is_wrong.eq(port.rresp[1])]

    def _write(self, m, results):
        port = self.m_axi
        connect_address(m, port, "aw", results.request.payload, self.bits)
        m.d.comb += [
            port.awid.eq(0),
            port.awvalid.eq(results.request.valid),
            results.request.ready.eq(port.awready),
            port.wdata.eq(results.write.payload.data),
            port.wstrb.eq(results.write.payload.strobe),
            port.wlast.eq(results.write.payload.last),
            port.wvalid.eq(results.write.valid),
            results.write.ready.eq(port.wready),
            port.bready.eq(1),
            results.answered.eq(port.bvalid),
            results.is_wrong.eq(port.bresp[1]),
        ]
