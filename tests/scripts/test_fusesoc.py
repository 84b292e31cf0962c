"""FuseSoC accepts the generated core file, and makes cores with the generator."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.engine_core import EngineCoreConfig
from bitline.hdl.config.formats import block_macro
from bitline.scripts.integration.files import integration_files
from bitline.verif.engine.small_engines import DEPTHWISE
from some import some

CONFIG = CoreConfig(macro=MacroConfig(rows=3, columns=2), output="int32")
OTHER = CoreConfig(macro=MacroConfig(rows=2, columns=3, banks=2), bus="apb")


def fusesoc(folder, *arguments, **environment):
    """What FuseSoC says and how it ends, in a folder of core files; Verilator is not on the path."""
    folders = [str(Path(sys.executable).parent), *(path for path in os.environ["PATH"].split(os.pathsep)
                                                   if not (Path(path) / "verilator").exists())]
    return subprocess.run([sys.executable, "-m", "fusesoc.main", "--cores-root", str(folder), *arguments],
                          cwd=folder, capture_output=True, text=True, check=False,
                          env={**os.environ, "PATH": os.pathsep.join(folders), **environment})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("fusesoc")
    for name, content in integration_files(CONFIG).items():
        if "/" not in name and isinstance(content, str):
            (path / name).write_text(content, encoding="utf-8")
    return path


def system(folder, parameters, toplevel=OTHER.name):
    """A core file that has the generator make a core."""
    description = {
        "name": "::system:1.0",
        "filesets": {"rtl": {"depend": ["bitline:generators:core"]}},
        "generate": {"bitline": {"generator": "bitline_core", "parameters": parameters}},
        "targets": {"lint": {"filesets": ["rtl"], "generate": ["bitline"], "toplevel": toplevel,
                             "default_tool": "verilator", "tools": {"verilator": {"mode": "lint-only"}}}},
    }
    (folder / "system.core").write_text("CAPI=2:\n" + yaml.safe_dump(description), encoding="utf-8")


def test_core_file_is_linted(folder):
    done = fusesoc(folder, "run", "--target", "lint", CONFIG.name)
    assert done.returncode == 0, done.stdout + done.stderr
    verilog = folder / f"{CONFIG.name}.v"
    text = verilog.read_text(encoding="utf-8")
    verilog.write_text(text.replace("endmodule", "wire dangling = unknown;\nendmodule", 1), encoding="utf-8")
    assert fusesoc(folder, "run", "--clean", "--target", "lint", CONFIG.name).returncode != 0
    verilog.write_text(text, encoding="utf-8")


def test_verilator_of_the_environment_is_used(folder, tmp_path):
    """A program on the path, one in a variable, and one in $VERILATOR_ROOT, each before the package's."""
    (tmp_path / "bin").mkdir()
    for name in ("verilator", "own"):
        program = tmp_path / "bin" / name
        program.write_text("#!/bin/sh\necho it is $0\nexit 1\n", encoding="utf-8")
        program.chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    for environment, used in (({"PATH": path}, "verilator"), ({"VERILATOR": str(tmp_path / "bin" / "own")}, "own"),
                              ({"VERILATOR_ROOT": str(tmp_path)}, "verilator")):
        done = fusesoc(folder, "run", "--clean", "--target", "lint", CONFIG.name, **environment)
        assert done.returncode != 0 and f"it is {tmp_path / 'bin' / used}" in done.stdout + done.stderr


SIMULATED = [CONFIG, OTHER, CoreConfig(macro=MacroConfig(rows=5, columns=3, column="table"), bus="wishbone",
                                       output="int16", output_stream_bits=32, reset="asynchronous"),
             CoreConfig(macro=MacroConfig(rows=9, columns=10, input_bits=12, weight_bits=5), checksum=True,
                        input_stream_bits=32, weight_stream_bits=32, output_stream_bits=32)]


@pytest.mark.parametrize("config", some(SIMULATED, 1), ids=lambda config: config.name)
@pytest.mark.parametrize("tool", ["verilator", pytest.param("icarus", marks=pytest.mark.needs("iverilog")),
                                  pytest.param("verilator-debian", marks=pytest.mark.needs("verilator-debian"))])
def test_testbench_passes_and_notices_a_wrong_result(tool, config, tmp_path):
    for name, content in integration_files(config).items():
        if name.endswith((".core", "v", ".sdc", ".sh", ".hex")):
            (tmp_path / name).write_text(content, encoding="utf-8")
    environment = {"VERILATOR": tool} if tool == "verilator-debian" else {}
    target = ("--target", "sim", "--tool", "icarus" if tool == "icarus" else "verilator", config.name)
    done = fusesoc(tmp_path, "run", "--clean", *target, **environment)
    assert done.returncode == 0 and "PASS: " in done.stdout + done.stderr, done.stdout + done.stderr
    path = tmp_path / f"{config.name}_results.hex"
    first, *others = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{int(first, 16) ^ 1:0{len(first)}x}", *others]), encoding="utf-8")
    # It is read when the simulation runs, and nothing is compiled again.
    done = fusesoc(tmp_path, "run", "--run", *target, **environment)
    assert done.returncode != 0 and "FAIL: result beat 0" in done.stdout + done.stderr, done.stdout + done.stderr


