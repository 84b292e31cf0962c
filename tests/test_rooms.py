"""The order of the rooms, which are folders: a room imports only what stands before it. Tests import anything."""

import ast
import re

import pytest
from rooms import MODULES, ROOMS, SETUPTOOLS, read, room_of

NAMING = ("tests.test_rooms", "tests.test_words", "tests.helpers.rooms")
# Subcommands, a group of them as one: none imports another. Nothing imports a testbench, which needs what only
# simulations have.
COMMAND, TESTBENCH = r"bitline\.scripts\.commands\.((?:networks\.)?\w+)", r"bitline\.verif\.\w+\.tb_"


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
        other, own, others = room_of(name), re.match(COMMAND, module), re.match(COMMAND, name)
        is_hardware = name.split(".")[0] == "amaranth" and room <= ROOMS.index("hdl.config")
        is_command = own and others and own[1] != others[1]
        if is_hardware or (other is not None and other > room) or is_command or re.match(TESTBENCH, name):
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
    tests = {test: text for test, text in read("tests", "tests").items() if test not in NAMING}
    assert [(test, path) for test, text in tests.items() for path in paths(ast.parse(text))] == []


@pytest.mark.parametrize("module, text", [
    ("golden.mvm", "from ..hdl.config import MacroConfig"),
    ("hdl.config.macro", "from amaranth.lib import data"),
    ("hdl.fabric.mux", "def late():\n    from ..columns import adder_tree"),
    ("verif.fault_injection.storage", "from ...host.board.link import Link"),
    ("host.mapping.tiling", "import bitline.scripts.common.files"),
    ("scripts.commands.demo", "from .simulate import command"),
    ("scripts.commands.bench.fpga", "from .. import synth"),
    ("scripts.commands.networks.explore", "from .run import command"),
    ("verif.core.tb_core_races", "from .tb_core import begin"),
    ("scripts.commands.inject.weights", "from ....verif.fault_injection.tb_upsets import FILE"),
    ("host.board.board", "player = root / 'verif' / 'sim'"),
    ("scripts.fpga.flow", "folder = Path(bitline.verif.__file__).parent"),
])
def test_what_is_forbidden_is_noticed(module, text):
    assert len(list(faults(f"bitline.{module}", text))) == 1


@pytest.mark.parametrize("module, text", [
    ("verif.link.tb_link", "from ...host.board.link import Link"),
    ("scripts.commands.bench.__init__", "from . import core, fpga"),
    ("verif.core.tb_core_races", "from .core_steps import begin"),
])
def test_what_is_allowed_is_no_fault(module, text):
    assert not list(faults(f"bitline.{module}", text))


def test_every_folder_is_a_room_and_an_installed_package():
    folders = {module.rpartition(".")[0] for module in MODULES}
    assert folders == set(SETUPTOOLS["packages"]) and all(f"{folder}.__init__" in MODULES for folder in folders)
    groups = {f"bitline.scripts.commands.{name}" for name in ("bench", "inject", "networks")}
    assert folders - groups == {f"bitline.{room}" for room in ROOMS}
