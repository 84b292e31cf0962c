"""Plays a program on a block core, and reads its registers before and after it; files as of `run_on`."""

import os

import cocotb
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from ...hdl.block_core.register_map import block_core_register_map
from ...hdl.block_core.top import block_core_ports
from ...hdl.config.block_core import BlockCoreConfig
from ...hdl.csr.register_map import BUS_ADDRESS_BITS, Access
from ..csr.bus_masters import MASTERS
from ..csr.register_words import reset_word
from .player import load, play, start, write

# Until events, counters and the interrupt are up to date.
SETTLE_CYCLES = 8
WRITTEN = (Access.RW, Access.W1C, Access.SINGLEPULSE)


class Axi:
    """Reads and writes of words by AXI4-Lite, as the other masters have them: None is a refused one."""

    def __init__(self, dut):
        self._master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, dut.aresetn,
                                     reset_active_level=False)

    async def read(self, address):
        answer = await self._master.read(address, 4)
        return int.from_bytes(answer.data, "little") if answer.resp == AxiResp.OKAY else None

    async def write(self, address, word):
        answer = await self._master.write(address, word.to_bytes(4, "little"))
        return 0 if answer.resp == AxiResp.OKAY else None


def master_of(dut, config, registers):
    """The master of the core's bus."""
    if config.bus == "axi":
        return Axi(dut)
    bus = MASTERS[config.bus](dut, registers, back_to_back=0)
    bus.release()
    return bus


@cocotb.test()
async def plays(dut):
    """The program, from a reset on, with all events enabled."""
    config, streams = BlockCoreConfig.from_json(os.environ["BITLINE_CORE_CONFIG"]), load()
    registers = {register.name: register for register in block_core_register_map(config)}
    for port in block_core_ports(config):
        if port.is_register_bus and port.direction == "input":
            getattr(dut, port.name).value = 0
    await start(dut, streams, dut.aclk, dut.aresetn, is_low=True)
    # An asynchronous reset ends later.
    await ClockCycles(dut.aclk, SETTLE_CYCLES)
    # Not before: what a bus says before the reset comes is no answer.
    bus = master_of(dut, config, registers)

    async def read(name):
        return await bus.read(registers[name].offset)

    async def set_all(name):
        mask = sum(field.mask for field in registers[name].fields if field.access in WRITTEN)
        assert await bus.write(registers[name].offset, mask) is not None

    for name, register in registers.items():
        assert name in ("cycles",) or await read(name) == reset_word(register), name
    for address in (0x03c, (1 << BUS_ADDRESS_BITS) - 4):
        assert await bus.read(address) is None and await bus.write(address, 0) is None
    refused = await read("error")
    assert not dut.irq.value
    await set_all("interrupt_enable")
    await ClockCycles(dut.aclk, SETTLE_CYCLES)
    assert dut.irq.value
    for name in ("control", "interrupt_status"):
        await set_all(name)
    await ClockCycles(dut.aclk, SETTLE_CYCLES)
    assert not dut.irq.value
    assert [await read(name) for name in ("error", "interrupt_status", "vectors")] == [0, 0, 0]
    await play(dut, streams, dut.aclk)
    await ClockCycles(dut.aclk, SETTLE_CYCLES)
    write(streams, refused=refused, irq=int(dut.irq.value), registers={name: await read(name) for name in registers})
