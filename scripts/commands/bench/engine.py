"""``bitline bench engine``: published networks on an engine's golden model, every input."""

import time
from collections import Counter
from pathlib import Path

import click
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
from ...common.files import check_writable, refusing, write_json
from ...common.network_inputs import load_inputs, warn_skipped
from ...common.progress import running
from ...common.tables import show
from .networks import VARIABLE, of_models

# By network: entry, cycles, and clock in MHz where it is known. The boards are of MLPerf Tiny v1.1, closed division.
PUBLISHED = {
    "keyword_spotting": (("GAP9", 176_000, None), ("Zedboard, 188 DSPs", 46_300, 143),
                         ("Ethos-U65-512, estimate of Vela", 30_700, None)),
    "image_classification": (("GAP9", 228_000, None), ("ZC706, 525 DSPs", 27_500, 187),
                             ("Ethos-U65-512, estimate of Vela", 56_900, None)),
}


def measure(measured, config, count, fuse):
    """The figures of one network, as they are written."""
    network = load_network(measured.model)
    loaded = load_inputs([measured.inputs], network, step=measured.step).first(count)
    warn_skipped(loaded)
    x, = loaded.values
    batch = min(measured.batch, len(x))
    compiled = compile_network(config, network, batch=batch, fuse=fuse)
    engine, reference = Engine(config, compiled.image), read_reference(measured.model, None, network.runtime)
    expected = reference.run(x) if reference else None
    cycles, operations, counts, mismatches, started = [], Counter(), Counter(), 0, time.perf_counter()
    with running("running", len(x)) as progress:
        for first in range(0, len(x) - len(x) % batch, batch):
            run = engine.run(x[first:first + batch])
            cycles.append(run.cycles)
            for step in run.steps:
                operations[step.operation.name] += step.cycles
                counts.update(step.counts)
            if expected:
                ours = tensors_of(compiled, network, run.steps)
                theirs = {index: expected[index][first:first + batch] for index in ours}
                mismatches += sum(each.count for each in compare(network, ours, theirs))
            progress(first + batch, "")
    runs = len(cycles) * batch
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
    """The tables: of the engine, and of what others have published."""
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
    others = Table("network", "published", "cycles an input", "MHz", "inputs a second")
    for row in rows:
        for name, cycles, rate in PUBLISHED.get(row["network"], ()):
            others.add_row(row["network"], name, f"{cycles:,}", str(rate or ""),
                           f"{rate * 1e6 / cycles:,.0f}" if rate else "")
    show(others)


@click.command()
@click.option("--models", metavar="DIR", type=click.Path(path_type=Path), envvar=VARIABLE,
              help=f"Holds the networks and their inputs. [default: ${VARIABLE}]")
@click.option("--config", "config_path", metavar="ENGINE.json", type=click.Path(path_type=Path),
              help="The engine. [default: one for an ECP5-85F]")
@click.option("--count", type=click.IntRange(1), help="How many inputs of each. [default: all]")
@click.option("--clock", type=click.FloatRange(1, 10_000), help="MHz, for inputs a second.")
@click.option("--fuse/--no-fuse", default=True, show_default=True,
              help="Let layers that follow one another run together where the engine can.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), default=Path("build/bench/engine.json"),
              show_default=True, help="Gets the figures as JSON.")
def command(models, config_path, count, clock, fuse, out):
    """Cycles and mismatches of published networks on an engine, by its golden model."""
    chosen = list(of_models(models))
    check_writable(out)
    with refusing(NetworkError, EngineError, ValueError, TypeError):
        config = EngineConfig.load(config_path) if config_path else default_engine()
        rows = [measure(each, config, count, fuse) for each in chosen]
    print_networks(rows, clock)
    write_json(out, {"configuration": config.to_dict(), "networks": rows})
    click.echo(out)
    return 1 if any(row["reference_mismatches"] for row in rows) else 0
