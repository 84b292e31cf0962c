"""``bitline bench``: measured speed and size."""

import json
import os
import platform
import subprocess
import time
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from ....golden.program import Program, Vector, Write
from ....hdl.config import MacroConfig
from ....hdl.emit import emit
from ....verif.sim.build import build, compile_program
from ....verif.sim.cache import digest
from ....verif.sim.player import run_program
from ....verif.sim.simulators import require_simulator, source, testbench
from ...common.files import BadInput, check_writable, write_json
from ...common.options import build_option
from ...common.progress import running
from ...common.tables import show
from . import core, costs, engine, formats, fpga, networks

SIMULATED = MacroConfig(rows=64, columns=64, banks=2)
SIZES = (16, 32, 64, 128, 256)
VECTORS, ROUNDS = 8000, 5
# Ways to simulate.
WAYS = ("plain C++", "batch", "cocotb, MacroPlayer", "cocotb, each vector")


@click.group()
def command():
    """Measure speed and size; each subcommand prints a table and writes JSON."""


command.add_command(core.command, "core")
command.add_command(costs.command, "costs")
command.add_command(engine.command, "engine")
command.add_command(formats.command, "formats")
command.add_command(fpga.command, "fpga")
command.add_command(networks.command, "networks")


def random_program(config, count, bits, write_other=False):
    """Bank 0 written, then ``count`` vectors that need all of ``bits`` planes; bank 1 written meanwhile on demand."""
    rng = np.random.default_rng(1)
    half = 1 << config.weight_bits - 1
    rows = rng.integers(-half, half, (config.rows, config.columns))
    program = Program([Write(0, row, weights) for row, weights in enumerate(rows)])
    inputs = rng.integers(0, 1 << bits, (count, config.rows))
    inputs[:, 0] |= 1 << bits - 1
    program.vectors += [Vector(x, bits, False, after=config.rows) for x in inputs]
    if write_other:
        # From the first vector on, one row after the other, and longer than the vectors.
        program.writes += [Write(1, index % config.rows, rows[index % config.rows], after=1)
                           for index in range(count * bits + 2 * config.latency)]
    return program


def measure_rate(config, folder, fast=True):
    """Cycles of back-to-back vectors for each number of planes, with and without writes to the other bank."""
    rows = []
    for bits in range(1, config.input_bits + 1):
        for written in (False, True):
            count = 64
            program = random_program(config, count, bits, written)
            outcome = run_program(config, program, folder=folder, fast=fast)
            gaps = sorted(set(np.diff(outcome.taken).tolist()))
            # Vectors start when bank 0 is written, the other bank's writes one cycle later.
            rows.append({"planes": bits, "vectors": count, "cycles": outcome.taken[-1] + 1 - config.rows,
                         "expected": count * bits + config.latency, "cycles between results": gaps,
                         "rows written meanwhile": len(program.writes) - config.rows,
                         "write cycles": outcome.cycles - config.rows - 1 if written else 0})
    return rows


def run_native(config, folder, cycles, bits):
    """Cycles a second, and a second of processor time, of the same model in a plain C++ loop."""
    built = build(config, folder=folder, fast=True)
    code = source("native.cpp")
    native = built.folder / f"native_{digest(code.read_text(encoding='utf-8'))}"
    if not (native / "complete").exists():
        native.mkdir(exist_ok=True)
        compile_program(native / "native", config.name, [built.folder / built.source, code],
                        "--prefix", "Vtop", "--x-assign", "fast", "-O3", "-CFLAGS", "-O3 -march=native")
        (native / "complete").touch()
    done = subprocess.run([str(native / "native"), str(config.rows), str(cycles), str(bits)], capture_output=True,
                          text=True, check=True)
    return tuple(cycles / float(seconds) for seconds in done.stdout.split()[:2])


def run_cocotb(config, folder, vectors, bits, test):
    """Cycles a second, and a second of processor time, of a test of `tb_speed`."""
    built = build(config, folder=folder, fast=True)
    outcome = built.folder / "speed.json"
    built.run(testbench("tb_speed"), seed=1, environment={
        "BITLINE_CONFIG": config.to_json(), "SPEED_VECTORS": str(vectors), "SPEED_BITS": str(bits),
        "SPEED_OUTCOME": str(outcome), "COCOTB_TEST_FILTER": rf"\.{test}$"})
    report = json.loads(outcome.read_text(encoding="utf-8"))
    return report["cycles"] / report["seconds"], report["cycles"] / report["processor"]


