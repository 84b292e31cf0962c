"""The fastest proofs, on the Verilog that is shipped; that each finds its bugs; and the command."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from bitline.scripts.commands import prove as module
from bitline.scripts.common import sby as formal
from bitline.scripts.common.sby import broken, check
from bitline.verif.formal.carry_save import compressed
from bitline.verif.formal.properties import FASTEST, PROPERTIES
from bitline.verif.sim.build import source
from some import some, some_of

# YoWASP's tools see the folder in which they run, but not every host's /tmp.
BUILD = Path("build/formal").resolve()


@pytest.mark.parametrize("solver", some(["z3", "yices"], 1))
@pytest.mark.parametrize("name", FASTEST)
def test_holds(name, solver):
    verdict, log = check(PROPERTIES[name], "prove", solver, BUILD / f"{name}_{solver}")
    assert verdict == "passed", log


@pytest.mark.parametrize("name", FASTEST)
def test_what_it_speaks_of_happens(name):
    verdict, log = check(PROPERTIES[name], "cover", "yices", BUILD / f"{name}_cover")
    assert verdict == "passed", log


@pytest.mark.parametrize(("name", "number"), [(name, number) for name in FASTEST
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


@pytest.mark.parametrize("name", some_of(PROPERTIES, *(name for name in PROPERTIES if "256" not in name)))
def test_each_has_covers_and_bugs_that_break_something(name):
    proof = PROPERTIES[name]
    assert re.search(r"\bcover \(", source(f"{proof.check}.sv").read_text(encoding="utf-8"))
    assert proof.bugs
    for bug in proof.bugs:
        assert broken(proof, bug).text != formal.design(proof).text


def test_a_tree_that_loses_a_bit_is_detected():
    proof = PROPERTIES["tree_save_13"]
    module = broken(proof, proof.bugs[0]).modules[formal.module_name(proof)]
    assert compressed(module, 13, 5).startswith("product_2_")


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


@pytest.mark.parametrize("solver", some(["z3", "yices"], 0))
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
