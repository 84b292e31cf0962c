import json
import re
import subprocess
from dataclasses import replace

import pytest
from bitline.golden.engine.image import Fault
from bitline.golden.formats.blocks import NUMBER_OF
from bitline.hdl.config import BUS_NAMES, CoreConfig, MacroConfig
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.engine import default_engine
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.hdl.config.formats import block_macro
from bitline.hdl.core.top import core_ports
from bitline.hdl.csr.register_map import FORMER_NAMES, Access, register_map
from bitline.hdl.fabric.design import Design
from bitline.scripts.commands.generate import generate_core
from bitline.scripts.integration.c_headers import (
    BLOCK_DRIVER,
    DRIVER,
    ENGINE_DRIVER,
    FULL_ENGINE,
    driver_files,
    values_header,
)
from bitline.scripts.integration.engine_steps import engine_steps
from bitline.scripts.integration.files import integration_files
from bitline.scripts.integration.interfaces import package
from bitline.scripts.integration.systemrdl import systemrdl
from bitline.verif.sim.simulators import tool_environment
from some import some
from systemrdl import RDLCompiler

CONFIG = CoreConfig(macro=MacroConfig(rows=12, columns=5, banks=2, max_accumulations=2), checksum=True)

CORES = [CONFIG, CoreConfig(macro=MacroConfig(rows=3, columns=2), output="int32"),
         CoreConfig(macro=MacroConfig(rows=3, columns=2), dma=64)]
