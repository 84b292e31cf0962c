"""Vector input: vectors of an AXI4-Stream to the macro, with the tags of their results."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..axi.axi_stream import beat_layout
from ..config.core import SETS
from ..fabric.emitter import Platform
from ..macro.ports import input_layout
from .packet_assembler import FAULTS, PacketAssembler
from .requantizer import tag_layout


def vector_settings_layout(config):
    """How vectors are computed: precision, sign, bank, parameter set, and how many vectors add up to one result."""
    macro = config.macro
    return data.StructLayout({"bits": range(macro.input_bits + 1), "signed": 1, "bank": range(macro.banks),
                              "set": range(SETS), "accumulate_count": range(macro.max_accumulations + 1)})


class VectorInput(wiring.Component):
    """Passes vectors to the macro, each from the cycle after its last beat.

    Latency: a vector is offered a cycle after its last beat was accepted; the macro then may take a while.

    ``accumulate_count`` vectors are an accumulation: their results are added up, and each uses the bank after that of
    the vector before. Only the totals of its last vector are wanted; none, if a vector of it was faulty.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    s : ``In(stream)``
        `beat_layout`.
    vector_settings : ``In(vector_settings_layout)``
        Sampled with the first beat of a vector.
    restart : ``In(1)``
        The next vector that begins is the first of an accumulation.
    no_accumulate : ``In(1)``
        Arriving vectors are not accumulated, and an accumulation that has begun gives no totals.
    flush : ``In(1)``
        Discard a partly received vector; the next beat is the first of a vector.
    within : ``Out(1)``
        A vector has begun and not ended.
    completes : ``Out(1)``
        The last beat of a vector is accepted.
    i : ``Out(stream)``
        Of the macro, with a plane mask.
    tag : ``Out(tag_layout)``
        Of the vector that ``completes``.
    skipped : ``Out(range(input_bits))``
        Planes that cannot change the result of the vector that was completed two cycles ago, which the macro skips.
    faults : ``Out(FAULTS)``
        Of the vector.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "s": In(stream.Signature(beat_layout(config.input_stream_bits))),
            "vector_settings": In(vector_settings_layout(config)), "restart": In(1), "no_accumulate": In(1),
            "flush": In(1), "within": Out(1), "completes": Out(1),
            "i": Out(stream.Signature(input_layout(config.macro, has_plane_mask=True))), "tag": Out(tag_layout()),
            "skipped": Out(range(config.macro.input_bits)), "faults": Out(FAULTS),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        assembler = Platform.of(platform).instantiate(m, "assembler", "vectors_assembler", PacketAssembler,
                                                      bits=config.input_stream_bits, lengths=[config.vector_bytes],
                                                      many=False, overlaps=True)
        wiring.connect(m, wiring.flipped(self.s), assembler.s)
        wiring.connect(m, assembler.faults, wiring.flipped(self.faults))
        m.d.comb += assembler.restart.eq(self.flush)
        is_faulty = Cat(assembler.faults.null, assembler.faults.short, assembler.faults.long).any()
        settings = self._hold_settings(m, assembler)
        begun, ended = self._track_vector(m, assembler, is_faulty)
        bank, first, is_last = self._track_accumulation(m, settings, begun, ended)
        broken = self._track_faults(m, is_faulty, first, is_last, ended)
        elements = data.View(data.ArrayLayout(unsigned(8 * config.input_bytes), config.macro.rows),
                             assembler.o.payload.data[:8 * config.vector_bytes])
        x = Cat(elements[row][:config.macro.input_bits] for row in range(config.macro.rows))
        payload = self.i.payload
        m.d.comb += [
            self.i.valid.eq(assembler.o.valid),
            assembler.o.ready.eq(self.i.ready),
            self.within.eq(assembler.within),
            self.completes.eq(assembler.completes),
            Value.cast(payload.x).eq(x),
            self.tag.set.eq(settings.set),
            self.tag.wanted.eq(is_last & ~broken),
        ]
        # Registers of their own: a mask of planes that read its own port would look like a loop to a simulator.
        offered = Signal(data.StructLayout({"bits": settings.bits.shape(), "signed": 1, "bank": bank.shape(),
                                            "accumulate": 1}))
        for field, value in ((offered.bits, settings.bits), (offered.signed, settings.signed), (offered.bank, bank),
                             (offered.accumulate, ~first)):
            # With the last beat; what is there until then does not matter.
            with m.If(assembler.s.ready):
                m.d.sync += field.eq(value)
        m.d.comb += [payload[name].eq(offered[name]) for name in ("bits", "signed", "bank", "accumulate")]
        self._find_planes(m, assembler, offered)
        self._count_skipped(m)
        return m

    def _hold_settings(self, m, assembler):
        """The settings of the arriving vector."""
        layout = vector_settings_layout(self.config)
        held = Signal(layout, reset_less=True)
        settings = Signal(layout)
        m.d.comb += settings.eq(Mux(assembler.within, held, self.vector_settings))
        with m.If(~assembler.within):
            m.d.sync += held.eq(self.vector_settings)
        return settings

    def _track_vector(self, m, assembler, is_faulty):
        """Whether a vector has begun, and whether it ends, faulty or not; a packet that is too long goes on."""
        begun = Signal()
        ended = Signal()
        m.d.comb += ended.eq(assembler.completes | is_faulty | self.flush & begun)
        with m.If(ended):
            m.d.sync += begun.eq(0)
        with m.Elif(assembler.taken):
            m.d.sync += begun.eq(1)
        return begun, ended

    def _track_accumulation(self, m, settings, begun, ended):
        """The bank of the arriving vector, and whether it is the first or last of its accumulation."""
        macro = self.config.macro
        following = Signal(range(macro.max_accumulations))
        position = Signal(range(macro.max_accumulations))
        next_bank = Signal(range(macro.banks))
        bank = Signal(range(macro.banks))
        late = Signal()
        own = begun & ~self.no_accumulate
        first, is_last = position == 0, position + 1 == settings.accumulate_count
        m.d.comb += [
            position.eq(Mux(self.no_accumulate | self.restart & ~own, 0, following)),
            bank.eq(Mux(first, settings.bank, next_bank)),
        ]
        with m.If(ended & ~self.no_accumulate):
            m.d.sync += [following.eq(Mux(is_last | late | self.restart & own, 0, position + 1)), late.eq(0),
                         next_bank.eq(Mux(bank == macro.banks - 1, 0, bank + 1))]
        with m.Elif(self.restart):
            # The vector that has begun still belongs to the accumulation before.
            m.d.sync += [following.eq(Mux(own, following, 0)), late.eq(own)]
        return bank, first, is_last

    def _track_faults(self, m, is_faulty, first, is_last, ended):
        """Whether an earlier vector of the same accumulation was faulty."""
        broken = Signal()
        spoilt = Signal()
        m.d.comb += broken.eq(spoilt & ~first)
        with m.If(self.no_accumulate):
            m.d.sync += spoilt.eq(1)
        with m.Elif(ended):
            m.d.sync += spoilt.eq((broken | is_faulty | self.flush) & ~is_last)
        return broken

    def _find_planes(self, m, assembler, offered):
        """Find, beat by beat, the planes that differ from zero, and those that differ from the one above.

        A plane of an unsigned vector counts if it is not zero, one of a signed vector if the one below differs from it.
        """
        config, bits = self.config, self.config.macro.input_bits
        beat, payload = assembler.s.payload, self.i.payload
        width = 8 * config.input_bytes
        elements = [beat.data[first:first + bits] for first in range(0, config.input_stream_bits, width)]
        # Elements of the last beat beyond the vector are ignored.
        beyond = -config.vector_bytes % (config.input_stream_bits // 8) // config.input_bytes
        inside = [1 if index < len(elements) - beyond else ~assembler.final for index in range(len(elements))]
        nonzero, unlike = (Signal(bits, name=name, reset_less=True) for name in ("nonzero", "unlike"))
        for plane in range(1, bits):
            for seen, index, found in (
                    (nonzero, plane, [element[plane] for element in elements]),
                    (unlike, plane - 1, [element[plane - 1] ^ element[plane] for element in elements])):
                any_found = Signal(name=f"{seen.name}_{index}_found")
                m.d.comb += any_found.eq(Cat(one & counts for one, counts in zip(found, inside)).any())
                with m.If(assembler.s.valid & assembler.s.ready):
                    m.d.sync += seen[index].eq(assembler.within & seen[index] | any_found)
            m.d.comb += payload.plane_mask[plane].eq(
                Mux(offered.signed, unlike[plane - 1], nonzero[plane]) & (offered.bits > plane))

    def _count_skipped(self, m):
        """Count the planes that the macro skips, from registers."""
        bits, payload = self.config.macro.input_bits, self.i.payload
        offered_mask = Signal(bits, reset_less=True)
        highest = Signal.like(self.skipped, name="highest", reset_less=True)
        m.d.sync += [offered_mask.eq(payload.plane_mask), highest.eq(payload.bits - 1)]
        m.d.comb += self.skipped.eq(highest)
        for plane in range(1, bits):
            with m.If(offered_mask[plane]):
                m.d.comb += self.skipped.eq(highest - plane)
