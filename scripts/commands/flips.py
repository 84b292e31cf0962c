"""``bitline flips``: single flips of control and data-path flip-flops, and what comes of each."""

import hashlib
import random
import subprocess
import tempfile
from collections import Counter
from math import sqrt
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from ...hdl.config import MacroConfig
from ...verif.fault_injection.flip_flops import bench, program, with_flips
from ...verif.sim.build import SimulatorError, compile_program, require_simulator, source
from ..common.files import check_writable, write_json
from ..common.options import build_option, config_options
from ..common.progress import running

# What `flip_flops.cpp` calls each outcome.
OUTCOMES = {"m": "masked", "d": "detected", "w": "wrong result", "h": "hang", "s": "hang that a reset leaves"}
# Both kinds of column, what every block may have.
STRUCK = [MacroConfig(rows=8, columns=4, banks=2, fuse=2, max_accumulations=3),
          MacroConfig(rows=9, columns=3, banks=2, max_accumulations=2, column="table")]
# Of the normal distribution, for 95 %.
Z = 1.959964


def wilson(hits, count):
    """The interval, of 95 % confidence, for a share of which ``hits`` of ``count`` were found.

    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA, June 1927.
    """
    share = hits / count
    middle = (share + Z * Z / (2 * count)) / (1 + Z * Z / count)
    half = Z / (1 + Z * Z / count) * sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def draw(flip_flops, cycles, count, seed):
    """Flip-flops, by number, and cycles to strike: as many in each block, uniform among its flip-flops and the cycles.

    Parameters
    ----------
    flip_flops : list of FlipFlop
    cycles : int
        Of the run without a flip.
    count : int
        Of all; rounded up to as many in each block.
    seed : int
    """
    rng, blocks = random.Random(seed), {}
    for number, flip_flop in enumerate(flip_flops):
        blocks.setdefault(flip_flop.block, []).append(number)
    each = -(-count // len(blocks))
    return [(rng.choice(numbers), rng.randrange(cycles)) for _, numbers in sorted(blocks.items()) for _ in range(each)]


def compile_bench(config, folder, verilog=None):
    """The program that runs a macro with flips, and the flip-flops; compiled unless it is there."""
    netlist, flip_flops = with_flips(config, verilog)
    text = netlist + bench(config, flip_flops)
    main = source("flip_flops.cpp")
    key = hashlib.sha256((text + main.read_text(encoding="utf-8")).encode()).hexdigest()[:8]
    work = folder.resolve() / f"{config.name}_flips_{key}"
    if not (work / "complete").exists():
        work.mkdir(parents=True, exist_ok=True)
        (work / "bench.v").write_text(text, encoding="utf-8")
        compile_program(work / "flips", "bench", [work / "bench.v", main], "--prefix", "Vbench", "-O3",
                        "--x-assign", "fast", "--x-initial", "0", "-CFLAGS", "-O1")
        (work / "complete").touch()
    return work / "flips", flip_flops


def strike(config, count, seed, folder, verilog=None):
    """Strike a macro.

    Returns
    -------
    dict
        The macro's name, cycles of the run without a flip, how many bits each block has, and of each block how often
        which of `OUTCOMES` was seen; ``stuck``, the flips that no reset undid.
    """
    binary, flip_flops = compile_bench(config, folder, verilog)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "program"
        path.write_text(program(config, seed), encoding="ascii")

        def run(pairs):
            text = "".join(f"{flip} {cycle}\n" for flip, cycle in pairs)
            done = subprocess.run([str(binary), str(path)], input=text, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SimulatorError(f"{config.name} must give the right results without a flip, and does not")
            return done.stdout.split()

        cycles = int(run([])[0])
        pairs = draw(flip_flops, cycles, count, seed)
        outcomes = run(pairs)[1:]
    blocks = {}
    for (flip, _), outcome in zip(pairs, outcomes, strict=True):
        blocks.setdefault(flip_flops[flip].block, Counter())[OUTCOMES[outcome]] += 1
    bits = Counter(flip_flop.block for flip_flop in flip_flops)
    return {"macro": config.name, "configuration": config.to_dict(), "seed": seed, "cycles": cycles,
            "blocks": {block: {"flip_flops": bits[block], "flips": sum(counts.values()),
                               **{outcome: counts[outcome] for outcome in OUTCOMES.values()}}
                       for block, counts in sorted(blocks.items())},
            "stuck": [[flip_flops[flip].name, cycle] for (flip, cycle), outcome in zip(pairs, outcomes)
                      if outcome == "s"]}


def make_table(facts):
    """Of each block the share of each outcome, in percent, and its interval."""
    table = Table("block", "flip-flops", "flips", *OUTCOMES.values(), title=f"{facts['macro']}: share of flips, in "
                  f"percent, and its 95 % interval (Wilson)")
    for block, row in facts["blocks"].items():
        table.add_row(block, *(f"{row[name]:,}" for name in ("flip_flops", "flips")),
                      *(share(row[outcome], row["flips"]) for outcome in OUTCOMES.values()))
    return table


def share(hits, count):
    """A share and its interval."""
    low, high = wilson(hits, count)
    return f"{100 * hits / count:.1f} ({100 * low:.1f} to {100 * high:.1f})"


@click.command()
@config_options
@click.option("--count", type=click.IntRange(1, 10000000), default=9600, show_default=True, help="Flips, of all.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True,
              help="Draws flips, weights and vectors.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), default=Path("build/flips.json"),
              show_default=True, help="Gets the figures as JSON.")
@build_option
def command(config, count, seed, out, folder):
    """Flip control and data-path flip-flops, one a run, and say what comes of it.

    On one configuration if one is described, else half on each of two. Exit status 1 if a reset does not end a hang.
    """
    require_simulator("verilator")
    check_writable(out)
    configs = [config] if config else STRUCK
    facts = []
    with running("", len(configs)) as progress:
        for done, each in enumerate(configs):
            progress(done, each.name)
            facts.append(strike(each, -(-count // len(configs)), seed, folder))
    for each in facts:
        Console().print(make_table(each))
        for name, cycle in each["stuck"]:
            click.echo(f"NOT ENDED BY A RESET {each['macro']}: {name} in cycle {cycle}")
    write_json(out, facts)
    flips = sum(row["flips"] for each in facts for row in each["blocks"].values())
    click.echo(f"{flips:,} flips, {sum(len(each['stuck']) for each in facts)} hangs that a reset leaves: {out}")
    return int(any(each["stuck"] for each in facts))
