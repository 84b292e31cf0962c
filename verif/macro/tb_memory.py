"""Testbench of a memory wrapper with any of its bodies."""

import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge, Timer

CYCLES = 2000


@cocotb.test()
async def memory(dut):
    """Random writes and reads with pauses; reads of a word that is being written are not checked."""
    width, depth = (int(os.environ[f"BITLINE_{name}"]) for name in ("WIDTH", "DEPTH"))
    rng = random.Random(int(os.environ["COCOTB_RANDOM_SEED"]))
    for name in ("clk", "write", "write_address", "write_data", "enable", "address"):
        getattr(dut, name).value = 0
    await Timer(10, "ns")
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    # What the last two reads give, the later one last; None: it has no value.
    words, read = {}, [None, None]
    for cycle in range(CYCLES):
        await RisingEdge(dut.clk)
        # Each word once, then at random.
        write_address, data = (cycle if cycle < depth else rng.randrange(depth)), rng.getrandbits(width)
        write, enable, address = cycle < depth or rng.random() < 0.5, rng.random() < 0.7, rng.randrange(depth)
        dut.write.value, dut.write_address.value, dut.write_data.value = int(write), write_address, data
        dut.enable.value, dut.address.value = int(enable), address
        await ReadOnly()
        if read[0] is not None:
            assert int(dut.data.value) == read[0], f"word must be {read[0]:#x}, and is {dut.data.value}"
        if enable:
            read = [read[1], None if write and write_address == address else words.get(address)]
        if write:
            words[write_address] = data
