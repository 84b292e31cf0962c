"""Whole programs on a macro from within a cocotb test, at nearly the speed of a simulator without Python.

`MacroPlayer` hands a program to C++ code in the same process, which drives and reads the ports in callbacks of the
simulator; Python wakes up a few times for each program, not in every cycle. It works with any design that has a
macro's ports, on every simulator of `build`.
"""

import ctypes
import os
import subprocess
import tempfile
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

import numpy as np
from cocotb.triggers import RisingEdge, Timer
from cocotb.utils import get_sim_steps

from ...golden.program import MacroState, Outcome, difference, pause, predict
from .cache import cache, digest
from .records import decode, encode, layouts
from .simulators import SimulatorError, source, verilator_root

# Cycles without a transfer after which a design counts as stuck, and between two reports of progress.
PATIENCE, REPORT = 10_000, 8192


class State(IntEnum):
    """As stream_player.cpp has them."""

    STOPPED = 0
    RUNNING = 1
    STUCK = 2
    SURPLUS = 3
    UNKNOWN = 4


# What moves on each stream.
ITEMS = {"write": "writes", "i": "vectors", "o": "results"}
REASONS = {
    State.STUCK: "streams must move, and do not",
    State.SURPLUS: "each vector must give one result, and there are more",
    State.UNKNOWN: "handshakes and results must be known, and are not",
}


def compiled():
    """Path of the C++ code as a shared library, compiled once per user.

    Raises
    ------
    SimulatorError
        There is no compiler, or it refuses the code.
    """
    code = source("stream_player.cpp")
    include = verilator_root() / "include" / "vltstd"
    path = cache() / f"stream_player_{digest(code.read_text(encoding='utf-8') + os.uname().machine)}.so"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=path.parent) as name:
            built = Path(name) / path.name
            try:
                done = subprocess.run(["g++", "-std=c++17", "-O2", "-shared", "-fPIC", f"-I{include}", str(code),
                                       "-o", str(built)], capture_output=True, text=True, check=False)
            except FileNotFoundError:
                raise SimulatorError("g++ not found: apt-get install g++") from None
            if done.returncode:
                raise SimulatorError(f"{code.name} must compile, and does not: {done.stderr.strip().splitlines()[-1]}")
            built.rename(path)
    return path


@lru_cache
def library():
    """The C++ code, in the process of a simulation, which has what it calls."""
    found = ctypes.CDLL(str(compiled()))
    number, text, pointer = ctypes.c_uint64, ctypes.c_char_p, ctypes.c_void_p
    for function, result, *arguments in (
            ("new", pointer, text), ("delete", None, pointer),
            ("add_stream", ctypes.c_int, pointer, text, text, ctypes.c_int, ctypes.c_int),
            ("add_field", ctypes.c_int, pointer, ctypes.c_int, text, number),
            ("load", None, pointer, ctypes.c_int, pointer, number), ("start", None, pointer, number, number, number),
            ("state", ctypes.c_int, pointer), ("cycles", number, pointer), ("moved", number, pointer, ctypes.c_int)):
        each = getattr(found, f"player_{function}")
        each.restype, each.argtypes = result, arguments
    return found