ALL_KINDS = [*CORES, EngineCoreConfig(engine=FULL_ENGINE), BlockCoreConfig(blocks=block_macro(
    "MXINT8+MXFP8_E4M3", columns=1, macro={"banks": 16}, input_beat_bits=1024), bus="apb")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A core's folder, as `bitline generate` writes it."""
    path = tmp_path_factory.mktemp("core")
    generate_core(CONFIG, path)
    return path


@pytest.mark.parametrize("config", ALL_KINDS, ids=lambda config: config.name)
def test_systemrdl_says_what_the_table_says(config, tmp_path):
    path = tmp_path / "core.rdl"
    path.write_text(systemrdl(config), encoding="utf-8")
    compiler = RDLCompiler()
    compiler.compile_file(str(path))
    found = {}
    for register in compiler.elaborate().top.registers():
        for field in register.fields():
            found[register.inst_name, field.inst_name] = (register.address_offset, field.low, field.width,
                                                          field.get_property("reset"), field.is_sw_writable)
    read_only = (Access.CONSTANT, Access.RO)
    assert found == {(register.name, field.name): (register.offset, field.low, field.bits, field.reset,
                                                   field.access not in read_only)
                     for register in package(config).registers for field in register.fields}


@pytest.mark.parametrize("config", ALL_KINDS, ids=lambda config: config.name)
def test_c_headers_have_the_offsets_masks_and_values(config, tmp_path):
    """Those of the driver are the same for every core of its kind, and have all fields of any."""
    part = package(config)
    headers = headers_of(part.driver) | {"values.h": values_header(config.name, part.driver, part.registers)}
    facts = []
    for register in part.registers:
        facts.append(f"offsetof({part.driver}_t, {register.name}) == {register.offset}")
        for field in register.fields:
            name, own = (f"{prefix}__{register.name}__{field.name}".upper() for prefix in (part.driver, config.name))
            # Of a field that some cores have with more bits the header has all.
            facts += [f"({name}_bm & {field.mask:#x}u) == {field.mask:#x}u", f"{name}_bp == {field.low}",
                      f"{name}_bm == (0xffffffffu >> (32 - {name}_bw)) << {name}_bp",
                      f"{own}_reset == {field.reset:#x}u"]
    facts += [f"{part.driver.upper()}_ERROR_{code.name} == {code.value}" for code in part.errors]
    compile_facts(tmp_path, headers, facts)


def headers_of(driver):
    """Headers by name."""
    return {name: text for name, text in driver_files(driver).items() if name.endswith(".h")}


def compile_facts(folder, headers, facts):
    """Static assertions behind some headers."""
    for name, text in headers.items():
        (folder / name).write_text(text, encoding="utf-8")
    lines = ["#include <stddef.h>", *(f'#include "{name}"' for name in headers),
             *(f'_Static_assert({fact}, "");' for fact in facts)]
    (folder / "check.c").write_text("\n".join(lines) + "\n", encoding="utf-8")
    subprocess.run(["gcc", "-std=c11", "-fsyntax-only", str(folder / "check.c")], check=True)


def test_c_headers_have_former_names(tmp_path):
    facts = []
    for former, name in FORMER_NAMES.items():
        former, name = (f"BITLINE_CORE__{path.replace('.', '__')}".upper() for path in (former, name))
        facts.append(f"{former}_bm == {name}_bm && {former}_bp == {name}_bp && {former}_bw == {name}_bw")
    compile_facts(tmp_path, headers_of(DRIVER), facts)


def test_c_headers_have_faults_and_formats(tmp_path):
    facts = [f"BITLINE_ENGINE_FAULT_{fault.name} == {fault.value}" for fault in Fault]
    facts += [f"BITLINE_BLOCK_CORE_{name} == {number}" for name, number in NUMBER_OF.items()]
    compile_facts(tmp_path, headers_of(ENGINE_DRIVER) | headers_of(BLOCK_DRIVER), facts)


def test_pages_have_every_register(folder):
    pages = "".join(path.read_text(encoding="utf-8") for path in (folder / "registers" / "content").glob("*.html"))
    assert all(register.name in pages for register in register_map(CONFIG))


@pytest.mark.parametrize("bus", some(BUS_NAMES, 0))
def test_template_instantiates_the_core(bus, tmp_path):
    config = CoreConfig(macro=MacroConfig(rows=3, columns=2), bus=bus, reset="asynchronous")
    files = integration_files(config)
    instance = files[f"{config.name}_instance.v"]
    (tmp_path / "top.v").write_text(f"module top;\n{instance}endmodule\n", encoding="utf-8")
    sources = files[f"{config.name}.f"].split()
    assert sources == [f"{config.name}.v", f"{config.name}_memory.v"]
    for name in sources:
        (tmp_path / name).write_text(files[name], encoding="utf-8")
    with tool_environment():
        done = subprocess.run(["verilator", "--lint-only", "-Wall", "-Wno-UNUSEDSIGNAL", "-Wno-UNDRIVEN",
                               "-Wno-DECLFILENAME", "--top-module", "top", "top.v", *sources], cwd=tmp_path,
                              capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    assert (f"{config.name}_litex.py" in files) == (bus == "axi")


def test_sidecar_ports_and_attributes_are_those_of_the_verilog(folder):
    top = Design((folder / f"{CONFIG.name}.v").read_text(encoding="utf-8")).modules[CONFIG.name]
    declared = {port.name: (port.direction, port.width) for port in top.ports.values()}
    described = json.loads((folder / f"{CONFIG.name}.json").read_text(encoding="utf-8"))
    assert {port["name"]: (port["direction"], port["width"]) for port in described["ports"]} == declared
    assert CoreConfig.from_dict(described["configuration"]) == CONFIG
    assert {name: port.attributes for name, port in top.ports.items()} == {
        port.name: port.attributes for port in core_ports(CONFIG)}


def test_constraints_have_every_port_once(folder):
    text = (folder / f"{CONFIG.name}.sdc").read_text(encoding="utf-8")
    names = re.findall(r"get_ports \{?(\w+)", text)
    assert sorted(names) == sorted(port.name for port in core_ports(CONFIG))


def test_same_bytes_every_time(monkeypatch):
    before = integration_files(CONFIG)
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert integration_files(CONFIG) == before


def test_wrapper_is_python():
    compile(integration_files(CONFIG)[f"{CONFIG.name}_litex.py"], "litex", "exec")


@pytest.mark.parametrize("options, match", [
    (("--bus", "apb"), "--bus must come with --core, and does not"),
    (("--core", "--bus", "ahb"), "bus must be one of axi, wishbone, apb, not 'ahb'"),
    (("--core", "--fuse", 2), "fuse must be 1 in a core, not 2"),
    (("--core", "--output-stream-bits", 65), "output_stream_bits must be one of .*, not 65"),
])
def test_wrong_options_are_refused(refused, tmp_path, options, match):
    refused("generate", "--rows", 4, "--columns", 2, *options, "--out", tmp_path / "out", match=match)
    assert not (tmp_path / "out").exists()


def test_core_is_generated_from_its_own_configuration(cli, tmp_path, folder):
    description = json.loads((folder / f"{CONFIG.name}.json").read_text(encoding="utf-8"))
    path = tmp_path / "core.json"
    path.write_text(json.dumps(description["configuration"]), encoding="utf-8")
    status, output, _ = cli("generate", "--core", "--config", path, "--out", tmp_path / "out")
    assert status == 0 and f"{CONFIG.name}.v" in output
    assert (tmp_path / "out" / f"{CONFIG.name}.v").read_bytes() == (folder / f"{CONFIG.name}.v").read_bytes()


@pytest.mark.parametrize("options, interval", [
    ((), 1), (("--fabric", "ecp5"), 4), (("--fabric", "ecp5", "--result-interval", 2), 2),
    (("--fabric", "ecp5", "--config"), 1), pytest.param(("--fabric", "ecp5", "--core"), 4, marks=pytest.mark.slow),
    pytest.param(("--core",), 1, marks=pytest.mark.slow)], ids=str)
def test_result_interval_suits_the_fabric_unless_it_is_given(options, interval, cli, tmp_path):
    config = MacroConfig(rows=2, columns=2, result_interval=interval)
    if "--config" in options:
        # A file means the same everywhere.
        (tmp_path / "macro.json").write_text('{"rows": 2, "columns": 2}', encoding="utf-8")
        options = (*options, tmp_path / "macro.json")
    else:
        options = ("--rows", 2, "--columns", 2, *options)
    status, output, _ = cli("generate", *options, "--out", tmp_path / "out")
    name = CoreConfig(macro=config).name if "--core" in options else config.name
    assert status == 0 and f"{name}.v" in output


@pytest.mark.parametrize("options, match", [
    (("--rows", 4, "--columns", 2), "a core must be described with --core"),
    (("--core", "--rows", 4, "--columns", 2), "banks must be 2 or more to reload one, not 1"),
    (("--core", "--rows", 4, "--columns", 2, "--banks", 2, "--bus", "apb"), "bus must be axi to be measured, not apb"),
    (("--core", "--rows", 4, "--columns", 2, "--banks", 2, "--check"), "--check must come with --seeds, and does not"),
])
def test_what_cannot_be_measured_is_refused(refused, options, match):
    refused("bench", "core", *options, match=match)


@pytest.mark.parametrize("least", [{"tile_rows": 16}, {"parameter_slots": 1}], ids=lambda least: str(least))
def test_testbench_of_an_engine_with_little_room(least):
    assert engine_steps(EngineCoreConfig(engine=replace(default_engine(), **least))).steps
