import itertools
import os
import signal
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from bitline.hdl.config import MacroConfig
from bitline.scripts.common.files import BadInput
from bitline.scripts.common.jobs import JobLostError, completed, run_jobs
from distributed import Client
from jobs_to_run import killed_always, killed_once, square, wrong
from testbench_tests import number_of_tests
from waiting import until

SIMULATOR = "verilator"
HELPERS = str(Path(__file__).resolve().parents[1] / "helpers")


def started(folder):
    path = folder / "started"
    return [tuple(map(int, line.split())) for line in path.read_text().splitlines()] if path.exists() else []


@contextmanager
def cluster(folder, workers):
    """Address of a scheduler on the loopback address, and its workers, each with one thread."""
    def start(*arguments):
        path = os.pathsep.join([HELPERS, os.environ.get("PYTHONPATH", "")])
        log = (folder / f"{len(processes)}.log").open("w")
        processes.append(subprocess.Popen([sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
                                          stdout=log, stderr=log, cwd=folder, env={**os.environ, "PYTHONPATH": path}))
        log.close()

    processes, file = [], folder / "scheduler.json"
    try:
        start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file))
        until(file.exists)
        for _ in range(workers):
            start("dask_worker", "--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", "--no-dashboard",
                  "--host", "127.0.0.1")
        address = until(lambda: file.read_text().partition('"address": "')[2].partition('"')[0])
        if workers:
            with Client(address) as client:
                client.wait_for_workers(workers, timeout=60)
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_results_come_in_the_order_of_the_jobs(tmp_path):
    jobs = [(str(tmp_path), number) for number in range(5)]
    assert run_jobs("squares", square, jobs, 2) == [0, 1, 4, 9, 16]
    assert sorted(number for number, _ in started(tmp_path)) == [0, 1, 2, 3, 4]


def test_no_more_of_endless_jobs_are_drawn_than_keep_the_workers_busy(tmp_path):
    drawn = []
    jobs = (drawn.append(number) or (str(tmp_path), number) for number in itertools.count())
    results = completed(square, jobs, 2)
    assert len([next(results) for _ in range(3)]) == 3
    results.close()
    assert len(drawn) <= 5


def test_job_whose_process_is_killed_is_run_again(tmp_path):
    jobs = [(str(tmp_path), number) for number in range(6)]
    assert run_jobs("squares", killed_once, jobs, 2) == [0, 1, 4, 9, 16, 25]
    assert (tmp_path / "killed").exists()


def test_job_that_kills_every_process_is_named_lost():
    with pytest.raises(JobLostError, match="the process of one died 3 times"):
        run_jobs("nothing", killed_always, [1], 1)


def test_what_a_job_raises_is_raised():
    with pytest.raises(ValueError, match="no 7"):
        run_jobs("nothing", wrong, [7], 1)


@pytest.mark.parametrize("number, status, words", [(signal.SIGINT, 130, b"interrupted"),
                                                   (signal.SIGTERM, 143, b"terminated")])
def test_what_jobs_have_started_ends_with_the_command(tmp_path, number, status, words):
    # What runs in the background of a shell ignores interrupts, and so would this.
    code = ("import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
            "from bitline.scripts import main; "
            "from bitline.scripts.common.jobs import run_jobs; from jobs_to_run import sleeper; "
            f"main.cli = lambda *_, **__: run_jobs('', sleeper, [{str(tmp_path)!r}], 1); main.main()")
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE,
                               env={**os.environ, "PYTHONPATH": HELPERS})
    pid = until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    process.send_signal(number)
    assert process.communicate(timeout=30)[1] == b"bitline: " + words + b"\n" and process.returncode == status
    until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2], 10)


def test_cluster_that_loses_a_worker_gives_every_result(tmp_path):
    jobs = [(str(tmp_path), number) for number in range(30)]
    with cluster(tmp_path, 2) as (address, workers), closing(completed(square, jobs, 0, address)) as results:
        numbers = [next(results)]
        until(lambda: len({pid for _, pid in started(tmp_path)}) == 2)
        os.kill(started(tmp_path)[-1][1], signal.SIGKILL)
        numbers += results
        assert sorted(numbers) == [number * number for number in range(30)]
        until(lambda: sum(worker.poll() is not None for worker in workers) == 1)
    # The job that the lost worker was at work on, at least, was started twice.
    assert len(started(tmp_path)) > 30


@pytest.mark.slow
def test_regression_on_a_cluster(cli, tmp_path):
    config = MacroConfig(rows=2, columns=1, input_bits=2, weight_bits=2)
    with cluster(tmp_path, 1) as (address, _):
        status, output, errors = cli("regress", "--rows", 2, "--columns", 1, "--input-bits", 2, "--weight-bits", 2,
                                     "--simulator", SIMULATOR, "--scheduler", address, "--out", tmp_path / "out")
    assert status == 0, output + errors
    assert f"1 run of 1 build, {number_of_tests('tb_macro')} tests, 0 failures" in output
    assert (tmp_path / "out" / f"{config.name}_{SIMULATOR}_1" / "results.xml").exists()


def test_scheduler_that_is_not_there(refused, tmp_path):
    refused("regress", "--rows", 2, "--columns", 1, "--scheduler", "moon", "--out", tmp_path,
            match="scheduler must answer at tcp://HOST:PORT, and moon does not")


def test_scheduler_without_workers(tmp_path, monkeypatch):
    monkeypatch.setattr("bitline.scripts.common.jobs.TIMEOUT_S", 1)
    with cluster(tmp_path, 0) as (address, _), pytest.raises(BadInput, match="must have a worker"):
        list(completed(square, [1], 0, address))
