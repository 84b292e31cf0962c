"""``bitline resilience``: the accuracy that a network loses to wrong bits of stored weights."""

import dataclasses
import json
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from ....golden.checksum import check_column_count
from ....golden.upsets import KINDS, Tally, UpsetMacro
from ....host import digits
from ....host.backends import MacroBackend
from ....host.mapping.mapping import Mapping
from ....host.mapping.tiling import matrix_product
from ....host.network.inference import Inference
from ....host.network.network import NetworkError
from ...common.accuracy import DIGITS, accuracy_of, check_alone, comparison_options, load_compared
from ...common.files import BadInput, check_writable, refusing, require_packages, write_files
from ...common.network_inputs import load_labels
from ...common.options import MACRO
from ...common.pictures import png, pyplot
from ...common.progress import running
from ...common.tables import show

REPORT, PICTURE = "resilience.json", "resilience.png"
RATES = "1e-5,3e-5,1e-4,3e-4,1e-3,3e-3,1e-2,3e-2,1e-1"
# What a user does with a result that the checksum marks: nothing, or repeats it.
RESPONSES = {"no checksum": False, "checksum and repeats": True}


def on_network(network, inputs):
    """``run(macro)``, scores of a network's inputs (N, classes) with its products on an `UpsetMacro`."""
    mapping = Mapping(MACRO, network, len(inputs))

    def run(macro):
        with MacroBackend(mapping, macro) as backend:
            return Inference(network, product=backend.product).run(inputs)[network.outputs[0]]

    return run


def on_digits(classifier):
    """The same of the classifier of handwritten digits."""

    def run(macro):
        def product(index, values):
            tiled = matrix_product(MACRO, classifier.layers[index].weights, values, signed=False)
            return tiled.collect(macro.play(tiled.program).results)

        return digits.run(classifier.layers, classifier.images, product)

    return run


def sweep(run, labels, rates, seeds):
    """Accuracy for each kind of upset, response, and rate.

    Parameters
    ----------
    run : callable
        ``run(macro)``, scores (N, classes) on an `UpsetMacro`.
    labels : int array (N,) or None
    rates : list of float
    seeds : int
        How many sets of upsets; the same in each response.

    Returns
    -------
    list of dict
        A point each: ``kind``, ``response``, ``rate``, ``accuracies`` of the seeds, and the sum of their `Tally`.
    """
    exact, points = run(UpsetMacro(MACRO, KINDS[0], 0, 0)), []
    cases = [(kind, response, rate) for kind in KINDS for response in RESPONSES for rate in rates]
    with running("upsets", len(cases) * seeds) as progress:
        for done, (kind, response, rate) in enumerate(cases):
            accuracies, tally = [], Tally()
            for seed in range(seeds):
                macro = UpsetMacro(MACRO, kind, rate, seed, repeats=RESPONSES[response])
                accuracies.append(accuracy_of(run(macro), exact, labels))
                tally += macro.tally
                progress(done * seeds + seed + 1)
            points.append({"kind": kind, "response": response, "rate": rate, "accuracies": accuracies,
                           **dataclasses.asdict(tally)})
    return accuracy_of(exact, exact, labels), points


def series(points, kind, response):
    """The points of one line."""
    return [point for point in points if (point["kind"], point["response"]) == (kind, response)]