class MacroPlayer:
    """Plays programs on a macro's ports from within a cocotb test.

    Between programs the test may drive the ports itself. It must leave the macro without a vector in flight.

    Parameters
    ----------
    dut : cocotb handle
        Has the ports of the macro.
    config : MacroConfig
    clock : cocotb.clock.Clock
        Of ``dut.clk``, started, with a high phase of two steps of time or more. It stops while a program is played, in
        which the player toggles ``clk`` with the same period.
    patience : int
        Cycles without a transfer after which the macro counts as stuck.

    Raises
    ------
    ValueError
        ``dut`` lacks a port, or the clock's high phase is too short.
    SimulatorError
        The C++ code cannot be compiled.
    """

    def __init__(self, dut, config, clock, *, patience=PATIENCE):
        self._dut, self._config, self._clock, self._patience = dut, config, clock, patience
        self._period, self._high = (get_sim_steps(each, clock.unit) for each in (clock.period, clock.period_high))
        if self._high < 2:
            raise ValueError(f"the clock must be high for at least two steps of time, not {self._high}")
        self._state = MacroState(config)
        self._library = library()
        self._layouts = layouts(config)
        self._streams = {name: index for index, name in enumerate(self._layouts)}
        self._player = self._library.player_new(self._path("clk"))
        if not self._player or not all(self._add(layout) for layout in self._layouts.values()):
            raise ValueError(f"{dut._path} must have all ports of {config.name}, and has not")

    def __del__(self):
        if getattr(self, "_player", None):
            self._library.player_delete(self._player)

    def _path(self, port):
        return f"{self._dut._path}.{port}".encode()

    def _add(self, layout):
        """Whether all ports of a stream were found."""
        name = layout.stream
        stream = self._library.player_add_stream(self._player, self._path(f"{name}_valid"), self._path(f"{name}_ready"),
                                                 layout.is_input, self._streams[layout.gate or name])
        return stream >= 0 and all(
            self._library.player_add_field(self._player, stream, self._path(field.name), field.width)
            for field in layout.fields.values())

    async def play(self, program):
        """Run a `Program`, and compare every result, and the cycle in which it is taken, with the golden model.

        Returns just after a rising edge, with nothing offered and ``o_ready`` high. Weights and totals of the golden
        model are those that earlier programs left.

        Parameters
        ----------
        program : Program

        Returns
        -------
        Outcome
            `Results` without the number of planes, which hardware does not output; ``cycles`` as `predict` counts them.

        Raises
        ------
        AssertionError
            A result, or its cycle, or the number of cycles, is not that of the golden model; or the macro is stuck,
            gives more results than vectors, or unknown bits.
        """
        expected = predict(self._config, program, self._state)
        records, cycles = await self.run(encode(self._config, "write", program.writes),
                                         encode(self._config, "i", program.vectors))
        outcome = Outcome(*decode(self._config, records, program.vectors.fuse), cycles)
        found = difference(outcome, expected)
        if found:
            raise AssertionError(found)
        return outcome

    async def run(self, writes, vectors, progress=None):
        """Play records, and return those of the results, and the cycles up to the last transfer; compares nothing.

        Parameters
        ----------
        writes, vectors : array (items, words)
            As `records.encode` gives them.
        progress : callable
            Now and then called with the records of all results, and with how many there are so far.

        Raises
        ------
        AssertionError
            The macro is stuck, gives more results than vectors, or unknown bits.
        """
        results = self._layouts["o"].empty(len(vectors))
        # A macro that still writes tables would not be in the state in which the golden model starts.
        await Timer(pause(self._config) * self._period, "step")
        await RisingEdge(self._dut.clk)
        self._clock.stop()
        given = {"write": np.ascontiguousarray(writes), "i": np.ascontiguousarray(vectors), "o": results}
        for stream, records in given.items():
            self._library.player_load(self._player, self._streams[stream], records.ctypes.data, len(records))
        self._library.player_start(self._player, self._high, self._period - self._high, self._patience)
        await self._wait(given, progress)
        await self._resume()
        state, moved = State(self._library.player_state(self._player)), self._moved()
        if state != State.STOPPED:
            done = ", ".join(f"{moved[stream]} of {len(given[stream])} {name}" for stream, name in ITEMS.items())
            raise AssertionError(f"{REASONS[state]}, after {done}")
        return results, self._library.player_cycles(self._player)

    def _moved(self):
        """Transfers of each stream so far."""
        return {stream: self._library.player_moved(self._player, index) for stream, index in self._streams.items()}

    async def _wait(self, given, progress):
        """Sleep until the player stops: until one step of time after the rising edge at which it does."""
        await Timer(1, "step")
        while self._library.player_state(self._player) == State.RUNNING:
            moved = self._moved()
            # No stream moves more than once a cycle, so this is never too long.
            left = max(len(records) - moved[stream] for stream, records in given.items())
            await Timer(min(max(left, 1), REPORT) * self._period, "step")
            if progress:
                progress(given["o"], self._library.player_moved(self._player, self._streams["o"]))

    async def _resume(self):
        """Withdraw what is offered, and hand the clock back."""
        for layout in self._layouts.values():
            if layout.is_input:
                getattr(self._dut, f"{layout.stream}_valid").value = 0
        await Timer(self._high - 1, "step")
        self._clock.start(start_high=False)
        await RisingEdge(self._dut.clk)
