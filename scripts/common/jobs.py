"""Independent jobs: on processes of this machine, or on the workers of a Dask cluster.

A job whose process or worker is lost is run again elsewhere; each job has one result.
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

# A job is started this many times before it is blamed for the loss of its processes.
ATTEMPTS = 3
# For a scheduler and its first worker to answer.
TIMEOUT_S = 10
_ONE_JOB = threading.Lock()

scheduler_option = click.option("--scheduler", metavar="tcp://HOST:PORT",
                                help="Run the jobs on the workers of this Dask scheduler.")


class JobLostError(Exception):
    """A job killed its process, or lost its worker, each time that it was started."""


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
    """Keeps the number of a job with its result."""

    def __init__(self, function):
        self.function = function

    def __call__(self, job):
        return job[0], self.function(job[1])


def completed(function, jobs, workers, scheduler=None):
    """Yield ``function(job)`` of each job as they end.

    Closing the generator, or an interrupt, ends the running processes and their child processes. Jobs that run on a
    cluster are not ended.

    Parameters
    ----------
    function : callable
        At the top level of a module, because jobs go to other processes. What it raises is raised here.
    jobs : iterable
        May be infinite: jobs are taken only as workers become free.
    workers : int
        Processes.
    scheduler : str
        Address of a Dask scheduler whose workers are used instead.

    Raises
    ------
    JobLostError
        A job was lost `ATTEMPTS` times (by a cluster, as often as its scheduler allows).
    BadInput
        The scheduler does not answer, or has no worker.
    """
    runner = _Cluster(scheduler) if scheduler else _Processes(workers)
    waiting, attempts, running_jobs = iter(jobs), {}, {}
    try:
        while True:
            for job in itertools.islice(waiting, max(runner.width() - len(running_jobs), 0)):
                running_jobs[runner.submit(function, job)] = job
            if not running_jobs:
                return
            lost = []
            for future in wait(running_jobs, return_when=FIRST_COMPLETED).done:
                job = running_jobs.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    lost.append(job)
                    continue
                except runner.losses as error:
                    raise JobLostError(f"jobs must end, and the worker of one was lost too often: {error!r}") from None
                attempts.pop(id(job), None)
                yield result
            if lost:
                # A pool that has lost a process is broken, and has lost all its running jobs.
                lost += running_jobs.values()
                running_jobs.clear()
                runner.restart()
                for job in lost:
                    attempts[id(job)] = attempts.get(id(job), 0) + 1
                    if attempts[id(job)] == ATTEMPTS:
                        raise JobLostError(f"jobs must end, and the process of one died {ATTEMPTS} times")
                    running_jobs[runner.submit(function, job)] = job
    finally:
        runner.stop()


class _Processes:
    """Processes of this machine, each a process group leader, so that its simulators end with it."""

    losses = ()

    def __init__(self, workers):
        self._workers = workers
        self._others = set(multiprocessing.active_children())
        self._start()

    def _start(self):
        # Simulators change the environment of their process, so each has a fresh one.
        self._pool = ProcessPoolExecutor(self._workers, multiprocessing.get_context("spawn"), os.setsid)

    def width(self):
        """Jobs to have running at a time."""
        return self._workers

    def submit(self, function, job):
        return self._pool.submit(function, job)

    def restart(self):
        """Start new processes."""
        self.stop()
        self._start()

    def stop(self):
        """End all processes and their child processes."""
        ours = [child for child in multiprocessing.active_children() if child not in self._others]
        for child in ours:
            try:
                os.killpg(child.pid, signal.SIGTERM)
            except ProcessLookupError:
                # It is not a group leader yet, or has ended.
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
            self._client = Client(address, timeout=TIMEOUT_S)
        except (OSError, ValueError, TypeError) as error:
            raise BadInput(f"scheduler must answer at tcp://HOST:PORT, and {address} does not: {error}") from None
        try:
            self._client.wait_for_workers(1, timeout=TIMEOUT_S)
        except TimeoutError:
            self._client.close()
            raise BadInput(f"scheduler must have a worker, and {address} has none") from None
        self._executor = self._client.get_executor(pure=False)

    def width(self):
        """Jobs to have running at a time: two for each thread, so that no thread idles."""
        return 2 * max(sum(self._client.nthreads().values()), 1)

    def submit(self, function, job):
        return self._executor.submit(_Attempt(function), job)

    def stop(self):
        """Cancel the jobs that have not ended."""
        self._executor.shutdown(wait=False)
        with suppress(OSError):
            self._client.close()


class _Attempt:
    """One job at a time on each worker, because simulators change the environment of their process."""

    def __init__(self, function):
        self.function = function

    def __call__(self, job):
        with _ONE_JOB:
            return self.function(job)
