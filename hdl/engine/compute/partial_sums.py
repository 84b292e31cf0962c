"""Partial sums: results of one tile are added to those of the tiles before it."""

from amaranth.hdl import Cat, Const, Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...fabric.adder import Addition, Operand, add
from ...fabric.emitter import Platform
from ...fabric.memory import BlockRam
from ...fabric.mux import instantiate_choice
from ..control.delays import delayed

# Cycles between the read of a sum and the first read that sees what it becomes.
FORWARDED = 3


class PartialSums(wiring.Component):
    """A memory of sums of ``lanes`` columns, and an adder for each lane; a sum may be wanted in the cycle after it.

    Latency: `LATENCY` cycles from ``valid`` to ``sums``.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    number : ``In(range(sum_slots))``
        Of the sums that are wanted in the next cycle.
    valid : ``In(1)``
        Add; a cycle after the number.
    begins : ``In(1)``
        The totals are the sums.
    totals : ``In(ArrayLayout(signed(total_width), lanes))``
        What is added.
    sums : ``Out(ArrayLayout(signed(sum_bits), lanes))``
        The sums, which wrap.
    """

    LATENCY = 2

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "number": In(range(config.sum_slots)), "valid": In(1), "begins": In(1),
            "totals": In(data.ArrayLayout(signed(config.macro.total_width), config.lanes)),
            "sums": Out(data.ArrayLayout(signed(config.sum_bits), config.lanes)),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        platform = Platform.of(platform)
        memory = platform.instantiate(m, "sums_memory", "sums", BlockRam,
                                      width=config.lanes * config.sum_bits, depth=config.sum_slots)
        totals = delayed(m, "given", self.totals, 1)
        # Of this addition and of those before it, which the memory does not show yet.
        valid = [delayed(m, f"valid_{age}", self.valid, 1 + age, reset=True) for age in range(FORWARDED + 1)]
        numbers = [delayed(m, "number", self.number, cycles) for cycles in (1,)]
        for age in range(FORWARDED + 1):
            numbers.append(delayed(m, f"number_after_{age}", numbers[-1], 1))
        # What the addition takes in place of the memory's word: nothing, or the result, counted from 1, of the last
        # before it that has the same number.
        last, is_kept = Signal(range(FORWARDED + 1), reset_less=True), Signal(reset_less=True)
        m.d.sync += [last.eq(0), is_kept.eq(~self.begins)]
        for age in reversed(range(FORWARDED)):
            with m.If(~self.begins & (numbers[0] == numbers[1 + age]) & valid[age]):
                m.d.sync += [last.eq(1 + age), is_kept.eq(0)]
        results = [Signal(config.lanes * config.sum_bits, name=f"result_{age}", reset_less=True)
                   for age in range(FORWARDED)]
        forwarded = instantiate_choice(m, platform, "forwarded", [Const(0, len(results[0])), *results], last)
        added = []
        for lane in range(config.lanes):
            kept, other = (value.word_select(lane, config.sum_bits).as_signed() for value in (memory.data, forwarded))
            (total,) = add(m, platform, f"add_{lane}", [Addition(
                Operand(totals[lane]), Operand(kept, "select", is_kept, other), config.sum_bits)])
            added.append(total)
        sums = Cat(added)
        m.d.sync += [result.eq(value) for result, value in zip(results, [sums, *results])]
        m.d.comb += [
            memory.enable.eq(1), memory.address.eq(self.number), memory.write.eq(valid[1]),
            memory.write_address.eq(numbers[2]), memory.write_data.eq(results[0]),
            self.sums.eq(results[0]),
        ]
        return m
