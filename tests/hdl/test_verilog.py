import json
import os
import re
import subprocess
import sys

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.formats import block_macro
from bitline.hdl.emit import FABRICS, WAIVERS, design, emit, run_yosys, sidecar
from bitline.hdl.fabric.design import Design
from bitline.hdl.fabric.verilog_format import without_escapes
from bitline.scripts.integration.cell_models import cell_models
from bitline.verif.engine.small_engines import DEPTHWISE, OUTSIDE
from bitline.verif.sim.simulators import tool_environment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from some import some

NAMED = [
    {"rows": 1, "columns": 1, "weight_bits": 1, "input_bits": 1},
    {"rows": 3, "columns": 5},
    {"rows": 13, "columns": 7, "weight_bits": 5, "input_bits": 3, "banks": 3, "max_accumulations": 33,
     "tree": "carry_save"},
    {"rows": 16, "columns": 8, "banks": 2, "fuse": 4, "max_accumulations": 4},
    {"rows": 64, "columns": 12, "banks": 2, "max_accumulations": 4},
    {"rows": 1, "columns": 1, "weight_bits": 1, "input_bits": 1, "column": "table"},
    {"rows": 13, "columns": 5, "weight_bits": 5, "banks": 2, "max_accumulations": 3, "column": "table"},
    {"rows": 7, "columns": 6, "weight_bits": 3, "banks": 16, "fuse": 2, "column": "table"},
    {"rows": 12, "columns": 5, "banks": 3, "column": "table", "block_ram_columns": 2},
    {"rows": 20, "columns": 2, "weight_bits": 4, "column": "table", "block_ram_columns": 2},
]


def check_in_yosys(verilog, *passes, fabric="generic"):
    """What Yosys prints for passes over a file, once it has found nothing wrong with it."""
    return run_yosys("\n".join([FABRICS[fabric], f"read_verilog <<verilog\n{verilog}\nverilog",
                                "hierarchy -check -auto-top", "proc", "check -assert", *passes]))


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """The models of ECP5's cells that `bitline generate` writes."""
    path = tmp_path_factory.mktemp("cells") / "cells.v"
    path.write_text("".join(cell_models("ecp5").values()), encoding="utf-8")
    return path


@pytest.mark.parametrize("fabric", FABRICS)
@pytest.mark.parametrize("parameters", some(NAMED, 0, 2, 6, 8), ids=str)
@pytest.mark.parametrize("tool", ("verilator", "yosys", pytest.param("iverilog", marks=pytest.mark.needs("iverilog"))))
def test_lint_clean(tool, parameters, fabric, cells, tmp_path):
    config = MacroConfig(**parameters)
    path = tmp_path / f"{config.name}.v"
    path.write_text(emit(config, fabric), encoding="utf-8")
    files = [str(path), *([str(cells)] if fabric == "ecp5" else [])]
    if tool == "yosys":
        check_in_yosys(path.read_text(encoding="utf-8"), fabric=fabric)
        return
    command = {"verilator": ["verilator", "--lint-only", "-Wall", "--top-module", config.name],
               "iverilog": ["iverilog", "-Wall", "-s", config.name, "-o", str(tmp_path / "out")]}[tool]
    with tool_environment():
        done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    # Icarus warns of the open ends of ECP5's carry chains.
    assert done.returncode == 0 and ((tool == "iverilog" and fabric == "ecp5") or not done.stderr), done.stderr


@pytest.mark.parametrize("config", some([
    DEPTHWISE, OUTSIDE[4], block_macro("MXFP8_E4M3", columns=3), block_macro("MXFP8_E4M3+MXFP4", columns=3)], 0),
    ids=lambda config: config.name)
@pytest.mark.parametrize("fabric", some(list(FABRICS), 0))
def test_what_is_around_a_macro_is_lint_clean(config, fabric, cells, tmp_path):
    path = tmp_path / "around.v"
    path.write_text(emit(config, fabric), encoding="utf-8")
    with tool_environment():
        done = subprocess.run(["verilator", "--lint-only", "-Wall", "--top-module", config.name, path,
                               *([cells] if fabric == "ecp5" else [])], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


@pytest.mark.parametrize("program, unneeded", [
    ("verilator", {"UNOPTFLAT"}), pytest.param("verilator-debian", set(), marks=pytest.mark.needs("verilator-debian"))])
def test_every_waiver_is_needed_and_has_its_reason(program, unneeded, tmp_path, cells):
    text = "".join(emit(MacroConfig(**parameters), fabric) for parameters, fabric in
                   [*((parameters, "generic") for parameters in [*NAMED[:4], NAMED[6]]), (NAMED[5], "ecp5")])
    text += emit(CoreConfig(macro=MacroConfig(rows=8, columns=4), checksum=True))
    bare = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("/* verilator "))
    path = tmp_path / "bare.v"
    # A cell that nothing uses would be a top, with parameters for which it has no model.
    models = re.findall(r"^module \w+.*?^endmodule\n", cells.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    used = "".join(model for model in models if (text + "".join(models)).count(f" {model.split()[1]} ") > 1)
    path.write_text(f"{bare}/* verilator lint_off UNUSEDPARAM */\n{used}", encoding="utf-8")
    with tool_environment():
        done = subprocess.run([program, "--lint-only", "-Wall", "-Wno-MULTITOP", str(path)],
                              capture_output=True, text=True, check=False)
    # Verilator has split a rule since 5.006, and knows the whole by its name still.
    found = {"WIDTH" if rule.startswith("WIDTH") else rule for rule in re.findall(r"%Warning-(\w+)", done.stderr)}
    assert found == set(WAIVERS) - unneeded
    for rule, reason in WAIVERS.items():
        assert f"/* verilator lint_off {rule} */  // {reason}\n" in text


@pytest.mark.parametrize("parameters", some([NAMED[2], NAMED[8]], 1), ids=str)
@pytest.mark.parametrize("fabric", FABRICS)
def test_same_bytes_every_time(parameters, fabric):
    code = ("from bitline.hdl.config import MacroConfig; from bitline.hdl.emit import emit, sidecar\n"
            f"config = MacroConfig(**{parameters})\n"
            f"print(emit(config, {fabric!r}) + sidecar(config))")
    texts = {subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed},
                            capture_output=True, check=True).stdout for seed in ("1", "2")}
    assert len(texts) == 1


