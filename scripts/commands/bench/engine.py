"""``bitline bench engine``: published networks on an engine's golden model, every input."""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from rich.table import Column, Table

from ....golden.engine.executor import Engine
from ....golden.engine.image import EngineError
from ....hdl.config.engine import EngineConfig, default_engine
from ....host.engine.compiler import compile_network
from ....host.engine.values import tensors_of
from ....host.network.compare import compare
from ....host.network.files.load import load_network
from ....host.network.files.reference import read_reference
from ....host.network.network import NetworkError
from ...common.files import BadInput, check_writable, refusing, write_json
from ...common.network_inputs import load_inputs, warn_skipped
from ...common.options import build_option
from ...common.progress import running
from ...common.tables import show
from ...fpga.engine_flow import DEVICE, count_blocks, place_engine, synthesize_engine
from .networks import VARIABLE, of_models

RESULTS = "https://github.com/mlcommons/tiny_results_{}, closed/{}"
# Vela's name of the NPU for which it estimates.
NPU, NPU_MACS = "ethos-u65-512", 512


@dataclass(frozen=True)
class Published:
    """A result of MLPerf Tiny: the median of inputs a second in ``performance/results.txt`` of its folder, and the
    clock in MHz of the ``.json`` file of the system, or of the design's ``.toml`` file."""

    network: str
    entry: str
    source: str
    per_second: float
    clock: float
    units: str = ""

    @property
    def cycles(self):
        """Of the clock, for each input."""
        return self.clock * 1e6 / self.per_second


GAP9, FPGACONVNET = (RESULTS.format(*entry) for entry in (
    ("v1.0", "greenwaves-technologies/results/gap9_800_370"), ("v1.1", "fpgaconvnet/results")))
PUBLISHED = (
    Published("keyword_spotting", "GAP9", f"{GAP9}/keyword_spotting", 2103.206, 370),
    Published("image_classification", "GAP9", f"{GAP9}/image_classification", 1622.799, 370),
    Published("anomaly_detection", "GAP9", f"{GAP9}/anomaly_detection", 5691.597, 370),
    Published("keyword_spotting", "fpgaConvNet, ZedBoard", f"{FPGACONVNET}/zedboard/kws", 3087.887, 143,
              "at most 220 DSPs"),
    Published("image_classification", "fpgaConvNet, ZC706", f"{FPGACONVNET}/zc706/ic", 6789.576, 187,
              "at most 900 DSPs"),
)


