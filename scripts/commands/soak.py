"""``bitline soak``: random macros and cores under random traffic, until the time is up or a run fails."""

import itertools
import json
import os
import random
import shlex
import shutil
import signal
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from ...golden.program import difference, predict
from ...hdl.config import CoreConfig, MacroConfig
from ...hdl.config.core import OUTPUTS, RESETS
from ...verif.macro.coverage import FILE, Coverage
from ...verif.macro.drawn_program import draw_program
from ...verif.macro.regression import random_config
from ...verif.sim.build import build
from ...verif.sim.core import build_core
from ...verif.sim.player import run_program
from ...verif.sim.simulators import SimulatorError, require_simulator, testbench
from ..common.files import BadInput, require_packages, write_file
from ..common.jobs import completed, scheduler_option

LOG = "soak.jsonl"
# Between two printed rates.
INTERVAL_S = 60


@dataclass(frozen=True)
class Job:
    """A configuration and its traffic, both drawn by ``draw``; the ``number``-th of a soak."""

    number: int
    draw: int
    cycles: int
    folder: Path


def draws(seed):
    """The seeds of the jobs of a soak, an infinite sequence."""
    rng = random.Random(seed)
    while True:
        yield rng.randrange(2**31)


class Ports:
    """Any traffic at the ports of a small macro, with pauses and resets."""

    config = staticmethod(random_config)

    @staticmethod
    def run(job, config, folder, builds):
        """Cycles, vectors and, where they are known, products of a weight and a bit of an input."""
        built = build(config, folder=builds)
        built.run(testbench("tb_soak"), seed=job.draw, folder=folder,
                  environment={"BITLINE_CONFIG": config.to_json(), "SOAK_CYCLES": str(job.cycles)})
        coverage = Coverage()
        coverage.load(folder / FILE)
        return {name: coverage.counts["traffic", name] for name in ("cycles", "vectors")}


class Programs:
    """Long programs without pauses, as networks have them, on macros of up to 64 x 64."""

    # A vector takes about half as many cycles as planes, and a simulator without Python does many a second.
    vectors_per_cycle = 4

    @staticmethod
    def config(draw):
        rng, small = random.Random(draw), random_config(draw)
        return MacroConfig(**small.to_dict() | {"rows": rng.randint(1, 64), "columns": small.fuse * rng.randint(1, 16),
                                                "block_ram_columns": 0})

    @classmethod
    def run(cls, job, config, folder, builds):
        """As `Ports.run`."""
        program = draw_program(config, np.random.default_rng(job.draw), cls.vectors_per_cycle * job.cycles)
        wanted, found = predict(config, program), run_program(config, program, folder=builds)
        differs = difference(found, wanted)
        if differs:
            raise SimulatorError(differs)
        return {"cycles": found.cycles, "vectors": len(program.vectors),
                "products": int(wanted.results.planes.sum()) * config.rows * config.columns}


class Cores:
    """Everything that a core does, in any order, at its buses."""

    @staticmethod
    def config(draw):
        rng, macro = random.Random(draw), random_config(draw)
        macro = MacroConfig(**macro.to_dict() | {"fuse": 1, "max_accumulations": rng.randint(1, 3)})
        streams = {f"{name}_stream_bits": rng.choice((32, 64, 128)) for name in ("input", "weight", "output")}
        return CoreConfig(macro=macro, output=rng.choice(OUTPUTS), reset=rng.choice(RESETS),
                          checksum=bool(rng.randrange(2)), **streams)

    @staticmethod
    def run(job, config, folder, builds):
        """As `Ports.run`; cycles at least."""
        built = build_core(config, folder=builds)
        built.run(testbench("tb_core_mixed"), seed=job.draw, folder=folder,
                  environment={"BITLINE_CORE_CONFIG": config.to_json(), "SOAK_CYCLES": str(job.cycles)})
        return {"cycles": job.cycles, "vectors": 0}


# In turns, by the number that draws a job.
KINDS = (Ports, Programs, Cores)


def run_job(job):
    """Build and run one job, and remove its build if it passed; its line of the log."""
    kind = KINDS[job.draw % len(KINDS)]
    config, folder = kind.config(job.draw), job.folder / f"job_{job.number}"
    builds = folder / "builds"
    shutil.rmtree(folder, ignore_errors=True)
    started = time.perf_counter()
    line = {"number": job.number, "draw": job.draw, "kind": kind.__name__.lower(), "config": config.to_dict(),
            "cycles": 0, "vectors": 0, "products": 0, "mismatch": None}
    try:
        counts = kind.run(job, config, folder, builds)
    except SimulatorError as error:
        return {**line, "mismatch": str(error)}
    shutil.rmtree(folder)
    return {**line, "seconds": round(time.perf_counter() - started, 2), **counts}


