"""Testbenches of the register ports that are not AXI: every register, by the rules of the bus."""

import os

import cocotb
from cocotb.triggers import RisingEdge

from ...hdl.config import CoreConfig
from ...hdl.csr.register_map import BUS_ADDRESS_BITS, ErrorCode, register_map
from .bus_masters import MASTERS
from .register_words import ONES, PATTERNS, after, legal, reset_word, stored


async def begin(dut):
    """The master of the core's bus, after a reset."""
    config = CoreConfig.from_json(os.environ["BITLINE_CORE_CONFIG"])
    master = MASTERS[config.bus](dut, {register.name: register for register in register_map(config)})
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
    unmapped = [address for address in range(0, 1 << BUS_ADDRESS_BITS, 4) if address not in mapped]
    assert (await master.read(master.registers["error"].offset)) & 255 == ErrorCode.VALUE
    clear = next(field.mask for field in master.registers["control"].fields if field.name == "clear_error")
    assert await master.write(master.registers["control"].offset, clear) is not None
    # A write without a byte has no effect at any address, and is not reported.
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
async def errors_are_known_at_once(dut):
    """Right behind an access that is refused, `error` has its code and count, and `interrupt_status` the event."""
    master = await begin(dut)
    master.back_to_back = 1
    registers = master.registers
    clear, event = (next(field.mask for field in registers[register].fields if field.name == name)
                    for register, name in (("control", "clear_error"), ("interrupt_status", "error")))
    for register, mask, wanted in (("error", 0xffff, ErrorCode.UNMAPPED | 1 << 8), ("interrupt_status", event, event)):
        for data in (None, ONES):
            assert await master.access((1 << BUS_ADDRESS_BITS) - 4, data, 15) is None
            assert await master.read(registers[register].offset) & mask == wanted
            assert await master.write(registers["control"].offset, clear) is not None
            assert await master.write(registers["interrupt_status"].offset, event) is not None
            assert await master.read(registers[register].offset) & mask == 0


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
    """A request that lasts through a reset is executed and answered after it, once."""
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
    """A withdrawn request is executed or refused, but not answered; the next one is."""
    master = await begin(dut)
    enable = master.registers["interrupt_enable"]
    unmapped = next(address for address in range(0, 1 << BUS_ADDRESS_BITS, 4)
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
