"""A simulated board: bridge and accelerator in a simulator, their serial line behind a pseudo-terminal."""

import multiprocessing
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, ClockSignal, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ...hdl.emit import EmitError, run_yosys
from ...hdl.fabric.verilog_format import from_yosys
from ...hdl.uart_bridge.accelerator import accelerator
from ...hdl.uart_bridge.top import add_core
from ...verif.sim.build import Surround, build
from ...verif.sim.simulators import SimulatorError, source, testbench
from .board import Board
from .engine_board import EngineBoard

# Clock cycles per bit, the minimum of the UART: fewest cycles to simulate.
DIVISOR = 4
CLOCK_HZ = 48_000_000
MACRO_HZ = 75_000_000
# Of an engine's image in the flash.
IMAGE_ADDRESS = 1 << 16

# For the driver's timeouts: a pseudo-terminal has no baud rate, and a simulation is slower than a board.
BAUD = 115_200
LATENCY_S = 1.0

# To start the simulator, and to end it.
START_TIMEOUT_S = 600.0
STOP_TIMEOUT_S = 20.0

# Of each class of configurations.
DRIVERS = {driver.configuration: driver for driver in (Board, EngineBoard)}


# Of `BoardCore`.
BOARD_MEMBERS = {
    "clk": In(1), "macro_clk": In(1), "rst": In(1), "rx": In(1), "tx": Out(1), "flash_cs": Out(1), "flash_clk": Out(1),
    "flash_copi": Out(1), "flash_cipo": In(1), "running": Out(1),
}


class BoardCore(wiring.Component):
    """What `BoardTop` puts behind the pins and the PLL of a board.

    Parameters
    ----------
    config : MacroConfig or EngineConfig
    has_one_clock : bool
        The accelerator runs from the bridge's clock, for what handles one clock only.

    Members
    -------
    clk : In(1)
        Of the bridge.
    macro_clk : In(1)
        Of the accelerator.
    rst : In(1)
        In place of a PLL that is not locked.
    rx : In(1)
    tx : Out(1)
    flash_cs, flash_clk, flash_copi : Out(1)
        To the flash that has an engine's image at `IMAGE_ADDRESS`; of a macro low.
    flash_cipo : In(1)
    running : Out(1)
        The bridge is out of reset.
    """

    def __init__(self, *, config, has_one_clock=False):
        self.config, self.has_one_clock = config, has_one_clock
        super().__init__(dict(BOARD_MEMBERS))

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = ClockDomain()
        m.domains.macro = ClockDomain()
        m.d.comb += [ClockSignal().eq(self.clk),
                     ClockSignal("macro").eq(self.clk if self.has_one_clock else self.macro_clk)]
        bridge, spi = add_core(m, accelerator=accelerator(self.config), clock_hz=CLOCK_HZ, macro_hz=MACRO_HZ,
                               baud=CLOCK_HZ // DIVISOR, locked=~self.rst, image_address=IMAGE_ADDRESS)
        if spi is not None:
            m.d.comb += [self.flash_cs.eq(spi.cs), self.flash_clk.eq(spi.clk), self.flash_copi.eq(spi.copi),
                         spi.cipo.eq(self.flash_cipo)]
        m.d.comb += [bridge.rx.eq(self.rx), self.tx.eq(bridge.tx), self.running.eq(~ResetSignal())]
        return m


def board_verilog(config, name, has_one_clock=False):
    """Verilog of a `BoardCore`, a module called ``name``, without its accelerator, whose generated Verilog is used."""
    text = rtlil.convert(BoardCore(config=config, has_one_clock=has_one_clock), name=name, emit_src=False)
    # Yosys knows only the ports of the accelerator.
    return from_yosys(run_yosys(f"read_rtlil <<rtlil\n{text}\nrtlil\nproc\nopt_clean\nwrite_verilog -noattr\n"))


def serial_line(verilog):
    """Verilog whose module ``board`` is connected to a serial line."""
    parts = {name: source(name).read_text(encoding="utf-8") for name in ("serial_line.sv", "flash.sv")}
    visible = ("clk", "macro_clk", "rst", "running", "go", "bits", "bit_count", "timeout_cycles", "done", "bytes",
               "byte_count")
    return Surround("serial", {"board.sv": verilog, **parts}, {"DIVISOR": DIVISOR}, visible)


def build_board(config, *, simulator="verilator", folder=Path("build/sim")):
    """Compile a board, connected to a serial line, for a simulator; see `build`."""
    return build(accelerator(config).module, simulator=simulator, folder=folder,
                 surround=serial_line(board_verilog(config, "board")))


def _simulate(built, meeting, owner):
    """Run a board in a separate process, because a simulator changes the environment."""
    built.run(testbench("tb_board"), seed=0, folder=meeting / "run",
              environment={"BOARD_FOLDER": str(meeting), "BOARD_OWNER": str(owner),
                           "BOARD_RATIO": str(MACRO_HZ / CLOCK_HZ)}, plusargs=[f"+flash={meeting / 'flash'}"])


class SimulatedBoard:
    """A simulated board that runs during a ``with`` block.

    Parameters
    ----------
    config : MacroConfig or EngineConfig
        ValueError if there is no gateware of it.
    simulator : str
    folder : Path
        Of the builds.
    image : bytes, optional
        What its flash has from `IMAGE_ADDRESS` on when it starts; by default it has no flash.

    Attributes
    ----------
    port : str
        The pseudo-terminal of the board.

    Raises
    ------
    SimulatorError
        On entry, if the simulation does not start.
    """

    def __init__(self, config, *, simulator="verilator", folder=Path("build/sim"), image=None):
        accelerator(config)
        self.config, self.simulator, self.folder, self._image = config, simulator, Path(folder).resolve(), image

    def __enter__(self):
        try:
            built = build_board(self.config, simulator=self.simulator, folder=self.folder)
        except EmitError as error:
            raise SimulatorError(str(error)) from None
        self._temporary = tempfile.TemporaryDirectory()
        self._meeting = Path(self._temporary.name)
        self.put_flash(self._image)
        self._process = multiprocessing.get_context("spawn").Process(
            target=_simulate, args=(built, self._meeting, os.getpid()))
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
                raise SimulatorError(f"simulation must start, and ends with status {self._process.exitcode}")
            if time.monotonic() > deadline:
                raise SimulatorError(f"simulation must start within {START_TIMEOUT_S:.0f} s, and does not")
            time.sleep(0.01)
        return path.read_text(encoding="utf-8")

    def connect(self, config=None, *, latency=LATENCY_S):
        """The driver of real boards, connected to this one."""
        return DRIVERS[type(self.config)](self.port, config, baud=BAUD, latency=latency)

    def put_flash(self, image, level=1):
        """Give the board a flash with an image, or for None none, whose data line has this level then."""
        path = self._meeting / "flash"
        low, new = path.with_suffix(".low"), path.with_suffix(".new")
        low.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        if image is not None:
            new.write_bytes(bytes(IMAGE_ADDRESS) + image)
            new.rename(path)
        elif not level:
            low.touch()

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