def run_batch(config, folder, vectors, bits):
    """The same of a batch in a simulation of its own, and the seconds that files and start take beside it."""
    program = random_program(config, vectors, bits)
    started = time.perf_counter()
    outcome = run_program(config, program, folder=folder, fast=True)
    return (outcome.cycles / outcome.seconds, outcome.cycles / outcome.processor,
            time.perf_counter() - started - outcome.seconds)


def measure_speed(config, folder, progress):
    """Medians of interleaved rounds, so that a busy machine slows all alike; by the clock, and by processor time."""
    rows = {"speed": [], "processor": []}
    build(config, folder=folder, fast=True)
    for bits in (1, config.input_bits):
        vectors = VECTORS * config.input_bits // bits
        rounds, starts = [], []
        for index in range(ROUNDS):
            progress(index, f"speed, {bits} planes")
            *batch, start = run_batch(config, folder, vectors, bits)
            rounds.append([run_native(config, folder, vectors * bits, bits), batch,
                           *(run_cocotb(config, folder, vectors, bits, test) for test in ("played", "driven"))])
            starts.append(start)
        for name, rates in zip(rows, np.moveaxis(np.array(rounds), 2, 0)):
            # Of each round by itself: its parts ran one after the other.
            ratios = dict(zip(WAYS, np.median(rates / rates[:, :1], axis=0).tolist()))
            rows[name].append({"planes": bits, **dict(zip(WAYS, np.median(rates, axis=0).tolist())),
                               **{f"{way} to C++": ratios[way] for way in WAYS[1:]}})
        rows["speed"][-1]["batch start, s"] = float(np.median(starts))
    return rows


def measure_generation(progress):
    """Seconds, bytes and modules of square 8-bit macros."""
    emit(MacroConfig(rows=1, columns=1))  # Yosys starts slower the first time
    rows = []
    for index, size in enumerate(SIZES):
        progress(index, f"generating {size} x {size}")
        started = time.perf_counter()
        text = emit(MacroConfig(rows=size, columns=size))
        rows.append({"size": size, "seconds": time.perf_counter() - started, "bytes": len(text),
                     "modules": text.count("\nmodule ")})
    return rows


def print_rows(title, rows):
    """A table of dictionaries of one shape."""
    table = Table(*rows[0], title=title)
    for row in rows:
        table.add_row(*(f"{value:,.{0 if value >= 1000 else 2}f}" if isinstance(value, float) else str(value)
                        for value in row.values()))
    show(table)


@command.command()
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), default=Path("build/bench/sim.json"),
              show_default=True, help="Gets the figures as JSON.")
@click.option("--only", type=click.Choice(["rate", "speed", "generation"]), help="One of the three.")
@build_option
def sim(out, only, folder):
    """Rate of the streams, speed of simulation, time and size of generation."""
    require_simulator("verilator")
    check_writable(out)
    report = {"machine": {"cores": os.cpu_count(), "processor": platform.processor() or platform.machine()},
             "configuration": SIMULATED.to_dict()}
    with running("", ROUNDS) as progress:
        if only in (None, "rate"):
            progress(0, "full rate")
            report["rate"] = measure_rate(SIMULATED, folder)
        if only in (None, "speed"):
            report |= measure_speed(SIMULATED, folder, progress)
        if only in (None, "generation"):
            report["generation"] = measure_generation(progress)
    titles = {"rate": "Full rate on the RTL, 64 x 64, 8-bit weights", "speed": "Cycles a second, Verilator",
              "processor": "Cycles a second of processor time, Verilator",
              "generation": "Generation of square 8-bit macros"}
    for key, title in titles.items():
        if key in report:
            print_rows(title, report[key])
    write_json(out, report)
    click.echo(out)
    wrong = [row for row in report.get("rate", ()) if row["cycles"] != row["expected"]
             or row["write cycles"] != row["rows written meanwhile"]]
    if wrong:
        raise BadInput(f"rate must be one plane a cycle, and is not: {wrong[0]}")
