"""Vector input: vectors of an AXI4-Stream into the macro, and what is to become of their results."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config.core import SETS
from ..macro.ports import input_layout
from .packet_assembler import FAULTS, RecordAssembler
from .requantizer import fate_layout
from .result_packer import beat_layout


def orders_layout(config):
    """How the vectors that come are to be computed; their chains: how many add up."""
    macro = config.macro
    return data.StructLayout({"bits": range(macro.input_bits + 1), "signed": 1, "bank": range(macro.banks),
                              "set": range(SETS), "chain": range(macro.max_accumulations + 1)})


class VectorInput(wiring.Component):
    """Hands vectors to the macro, each when its last beat comes.

    A chain is ``chain`` vectors whose results are added up, each with the bank after that of the one before. Only its
    last vector's totals are wanted; and none of them, if a vector of it was faulty.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    s : ``In(stream)``
        `beat_layout`.
    orders : ``In(orders_layout)``
        Taken with the first beat of a vector.
    restart : ``In(1)``
        The next vector that begins is the first of a chain.
    alone : ``In(1)``
        The vectors that come are chains of their own, and a chain that has begun before gives no totals.
    cut : ``In(1)``
        Throw away what has come of a vector; the next beat is a vector's first.
    within : ``Out(1)``
        A vector has begun and not ended.
    i : ``Out(stream)``
        Of the macro, which is told which planes matter.
    fate : ``Out(fate_layout)``
        Of the vector at ``i``.
    skipped : ``Out(range(input_bits))``
        Planes of it that cannot change its result, which the macro leaves out.
    faults : ``Out(FAULTS)``
        Of the vector.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "s": In(stream.Signature(beat_layout(config.input_stream_bits))),
            "orders": In(orders_layout(config)), "restart": In(1), "alone": In(1), "cut": In(1), "within": Out(1),
            "i": Out(stream.Signature(input_layout(config.macro, told=True))), "fate": Out(fate_layout()),
            "skipped": Out(range(config.macro.input_bits)), "faults": Out(FAULTS),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.assembler = assembler = RecordAssembler(
            bits=config.input_stream_bits, lengths=[config.vector_bytes], many=False)
        wiring.connect(m, wiring.flipped(self.s), assembler.s)
        wiring.connect(m, assembler.faults, wiring.flipped(self.faults))
        m.d.comb += assembler.restart.eq(self.cut)
        is_faulty = Cat(assembler.faults.null, assembler.faults.short, assembler.faults.long).any()
        orders = self._hold_orders(m, assembler)
        begun, ended = self._follow_vector(m, assembler.taken, is_faulty)
        bank, first, is_last = self._follow_chain(m, orders, begun, ended)
        broken = self._follow_faults(m, is_faulty, first, is_last, ended)
        elements = data.View(data.ArrayLayout(unsigned(8 * config.input_bytes), config.macro.rows),
                             assembler.o.payload.data[:8 * config.vector_bytes])
        x = Cat(elements[row][:config.macro.input_bits] for row in range(config.macro.rows))
        payload = self.i.payload
        m.d.comb += [
            self.i.valid.eq(assembler.o.valid),
            assembler.o.ready.eq(self.i.ready),
            self.within.eq(assembler.within),
            Value.cast(payload.x).eq(x),
            payload.bits.eq(orders.bits),
            payload.signed.eq(orders.signed),
            payload.bank.eq(bank),
            payload.accumulate.eq(~first),
            self.fate.set.eq(orders.set),
            self.fate.wanted.eq(is_last & ~broken),
        ]
        self._count_planes(m, assembler, orders, ended)
        return m

    def _hold_orders(self, m, assembler):
        """The orders of the vector that is coming."""
        held, orders = Signal(orders_layout(self.config), reset_less=True), Signal(orders_layout(self.config))
        m.d.comb += orders.eq(Mux(assembler.within, held, self.orders))
        with m.If(~assembler.within):
            m.d.sync += held.eq(self.orders)
        return orders

    def _follow_vector(self, m, taken, is_faulty):
        """Whether a vector has begun, and whether it ends, for better or worse; a packet that is too long goes on."""
        begun, ended = Signal(), Signal()
        m.d.comb += ended.eq(self.i.valid & self.i.ready | is_faulty | self.cut & begun)
        with m.If(ended):
            m.d.sync += begun.eq(0)
        with m.Elif(taken):
            m.d.sync += begun.eq(1)
        return begun, ended

    def _follow_chain(self, m, orders, begun, ended):
        """The bank of the vector that is coming, and whether it is the first or last of its chain."""
        macro = self.config.macro
        following, position = Signal(range(macro.max_accumulations)), Signal(range(macro.max_accumulations))
        next_bank, bank = Signal(range(macro.banks)), Signal(range(macro.banks))
        late = Signal()
        own = begun & ~self.alone
        first, is_last = position == 0, position + 1 == orders.chain
        m.d.comb += [
            position.eq(Mux(self.alone | self.restart & ~own, 0, following)),
            bank.eq(Mux(first, orders.bank, next_bank)),
        ]
        with m.If(ended & ~self.alone):
            m.d.sync += [following.eq(Mux(is_last | late | self.restart & own, 0, position + 1)), late.eq(0),
                         next_bank.eq(Mux(bank == macro.banks - 1, 0, bank + 1))]
        with m.Elif(self.restart):
            # The vector that has begun is still of the chain before.
            m.d.sync += [following.eq(Mux(own, following, 0)), late.eq(own)]
        return bank, first, is_last

    def _follow_faults(self, m, is_faulty, first, is_last, ended):
        """Whether a vector before, of the same chain, was faulty."""
        broken = Signal()
        spoilt = Signal()
        m.d.comb += broken.eq(spoilt & ~first)
        with m.If(self.alone):
            m.d.sync += spoilt.eq(1)
        with m.Elif(ended):
            m.d.sync += spoilt.eq((broken | is_faulty | self.cut) & ~is_last)
        return broken

    def _count_planes(self, m, assembler, orders, ended):
        """Beat by beat, which planes differ from the one above if the vector is signed, or from zero."""
        config, bits = self.config, self.config.macro.input_bits
        width = 8 * config.input_bytes
        beat = assembler.s.payload
        elements = [beat.data[first:first + bits] for first in range(0, config.input_stream_bits, width)]
        # What the last beat has beyond the vector does not count.
        beyond = -config.vector_bytes % (config.input_stream_bits // 8) // config.input_bytes
        inside = [1 if index < len(elements) - beyond else ~assembler.o.valid for index in range(len(elements))]
        seen, found = Signal(bits), Signal(bits)
        for plane in range(bits):
            above = [element[plane + 1] & orders.signed if plane + 1 < bits else 0 for element in elements]
            m.d.comb += found[plane].eq(Cat(
                (element[plane] ^ other) & counts for element, other, counts in zip(elements, above, inside)).any())
        with m.If(ended):
            m.d.sync += seen.eq(0)
        with m.Elif(assembler.taken):
            m.d.sync += seen.eq(seen | found)
        # The highest plane that counts is the sign's, which differs from nothing.
        differs = (seen | found) << orders.signed
        m.d.comb += self.skipped.eq(orders.bits - 1)
        matters = self.i.payload.matters
        for plane in range(1, bits):
            m.d.comb += matters[plane].eq(differs[plane] & (orders.bits > plane))
            with m.If(matters[plane]):
                m.d.comb += self.skipped.eq(orders.bits - 1 - plane)
