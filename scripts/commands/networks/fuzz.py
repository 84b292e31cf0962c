"""``bitline fuzz``: drawn networks of one operator, every value compared with the runtime; programs of the engine."""

import dataclasses
import os
from collections import Counter
from contextlib import closing
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import click
from rich.table import Table

from ....verif.sim.simulators import require_simulator
from ...common.files import BadInput, check_writable, require_packages, write_json
from ...common.jobs import completed
from ...common.progress import running
from ...common.tables import show
from ...fuzzing.damage import read_damaged, total_of
from ...fuzzing.record import read_record, write_record

# What is compared unless something else is said.
VALUES, RUNTIME = 100_000, "litert-2.3"
# Programs of an engine that one simulation runs.
CHUNK = 50


def table_of(found):
    """A row for each operator."""
    table = Table("operator", "networks", "values", "mismatches", "left open", "refused", "seconds")
    for one in found:
        table.add_row(one.operator, f"{one.networks:,}", f"{one.values:,}", f"{one.mismatches:,}", f"{one.open:,}",
                      f"{sum(one.refused.values()):,}", f"{one.seconds:.1f}")
    return table


def compare(fuzzers, operators, values, seed, output):
    """Fuzz operators, by function; ``output`` gets each, and keeps what it has of others. The exit status."""
    # Before long work begins.
    record, found = read_record(output) if output else {}, []
    with running("fuzzing", len(operators)) as progress:
        for operator in operators:
            found.append(one := fuzzers[operator](operator, values, seed))
            progress(len(found), operator)
            if output:
                record[one.operator, one.runtime.split()[0]] = dataclasses.asdict(one)
                write_record(output, record)
    show(table_of(found))
    for one in found:
        for line in [one.first] if one.first else []:
            click.echo(f"{one.operator}, {line}")
        for reason, count in one.refused.items():
            click.echo(f"{one.operator}, {count} refused: {reason}")
    return 1 if any(one.mismatches for one in found) else 0


def damage(kinds, operators, count, seed):
    """Read damaged files of operators, which are of some kinds of files. The exit status."""
    found = []
    with running("reading", len(operators)) as progress:
        for kind in kinds:
            chosen = [operator for operator in operators if operator in kind.OPERATORS]
            for one in read_damaged(kind.survive, chosen, count, seed) if chosen else ():
                found.append(one)
                progress(len(found), one.operator)
    table = Table("operator", "files", "run", "refused", "faults", "slowest, s", "most MB")
    for one in [*found, total_of(found)]:
        table.add_row(one.operator, *(f"{number:,}" for number in (one.files, one.run, one.refused, one.faults)),
                      f"{one.seconds:.2f}", f"{one.kilobytes >> 10:,}")
    show(table)
    for one in found:
        for line in [one.first] if one.first else []:
            click.echo(f"{one.operator}, {line}")
    return 1 if any(one.faults for one in found) else 0


def run_programs(count, seed, jobs, output):
    """Run drawn programs on engines, in turn by their seeds; ``output`` gets what was run so far. The exit status."""
    from ....verif.engine.drawn_runs import run_drawn
    from ....verif.engine.small_engines import DRAWN

    chunks = []
    for number, name in enumerate(DRAWN):
        seeds = [each for each in range(seed, seed + count) if each % len(DRAWN) == number]
        chunks += [(name, seeds[first:first + CHUNK]) for first in range(0, len(seeds), CHUNK)]
    # In turn, so that processes do not wait for one another to compile an engine.
    chunks.sort(key=lambda chunk: chunk[1])
    programs, descriptors, wrong = Counter(), Counter(), []
    with running("running", count) as progress, closing(completed(run_drawn, chunks, jobs)) as found:
        for some, parts, lines in found:
            programs, descriptors, wrong = programs + some, descriptors + parts, wrong + lines
            progress(programs.total())
            record = {"seed": seed, "engines": {name: config.hash for name, config in DRAWN.items()},
                      "programs": nested(programs), "descriptors": nested(descriptors), "mismatches": wrong}
            if output:
                write_json(output, record)
    for title in ("programs", "descriptors"):
        table = Table(title, "end", "count")
        for kind, ends in record[title].items():
            for end, number in ends.items():
                table.add_row(kind, end, f"{number:,}")
        show(table)
    for line in wrong:
        click.echo(line)
    lacking = count - programs.total()
    # After a run that does not end those behind it are not run.
    not_run = f", {lacking:,} not run" if lacking else ""
    click.echo(f"{programs.total():,} programs, {len(wrong):,} mismatches{not_run}")
    return 1 if wrong or lacking else 0