@pytest.mark.parametrize("parameters, module, blocks", [
    ({"rows": 8}, "bitcell_block_2", 32), ({"rows": 8, "column": "table"}, "lut_ram_block_4", 16)])
def test_one_module_a_distinct_block(parameters, module, blocks):
    few, many = (emit(MacroConfig(columns=columns, **parameters)) for columns in (4, 64))
    assert few.count("\nmodule ") == many.count("\nmodule ")
    config = MacroConfig(columns=64, **parameters)
    instances = Design(many).modules[config.name].instances.values()
    assert [instance.module for instance in instances].count(f"{config.name}_{module}") == blocks
    assert all(name.startswith(config.name) for name in Design(many).modules)


def test_names_need_no_escaping_and_only_memories_have_initial_values():
    for parameters in NAMED:
        text = emit(MacroConfig(**parameters))
        assert "\\" not in text
        for name, module in Design(text).modules.items():
            assert not [net for net in module.nets.values() if net.is_register and net.initial], name
            assert ("initial" in module.text) == bool(module.memories), name


def test_header():
    config = MacroConfig(rows=3, columns=5)
    header = emit(config).partition("module")[0]
    assert config.hash in header and "Apache-2.0" in header and re.search(r"Bitline \d+\.\d+", header)


@pytest.mark.parametrize("config", [DEPTHWISE, OUTSIDE[4], block_macro("MXFP4", columns=4)],
                         ids=lambda config: config.name)
def test_sidecar_of_what_is_around_a_macro(config):
    description, top = json.loads(sidecar(config)), design(config).modules[config.name]
    assert type(config).from_dict(description["configuration"]) == config
    assert {(port["name"], port["direction"], port["width"]) for port in description["ports"]} == {
        (port.name, port.direction, port.width) for port in top.ports.values()}
    assert all(port["meaning"] for port in description["ports"])


@pytest.mark.parametrize("parameters", NAMED)
def test_sidecar_tells_the_ports_of_the_verilog(parameters):
    config = MacroConfig(**parameters)
    description = json.loads(sidecar(config))
    assert MacroConfig.from_dict(description["configuration"]) == config
    assert description["latency"] == {"cycles": config.latency, "column": config.column_latency,
                                      "fuse": config.fuse_latency}
    top = design(config).modules[config.name]
    assert {(port["name"], port["direction"], port["width"]) for port in description["ports"]} == {
        (port.name, port.direction, port.width) for port in top.ports.values()}


# A change of the circuit is a change here, with its reason.
FLIP_FLOPS = [
    ({"rows": 16, "columns": 4}, 1702),
    ({"rows": 16, "columns": 4, "tree": "carry_save"}, 1121),
    ({"rows": 8, "columns": 4, "banks": 2, "fuse": 4, "max_accumulations": 4}, 1546),
    ({"rows": 13, "columns": 5, "weight_bits": 5, "banks": 2, "max_accumulations": 3, "column": "table"}, 1217),
    ({"rows": 12, "columns": 5, "banks": 3, "column": "table", "block_ram_columns": 2}, 1415),
]


@pytest.mark.parametrize("parameters, expected", FLIP_FLOPS)
def test_flip_flops_of_named_configurations(parameters, expected):
    text = check_in_yosys(emit(MacroConfig(**parameters)), "flatten", "opt", "simplemap", "opt_clean", "write_json")
    design = json.loads(text[text.index("{"):])["modules"]
    (top,) = design.values()
    kinds = [cell["type"] for cell in top["cells"].values()]
    assert sum("DFF" in kind for kind in kinds) == expected


CONFIGS = st.fixed_dictionaries(
    {"rows": st.integers(-1, 12), "columns": st.integers(-1, 8)},
    optional={"weight_bits": st.integers(0, 17), "input_bits": st.integers(0, 17), "banks": st.integers(0, 5),
              "fuse": st.integers(0, 5), "max_accumulations": st.sampled_from((0, 1, 2, 9, 65536, 65537)),
              "column": st.sampled_from(("bitcell", "table", "crossbar")), "block_ram_columns": st.integers(-1, 3),
              "tree": st.sampled_from(("carry_chain", "carry_save", "dadda"))})


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CONFIGS)
def test_every_configuration_gives_verilog_or_one_line(cli, tmp_path_factory, parameters):
    folder = tmp_path_factory.mktemp("out")
    arguments = [f"--{name.replace('_', '-')}={value}" for name, value in parameters.items()]
    status, _, errors = cli("generate", *arguments, "--out", folder)
    files = sorted(path.suffix for path in folder.iterdir())
    if status == 0:
        has_memories = MacroConfig(**parameters).table_fill_cycles > 0
        assert files == [".json", *[".v"] * (1 + has_memories)]
        check_in_yosys("\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.v"))))
    else:
        assert status == 2 and not files
        assert re.fullmatch(r"bitline: \w+.* must .*, not .*\n", errors), errors


def test_names_are_plain_and_begin_with_a_letter():
    """Yosys names the inputs of a function after a number."""
    text = without_escapes("wire \\162$func.a , \\sum$3 , sum_3;")
    assert text == "wire n162_func_a, sum_3_, sum_3;"
