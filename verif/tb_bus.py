"""Testbenches of the register ports that are not AXI: every register, by the rules of the bus."""

import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge, Timer

from ..hdl.core_config import CoreConfig
from ..hdl.registers import ADDRESS_BITS, ErrorCode, register_map
from .tb_registers import ONES, PATTERNS, after, legal, reset_word, stored

# Cycles in which a request is answered, also one that meets the longest reset.
PATIENCE = 12


class Bus:
    """A master that checks what the bus promises."""

    def __init__(self, dut):
        self.dut = dut
        self.rng = random.Random(int(os.environ["COCOTB_RANDOM_SEED"]))
        self.config = CoreConfig.from_json(os.environ["BITLINE_CORE_CONFIG"])
        self.registers = {register.name: register for register in register_map(self.config)}
        self.is_idle = True
        self._edge, self._settled = RisingEdge(dut.aclk), ReadOnly()

    async def start(self):
        """Clock and reset, every input driven before the first edge."""
        dut = self.dut
        self.release()
        for stream in ("s_axis", "s_axis_w"):
            for name in ("tdata", "tkeep", "tlast", "tvalid"):
                getattr(dut, f"{stream}_{name}").value = 0
        dut.m_axis_tready.value = 0
        dut.aresetn.value = 0
        await Timer(10, "ns")
        cocotb.start_soon(Clock(dut.aclk, 10, unit="ns").start())
        await self.reset()

    async def reset(self):
        """Some cycles of reset, with anything but a request on the bus; neither they nor what follows is answered."""
        self.dut.aresetn.value = 0
        for cycle in range(self.rng.randrange(4, 7)):
            self.release()
            seen = await self.cycle()
            assert not cycle or self.is_silent(seen)
            self.dut.aresetn.value = cycle >= 3
        self.is_idle = True

    def release(self, request=None):
        """No request, for want of one of its signals, and anything on the others."""
        for name in self.IDLE:
            signal = getattr(self.dut, name)
            signal.value = self.rng.getrandbits(len(signal))
        getattr(self.dut, self.rng.choice(request or self.REQUEST)).value = 0

    async def give_up(self, address, data):
        """Ask, and ask no more in the cycle in which the answer would come."""
        await self.rest()
        self.ask(address, data, 15)
        assert self.is_silent(await self.cycle())
        self.release(self.ANSWERED)
        assert self.is_silent(await self.cycle())
        self.is_idle = True
        self.release()
        assert self.is_silent(await self.cycle())

    async def cycle(self):
        """What is watched, before the next edge, and the edge."""
        await self._settled
        values = {name: int(getattr(self.dut, name).value) for name in self.WATCHED}
        await self._edge
        return values

    async def rest(self):
        """Some cycles without an access; none after one that the next follows at once."""
        for _ in range(self.rng.choice((0, 1, 3)) if self.is_idle else 0):
            self.release()
            assert self.is_silent(await self.cycle())

    async def read(self, address):
        """The word, or None if it is refused."""
        return await self.access(address, None, 0)

    async def write(self, address, data, strobe=15):
        """0, or None if it is refused."""
        return await self.access(address, data, strobe)


class Wishbone(Bus):
    """Classic cycles: stb until ack or err, and never both; neither without a request."""

    IDLE = ("wb_cyc", "wb_stb", "wb_we", "wb_adr", "wb_dat_w", "wb_sel")
    # A request is all of these.
    REQUEST = ANSWERED = ("wb_cyc", "wb_stb")
    WATCHED = ("wb_ack", "wb_err", "wb_dat_r")

    @staticmethod
    def is_silent(seen):
        """Whether nothing is answered."""
        return not seen["wb_ack"] and not seen["wb_err"]

    def ask(self, address, data, strobe):
        """Put a read or write on the bus."""
        dut = self.dut
        dut.wb_cyc.value = 1
        dut.wb_stb.value = 1
        dut.wb_we.value = data is not None
        dut.wb_adr.value, dut.wb_sel.value, dut.wb_dat_w.value = address, 15 if data is None else strobe, data or 0

    async def access(self, address, data, strobe):
        """A single read or write."""
        await self.rest()
        self.ask(address, data, strobe)
        for _ in range(PATIENCE):
            seen = await self.cycle()
            if seen["wb_ack"] or seen["wb_err"]:
                break
        assert seen["wb_ack"] + seen["wb_err"] == 1
        self.is_idle = self.rng.random() < 0.5
        if self.is_idle:
            self.release()
            assert self.is_silent(await self.cycle())
        return seen["wb_dat_r"] if seen["wb_ack"] else None


