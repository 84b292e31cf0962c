"""``bitline prove``: the properties of `verif/formal/properties.py`, their covers, and their seeded bugs."""

import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import click
from rich.table import Table

from ...verif.formal.properties import PROPERTIES
from ..common.files import BadInput, check_writable, write_json
from ..common.jobs import run_jobs
from ..common.sby import PROGRAMS, check, fingerprint
from ..common.tables import show


@dataclass(frozen=True)
class Task:
    """One run of SymbiYosys, whose result is kept in its folder."""

    name: str
    mode: str
    solver: str
    bug: int
    out: Path
    timeout: int
    resume: bool

    @property
    def folder(self):
        """Of the run."""
        return self.out / f"{self.name}_{self.mode}{self.bug if self.mode == 'bug' else ''}_{self.solver}"


def tasks_of(proof, solver, out, timeout, resume):
    """The proof by each solver or the selected one; with the first of them the covers and each bug."""
    solvers = [solver] if solver else proof.solvers
    kinds = [("prove", each, 0) for each in solvers]
    kinds += [("cover", solvers[0], 0)]
    kinds += [("bug", solvers[0], number) for number in range(len(proof.bugs))]
    return [Task(proof.name, mode, each, number, out, timeout, resume) for mode, each, number in kinds]


def run_task(task):
    """The verdict and its seconds; a task with a stored result for the same text is not run again."""
    proof = PROPERTIES[task.name]
    report = {"property": task.name, "mode": task.mode, "solver": task.solver, "of": fingerprint(proof)}
    path = task.folder / "result.json"
    if task.resume and path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        if all(found.get(key) == value for key, value in report.items()) and found["verdict"] != "unknown":
            return found
    started = time.perf_counter()
    bug = proof.bugs[task.bug] if task.mode == "bug" else None
    verdict, log = check(proof, task.mode, task.solver, task.folder, bug=bug, timeout=task.timeout)
    (task.folder / "run.log").write_text(log, encoding="utf-8")
    report |= {"bug": bug, "verdict": verdict, "seconds": round(time.perf_counter() - started, 1)}
    write_json(path, report)
    return report


def summary(proof, results):
    """The row of a property in the table, from the results of its tasks."""
    of = {mode: [each for each in results if each["mode"] == mode] for mode in ("prove", "cover", "bug")}
    verdicts = {each["verdict"] for each in of["prove"] + of["cover"]}
    caught = sum(each["verdict"] == "failed" for each in of["bug"])
    verdict = "failed" if "failed" in verdicts else "unknown" if "unknown" in verdicts else "passed"
    if verdict == "passed" and caught < len(of["bug"]):
        unknown = any(each["verdict"] == "unknown" for each in of["bug"])
        verdict = "unknown" if unknown else "failed"
    return {
        "property": proof.name, "says": proof.says, "verdict": verdict,
        "engine": " and ".join(each["solver"] for each in of["prove"]),
        "depth": proof.argument or (f"induction, k = {proof.depth}" if proof.mode == "prove" else
                                    f"{proof.depth} cycles"),
        "seconds": {each["solver"]: each["seconds"] for each in of["prove"]},
        "covers": of["cover"][0]["verdict"], "bugs": len(of["bug"]), "bugs caught": caught, "tasks": results,
    }


def print_table(rows):
    """A line for each property."""
    table = Table("property", "verdict", "engine", "depth or induction", "seconds", "covers", "bugs caught")
    for row in rows:
        color = {"passed": "", "failed": "[red]", "unknown": "[yellow]"}[row["verdict"]]
        table.add_row(row["property"], color + row["verdict"], row["engine"], row["depth"],
                      " and ".join(f"{seconds:.0f}" for seconds in row["seconds"].values()),
                      {"passed": "reached"}.get(row["covers"], row["covers"]),
                      f"{row['bugs caught']} of {row['bugs']}")
    show(table)


def prove(proofs, *, solver=None, jobs=1, timeout=600, out=Path("build/prove"), resume=False):
    """Prove properties; returns the rows of the table."""
    out = out.resolve()
    tasks = [task for proof in proofs for task in tasks_of(proof, solver, out, timeout, resume)]
    results = run_jobs("proving", run_task, tasks, jobs)
    return [summary(proof, [result for result in results if result["property"] == proof.name]) for proof in proofs]


def require_solvers(solvers):
    """BadInput if a solver is missing."""
    for name in sorted(solvers):
        program = PROGRAMS[name]
        if not (Path(sys.executable).parent / program).exists() and not shutil.which(program):
            raise BadInput(f"{program} not found: pip install -e '.[test]'")


@click.command()
@click.argument("properties", nargs=-1)
@click.option("--solver", type=click.Choice(list(PROGRAMS)),
              help="Only this solver. [default: those of each property]")
@click.option("--jobs", type=click.IntRange(1, 256), default=os.cpu_count(), show_default=True, help="Processes.")
@click.option("--timeout", type=click.IntRange(1, 86400), default=600, show_default=True,
              help="Seconds for each proof, which is unknown after that.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/prove"), show_default=True,
              help="Gets proofs.json, and a folder per run.")
@click.option("--resume", is_flag=True, help="Keep what an interrupted run has left in DIR.")
@click.option("--list", "lists", is_flag=True, help="List the properties.")
def command(properties, solver, jobs, timeout, out, resume, lists):
    """Prove properties of the blocks, all or some, and that each proof finds its seeded bugs."""
    for name in properties:
        if name not in PROPERTIES:
            raise BadInput(f"property must be one of {', '.join(PROPERTIES)}, not {name}")
    proofs = [PROPERTIES[name] for name in dict.fromkeys(properties)] or list(PROPERTIES.values())
    if lists:
        for proof in proofs:
            click.echo(f"{proof.name}: {proof.says}")
        return 0
    require_solvers({solver} if solver else {each for proof in proofs for each in proof.solvers})
    check_writable(out / "proofs.json")
    try:
        rows = prove(proofs, solver=solver, jobs=jobs, timeout=timeout, out=out, resume=resume)
    except KeyboardInterrupt:
        options = [*properties, *(("--solver", solver) if solver else ()), "--timeout", timeout, "--out", out]
        click.echo(f"go on with: bitline prove {' '.join(map(str, options))} --resume", err=True)
        raise
    write_json(out / "proofs.json", rows)
    print_table(rows)
    passed = sum(row["verdict"] == "passed" for row in rows)
    click.echo(f"{passed} of {len(rows)} properties proved, "
               f"{sum(row['bugs caught'] for row in rows)} of {sum(row['bugs'] for row in rows)} bugs caught: "
               f"{out / 'proofs.json'}")
    return 0 if passed == len(rows) else 1
