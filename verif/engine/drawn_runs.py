"""Runs of drawn programs on the Verilog of engines: what was wrong, and how often what happened."""

from collections import Counter

from ...golden.engine.descriptor import Descriptor, Operation
from .drawn_cases import cases_of, has_ended
from .small_engines import DRAWN
from .verilog_runs import compiled, run_jobs


def play(program, config, cases, plusargs=()):
    """Run some of `cases_of`; for each its last run, and in what it is wrong, a line or None.

    After a run that does not end there are no more. ``plusargs`` as of `run_jobs`.

    Raises
    ------
    SimulatorError
        As `run_jobs`.
    """
    jobs = [case.jobs for case in cases]
    found = iter(run_jobs(program, config, [job for some in jobs for job in some], plusargs=plusargs))
    played = []
    for case, some in zip(cases, jobs):
        runs = [run for _, each in zip(some, found) for run in each]
        if runs:
            played.append((runs[-1], case.difference(runs)))
    return played


def kind_of(program, number):
    """What a descriptor of a program is, with what it runs together with."""
    operations = {operation.value: operation.name for operation in Operation}
    descriptor = program[number] if number < len(program) else Descriptor(operation=len(operations))
    name = operations.get(descriptor.operation, "none")
    if name == "CONV" and number and program[number - 1].feeds:
        return "CONV, fed"
    if name in ("CONV", "POOL") and descriptor.is_summed:
        return f"{name}, sums"
    return "DEPTHWISE, feeds" if name == "DEPTHWISE" and descriptor.feeds else name


def counts_of(cases, played):
    """Of programs by what they are and how they end; of descriptors by what they are and how they end.

    Returns
    -------
    (Counter, Counter)
        Of pairs: (kind, end), where an end is ``"END"``, ``"canceled"``, the name of a `Fault`, or of a descriptor
        ``"equal"``.
    """
    programs, descriptors = Counter(), Counter()
    for case, (run, _) in zip(cases, played):
        program = case.image.program
        end = run.fault.name if run.fault else "END" if has_ended(program, run) else "canceled"
        programs[case.kind, end] += 1
        descriptors.update((kind_of(program, number), "equal") for number in case.compared)
        if run.fault:
            descriptors[kind_of(program, run.fault_number), end] += 1
    return programs, descriptors


def run_drawn(job):
    """Run the programs of some seeds on one of `DRAWN`: (name of the engine, seeds).

    Returns
    -------
    (Counter, Counter, list of str)
        As of `counts_of`; a line for each program that is wrong.

    Raises
    ------
    SimulatorError
        As `compiled` and `play`.
    """
    name, seeds = job
    cases = cases_of(DRAWN[name], seeds)
    played = play(compiled(DRAWN[name]), DRAWN[name], cases.values())
    wrong = [f"seed {seed}, {name}: {difference}" for seed, (_, difference) in zip(cases, played) if difference]
    return *counts_of(cases.values(), played), wrong
