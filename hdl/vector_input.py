"""Vector input: vectors of an AXI4-Stream into the macro, and what is to become of their results."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .assembler import RecordAssembler
from .core_config import SETS
from .packer import beat_layout
from .ports import input_layout
from .requantizer import fate_layout

FAULTS = ("null", "short", "long")


def orders_layout(config):
    """How the vectors that come are to be computed; their chains: how many add up."""
    macro = config.macro
    return data.StructLayout({"bits": range(macro.input_bits + 1), "signed": 1, "bank": range(macro.banks),
                              "set": range(SETS), "chain": range(macro.tiles + 1)})


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
        The next vector is the first of a chain.
    within : ``Out(1)``
        A vector has begun and not ended.
    i : ``Out(stream)``
        Of the macro.
    fate : ``Out(fate_layout)``
        Of the vector at ``i``.
    skipped : ``Out(range(input_bits))``
        Planes of it that cannot change its result, which the macro leaves out.
    null, short, long : ``Out(1)``
        For a cycle: see `RecordAssembler`.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "s": In(stream.Signature(beat_layout(config.input_stream_bits))),
            "orders": In(orders_layout(config)), "restart": In(1), "within": Out(1),
            "i": Out(stream.Signature(input_layout(config.macro))), "fate": Out(fate_layout()),
            "skipped": Out(range(config.macro.input_bits)), **{name: Out(1) for name in FAULTS},
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        m.submodules.assembler = assembler = RecordAssembler(
            bits=config.input_stream_bits, lengths=[config.vector_bytes], many=False)
        wiring.connect(m, wiring.flipped(self.s), assembler.s)
        orders = self._hold_orders(m, assembler)
        position, bank, first = self._follow_chain(m, assembler, orders)
        is_last = position + 1 == orders.chain
        broken = self._follow_faults(m, assembler, is_last)
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
        self._count_planes(m, assembler, orders)
        return m

    def _hold_orders(self, m, assembler):
        """The orders of the vector that is coming."""
        held, orders = Signal(orders_layout(self.config), reset_less=True), Signal(orders_layout(self.config))
        m.d.comb += orders.eq(Mux(assembler.within, held, self.orders))
        with m.If(~assembler.within):
            m.d.sync += held.eq(self.orders)
        return orders

    def _ended(self, assembler):
        """A vector is done with, for better or worse."""
        good = self.i.valid & self.i.ready
        return good | Cat(getattr(assembler, name) for name in FAULTS).any()

    def _follow_chain(self, m, assembler, orders):
        """The place in its chain of the vector that is coming, its bank, and whether it is the first."""
        macro = self.config.macro
        position, next_bank, bank = Signal(range(macro.tiles)), Signal(range(macro.banks)), Signal(range(macro.banks))
        first = position == 0
        m.d.comb += bank.eq(Mux(first, orders.bank, next_bank))
        with m.If(self._ended(assembler)):
            m.d.sync += [position.eq(Mux(position + 1 == orders.chain, 0, position + 1)),
                         next_bank.eq(Mux(bank == macro.banks - 1, 0, bank + 1))]
        with m.If(self.restart):
            m.d.sync += position.eq(0)
        return position, bank, first

    def _follow_faults(self, m, assembler, is_last):
        """Whether a vector before, of the same chain, was faulty."""
        broken, fault = Signal(), Cat(getattr(assembler, name) for name in FAULTS).any()
        m.d.comb += [getattr(self, name).eq(getattr(assembler, name)) for name in FAULTS]
        with m.If(self._ended(assembler)):
            m.d.sync += broken.eq((broken | fault) & ~is_last)
        with m.If(self.restart):
            m.d.sync += broken.eq(0)
        return broken

    def _count_planes(self, m, assembler, orders):
        """Beat by beat, which planes differ from the one above if the vector is signed, or from zero."""
        config, bits = self.config, self.config.macro.input_bits
        width = 8 * config.input_bytes
        beat = assembler.s.payload
        elements = [beat.data[first:first + bits] for first in range(0, config.input_stream_bits, width)]
        # What the last beat has beyond the vector does not count.
        used = -(-config.vector_bytes % (config.input_stream_bits // 8)) // config.input_bytes
        inside = [1 if index < len(elements) - used else ~assembler.o.valid for index in range(len(elements))]
        seen, found = Signal(bits), Signal(bits)
        for plane in range(bits):
            above = [element[plane + 1] & orders.signed if plane + 1 < bits else 0 for element in elements]
            m.d.comb += found[plane].eq(Cat(
                (element[plane] ^ other) & counts for element, other, counts in zip(elements, above, inside)).any())
        with m.If(self._ended(assembler)):
            m.d.sync += seen.eq(0)
        with m.Elif(assembler.taken):
            m.d.sync += seen.eq(seen | found)
        # The highest plane that counts is the sign's, which differs from nothing.
        differs = (seen | found) << orders.signed
        m.d.comb += self.skipped.eq(orders.bits - 1)
        for plane in range(1, bits):
            with m.If(differs[plane] & (orders.bits > plane)):
                m.d.comb += self.skipped.eq(orders.bits - 1 - plane)
