"""``bitline bench networks``: published networks on the macro, every input."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
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

VARIABLE = "BITLINE_MODELS"


@dataclass(frozen=True)
class Published:
    """A network of MLPerf Tiny: its file, the step from one input to the next, and how many run together."""

    file: str
    step: int | None = None
    batch: int = 1


# By folder.
NETWORKS = {
    "keyword_spotting": Published("kws_ref_model.tflite"),
    "image_classification": Published("pretrainedResnet_quant.tflite"),
    "anomaly_detection": Published("ad01_int8.tflite", step=128, batch=16),
}


def measure(folder, published, backend, count, build):
    """The figures of one network, as they are written."""
    path = folder / published.file
    network = load_network(path)
    loaded = load_inputs([folder / "inputs"], network, step=published.step).first(count)
    warn_skipped(loaded)
    runs = len(loaded.files)
    mapping = Mapping(MACRO, network, min(published.batch, runs))
    with running("starting", runs) as progress:
        found = run_network(network, loaded.values, open_backend(backend, mapping, folder=build), batch=published.batch,
                            reference=read_reference(path, None, network.runtime), progress=progress)
    cycles = [record.cycles for record in found.records]
    predicted = sum(record.predicted for record in found.records)
    counted = predicted if None in cycles else sum(cycles)
    started = time.perf_counter()
    Inference(network).run(*loaded.values)
    return {
        "network": folder.name, "inputs": runs, "batch": published.batch,
        "macs": network.macs,
        "cycles_per_input": counted / runs,
        "pauses_per_input": pause(MACRO) * len(found.records) / runs,
        "layers_not_as_predicted": None if None in cycles else sum(
            record.cycles != record.predicted for record in found.records),
        "accumulator_mismatches": sum(record.mismatches for record in found.records),
        "reference_mismatches": sum(mismatch.count for mismatch in found.mismatches) if found.checked else None,
        "seconds_per_input": found.seconds / runs,
        "golden_inputs_per_second": runs / (time.perf_counter() - started),
    }


def print_networks(rows):
    """The table."""
    table = Table(Column("network", no_wrap=True), "inputs", "together", "cycles per input", "pauses",
                  "layers not as predicted", "wrong sums", "wrong outputs", "seconds an input",
                  "numpy, inputs a second")
    for row in rows:
        table.add_row(row["network"], *("" if value is None else f"{value:,}" for value in (
            row["inputs"], row["batch"], round(row["cycles_per_input"]), round(row["pauses_per_input"]),
            row["layers_not_as_predicted"], row["accumulator_mismatches"], row["reference_mismatches"])),
            f"{row['seconds_per_input']:.3f}", f"{row['golden_inputs_per_second']:,.0f}")
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(table)


@click.command()
@click.option("--models", metavar="DIR", type=click.Path(path_type=Path), envvar=VARIABLE,
              help=f"Holds the networks and their inputs. [default: ${VARIABLE}]")
@click.option("--backend", type=click.Choice(["golden", "rtl"]), default="rtl", show_default=True,
              help="Predicted, or simulated.")
@click.option("--count", type=click.IntRange(1), help="How many inputs of each. [default: all]")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), default=Path("build/bench/networks.json"),
              show_default=True, help="Gets the figures as JSON.")
@build_option
def command(models, backend, count, out, folder):
    """Cycles, mismatches and time of networks of MLPerf Tiny on a 64 x 64 macro with two banks."""
    if models is None:
        raise BadInput(f"--models or {VARIABLE} must say where the networks are, and does not")
    missing = [models / name / published.file for name, published in NETWORKS.items()
               if not (models / name / published.file).is_file()]
    if missing:
        raise BadInput(f"models must hold {missing[0].relative_to(models)}, and {models} does not")
    check_writable(out)
    with refusing(NetworkError, ValueError, LinkError):
        rows = [measure(models / name, published, backend, count, folder) for name, published in NETWORKS.items()]
    print_networks(rows)
    write_json(out, {"configuration": MACRO.to_dict(), "backend": backend, "cores": os.cpu_count(), "networks": rows})
    click.echo(out)
    return 1 if any(row[key] for row in rows for key in (
        "layers_not_as_predicted", "accumulator_mismatches", "reference_mismatches")) else 0
