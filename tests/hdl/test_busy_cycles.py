# amaranth: UnusedElaboratable=no
"""The counter of the cycles that vectors take."""

import pytest
from bitline.hdl.uart_bridge.busy_cycles import BusyCycles
from gateware import simulate


@pytest.mark.parametrize("start", [0, 0xFFF0, 0xFFFF, 0x1FFFE, 0xFFFFFFF8])
def test_every_cycle_of_a_vector_counts_once(start):
    """From its acceptance to its result, both included, also where the lower half overflows; and then nothing."""
    dut = BusyCycles()

    async def testbench(ctx):
        ctx.set(dut.cycles, start)
        total = start
        for cycles in (2, 3, 5, 8, 16, 17):
            ctx.set(dut.accepted, 1)
            await ctx.tick()
            ctx.set(dut.accepted, 0)
            for _ in range(cycles - 2):
                assert not ctx.get(dut.counted)
                await ctx.tick()
            ctx.set(dut.valid, 1)
            total = (total + cycles) % 2**32
            waited = 0
            while not ctx.get(dut.counted):
                waited += 1
                await ctx.tick()
            assert 2 <= waited <= 3
            for _ in range(5):
                assert ctx.get(dut.counted) and ctx.get(dut.cycles) == total
                await ctx.tick()
            ctx.set(dut.valid, 0)
            await ctx.tick()
            assert not ctx.get(dut.counted)

    simulate(dut, testbench)
