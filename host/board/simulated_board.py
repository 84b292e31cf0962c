"""A simulated board: bridge and macro in a simulator, their serial line behind a pseudo-terminal."""

import multiprocessing
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect

from ...hdl.emit import EmitError, run_yosys
from ...hdl.fabric.verilog_format import from_yosys
from ...hdl.uart_bridge.bridge import Bridge
from ...hdl.uart_bridge.top import MacroInstance
from ...verif.sim.build import SimulatorError, Surround, build, source, testbench
from .board import Board

# Clock cycles per bit, the minimum of the UART: fewest cycles to simulate.
DIVISOR = 4
CLOCK_HZ = 48_000_000

# For the driver's timeouts: a pseudo-terminal has no baud rate, and a simulation is slower than a board.
BAUD = 115_200
LATENCY_S = 1.0

# To compile and start the simulator, and to end it.
START_TIMEOUT_S = 600.0
STOP_TIMEOUT_S = 20.0


class BoardCore(wiring.Component):
    """A macro and its bridge, without the pins and clocks of a board.

    Parameters
    ----------
    config : MacroConfig
    clock_hz, baud : int

    Members
    -------
    rx : In(1)
    tx : Out(1)
    """

    def __init__(self, *, config, clock_hz, baud):
        self.config, self.clock_hz, self.baud = config, clock_hz, baud
        super().__init__({"rx": In(1), "tx": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.bridge = bridge = Bridge(config=self.config, clock_hz=self.clock_hz, baud=self.baud)
        m.submodules.macro = macro = MacroInstance(config=self.config)
        connect(m, bridge.write, macro.write)
        connect(m, bridge.i, macro.i)
        connect(m, bridge.o, macro.o)
        m.d.comb += [bridge.rx.eq(self.rx), self.tx.eq(bridge.tx)]
        return m


def board_verilog(config, name):
    """Verilog of a board, a module called ``name``, without its macro, for which the generated Verilog is used."""
    core = BoardCore(config=config, clock_hz=CLOCK_HZ, baud=CLOCK_HZ // DIVISOR)
    text = rtlil.convert(core, name=name, emit_src=False)
    # Yosys knows only the ports of the macro.
    return from_yosys(run_yosys(f"read_rtlil <<rtlil\n{text}\nrtlil\nproc\nopt_clean\nwrite_verilog -noattr\n"))


def serial_line(verilog):
    """Verilog whose module ``board`` is connected to a serial line."""
    line = source("serial_line.sv").read_text(encoding="utf-8")
    visible = ("clk", "rst", "go", "bits", "bit_count", "timeout_cycles", "done", "bytes", "byte_count")
    return Surround("serial", {"board.sv": verilog, "serial_line.sv": line}, {"DIVISOR": DIVISOR}, visible)


def build_board(config, *, simulator="verilator", folder=Path("build/sim")):
    """Compile a board, connected to a serial line, for a simulator; see `build`."""
    return build(config, simulator=simulator, folder=folder, surround=serial_line(board_verilog(config, "board")))


def _simulate(config, simulator, folder, meeting, owner):
    """Run a board in a separate process, because a simulator changes the environment."""
    try:
        built = build_board(config, simulator=simulator, folder=folder)
    except (EmitError, SimulatorError) as error:
        (meeting / "refused").write_text(str(error), encoding="utf-8")
        return
    built.run(testbench("tb_board"), seed=0, folder=meeting / "run",
              environment={"BOARD_FOLDER": str(meeting), "BOARD_OWNER": str(owner)})


class SimulatedBoard:
    """A simulated board that runs during a ``with`` block.

    Parameters
    ----------
    config : MacroConfig
    simulator : str
    folder : Path
        Of the builds.

    Attributes
    ----------
    port : str
        The pseudo-terminal of the board.

    Raises
    ------
    SimulatorError
        On entry, if the simulation does not start.
    """

    def __init__(self, config, *, simulator="verilator", folder=Path("build/sim")):
        self.config, self.simulator, self.folder = config, simulator, Path(folder).resolve()

    def __enter__(self):
        self._temporary = tempfile.TemporaryDirectory()
        self._meeting = Path(self._temporary.name)
        self._process = multiprocessing.get_context("spawn").Process(
            target=_simulate, args=(self.config, self.simulator, self.folder, self._meeting, os.getpid()))
        self._process.start()
        try:
            self.port = self._wait_for_port()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        (self._meeting / "stop").touch()
        self._process.join(STOP_TIMEOUT_S)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()
        self._process.close()
        self._temporary.cleanup()

    def _wait_for_port(self):
        path, deadline = self._meeting / "port", time.monotonic() + START_TIMEOUT_S
        while not path.exists():
            if not self._process.is_alive():
                refused = self._meeting / "refused"
                raise SimulatorError(refused.read_text(encoding="utf-8") if refused.exists() else
                                     f"simulation must start, and ends with status {self._process.exitcode}")
            if time.monotonic() > deadline:
                raise SimulatorError(f"simulation must start within {START_TIMEOUT_S:.0f} s, and does not")
            time.sleep(0.01)
        return path.read_text(encoding="utf-8")

    def connect(self, config=None, *, latency=LATENCY_S):
        """The driver of real boards, connected to this one."""
        return Board(self.port, config, baud=BAUD, latency=latency)

    @contextmanager
    def silent(self, after=0):
        """During the block no byte gets through either way, after the first ``after`` bytes from the host."""
        path = self._meeting / "silent"
        path.with_suffix(".new").write_text(str(after), encoding="ascii")
        path.with_suffix(".new").rename(path)
        try:
            yield
        finally:
            path.unlink()
