# amaranth: UnusedElaboratable=no
"""The row reader against a memory that stalls: rows of any length, at any address."""

import itertools
import random

import pytest
from bitline.hdl.axi.row_reader import RowReader
from gateware import simulate

BLOCK = 4096


class Memory:
    """Answers bursts in their order, a beat with its address; asserts that a request stays until it is accepted."""

    def __init__(self, dut, rng, *, accepts):
        self.dut, self.rng, self.accepts = dut, rng, accepts
        self.asked, self.bursts, self.waiting = [], [], None

    def answer(self, ctx):
        """Before a cycle's edge: perhaps a beat, which is returned as address and tag."""
        port = self.dut.m_axi
        ctx.set(port.arready, self.accepts())
        comes = bool(self.asked) and self.rng.random() < 0.7
        ctx.set(port.rvalid, comes)
        if not comes:
            return []
        address, tag = self.asked.pop(0)
        ctx.set(port.rdata, address % (1 << len(port.rdata)))
        ctx.set(port.rid, tag)
        assert ctx.get(self.dut.answer_valid & port.rready) and ctx.get(self.dut.answer_tag) == tag
        assert ctx.get(self.dut.answer_data) == address % (1 << len(port.rdata))
        return [(address, tag)]

    def accept(self, ctx):
        """After that: a burst."""
        port, size = self.dut.m_axi, len(self.dut.m_axi.rdata) // 8
        request = tuple(ctx.get(getattr(port, name)) for name in ("arid", "araddr", "arlen"))
        assert self.waiting in (None, request if ctx.get(port.arvalid) else "withdrawn")
        self.waiting = None
        if not ctx.get(port.arvalid):
            return
        assert 1 << ctx.get(port.arsize) == size and ctx.get(port.arburst) == 1
        if not ctx.get(port.arready):
            self.waiting = request
            return
        tag, address, length = request
        assert length < 16 and address // BLOCK == (address + (length + 1) * size - 1) // BLOCK
        self.bursts.append((address, length + 1))
        self.asked.extend((address + beat * size, tag) for beat in range(length + 1))


def read(dut, rows, memory, base, gives):
    """Read rows, each with its tag; the beats as they came, each with its address and tag."""
    came = []

    async def testbench(ctx):
        left = list(rows)
        ctx.set(dut.base, base)
        while len(came) < len(rows) * dut.row_beats:
            ctx.set(dut.request_valid, bool(left) and gives())
            if left:
                ctx.set(dut.request_row, left[0][0])
                ctx.set(dut.request_tag, left[0][1])
            came.extend(memory.answer(ctx))
            memory.accept(ctx)
            if ctx.get(dut.request_valid & dut.request_ready):
                left.pop(0)
            await ctx.tick()

    simulate(dut, testbench)
    size = dut.bits // 8
    assert came == [(base // size * size + (row * dut.row_beats + beat) * size, tag)
                    for row, tag in rows for beat in range(dut.row_beats)]


@pytest.mark.parametrize("base", [0, BLOCK - 64, (1 << 32) - 128], ids=hex)
@pytest.mark.parametrize("bits, row_beats", [(8, 1), (8, 16), (8, 64), (32, 17), (512, 1), (512, 3)])
def test_rows_are_read_by_bursts(bits, row_beats, base):
    rng = random.Random(row_beats)
    dut = RowReader(bits=bits, address_bits=64, row_bits=4, row_beats=row_beats)
    # Some follow one another; the first does not follow the last, nor one of the other tag.
    rows = [(0, 0), (15, 0), (0, 0), (1, 0), (2, 1), (3, 1)]
    while len(rows) < 30:
        row, tag = rows[-1]
        rows.append(((row + 1) % 16, tag) if rng.random() < 0.6 else (rng.randrange(16), rng.randrange(2)))
    memory = Memory(dut, rng, accepts=lambda: rng.random() < 0.5)
    read(dut, rows, memory, base, gives=lambda: rng.random() < 0.7)


@pytest.mark.parametrize("row_beats, wanted", [(1, [1, 15, 16, 16, 16]), (3, [3, 13, *[16] * 11]), (16, [16] * 64)])
def test_rows_that_wait_are_read_together(row_beats, wanted):
    """A memory that accepts a burst in each 40 cycles gets few of them."""
    dut = RowReader(bits=32, address_bits=64, row_bits=8, row_beats=row_beats)
    cycle = itertools.count()
    memory = Memory(dut, random.Random(1), accepts=lambda: next(cycle) % 40 == 39)
    read(dut, [(row, 0) for row in range(64)], memory, 0, gives=lambda: True)
    assert [beats for _, beats in memory.bursts] == wanted
