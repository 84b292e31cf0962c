"""Copies of one core, and cores of other kinds, in one design, in every form in which a core comes."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import combinations

import pytest
import yaml
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.hdl.config.formats import block_macro
from bitline.scripts.commands.generate import generate_core
from bitline.scripts.integration.ip_xact import NAMESPACE
from bitline.verif.engine.small_engines import OUTSIDE
from bitline.verif.sim.simulators import tool_environment
from systemrdl import RDLCompiler

ONE = CoreConfig(macro=MacroConfig(rows=3, columns=2))
OTHER = CoreConfig(macro=MacroConfig(rows=12, columns=5, banks=2), checksum=True, output="int16")
ENGINE = EngineCoreConfig(engine=OUTSIDE[4])
BLOCKS = BlockCoreConfig(blocks=block_macro("MXFP4", columns=2, input_beat_bits=32), bus="apb")
CORES = (ONE, OTHER, ENGINE, BLOCKS)
# Name of each instance, and its core.
INSTANCES = {"first": ONE, "second": ONE, "third": OTHER, "fourth": ENGINE, "fifth": ENGINE, "sixth": BLOCKS}
WRAPPED = {name: config for name, config in INSTANCES.items() if config.bus == "axi"}
SOC = """
import json, sys, types
from importlib import import_module
from migen import ClockDomain
from litex.build.generic_platform import Pins
from litex.build.sim import SimPlatform
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCCore

platform = SimPlatform("SIM", [("sys_clk", 0, Pins(1))])
soc = SoCCore(platform, int(1e6), cpu_type=None, with_uart=False, with_timer=False)
soc.crg = types.SimpleNamespace()
soc.clock_domains.cd_sys = ClockDomain("sys")
for number, (name, module) in enumerate(json.loads(sys.argv[1]).items()):
    core = import_module(module + "_litex").BitlineCore(platform, folder="cores")
    setattr(soc, name, core)
    soc.bus.add_slave(name, core.bus, SoCRegion(origin=0x40000000 + 0x1000 * number, size=0x1000, cached=False))
    if hasattr(core, "dma"):
        soc.bus.add_master(name, core.dma)
