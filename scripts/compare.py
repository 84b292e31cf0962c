"""``bitline compare``: what a network loses on an analogue crossbar, against the exact digital macro."""

import dataclasses
import io
import json
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from ..golden.crossbar import Crossbar, CrossbarConfig
from ..golden.mvm import mvm
from ..host import digits
from ..host.analogue import AnalogueProducts
from ..host.inference import Inference
from ..host.load import load_network
from ..host.network import NetworkError
from .files import BadInput, check_writable, refusing, require_packages, write_files
from .inputs import load_inputs, load_labels
from .progress import running
from .run import only_input

FILES = ("compare.json", "compare.png")
# Of the worked example: the model's name, and the noise of its fine-tuning, as a part of the greatest weight.
DIGITS, NOISE = "digits", 0.15


def judge(scores, exact, labels):
    """Part of the inputs whose greatest score is that of their label, or else of the exact network."""
    guesses = scores.reshape(len(scores), -1).argmax(axis=1)
    wanted = exact.reshape(len(exact), -1).argmax(axis=1) if labels is None else labels
    return float((guesses == wanted).mean())


def sweep(run, exact, labels, config, bits, seeds):
    """Accuracy for each number of converter bits.

    Parameters
    ----------
    run : callable
        ``run(config, seed)``, scores (N, classes) on crossbars of a `CrossbarConfig`.
    exact : array (N, classes)
        Of the digital macro.
    labels : int array (N,) or None
    config : CrossbarConfig
    bits : list of int
    seeds : int
        How many sets of devices.

    Returns
    -------
    dict
        ``converter``: a number for each of ``bits``, of devices without errors. ``devices``: a list of ``seeds``
        numbers for each of ``bits``.
    """
    found = {"converter": [], "devices": []}
    with running("crossbars", len(bits) * (1 + seeds)) as progress:
        done = 0
        for count in bits:
            here = dataclasses.replace(config, adc_bits=count)
            found["converter"].append(judge(run(here.without_devices, 0), exact, labels))
            found["devices"].append([])
            for seed in range(seeds):
                found["devices"][-1].append(judge(run(here, seed), exact, labels))
                progress(done + seed + 2)
            done += 1 + seeds
    return found


def enough_bits(bits, accuracies, digital):
    """The fewest bits from which on nothing is lost; None if there are none."""
    enough = None
    for count, accuracy in sorted(zip(bits, accuracies), reverse=True):
        if accuracy < digital:
            break
        enough = count
    return enough


def compare_network(network, inputs, labels, config, bits, seeds):
    """The facts of one network."""
    output = network.outputs[0]
    exact = Inference(network).run(inputs)[output]

    def on_crossbars(config, seed):
        analogue = AnalogueProducts(config, network, seed)
        return Inference(network, product=analogue.product).run(inputs)[output]

    digital = judge(exact, exact, labels)
    return [facts_of("as published", digital, bits, sweep(on_crossbars, exact, labels, config, bits, seeds))]


def compare_digits(count, config, bits, seeds):
    """The facts of the classifier of handwritten digits, as trained, and fine-tuned with noise on its weights."""
    facts = []
    for name, noise in (("as trained", 0.0), ("fine-tuned with noise", NOISE)):
        classifier = digits.train(noise=noise)
        classifier = dataclasses.replace(classifier, images=classifier.images[:count], labels=classifier.labels[:count])
        exact = digits.run(classifier.layers, classifier.images,
                           lambda index, values, layers=classifier.layers: mvm(layers[index].weights, values))

        def on_crossbars(config, seed, classifier=classifier):
            rng = np.random.default_rng(seed)
            crossbars = [Crossbar(config, layer.weights, rng) for layer in classifier.layers]
            return digits.run(classifier.layers, classifier.images, lambda index, values: np.rint(
                crossbars[index].product(values)).astype(np.int64))

        found = sweep(on_crossbars, exact, classifier.labels, config, bits, seeds)
        facts.append(facts_of(name, judge(exact, exact, classifier.labels), bits, found))
    return facts


def facts_of(name, digital, bits, found):
    """A row of the report."""
    return {"network": name, "digital": digital, **found,
            "enough_bits_converter": enough_bits(bits, found["converter"], digital),
            "enough_bits_devices": enough_bits(bits, [float(np.mean(part)) for part in found["devices"]], digital)}


