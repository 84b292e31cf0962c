"""Drawn programs on mutants of an engine, up to the first that is not as the golden executor has it."""

from functools import cache

from ...verif.engine.drawn_cases import cases_of
from ...verif.engine.drawn_runs import play
from ...verif.engine.verilog_runs import compiled
from ...verif.sim.simulators import SimulatorError
from ..common.files import write_file
from .mutants import image
from .testbenches import wrapper

# Programs of a seed, and how many of them run at a time.
PROGRAMS, AT_ONCE = 96, 8
# Runs end by themselves, after the cycles of each job.
NO_LIMIT = (1 << 31) - 1


@cache
def cases(config, seed):
    """The drawn programs of a seed of the command."""
    return list(cases_of(config, range(PROGRAMS * seed, PROGRAMS * (seed + 1))).values())


def program_of(job):
    """The simulation of an `Image`, compiled if needed."""
    path = job.folder / "image" / "image.v"
    return compiled(job.design.config, job.folder / "image", path.read_text(encoding="utf-8"), job.design.wrapper)


def tests(design):
    """Paths of the tests beside what this module imports."""
    return []


def prepare(job, seed):
    """Compile an `Image`, unless that has been done; what is wrong with mutant 0 and a seed, or None."""
    path = job.folder / "image" / "image.v"
    if not path.exists():
        write_file(path, image(job.design, job.mutants) + wrapper(job.design, len(job.mutants)))
    return killed(job, 0, seed)


def killed(job, number, seed):
    """What is wrong first with a mutant of an `Image`, or None."""
    program, programs = program_of(job), cases(job.design.config, seed)
    plusargs = f"+mutant={number}", f"+cycles={NO_LIMIT}"
    for first in range(0, PROGRAMS, AT_ONCE):
        try:
            played = play(program, job.design.config, programs[first:first + AT_ONCE], plusargs)
        except SimulatorError as error:
            return str(error)
        found = next((difference for _, difference in played if difference), None)
        if found:
            return found
    return None
