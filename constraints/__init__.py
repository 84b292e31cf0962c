"""Boards: which part, which clock, which pins, and a macro and engines that fit."""

from dataclasses import dataclass
from importlib import import_module

from ..hdl.config import MacroConfig
from ..hdl.config.engine import EngineConfig

# All USB bridges of these boards do this rate, and all clocks are a multiple of it.
BAUD = 1_000_000


@dataclass(frozen=True)
class Flash:
    """The flash that a board's part is configured from, with an engine's image behind the bitstream.

    Attributes
    ----------
    resource : str
        What the platform calls it.
    image_address : int
        Of the image: a multiple of 64 KiB, which a flash erases at once, beyond every bitstream of the part.
    image_room : int
        Bytes from there to the end of the smallest flash that such boards have.
    """

    resource: str
    image_address: int
    image_room: int


@dataclass(frozen=True)
class Board:
    """One board.

    Attributes
    ----------
    name : str
        As `bitline synth --board` takes it.
    platform : (str, str)
        Module and class that describe pins and clock to Amaranth.
    device : str
        Its part, a key of `scripts.fpga.flow.DEVICES`.
    clock : float
        Hz of the oscillator that the bridge runs from.
    pll : str
        The cell that makes the macro's clock of it, a key of `hdl.clocking.pll.PLLS`.
    baud : int
        Bits a second of the serial port.
    loader : str
        What openFPGALoader calls it.
    default : MacroConfig
        A macro that fits together with the bridge.
    engines : tuple of EngineConfig
        Engines that fit with the least memories, to which a network adds, the smallest first; none where none is known.
    flash : Flash or None
        Where the engine's image may be.
    """

    name: str
    platform: tuple
    device: str
    clock: float
    pll: str
    baud: int
    loader: str
    default: MacroConfig
    engines: tuple = ()
    flash: Flash | None = None

    def create_platform(self):
        """A fresh platform, which gives each of its resources away once; ImportError without amaranth-boards."""
        module, name = self.platform
        return getattr(import_module(module), name)()


BOARDS = {board.name: board for board in (
    Board("ulx3s_85f", ("amaranth_boards.ulx3s", "ULX3S_85F_Platform"), "LFE5U-85F", 25e6, "EHXPLLL", BAUD,
          "ulx3s", MacroConfig(rows=32, columns=32, column="table", result_interval=4),
          (EngineConfig(macro=MacroConfig(rows=16, columns=16, banks=2, column="table", result_interval=4), lanes=4,
                        sum_slots=16, sum_bits=25, depthwise=0),
           EngineConfig(macro=MacroConfig(rows=64, columns=32, banks=2, column="table", result_interval=4), lanes=8)),
          Flash("spi_flash", 3 << 20, 1 << 20)),
    Board("icebreaker", ("amaranth_boards.icebreaker", "ICEBreakerPlatform"), "iCE40UP5K", 12e6,
          "SB_PLL40_2_PAD", BAUD, "ice40_generic", MacroConfig(rows=16, columns=4, result_interval=2)),
    Board("ice40_hx8k_b_evn", ("amaranth_boards.ice40_hx8k_b_evn", "ICE40HX8KBEVNPlatform"), "iCE40HX8K", 12e6,
          "SB_PLL40_CORE", BAUD, "ice40_generic", MacroConfig(rows=16, columns=8, result_interval=2)),
    Board("tang_nano_9k", ("amaranth_boards.tang_nano_9k", "TangNano9kPlatform"), "GW1NR-9C", 27e6, "rPLL", BAUD,
          "tangnano9k", MacroConfig(rows=16, columns=4, result_interval=2)),
)}
