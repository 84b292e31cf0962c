"""Assembler: beats of an AXI4-Stream as records of a fixed length."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .result_packer import beat_layout

# What is wrong with a packet, for a cycle: a byte of a record was not kept; it ended within a record; it went on after
# the last.
FAULTS = wiring.Signature({"null": Out(1), "short": Out(1), "long": Out(1)})


class RecordAssembler(wiring.Component):
    """Gathers the beats of a record. Its last beat goes through as it comes, so that records follow without a pause.

    A packet, which ``last`` ends, is one record or many. Each record starts with a beat of its own; what its last beat
    has beyond it is ignored. A packet that is not so is reported once, and what is left of it is thrown away: records
    before the fault stand, records after it belong to the next packet.

    Latency: a record is offered with its last beat.

    Parameters
    ----------
    bits : int
        Of a beat.
    lengths : list of int
        Bytes of each kind of record.
    many : bool
        A packet may hold many records; else it must hold one.

    Members
    -------
    s : ``In(stream)``
        `beat_layout`. ``s.ready`` does not depend on ``s``'s valid.
    kind : ``In(range(len(lengths)))``
        Of the record; which of ``lengths``.
    restart : ``In(1)``
        Forget what has come of a record and of its packet: the next beat is a packet's first.
    refuse : ``In(1)``
        Throw the packet away from here on.
    full : ``In(1)``
        The packet must hold no further record.
    o : ``Out(stream)``
        ``data``, the beats of a record of the first kind, the first lowest; ``others``, of each other kind; ``last``,
        the packet ends with it.
    taken : ``Out(1)``
        A beat of a record is taken.
    within : ``Out(1)``
        A packet has begun and not ended.
    refused : ``Out(1)``
        For a cycle: the packet was refused.
    faults : ``Out(FAULTS)``
        It is faulty.
    """

    def __init__(self, *, bits, lengths, many):
        self.bits, self.lengths, self.many = bits, lengths, many
        self.beats = [-(-8 * length // bits) for length in lengths]
        record = data.StructLayout({"data": self.beats[0] * bits, "last": 1, **(
            {"others": data.StructLayout({str(kind): beats * bits for kind, beats in enumerate(self.beats) if kind})}
            if len(lengths) > 1 else {})})
        super().__init__({
            "s": In(stream.Signature(beat_layout(bits))), "kind": In(range(len(lengths))),
            "restart": In(1), "refuse": In(1), "full": In(1),
            "o": Out(stream.Signature(record)), "taken": Out(1), "within": Out(1),
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
            # Before the next: a packet cut off in the middle of a beat is short.
            (self.faults.short, beat.last & ~final),
            (self.faults.null, ~self._is_kept(beat.keep, final)),
            (self.faults.long, self.full | (final & ~beat.last if not self.many else 0)),
        ]
        faulty = Signal()
        step = Signal()
        m.d.comb += [
            faulty.eq(Cat(fault for _, fault in faults).any()),
            self.o.valid.eq(present & final & ~faulty),
            self.o.payload.last.eq(beat.last),
            self.s.ready.eq(discarding | ~final | self.o.ready),
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
        """Whether each byte of the record is there."""
        whole = keep.all()
        ends = Array(keep[:length - (beats - 1) * self.bits // 8].all()
                     for length, beats in zip(self.lengths, self.beats))
        return Mux(final, ends[self.kind], whole)

    def _store(self, m, position):
        """Each beat but the last, where it stands in the record."""
        words = [Signal(self.bits, name=f"word_{index}", reset_less=True) for index in range(max(self.beats) - 1)]
        for index, word in enumerate(words):
            with m.If(self.taken & (position == index)):
                m.d.sync += word.eq(self.s.payload.data)
        live = self.s.payload.data
        views = [Cat(*words[:beats - 1], live) for beats in self.beats]
        m.d.comb += self.o.payload.data.eq(views[0])
        m.d.comb += [self.o.payload.others[str(kind)].eq(views[kind]) for kind in range(1, len(views))]
