# amaranth: UnusedElaboratable=no
"""Cycles that a row of weights takes, with and without a checksum, and parameters of a column, which may wait."""

import math
from itertools import pairwise

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.core import PARAMETER_BYTES
from bitline.hdl.core.checksum import RowChecksum
from bitline.hdl.core.weight_loader import Loader
from gateware import simulate


class Loading(wiring.Component):
    """A loader, and what adds the checksum to its rows if there is one."""

    def __init__(self, config):
        self.loader, self.rows = Loader(config=config), RowChecksum(config=config) if config.checksum else None
        super().__init__({"written": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.loader = loader = self.loader
        last = loader.write
        if self.rows:
            m.submodules.rows = rows = self.rows
            wiring.connect(m, loader.write, rows.i)
            m.d.comb += rows.pending.eq(loader.offered)
            last = rows.o
        m.d.comb += [last.ready.eq(1), self.written.eq(last.valid)]
        return m


def cycles_of_a_row(config):
    """Between two rows of a stream that never pauses."""
    dut, seen = Loading(config), []

    async def testbench(ctx):
        ctx.set(dut.loader.s.payload.keep, -1)
        ctx.set(dut.loader.s.valid, 1)
        for cycle in range(60):
            if ctx.get(dut.written):
                seen.append(cycle)
            await ctx.tick()

    simulate(dut, testbench)
    (cycles,) = {after - before for before, after in pairwise(seen)}
    return cycles


@pytest.mark.parametrize("columns", [1, 2, 4, 5, 16, 17, 64])
def test_a_row_takes_as_many_cycles_as_the_documents_say(columns):
    macro = MacroConfig(rows=64, columns=columns, weight_bits=8)
    plain, checked = (cycles_of_a_row(CoreConfig(macro=macro, checksum=checksum)) for checksum in (False, True))
    assert plain == 1 + -(-columns // 8)
    assert checked == plain + math.ceil(math.ceil(math.log2(columns)) / 2)


@pytest.mark.parametrize("bits", [32, 64, 128])
def test_parameters_take_a_cycle_more_than_their_beats_and_wait_for_their_set(bits):
    config = CoreConfig(macro=MacroConfig(rows=2, columns=20), weight_stream_bits=bits)
    loader, seen, used, free = Loader(config=config), [], 30, 50

    async def testbench(ctx):
        ctx.set(loader.target.parameters, 1)
        ctx.set(loader.target.set, 1)
        ctx.set(loader.s.payload.keep, -1)
        ctx.set(loader.s.valid, 1)
        for cycle in range(80):
            # The other set does not matter.
            ctx.set(loader.set_used, 0b11 if used <= cycle < free else 0b01)
            if ctx.get(loader.parameters.enable):
                seen.append(cycle)
            await ctx.tick()

    simulate(loader, testbench)
    cycles = 1 + PARAMETER_BYTES * 8 // bits
    before, after = ([cycle for cycle in seen if is_on(cycle)] for is_on in (
        lambda cycle: cycle <= used, lambda cycle: cycle > used))
    assert {later - cycle for cycle, later in pairwise(before)} == {cycles} == {
        later - cycle for cycle, later in pairwise(after)}
    # A cycle later, as the set is looked at in a register.
    assert after[0] == free + 1
