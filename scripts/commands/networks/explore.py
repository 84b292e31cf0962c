"""``bitline explore``: the macros that suit a network, by cycles and area."""

import json
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from ....hdl.config import MacroConfig
from ....host.network.files.load import load_network
from ....host.network.network import NetworkError
from ...common.files import BadInput, check_writable, refusing, require_packages, write_files
from ...common.jobs import scheduler_option
from ...common.pictures import png, pyplot
from ...common.progress import running
from ...common.tables import show
from ...explore import zigzag
from ...explore.cost import is_within, products_by_kind, read_points
from ...explore.search import OBJECTIVES, PER_CYCLE, front, search
from ...explore.space import INPUT_BITS, WEIGHT_BITS
from ...explore.targets import TARGETS, WORDS
from ...explore.zigzag import Costs

REPORT, PICTURE = "explore.json", "explore.png"
COLORS = ("tab:blue", "tab:orange")


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


def check(target, candidates, folder):
    """The ends of a front with their measured costs, after synthesis; energies and times are those of a cycle."""
    ends = list({id(each): each for each in (candidates[0], candidates[-1])}.values())
    checked = []
    with running("synthesis of the ends", len(ends)) as progress:
        for done, each in enumerate(ends):
            progress(done, each.config.name)
            found = target.measure((each.config, folder))
            predicted = {name: getattr(each, name) / (each.cycles if name in PER_CYCLE else 1)
                         for name in target.metrics}
            checked.append({"configuration": each.config.to_dict(), **{
                name: {"predicted": predicted[name], "measured": found[metric],
                       "error": predicted[name] / found[metric] - 1} for name, metric in target.metrics.items()}})
    return checked


