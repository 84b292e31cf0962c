"""The fastest proofs, on the Verilog that is shipped; that each finds its bugs; and the command."""

import json
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from bitline.golden.requantize import requantize
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.config.macro import FUSES
from bitline.hdl.config.widths import signed_width
from bitline.hdl.emit import run_yosys
from bitline.scripts.commands import prove as module
from bitline.scripts.common import sby as formal
from bitline.scripts.common.sby import broken, check
from bitline.verif.formal.carry_save import compressed
from bitline.verif.formal.paths import unregistered
from bitline.verif.formal.properties import FASTEST, PROPERTIES
from bitline.verif.formal.property import vectors_in_macro
from bitline.verif.sim.simulators import source
from places import ROOT
from some import some, some_of

# YoWASP's tools see the folder in which they run, but not every host's /tmp.
BUILD = Path("build/formal").resolve()
# One of each kind that is fast: a bus, a stream, registers that stay, a schedule.
ALWAYS = ("axi_lite", "packer", "loader", "controller")


@pytest.mark.parametrize("solver", some(["z3", "yices"], 1))
@pytest.mark.parametrize("name", some_of(dict.fromkeys(FASTEST), *ALWAYS))
def test_holds(name, solver):
    verdict, log = check(PROPERTIES[name], "prove", solver, BUILD / f"{name}_{solver}")
    assert verdict == "passed", log


@pytest.mark.parametrize("name", some_of(dict.fromkeys(FASTEST), *ALWAYS))
def test_what_it_speaks_of_happens(name):
    verdict, log = check(PROPERTIES[name], "cover", "yices", BUILD / f"{name}_cover")
    assert verdict == "passed", log


@pytest.mark.parametrize(("name", "number"), [
    pytest.param(name, number, marks=[pytest.mark.slow] if number or name not in ALWAYS else []) for name in FASTEST
    for number in range(len(PROPERTIES[name].bugs))])
def test_bug_is_found(name, number):
    proof = PROPERTIES[name]
    verdict, log = check(proof, "bug", "yices", BUILD / f"{name}_bug_{number}", bug=proof.bugs[number])
    assert verdict == "failed" and (not proof.also or "counts" in log or "failed assertion" in log), log


@pytest.mark.parametrize("name", some(["lock", "loader", "packer"], 1, 2))
def test_each_assertion_fails_for_one_of_the_bugs(name):
    proof, failed = PROPERTIES[name], set()
    for number, bug in enumerate(proof.bugs):
        _, log = check(proof, "bug", "yices", BUILD / f"{name}_line_{number}", bug=bug)
        failed |= set(re.findall(r"[Aa]ssert(?:ion)? failed in check: check\.sv:(\d+)", log))
    lines = source(f"{proof.check}.sv").read_text(encoding="utf-8").splitlines()
    kept = [number for number, line in enumerate(lines, 1) if "assert (" in line
            and str(number) not in failed]
    assert not kept, [lines[number - 1].strip() for number in kept]


@pytest.mark.parametrize("name", some_of(PROPERTIES, *FASTEST))
def test_each_has_covers_and_bugs_that_break_something(name):
    proof = PROPERTIES[name]
    assert re.search(r"\bcover \(", source(f"{proof.check}.sv").read_text(encoding="utf-8"))
    assert proof.bugs
    for bug in proof.bugs:
        assert broken(proof, bug).text != formal.design(proof).text


@pytest.mark.parametrize("macro", [
    {}, {"result_interval": 2}, {"result_interval": 4}, {"result_interval": 4, "broadcast": 1}, {"column": "table"},
    {"column": "table", "result_interval": 4}], ids=str)
@pytest.mark.parametrize("size", [{"rows": 1, "columns": 1}, {"rows": 64, "columns": 4}], ids=str)
def test_the_tracker_has_room_for_what_the_controller_holds(size, macro):
    config = CoreConfig(macro=MacroConfig(**size, **macro))
    # One more is offered, and of another the totals were accepted.
    assert 1 + vectors_in_macro(config.macro) + (config.kept_groups > 0) <= config.in_flight