def draw(title, exact, points):
    """The picture, as PNG: accuracy against rate, and below it what becomes of the results."""
    plt = pyplot()

    figure, axes = plt.subplots(2, len(KINDS), figsize=(5.5 * len(KINDS), 7), layout="constrained", sharex=True,
                                sharey="row")
    for (above, below), kind in zip(axes.T, KINDS):
        above.axhline(100 * exact, color="black", linewidth=1, label="exact")
        for response, color, style in zip(RESPONSES, ("tab:red", "tab:blue"), ("o-", "s--")):
            line = series(points, kind, response)
            rates = [point["rate"] for point in line]
            accuracies = 100 * np.array([point["accuracies"] for point in line])
            above.plot(rates, accuracies.mean(axis=1), style, color=color, label=response)
            above.fill_between(rates, accuracies.min(axis=1), accuracies.max(axis=1), color=color, alpha=0.15)
        line = series(points, kind, "checksum and repeats")
        for name, label, style in (("wrong", "wrong at first", "o-"), ("lost", "marked again when repeated", "s-"),
                                   ("missed", "wrong and not marked", "^-")):
            below.plot(rates, [100 * point[name] / point["results"] for point in line], style, label=label)
        above.set_title(f"{title}, {kind} bits", fontsize=10)
        below.set_xlabel("share of stored bits")
        below.set_xscale("log")
        for axis in (above, below):
            axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("right, % (mean, least and greatest)")
    axes[1, 0].set_ylabel("results, %")
    for row in axes:
        row[0].legend(fontsize=8)
    return png(figure)


def print_points(rates, exact, points, *, labeled):
    """The table: a row for each kind of upset and response, and what becomes of the results."""
    table = Table("bits", "", *(f"{rate:g}" for rate in rates), title=f"exact: {exact:.1%}; share of stored bits that "
                  "are wrong")
    for kind in KINDS:
        for response in RESPONSES:
            line = series(points, kind, response)
            table.add_row(kind, response, *(f"{np.mean(point['accuracies']):.1%}" for point in line))
        for name, meaning in (("wrong", "results wrong at first"), ("lost", "marked again when repeated"),
                              ("missed", "wrong and not marked")):
            table.add_row("", meaning, *(f"{point[name] / point['results']:.2%}" for point in line))
    show(table)
    click.echo("accuracy by the labels" if labeled else "share of inputs that the exact network classifies the same")
    click.echo(f"macro of {MACRO.rows} x {MACRO.columns}, {MACRO.banks} banks of bitcells, and "
               f"{check_column_count(MACRO.columns, MACRO.weight_bits)} check columns, which are upset too")


def read_rates(context, parameter, text):
    """A list of probabilities, as ``1e-5,1e-4``."""
    try:
        rates = sorted({float(part) for part in text.split(",")})
    except ValueError:
        rates = []
    if not rates or not 0 < rates[0] <= rates[-1] <= 1:
        raise BadInput(f"--rates must be numbers above 0 and up to 1 with commas between, not {text}")
    return rates


@click.command()
@comparison_options
@click.option("--rates", default=RATES, show_default=True, callback=read_rates,
              help="Probabilities to try that a stored bit is wrong.")
@click.option("--seeds", type=click.IntRange(1, 1000), default=10, show_default=True, help="Sets of upsets to try.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/resilience"),
              show_default=True, help="Gets resilience.json and resilience.png.")
def command(model, paths, step, count, labels, rates, seeds, out):
    """Run MODEL, a file or "digits" for the worked example, on a macro of bitcells of which a share is wrong.

    Flipped bits are inverted when a row is written, until it is written again; stuck cells hold one value for good.
    With a checksum, results that are marked are repeated: flipped rows are written again, and stuck ones into the next
    bank.
    """
    for name in (REPORT, PICTURE):
        check_writable(out / name)
    require_packages("demo", "matplotlib", *(["sklearn"] if model == DIGITS else []))
    with refusing(ValueError, NetworkError):
        if model == DIGITS:
            check_alone(paths, labels, step)
            classifier = digits.train().first(count)
            run, classes, title = on_digits(classifier), classifier.labels, "handwritten digits"
        else:
            network, loaded = load_compared(model, paths, step, count)
            classes = load_labels(labels, loaded.files) if labels else None
            run, title = on_network(network, loaded.values[0]), Path(model).name
        exact, points = sweep(run, classes, rates, seeds)
    report = {"model": model, "configuration": MACRO.to_dict(), "seeds": seeds, "by_labels": classes is not None,
              "exact": exact, "points": points}
    write_files(out, {REPORT: json.dumps(report, indent=2) + "\n", PICTURE: draw(title, exact, points)})
    print_points(rates, exact, points, labeled=classes is not None)
    click.echo(f"{out / REPORT}\n{out / PICTURE}")
