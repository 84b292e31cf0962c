"""Write channel: packets of a stream to a stretch of memory."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from .bursts import BURST, Faults, beat_shift, burst_layout, control_signature, next_beats

# Most bursts that are not answered, of which memory may keep as many.
MAX_UNANSWERED = 31


def write_layout(bits):
    """A beat to write: its bytes, which of them count, and whether it is the last of its burst."""
    return data.StructLayout({"data": bits, "strobe": bits // 8, "last": 1})


class WriteChannel(wiring.Component):
    """Collects a burst before it offers it, so that no beat of it keeps the bus waiting.

    If memory answers with an error, or not at all, or the transfer is canceled, no further beat is taken from the
    stream; those that were taken are still written. Bytes that a beat does not keep are not written.

    Parameters
    ----------
    bits : int
        Of a beat.
    address_bits : int
    beat : StructLayout
        Of the stream.
    depth : int
        Beats that wait.

    Members
    -------
    control : ``In(control_signature)``
        Where to write.
    i : ``In(stream)``
        Packets. Beats are taken during a transfer only.
    request : ``Out(stream)``
        `burst_layout`: bursts to write.
    write : ``Out(stream)``
        `write_layout`: their beats, in order.
    answered : ``In(1)``
        A burst is written.
    is_wrong : ``In(1)``
        It is not, because of an error.
    """

    def __init__(self, *, bits, address_bits, beat, depth):
        self.bits, self.depth = bits, depth
        super().__init__({
            "control": In(control_signature(address_bits)), "i": In(stream.Signature(beat)),
            "request": Out(stream.Signature(burst_layout(bits, address_bits))),
            "write": Out(stream.Signature(write_layout(bits))), "answered": In(1), "is_wrong": In(1),
        })

    def elaborate(self, platform):
        m = Module()
        control, i, write = self.control, self.i, self.write
        width = self.bits + self.bits // 8
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=width, depth=self.depth)
        faults = Platform.of(platform).instantiate(m, "faults", "axi_faults", Faults)
        stopped, taken, written = Signal(), Signal(), Signal()
        # Beats of the stream that no burst has yet, and bursts without an answer.
        filled, unanswered = Signal(range(self.depth + 1)), Signal(range(MAX_UNANSWERED + 1))
        queued, current = Signal(range(BURST + 1)), Signal(range(BURST + 1))
        to_take = Mux(stopped, 0, control.left)
        issued, beats = self._request(m, filled, filled + to_take, unanswered, queued)
        m.d.comb += [
            i.ready.eq((to_take != 0) & fifo.w_rdy),
            taken.eq(i.valid & i.ready),
            fifo.w_en.eq(taken),
            fifo.w_data[:self.bits].eq(i.payload.data),
            fifo.w_data[self.bits:].eq(i.payload.keep),
            write.valid.eq((current != 0) & fifo.r_rdy),
            write.payload.data.eq(fifo.r_data[:self.bits]),
            write.payload.strobe.eq(fifo.r_data[self.bits:]),
            write.payload.last.eq(current == 1),
            written.eq(write.valid & write.ready),
            fifo.r_en.eq(written),
            faults.restart.eq(control.start),
            faults.error.eq(self.answered & self.is_wrong),
            faults.waits.eq((unanswered != 0) & ~(self.answered | written | self.request.valid & self.request.ready)),
            control.busy.eq((to_take != 0) | (filled != 0) | (unanswered != 0)),
            control.active.eq(to_take != 0),
            control.wrong.eq(faults.wrong),
            control.late.eq(faults.late),
            control.failed.eq(faults.was_wrong | faults.was_late),
        ]
        m.d.sync += [filled.eq(filled + taken - Mux(issued, beats, 0)),
                     unanswered.eq(unanswered + issued - self.answered),
                     control.left.eq(control.left - taken)]
        with m.If((current == 0) | written & (current == 1)):
            m.d.sync += [current.eq(queued), queued.eq(0)]
        with m.Elif(written):
            m.d.sync += current.eq(current - 1)
        with m.If(issued):
            m.d.sync += queued.eq(beats)
        with m.If(control.wrong | control.late | control.cancel):
            m.d.sync += stopped.eq(1)
        with m.If(control.start):
            m.d.sync += [stopped.eq(0), control.left.eq(control.beats)]
        return m

    def _request(self, m, filled, wanted, unanswered, queued):
        """Bursts whose beats are there; whether one is issued, and its beats."""
        request = self.request
        first = Signal(len(request.payload.first))
        issued, beats = Signal(), next_beats(first, wanted)
        m.d.comb += issued.eq((~request.valid | request.ready) & (queued == 0) & (beats != 0) & (filled >= beats) &
                              (unanswered != MAX_UNANSWERED))
        with m.If(~request.valid | request.ready):
            m.d.sync += request.valid.eq(issued)
        with m.If(issued):
            m.d.sync += [request.payload.first.eq(first), request.payload.beats.eq(beats), first.eq(first + beats)]
        with m.If(self.control.start):
            m.d.sync += first.eq(self.control.address[beat_shift(self.bits):])
        return issued, beats