class Apb(Bus):
    """A setup phase, and an access phase, which only a reset makes wait; slverr only in it."""

    IDLE = ("s_apb_paddr", "s_apb_pprot", "s_apb_psel", "s_apb_penable", "s_apb_pwrite", "s_apb_pwdata", "s_apb_pstrb")
    REQUEST, ANSWERED = ("s_apb_psel",), ("s_apb_psel", "s_apb_penable")
    WATCHED = ("s_apb_pready", "s_apb_prdata", "s_apb_pslverr", "aresetn")

    @staticmethod
    def is_silent(seen):
        """Whether no error is told; ready may be anything."""
        return not seen["s_apb_pslverr"]

    def ask(self, address, data, strobe):
        """The setup phase of a transfer."""
        dut = self.dut
        dut.s_apb_psel.value, dut.s_apb_penable.value = 1, 0
        dut.s_apb_pwrite.value = data is not None
        dut.s_apb_paddr.value, dut.s_apb_pwdata.value, dut.s_apb_pstrb.value = address, data or 0, strobe

    async def access(self, address, data, strobe):
        """A single transfer."""
        await self.rest()
        self.ask(address, data, strobe)
        before = await self.cycle()
        assert self.is_silent(before)
        self.dut.s_apb_penable.value = 1
        while not (seen := await self.cycle())["s_apb_pready"]:
            assert not before["aresetn"] or not seen["aresetn"]
            before = seen
        self.dut.s_apb_penable.value = 0
        self.is_idle = self.rng.random() < 0.5
        if self.is_idle:
            self.release()
            assert self.is_silent(await self.cycle())
        return None if seen["s_apb_pslverr"] else seen["s_apb_prdata"]


MASTERS = {"wishbone": Wishbone, "apb": Apb}


async def begin(dut):
    """The master of the core's bus, after a reset."""
    master = MASTERS[CoreConfig.from_json(os.environ["BITLINE_CORE_CONFIG"]).bus](dut)
    await master.start()
    return master


@cocotb.test()
async def bus(dut):
    """Reset values, legal and illegal writes, strobes, and addresses without a register."""
    master = await begin(dut)
    for register in master.registers.values():
        if register.name != "cycles":
            assert await master.read(register.offset) == reset_word(register), register.name
    for register in stored(master):
        word = await master.read(register.offset)
        for pattern in (*PATTERNS, *(master.rng.getrandbits(32) for _ in range(10))):
            strobe = master.rng.choice((15, master.rng.randrange(16)))
            mask = sum(255 << 8 * byte for byte in range(4) if strobe >> byte & 1)
            expected = after(register, word, pattern, mask)
            taken = await master.write(register.offset, pattern, strobe) is not None
            assert taken == legal(register, expected), f"{register.name} {pattern:#x}"
            word = expected if taken else word
            assert await master.read(register.offset) == word, register.name
    mapped = {register.offset for register in master.registers.values()}
    unmapped = [address for address in range(0, 1 << ADDRESS_BITS, 4) if address not in mapped]
    assert (await master.read(master.registers["error"].offset)) & 255 == ErrorCode.VALUE
    clear = next(field.mask for field in master.registers["control"].fields if field.name == "clear_error")
    assert await master.write(master.registers["control"].offset, clear) is not None
    # Without a byte a write does nothing, wherever it goes; nor is it told of.
    words = {register: await master.read(register.offset) for register in stored(master)}
    for address in (*(register.offset for register in words), master.registers["load_data"].offset, *unmapped[:3]):
        assert await master.write(address, ONES, 0) is not None
    for register, word in words.items():
        assert await master.read(register.offset) == word
    for address in master.rng.sample(unmapped, 40):
        assert await master.read(address) is None
        assert await master.write(address, ONES) is None
    # Each was counted once.
    assert await master.read(master.registers["error"].offset) == ErrorCode.UNMAPPED | 80 << 8


@cocotb.test()
async def reset_in_access(dut):
    """A reset in any cycle of an access leaves no answer behind, and every register as it begins."""
    master = await begin(dut)
    for register in stored(master) * 3:
        access = cocotb.start_soon(master.write(register.offset, master.rng.choice(PATTERNS)))
        for _ in range(master.rng.randrange(1, 5)):
            await master.cycle()
        access.cancel()
        await master.reset()
        assert await master.read(register.offset) == reset_word(register), register.name


@cocotb.test()
async def reset_under_a_request(dut):
    """A request that meets a reset, and stands behind it, is answered then, once it is done."""
    master = await begin(dut)
    enable = master.registers["interrupt_enable"]
    for _ in range(20):
        pattern = master.rng.getrandbits(32)
        dut.aresetn.value = 0
        access = cocotb.start_soon(master.write(enable.offset, pattern))
        for _ in range(master.rng.randrange(4, 9)):
            await RisingEdge(dut.aclk)
            assert not access.done()
        dut.aresetn.value = 1
        assert await access is not None
        assert await master.read(enable.offset) == after(enable, 0, pattern)


@cocotb.test()
async def given_up(dut):
    """Who asks no more is not answered, but what was asked is done, or was to be refused; the next is answered."""
    master = await begin(dut)
    enable = master.registers["interrupt_enable"]
    unmapped = next(address for address in range(0, 1 << ADDRESS_BITS, 4)
                    if address not in {register.offset for register in master.registers.values()})
    word = 0
    for _ in range(60):
        address, data = master.rng.choice((unmapped, enable.offset)), master.rng.choice((None, ONES))
        await master.give_up(address, data)
        if address == enable.offset and data:
            word = after(enable, word, data)
        assert await master.read(enable.offset) == word
        word = after(enable, word, pattern := master.rng.getrandbits(32))
        assert await master.write(enable.offset, pattern) is not None
        assert await master.read(enable.offset) == word
