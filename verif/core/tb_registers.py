"""Testbenches made of the table of registers: whatever is added to the table is tested."""

import itertools
from contextlib import asynccontextmanager

import cocotb
from cocotb.triggers import ClockCycles, Timer, with_timeout
from cocotbext.axi import AxiResp

from ...hdl.csr.register_map import BUS_ADDRESS_BITS, Access, ErrorCode
from ..csr.register_words import ONES, PATTERNS, after, legal, reset_word, stored
from .core_bench import PERIOD_NS, CoreBench, Refused

# Bits that only hardware changes are known after a reset, and then only if nothing happens.
MOVING = ("cycles",)
# Longer than an access takes.
SOON = (20 * PERIOD_NS, "ns")


async def begin(dut):
    bench = CoreBench(dut)
    await bench.start()
    bench.pause(0.2)
    return bench


@cocotb.test()
async def reset_values(dut):
    """Every register reads its reset values, and zero where it has no field, after every reset."""
    bench = await begin(dut)
    for _ in range(2):
        for register in bench.registers.values():
            word = await bench.read_word(register.offset)
            if register.name not in MOVING:
                assert word == reset_word(register), f"{register.name} must be {reset_word(register):#x}, not {word:#x}"
        for register in stored(bench):
            for pattern in (ONES, 0x01010101):
                try:
                    await bench.write_bytes(register.offset, pattern.to_bytes(4, "little"))
                except Refused:
                    continue
        await bench.reset()


@cocotb.test()
async def bit_bash(dut):
    """Every bit of every register is written one and zero, alone and among others; illegal values are refused."""
    bench = await begin(dut)
    refused = 0
    for register in stored(bench):
        word = await bench.read_word(register.offset)
        for pattern in PATTERNS:
            expected = after(register, word, pattern)
            try:
                await bench.write_bytes(register.offset, pattern.to_bytes(4, "little"))
            except Refused:
                refused += 1
                assert not legal(register, expected), f"{register.name} must take {pattern:#x}"
            else:
                assert legal(register, expected), f"{register.name} must refuse {pattern:#x}"
                word = expected
            read = await bench.read_word(register.offset)
            assert read == word, f"{register.name} must be {word:#x} after {pattern:#x}, not {read:#x}"
    assert refused and await bench.read("error") == {"code": ErrorCode.VALUE, "count": min(refused, 255)}


@cocotb.test()
async def strobes(dut):
    """Each byte of a register is written alone and changes no other; data wants whole words."""
    bench = await begin(dut)
    for register in stored(bench):
        word = await bench.read_word(register.offset)
        for pattern in (ONES, 0, 0x01010101, 0):
            for first, count in ((0, 1), (1, 1), (2, 1), (3, 1), (0, 2), (2, 2), (1, 2), (0, 3), (1, 3)):
                mask = (1 << 8 * count) - 1 << 8 * first
                expected = after(register, word, pattern, mask)
                try:
                    await bench.write_bytes(register.offset + first, pattern.to_bytes(4, "little")[:count])
                except Refused:
                    assert not legal(register, expected)
                else:
                    assert legal(register, expected)
                    word = expected
                read = await bench.read_word(register.offset)
                assert read == word, f"{register.name} must be {word:#x}, not {read:#x}"
    await bench.reset()
    await bench.write("load", words=1)
    for count in (1, 2, 3):
        try:
            await bench.write_bytes(bench.registers["load_data"].offset, bytes(count))
        except Refused:
            continue
        raise AssertionError("load_data must refuse a part of a word")
    assert (await bench.read("error"))["code"] == ErrorCode.VALUE