@pytest.mark.slow
def test_testbench_of_an_engine_passes_and_notices_a_wrong_word(tmp_path):
    config = EngineCoreConfig(engine=DEPTHWISE, bus="apb")
    for name, content in integration_files(config).items():
        if name.endswith((".core", "v", ".sdc", ".sh", ".hex")):
            (tmp_path / name).write_text(content, encoding="utf-8")
    assert fusesoc(tmp_path, "run", "--target", "lint", config.name).returncode == 0
    done = fusesoc(tmp_path, "run", "--target", "sim", config.name)
    assert done.returncode == 0 and "PASS: " in done.stdout + done.stderr, done.stdout + done.stderr
    path = tmp_path / f"{config.name}_steps.hex"
    first, *others = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([f"{int(first, 16) ^ 1:0{len(first)}x}", *others]), encoding="utf-8")
    done = fusesoc(tmp_path, "run", "--run", "--target", "sim", config.name)
    assert done.returncode != 0 and "FAIL: step 0" in done.stdout + done.stderr, done.stdout + done.stderr


def test_targets_are_set_up(folder):
    for target in ("rtl", "synth"):
        done = fusesoc(folder, "run", "--setup", "--target", target, *(["--tool", "icarus"] * (target == "rtl")),
                       CONFIG.name)
        assert done.returncode == 0, done.stdout + done.stderr


def test_target_chooses_the_body_of_the_memories(tmp_path):
    config = CoreConfig(macro=MacroConfig(rows=3, columns=2))
    for name, content in integration_files(config).items():
        if name.endswith((".core", "v", ".sdc", ".sh", ".hex")):
            (tmp_path / name).write_text(content, encoding="utf-8")
    for target, options, chosen in (("synth", [], "BITLINE_MEMORY_FPGA"), ("lint", [], None),
                                    ("lint", ["--BITLINE_MEMORY_OPENRAM"], "BITLINE_MEMORY_OPENRAM")):
        done = fusesoc(tmp_path, "run", "--clean", "--setup", "--target", target, config.name, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        (description,) = tmp_path.glob(f"build/*/{target}*/*.eda.yml")
        found = yaml.safe_load(description.read_text(encoding="utf-8"))
        defined = [name for name, parameter in found["parameters"].items() if parameter.get("default")]
        assert defined == ([chosen] if chosen else [])
        assert [Path(file["name"]).name for file in found["files"][:2]] == [f"{config.name}.v",
                                                                            f"{config.name}_memory.v"]


@pytest.mark.parametrize("fabric", some([{}, {"fabric": "ecp5"}], 1), ids=str)
def test_generator_makes_a_core(folder, fabric):
    system(folder, OTHER.to_dict() | fabric)
    done = fusesoc(folder, "run", "--clean", "--target", "lint", "system", VERILATOR="verilator-cli")
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob(f"build/system*/lint*/src/system*/{OTHER.name}.v")
    assert ("CCU2C" in made.read_text(encoding="utf-8")) == bool(fabric)


@pytest.mark.slow
@pytest.mark.parametrize("config", [EngineCoreConfig(engine=DEPTHWISE, bus="apb"), BlockCoreConfig(
    blocks=block_macro("MXFP4", columns=2, input_beat_bits=32))], ids=lambda config: config.name)
def test_generator_makes_cores_of_other_kinds(folder, config):
    system(folder, config.to_dict(), config.name)
    done = fusesoc(folder, "run", "--clean", "--target", "lint", "system", VERILATOR="verilator-cli")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(folder.glob(f"build/system*/lint*/src/system*/{config.name}.v"))) == 1


@pytest.mark.parametrize("parameters, match", [
    ({"macro": {"rows": 0, "columns": 3}}, "rows must be an integer from 1 to 1024, not 0"),
    ({"engine": {"macro": {"rows": 0, "columns": 3}}}, "rows must be an integer from 1 to 1024, not 0"),
    ({**OTHER.to_dict(), "fabric": "ice40"}, "fabric must be one of generic, ecp5, not ice40"),
])
def test_generator_refuses_a_wrong_configuration_in_one_line(folder, parameters, match):
    system(folder, parameters)
    done = fusesoc(folder, "run", "--target", "lint", "system", VERILATOR="verilator-cli")
    assert done.returncode != 0 and f"bitline: {match}" in done.stdout + done.stderr


def test_a_generator_that_was_copied_finds_what_it_imports():
    from bitline.hdl.core_config import CoreConfig as old_config
    from bitline.scripts.integration import files
    from bitline.scripts.kit import files as old_files

    assert old_config is CoreConfig
    assert (old_files.constraints, old_files.fusesoc, old_files.kit) == (
        files.constraints, files.fusesoc, files.integration_files)
