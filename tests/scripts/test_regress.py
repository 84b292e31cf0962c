import dataclasses
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from bitline.hdl.config import MacroConfig
from bitline.scripts.commands import regress as module
from bitline.scripts.commands.regress import command_of, regress, suite
from bitline.verif.macro import regression
from bitline.verif.macro.coverage import Coverage, required
from bitline.verif.macro.regression import LONG_TO_COMPILE, SUITE, Job, random_config, run_job
from bitline.verif.sim.build import build
from breaking import broken
from some import some_of
from testbench_tests import number_of_tests

CONFIG = MacroConfig(rows=5, columns=4, banks=2, fuse=4, max_accumulations=3)
TABLES = MacroConfig(rows=7, columns=3, weight_bits=4, input_bits=3, banks=2, max_accumulations=2, column="table")
ONE_BANK = MacroConfig(rows=7, columns=1, weight_bits=4, input_bits=3, column="table")
DEEP = dataclasses.replace(TABLES, result_interval=4)
TWO_WRITERS = dataclasses.replace(TABLES, table_writers=2)
BLOCK_RAM = MacroConfig(rows=7, columns=1, weight_bits=4, input_bits=3, banks=8, column="table", block_ram_columns=1)
SIMULATOR = "verilator"

# A macro, a block of it, a piece of its Verilog, and what that is broken to.
MUTATIONS = {
    "driver": (CONFIG, "drivers", "is_signed ? { x[38]", "1'b1 ? { x[38]"),
    "row decoder": (CONFIG, "row_decoder", "write_weights <= weights", "write_weights <= ~weights"),
    "adder tree": (CONFIG, "adder_tree", "level1_0_0) + ", "level1_0_0) - "),
    "accumulator": (CONFIG, "accumulator", "accumulator[17:0], 1'h0", "accumulator[17:0], 1'h1"),
    "one that completes a negative plane": (CONFIG, "accumulator", "1'h0, carry_q", "1'h0, 1'h0"),
    "planes of one vector after those of another": (CONFIG, "accumulator", "shift_q ? ", "1'b1 ? "),
    "fuse": (CONFIG, "fuse", "mode[3:2] >= 1'h1", "mode[3:2] >= 2'h2"),
    "hazard on the wordlines": (CONFIG, "controller", "= hold_0_0 & ", "= 1'b0 & "),
    "hazard of a driven vector": (CONFIG, "controller", "= drives & write_ready_%1;", "= 1'b0 & write_ready_%1;"),
    "reset ends a chain": (CONFIG, "controller", "started <= 1'h0", "started <= 1'h1"),
    "chain after an idle reset": (CONFIG, "controller", "= started | i_valid", "= 1'b1"),
    "reset of the wordlines": (CONFIG, "controller", "if (rst) hold_0_0", "if (1'b0) hold_0_0"),
    "top bits of a fused lane": (CONFIG, "fuse", "if (load[2]) y <= %1;", "if (load[2]) y <= {~%1[79:72], %1[71:0]};"),
    "back-pressure": (CONFIG, "adder_tree", "if (enable) level1_0_0", "level1_0_0"),
    "encoder": (TABLES, "encoder", "codes[0] = ~ ", "codes[0] = "),
    "parity": (TABLES, "lut_ram_columns_3", "~ entry_0_0[0]", "entry_0_0[0]"),
    "carry-in of a negative group": (TABLES, "lut_ram_columns_3", "= sign_0 & entry_0_0_not_%1;",
                                     "= 1'b0 & entry_0_0_not_%1;"),
    "sign of a group": (TABLES, "lut_ram_columns_3", "sign_0 <= ", "sign_0 <= ~"),
    "calibration": (TABLES, "lut_ram_columns_3", "= calibrate & calibrate_%1;", "= 1'b0 & calibrate_%1;"),
    "calibration of one bank": (TABLES, "lut_ram_columns_3", "bank_1 ? zero0_1 : ", ""),
    "calibration after a write": (TABLES, "controller", "stale_sdff_Q_D_1 = write_taken ? ",
                                  "stale_sdff_Q_D_1 = 1'b0 ? "),
    "calibration after a reset": (TABLES, "controller", "if (rst) stale <= 2'h3", "if (rst) stale <= 2'h0"),
    "first entry of a fill": (TABLES, "lut_ram_writer", "= ends_and_Y_A | strobe_%1;", "= ends_and_Y_A;"),
    "weight that changes its sign": (TABLES, "lut_ram_entry_adder", "= twice ? ", "= 1'b0 ? "),
    "row that waits": (TABLES, "lut_ram_writer", "arrived[1] ? arrival_1", "1'b0 ? arrival_1"),
    "group of the other writer": (TWO_WRITERS, "lut_ram_writer_1", "= fresh & fresh_found[1];", "= fresh;"),
    "vector that waits for the other writer": (TWO_WRITERS, "", "= | { lut_ram_writer_1__busy, lut_ram_writer__busy }",
                                               "= lut_ram_writer__busy"),
    "entry of the other writer": (TWO_WRITERS, "lut_ram_writer_1", "twice_0 <= ", "twice_0 <= ~"),
    "sign of a weight in a fill": (TABLES, "lut_ram_writer", "else subtract_0 <= ", "else subtract_0 <= ~"),
    "rows that the last group lacks": (TABLES, "lut_ram_writer", "clear_0 <= ", "clear_0 <= 1'b0 & "),
    "bank of a table that is written": (TABLES, "lut_ram_writer", "bank_3 <= bank_2", "bank_3 <= ~bank_2"),
    "bank of a table that is read": (TABLES, "lut_ram_columns_3", "address({ bank, plane[2:0]",
                                     "address({ 1'b0, plane[2:0]"),
    "row that is offered during a reset": (TABLES, "lut_ram_writer", "if (rst) fresh ", "if (1'b0) fresh "),
    "fill that a reset does not end": (TABLES, "lut_ram_writer", "if (rst) filling", "if (1'b0) filling"),
    "group that gathers after a reset": (TABLES, "lut_ram_writer", "if (rst) gathers ", "if (1'b0) gathers "),
    "calibration after a write, decided ahead": (DEEP, "controller", "else was_written <= write_taken",
                                                 "else was_written <= 1'b0"),
    "calibration plane of zeros": (DEEP, "controller", "assign will_blank = ", "assign will_blank = 1'b0 & "),
    "number of a plane": (DEEP, "controller", "following <= %1;", "following <= ~%1;"),
    "bank that a vector waits for": (DEEP, "controller", "else used <= %1;", "else used <= was_used;"),
    "bank of a plane": (DEEP, "controller", "else was_used <= ", "else was_used <= 2'h0 & "),
    "planes above a vector's bits": (DEEP, "driver_slice_7", "if (clear[2]) ", "if (1'b0) "),
    "plane that is the sign": (DEEP, "drivers", "if (move) ignored <= ", "if (move) ignored <= 3'h0 & "),
    "row of the group before": (TABLES, "lut_ram_writer", "assign new_arrival_continues = ",
                                "assign new_arrival_continues = 1'b1 | "),
    "parity of the only bank": (ONE_BANK, "lut_ram_columns_1", "if (write[9]) parity_1_0", "if (1'b0) parity_1_0"),
    "sum of no rows": (BLOCK_RAM, "block_ram_entry_adder", "if (clear)", "if (1'b0)"),
    "back-pressure of block RAM": (BLOCK_RAM, "block_ram_7", ".enable(enable)", ".enable(1'b1)"),
}


