"""Independent jobs on several processes, with a progress bar."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed

from .progress import running


def run_jobs(what, function, jobs, workers):
    """``function(job)`` for each job, in as many processes; results in the order of the jobs."""
    results = [None] * len(jobs)
    # Simulators change the environment of their process, so each has a fresh one.
    context = multiprocessing.get_context("spawn")
    with running(what, len(jobs)) as progress, ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = {pool.submit(function, job): index for index, job in enumerate(jobs)}
        try:
            for done, future in enumerate(as_completed(futures), 1):
                results[futures[future]] = future.result()
                progress(done)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    return results
