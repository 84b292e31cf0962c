"""What a kind of column is stands in `hdl.config` and `hdl.columns`; elsewhere nothing is decided by its name."""

import ast

import pytest
from bitline.hdl.columns.kinds import GATEWARE
from bitline.hdl.config import KINDS, MacroConfig
from bitline.scripts.fpga.families import CLASSES
from rooms import MODULES, ROOMS, read, room_of

ROOMS_OF_KINDS = {ROOMS.index("hdl.config"), ROOMS.index("hdl.columns")}
SIZE = {"rows": 4, "columns": 4}
CONFIGS = [MacroConfig(column=name, **SIZE, **{parameter: value}) for name, kind in KINDS.items()
           for parameter, values in kind.samples(SIZE["columns"]).items() for value in values]
NAMES = set(KINDS) | {shape.storage for config in CONFIGS for shape in config.shapes}
# Cells of a device have classes, some of which are called as kinds of storage are; what is asked of a configuration or
# a shape is no class of cells.
OF_CELLS = ("bitline.scripts.fpga.", "bitline.scripts.commands.bench.", "tests.scripts.")
OF_KINDS = {"column", "kind", "shape", "shapes", "storage", "blocks"}
LOOKUPS = {"get", "pop", "setdefault", "startswith", "endswith", "index", "count"}


def decisions(tree):
    """Where names decide something: the constants, and all that they are compared with or looked up in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            found = [each for side in sides for each in (
                side.elts if isinstance(side, (ast.Tuple, ast.List, ast.Set)) else [side])]
            yield found, node
        elif isinstance(node, ast.Subscript):
            yield [node.slice], node
        elif isinstance(node, ast.MatchValue):
            yield [node.value], node
        elif isinstance(node, ast.Dict):
            yield node.keys, node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOOKUPS:
            yield node.args, node


def faults(module, text):
    """Lines of a module that decide something by the name of a kind or its storage."""
    if room_of(module) in ROOMS_OF_KINDS:
        return
    for constants, node in decisions(ast.parse(text)):
        names = {each.value for each in constants if isinstance(each, ast.Constant)} & NAMES
        asked = {each.attr if isinstance(each, ast.Attribute) else each.id for each in ast.walk(node)
                 if isinstance(each, (ast.Attribute, ast.Name))}
        if module.startswith(OF_CELLS) and not asked & OF_KINDS:
            names -= set(CLASSES)
        if names:
            yield f"{module}:{node.lineno} decides by {', '.join(sorted(names))}"


def test_nothing_is_decided_by_the_name_of_a_kind():
    modules = {**MODULES, **read("tests", "tests")}
    assert [fault for module, text in modules.items() for fault in faults(module, text)] == []


@pytest.mark.parametrize("module, text", [
    ("hdl.macro.macro", "writes = a if config.column == 'table' else b"),
    ("golden.cycles", "if config.column != 'bitcell':\n    pass"),
    ("hdl.macro.controller", "levels = config.tables['lut_ram'].levels"),
    ("hdl.measure.column_array", "planes = {'bitcell': plane, 'block_ram': plane}"),
    ("verif.fault_injection.storage", "if storage in ('lut_ram', 'block_ram'):\n    pass"),
    ("host.backends", "match config.column:\n    case 'table':\n        pass"),
    ("scripts.reports.code_coverage", "rules = RULES.get('bitcell')"),
    ("scripts.fpga.netlist", "fits = 'lut_ram' not in config.shapes"),
    ("scripts.fpga.array_flow", "in_block_ram = self.kind.name == 'block_ram'"),
    ("scripts.fpga.flow", "if kind == 'table':\n    pass"),
])
def test_what_decides_by_a_name_is_noticed(module, text):
    assert len(list(faults(f"bitline.{module}", text))) == 1


@pytest.mark.parametrize("module, text", [
    ("hdl.config.tables", "is_offset = self.storage == 'lut_ram'"),
    ("hdl.columns.kinds", "GATEWARE = {'bitcell': 1, 'table': 2}"),
    ("verif.macro.regression", "SUITE = [MacroConfig(rows=1, columns=1, column='table'), {'column': 'table'}]"),
    ("scripts.fpga.families", "cells = {'lut_ram': ('RAM16',), 'block_ram': ('SDP',)}"),
    ("scripts.commands.bench.core", "sites = counts['block_ram']"),
])
def test_data_and_classes_of_cells_are_no_fault(module, text):
    assert not list(faults(f"bitline.{module}", text))


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_each_kind_has_numbers_and_gateware(config):
    assert sum(config.shapes.values()) == config.columns
    for shape in config.shapes:
        assert shape.kind == config.column and shape.kind in GATEWARE
        assert GATEWARE[shape.kind].column_write_layout(shape, 2).size > 0
    assert set(GATEWARE) == {*KINDS, "ones"}
