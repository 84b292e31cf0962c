"""Plays programs one after the other, and reports the cycles of each, and its seconds, also of processor time.

`PLAYER_REQUESTS` names a file or pipe of which every line asks for a program to be played, `PLAYER_ANSWERS` one that
gets a line of JSON for each. The end of the first ends the simulation. A program is the files of records ``write`` and
``i`` in the folder `PLAYER_FOLDER`, to which ``o`` is added, the records of results; `BITLINE_CONFIG` is the macro.
"""

import json
import os
import time
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from ...hdl.config import MacroConfig
from .records import layouts
from .stream_player import MacroPlayer


class Saver:
    """Adds the records of results to a file as they come."""

    def __init__(self, file):
        self._file, self._saved = file, 0

    def __call__(self, results, count):
        results[self._saved:count].tofile(self._file)
        self._saved = count


@cocotb.test()
async def play(dut):
    config, folder = MacroConfig.from_json(os.environ["BITLINE_CONFIG"]), Path(os.environ["PLAYER_FOLDER"])
    for name, value in {"rst": 1, "write_valid": 0, "i_valid": 0, "o_ready": 1}.items():
        getattr(dut, name).value = value
    clock = Clock(dut.clk, 2, unit="ns")
    clock.start(start_high=False)
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0
    player = MacroPlayer(dut, config, clock)
    with (Path(os.environ["PLAYER_REQUESTS"]).open(encoding="ascii") as requests,
          Path(os.environ["PLAYER_ANSWERS"]).open("w", encoding="ascii") as answers):
        while requests.readline():
            given = [layouts(config)[stream].read(folder / stream) for stream in ("write", "i")]
            with (folder / "o").open("wb") as file:
                started, processor = time.perf_counter(), time.process_time()
                _, cycles = await player.run(*given, Saver(file))
                seconds = {"seconds": time.perf_counter() - started, "processor": time.process_time() - processor}
            answers.write(json.dumps({"cycles": cycles, **seconds}) + "\n")
            answers.flush()
