"""``bitline compare``: what a network loses on an analog crossbar, against the exact digital macro."""

import dataclasses
import io
import json
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from ...golden.crossbar import Crossbar, CrossbarConfig
from ...golden.mvm import mvm
from ...golden.program import predict
from ...host import digits
from ...host.backends import MacroBackend, Predicted
from ...host.mapping.mapping import Mapping
from ...host.mapping.tiling import matrix_product
from ...host.network.analog import AnalogProducts
from ...host.network.files.load import load_network
from ...host.network.inference import Inference
from ...host.network.network import NetworkError
from ..common.files import BadInput, check_writable, refusing, require_packages, write_files
from ..common.network_inputs import check_input, check_output, load_inputs, load_labels, say_skipped
from ..common.options import MACRO
from ..common.progress import running

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


def compare_network(network, calibration, inputs, labels, config, bits, seeds):
    """The facts of one network; ``calibration`` inputs set the ranges of converters, and are not judged."""
    output = network.outputs[0]
    exact = Inference(network).run(inputs)[output]

    def on_crossbars(config, seed):
        inference = Inference(network, product=AnalogProducts(config, network, seed).product)
        inference.run(calibration)
        return inference.run(inputs)[output]

    analog = AnalogProducts(config.without_devices, network)
    Inference(network, product=analog.product).run(inputs[:1])
    macro = MacroBackend(Mapping(MACRO, network), Predicted(MACRO))
    with macro:
        Inference(network, product=macro.product).run(inputs[:1])
    cost = {"converters": analog.converters, "conversions": analog.conversions, "cycles": analog.cycles,
            "digital_cycles": sum(record.predicted for record in macro.records)}
    digital = judge(exact, exact, labels)
    return [facts_of("as published", digital, bits, sweep(on_crossbars, exact, labels, config, bits, seeds), cost)]


def compare_digits(count, config, bits, seeds):
    """The facts of the classifier of handwritten digits: as trained, and trained on without and with noise."""
    facts = []
    for name, noise in (("as trained", None), ("trained on without noise", 0.0), ("trained on with noise", NOISE)):
        classifier = digits.train(noise=noise)
        facts.append(compare_classifier(name, dataclasses.replace(
            classifier, images=classifier.images[:count], labels=classifier.labels[:count]), config, bits, seeds))
    return facts


def compare_classifier(name, classifier, config, bits, seeds):
    """The facts of one classifier; images of its training set the ranges of converters."""
    layers = classifier.layers
    exact = digits.run(layers, classifier.images, lambda index, values: mvm(layers[index].weights, values))

    def build(config, seed):
        rng = np.random.default_rng(seed)
        return [Crossbar(config, layer.weights, rng) for layer in layers]

    def on_crossbars(config, seed):
        crossbars = build(config, seed)

        def product(index, values):
            return np.rint(crossbars[index].product(values)).astype(np.int64)

        digits.run(layers, classifier.seen, product)
        return digits.run(layers, classifier.images, product)

    cost = {key: sum(getattr(crossbar, key) for crossbar in build(config.without_devices, 0))
            for key in ("converters", "conversions", "cycles")}
    programs = [matrix_product(MACRO, layer.weights, np.full((1, len(layer.weights)), 255), signed=False).program
                for layer in layers]
    cost["digital_cycles"] = sum(predict(MACRO, program).cycles for program in programs)
    found = sweep(on_crossbars, exact, classifier.labels, config, bits, seeds)
    return facts_of(name, judge(exact, exact, classifier.labels), bits, found, cost)


def facts_of(name, digital, bits, found, cost):
    """A row of the report."""
    return {"network": name, "digital": digital, **found, **cost,
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


def print_facts(bits, facts, *, labeled):
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
    click.echo("right by the labels" if labeled else "same greatest output as the exact network")
    fact = facts[0]
    click.echo(f"crossbars: {fact['converters']:,} converters, {fact['conversions']:,} conversions and "
               f"{fact['cycles']:,} cycles an input, all weights there; digital macro of {MACRO.rows} x "
               f"{MACRO.columns}: none, {fact['digital_cycles']:,} cycles, weights loaded")


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
@click.option("--calibrate", type=click.IntRange(1), help="How many of them, the first, set the ranges of converters "
              "and are not judged. [default: a quarter]")
@click.option("--labels", metavar="FILE", type=click.Path(path_type=Path), help="As of bitline run.")
@click.option("--adc-bits", "bits", default="4,5,6,7,8,10", show_default=True, callback=read_bits,
              help="Bits of the converter to try.")
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True, help="Sets of devices to try.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/compare"),
              show_default=True, help="Gets compare.json and compare.png.")
@crossbar_options
def command(model, more, inputs, step, count, calibrate, labels, bits, seeds, out, **parameters):
    """Run MODEL, a file or "digits" for the worked example, on analog crossbars, and on the exact digital macro."""
    for name in FILES:
        check_writable(out / name)
    require_packages("demo", "matplotlib", *(["sklearn"] if model == DIGITS else []))
    with refusing(ValueError, NetworkError):
        config = CrossbarConfig(**parameters)
        if model == DIGITS:
            if inputs or more or labels or calibrate:
                raise BadInput("digits must be compared on its own images, not on files")
            facts, title, labeled = compare_digits(count, config, bits, seeds), "handwritten digits", True
        else:
            network = load_network(model)
            check_input(network, "a comparison")
            check_output(network, "a comparison")
            loaded = load_inputs([*inputs, *more], network, step=step).first(count)
            say_skipped(loaded)
            (values,), files = loaded.values, loaded.files
            first = calibrate or max(1, len(values) // 4)
            if first >= len(values):
                raise BadInput(f"--calibrate must leave inputs to judge, and takes {first} of {len(values)}")
            classes = load_labels(labels, files[first:]) if labels else None
            facts = compare_network(network, values[:first], values[first:], classes, config, bits, seeds)
            title, labeled = Path(model).name, classes is not None
    report = {"model": model, "crossbar": {**dataclasses.asdict(config), "adc_bits": None}, "adc_bits": bits,
              "seeds": seeds, "by_labels": labeled, "networks": facts}
    write_files(out, {"compare.json": json.dumps(report, indent=2) + "\n", "compare.png": draw(title, bits, facts)})
    print_facts(bits, facts, labeled=labeled)
    click.echo(f"{out / 'compare.json'}\n{out / 'compare.png'}")
