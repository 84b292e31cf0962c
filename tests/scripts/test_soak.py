import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bitline.scripts.commands import soak as module
from bitline.scripts.commands.soak import LOG, Cores, Job, Programs, SoakLog, draws, run_job, soak
from bitline.scripts.common.files import BadInput
from bitline.verif.macro.regression import random_config
from bitline.verif.sim.build import build
from breaking import broken
from some import some
from waiting import until

# One of each kind: traffic at the ports, a program, and a core.
DRAW, PROGRAM, CORE = 6, 7, 8


@pytest.fixture
def in_this_process(monkeypatch):
    """Jobs run where the test can change what they do."""
    def completed(function, jobs, workers, scheduler):
        yield from map(function, jobs)

    monkeypatch.setattr(module, "completed", completed)


@pytest.mark.slow
def test_interrupted_soak_keeps_what_has_ended_and_goes_on(cli, tmp_path):
    arguments = ["soak", "--hours", "1", "--cycles", "100", "--jobs", "1", "--out", str(tmp_path)]
    process = subprocess.Popen([sys.executable, "-c", "from bitline.scripts.main import main; main()", *arguments],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    until(lambda: len((tmp_path / LOG).read_text().splitlines()) > 1 if (tmp_path / LOG).exists() else False, 300)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 130 and errors.strip() == "bitline: interrupted"
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in path.read_bytes()]
    command = re.search(r"bitline (soak .* --resume)", output)[1]
    before = (tmp_path / LOG).read_text()
    status, output, _ = cli(*command.replace("--hours 1", "--hours 0.0001").split())
    after = (tmp_path / LOG).read_text()
    assert status == 0 and "0 mismatches" in output and after.startswith(before)
    lines = [json.loads(line) for line in after.splitlines()[1:]]
    assert [line["number"] for line in lines] == list(range(len(lines)))
    assert [line["draw"] for line in lines] == [draw for draw, _ in zip(draws(1), lines)]
    assert all(line["cycles"] >= 100 and line["mismatch"] is None for line in lines)


def test_mismatch_ends_the_soak_and_its_command_repeats_it(cli, tmp_path, monkeypatch, in_this_process):
    verilog = broken(random_config(DRAW), "controller", "= hold_0_0 & ", "= 1'b0 & ")
    monkeypatch.setattr(module, "build", lambda config, folder: build(config, folder=folder, verilog=verilog))
    monkeypatch.setattr(module, "draws", lambda seed: iter([DRAW, DRAW, DRAW]))
    arguments = ["soak", "--cycles", 20000, "--out", tmp_path]
    status, output, _ = cli(*arguments, "--hours", 1)
    command = re.search(r"bitline (soak --draw .*)", output)[1]
    assert status == 1 and "MISMATCH" in output
    assert len((tmp_path / LOG).read_text().splitlines()) == 2
    # It is told again, not passed over.
    assert cli(*arguments, "--hours", 1, "--resume")[0] == 1
    assert cli(*command.split(), "--out", tmp_path)[0] == 1


def test_line_that_was_cut_short_is_dropped(tmp_path):
    path = tmp_path / LOG
    line = {"number": 0, "draw": 3, "kind": "ports", "config": {}, "cycles": 7, "vectors": 2, "products": 5,
            "mismatch": None}
    SoakLog(path, 1, 100).add(line)
    with path.open("a") as file:
        file.write('{"number": 1')
    log = SoakLog(path, 1, 100)
    assert log.lines == [line] and path.read_text().count("\n") == 2
    log.add({**line, "number": 1, "kind": "cores", "cycles": 9, "vectors": 0, "products": 0})
    assert log.totals == {"runs": 2, "configurations": 1, "cycles of macros": 7, "cycles of cores": 9, "vectors": 2,
                          "products": 5}
    with pytest.raises(BadInput, match="same seed and cycles"):
        SoakLog(path, 2, 100)
    path.write_text("[]\n3\n")
    with pytest.raises(BadInput, match="must be the log of a soak"):
        SoakLog(path, 1, 100)


def test_no_run_starts_when_the_time_is_up(tmp_path, capsys, in_this_process):
    log = SoakLog(tmp_path / LOG, 1, 100)
    assert soak(log, iter([Job(0, DRAW, 100, tmp_path)]), 0, 1) is None
    assert log.lines == [] and "0 mismatches" in capsys.readouterr().out


def test_wrong_options_are_refused(refused, tmp_path):
    refused("soak", match="one of --hours and --draw")
    refused("soak", "--hours", 1, "--draw", 1, match="one of --hours and --draw")
    refused("soak", "--hours", 0, match="not in the range")
    refused("soak", "--hours", 1, "--resume", "--out", tmp_path, match="--resume must find")
    (tmp_path / LOG).touch()
    refused("soak", "--hours", 1, "--out", tmp_path, match="must be resumed with --resume")


@pytest.mark.parametrize("draw, kind", some([(DRAW, "ports"), (PROGRAM, "programs"), (CORE, "cores")], 1))
def test_a_run_leaves_its_line_alone(draw, kind, tmp_path):
    line = run_job(Job(0, draw, 2000, tmp_path))
    assert line["kind"] == kind and line["mismatch"] is None and line["cycles"] >= 2000
    assert (line["vectors"] > 0) == (kind != "cores") and (line["products"] > 0) == (kind == "programs")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("draw, kind, name, block, old, new, reason", [
    (PROGRAM, Programs, "run_program", "controller", "first_0 <= %1;", "first_0 <= 1'b0;", "of vector"),
    (CORE, Cores, "build_core", "lane", "sum <= %1;", "sum <= 1 + %1;", "simulation must"),
])
def test_each_kind_notices_a_broken_block(draw, kind, name, block, old, new, reason, tmp_path, monkeypatch):
    verilog, function = broken(kind.config(draw), block, old, new), getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given, **named: function(*given, **named, verilog=verilog))
    assert reason in run_job(Job(0, draw, 2000, tmp_path))["mismatch"]
