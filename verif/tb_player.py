"""Starts the player and waits for its end; `PLAYER_OUTCOME` names the file that gets cycles and seconds as JSON."""

import json
import os
import time
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge


@cocotb.test()
async def play(dut):
    dut.rst.value = 1
    Clock(dut.clk, 2, unit="ns").start(start_high=False)
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    started = time.perf_counter()
    await RisingEdge(dut.done)
    seconds = time.perf_counter() - started
    await RisingEdge(dut.clk)
    outcome = {"cycles": int(dut.cycles.value), "seconds": seconds}
    Path(os.environ["PLAYER_OUTCOME"]).write_text(json.dumps(outcome), encoding="utf-8")
