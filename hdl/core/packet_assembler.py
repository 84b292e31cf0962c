"""Packet assembler: beats of an AXI4-Stream to items of a fixed length: vectors, rows of weights, parameters."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..axi.axi_stream import beat_layout

# Faults of a packet, each for a cycle: ``null``, a byte of an item was not kept; ``short``, it ended within an item;
# ``long``, it went on after the last item.
FAULTS = wiring.Signature({"null": Out(1), "short": Out(1), "long": Out(1)})


class PacketAssembler(wiring.Component):
    """Collects the beats of an item, and offers it from the cycle after its last beat.

    A packet, which ``last`` ends, is one item or many. Each item starts with a new beat; bytes of its last beat that do
    not belong to it are ignored. A faulty packet is reported once, and the rest of it is discarded: items before the
    fault remain valid.

    Latency: an item is offered a cycle after its last beat was accepted.

    Parameters
    ----------
    bits : int
        Of a beat.
    lengths : list of int
        Bytes of each kind of item.
    many : bool
        A packet may hold many items; otherwise it must hold exactly one.
    overlaps : bool
        The beat after an item is accepted in the cycle in which the item is, so that items follow each other without a
        pause; ``s.ready`` then depends on ``o.ready``. Otherwise it comes a cycle later.

    Members
    -------
    s : ``In(stream)``
        Beats of packets, `beat_layout`. ``s.ready`` depends on neither ``s.valid`` nor the beat, and is high within an
        item, so a source can end a packet that it cannot complete.
    kind : ``In(range(len(lengths)))``
        Kind of the item, an index of ``lengths``; must not change while one is offered.
    restart : ``In(1)``
        Discard a partly received item and its packet: the next beat is the first of a packet.
    withdraw : ``In(1)``
        Discard the item that is offered.
    refuse : ``In(1)``
        Discard the item that is offered, and the rest of the packet.
    full : ``In(1)``
        A further item is a fault.
    o : ``Out(stream)``
        ``data``: the beats of an item of the first kind, the first lowest; ``others``: those of each other kind;
        ``last``: the packet ends with it.
    pending : ``Out(1)``
        An item is offered, or would be without ``refuse``.
    final : ``Out(1)``
        The next beat is the last of an item.
    taken : ``Out(1)``
        A beat of an item is accepted.
    completes : ``Out(1)``
        It is the last: the item is offered from the next cycle on.
    within : ``Out(1)``
        A packet has begun and not ended.
    refused : ``Out(1)``
        For a cycle: the packet is refused.
    faults : ``Out(FAULTS)``
        Faults of the packet, one at most.
    """

    def __init__(self, *, bits, lengths, many, overlaps=False):
        self.bits, self.lengths, self.many, self.overlaps = bits, lengths, many, overlaps
        self.beats = [-(-8 * length // bits) for length in lengths]
        item = data.StructLayout({"data": self.beats[0] * bits, "last": 1, **(
            {"others": data.StructLayout({str(kind): beats * bits for kind, beats in enumerate(self.beats) if kind})}
            if len(lengths) > 1 else {})})
        super().__init__({
            "s": In(stream.Signature(beat_layout(bits))), "kind": In(range(len(lengths))),
            "restart": In(1), "withdraw": In(1), "refuse": In(1), "full": In(1),
            "o": Out(stream.Signature(item)), "pending": Out(1), "final": Out(1), "taken": Out(1), "completes": Out(1),
            "within": Out(1), "refused": Out(1), "faults": Out(FAULTS),
        })

    def elaborate(self, platform):
        m = Module()
        beat = self.s.payload
        position = Signal(range(max(self.beats)))
        discarding = Signal()
        final = Array(position == beats - 1 for beats in self.beats)[self.kind]
        faults = [
            (self.refused, self.refuse),
            # Before ``null``: a packet that ends in the middle of a beat is short.
            (self.faults.short, beat.last & ~final),
            (self.faults.null, ~self._is_kept(beat.keep, final)),
            (self.faults.long, self.full | (final & ~beat.last if not self.many else 0)),
        ]
        faulty = Signal()
        accepted = Signal()
        step = Signal()
        # From registers alone: the place of the next beat is free.
        has_room = ~self.pending | self.o.ready if self.overlaps else ~self.pending
        m.d.comb += [
            self.final.eq(final),
            faulty.eq(Cat(fault for _, fault in faults).any()),
            self.o.valid.eq(self.pending & ~self.refuse),
            self.s.ready.eq(has_room),
            accepted.eq(self.s.valid & self.s.ready),
            step.eq(accepted & ~discarding),
            self.taken.eq(step & ~faulty),
            self.completes.eq(self.taken & final),
        ]
        reported = Const(0, 1)
        for report, fault in faults:
            m.d.comb += report.eq(step & fault & ~reported)
            reported = reported | fault
        m.d.sync += self.pending.eq(self.completes | self.pending & ~(self.o.ready | self.refuse))
        with m.If(self.pending & self.refuse):
            m.d.comb += self.refused.eq(1)
            m.d.sync += discarding.eq(self.within)
        with m.If(step):
            m.d.sync += [position.eq(Mux(faulty | final, 0, position + 1)), discarding.eq(faulty & ~beat.last)]
        with m.Elif(accepted & beat.last):
            m.d.sync += discarding.eq(0)
        with m.If(accepted):
            m.d.sync += self.within.eq(~beat.last)
        with m.If(self.restart):
            m.d.sync += [position.eq(0), discarding.eq(0), self.within.eq(0)]
        with m.If(self.withdraw):
            m.d.sync += self.pending.eq(0)
        self._store(m, position, has_room)
        return m

    def _is_kept(self, keep, final):
        """Whether each byte of the item is kept."""
        whole = keep.all()
        ends = Array(keep[:length - (beats - 1) * self.bits // 8].all()
                     for length, beats in zip(self.lengths, self.beats))
        return Mux(final, ends[self.kind], whole)

    def _store(self, m, position, has_room):
        """Store each beat at its position in the item; what is there until then does not matter."""
        words = [Signal(self.bits, name=f"word_{index}", reset_less=True) for index in range(max(self.beats))]
        last = Signal(reset_less=True)
        for index, word in enumerate(words):
            with m.If(has_room & (position == index)):
                m.d.sync += word.eq(self.s.payload.data)
        with m.If(has_room):
            m.d.sync += last.eq(self.s.payload.last)
        views = [Cat(*words[:beats]) for beats in self.beats]
        m.d.comb += [self.o.payload.data.eq(views[0]), self.o.payload.last.eq(last)]
        m.d.comb += [self.o.payload.others[str(kind)].eq(views[kind]) for kind in range(1, len(views))]
