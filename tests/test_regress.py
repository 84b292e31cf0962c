import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from bitline.hdl.config import MacroConfig
from bitline.hdl.emit import emit
from bitline.host.simulator import build, find_simulator
from bitline.scripts import regress as module
from bitline.scripts.regress import SUITE, Job, random_config, regress, run_job
from bitline.verif.coverage import Coverage, required

CONFIG = MacroConfig(rows=5, columns=4, banks=2, fuse=4, tiles=3)
# Small enough to be quick with Verilator too where there is no Icarus.
SIMULATOR = "icarus" if find_simulator("icarus") else "verilator"

# One line of each block, and what it is broken to.
MUTATIONS = {
    "driver": ("is_signed ? waiting", "1'b1 ? waiting"),
    "row decoder": ("write_weights <= weights", "write_weights <= ~weights"),
    "adder tree": ("$signed(level1_0) + $signed(level1_1)", "$signed(level1_0) - $signed(level1_1)"),
    "accumulator": ("{ accumulator, increment }", "{ accumulator, 1'h0 }"),
    "fuse": ("mode[3:2] >= 1'h1", "mode[3:2] >= 2'h2"),
    "hazard": ("_on_wordlines & ", "1'b0 & "),
    "reset ends a chain": ("started <= 1'h1", "started <= 1'h0"),
    "chain after an idle reset": ("else if (load) started", "else started"),
    "reset of the wordlines": ("if (rst) _on_wordlines", "if (1'b0) _on_wordlines"),
    "top bits of a fused lane": ("if (load[2]) y <= _14_", "if (load[2]) y <= {~_14_[79:72], _14_[71:0]}"),
    "back-pressure": ("if (enable) level1_0", "level1_0"),
}


@pytest.mark.parametrize("block", MUTATIONS)
def test_regression_notices_each_broken_block(tmp_path, block):
    line, broken = MUTATIONS[block]
    verilog = emit(CONFIG)
    assert line in verilog, f"{line} is no longer there to break"
    path = tmp_path / "broken.v"
    path.write_text(verilog.replace(line, broken, 1), encoding="utf-8")
    failed, count, reason = run_job(Job(CONFIG, SIMULATOR, 1, Path("build/sim"), tmp_path / "out", verilog=path))
    assert failed and count == 9 and reason is None


def test_command_of_a_failure_reproduces_it(cli, tmp_path):
    path = tmp_path / "broken.v"
    path.write_text(emit(CONFIG).replace(*MUTATIONS["accumulator"], 1), encoding="utf-8")
    options = ("--out", tmp_path / "out", "--jobs", 1)
    job = Job(CONFIG, SIMULATOR, 7, tmp_path, tmp_path, verilog=path)
    command = f"{job.command} --test extremes"
    status, output, _ = cli(*command.split()[1:], *options)
    assert status == 1 and command in output
    report = ElementTree.parse(tmp_path / "out" / "results.xml")
    failed = [case.get("name") for case in report.iter("testcase") if case.find("failure") is not None]
    assert failed == ["extremes"]
    good = command.replace(f" --verilog {path}", "")
    status, _, _ = cli(*good.split()[1:], *options)
    assert status == 0


def job(tmp_path):
    return Job(MacroConfig(rows=2, columns=1, input_bits=2, weight_bits=2), SIMULATOR, 1, Path("build/sim"), tmp_path)


def test_what_is_not_covered_fails(tmp_path, monkeypatch, capsys):
    assert regress([job(tmp_path)], 1, tmp_path / "results.xml")
    monkeypatch.setattr(module, "required", lambda config: {("bank", "moon is written")})
    assert not regress([job(tmp_path)], 1, tmp_path / "results.xml")
    assert "NOT COVERED bank: moon is written" in capsys.readouterr().out


def test_no_tests_at_all_fail(tmp_path, monkeypatch):
    assert not regress([], 1, tmp_path / "results.xml")
    monkeypatch.setattr(module, "TESTBENCH", "bitline.verif.stimulus")
    failed, count, reason = run_job(job(tmp_path))
    assert (failed, count) == ([], 0) and reason


def test_random_configurations_pass(cli, tmp_path):
    configs = {random_config(seed) for seed in range(100)}
    assert len(configs) > 95
    status, output, _ = cli("regress", "--rows", 3, "--columns", 5, "--random-configs", 2, "--seed", 11, "--simulator",
                            SIMULATOR, "--out", tmp_path / "out", "--jobs", 1)
    assert status == 0, output
    assert "3 runs of 3 builds, 27 tests, 0 failures" in output


def test_design_that_does_not_compile_fails(cli, tmp_path):
    path = tmp_path / "broken.v"
    path.write_text("module broken", encoding="utf-8")
    status, output, _ = cli("regress", "--rows", 3, "--columns", 5, "--simulator", SIMULATOR, "--verilog", path,
                            "--out", tmp_path / "out", "--jobs", 1)
    assert status == 1 and "must accept the design, and does not" in output


def test_build_starts_anew_after_one_that_was_interrupted(tmp_path):
    config = MacroConfig(rows=2, columns=1)
    first = build(config, simulator=SIMULATOR, folder=tmp_path)
    (first.folder / "complete").unlink()
    (first.folder / "Vtop__ALL.cpp").write_text("", encoding="ascii")
    (first.folder / "leftover").mkdir()
    again = build(config, simulator=SIMULATOR, folder=tmp_path)
    assert again == first and (again.folder / "complete").exists() and not (again.folder / "leftover").exists()


def test_waveform(cli, tmp_path):
    status, output, _ = cli("regress", "--rows", 2, "--columns", 1, "--simulator", SIMULATOR, "--test", "extremes",
                            "--waves", "--out", tmp_path / "out", "--jobs", 1)
    assert status == 0
    waveform = re.search(r"waveform: (.*)", output)[1]
    assert Path(waveform).stat().st_size > 1000


def test_wrong_options_are_refused(refused, tmp_path):
    refused("regress", "--test", "nothing", match="test must be one of full_rate, .*, not nothing")
    refused("regress", "--rows", 0, match="rows must be an integer from 1 to 1024, not 0|must give columns")
    refused("regress", "--seeds", 0, match="0 is not in the range")
    refused("regress", "--verilog", __file__, match="must come with the one configuration")
    (tmp_path / "binary.v").write_bytes(b"\xff\xfe\xfd")
    refused("regress", "--rows", 1, "--columns", 1, "--verilog", tmp_path / "binary.v", match="can't decode byte")
    refused("regress", "--out", "/proc/out", match="must be writable, and is not")


def test_what_was_not_seen_is_missing():
    bins = required(CONFIG)
    coverage = Coverage()
    for group, name in bins:
        coverage.hit(group, name)
    assert coverage.missing(bins) == []
    coverage.counts["reset", "idle"] = 0
    assert coverage.missing(bins) == [("reset", "idle")]


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (13, 7), (256, 2)])
def test_suite_holds_odd_sizes(shape):
    assert shape in {(config.rows, config.columns) for config in SUITE}
