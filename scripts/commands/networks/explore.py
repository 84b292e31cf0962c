"""``bitline explore``: the macros that suit a network, by cycles and area."""

import json
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from ....hdl.config import KINDS, MacroConfig
from ....host.network.files.load import load_network
from ....host.network.network import NetworkError
from ...common.files import BadInput, check_writable, refusing, require_packages, write_files
from ...common.jobs import scheduler_option
from ...common.pictures import png, pyplot
from ...common.progress import running
from ...common.tables import show
from ...explore.cost import POINTS, errors, fit, read_points
from ...explore.measure import measure
from ...explore.search import OBJECTIVES, front, search

REPORT, PICTURE = "explore.json", "explore.png"
# What is measured of a macro for its area.
AREA = "lut_sites"


def read_objectives(context, parameter, text):
    """A list of objectives, as ``cycles,area``."""
    names = text.split(",")
    if not set(names) <= set(OBJECTIVES) or len(set(names)) < len(names):
        raise BadInput(f"--objective must be some of {', '.join(OBJECTIVES)} with commas between, not {text}")
    return names


def describe(config):
    """What of a macro is not the default, in words, but for its rows and columns."""
    default = MacroConfig(rows=config.rows, columns=config.columns)
    changes = (f"{name} {value}" for name, value in config.to_dict().items() if value != getattr(default, name))
    return f"{config.rows} x {config.columns}: {', '.join(changes) or 'defaults'}"


def check(candidates, folder):
    """The ends of a front with their measured area, after synthesis."""
    ends = list({id(each): each for each in (candidates[0], candidates[-1])}.values())
    checked = []
    with running("synthesis of the ends", len(ends)) as progress:
        for done, each in enumerate(ends):
            progress(done, each.config.name)
            area = measure((each.config, folder))[AREA]
            checked.append({"configuration": each.config.to_dict(), "predicted": each.area, "measured": area,
                            "error": each.area / area - 1})
    return checked


def draw(title, candidates, best):
    """The picture, as PNG: all macros by cycles and area, and the front."""
    plt = pyplot()

    figure, axis = plt.subplots(figsize=(8.5, 5.5), layout="constrained")
    for kind, color in zip(KINDS, ("tab:blue", "tab:orange")):
        points = np.array([(each.cycles, each.area) for each in candidates if each.config.column == kind])
        if len(points):
            axis.plot(*points.T, ".", color=color, alpha=0.35, markersize=4, label=kind)
    axis.step([each.cycles for each in best], [each.area for each in best], "k-o", where="post", markersize=4,
              linewidth=1, label="no other is better in both")
    for each in (best[0], best[len(best) // 2], best[-1]):
        axis.annotate(f"{each.config.rows} x {each.config.columns}", (each.cycles, each.area), xytext=(6, 6),
                      textcoords="offset points", fontsize=8)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("cycles of an inference, no plane skipped")
    axis.set_ylabel("LUT sites of ECP5, predicted")
    axis.set_title(title, fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8)
    return png(figure)


def print_front(best, checked):
    """The table of the front, and how far predictions of its ends are off."""
    table = Table("macro", "cycles", "LUT sites, predicted", title="No other macro is better in all objectives")
    for each in best:
        table.add_row(describe(each.config), f"{each.cycles:,}", f"{each.area:,.0f}")
    show(table)
    for each in checked:
        config = MacroConfig.from_dict(each["configuration"])
        click.echo(f"{config.rows} x {config.columns} synthesized: {each['measured']:,} LUT sites before placement, "
                   f"prediction {100 * each['error']:+.1f} %")


@click.command()
@click.argument("model")
@click.option("--objective", "objectives", default="cycles,area", show_default=True, callback=read_objectives,
              help="What to minimize.")
@click.option("--trials", type=click.IntRange(1, 1000000), default=2000, show_default=True, help="Macros to try.")
@click.option("--max-area", metavar="SITES", type=click.FloatRange(1), help="LUT sites that a macro may have at most.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help="Of the search.")
@click.option("--jobs", type=click.IntRange(1, 1024), default=2, show_default=True, help="Processes.")
@scheduler_option
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/explore"),
              show_default=True, help="Gets explore.json, explore.png and a folder of configurations.")
def command(model, objectives, trials, max_area, seed, jobs, scheduler, out):
    """Find the macros that suit the network MODEL, by cycles of an inference and LUT sites of ECP5.

    Cycles are those that bitline run predicts. Areas are of a model that is fitted to synthesized macros; those of the
    ends of the front are synthesized and compared.
    """
    for name in (REPORT, PICTURE):
        check_writable(out / name)
    require_packages("explore", "optuna", "scipy", "matplotlib")
    with refusing(ValueError, NetworkError):
        load_network(model)
    points = read_points()
    model_of_area, unseen = fit(points, AREA), np.abs(errors(points, AREA))
    candidates = search(model, model_of_area, objectives, trials=trials, seed=seed, jobs=jobs, max_area=max_area,
                        scheduler=scheduler)
    if not candidates:
        raise BadInput(f"--max-area must leave a macro that can run {model}, and {max_area:g} does not" if max_area else
                       f"macros must be able to run {model}, and none of those tried can")
    best = front(candidates, objectives)
    checked = check(best, out / "synthesis")
    report = {"model": model, "objectives": objectives, "trials": trials, "seed": seed, "tried": len(candidates),
              "points": len(points), "points_from": POINTS.name,
              "error_on_unseen_points": {"mean": float(unseen.mean()), "greatest": float(unseen.max())},
              "front": [{"configuration": each.config.to_dict(), "cycles": each.cycles, "area": each.area}
                        for each in best], "checked": checked}
    configurations = {f"configurations/{number:02}_{each.config.name}.json": each.config.to_json()
                      for number, each in enumerate(best)}
    write_files(out, {REPORT: json.dumps(report, indent=2) + "\n",
                      PICTURE: draw(f"{Path(model).name}: {len(candidates):,} macros", candidates, best),
                      **configurations})
    print_front(best, checked)
    click.echo(f"{len(points)} synthesized macros behind the predictions; error on those that a fit has not seen: mean "
               f"{unseen.mean():.1%}, greatest {unseen.max():.1%}")
    click.echo(f"{out / REPORT}\n{out / PICTURE}\n{out / 'configurations'}")
