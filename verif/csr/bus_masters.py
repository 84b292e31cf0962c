"""Masters of APB and Wishbone; they check the protocol of their bus."""

import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge, Timer

from ...hdl.csr.register_map import ACCESS_CYCLES

# Maximum cycles until a request is answered, also across the longest reset.
TIMEOUT_CYCLES = 12


class Bus:
    """A master that checks the protocol.

    Parameters
    ----------
    dut : cocotb handle
        The core.
    registers : dict of str to Register
        Its registers by name.
    back_to_back : float
        Of the accesses, how many end with the bus as it is, because the next follows at once.
    """

    def __init__(self, dut, registers, back_to_back=0.5):
        self.dut = dut
        self.back_to_back = back_to_back
        self.rng = random.Random(int(os.environ["COCOTB_RANDOM_SEED"]))
        self.registers = registers
        self.is_idle = True
        self.gave_up = False
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
        """Some cycles of reset, with random inputs but no request; there is no response during or after them."""
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
        """Make a request, and withdraw it in the cycle of the response at the latest."""
        await self.rest()
        self.ask(address, data, 15)
        for _ in range(self.rng.randint(1, ACCESS_CYCLES)):
            assert self.is_silent(await self.cycle())
            self.go_on()
        rest = self.rng.choice((0, 1, ACCESS_CYCLES + 1))
        # Before one that begins at once, while this one is under way, nothing may look like a request.
        self.release(self.ANSWERED if rest else self.REQUEST)
        assert self.is_silent(await self.cycle())
        self.is_idle, self.gave_up = rest > 0, True
        for _ in range(rest):
            self.release()
            assert self.is_silent(await self.cycle())

    def go_on(self):
        """What changes of a request that is not answered in its first cycle."""

    async def cycle(self):
        """Sample the watched signals before the next edge, and wait for that edge."""
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
        for _ in range(TIMEOUT_CYCLES):
            seen = await self.cycle()
            if seen["wb_ack"] or seen["wb_err"]:
                break
        assert seen["wb_ack"] + seen["wb_err"] == 1
        self.is_idle = self.rng.random() >= self.back_to_back
        if self.is_idle:
            self.release()
            assert self.is_silent(await self.cycle())
        return seen["wb_dat_r"] if seen["wb_ack"] else None


class Apb(Bus):
    """A setup phase, and an access phase of some wait states, more of them after a reset or a transfer
    that was withdrawn; slverr only in it, and ready only right after a cycle with psel."""

    IDLE = ("s_apb_paddr", "s_apb_pprot", "s_apb_psel", "s_apb_penable", "s_apb_pwrite", "s_apb_pwdata", "s_apb_pstrb")
    REQUEST, ANSWERED = ("s_apb_psel",), ("s_apb_psel", "s_apb_penable")
    WATCHED = ("s_apb_psel", "s_apb_pready", "s_apb_prdata", "s_apb_pslverr", "aresetn")
    was_selected = 0

    @staticmethod
    def is_silent(seen):
        """Whether there is no error; ready has no meaning outside of a transfer."""
        return not seen["s_apb_pslverr"]

    async def cycle(self):
        """As of `Bus`."""
        seen = await super().cycle()
        assert self.was_selected or not seen["s_apb_pready"]
        self.was_selected = seen["s_apb_psel"]
        return seen

    def ask(self, address, data, strobe):
        """The setup phase of a transfer."""
        dut = self.dut
        dut.s_apb_psel.value, dut.s_apb_penable.value = 1, 0
        dut.s_apb_pwrite.value = data is not None
        dut.s_apb_paddr.value, dut.s_apb_pwdata.value, dut.s_apb_pstrb.value = address, data or 0, strobe

    def go_on(self):
        """The access phase."""
        self.dut.s_apb_penable.value = 1

    async def access(self, address, data, strobe):
        """A single transfer."""
        await self.rest()
        self.ask(address, data, strobe)
        seen = await self.cycle()
        assert self.is_silent(seen)
        self.go_on()
        waits, was_reset = 0, not seen["aresetn"]
        # A transfer that was withdrawn may still be under way.
        longest, self.gave_up = (2 * ACCESS_CYCLES if self.gave_up else ACCESS_CYCLES), False
        while not (seen := await self.cycle())["s_apb_pready"]:
            waits, was_reset = waits + 1, was_reset or not seen["aresetn"]
            assert was_reset or waits < longest
        self.dut.s_apb_penable.value = 0
        self.is_idle = self.rng.random() >= self.back_to_back
        if self.is_idle:
            self.release()
            assert self.is_silent(await self.cycle())
        return None if seen["s_apb_pslverr"] else seen["s_apb_prdata"]


MASTERS = {"wishbone": Wishbone, "apb": Apb}
