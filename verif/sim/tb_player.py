"""Plays programs one after the other, and reports the cycles and seconds of each.

`PLAYER_REQUESTS` names a file or pipe of which every line asks for a program to be played, `PLAYER_ANSWERS` one that
gets a line of JSON for each. The end of the first ends the simulation. Between programs `PLAYER_PAUSE` cycles go by.
"""

import json
import os
import time
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge


@cocotb.test()
async def play(dut):
    pause = int(os.environ["PLAYER_PAUSE"])
    dut.rst.value = 1
    dut.start.value = 0
    Clock(dut.clk, 2, unit="ns").start(start_high=False)
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    with (Path(os.environ["PLAYER_REQUESTS"]).open(encoding="ascii") as requests,
          Path(os.environ["PLAYER_ANSWERS"]).open("w", encoding="ascii") as answers):
        while requests.readline():
            await ClockCycles(dut.clk, pause)
            dut.start.value = 1
            await RisingEdge(dut.clk)
            dut.start.value = 0
            started = time.perf_counter()
            await RisingEdge(dut.done)
            seconds = time.perf_counter() - started
            await RisingEdge(dut.clk)
            answers.write(json.dumps({"cycles": int(dut.cycles.value), "seconds": seconds}) + "\n")
            answers.flush()