def vela(network, model):
    """Vela's estimate for the same file as a `Published`, or None without ethos-u-vela."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which("vela", path=places)
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([program, model, "--accelerator-config", NPU, "--output-dir", folder], check=False,
                              capture_output=True, text=True)
        tables = list(Path(folder).glob("*_summary_*.csv"))
        if done.returncode or not tables:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise BadInput(f"vela must estimate {model}, and does not: {''.join(last)}")
        row = next(csv.DictReader(tables[0].read_text(encoding="utf-8").splitlines()))
    clock = float(row["core_clock"]) / 1e6
    return Published(network, f"{NPU}, estimate", "ethos-u-vela", clock * 1e6 / float(row["cycles_total"]), clock,
                     f"{NPU_MACS} MACs")


def measure(measured, config, count, fuse):
    """The figures of one network, as they are written."""
    network = load_network(measured.model)
    loaded = load_inputs([measured.inputs], network, step=measured.step).first(count)
    warn_skipped(loaded)
    x, = loaded.values
    batch = min(measured.batch, len(x))
    if batch < measured.batch:
        click.echo(f"bitline: {measured.name} runs {batch} inputs together, not {measured.batch}, because --count "
                   "leaves no more", err=True)
    compiled = compile_network(config, network, batch=batch, fuse=fuse)
    engine, reference = Engine(config, compiled.image), read_reference(measured.model, None, network.runtime)
    expected = reference.run(x) if reference else None
    cycles, operations, counts, mismatches, started = [], Counter(), Counter(), 0, time.perf_counter()
    with running("running", len(x)) as progress:
        for first in range(0, len(x), batch):
            chosen = x[first:first + batch]
            # The last ones are filled up with zeros, whose results nobody wants.
            run = engine.run(np.concatenate([chosen, np.zeros_like(x[:batch - len(chosen)])]).astype(np.int8))
            cycles.append(run.cycles)
            for step in run.steps:
                operations[step.operation.name] += step.cycles
                counts.update(step.counts)
            if expected:
                ours = {index: values[:len(chosen)] for index, values in
                        tensors_of(compiled, network, run.steps).items()}
                theirs = {index: expected[index][first:first + batch] for index in ours}
                mismatches += sum(each.count for each in compare(network, ours, theirs))
            progress(first + len(chosen))
    runs = len(x)
    cells = config.macro.rows * config.columns
    return {
        "network": measured.name, "inputs": runs, "batch": batch, "macs": network.macs,
        "cycles_per_input": sum(cycles) / runs, "least": min(cycles) / batch, "most": max(cycles) / batch,
        "all_planes": compiled.total_cycles / batch,
        "macs_per_cycle": network.macs * runs / sum(cycles),
        # Products of one bit: a multiply-accumulate has eight, a cell one in a cycle.
        "utilization": 8 * network.macs * runs / (cells * sum(cycles)),
        "cycles_by_operation": {name: total / runs for name, total in operations.items()},
        # Of the cycles those in which each block works, of several macros the mean.
        "busy": {"array": counts["planes"] / config.arrays / sum(cycles), "rows": counts["rows"] / sum(cycles),
                 "reads": counts["reads"] / sum(cycles), "lanes": counts["lanes"] / sum(cycles)},
        "reference_mismatches": mismatches if expected else None,
        "seconds_per_input": (time.perf_counter() - started) / runs,
    }


def print_networks(rows, clock):
    """The table of the engine."""
    table = Table(Column("network", no_wrap=True), "inputs", "together", "cycles an input", "least", "most",
                  "no plane skipped", "MACs a cycle", "of all products", "wrong outputs",
                  *(["inputs a second"] if clock else []), "cycles by operation", "busy")
    for row in rows:
        wrong = row["reference_mismatches"]
        parts = ", ".join(f"{name} {cycles:,.0f}" for name, cycles in row["cycles_by_operation"].items())
        table.add_row(row["network"], f"{row['inputs']:,}", str(row["batch"]),
                      *(f"{row[name]:,.0f}" for name in ("cycles_per_input", "least", "most", "all_planes")),
                      f"{row['macs_per_cycle']:,.0f}", f"{row['utilization']:.0%}",
                      "" if wrong is None else f"{wrong:,}",
                      *([f"{clock * 1e6 / row['cycles_per_input']:,.0f}"] if clock else []), parts,
                      ", ".join(f"{name} {share:.0%}" for name, share in row["busy"].items()))
    show(table)


def print_published(found):
    """The table of others, and where they are from."""
    table = Table("network", "published", "MAC units", "inputs a second", "MHz", "cycles an input, of both")
    for each in found:
        table.add_row(each.network, each.entry, each.units, f"{each.per_second:,.0f}", f"{each.clock:,.0f}",
                      f"{each.cycles:,.0f}")
    show(table)
    for each in found:
        click.echo(f"{each.network}, {each.entry}: {each.source}")


def place(config, seeds, folder):
    """Size of each block of an engine on an FPGA, and its clock."""
    folder = folder.resolve() / config.name
    with running("", 2) as progress:
        netlist = synthesize_engine(config, folder, lambda line: progress(0, f"synthesis: {line[:60]}"))
        placed = place_engine(netlist, seeds, folder, lambda line: progress(1, line.removeprefix("Info: ")[:70]))
        progress(2)
    return {"blocks": count_blocks(netlist), **placed}


def print_placed(placed):
    """The tables of an engine's blocks and of its placements."""
    columns = ("lut_sites", "flip_flop", "lut_ram", "dsp", "block_ram")
    table = Table("block", "LUT sites", "flip-flops", "LUT-RAMs", "DSPs", "block RAMs",
                  title=f"{placed['device']}, before packing")
    blocks = sorted(placed["blocks"].items(), key=lambda item: -item[1]["lut_sites"])
    for block, count in (*blocks, ("all", {kind: sum(count[kind] for _, count in blocks) for kind in columns})):
        table.add_row(block, *(f"{count[kind]:,}" for kind in columns))
    show(table)
    for kind, count in placed["utilization"].items():
        click.echo(f"{count['used']:,} of {count['available']:,} {kind}")
    for each in placed["seeds"]:
        click.echo(f"seed {each['seed']}: {each['fmax_mhz']:.1f} MHz, {each['critical_path']['words']}")


@click.command()
@click.option("--models", metavar="DIR", type=click.Path(path_type=Path), envvar=VARIABLE,
              help=f"Holds the networks and their inputs. [default: ${VARIABLE}]")
@click.option("--config", "config_path", metavar="ENGINE.json", type=click.Path(path_type=Path),
              help="The engine. [default: one with a macro of 64 x 64]")
@click.option("--count", type=click.IntRange(1), help="How many inputs of each. [default: all]")
@click.option("--clock", type=click.FloatRange(1, 10_000), help="MHz, for inputs a second.")
@click.option("--place", "placements", type=click.IntRange(1, 100), metavar="SEEDS",
              help=f"Place and route the engine on an {DEVICE.name} with so many seeds; the median of their Fmax is "
                   "the clock.")
@click.option("--fuse/--no-fuse", default=True, show_default=True,
              help="Let layers that follow one another run together where the engine can.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), default=Path("build/bench/engine.json"),
              show_default=True, help="Gets the figures as JSON.")
@build_option
def command(models, config_path, count, clock, placements, fuse, out, folder):
    """Cycles and mismatches of published networks on an engine, by its golden model; and its size and clock."""
    if placements and clock:
        raise BadInput("--clock must not come with --place, which finds it, and does")
    chosen = list(of_models(models))
    check_writable(out)
    with refusing(NetworkError, EngineError, ValueError, TypeError):
        config = EngineConfig.load(config_path) if config_path else default_engine()
        rows = [measure(each, config, count, fuse) for each in chosen]
    estimates = [vela(each.name, each.model) for each in chosen]
    others = [*PUBLISHED, *(each for each in estimates if each)]
    report = {"configuration": config.to_dict(), "networks": rows,
              "published": [{**asdict(each), "cycles": each.cycles} for each in others]}
    if placements:
        with refusing(ValueError):
            report["placed"] = place(config, placements, folder.parent / "placed")
        print_placed(report["placed"])
        clock = report["placed"]["fmax_mhz"]
    print_networks(rows, clock)
    print_published(others)
    if not all(estimates):
        click.echo(f"{NPU}: no estimate, because ethos-u-vela is not installed")
    write_json(out, report)
    click.echo(out)
    return 1 if any(row["reference_mismatches"] for row in rows) else 0
