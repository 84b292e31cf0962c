"""``bitline bench costs``: the synthesized macros behind the costs that `bitline explore` predicts."""

import random
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from ...common.files import check_writable, require_packages, write_json
from ...common.jobs import run_jobs
from ...common.tables import show
from ...explore.cost import FOLDS
from ...explore.space import draw
from ...explore.targets import TARGETS, WORDS
from ...fpga.synth_report import versions


def drawn(target, count, seed):
    """So many different macros."""
    rng, configs = random.Random(seed), {}
    while len(configs) < count:
        configs[draw(rng, target.choices, target.products)] = None
    return list(configs)


def make_table(target, points):
    """The errors of predictions of points that a fit has not seen."""
    table = Table("cost", "macros", "mean error", "greatest", "macro of the greatest", title="Prediction of points, "
                  f"each by a fit to the other {FOLDS - 1} of {FOLDS} parts")
    for name, unseen in target.errors(points).items():
        for kind in sorted({each["configuration"]["column"] for each in points}):
            chosen = [number for number, each in enumerate(points) if each["configuration"]["column"] == kind]
            found = np.abs(unseen[chosen])
            worst = points[chosen[int(found.argmax())]]["configuration"]
            table.add_row(f"{WORDS[target.metrics[name]]}, {kind}", str(len(chosen)), f"{found.mean():.1%}",
                          f"{found.max():.1%}", f"{worst['rows']} x {worst['columns']}")
    return table


@click.command()
@click.option("--target", type=click.Choice(list(TARGETS)), default="ecp5", show_default=True,
              help="ECP5, or latches and other standard cells of Debian's osu018.")
@click.option("--count", type=click.IntRange(2 * FOLDS, 100000), default=100, show_default=True, help="Macros.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help="Draws them.")
@click.option("--jobs", type=click.IntRange(1, 1024), default=1, show_default=True, help="Processes.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), default=Path("build/bench/costs.json"),
              show_default=True, help="Gets the points as JSON.")
def command(target, count, seed, jobs, out):
    """LUT sites of drawn macros on ECP5, or area and energy in cells, and how well a model predicts them."""
    check_writable(out)
    require_packages("explore", "scipy")
    chosen = TARGETS[target]
    chosen.require()
    points = run_jobs("synthesis", chosen.measure, [(config, out.parent / "costs")
                                                    for config in drawn(chosen, count, seed)], jobs)
    where = f" --target {target}" * (target != "ecp5")
    write_json(out, {"command": f"bitline bench costs{where} --count {count} --seed {seed}", "tools": versions(),
                     "points": points})
    show(make_table(chosen, points))
    click.echo(out)
