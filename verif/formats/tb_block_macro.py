"""Plays a program on a block macro: `BITLINE_PROGRAM` names a file of `run_program`, and `BITLINE_FOUND` one to write.
"""

import json
import os
import random
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ReadOnly, RisingEdge

PERIOD_NS = 10
OTHER = {"w": "i", "i": "w"}


class Player:
    """The streams of a block macro, cycle by cycle."""

    def __init__(self, dut, program):
        self.beats, self.needs, self.pauses = program["beats"], program["needs"], program["pauses"]
        self.rng = random.Random(program["seed"])
        self.moved, self.valid = dict.fromkeys("wio", 0), dict.fromkeys("wi", False)
        self.found, self.cycles = [], []
        ports = {name: getattr(dut, name, None) for stream in "wi" for name in (
            f"{stream}_{field}" for field in ("valid", "ready", *self.beats[stream][0]))}
        ports |= {f"o_{field}": getattr(dut, f"o_{field}") for field in ("valid", "ready", *self.beats["o"][0])}
        self.ports = {name: port for name, port in ports.items() if port is not None}

    def goes(self, stream):
        """Whether a stream does not pause in this cycle."""
        return self.rng.random() >= self.pauses.get(stream, 0)

    def drive(self):
        """Offer what is due."""
        for stream, other in OTHER.items():
            index = self.moved[stream]
            is_due = index < len(self.beats[stream]) and self.moved[other] >= self.needs[stream][index]
            if not self.valid[stream] and is_due and self.goes(stream):
                self.valid[stream] = True
                for field, value in self.beats[stream][index].items():
                    if f"{stream}_{field}" in self.ports:
                        self.ports[f"{stream}_{field}"].value = value
            self.ports[f"{stream}_valid"].value = self.valid[stream]
        self.is_ready = self.goes("o")
        self.ports["o_ready"].value = self.is_ready

    def look(self, cycle):
        """Note what moves with the next edge; whether anything does."""
        moves = False
        for stream in OTHER:
            if self.valid[stream] and self.ports[f"{stream}_ready"].value:
                self.moved[stream], self.valid[stream], moves = self.moved[stream] + 1, False, True
                if stream == "i":
                    self.cycles.append(cycle)
        if self.is_ready and self.ports["o_valid"].value:
            self.found.append({field: int(self.ports[f"o_{field}"].value) for field in self.beats["o"][0]})
            self.moved["o"], moves = self.moved["o"] + 1, True
            self.cycles.append(cycle)
        return moves

    @property
    def is_done(self):
        """All has moved."""
        return all(self.moved[stream] >= len(beats) for stream, beats in self.beats.items())


@cocotb.test()
async def plays(dut):
    """The program, from a reset on."""
    program = json.loads(Path(os.environ["BITLINE_PROGRAM"]).read_text(encoding="utf-8"))
    player = Player(dut, program)
    for name, port in player.ports.items():
        if not name.startswith("o_") and not name.endswith("ready"):
            port.value = 0
    player.ports["o_ready"].value = 0
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, "ns").start()
    for _ in range(2):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    idle = cycle = 0
    while not player.is_done:
        player.drive()
        await ReadOnly()
        idle = 0 if player.look(cycle) else idle + 1
        assert idle < program["patience"], f"streams must move, and do not, after {player.moved}"
        await RisingEdge(dut.clk)
        cycle += 1
    Path(os.environ["BITLINE_FOUND"]).write_text(json.dumps({
        "found": player.found, "cycles": player.cycles[-1] - player.cycles[0] + 1}), encoding="utf-8")
