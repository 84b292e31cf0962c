"""``bitline bench networks``: published networks on the macro, every input."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import click
from rich.table import Column, Table

from ....golden.program import pause
from ....host.backends import open_backend
from ....host.board import LinkError
from ....host.mapping.mapping import Mapping
from ....host.network.files.load import load_network
from ....host.network.files.reference import read_reference
from ....host.network.inference import Inference
from ....host.network.network import NetworkError
from ....host.network.run import run_network
from ...common.files import BadInput, check_writable, refusing, write_json
from ...common.network_inputs import load_inputs, warn_skipped
from ...common.options import MACRO, build_option
from ...common.progress import running
from ...common.tables import show

VARIABLE = "BITLINE_MODELS"


@dataclass(frozen=True)
class Measured:
    """A network: its name, its file, its inputs, the step from one to the next, and how many run together."""

    name: str
    model: Path
    inputs: Path
    step: int | None = None
    batch: int = 1


# Of MLPerf Tiny.
NETWORKS = [
    Measured("keyword_spotting", Path("kws_ref_model.tflite"), Path("inputs")),
    Measured("image_classification", Path("pretrainedResnet_quant.tflite"), Path("inputs")),
    Measured("anomaly_detection", Path("ad01_int8.tflite"), Path("inputs"), step=128, batch=16),
]


def compare(measured, backend, count, build, other, rounds):
    """The figures of `measure`, and the seconds of the commands of this build and of another in turn, medians."""
    figures = measure(measured, backend, count, build)
    own = Path(sys.executable).with_name("bitline")
    seconds = [[seconds_of(command, measured, backend, count, build / folder)
                for command, folder in ((own, "own"), (other, "other"))] for _ in range(rounds)]
    ours, theirs = map(statistics.median, zip(*seconds))
    return {**figures, "seconds_per_input": ours, "other_seconds_per_input": theirs, "times_faster": theirs / ours}


def seconds_of(command, measured, backend, count, build):
    """Seconds an input of ``bitline run --report`` of a build, as its report has them."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([
            command, "run", measured.model, "--inputs", measured.inputs, "--backend", backend, "--no-check", "--batch",
            str(measured.batch), "--build", build.resolve(), "--report", folder,
            *(["--step", str(measured.step)] if measured.step else []), *(["--count", str(count)] if count else []),
        ], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BadInput(f"{command} must run {measured.name}, and does not: "
                           f"{(done.stderr or done.stdout).strip().splitlines()[-1:]}")
        return json.loads((Path(folder) / "report.json").read_text(encoding="utf-8"))["seconds_per_input"]


def measure(measured, backend, count, build):
    """The figures of one network, as they are written."""
    path = measured.model
    network = load_network(path)
    loaded = load_inputs([measured.inputs], network, step=measured.step).first(count)
    warn_skipped(loaded)
    runs = len(loaded.files)
    mapping = Mapping(MACRO, network, min(measured.batch, runs))
    with running("starting", runs) as progress:
        result = run_network(network, loaded.values, open_backend(backend, mapping, folder=build), batch=measured.batch,
                             reference=read_reference(path, None, network.runtime), progress=progress)
    cycles = [record.cycles for record in result.records]
    predicted = sum(record.predicted for record in result.records)
    counted = predicted if None in cycles else sum(cycles)
    started = time.perf_counter()
    Inference(network).run(*loaded.values)
    return {
        "network": measured.name, "inputs": runs, "batch": measured.batch,
        "macs": network.macs,
        "cycles_per_input": counted / runs,
        "pauses_per_input": pause(MACRO) * len(result.records) / runs,
        "layers_not_as_predicted": None if None in cycles else sum(
            record.cycles != record.predicted for record in result.records),
        "accumulator_mismatches": sum(record.mismatches for record in result.records),
        "reference_mismatches": sum(mismatch.count for mismatch in result.mismatches) if result.checked else None,
        "seconds_per_input": result.seconds / runs,
        "golden_inputs_per_second": runs / (time.perf_counter() - started),
    }


def print_networks(rows):
    """The table."""
    table = Table(Column("network", no_wrap=True), "inputs", "together", "cycles per input", "pauses",
                  "layers not as predicted", "wrong sums", "wrong outputs", "seconds an input",
                  "numpy, inputs a second", *(["other build", "times faster"] if "times_faster" in rows[0] else []))
    for row in rows:
        table.add_row(row["network"], *("" if value is None else f"{value:,}" for value in (
            row["inputs"], row["batch"], round(row["cycles_per_input"]), round(row["pauses_per_input"]),
            row["layers_not_as_predicted"], row["accumulator_mismatches"], row["reference_mismatches"])),
            f"{row['seconds_per_input']:.3f}", f"{row['golden_inputs_per_second']:,.0f}",
            *([f"{row['other_seconds_per_input']:.3f}", f"{row['times_faster']:.1f}"] if "times_faster" in row else []))
    show(table)


def of_models(folder):
    """The networks of MLPerf Tiny in a folder."""
    if folder is None:
        raise BadInput(f"--models or {VARIABLE} must say where the networks are, and does not")
    for each in NETWORKS:
        path = folder / each.name
        if not (path / each.model).is_file():
            raise BadInput(f"models must hold {each.name}/{each.model}, and {folder} does not")
        yield replace(each, model=path / each.model, inputs=path / each.inputs)


@click.command()
@click.option("--models", metavar="DIR", type=click.Path(path_type=Path), envvar=VARIABLE,
              help=f"Holds the networks and their inputs. [default: ${VARIABLE}]")
@click.option("--network", "networks", nargs=2, metavar="MODEL INPUTS", type=click.Path(path_type=Path), multiple=True,
              help="Another network in place of those of MLPerf Tiny; may be given often.")
@click.option("--backend", type=click.Choice(["golden", "rtl"]), default="rtl", show_default=True,
              help="Predicted, or simulated.")
@click.option("--count", type=click.IntRange(1), help="How many inputs of each. [default: all]")
@click.option("--against", metavar="BITLINE", type=click.Path(path_type=Path),
              help="The command of another build, which runs the same in turn.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True,
              help="Turns of each, of which the median is taken.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), default=Path("build/bench/networks.json"),
              show_default=True, help="Gets the figures as JSON.")
@build_option
def command(models, networks, backend, count, against, rounds, out, folder):
    """Cycles, mismatches and time of networks on a 64 x 64 macro with two banks."""
    chosen = [Measured(model.stem, model, inputs) for model, inputs in networks] or list(of_models(models))
    check_writable(out)
    with refusing(NetworkError, ValueError, LinkError, OSError):
        rows = [compare(each, backend, count, folder, against, rounds) if against else
                measure(each, backend, count, folder) for each in chosen]
    print_networks(rows)
    write_json(out, {"configuration": MACRO.to_dict(), "backend": backend, "cores": os.cpu_count(), "networks": rows})
    click.echo(out)
    return 1 if any(row[key] for row in rows for key in (
        "layers_not_as_predicted", "accumulator_mismatches", "reference_mismatches")) else 0
