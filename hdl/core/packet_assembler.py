"""Packet assembler: beats of an AXI4-Stream to items of a fixed length: vectors, rows of weights, parameters."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..axi.axi_stream import beat_layout

# Faults of a packet, each for a cycle: ``null``, a byte of an item was not kept; ``short``, it ended within an item;
# ``long``, it went on after the last item.
FAULTS = wiring.Signature({"null": Out(1), "short": Out(1), "long": Out(1)})


class PacketAssembler(wiring.Component):
    """Collects the beats of an item. The last beat is passed through, so that items follow each other without a pause.

    A packet, which ``last`` ends, is one item or many. Each item starts with a new beat; bytes of its last beat that do
    not belong to it are ignored. A faulty packet is reported once, and the rest of it is discarded: items before the
    fault remain valid.

    Latency: an item is offered in the cycle of its last beat, unless ``checks_first``.

    Parameters
    ----------
    bits : int
        Of a beat.
    lengths : list of int
        Bytes of each kind of item.
    many : bool
        A packet may hold many items; otherwise it must hold exactly one.
    takes_null : bool
        A beat of which no byte is kept is taken at once, though an item would have to wait: so a source can end a
        packet that it cannot complete. Then ``s.ready`` depends on ``s.payload.keep``.
    checks_first : bool
        An item is offered in the second cycle of its last beat at the earliest, when it is known whether this is
        faulty; one that is, is accepted then, whatever ``o.ready`` is. The beat may be withdrawn with ``restart``; else
        ``kind`` and ``full`` must not change while it waits, and ``refuse`` not fall.

    Members
    -------
    s : ``In(stream)``
        Beats of packets, `beat_layout`. ``s.ready`` does not depend on ``s.valid``.
    kind : ``In(range(len(lengths)))``
        Kind of the item, an index of ``lengths``.
    restart : ``In(1)``
        Discard a partly received item and its packet: the next beat is the first of a packet.
    refuse : ``In(1)``
        Discard the rest of the packet.
    full : ``In(1)``
        A further item is a fault.
    o : ``Out(stream)``
        ``data``: the beats of an item of the first kind, the first lowest; ``others``: those of each other kind;
        ``last``: the packet ends with it.
    taken : ``Out(1)``
        A beat of an item is accepted.
    within : ``Out(1)``
        A packet has begun and not ended.
    refused : ``Out(1)``
        For a cycle: the packet is refused.
    faults : ``Out(FAULTS)``
        Faults of the packet, one at most.
    """

    def __init__(self, *, bits, lengths, many, takes_null=False, checks_first=False):
        self.bits, self.lengths, self.many, self.takes_null = bits, lengths, many, takes_null
        self.checks_first = checks_first
        self.beats = [-(-8 * length // bits) for length in lengths]
        item = data.StructLayout({"data": self.beats[0] * bits, "last": 1, **(
            {"others": data.StructLayout({str(kind): beats * bits for kind, beats in enumerate(self.beats) if kind})}
            if len(lengths) > 1 else {})})
        super().__init__({
            "s": In(stream.Signature(beat_layout(bits))), "kind": In(range(len(lengths))),
            "restart": In(1), "refuse": In(1), "full": In(1),
            "o": Out(stream.Signature(item)), "taken": Out(1), "within": Out(1),
            "refused": Out(1), "faults": Out(FAULTS),
        })

    def elaborate(self, platform):
        m = Module()
        beat = self.s.payload
        position = Signal(range(max(self.beats)))
        discarding = Signal()
        final = Array(position == beats - 1 for beats in self.beats)[self.kind]
        present = self.s.valid & ~discarding
        faults = [
            (self.refused, self.refuse),
            # Before ``null``: a packet that ends in the middle of a beat is short.
            (self.faults.short, beat.last & ~final),
            (self.faults.null, ~self._is_kept(beat.keep, final)),
            (self.faults.long, self.full | (final & ~beat.last if not self.many else 0)),
        ]
        taken_at_once = discarding | ~final | ~beat.keep.any() if self.takes_null else discarding | ~final
        faulty = Signal()
        step = Signal()
        offered, is_good = present & final & ~faulty, 1
        if self.checks_first:
            # From registers: ``s.ready`` does not depend on the beat.
            waits = present & final & ~self.s.ready
            passes = Signal()
            is_good = Signal()
            # What waits in the cycle of a restart is forgotten; the next beat may be another.
            m.d.sync += [passes.eq(waits & faulty & ~self.restart), is_good.eq(waits & ~faulty & ~self.restart)]
            taken_at_once |= passes
            offered = is_good & self.s.valid & ~self.refuse
        m.d.comb += [
            faulty.eq(Cat(fault for _, fault in faults).any()),
            self.o.valid.eq(offered),
            self.o.payload.last.eq(beat.last),
            self.s.ready.eq(taken_at_once | is_good & self.o.ready),
            step.eq(present & self.s.ready),
            self.taken.eq(step & ~faulty),
        ]
        reported = Const(0, 1)
        for report, fault in faults:
            m.d.comb += report.eq(step & fault & ~reported)
            reported = reported | fault
        with m.If(step):
            m.d.sync += [position.eq(Mux(faulty | final, 0, position + 1)), discarding.eq(faulty & ~beat.last)]
        with m.Elif(self.s.valid & self.s.ready & beat.last):
            m.d.sync += discarding.eq(0)
        with m.If(self.s.valid & self.s.ready):
            m.d.sync += self.within.eq(~beat.last)
        with m.If(self.restart):
            m.d.sync += [position.eq(0), discarding.eq(0), self.within.eq(0)]
        self._store(m, position)
        return m

    def _is_kept(self, keep, final):
        """Whether each byte of the item is kept."""
        whole = keep.all()
        ends = Array(keep[:length - (beats - 1) * self.bits // 8].all()
                     for length, beats in zip(self.lengths, self.beats))
        return Mux(final, ends[self.kind], whole)

    def _store(self, m, position):
        """Store each beat but the last at its position in the item; what is there until then does not matter."""
        words = [Signal(self.bits, name=f"word_{index}", reset_less=True) for index in range(max(self.beats) - 1)]
        for index, word in enumerate(words):
            with m.If(self.s.valid & (position == index)):
                m.d.sync += word.eq(self.s.payload.data)
        live = self.s.payload.data
        views = [Cat(*words[:beats - 1], live) for beats in self.beats]
        m.d.comb += self.o.payload.data.eq(views[0])
        m.d.comb += [self.o.payload.others[str(kind)].eq(views[kind]) for kind in range(1, len(views))]