def test_a_tree_that_loses_a_bit_is_detected():
    proof = PROPERTIES["tree_save_13"]
    module = broken(proof, proof.bugs[0]).modules[formal.module_name(proof)]
    assert compressed(module, 13, 5).startswith("product_2_")


def test_an_output_that_depends_on_an_input_of_the_same_cycle_is_found():
    found = formal.design(PROPERTIES["apb"])
    inputs = ("clk", "rst", *(name for name in found.modules[formal.module_name(PROPERTIES["apb"])].ports
                              if name not in ("penable", "paddr")))
    assert unregistered(found, inputs, {"paddr": ("bus__address",), "penable": ("pslverr",)}) is None
    reason = unregistered(found, inputs, {"penable": ("pslverr",)})
    assert reason == "bus__address depends on an input of the same cycle"


def largest(bits, low, high):
    """How many terms between ``low`` and ``high`` a number of so many bits holds in any case."""
    return min((1 << bits - 1) // -low, ((1 << bits - 1) - 1) // high)


def test_fused_columns_of_every_configuration_have_room():
    # For each width of totals the most terms that have it: what holds for them holds for fewer.
    for weight_bits, input_bits in product(range(1, 17), repeat=2):
        config = object.__new__(MacroConfig)
        vars(config).update(weight_bits=weight_bits, input_bits=input_bits, max_accumulations=1, rows=1)
        low, high = config._extremes(weight_bits, 1)
        x_low, x_high = -(1 << input_bits - 1), (1 << input_bits) - 1
        for width in range(config.total_width, 64):
            if (terms := min(largest(width, low, high), 1024 * 65536)) < config.rows:
                break
            vars(config).update(rows=terms)
            assert config.total_width <= width
            assert signed_width(terms * x_low, terms * x_high) <= config.sum_x_width
            # A lower slice, and a lower half of four, which are not negative; and whole weights in their slots.
            for bits, room in ((weight_bits, width + 1), (2 * weight_bits, 2 * width)):
                top = (1 << bits) - 1
                assert signed_width(terms * top * x_low, terms * top * x_high) <= room
            for fuse in FUSES:
                assert config.output_width(fuse) <= fuse * width


def test_the_definition_of_the_requantizers_proof_is_the_golden_models():
    text = source("requantizer.sv").read_text(encoding="utf-8")
    function = re.search(r"    function [^\n]* rounded\(.*?endfunction\n", text, re.DOTALL)[0]
    rng, lines = np.random.default_rng(5), []
    limits = {"zero_point": 0, "low": -(1 << 15), "high": (1 << 15) - 1}
    for shift, (rule, rounding) in product(range(-31, 8, 2), enumerate(("single", "double", "away", "double"))):
        # Products in the middle between two results, and near it, where the rules differ.
        for multiplier in (1 << 30, 1 << 30, *(int(each) for each in rng.integers(1, 1 << 31, 2))):
            result, more = int(rng.integers(-4, 4)), int(rng.integers(0, 2)) if multiplier != 1 << 30 else 0
            value = ((2 * result + 1) << 30 - shift) // multiplier + more
            value = max(-(1 << 31), min((1 << 31) - 1, value))
            expected = requantize(value, 0, multiplier, shift, rounding=rounding, **limits).item()
            lines.append((value * multiplier, rule, shift, expected))
    checks = "".join(
        f"wire signed [66:0] r{index} = rounded({signed(value, 67)}, 2'd{rule}, {signed(shift, 7)});\n"
        f"always @* if (r{index} < 32768 && r{index} >= -32768) assert (r{index} == {signed(expected, 67)});\n"
        for index, (value, rule, shift, expected) in enumerate(lines))
    run_yosys("read_verilog -formal <<EOT\nmodule check; localparam WIDE = 67; localparam signed [66:0] ONE = 1, "
              f"HALF = ONE <<< 30;\n{function}{checks}endmodule\nEOT\nprep\nchformal -lower\n"
              "sat -verify -prove-asserts\n")


def signed(value, bits):
    """A constant of Verilog."""
    return f"{'-' if value < 0 else ''}{bits}'sd{abs(value)}"


def test_a_port_of_another_width_fails_the_proof(monkeypatch):
    monkeypatch.setattr(formal, "run_sby", lambda *_: "Warning: Resizing cell port check.dut.s from 1 bits to 2 bits.\n"
                                                      "DONE (PASS, rc=0)")
    assert check(PROPERTIES["apb"], "prove", "yices", BUILD / "resized")[0] == "failed"


@pytest.fixture
def quick(monkeypatch):
    """Properties that stand for themselves: nothing is run, and each verdict is as said."""
    def run(verdicts):
        monkeypatch.setattr(module, "run_jobs", lambda what, function, tasks, jobs: [
            {"property": task.name, "mode": task.mode, "solver": task.solver, "seconds": 1.0, "bug": None,
             "verdict": verdicts.get(task.mode, "failed" if task.mode == "bug" else "passed")} for task in tasks])
    return run


@pytest.mark.parametrize(("verdicts", "verdict"), [
    ({}, "passed"), ({"prove": "unknown"}, "unknown"), ({"prove": "failed"}, "failed"), ({"cover": "failed"}, "failed"),
    ({"bug": "passed"}, "failed"), ({"bug": "unknown"}, "unknown")])
def test_only_what_is_proved_covered_and_can_fail_has_passed(cli, quick, verdicts, verdict):
    quick(verdicts)
    status, output, _ = cli("prove", "apb", "lock", "--out", BUILD / "quick")
    assert status == (verdict != "passed")
    rows = json.loads((BUILD / "quick" / "proofs.json").read_text(encoding="utf-8"))
    assert [row["verdict"] for row in rows] == [verdict] * 2 and f"{2 * (status == 0)} of 2 properties" in output


@pytest.mark.parametrize("solver", some(["z3", "yices"], 1))
def test_a_proof_without_an_answer_in_time_is_unknown(monkeypatch, tmp_path, solver):
    # No solver finds the factors of RSA-100 while anyone waits, on whatever machine.
    product = "1522605027922533360535618378132637429718068114961380688657908494580122963258952897654000350692006139"
    (tmp_path / "hard.sv").write_text(
        "module check(input [164:0] a, b); always @* assert (a < 2 || b < 2 || {165'b0, a} * b != "
        f"330'd{product}); endmodule\n", encoding="utf-8")
    monkeypatch.setattr(formal, "source", lambda name: tmp_path / name)
    verdict, log = check(replace(PROPERTIES["apb"], check="hard"), "prove", solver, BUILD / f"hard_{solver}", timeout=5)
    assert verdict == "unknown" and "TIMEOUT" in log


def test_an_interrupted_run_says_how_to_go_on(cli, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt
    monkeypatch.setattr(module, "run_jobs", interrupt)
    status, _, errors = cli("prove", "apb", "--out", BUILD / "stopped")
    assert status == 130 and f"bitline prove apb --timeout 600 --out {BUILD}/stopped --resume" in errors


def test_what_is_there_is_not_run_again(monkeypatch):
    runs = []
    monkeypatch.setattr(module, "check", lambda proof, mode, solver, folder, **_: (
        folder.mkdir(parents=True, exist_ok=True), runs.append(mode), ("passed" if runs else "unknown", "log"))[2])
    task = module.Task("apb", "prove", "z3", 0, BUILD / "again", 1, False)
    first = module.run_task(task)
    assert module.run_task(module.Task("apb", "prove", "z3", 0, BUILD / "again", 1, True)) == first
    assert runs == ["prove"]
    module.run_task(task)
    assert runs == ["prove", "prove"]


def test_wrong_names_are_refused(refused, cli):
    refused("prove", "nonsense", match="property must be one of axi_lite, .*, not nonsense")
    refused("prove", "--timeout", 0, match="0 is not in the range")
    status, output, _ = cli("prove", "--list")
    assert status == 0 and [line.partition(":")[0] for line in output.splitlines()] == list(PROPERTIES)


def test_documents_have_as_many_proofs_as_there_are():
    text = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    count, bugs = map(int, re.search(r"There are (\d+) properties with\s(\d+) bugs", text).groups())
    assert (count, bugs) == (len(PROPERTIES), sum(len(proof.bugs) for proof in PROPERTIES.values()))
    table = text[text.index("| property | statement | method |"):text.index("*Induction over levels.*")]
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(PROPERTIES)
