"""Packet reader: which beats of a packet are headers, what is wrong with it, and where it is cut off."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..axi.axi_stream import beat_layout
from ..core.packet_assembler import FAULTS
from .header import header_layout


class PacketReader(wiring.Component):
    """Passes the beats behind headers on, without a delay, and ends each packet once, faulty or not.

    A packet with a fault is *cut*: the faulty beat is skipped, unless it ends a block, a beat that is none of the
    packet's ends it, and the rest up to ``last`` is discarded. So that the cut cannot be taken for the end of a block,
    a block has two beats at least. What goes on behind its end is not cut, but discarded. Each fault is reported once.

    Parameters
    ----------
    bits : int
        Of a beat.

    Members
    -------
    s : ``In(stream)``
        `beat_layout`; ``s.ready`` depends on neither ``s.valid`` nor the beat, and is low in a reset and in the cycle
        after it.
    at_header : ``In(1)``
        The next beat is a header.
    offered : ``Out(header_layout)``
        It as a header.
    wrong : ``In(1)``
        As a header it would be wrong.
    ends_block : ``In(1)``
        It is the last one of a block.
    ends_packet : ``In(1)``
        It must be the last one of the packet; only if it ends a block.
    o : ``Out(stream)``
        Beats behind headers; ``last`` ends a packet.
    skips : ``Out(1)``
        What is offered is to be taken, but does not count.
    cuts : ``Out(1)``
        What is offered cuts a packet, behind its header or, ``at_header``, in place of it.
    begins : ``Out(1)``
        A header without a fault is taken.
    header : ``Out(header_layout)``
        That header, from the next cycle on.
    within : ``Out(1)``
        A packet has begun and not ended, or waits to be cut.
    faults : ``Out(FAULTS)``
        Of the packet.
    header_fault : ``Out(1)``
        For a cycle: its header is wrong.
    """

    def __init__(self, *, bits):
        super().__init__({
            "s": In(stream.Signature(beat_layout(bits))), "at_header": In(1), "offered": Out(header_layout()),
            "wrong": In(1), "ends_block": In(1), "ends_packet": In(1), "header": Out(header_layout()),
            "o": Out(stream.Signature(data.StructLayout({"data": bits, "last": 1}))),
            "skips": Out(1), "cuts": Out(1), "begins": Out(1), "within": Out(1), "faults": Out(FAULTS),
            "header_fault": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        beat, is_last = self.s.payload, self.s.payload.last
        is_open, discarding, begun, step, faulty = (Signal(name=name) for name in (
            "is_open", "discarding", "begun", "step", "faulty"))
        accepted = self.s.valid & self.s.ready
        must_end = ~self.at_header & self.ends_packet
        short, null, wrong = is_last & ~must_end, ~beat.keep.all(), self.at_header & self.wrong
        long = must_end & ~is_last
        reported = Const(0, 1)
        for report, fault in ((self.faults.short, short), (self.faults.null, null), (self.header_fault, wrong),
                              (self.faults.long, long)):
            m.d.comb += report.eq(step & fault & ~reported)
            reported = reported | fault
        m.d.comb += [
            faulty.eq(Cat(short, null, wrong).any()),
            step.eq(accepted & ~discarding),
            self.s.ready.eq(is_open & ~self.cuts & (discarding | self.at_header | self.o.ready)),
            self.o.valid.eq(self.cuts | is_open & self.s.valid & ~discarding & ~self.at_header),
            self.skips.eq(faulty & ~self.ends_block & ~self.cuts),
            self.o.payload.data.eq(beat.data),
            self.o.payload.last.eq(self.cuts | self.ends_packet & ~faulty),
            self.begins.eq(step & self.at_header & ~faulty),
            self.within.eq(begun | self.cuts),
        ]
        m.d.comb += self.offered.eq(beat.data[:header_layout().size])
        with m.If(self.begins):
            m.d.sync += self.header.eq(self.offered)
        m.d.sync += is_open.eq(1)
        with m.If(accepted):
            m.d.sync += [begun.eq(~is_last), discarding.eq((discarding | reported) & ~is_last)]
        with m.If(step & faulty):
            m.d.sync += self.cuts.eq(1)
        with m.Elif(self.o.ready):
            m.d.sync += self.cuts.eq(0)
        return m