def nested(counts):
    """Counts of pairs as a dictionary of dictionaries, in order."""
    found = {}
    for (kind, end), number in sorted(counts.items()):
        found.setdefault(kind, {})[end] = number
    return found


def refuse_others(option, others):
    """`BadInput` if one of some options, by name, is given beside another."""
    for name, value in others.items():
        if value:
            raise BadInput(f"--{option} must be without {name}, not with {value}")


@click.command()
@click.argument("operators", nargs=-1)
@click.option("--values", type=click.IntRange(1), help=f"Of each operator. [default: {VALUES}]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the first network.")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path),
              help="Gets the table as JSON; what it has of other operators stays.")
@click.option("--runtime", type=click.Choice([RUNTIME, "tflm"]),
              help=f"Of .tflite files; with tflm there are no others. [default: {RUNTIME}]")
@click.option("--damaged", metavar="N", type=click.IntRange(1),
              help="Instead read N damaged files of each operator: each must run, or be refused in one line, in 5 s "
              "and 1 GB.")
@click.option("--engine", metavar="N", type=click.IntRange(1),
              help="Instead run N drawn programs, valid and hostile ones, on the Verilog of small engines, and compare "
              "with the golden executor.")
@click.option("--jobs", type=click.IntRange(1, 256), help="Processes, with --engine. [default: one for each core]")
def command(operators, values, seed, output, runtime, damaged, engine, jobs):
    """Draw networks of each of OPERATORS, or of all, and compare every value with the runtime.

    Those of .tflite files, such as FULLY_CONNECTED, are compared with LiteRT or tflite-micro, those of .onnx files,
    such as Gemm, with ONNX Runtime.
    """
    if engine:
        refuse_others("engine", {"operators": " ".join(operators), "--values": values, "--runtime": runtime,
                                 "--damaged": damaged})
        require_simulator("verilator")
        if output:
            check_writable(output)
        return run_programs(engine, seed, jobs or os.cpu_count(), output)
    if damaged:
        refuse_others("damaged", {"--values": values, "--runtime": runtime, "--output": output, "--jobs": jobs})
    require_packages("networks", "tflite", "ai_edge_litert")
    require_packages("onnx", "onnx", "onnxruntime")
    if runtime == "tflm" and find_spec("tflite_micro") is None:
        raise BadInput("tflite-micro not found: pip install tflite-micro")
    from ...fuzzing import onnx_fuzz, tflite_fuzz

    kinds = (tflite_fuzz,) if runtime == "tflm" else (tflite_fuzz, onnx_fuzz)
    fuzzers = {operator: kind for kind in kinds for operator in kind.OPERATORS}
    unknown = [operator for operator in operators if operator not in fuzzers]
    if unknown:
        raise BadInput(f"operators must be among {', '.join(fuzzers)}, not {unknown[0]}")
    if damaged:
        return damage(kinds, operators or fuzzers, damaged, seed)
    if jobs:
        raise BadInput(f"--jobs must come with --engine, and comes without, as {jobs}")
    if output:
        check_writable(output)
    chosen = {operator: partial(kind.fuzz, runtime=runtime or RUNTIME) if kind is tflite_fuzz else kind.fuzz
              for operator, kind in fuzzers.items()}
    return compare(chosen, operators or fuzzers, values or VALUES, seed, output)