class SoakLog:
    """The file of a soak: its seed and cycles of a job, then a line for each completed job, in that order.

    Parameters
    ----------
    path : Path
    seed, cycles : int
        Must be those of the file if it is there.
    """

    def __init__(self, path, seed, cycles):
        self.path, self.lines = path, []
        header = {"seed": seed, "cycles": cycles}
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, json.dumps(header) + "\n")
            return
        text = path.read_text(encoding="utf-8")
        # The last line may be incomplete.
        whole = text[:text.rfind("\n") + 1]
        try:
            found, *self.lines = map(json.loads, whole.splitlines())
            {line["number"]: (line["kind"], line["cycles"] + line["vectors"] + line["products"]) for line in self.lines}
        except (ValueError, KeyError, TypeError):
            raise BadInput(f"{path} must be the log of a soak, and is not") from None
        if found != header:
            raise BadInput(f"{path} must be of the same seed and cycles ({header}), not {found}")
        if whole != text:
            write_file(path, whole)

    def add(self, line):
        """Append the line of a job."""
        self.lines.append(line)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    @property
    def totals(self):
        """Jobs, distinct configurations, cycles of macros and of cores, vectors of macros, and their products."""
        sums = Counter()
        for line in self.lines:
            cycles = "cycles of cores" if line["kind"] == "cores" else "cycles of macros"
            sums.update({cycles: line["cycles"], "vectors": line["vectors"], "products": line["products"]})
        configs = {json.dumps(line["config"], sort_keys=True) for line in self.lines}
        return {"runs": len(self.lines), "configurations": len(configs), **{
            name: sums[name] for name in ("cycles of macros", "cycles of cores", "vectors", "products")}}


def describe(totals):
    """Totals in words."""
    return ", ".join(f"{value:,} {name}" for name, value in totals.items())


def soak(log, jobs, seconds, workers, scheduler=None):
    """Run jobs until the time is up or one fails; its line, or None."""
    started = printed = time.monotonic()
    before = log.totals

    def in_time():
        for job in jobs:
            if time.monotonic() - started >= seconds:
                return
            yield job

    with closing(completed(run_job, in_time(), workers, scheduler)) as lines:
        for line in lines:
            log.add(line)
            if line["mismatch"]:
                return line
            now = time.monotonic()
            if now - printed >= INTERVAL_S:
                printed = now
                click.echo(f"{describe(log.totals)}; {rate(before, log.totals, now - started)}")
    click.echo(f"{describe(log.totals)}; {rate(before, log.totals, time.monotonic() - started)}; 0 mismatches")
    return None


def rate(before, after, seconds):
    """The rate of this call."""
    return ", ".join(f"{(after[name] - before[name]) / max(seconds, 1e-9):,.0f} {name}/s"
                     for name in ("cycles of macros", "cycles of cores", "products"))


@click.command()
@click.option("--hours", type=click.FloatRange(0, 10000, min_open=True), help="How long to start further runs.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True,
              help="Draws configurations and traffic.")
@click.option("--cycles", type=click.IntRange(100, 10**9), default=50000, show_default=True,
              help="Clock cycles of a configuration; about ten times as many of a program.")
@click.option("--jobs", type=click.IntRange(1, 256), default=os.cpu_count(), show_default=True, help="Processes.")
@scheduler_option
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/soak"), show_default=True,
              help=f"Gets {LOG}, a line a run.")
@click.option("--resume", is_flag=True, help="Go on with the soak of that folder.")
@click.option("--draw", type=click.IntRange(0, 2**31 - 1), help="Only the run that was drawn by this number.")
def command(hours, seed, cycles, jobs, scheduler, out, resume, draw):
    """Run random configurations of macros and cores, and traffic, for hours; stop at the first mismatch.

    A product is one bit of an input times one weight: rows times columns times planes of a vector.
    """
    if (hours is None) == (draw is None):
        raise BadInput("one of --hours and --draw must be given, and not both")
    require_packages("test", "cocotbext")
    require_simulator("verilator")
    if draw is not None:
        return report(run_job(Job(draw, draw, cycles, out.resolve() / "again")), cycles)
    path = out / LOG
    if path.exists() and not resume:
        raise BadInput(f"a soak in {out} must be resumed with --resume, or another --out be given")
    if resume and not path.exists():
        raise BadInput(f"--resume must find {path}, and does not")
    log = SoakLog(path, seed, cycles)
    failed = [line for line in log.lines if line["mismatch"]]
    if failed:
        return report(failed[0], cycles)
    ended = {line["number"] for line in log.lines}
    work = (Job(number, drawn, cycles, out.resolve()) for number, drawn in zip(itertools.count(), draws(seed))
            if number not in ended)
    # A process in the background of a shell would ignore interrupts.
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        failed = soak(log, work, 3600 * hours, jobs, scheduler)
    except KeyboardInterrupt:
        click.echo(f"{describe(log.totals)} in {path}; go on with\n  bitline soak --hours {hours:g} --seed {seed} "
                   f"--cycles {cycles} --jobs {jobs} --out {shlex.quote(str(out))} --resume")
        raise
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    if not failed:
        click.echo(path)
    return report(failed, cycles) if failed else 0


def report(line, cycles):
    """Print the result of one run, and how to repeat it if it failed; the exit status."""
    if not line["mismatch"]:
        click.echo(f"{line['cycles']:,} cycles, {line['vectors']:,} vectors, 0 mismatches")
        return 0
    click.echo(f"MISMATCH {line['mismatch']}\n  bitline soak --draw {line['draw']} --cycles {cycles}")
    return 1
