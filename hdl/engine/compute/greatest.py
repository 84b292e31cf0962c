"""Greatest: the number of the greatest of some bytes that follow one another, the first of several."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..control.delays import delayed, fits
from ..control.descriptor import ADDRESS_BITS
from ..memory.activation_memory import ActivationMemory
from ..memory.bounds import least_of, used_layout


class Greatest(wiring.Component):
    """Reads a word of ``lanes`` bytes in each cycle.

    Latency: from ``go`` a cycle for each word, and at most `ARGMAX_LATENCY` of the golden executor.

    Parameters
    ----------
    lanes : int

    Members
    -------
    go : ``In(1)``
        For a cycle: begin in the next.
    source : ``In(ADDRESS_BITS)``
        Address of the first byte.
    depth : ``In(16)``
        How many.
    reads : ``Out(1)``
        A read.
    last : ``Out(1)``
        The last.
    address : ``Out(ADDRESS_BITS)``
        Of its first byte.
    used : ``Out(used_layout)``
        Which bytes are used, a cycle after the address.
    stop : ``In(1)``
        Nothing is read.
    data : ``In(8 * lanes)``
        The bytes.
    number : ``Out(16)``
        Of the greatest.
    """

    def __init__(self, *, lanes):
        self.lanes = lanes
        super().__init__({
            "go": In(1), "source": In(ADDRESS_BITS), "depth": In(16), "reads": Out(1), "last": Out(1),
            "address": Out(ADDRESS_BITS), "used": Out(used_layout(lanes)), "stop": In(1), "data": In(8 * lanes),
            "number": Out(16),
        })

    def elaborate(self, platform):
        m = Module()
        left, number = Signal(16), Signal(16)
        m.d.comb += [self.reads.eq(left != 0), self.last.eq(self.reads & fits(left, self.lanes))]
        with m.If(self.go):
            m.d.sync += [left.eq(self.depth), self.address.eq(self.source), number.eq(0)]
        with m.Elif(self.stop):
            m.d.sync += left.eq(0)
        with m.Elif(self.reads):
            m.d.sync += [left.eq(Mux(self.last, 0, left - self.lanes)), self.address.eq(self.address + self.lanes),
                         number.eq(number + self.lanes)]
        m.d.sync += self.used.end.eq(least_of(m, "count", left, self.lanes))
        late = ActivationMemory.READ
        count = delayed(m, "count", least_of(m, "read_count", left, self.lanes), late, reset=True)
        candidate = data.StructLayout({"valid": 1, "value": signed(8), "lane": range(self.lanes)})
        candidates = []
        for lane in range(self.lanes):
            one = Signal(candidate, name=f"lane_{lane}")
            m.d.comb += [one.valid.eq(count > lane), one.value.eq(self.data[8 * lane:8 * lane + 8]), one.lane.eq(lane)]
            candidates.append(one)
        level = 0
        while len(candidates) > 1:
            level, winners = level + 1, []
            for index in range(0, len(candidates), 2):
                low, high = candidates[index:index + 2]
                one = Signal(candidate, name=f"winner_{level}_{index // 2}", reset_less=True)
                # Those of a word that are used are its first ones.
                m.d.sync += one.eq(Mux(high.valid & (high.value > low.value), high, low))
                winners.append(one)
            candidates = winners
        (found,), best = candidates, Signal(candidate)
        first = delayed(m, "first", number, late + level)
        with m.If(self.go):
            m.d.sync += best.valid.eq(0)
        with m.Elif(found.valid & (~best.valid | (found.value > best.value))):
            m.d.sync += [best.eq(found), self.number.eq(first + found.lane)]
        return m