def draw(title, bits, facts):
    """The picture, as PNG: accuracy by bits of the converter."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(facts), figsize=(5.5 * len(facts), 4.3), layout="constrained", sharey=True,
                                squeeze=False)
    for axis, fact in zip(axes[0], facts):
        devices = 100 * np.array(fact["devices"])
        axis.axhline(100 * fact["digital"], color="black", linewidth=1, label="digital macro, exact")
        axis.plot(bits, [100 * accuracy for accuracy in fact["converter"]], "o-", color="tab:blue",
                  label="converter alone")
        axis.plot(bits, devices.mean(axis=1), "s-", color="tab:red", label="converter and devices")
        axis.fill_between(bits, devices.min(axis=1), devices.max(axis=1), color="tab:red", alpha=0.15)
        axis.set_title(f"{title}, {fact['network']}", fontsize=10)
        axis.set_xlabel("bits of the converter")
        axis.set_xticks(bits)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("right, %")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=3)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110)
    plt.close(figure)
    return picture.getvalue()


def print_facts(bits, facts, *, labelled):
    """The table: a row for each network and kind of error."""
    table = Table("network", "errors", "digital", *(f"{count} bits" for count in bits), "nothing lost from")
    for fact in facts:
        for kind, values in (("converter", fact["converter"]),
                             ("and devices", [float(np.mean(part)) for part in fact["devices"]])):
            enough = fact["enough_bits_converter" if kind == "converter" else "enough_bits_devices"]
            table.add_row(fact["network"], kind, f"{fact['digital']:.1%}", *(f"{value:.1%}" for value in values),
                          f"{enough} bits" if enough else "never")
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(table)
    click.echo("right by the labels" if labelled else "same greatest output as the exact network")


def read_bits(context, parameter, text):
    """A list of bits, as ``4,6,8``."""
    try:
        bits = sorted({int(part) for part in text.split(",")})
    except ValueError:
        bits = []
    if not bits or not 1 <= bits[0] <= bits[-1] <= 24:
        raise BadInput(f"--adc-bits must be numbers from 1 to 24 with commas between, not {text}")
    return bits


def crossbar_options(function):
    """An option for each parameter of a crossbar but the bits of its converter."""
    for field in reversed(dataclasses.fields(CrossbarConfig)):
        if field.name != "adc_bits":
            option = click.option(f"--{field.name.replace('_', '-')}", field.name, type=field.type,
                                  default=field.default, show_default=True)
            function = option(function)
    return function


@click.command()
@click.argument("model")
@click.argument("more", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--inputs", metavar="FILE...", multiple=True, type=click.Path(path_type=Path),
              help="As of bitline run.")
@click.option("--step", type=click.IntRange(1), help="As of bitline run.")
@click.option("--count", type=click.IntRange(1), help="How many inputs. [default: all]")
@click.option("--labels", metavar="FILE", type=click.Path(path_type=Path), help="As of bitline run.")
@click.option("--adc-bits", "bits", default="4,5,6,7,8,10", show_default=True, callback=read_bits,
              help="Bits of the converter to try.")
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True, help="Sets of devices to try.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/compare"),
              show_default=True, help="Gets compare.json and compare.png.")
@crossbar_options
def command(model, more, inputs, step, count, labels, bits, seeds, out, **parameters):
    """Run MODEL, a file or "digits" for the worked example, on analogue crossbars, and on the exact digital macro."""
    for name in FILES:
        check_writable(out / name)
    require_packages("demo", "matplotlib", *(["sklearn"] if model == DIGITS else []))
    with refusing(ValueError, NetworkError):
        config = CrossbarConfig(**parameters)
        if model == DIGITS:
            if inputs or more or labels:
                raise BadInput("digits must be compared on its own images, not on files")
            facts, title, labelled = compare_digits(count, config, bits, seeds), "handwritten digits", True
        else:
            network = load_network(model)
            loaded = load_inputs([*inputs, *more], only_input(network), step)
            classes = load_labels(labels, loaded.files[:count]) if labels else None
            facts = compare_network(network, loaded.values[:count], classes, config, bits, seeds)
            title, labelled = Path(model).name, classes is not None
    report = {"model": model, "crossbar": {**dataclasses.asdict(config), "adc_bits": None}, "adc_bits": bits,
              "seeds": seeds, "by_labels": labelled, "networks": facts}
    write_files(out, {"compare.json": json.dumps(report, indent=2) + "\n", "compare.png": draw(title, bits, facts)})
    print_facts(bits, facts, labelled=labelled)
    click.echo(f"{out / 'compare.json'}\n{out / 'compare.png'}")
