import json
import os
import subprocess
import time

import numpy as np
import platformdirs
import pytest
from bitline.hdl.config import MacroConfig
from bitline.verif.sim.build import build, compile_program
from bitline.verif.sim.cache import cache
from bitline.verif.sim.library import keep
from bitline.verif.sim.simulators import SimulatorError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MACRO = ("--rows", 2, "--columns", 2)


@pytest.fixture
def example(tmp_path):
    """The worked example of the README: files, and the options that name them."""
    np.save(tmp_path / "w.npy", np.array([[2, 1], [3, 0]]))
    np.save(tmp_path / "x.npy", np.array([[4, 5]]))
    return ("--weights", tmp_path / "w.npy", "--inputs", tmp_path / "x.npy", "--output", tmp_path / "y.npy")


@pytest.fixture
def cache_in(monkeypatch):
    """Chooses the user's cache, but not that of Yosys, which would be compiled again, in a minute."""
    monkeypatch.setenv("YOWASP_CACHE_DIR", platformdirs.user_cache_dir("YoWASP", appauthor=False))
    return lambda folder: monkeypatch.setenv("XDG_CACHE_HOME", str(folder))


@pytest.mark.parametrize("simulator", [
    "verilator",
    pytest.param("icarus", marks=pytest.mark.needs("iverilog"))])
def test_worked_example(cli, example, tmp_path, simulator):
    status, output, _ = cli("simulate", *MACRO, *example, "--report", tmp_path / "r.json",
                            "--simulator", simulator)
    y = np.load(tmp_path / "y.npy")
    report = json.loads((tmp_path / "r.json").read_text())
    assert status == 0 and "0 mismatches" in output
    assert y.tolist() == [[23, 4]] and y.dtype == np.int64
    # Two rows written, one vector whose values need three of its eight planes.
    assert report["cycles"] == report["predicted_cycles"] == 2 + 3 + MacroConfig(rows=2, columns=2).latency
    assert report["mismatches"] == 0 and report["utilization"] == pytest.approx(2 * 2 * 3 / (2 * 2 * report["cycles"]))
    assert report["cycles_per_second"] > 0


