import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.emit import emit_files, run_yosys
from bitline.hdl.fabric.design import Design
from bitline.hdl.fabric.memory_wrapper import HEAD, memory_module
from bitline.verif.sim.build import Surround, build
from bitline.verif.sim.core import build_core
from bitline.verif.sim.simulators import SimulatorError, source, tool_environment
from bitline.verif.sim.simulators import testbench as module_of
from places import ROOT
from some import some

# Parameters of columns, rows of a table writer, and tables in block RAM, whose reads pause.
CORE = CoreConfig(macro=MacroConfig(rows=11, columns=5, banks=2, max_accumulations=2, column="table",
                                    block_ram_columns=2),
                  output_stream_bits=32)
ONE_WORD = MacroConfig(rows=1, columns=1, weight_bits=1, input_bits=1, column="table")
SIMULATOR = "verilator"
LINTERS = ("verilator", "yosys", pytest.param("iverilog", marks=pytest.mark.needs("iverilog")))
MODEL = source("openram_sram.v").read_text(encoding="utf-8")


def defines(**macros):
    return "".join(f"`define {name} {value}\n" for name, value in macros.items())


# What comes before the Verilog, and what behind it. Of the smaller macro, many make a memory.
SMALL = {"BITLINE_SRAM": "sram", "BITLINE_SRAM_WIDTH": 24, "BITLINE_SRAM_ADDRESS_BITS": 2, "BITLINE_SRAM_MASK_BITS": 3}
BODIES = {
    "simulation": ("", ""),
    "fpga": (defines(BITLINE_MEMORY_FPGA=""), ""),
    "openram": (defines(BITLINE_MEMORY_OPENRAM=""), MODEL),
    "small openram": (defines(BITLINE_MEMORY_OPENRAM="", **SMALL), MODEL),
}


def around(body, verilog):
    before, behind = BODIES[body]
    return before + verilog + behind


def failed(folder):
    cases = list(ElementTree.parse(folder / "results.xml").iter("testcase"))
    assert cases
    return [case.get("name") for case in cases if case.find("failure") is not None or case.find("error") is not None]


def run_memory(verilog, width, depth, folder):
    """Names of the testbench's tests that failed."""
    visible = ("clk", "write", "write_address", "write_data", "enable", "address", "data")
    built = build(SimpleNamespace(name="memory"), simulator=SIMULATOR, verilog=verilog,
                  surround=Surround("memory", {}, {}, visible))
    try:
        built.run("bitline.verif.macro.tb_memory", seed=1, folder=folder,
                  environment={"BITLINE_WIDTH": str(width), "BITLINE_DEPTH": str(depth)})
    except SimulatorError as error:
        assert "failed" in str(error), error
    return failed(folder)


@pytest.mark.parametrize("width, depth", some([(70, 16), (24, 4), (1, 1), (33, 300), (25, 5)], 0))
@pytest.mark.parametrize("body", BODIES)
def test_memory_reads_what_was_written(body, width, depth, tmp_path):
    verilog = around(body, HEAD + memory_module("memory", width, depth))
    assert run_memory(verilog, width, depth, tmp_path) == []


# What each body says, and what it is broken to.
MUTATIONS = [
    ("simulation", "if (write) ", ""),
    ("simulation", "data <= word;\n      word", "data <= cells[address];\n      word"),
    ("fpga", "if (enable) begin\n      data <= word;\n      word", "begin\n      data <= word;\n      word"),
    ("small openram", "write_page == page", "write_page <= page"),
    ("small openram", "page_now <= read_page", "page_now <= 0"),
    ("small openram", "held <= word", "held <= held"),
    ("small openram", "fresh <= enable", "fresh <= 1'b1"),
    ("small openram", "stored[slice*", "stored[0*"),
    ("small openram", "MASK_BITS{1'b1}", "MASK_BITS{1'b0}"),
    ("small openram", "web0(1'b0)", "web0(1'b1)"),
    ("small openram", "csb1(!", "csb1("),
    ("small openram", "addr1(read_place", "addr1(write_place"),
]


