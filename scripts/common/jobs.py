"""Independent jobs: on processes of this machine, or on the workers of a Dask cluster.

A job whose process or worker is lost is run again elsewhere, and its result is given once.
"""

import itertools
import multiprocessing
import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, CancelledError, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress

import click

from .files import BadInput, require_packages
from .progress import running

# How often a job is started before it is blamed for the loss of its processes.
ATTEMPTS = 3
# Seconds that a scheduler and its first worker may take to answer.
PATIENCE = 10
_AT_WORK = threading.Lock()

scheduler_option = click.option("--scheduler", metavar="tcp://HOST:PORT",
                                help="Run the jobs on the workers of this Dask scheduler.")


class Lost(Exception):
    """A job ended its process, or its worker was lost, each time that it was started."""


def run_jobs(what, function, jobs, workers, scheduler=None):
    """``function(job)`` for each of a list of jobs, with a progress bar; results in the order of the jobs."""
    results = [None] * len(jobs)
    with running(what, len(jobs)) as progress:
        done = 0
        for index, result in completed(_Numbered(function), enumerate(jobs), workers, scheduler):
            results[index] = result
            progress(done := done + 1)
    return results


class _Numbered:
    """Passes the number of a job through."""

    def __init__(self, function):
        self.function = function

    def __call__(self, job):
        return job[0], self.function(job[1])


def completed(function, jobs, workers, scheduler=None):
    """Yield ``function(job)`` of each job as they end.

    Closing the generator, or an interrupt, ends the processes that are at work, and what these have started. Jobs that
    a cluster is at work on end there by themselves.

    Parameters
    ----------
    function : callable
        Of a module, as the jobs go to other processes. What it raises is raised here.
    jobs : iterable
        May be endless: no more are drawn than there are workers to keep busy.
    workers : int
        Processes.
    scheduler : str
        Address of a Dask scheduler whose workers are used instead.

    Raises
    ------
    Lost
        A job was lost `ATTEMPTS` times (by a cluster, as often as its scheduler allows).
    BadInput
        There is no such scheduler, or it has no worker.
    """
    runner = _Cluster(scheduler) if scheduler else _Processes(workers)
    waiting, attempts, at_work = iter(jobs), {}, {}
    try:
        while True:
            for job in itertools.islice(waiting, max(runner.width() - len(at_work), 0)):
                at_work[runner.submit(function, job)] = job
            if not at_work:
                return
            lost = []
            for future in wait(at_work, return_when=FIRST_COMPLETED).done:
                job = at_work.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    lost.append(job)
                    continue
                except runner.losses as error:
                    raise Lost(f"jobs must end, and the worker of one was lost too often: {error!r}") from None
                attempts.pop(id(job), None)
                yield result
            if lost:
                # A pool that has lost a process is of no more use, and gives up every job that it was at work on.
                lost += at_work.values()
                at_work.clear()
                runner.restart()
                for job in lost:
                    attempts[id(job)] = attempts.get(id(job), 0) + 1
                    if attempts[id(job)] == ATTEMPTS:
                        raise Lost(f"jobs must end, and the process of one died {ATTEMPTS} times")
                    at_work[runner.submit(function, job)] = job
    finally:
        runner.stop()


class _Processes:
    """Processes of this machine, each the head of a group, so that simulators end with them."""

    losses = ()

    def __init__(self, workers):
        self._workers = workers
        self._others = set(multiprocessing.active_children())
        self._start()

    def _start(self):
        # Simulators change the environment of their process, so each has a fresh one.
        self._pool = ProcessPoolExecutor(self._workers, multiprocessing.get_context("spawn"), os.setsid)

    def width(self):
        """How many jobs keep all busy."""
        return self._workers

    def submit(self, function, job):
        return self._pool.submit(function, job)

    def restart(self):
        """Fresh processes."""
        self.stop()
        self._start()

    def stop(self):
        """End all processes and what they have started."""
        ours = [child for child in multiprocessing.active_children() if child not in self._others]
        for child in ours:
            try:
                os.killpg(child.pid, signal.SIGTERM)
            except ProcessLookupError:
                # It has not become the head of a group yet, or has ended.
                child.terminate()
        self._pool.shutdown(cancel_futures=True)


class _Cluster:
    """The workers of a Dask scheduler."""

    def __init__(self, address):
        require_packages("cluster", "distributed")
        from distributed import Client
        from distributed.scheduler import KilledWorker

        self.losses = (KilledWorker, CancelledError)
        try:
            self._client = Client(address, timeout=PATIENCE)
        except (OSError, ValueError, TypeError) as error:
            raise BadInput(f"scheduler must answer at tcp://HOST:PORT, and {address} does not: {error}") from None
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            self._client.close()
            raise BadInput(f"scheduler must have a worker, and {address} has none") from None
        self._executor = self._client.get_executor(pure=False)

    def width(self):
        """Two jobs a thread, so that none waits for its next."""
        return 2 * max(sum(self._client.nthreads().values()), 1)

    def submit(self, function, job):
        return self._executor.submit(_Attempt(function), job)

    def stop(self):
        """Withdraw the jobs that have not ended."""
        self._executor.shutdown(wait=False)
        with suppress(OSError):
            self._client.close()


class _Attempt:
    """One job at a time on each worker, because simulators change the environment of their process."""

    def __init__(self, function):
        self.function = function

    def __call__(self, job):
        with _AT_WORK:
            return self.function(job)