def test_configuration_from_a_file_and_options_before_it(cli, example, tmp_path):
    config = tmp_path / "c.json"
    config.write_text('{"rows": 1, "columns": 3, "max_accumulations": 2}')
    status, _, _ = cli("simulate", "--config", config, "--banks", 2, *example, "--report", tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert status == 0 and report["configuration"]["banks"] == 2 and report["tiles"] == 2


def test_former_name_of_an_option_is_accepted(cli, example, tmp_path):
    status, _, _ = cli("simulate", "--rows", 2, "--columns", 2, "--tiles", 3, *example, "--report", tmp_path / "r.json")
    configuration = json.loads((tmp_path / "r.json").read_text())["configuration"]
    assert status == 0 and configuration["max_accumulations"] == 3 and "tiles" not in configuration


def test_mismatch_is_counted_and_fails(cli, example, tmp_path, monkeypatch):
    import bitline.host.mapping.simulate as module

    monkeypatch.setattr(module, "mvm", lambda weights, inputs: inputs @ weights + [[0, 1]])
    status, output, _ = cli("simulate", *MACRO, *example)
    assert status == 1 and "1 mismatches" in output


@pytest.mark.parametrize("name, array, match", [
    ("w", np.array([[2.0, 1.0], [3.0, 0.0]]), "weights must be integers, not float64"),
    ("w", np.array([2, 1]), r"weights must be an array \(K, N\), not of shape \(2,\)"),
    ("w", np.zeros((0, 3), dtype=int), r"weights must be an array \(K, N\), not of shape \(0, 3\)"),
    ("w", np.array([[True, False]]), "weights must be integers, not bool"),
    ("w", np.array([[200, 0], [0, 0]]), "weights must be from -128 to 127 .*, not 200"),
    ("w", np.array([[2**64 - 1, 0], [0, 0]], dtype=np.uint64), "weights must fit in int64, not be 1844"),
    ("x", np.array([[1, 2, 3]]), r"inputs must have as many columns as weights have rows \(2\), not 3"),
    ("x", np.array([[1, 256]]), r"inputs must be from 0 to 255 \(8 bits, unsigned\), not 256"),
    ("x", np.array([[None, 1]]), "inputs must be a .npy file of integers"),
])
def test_wrong_matrices_are_refused(refused, example, tmp_path, name, array, match):
    np.save(tmp_path / f"{name}.npy", array)
    refused("simulate", *MACRO, *example, match=match)
    assert not (tmp_path / "y.npy").exists()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_for_a_matrix_are_refused(refused, example, tmp_path, data, with_magic):
    (tmp_path / "w.npy").write_bytes((b"\x93NUMPY\x01\x00" if with_magic else b"") + data)
    refused("simulate", *MACRO, *example, match="weights must be a .npy file|weights must be an array|must be integers")
    assert not (tmp_path / "y.npy").exists()


HEADERS = st.one_of(st.text(alphabet="{}()[]'\",: <>|ui48OTmdescrfotnahp_LFalueTru019", max_size=60), st.sampled_from([
    "{'descr': '<i8', 'fortran_order': False, 'shape': (1180591620717411303424, 1)}", "((((", "{[]:1}",
    "{'descr': '<i8', 'fortran_order': False, 'shape': (True, 2)}",
    "{'descr': '<m8', 'fortran_order': False, 'shape': (1, 1)}",
    "{'descr': '<i8', 'fortran_order': False, 'shape': (1L, 1L)}"]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HEADERS)
def test_any_header_for_a_matrix_is_refused(refused, example, tmp_path, header):
    text = header.encode()
    (tmp_path / "w.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(8))
    refused("simulate", *MACRO, *example, match="weights must be")
    assert not (tmp_path / "y.npy").exists()


def test_broken_archive_is_refused(refused, example, tmp_path):
    (tmp_path / "w.npy").write_bytes(b"PK\x03\x04" + bytes(40))
    refused("simulate", *MACRO, *example, match="weights must be a .npy file")


def test_products_beyond_int64_are_refused(refused, example, tmp_path):
    np.save(tmp_path / "w.npy", np.full((600, 1), -(2**47)))
    np.save(tmp_path / "x.npy", np.full((1, 600), 255))
    refused("simulate", "--rows", 4, "--columns", 4, "--weight-bits", 12, "--fuse", 4, *example,
            match="products must fit in int64, not reach 21532835718365184000")


def test_wrong_paths_and_options_are_refused(refused, example, tmp_path):
    refused("simulate", *MACRO, *example[:4], "--output", "/proc/y.npy", match="/proc/y.npy must be writable")
    refused("simulate", *MACRO, *example, "--report", tmp_path / "y.npy", match="must be two files")
    refused("simulate", *MACRO, *example[:4], "--output", tmp_path / "new" / "y.npy", "--bits", 99, match="bits must")
    assert not (tmp_path / "new").exists()
    refused("simulate", *MACRO, *example[:4], "--output", tmp_path, match="must be a file, and is a folder")
    refused("simulate", *MACRO, *example[2:], "--weights", tmp_path / "none.npy", match="none.npy must be usable")
    refused("simulate", *MACRO, *example, "--bits", 9, match="bits must be from 1 to 8")
    refused("simulate", *MACRO, *example, "--simulator", "spice", match="spice.* is not one of")
    refused("simulate", *example, match="a macro must be described")
    refused("simulate", *MACRO, *example, "--config", tmp_path / "none.json", match="none.json must be usable")
    refused("simulate", *MACRO, match="Missing option")
    refused("simulated", match="No such command")
    (tmp_path / "c.json").write_bytes(b"\xff\xfe")
    refused("simulate", *example, "--config", tmp_path / "c.json", match="must be UTF-8 text")
    (tmp_path / "c.json").write_text('{"rows": 2}')
    refused("simulate", *example, "--config", tmp_path / "c.json", match="must give columns")
    assert not (tmp_path / "y.npy").exists()


def test_missing_tools_are_named(refused, example, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    refused("simulate", *MACRO, *example, "--simulator", "icarus", match=r"Icarus Verilog not found: apt-get install")
    refused("simulate", *MACRO, *example, match=r"g\+\+ not found: apt-get install g\+\+")
    assert not (tmp_path / "y.npy").exists()


def test_folder_that_cannot_be_written(refused):
    refused("generate", *MACRO, "--out", "/proc/bitline", match="must be writable, and is not")


def test_folder_in_the_place_of_a_file(refused, tmp_path):
    config = MacroConfig(rows=2, columns=2)
    (tmp_path / f"{config.name}.json").mkdir()
    refused("generate", *MACRO, "--out", tmp_path, match=r"json must be a file, and is a folder")
    assert not (tmp_path / f"{config.name}.v").exists()


def test_yosys_that_fails(refused, tmp_path, monkeypatch):
    import bitline.hdl.emit as module

    monkeypatch.setattr(module, "YOSYS", "import sys; sys.exit('out of memory')")
    # Of a macro that no other test asks for, as what was emitted is kept.
    refused("generate", "--rows", 2, "--columns", 19, "--out",
            tmp_path / "out", match="Yosys must accept the design, .* out of")
    assert not (tmp_path / "out").exists()


def test_failure_while_writing_leaves_nothing(refused, tmp_path, monkeypatch):
    import bitline.scripts.commands.generate as module

    def fail(*_):
        raise OSError(28, "No space left on device", "disk")

    monkeypatch.setattr(module, "sidecar", fail)
    refused("generate", *MACRO, "--out", tmp_path / "out", match="No space left")
    assert not (tmp_path / "out").exists()


def test_cache_where_there_is_no_home(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for home, xdg in ((tmp_path / "file", ""), (tmp_path / "home", "relative"), (tmp_path / "home", tmp_path / "x")):
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("XDG_CACHE_HOME", str(xdg))
        folder = cache()
        assert folder.is_absolute() and folder.is_dir()
        assert folder.is_relative_to(tmp_path) == (home.name == "home")


def test_folder_with_a_space(cli, refused, example, tmp_path, monkeypatch, cache_in):
    spaced, cache_home = tmp_path / "a folder", tmp_path / "cache"
    spaced.mkdir()
    # Not the whole cache, but what takes long to compile.
    (cache_home / "bitline").mkdir(parents=True)
    for library in cache().glob("verilator_*"):
        (cache_home / "bitline" / library.name).symlink_to(library)
    monkeypatch.chdir(spaced)
    cache_in(cache_home)
    status, output, _ = cli("simulate", *MACRO, *example)
    assert status == 0 and "0 mismatches" in output
    assert list(cache_home.glob("bitline/sim_*/bitline_2x2_*")) and not list(spaced.iterdir())
    cache_in(spaced)
    refused("simulate", *MACRO, *example, match=r"the folder of a build must have no space in its path, .*--build")


def test_program_and_sources_in_a_folder_with_a_space(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    spaced = tmp_path / "a folder"
    spaced.mkdir()
    (spaced / "top.v").write_text("module top (input a, output y);\n  assign y = ~a;\nendmodule\n", encoding="utf-8")
    (spaced / "main.cpp").write_text(
        '#include "Vtop.h"\nint main() { Vtop top; top.a = 0; top.eval(); return top.y + 6; }\n', encoding="utf-8")
    program = spaced / "programs" / "inverter"
    compile_program(program, "top", [spaced / "top.v", spaced / "main.cpp"], "--prefix", "Vtop", "-CFLAGS", "-O0")
    assert subprocess.run([program], check=False).returncode == 7 and list(spaced.glob("programs/*")) == [program]
    monkeypatch.setenv("XDG_CACHE_HOME", str(spaced))
    with pytest.raises(SimulatorError, match="the folder of a build must have no space in its path, which GNU Make"):
        compile_program(program, "top", [spaced / "top.v", spaced / "main.cpp"], "--prefix", "Vtop", "-CFLAGS", "-O0")


def test_libraries_that_nothing_uses_are_removed(tmp_path, cache_in):
    cache_in(tmp_path / "cache")
    for days in (29, 31):
        (cache() / f"verilator_{days}").mkdir()
        os.utime(cache() / f"verilator_{days}", times=(time.time() - days * 24 * 3600,) * 2)
    for name in ("verilated.o", "library.h.gch"):
        (tmp_path / name).write_text(name, encoding="ascii")
    keep(cache() / "verilator_new", tmp_path)
    assert {path.name for path in cache().iterdir()} == {"verilator_29", "verilator_new"}
    assert {path.name for path in (cache() / "verilator_new").iterdir()} == {"verilated.o", "library.h.gch"}
    assert not (tmp_path / "library.h.gch").exists()


@pytest.mark.slow
def test_library_of_the_simulator_is_compiled_once(tmp_path, cache_in):
    cache_in(tmp_path / "cache")
    logs = [(build(MacroConfig(rows=rows, columns=1), folder=tmp_path / "builds").folder / "build.log").read_text()
            for rows in (2, 1)]
    compiled = [[name for name in ("-c -o verilated.o", "-c -o port_address.o", "-o library.h.fast.gch") if name in log]
                for log in logs]
    assert len(compiled[0]) == 3 and not compiled[1]
    # What does not fit what is compiled is left aside with no more than this warning.
    design = next(line for line in logs[1].splitlines() if line.endswith("-o Vtop__ALL.o Vtop__ALL.cpp"))
    folder, = (tmp_path / "builds").glob("*_1x1_*")
    done = subprocess.run([*design.removeprefix("ccache ").split(), "-Winvalid-pch", "-H"], cwd=folder,
                          capture_output=True, text=True, check=True)
    assert done.stderr.startswith("! ") and done.stderr.partition("\n")[0].endswith("/library.h.gch")