@pytest.mark.parametrize("body, old, new", some(MUTATIONS))
def test_testbench_notices_a_broken_body(body, old, new, tmp_path):
    text = Design(HEAD + memory_module("memory", 70, 16)).mutated("memory", old, new).text
    assert run_memory(around(body, text), 70, 16, tmp_path) == ["memory"]


def run_core(config, body, testbench, test, folder, replace=("", "")):
    """Names of the tests that failed."""
    verilog = around(body, "\n".join(emit_files(config).values()).replace(*replace))
    core = build_core(config, simulator=SIMULATOR, verilog=verilog)
    environment = {"BITLINE_CORE_CONFIG": config.to_json(), "COCOTB_TEST_FILTER": rf"\.{test}$"}
    if testbench == "tb_core_example":
        environment["BITLINE_STEPS"] = json.dumps(example())
    try:
        core.run(module_of(testbench), seed=1, environment=environment, folder=folder)
    except SimulatorError as error:
        assert "failed" in str(error), error
    return failed(folder)


def example():
    """The steps of the documents' worked example."""
    text = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
    text = text[text.index("## A worked example"):text.index("## On each bus")]
    return re.findall(r"^\| [^|]+ \| `(\w+)` \| `([^`]+)` \|$", text, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("body", BODIES)
def test_core_works_with_each_body(body, tmp_path):
    assert run_core(CORE, body, "tb_core", "random_traffic", tmp_path) == []
    small = CoreConfig(macro=MacroConfig(rows=2, columns=2))
    assert run_core(small, body, "tb_core_example", "example", tmp_path) == []


@pytest.mark.slow
def test_core_notices_a_broken_body(tmp_path):
    # A core reads in every cycle: that words are held between reads shows in the test of a memory alone.
    assert run_core(CORE, "small openram", "tb_core", "random_traffic", tmp_path, ("web0(1'b0)", "web0(1'b1)")) == [
        "random_traffic"]


@pytest.mark.parametrize("config", [CORE, ONE_WORD], ids=lambda config: config.name)
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("tool", LINTERS)
def test_lint_clean(tool, body, config, tmp_path):
    files = {name: BODIES[body][0] + text for name, text in emit_files(config).items()}
    model = BODIES[body][1] and "/* verilator lint_off DECLFILENAME */\n" + files[f"{config.name}_memory.v"].partition(
        "/* verilator")[0] + MODEL
    for name, text in {**files, "model.v": model}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    paths = [str(tmp_path / name) for name in (*files, "model.v")]
    if tool == "yosys":
        run_yosys("\n".join(f"read_verilog <<verilog\n{text}\nverilog" for text in (*files.values(), model))
                  + f"\nhierarchy -check -top {config.name}\nproc\ncheck -assert\n")
        return
    command = {"verilator": ["verilator", "--lint-only", "-Wall", "--no-timing", "--top-module", config.name],
               "iverilog": ["iverilog", "-g2001", "-Wall", "-s", config.name, "-o", str(tmp_path / "out")]}[tool]
    with tool_environment():
        done = subprocess.run([*command, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_every_memory_with_a_clock_is_in_the_wrapper():
    for config in (CORE, ONE_WORD):
        files = emit_files(config)
        assert set(files) == {f"{config.name}.v", f"{config.name}_memory.v"}
        memories, own = (Design(files[f"{config.name}{end}.v"]).modules for end in ("_memory", ""))
        used = {instance.module for module in own.values() for instance in module.instances.values()}
        assert set(memories) == used - set(own)
        # A memory in the main file is read in the same cycle; but for what holds tags and results.
        queues = (f"{config.name}_tracker", f"{config.name}_packer")
        for name, module in own.items():
            for memory in module.memories if not name.startswith(queues) else ():
                assert any(value.startswith(f"{memory}[") for value in module.assigned.values()), name
    assert set(emit_files(MacroConfig(rows=3, columns=2))) == {"bitline_3x2_w8x8_" + MacroConfig(
        rows=3, columns=2).hash + ".v"}
