"""A board behind a pseudo-terminal: carries bytes between a program and the simulated line until a file ends it.

`BOARD_FOLDER` names the folder in which `SimulatedBoard` and this meet: `port` is written here and names the terminal,
`stop` ends the simulation, `silent` holds the number of bytes from the host after which the line is dead.
"""

import os
import select
import tty
from pathlib import Path

import cocotb

from .serial_line import MAX_BYTES, Line

# Clock cycles to wait for the board at a time, and how often in vain before the simulation rests.
TIMEOUT_CYCLES = 1000
RESTLESS = 50
# Seconds.
REST = 0.02


class Cut:
    """A line that goes silent while a file exists, after the number of bytes from the host in that file."""

    def __init__(self, path):
        self._path = path
        self._left = None

    def passes(self, data):
        """How many of these bytes from the host pass; None if all do, and those of the board too."""
        if not self._path.exists():
            self._left = None
            return None
        if self._left is None:
            self._left = int(self._path.read_text(encoding="ascii"))
        count = min(len(data), self._left)
        self._left -= count
        return count


def is_running(process):
    """Whether a process exists."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@cocotb.test()
async def board(dut):
    folder, owner = Path(os.environ["BOARD_FOLDER"]), int(os.environ["BOARD_OWNER"])
    line, cut = Line(dut, float(os.environ["BOARD_RATIO"])), Cut(folder / "silent")
    # Keep the other end open, so that hosts can connect and disconnect.
    terminal, port = os.openpty()
    tty.setraw(port)
    await line.start()
    (folder / "name").write_text(os.ttyname(port), encoding="utf-8")
    (folder / "name").rename(folder / "port")
    in_vain = 0
    while not (folder / "stop").exists() and is_running(owner):
        readable, _, _ = select.select([terminal], [], [], REST if in_vain > RESTLESS else 0)
        data = os.read(terminal, MAX_BYTES) if readable else b""
        passing = cut.passes(data)
        arrived = await line.transfer(data[:passing], 0 if data else TIMEOUT_CYCLES)
        in_vain = 0 if data or arrived else in_vain + 1
        if arrived and passing is None:
            os.write(terminal, arrived)
    os.close(port)
    os.close(terminal)
