# amaranth: UnusedElaboratable=no
"""The row reader against a memory that stalls: rows of any length, at any address."""

import random

import pytest
from bitline.hdl.axi.row_reader import RowReader
from gateware import simulate

BLOCK = 4096


def bursts_of(address, beats, size):
    """Address and beats of the bursts of a row: none goes beyond 16 beats, or across a block of so many."""
    found = []
    while beats:
        count = min(beats, 16 - address // size % 16)
        found.append((address, count))
        address, beats = address + count * size, beats - count
    return found


@pytest.mark.parametrize("base", [0, BLOCK - 64, (1 << 32) - 128], ids=hex)
@pytest.mark.parametrize("bits, row_beats", [(8, 1), (8, 16), (8, 64), (32, 17), (512, 1), (512, 3)])
def test_rows_are_read_by_bursts(bits, row_beats, base):
    size, rng = bits // 8, random.Random(row_beats)
    dut = RowReader(bits=bits, address_bits=64, row_bits=16, row_beats=row_beats)
    rows = [(rng.randrange(40), rng.randrange(2)) for _ in range(20)]
    wanted = [(tag, *burst) for row, tag in rows
              for burst in bursts_of(base // size * size + row * row_beats * size, row_beats, size)]
    asked, answered, seen = [], [], []

    async def testbench(ctx):
        port, left, waiting = dut.m_axi, list(rows), None
        ctx.set(dut.base, base)
        while len(answered) < len(rows) * row_beats:
            ctx.set(dut.request_valid, bool(left) and rng.random() < 0.7)
            if left:
                ctx.set(dut.request_row, left[0][0])
                ctx.set(dut.request_tag, left[0][1])
            ctx.set(port.arready, rng.random() < 0.5)
            comes = bool(asked) and rng.random() < 0.7
            ctx.set(port.rvalid, comes)
            if comes:
                address, tag = asked.pop(0)
                ctx.set(port.rdata, address % (1 << bits))
                ctx.set(port.rid, tag)
                answered.append((address, tag))
                assert ctx.get(dut.answer_valid & port.rready) and ctx.get(dut.answer_tag) == tag
                assert ctx.get(dut.answer_data) == address % (1 << bits)
            request = tuple(ctx.get(getattr(port, name)) for name in ("arid", "araddr", "arlen"))
            # What is offered stays until it is accepted.
            assert waiting in (None, request if ctx.get(port.arvalid) else "withdrawn")
            waiting = None
            if ctx.get(port.arvalid):
                assert 1 << ctx.get(port.arsize) == size and ctx.get(port.arburst) == 1
                if ctx.get(port.arready):
                    tag, address, length = request
                    assert address // BLOCK == (address + (length + 1) * size - 1) // BLOCK
                    seen.append((tag, address, length + 1))
                    asked.extend((address + beat * size, tag) for beat in range(length + 1))
                else:
                    waiting = request
            if ctx.get(dut.request_valid & dut.request_ready):
                left.pop(0)
            await ctx.tick()

    simulate(dut, testbench)
    assert seen == wanted
