"""FuseSoC accepts the generated core file, and makes cores with the generator."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.scripts.integration.files import integration_files
from bitline.verif.sim.build import tool_environment

CONFIG = CoreConfig(macro=MacroConfig(rows=3, columns=2), output="int32")
OTHER = CoreConfig(macro=MacroConfig(rows=2, columns=3, banks=2), bus="apb")


def fusesoc(folder, *arguments):
    """What FuseSoC says and how it ends, in a folder of core files."""
    with tool_environment():
        return subprocess.run([sys.executable, "-m", "fusesoc.main", "--cores-root", str(folder), *arguments],
                              cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("fusesoc")
    for name, content in integration_files(CONFIG).items():
        if "/" not in name and isinstance(content, str):
            (path / name).write_text(content, encoding="utf-8")
    return path


def system(folder, parameters):
    """A core file that has the generator make a core."""
    description = {
        "name": "::system:1.0",
        "filesets": {"rtl": {"depend": ["bitline:generators:core"]}},
        "generate": {"bitline": {"generator": "bitline_core", "parameters": parameters}},
        "targets": {"lint": {"filesets": ["rtl"], "generate": ["bitline"], "toplevel": OTHER.name,
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


def test_targets_are_set_up(folder):
    for target in ("rtl", "synth"):
        done = fusesoc(folder, "run", "--setup", "--target", target, *(["--tool", "icarus"] * (target == "rtl")),
                       CONFIG.name)
        assert done.returncode == 0, done.stdout + done.stderr


def test_target_chooses_the_body_of_the_memories(tmp_path):
    config = CoreConfig(macro=MacroConfig(rows=3, columns=2))
    for name, content in integration_files(config).items():
        if name.endswith((".core", ".v", ".sdc")):
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


def test_generator_makes_a_core(folder):
    system(folder, OTHER.to_dict())
    done = fusesoc(folder, "run", "--target", "lint", "system")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(folder.glob(f"build/**/{OTHER.name}.v"))


def test_generator_refuses_a_wrong_configuration_in_one_line(folder):
    system(folder, {"macro": {"rows": 0, "columns": 3}})
    done = fusesoc(folder, "run", "--target", "lint", "system")
    assert done.returncode != 0
    assert "bitline: rows must be an integer from 1 to 1024, not 0" in done.stdout + done.stderr


def test_a_generator_that_was_copied_finds_what_it_imports():
    from bitline.hdl.core_config import CoreConfig as old_config
    from bitline.scripts.integration import files
    from bitline.scripts.kit import files as old_files

    assert old_config is CoreConfig
    assert (old_files.constraints, old_files.fusesoc, old_files.kit) == (
        files.constraints, files.fusesoc, files.integration_files)
