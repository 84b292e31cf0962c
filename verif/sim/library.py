"""What does not depend on a design: Verilator's library and its headers, compiled once and kept in the user's cache."""

import json
import os
import platform
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from .cache import cache, digest

# Where a verilated design has its ports in memory.
PORT_ADDRESS = "port_address.cpp"
# Headers of Verilator's library, which take as long to compile as a small design.
HEADERS = "library.h"
# Beside the headers, precompiled.
_KEPT = ("verilated*.o", f"{Path(PORT_ADDRESS).stem}.o", HEADERS, f"{HEADERS}.gch")
# A library is removed if nothing was compiled with it for so long; another takes its place with each new version.
_DAYS = 30


def versions():
    """Of what builds depend on beside their sources and options."""
    return [version("cocotb"), version("verilator"), sys.version]


def library_sources():
    """Files by name that go into the library."""
    return {name: (Path(__file__).parent / name).read_text(encoding="utf-8") for name in (PORT_ADDRESS, HEADERS)}


def kept_library(folder, makefile):
    """Folder of the library for what a makefile of Verilator, in a folder, compiles; it need not be there."""
    what = [*_options(folder, makefile), *versions(), platform.node(), *library_sources().values()]
    return cache() / f"verilator_{digest(json.dumps(what))}"


def _options(folder, makefile):
    """What the makefiles of a design say of the library, which includes nothing of the design."""
    lines = [line for path in (folder / makefile, folder / f"{Path(makefile).stem}_classes.mk")
             for line in path.read_text(encoding="utf-8").split("\n")]
    switches = [line for line in lines if line.startswith("VM_") and line.endswith((" = 0", " = 1"))
                and not line.startswith("VM_PARALLEL_BUILDS")]
    start = lines.index("VM_USER_CFLAGS = \\") + 1
    flags = [word for line in lines[start:lines.index("", start)] for word in line.split() if not word.startswith("-I")]
    return [*switches, *(line for line in lines if line.startswith("  verilated")), *flags]


def take(library, folder):
    """Copy the library's objects, if it is there, into a folder whose makefile is written.

    They must be newer than the makefile, or make compiles them again, which takes many times as long as all else.
    """
    for path in library.glob("*.o"):
        shutil.copy(path, folder)
    with suppress(OSError):
        os.utime(library)


def keep(library, folder):
    """Keep what was compiled in a folder for others, and remove its precompiled headers, nine tenths of it."""
    if not library.exists():
        _copy([path for name in _KEPT for path in folder.glob(name)], library)
        _remove_unused(library.parent)
    for path in folder.glob("*.gch"):
        path.unlink()


def _copy(paths, library):
    """Copy files into a folder atomically; of two concurrent builds the first wins."""
    with suppress(OSError):
        library.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=library.parent) as name:
            for path in paths:
                shutil.copy(path, name)
            Path(name).chmod(0o755)
            Path(name).rename(library)
            Path(name).mkdir()


def _remove_unused(folder):
    for path in folder.glob("verilator_*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - _DAYS * 24 * 3600:
                shutil.rmtree(path, ignore_errors=True)