@pytest.mark.parametrize("block", some_of(MUTATIONS, "calibration"))
def test_regression_notices_each_broken_block(tmp_path, block):
    config, *change = MUTATIONS[block]
    path = tmp_path / "broken.v"
    path.write_text(broken(config, *change), encoding="utf-8")
    failed, count, reason = run_job(Job(config, SIMULATOR, 1, Path("build/sim"), tmp_path / "out", verilog=path))
    assert failed and count == number_of_tests("tb_macro") and reason is None


@pytest.mark.slow
@pytest.mark.parametrize("config", [CONFIG, TABLES, DEEP, ONE_BANK, BLOCK_RAM, *LONG_TO_COMPILE], ids=str)
def test_regression_passes_what_is_not_broken(tmp_path, config):
    failed, count, reason = run_job(Job(config, SIMULATOR, 1, Path("build/sim"), tmp_path / "out"))
    assert (failed, count, reason) == ([], number_of_tests("tb_macro"), None)


def test_command_of_a_failure_reproduces_it(cli, tmp_path):
    path = tmp_path / "broken.v"
    failing = dataclasses.replace(job(tmp_path), seed=7, verilog=path)
    path.write_text(broken(failing.config, *MUTATIONS["row decoder"][1:]), encoding="utf-8")
    options = ("--out", tmp_path / "out", "--jobs", 1)
    command = f"{command_of(failing)} --test extremes"
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
    monkeypatch.setattr(regression, "TESTBENCH", "bitline.verif.macro.stimulus")
    failed, count, reason = run_job(job(tmp_path))
    assert (failed, count) == ([], 0) and reason


@pytest.mark.slow
def test_random_configurations_pass(cli, tmp_path):
    configs = {random_config(seed) for seed in range(100)}
    assert len(configs) > 95
    status, output, _ = cli("regress", "--rows", 3, "--columns", 5, "--random-configs", 2, "--seed", 11, "--simulator",
                            SIMULATOR, "--out", tmp_path / "out", "--jobs", 1)
    assert status == 0, output
    assert f"3 runs of 3 builds, {3 * number_of_tests('tb_macro')} tests, 0 failures" in output


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


def test_a_quick_suite_leaves_out_what_takes_long_and_no_kind(refused):
    quick, whole = suite(None, True), suite(None, False)
    assert whole == SUITE and len(quick) == len(whole) - 2 and max(config.rows for config in quick) < 256
    assert {(config.column, config.tree) for config in quick} == {(config.column, config.tree) for config in whole}
    refused("regress", "--quick", "--rows", 2, "--columns", 1, match="--quick must come with the suite, not with a")
    refused("regress", "--quick", "--netlist", "ice40", match="--quick must come with the suite, not with --netlist")


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
