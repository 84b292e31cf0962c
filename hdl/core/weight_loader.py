"""Loader: rows of weights, and columns' requantization parameters, from a stream or word by word."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..axi.axi_stream import beat_layout
from ..config.core import PARAMETER_BYTES, SETS
from ..fabric.emitter import Platform
from ..macro.ports import write_layout
from .packet_assembler import FAULTS, PacketAssembler
from .requantizer import parameter_write
from .requantizer_lane import PARAMETERS

WORD_BITS = 32


def target_layout(config):
    """Where a packet comes from and goes: to parameters of a set or weights of a bank, from a column or row on."""
    macro = config.macro
    return data.StructLayout({"parameters": 1, "words": 1, "bank": range(macro.banks), "set": range(SETS),
                              "first": range(max(macro.rows, macro.columns))})


class Loader(wiring.Component):
    """Stores the items of packets in consecutive rows or columns; each packet starts at ``target.first``.

    A row of weights waits while a vector in flight uses its bank, a column's parameters while one uses their set.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    s : ``In(stream)``
        `beat_layout`; not accepted while ``target.words``. With a DMA, a beat of which no byte is kept ends a packet
        that is cut off, and is accepted though others would have to wait.
    word : ``In(32)``
        32 bits of a beat, the lowest first.
    word_valid : ``In(1)``
        ``word`` is valid; only while ``word_ready``.
    word_ready : ``Out(1)``
        A word is accepted: ``target.words``, and nothing waits, so that whoever sees it knows that rows are stored.
    target : ``In(target_layout)``
        It must not change while ``within`` or ``pending``, except with ``restart``.
    restart : ``In(1)``
        ``target`` has changed: discard what is not stored, and start at ``first``.
    within : ``Out(1)``
        A packet has begun and not ended.
    pending : ``Out(1)``
        A beat, a row, or a column's parameters was accepted and waits.
    offered : ``Out(1)``
        A row, or a column's parameters, waits to be stored.
    held : ``In(1)``
        A row must wait, beside what ``write.ready`` says.
    locked : ``In(1)``
        Refuse all packets and words.
    set_used : ``In(SETS)``
        Sets that vectors in flight use.
    write : ``Out(stream)``
        Of the macro.
    parameters : ``Out(parameter_write)``
        To the requantizer; none if results are raw.
    index : ``Out(range(max(rows, columns) + 1))``
        The next row or column.
    loaded : ``Out(1)``
        For a cycle: a packet has been stored to its end.
    refused : ``Out(1)``
        For a cycle: a packet was refused.
    faults : ``Out(FAULTS)``
        Of a packet.
    """

    def __init__(self, *, config):
        self.config = config
        members = {
            "s": In(stream.Signature(beat_layout(config.weight_stream_bits))),
            "word": In(WORD_BITS), "word_valid": In(1), "word_ready": Out(1),
            "target": In(target_layout(config)), "restart": In(1), "within": Out(1), "pending": Out(1),
            "offered": Out(1), "held": In(1), "locked": In(1),
            "set_used": In(SETS), "write": Out(stream.Signature(write_layout(config.macro))),
            "index": Out(range(max(config.macro.rows, config.macro.columns) + 1)), "loaded": Out(1),
            "refused": Out(1), "faults": Out(FAULTS),
        }
        if config.requantizes:
            members["parameters"] = Out(parameter_write(config))
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        config, target = self.config, self.target
        lengths = [config.row_bytes, PARAMETER_BYTES] if config.requantizes else [config.row_bytes]
        assembler = Platform.of(platform).instantiate(m, "assembler", "loader_assembler", PacketAssembler,
                                                      bits=config.weight_stream_bits, lengths=lengths, many=True)
        self._choose_source(m, assembler)
        count = Mux(target.parameters, config.macro.columns, config.macro.rows)
        stored = Signal()
        m.d.comb += [
            stored.eq(assembler.o.valid & assembler.o.ready),
            assembler.kind.eq(target.parameters),
            assembler.refuse.eq(self.locked),
            assembler.full.eq(self.index >= count),
            assembler.restart.eq(self.restart),
            assembler.withdraw.eq(self.restart),
            self.offered.eq(assembler.pending),
            self.refused.eq(assembler.refused),
            self.loaded.eq(stored & assembler.o.payload.last),
        ]
        wiring.connect(m, assembler.faults, wiring.flipped(self.faults))
        with m.If(self.restart | self._ends(m, assembler)):
            m.d.sync += self.index.eq(target.first)
        with m.Elif(stored):
            m.d.sync += self.index.eq(self.index + 1)
        self._store(m, assembler)
        return m

    def _ends(self, m, assembler):
        """Whether nothing is left of a packet: its last item is stored or refused, or its last beat belongs to none."""
        leaves = Signal()
        fails = Signal()
        last = assembler.o.payload.last
        m.d.comb += [
            leaves.eq(assembler.pending & (assembler.o.ready | self.locked)),
            fails.eq(assembler.s.valid & assembler.s.ready & assembler.s.payload.last & ~assembler.completes),
        ]
        return fails | leaves & last

    def _choose_source(self, m, assembler):
        """Beats of the stream, or assembled from words, in a register before the assembler."""
        bits, chosen = self.config.weight_stream_bits, self.target.words
        parts = bits // WORD_BITS
        gathered = [Signal(WORD_BITS, name=f"gathered_{index}", reset_less=True) for index in range(parts)]
        beat, given = self.s.payload, assembler.s.payload
        position = Signal(range(parts))
        full = Signal()
        valid = Signal()
        has_room = Signal()
        # The end of a packet that is cut off was accepted, and waits for the beat before it.
        cut = Signal(name="cut") if self.config.dma else Const(0, 1)
        passes = ~beat.keep.any() & ~cut if self.config.dma else 0
        m.d.comb += [
            assembler.s.valid.eq(valid),
            has_room.eq(~valid | assembler.s.ready),
            self.s.ready.eq(~chosen & (has_room & ~cut | passes)),
            self.word_ready.eq(chosen & ~full & ~self.pending),
            self.pending.eq(valid | assembler.pending),
        ]
        with m.If(has_room):
            m.d.sync += [
                valid.eq(Mux(chosen, full, self.s.valid | cut)),
                given.data.eq(Mux(chosen, Cat(gathered), beat.data)),
                given.keep.eq(Mux(chosen, Const(-1, bits // 8), Mux(cut, 0, beat.keep))),
                given.last.eq(~chosen & (beat.last | cut)),
            ]
        if self.config.dma:
            m.d.sync += cut.eq((cut | self.s.valid & self.s.ready) & ~has_room & ~self.restart)
        with m.If(self.s.valid & self.s.ready):
            m.d.sync += self.within.eq(~beat.last)
        with m.If(self.word_valid):
            m.d.sync += [position.eq(position + 1), full.eq(position == parts - 1)]
            for index, register in enumerate(gathered):
                with m.If(position == index):
                    m.d.sync += register.eq(self.word)
        with m.Elif(full & has_room):
            m.d.sync += full.eq(0)
        with m.If(self.restart):
            m.d.sync += [position.eq(0), full.eq(0), valid.eq(0), self.within.eq(0)]

    def _store(self, m, assembler):
        config, target, payload = self.config, self.target, self.write.payload
        item = assembler.o.payload.data
        elements = data.View(data.ArrayLayout(unsigned(8 * config.weight_bytes), config.macro.columns),
                             item[:8 * config.row_bytes])
        weights = Cat(elements[column][:config.macro.weight_bits] for column in range(config.macro.columns))
        m.d.comb += [
            self.write.valid.eq(assembler.o.valid & ~target.parameters & ~self.held),
            payload.bank.eq(target.bank),
            payload.row.eq(self.index),
            Value.cast(payload.weights).eq(weights),
            assembler.o.ready.eq(self.write.ready & ~self.held),
        ]
        if not config.requantizes:
            return
        words = data.View(data.ArrayLayout(unsigned(WORD_BITS), PARAMETER_BYTES // 4),
                          assembler.o.payload.others["1"][:8 * PARAMETER_BYTES])
        # Registers, here and in ``set_used``, as paths are long. A vector that arrives in one of the three cycles
        # before parameters are stored uses them, as one that arrives with them does: its totals come after the write,
        # which is of a whole column at once.
        is_free = Signal()
        m.d.sync += is_free.eq(~self.set_used.bit_select(target.set, 1))
        with m.If(target.parameters):
            m.d.comb += assembler.o.ready.eq(is_free)
        parameters = self.parameters.payload
        m.d.comb += [
            self.parameters.enable.eq(assembler.o.valid & target.parameters & is_free),
            parameters.set.eq(target.set),
            parameters.column.eq(self.index),
        ]
        m.d.comb += [Value.cast(parameters.parameters[name]).eq(words[index])
                     for index, (name, _) in enumerate(PARAMETERS)]