soc.finalize()
sources = [str(source[0]) for source in platform.sources]
print("\\n" + json.dumps([str(platform.get_verilog(soc)), sources]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a folder of each core."""
    path = tmp_path_factory.mktemp("cores")
    for config in CORES:
        generate_core(config, path / config.name)
    return path


def text_of(folder, config, end):
    return (folder / config.name / f"{config.name}{end}").read_text(encoding="utf-8")


def design_of(folder):
    """The Verilog of a top module with all instances, each in a module with a net for each port."""
    body = "".join(f"    {name} {name} ();\n" for name in INSTANCES)
    wrappers = (f"module {name};\n{text_of(folder, config, '_instance.v')}endmodule\n"
                for name, config in INSTANCES.items())
    return f"module top;\n{body}endmodule\n{''.join(wrappers)}"


def test_folder_of_another_core_is_refused(refused, folder):
    before = sorted(folder.rglob("*"))
    refused("generate", "--core", "--rows", 4, "--columns", 2, "--out", folder / ONE.name,
            match=f"must hold no other core, and holds {ONE.name}$")
    refused("generate", "--core", "--rows", 3, "--columns", 2, "--fabric", "ecp5", "--result-interval", 1,
            "--out", folder / ONE.name,
            match=f"must hold no core of fabric generic, and holds {ONE.name}$")
    assert sorted(folder.rglob("*")) == before


def test_core_is_written_again(folder):
    path = folder / ONE.name / f"{ONE.name}.json"
    before = path.read_text(encoding="utf-8")
    path.write_text("", encoding="utf-8")
    generate_core(ONE, folder / ONE.name)
    assert path.read_text(encoding="utf-8") == before


def test_in_systemrdl(folder):
    compiler = RDLCompiler()
    for config in CORES:
        compiler.compile_file(str(folder / config.name / f"{config.name}.rdl"))
    top = folder / "top.rdl"
    lines = [f"{config.name} {name} @ {0x1000 * number:#x};" for number, (name, config) in enumerate(INSTANCES.items())]
    top.write_text(f"addrmap top {{ {' '.join(lines)} }};", encoding="utf-8")
    compiler.compile_file(str(top))
    found = {child.inst_name: {register.inst_name: {field.inst_name: field for field in register.fields()}
                               for register in child.registers()}
             for child in compiler.elaborate("top").top.children()}
    rows = {name: registers["shape"]["rows"].get_property("reset") for name, registers in found.items()}
    assert rows == {name: config.flat()["rows"] for name, config in INSTANCES.items()}
    codes = {name: registers["error"]["code"].get_property("encode") for name, registers in found.items()}
    assert codes["first"] is codes["second"] and codes["fourth"] is codes["fifth"]
    assert len(set(map(id, codes.values()))) == len(CORES)


def test_in_ip_xact(folder):
    roots = [ElementTree.fromstring(text_of(folder, config, ".xml")) for config in CORES]
    identifiers = [[root.find(f"{{{NAMESPACE}}}{part}").text for part in ("vendor", "library", "name", "version")]
                   for root in roots]
    assert [identifier[2] for identifier in identifiers] == [config.name for config in CORES]
    blocks = [root.find(f".//{{{NAMESPACE}}}addressBlock/{{{NAMESPACE}}}name").text for root in roots]
    files = [{file.text for file in root.iterfind(f".//{{{NAMESPACE}}}file/{{{NAMESPACE}}}name")} for root in roots]
    assert blocks == [config.name for config in CORES]
    # What several have is the same.
    for (one, ours), (other, others) in combinations(zip(CORES, files), 2):
        assert ours & others or ENGINE in (one, other)
        assert all((folder / one.name / name).read_bytes() == (folder / other.name / name).read_bytes()
                   for name in ours & others)


def test_in_c(folder):
    lines = [f'#include "{config.name}/{config.name}_registers.h"' for config in CORES]
    lines += [f'_Static_assert({config.name.upper()}__SHAPE__ROWS_reset == {config.flat()["rows"]}, "");'
              for config in CORES]
    path = folder / "both.c"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    subprocess.run(["gcc", "-std=c11", "-Wall", "-Werror", "-fsyntax-only", str(path)], check=True)


def test_in_verilator(folder):
    sources = [f"{config.name}/{name}" for config in CORES for name in text_of(folder, config, ".f").split()]
    (folder / "top.v").write_text(design_of(folder), encoding="utf-8")
    with tool_environment():
        done = subprocess.run(["verilator", "--lint-only", "-Wall", "-Wno-UNUSEDSIGNAL", "-Wno-UNDRIVEN",
                               "-Wno-DECLFILENAME", "-Wno-MULTITOP", "--top-module", "top", "top.v", *sources],
                              cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_in_fusesoc(folder):
    description = {"name": "::both:1.0",
                   "filesets": {"rtl": {"depend": [f"bitline:core:{config.name}" for config in CORES],
                                        "files": [{"top.v": {"file_type": "verilogSource"}}]}},
                   "targets": {"lint": {"filesets": ["rtl"], "toplevel": "top", "default_tool": "verilator",
                                        "tools": {"verilator": {"mode": "lint-only", "verilator_options": [
                                            "-Wno-UNDRIVEN"]}}}}}
    (folder / "both.core").write_text("CAPI=2:\n" + yaml.safe_dump(description), encoding="utf-8")
    (folder / "top.v").write_text(design_of(folder), encoding="utf-8")
    with tool_environment():
        done = subprocess.run([sys.executable, "-m", "fusesoc.main", "--cores-root", str(folder), "run", "--target",
                               "lint", "both"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_in_litex(folder):
    modules = {name: config.name for name, config in WRAPPED.items()}
    for config in WRAPPED.values():
        (folder / f"{config.name}_litex.py").write_text(text_of(folder, config, "_litex.py"), encoding="utf-8")
    (folder / "soc.py").write_text(SOC, encoding="utf-8")
    done = subprocess.run([sys.executable, "soc.py", json.dumps(modules)], cwd=folder, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    verilog, sources = json.loads(done.stdout.splitlines()[-1])
    instances = [line.split()[0] for line in verilog.splitlines() if line.startswith("bitline_")]
    assert sorted(instances) == sorted(modules.values())
    assert len(sources) == len(set(sources)) == 6