def draw(title, target, candidates, best, objectives):
    """The picture, as PNG: all macros by cycles and area, and the front of so many objectives."""
    plt = pyplot()

    figure, axis = plt.subplots(figsize=(8.5, 5.5), layout="constrained")
    for kind, color in zip(target.choices[target.colored], COLORS):
        points = np.array([(each.cycles, each.area) for each in candidates
                           if getattr(each.config, target.colored) == kind])
        if len(points):
            axis.plot(*points.T, ".", color=color, alpha=0.35, markersize=4, label=kind)
    axis.plot([each.cycles for each in best], [each.area for each in best], "ko", markersize=4,
              drawstyle="steps-post", linestyle="-" if objectives < 3 else "", linewidth=1,
              label="no other is better in all objectives")
    for each in (best[0], best[len(best) // 2], best[-1]):
        axis.annotate(f"{each.config.rows} x {each.config.columns}", (each.cycles, each.area), xytext=(6, 6),
                      textcoords="offset points", fontsize=8)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("cycles of an inference, no plane skipped")
    axis.set_ylabel(f"{target.units['area']}, predicted")
    axis.set_title(title, fontsize=10)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(fontsize=8)
    return png(figure)


def read_costs(path):
    """The macro that `bitline asic` has measured, and its costs of a product, from its report."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        config, macro = MacroConfig.from_dict(report["configuration"]), report["macro"]
        bits = config.weight_bits, config.input_bits
        costs = Costs(float(macro["pj_per_mac"]), macro["area_um2"] / (config.rows * config.columns),
                      f"bitline asic, measured of {config.name}")
    except (ValueError, KeyError, TypeError):
        raise BadInput(f"--costs must be report.json of bitline asic, and {path} is not") from None
    if bits != (WEIGHT_BITS, INPUT_BITS):
        raise BadInput(f"--costs must be of weights of {WEIGHT_BITS} and inputs of {INPUT_BITS} bits, not {bits[0]} "
                       f"and {bits[1]}")
    return config, costs


def predicted_costs(target, candidate):
    """The `Costs` of a product that the target predicts, of energy with random data."""
    config, area = candidate.config, target.units["area"]
    products = config.rows * config.columns // config.fuse
    if candidate.energy is None:
        return Costs(0.0, candidate.area / products, f"predicted {area}; no energy")
    # A multiply-accumulate of all cells takes a cycle for each plane.
    energy = candidate.energy / candidate.cycles * config.input_bits / products
    return Costs(energy, candidate.area / products, f"predicted {area}, and pJ with random data")


def export(folder, target, best, measured, network):
    """Write the macros of a front and the network for ZigZag, a folder each; returns lines that say so.

    Parameters
    ----------
    folder : Path
    target : Target
        Its predictions are the costs where none are measured.
    best : list of Candidate
    measured : (MacroConfig, Costs) or None
        Of `read_costs`.
    network : Network
    """
    contents, others = {}, 0
    for number, each in enumerate(best):
        if measured is None:
            costs = predicted_costs(target, each)
        else:
            config, costs = measured
            if config != each.config:
                others += 1
                costs = replace(costs, origin=f"{costs.origin}, which is another macro than this")
        for name, text in zigzag.files(each.config, costs, network).items():
            contents[f"{number:02}_{each.config.name}/{name}"] = text
    write_files(folder, contents)
    if not others:
        return [str(folder)]
    return [str(folder), f"costs of {others} of {len(best)} macros are those of another one: {measured[1].origin}"]


def print_front(target, best, checked, ranges):
    """The table of the front, what of it is outside of the points, and how far predictions of its ends are off."""
    table = Table("macro", "cycles", *(f"{unit}, predicted" for unit in target.units.values()),
                  title="No other macro is better in all objectives")
    for each in best:
        table.add_row(describe(each.config) + " *" * (not is_within(each.config, ranges)), f"{each.cycles:,}",
                      *(f"{getattr(each, name):,.0f}" for name in target.units))
    show(table)
    if not all(is_within(each.config, ranges) for each in best):
        click.echo("* more or fewer products than any of the synthesized macros: costs are extrapolated")
    for each in checked:
        config = MacroConfig.from_dict(each["configuration"])
        costs = (f"{each[name]['measured']:,.{0 if each[name]['measured'] >= 100 else 3}f} {WORDS[metric]}, prediction "
                 f"{100 * each[name]['error']:+.1f} %" for name, metric in target.metrics.items())
        click.echo(f"{config.rows} x {config.columns} synthesized: {'; '.join(costs)}")


@click.command()
@click.argument("model")
@click.option("--target", "target_name", type=click.Choice(list(TARGETS)), default="ecp5", show_default=True,
              help="What macros are made of: ECP5, or standard cells of Debian's osu018, weights in latches.")
@click.option("--objective", "objectives", default="cycles,area", show_default=True, callback=read_objectives,
              help="What to minimize; energy and time too with --target liberty.")
@click.option("--trials", type=click.IntRange(1, 1000000), default=2000, show_default=True, help="Macros to try.")
@click.option("--max-area", metavar="AREA", type=click.FloatRange(1),
              help="LUT sites, or um2 of cells, that a macro may have at most.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True, help="Of the search.")
@click.option("--jobs", type=click.IntRange(1, 1024), default=2, show_default=True, help="Processes.")
@scheduler_option
@click.option("--export", "export_to", metavar="DIR", type=click.Path(path_type=Path),
              help="Gets a folder for each macro of the front: the macro and the network as ZigZag takes them.")
@click.option("--costs", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="With --export: report.json of bitline asic, for energy and area of a product. [default: predicted]")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/explore"),
              show_default=True, help="Gets explore.json, explore.png and a folder of configurations.")
def command(model, target_name, objectives, trials, max_area, seed, jobs, scheduler, export_to, costs, out):
    """Find the macros that suit the network MODEL, by cycles of an inference, area, energy and time.

    Cycles are those that bitline run predicts. Costs are of a model that is fitted to synthesized macros; those of the
    ends of the front are synthesized and compared.
    """
    target = TARGETS[target_name]
    for name in objectives:
        if name in PER_CYCLE and name not in target.metrics:
            raise BadInput(f"--objective {name} must come with --target liberty, not {target_name}")
    for name in (REPORT, PICTURE):
        check_writable(out / name)
    if costs and not export_to:
        raise BadInput("--costs must come with --export, and does not")
    measured = costs and read_costs(costs)
    if export_to:
        check_writable(export_to / "hardware.yaml")
    require_packages("explore", "optuna", "scipy", "matplotlib")
    target.require()
    with refusing(ValueError, NetworkError):
        network = load_network(model)
    points = read_points(target.points)
    unseen = {name: np.abs(values) for name, values in target.errors(points).items()}
    candidates = search(model, target.choices, target.fits(), objectives, trials=trials, seed=seed, jobs=jobs,
                        max_area=max_area, scheduler=scheduler)
    if not candidates:
        raise BadInput(f"--max-area must leave a macro that can run {model}, and {max_area:g} does not" if max_area else
                       f"macros must be able to run {model}, and none of those tried can")
    best, ranges = front(candidates, objectives), products_by_kind(points)
    checked = check(target, best, out / "synthesis")
    report = {"model": model, "target": target_name, "objectives": objectives, "trials": trials, "seed": seed,
              "tried": len(candidates), "points": len(points), "points_from": target.points.name,
              "products_of_points": ranges,
              "error_on_unseen_points": {name: {"mean": float(values.mean()), "greatest": float(values.max())}
                                         for name, values in unseen.items()},
              "front": [{"configuration": each.config.to_dict(), "cycles": each.cycles,
                         "extrapolated": not is_within(each.config, ranges),
                         **{name: getattr(each, name) for name in target.metrics}} for each in best],
              "checked": checked}
    configurations = {f"configurations/{number:02}_{each.config.name}.json": each.config.to_json()
                      for number, each in enumerate(best)}
    write_files(out, {REPORT: json.dumps(report, indent=2) + "\n",
                      PICTURE: draw(f"{Path(model).name}: {len(candidates):,} macros", target, candidates, best,
                                    len(objectives)),
                      **configurations})
    print_front(target, best, checked, ranges)
    if export_to:
        click.echo("\n".join(export(export_to, target, best, measured, network)))
    for name, values in unseen.items():
        click.echo(f"{len(points)} synthesized macros behind the predictions of {name}; error on those that a fit has "
                   f"not seen: mean {values.mean():.1%}, greatest {values.max():.1%}")
    click.echo("they have " + ", ".join(f"{least:,} to {most:,} products with the column {kind}"
                                        for kind, (least, most) in ranges.items()))
    click.echo(f"{out / REPORT}\n{out / PICTURE}\n{out / 'configurations'}")
