"""Generated Verilog is read in `hdl.fabric.design` only: every other use of regular expressions has its reason here.

`hdl.fabric.verilog_format` makes it, of Amaranth's text.
"""

import ast

import pytest
from rooms import MODULES, read

REASONS = {
    "reads the generated Verilog, for all others": ("hdl.fabric.design",),
    "makes the generated Verilog of what Amaranth writes": ("hdl.fabric.verilog_format",),
    "names of cells, pins and nets in JSON of Yosys and nextpnr": (
        "verif.fault_injection.flip_flops", "scripts.fpga.block_usage", "scripts.fpga.floorplan",
        "scripts.fpga.synth_report", "scripts.fpga.board_clocks", "scripts.fpga.crossing_check"),
    "what tools print": ("scripts.fpga.flow", "scripts.common.sby", "scripts.mutation.testbenches",
                         "scripts.commands.program"),
    "commands of Yosys's mutate": ("scripts.mutation.mutants",),
    "netlists that other tools have written": ("scripts.fpga.unpack_bitstream", "scripts.fpga.reclock"),
    "Verilog of others, and what tools say of it": ("scripts.peers.design",),
    "liberty and LEF, which others write": (
        "scripts.asic.cells.liberty", "scripts.asic.cells.liberty_text", "scripts.asic.cells.functions"),
    "rules of an engine, as its golden executor says them": ("verif.engine.broken_rules",),
    "records of Verilator's coverage": ("scripts.reports.code_coverage",),
    "pages that PeakRDL has written": ("scripts.integration.systemrdl",),
}
REASONS_OF_TESTS = {
    "text of modules and documents": ("test_rooms", "test_docs", "test_words", "hdl.test_core", "hdl.test_members",
                                      "hdl.test_memory_wrapper", "hdl.test_verilog_tools", "scripts.test_integration",
                                      "host.test_link", "host.test_engine_compile"),
    "what commands and tools print or write": (
        "conftest", "golden.test_crossbar", "hdl.test_verilog", "host.test_engine_limits", "host.test_mapping",
        "helpers.opensta", "scripts.test_code_coverage", "scripts.test_layout",
        "scripts.test_floorplan", "scripts.test_inject", "scripts.test_peers", "scripts.test_prove",
        "scripts.test_regress", "scripts.test_reclock", "scripts.test_run", "scripts.test_soak"),
    "cells of RTLIL that Amaranth has written": ("hdl.test_fabric",),
    "names of cells in netlists": ("scripts.test_bench_fpga", "scripts.test_engine_cells", "scripts.test_synth"),
    "commands of Yosys's mutate": ("scripts.test_mutate",),
}
ALLOWED = {f"bitline.{module}" for modules in REASONS.values() for module in modules} | {
    f"tests.{module}" for modules in REASONS_OF_TESTS.values() for module in modules}


def uses(text):
    """Whether a module imports `re`, anywhere."""
    return any((isinstance(node, ast.Import) and any(alias.name in ("re", "regex") for alias in node.names))
               or (isinstance(node, ast.ImportFrom) and not node.level and node.module in ("re", "regex"))
               for node in ast.walk(ast.parse(text)))


def test_every_use_of_regular_expressions_has_its_reason():
    found = {module for module, text in {**MODULES, **read("tests", "tests")}.items() if uses(text)}
    assert sorted(found - ALLOWED) == [], "Verilog is asked for through `hdl.fabric.design`; else give the reason here"
    assert sorted(ALLOWED - found) == []


@pytest.mark.parametrize("text", ["import re", "def late():\n    import os, re", "from re import sub as replace"])
def test_a_use_is_noticed(text):
    assert uses(text) and not uses(text.replace("re", "ore"))