@cocotb.test()
async def aliasing(dut):
    """Every register keeps its own value while all others are written; addresses without one answer SLVERR."""
    bench = await begin(dut)
    chosen, words = stored(bench), {}
    for register in chosen:
        if register.name == "lock":
            continue
        word = sum(bench.rng.randint(field.minimum, field.max_value) << field.low for field in register.fields
                   if field.access is Access.RW)
        words[register] = after(register, reset_word(register), word)
        await bench.write_bytes(register.offset, word.to_bytes(4, "little"))
    for register, word in words.items():
        assert await bench.read_word(register.offset) == word, register.name
    mapped = {register.offset for register in bench.registers.values()}
    unmapped = [address for address in range(0, 1 << BUS_ADDRESS_BITS, 4) if address not in mapped]
    asked = bench.rng.sample(unmapped, 110) + unmapped[:20] + unmapped[-3:]
    for number, address in enumerate(asked):
        for access in (bench.read_word(address), bench.write_bytes(address, b"\xff\xff\xff\xff")):
            try:
                await access
            except Refused:
                continue
            raise AssertionError(f"{address:#x} must be refused")
        # The count saturates.
        assert await bench.read("error") == {"code": ErrorCode.UNMAPPED, "count": min(2 * number + 2, 255)}
    assert 2 * len(asked) > 255
    for register, word in words.items():
        expected = word | (1 if register.name == "interrupt_status" else 0)
        assert await bench.read_word(register.offset) == expected, register.name


@cocotb.test()
async def read_only(dut):
    """Writes to read-only registers have no effect, and are no error."""
    bench = await begin(dut)
    for register in bench.registers.values():
        if register.is_written or register.name in MOVING:
            continue
        before = await bench.read_word(register.offset)
        for pattern in (ONES, 0, 0x5A5A5A5A):
            await bench.write_bytes(register.offset, pattern.to_bytes(4, "little"))
            assert await bench.read_word(register.offset) == before, register.name
    assert await bench.read("error") == {"code": 0, "count": 0}


@cocotb.test()
async def independent_channels(dut):
    """A read is answered while the response to a write is not accepted, and a write while that to a read is not.

    Each response is that of its own access, whatever the other one's is.
    """
    bench = await begin(dut)
    bench.pause(0)
    bus, enable = bench.bus, bench.registers["interrupt_enable"].offset
    unmapped = max(register.offset for register in bench.registers.values()) + 4
    await bench.write_bytes(enable, bytes(4))
    for address, other in itertools.product((enable, unmapped), repeat=2):
        response, other_response = (AxiResp.SLVERR if each == unmapped else AxiResp.OKAY for each in (address, other))
        async with held(bus.write_if.b_channel, bus.write(address, bytes(4))) as access:
            for _ in range(3):
                assert (await with_timeout(bus.read(other, 4), *SOON)).resp == other_response
            assert not access.done()
        assert (await access).resp == response
        async with held(bus.read_if.r_channel, bus.read(address, 4)) as access:
            for value in (1, 2, 0):
                answer = await with_timeout(bus.write(other, value.to_bytes(4, "little")), *SOON)
                assert answer.resp == other_response
            assert not access.done()
        answer = await access
        assert answer.resp == response and not any(answer.data)


@asynccontextmanager
async def held(channel, access):
    """An access under way, whose response waits during the block."""
    channel.clear_pause_generator()
    channel.pause = True
    task = cocotb.start_soon(access)
    await Timer(*SOON)
    yield task
    channel.pause = False


@cocotb.test()
async def reset_in_access(dut):
    """A reset in any cycle of a write and a read at once leaves no answer behind, and every register as it begins."""
    bench = await begin(dut)
    for register in stored(bench) * 4:
        legals = [pattern for pattern in PATTERNS if legal(register, after(register, reset_word(register), pattern))]
        accesses = [
            cocotb.start_soon(bench.bus.write(register.offset, bench.rng.choice(legals).to_bytes(4, "little"))),
            cocotb.start_soon(bench.bus.read(bench.registers["identity"].offset, 4))]
        await ClockCycles(dut.aclk, bench.rng.randrange(1, 10))
        for access in accesses:
            access.cancel()
        silence = cocotb.start_soon(is_silent(bench))
        await bench.reset(bench.rng.randint(1, 4) + (2 if bench.config.reset == "asynchronous" else 0), settle=0)
        await silence
        assert await bench.read_word(register.offset) == reset_word(register), register.name


async def is_silent(bench):
    """No response is given, from the first edge of the reset on."""
    await ClockCycles(bench.dut.aclk, 2 + 2 * (bench.config.reset == "asynchronous"))
    for _ in range(10):
        assert not bench.dut.s_axi_bvalid.value and not bench.dut.s_axi_rvalid.value, "nothing was asked"
        await bench.edge()
