"""Read channel: a stretch of memory to packets of a stream."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ..csr.register_map import COUNT_BITS
from ..fabric.emitter import Platform
from .axi_stream import beat_layout
from .bursts import BURST, Faults, beat_shift, burst_layout, control_signature, next_beats


class ReadChannel(wiring.Component):
    """Requests bursts only if there is room for them, so that what arrives never waits.

    If memory answers with an error, or not at all, or the transfer is canceled, a packet that has begun ends with a
    beat of which no byte is kept, which its receiver reports; all that arrives later is discarded, and the channel is
    busy until it has arrived.

    Latency: two cycles from a beat that arrives to its offer.

    Parameters
    ----------
    bits : int
        Of a beat.
    address_bits : int
    packet_beats : int
        Beats of a packet; 0 if the whole transfer is one.
    depth : int
        Beats on their way, or waiting; for a beat a cycle, more than the latency of memory.

    Members
    -------
    control : ``In(control_signature)``
        What to read.
    request : ``Out(stream)``
        `burst_layout`: bursts to read.
    arrives : ``In(1)``
        A beat of a burst.
    data : ``In(bits)``
        The beat.
    is_wrong : ``In(1)``
        The beat is an error.
    o : ``Out(stream)``
        `beat_layout`: packets.
    """

    def __init__(self, *, bits, address_bits, packet_beats, depth):
        self.bits, self.packet_beats, self.depth = bits, packet_beats, depth
        super().__init__({
            "control": In(control_signature(address_bits)),
            "request": Out(stream.Signature(burst_layout(bits, address_bits))),
            "arrives": In(1), "data": In(bits), "is_wrong": In(1), "o": Out(stream.Signature(beat_layout(bits))),
        })

    def elaborate(self, platform):
        m = Module()
        control, o = self.control, self.o
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=self.bits + 1, depth=self.depth)
        faults = Platform.of(platform).instantiate(m, "faults", "axi_faults", Faults)
        stopped, closing, stop, within, begun, canceled = (Signal() for _ in range(6))
        wanted = Signal(COUNT_BITS)
        issued, reserved, outstanding = self._request(m, wanted, stopped, fifo)
        is_error = fifo.r_rdy & fifo.r_data[-1]
        taken = o.valid & o.ready
        m.d.comb += [
            fifo.w_data[:self.bits].eq(self.data),
            fifo.w_data[-1].eq(self.is_wrong),
            fifo.w_en.eq(self.arrives),
            faults.restart.eq(control.start),
            faults.error.eq(self.arrives & self.is_wrong),
            faults.waits.eq((outstanding != 0) & ~self.arrives & ~issued),
            # A beat that waits for its receiver, for however long, is given up.
            stop.eq(~stopped & (is_error | faults.was_late | canceled)),
            begun.eq(Mux(taken, ~o.payload.last, within)),
            o.valid.eq(closing | fifo.r_rdy & ~is_error & ~stopped),
            o.payload.data.eq(fifo.r_data[:self.bits]),
            o.payload.keep.eq(Mux(closing, 0, -1)),
            o.payload.last.eq(closing | self._ends(m, taken)),
            fifo.r_en.eq(stopped | is_error | o.ready),
            control.busy.eq(self.request.valid | (wanted != 0) | (reserved != 0) | closing),
            control.active.eq(closing | ~stopped & (control.left != 0)),
            control.wrong.eq(faults.wrong),
            control.late.eq(faults.late),
            control.failed.eq(faults.was_wrong | faults.was_late),
        ]
        m.d.sync += within.eq(begun)
        with m.If(taken):
            m.d.sync += [closing.eq(0), control.left.eq(control.left - ~closing)]
        with m.If(stop):
            m.d.sync += [stopped.eq(1), closing.eq(begun), wanted.eq(0)]
        with m.If(control.cancel):
            m.d.sync += canceled.eq(1)
        with m.If(control.start):
            m.d.sync += [stopped.eq(0), canceled.eq(0), control.left.eq(control.beats), wanted.eq(control.beats)]
        return m

    def _request(self, m, wanted, stopped, fifo):
        """Bursts, as long as there is room; whether one is issued, beats that have room, and those yet to arrive."""
        request, control = self.request, self.control
        first = Signal(len(request.payload.first))
        reserved, outstanding = Signal(range(self.depth + 1)), Signal(range(self.depth + 1))
        issued, beats = Signal(), next_beats(first, wanted)
        m.d.comb += issued.eq((~request.valid | request.ready) & (wanted != 0) & ~stopped &
                              (reserved <= self.depth - BURST))
        with m.If(~request.valid | request.ready):
            m.d.sync += request.valid.eq(issued)
        with m.If(issued):
            m.d.sync += [request.payload.first.eq(first), request.payload.beats.eq(beats), first.eq(first + beats),
                         wanted.eq(wanted - beats)]
        with m.If(control.start):
            m.d.sync += first.eq(control.address[beat_shift(self.bits):])
        more = Mux(issued, beats, 0)
        m.d.sync += [reserved.eq(reserved + more - (fifo.r_rdy & fifo.r_en)),
                     outstanding.eq(outstanding + more - self.arrives)]
        return issued, reserved, outstanding

    def _ends(self, m, taken):
        """Whether the beat that is offered is the last of its packet."""
        if not self.packet_beats:
            return self.control.left == 1
        position = Signal(range(self.packet_beats))
        ends = (position == self.packet_beats - 1) | (self.control.left == 1)
        with m.If(taken):
            m.d.sync += position.eq(Mux(self.o.payload.last, 0, position + 1))
        return ends
