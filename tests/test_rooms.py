"""The order of the rooms, which are folders: a room imports only what stands before it. Tests import anything."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
# A room is the files of a folder without those of the rooms in it.
ROOMS = [
    "golden", "hdl.config", "hdl.fabric", "hdl.columns", "hdl.macro", "hdl.csr", "hdl.bist", "hdl.core", "hdl",
    "hdl.measure", "hdl.uart_bridge", "constraints", "verif", "verif.sim", "verif.macro", "verif.core",
    "verif.fault_injection", "verif.formal", "host.network", "host.network.operators", "host.network.files",
    "host.mapping", "host.board", "verif.link", "host", "scripts.common", "scripts.fpga", "scripts.integration",
    "scripts.kit", "scripts.reports", "scripts.mutation", "scripts.commands", "scripts",
]


def read(folder, name):
    """The text of each module of a folder, by its full name."""
    return {".".join((name, *path.relative_to(ROOT / folder).with_suffix("").parts)): path.read_text(encoding="utf-8")
            for path in (ROOT / folder).rglob("*.py")}


MODULES = {module: text for name, folder in SETUPTOOLS["package-dir"].items()
           for module, text in read(folder, name).items()}
# Subcommands, a group of them as one, and testbenches: none imports another.
KINDS = (r"bitline\.scripts\.commands\.(\w+)", r"bitline\.verif\.\w+\.(tb_\w+)")


def room_of(name):
    """The number of the room of a module, or of a name in one; None if it is not Bitline's."""
    found = [room for room in ROOMS if f"{name}.".startswith(f"bitline.{room}.")]
    return ROOMS.index(max(found, key=len)) if found else None


def imports(module, tree):
    """Full names of what a module imports, in functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[:-node.level] if node.level else []
            yield from (".".join([*above, *filter(None, [node.module]), alias.name]) for alias in node.names)


def faults(module, text):
    """What a module imports that it must not, and paths that it must not know."""
    tree, room = ast.parse(text), room_of(module)
    for name in imports(module, tree):
        other, kinds = room_of(name), [(re.match(kind, module), re.match(kind, name)) for kind in KINDS]
        is_hardware = name.split(".")[0] == "amaranth" and room <= ROOMS.index("hdl.config")
        if is_hardware or (other is not None and other > room) or any(a and b and a[1] != b[1] for a, b in kinds):
            yield f"{module} imports {name}"
    if not module.startswith("bitline.verif."):
        yield from (f"{module} says {path}" for path in paths(tree))


def paths(tree):
    """What is or begins a path of a file of `verif`; its own `source` finds those."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and re.search(r"(^|/)verif(/|$)", str(node.value)):
            yield node.value
        elif isinstance(node, ast.Attribute) and ast.unparse(node) == "bitline.verif.__file__":
            yield ast.unparse(node)


def test_each_room_keeps_to_the_order():
    assert [fault for module, text in MODULES.items() for fault in faults(module, text)] == []
    tests = {test: text for test, text in read("tests", "tests").items() if test != "tests.test_rooms"}
    assert [(test, path) for test, text in tests.items() for path in paths(ast.parse(text))] == []


@pytest.mark.parametrize("module, text", [
    ("golden.mvm", "from ..hdl.config import MacroConfig"),
    ("hdl.config.macro", "from amaranth.lib import data"),
    ("hdl.fabric.mux", "def late():\n    from ..columns import adder_tree"),
    ("verif.core.storage", "from ...host.board.link import Link"),
    ("host.mapping.tiling", "import bitline.scripts.common.files"),
    ("scripts.commands.demo", "from .simulate import command"),
    ("scripts.commands.bench.fpga", "from .. import synth"),
    ("verif.core.tb_bus", "from .tb_core import begin"),
    ("host.board.board", "player = root / 'verif' / 'sim'"),
    ("scripts.fpga.flow", "folder = Path(bitline.verif.__file__).parent"),
])
def test_what_is_forbidden_is_noticed(module, text):
    assert len(list(faults(f"bitline.{module}", text))) == 1


@pytest.mark.parametrize("module, text", [
    ("verif.link.tb_link", "from ...host.board.link import Link"),
    ("scripts.commands.bench.__init__", "from . import core, fpga"),
    ("verif.core.tb_bus", "from .core_steps import begin"),
])
def test_what_is_allowed_is_no_fault(module, text):
    assert not list(faults(f"bitline.{module}", text))


def test_every_folder_is_a_room_and_an_installed_package():
    folders = {module.rpartition(".")[0] for module in MODULES}
    assert folders == set(SETUPTOOLS["packages"]) and all(f"{folder}.__init__" in MODULES for folder in folders)
    assert folders - {"bitline.scripts.commands.bench"} == {f"bitline.{room}" for room in ROOMS}
