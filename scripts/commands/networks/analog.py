"""``bitline analog``: the accuracy that a network loses on an analog crossbar, against the exact digital macro."""

import dataclasses
import json
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from ....golden.crossbar import Crossbar, CrossbarConfig
from ....golden.mvm import mvm
from ....golden.program import predict
from ....host import digits
from ....host.backends import MacroBackend, Predicted
from ....host.mapping.mapping import Mapping
from ....host.mapping.tiling import matrix_product
from ....host.network.analog import AnalogProducts
from ....host.network.inference import Inference
from ....host.network.network import NetworkError
from ...common.accuracy import DIGITS, accuracy_of, check_alone, comparison_options, load_compared
from ...common.files import BadInput, check_writable, refusing, require_packages, write_files
from ...common.network_inputs import load_labels
from ...common.options import MACRO
from ...common.pictures import png, pyplot
from ...common.progress import running
from ...common.tables import show

REPORT, PICTURE = "analog.json", "analog.png"
# pJ of a conversion by the best of the published converters, the envelope in B. Murmann, "ADC Performance Survey
# 1997-2025", https://github.com/bmurmann/ADC-survey: the mean of the three least, and that of the three least over four
# to the power of the effective bits.
FLOOR, NOISE_LIMITED = 0.27, 0.145e-6
# Of the fine-tuning of digits, relative to the largest weight.
NOISE = 0.15


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
    accuracies = {"converter": [], "devices": []}
    with running("crossbars", len(bits) * (1 + seeds)) as progress:
        done = 0
        for count in bits:
            here = dataclasses.replace(config, adc_bits=count)
            accuracies["converter"].append(accuracy_of(run(here.without_devices, 0), exact, labels))
            accuracies["devices"].append([])
            for seed in range(seeds):
                accuracies["devices"][-1].append(accuracy_of(run(here, seed), exact, labels))
                progress(done + seed + 2)
            done += 1 + seeds
    return accuracies


def enough_bits(bits, accuracies, digital):
    """The minimum of bits from which on no accuracy is lost; None if there is none."""
    enough = None
    for count, accuracy in sorted(zip(bits, accuracies), reverse=True):
        if accuracy < digital:
            break
        enough = count
    return enough


def best_energy(conversions, bits):
    """nJ of so many conversions of so many bits, by the best of the published converters."""
    return 1e-3 * conversions * (FLOOR + NOISE_LIMITED * 4**bits)


def compare_network(network, calibration, inputs, labels, config, bits, seeds):
    """The report of one network; ``calibration`` inputs set the ranges of converters, and are not counted."""
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
    digital = accuracy_of(exact, exact, labels)
    return [report_of("as published", digital, bits, sweep(on_crossbars, exact, labels, config, bits, seeds), cost)]


def compare_digits(count, config, bits, seeds):
    """The reports of the classifier of handwritten digits: as trained, and fine-tuned without and with noise."""
    reports = []
    for name, noise in (("as trained", None), ("trained on without noise", 0.0), ("trained on with noise", NOISE)):
        classifier = digits.train(noise=noise)
        reports.append(compare_classifier(name, dataclasses.replace(
            classifier, images=classifier.images[:count], labels=classifier.labels[:count]), config, bits, seeds))
    return reports


def compare_classifier(name, classifier, config, bits, seeds):
    """The report of one classifier; its training images set the ranges of converters."""
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
    accuracies = sweep(on_crossbars, exact, classifier.labels, config, bits, seeds)
    return report_of(name, accuracy_of(exact, exact, classifier.labels), bits, accuracies, cost)


def report_of(name, digital, bits, accuracies, cost):
    """The report of a network."""
    devices = [float(np.mean(part)) for part in accuracies["devices"]]
    return {"network": name, "digital": digital, **accuracies, **cost,
            "best_nj_of_conversions": [best_energy(cost["conversions"], count) for count in bits],
            "enough_bits_converter": enough_bits(bits, accuracies["converter"], digital),
            "enough_bits_devices": enough_bits(bits, devices, digital)}


def draw(title, bits, reports):
    """The picture, as PNG: accuracy by bits of the converter."""
    plt = pyplot()

    figure, axes = plt.subplots(1, len(reports), figsize=(5.5 * len(reports), 4.3), layout="constrained", sharey=True,
                                squeeze=False)
    for axis, report in zip(axes[0], reports):
        devices = 100 * np.array(report["devices"])
        axis.axhline(100 * report["digital"], color="black", linewidth=1, label="digital macro, exact")
        axis.plot(bits, [100 * accuracy for accuracy in report["converter"]], "o-", color="tab:blue",
                  label="converter alone")
        axis.plot(bits, devices.mean(axis=1), "s-", color="tab:red", label="converter and devices")
        axis.fill_between(bits, devices.min(axis=1), devices.max(axis=1), color="tab:red", alpha=0.15)
        axis.set_title(f"{title}, {report['network']}", fontsize=10)
        axis.set_xlabel("bits of the converter")
        axis.set_xticks(bits)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("right, %")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=3)
    return png(figure)


def print_reports(bits, reports, *, labeled):
    """The table: a row for each network and kind of error."""
    table = Table("network", "errors", "digital", *(f"{count} bits" for count in bits), "nothing lost from")
    for report in reports:
        for kind, values in (("converter", report["converter"]),
                             ("and devices", [float(np.mean(part)) for part in report["devices"]])):
            enough = report["enough_bits_converter" if kind == "converter" else "enough_bits_devices"]
            table.add_row(report["network"], kind, f"{report['digital']:.1%}", *(f"{value:.1%}" for value in values),
                          f"{enough} bits" if enough else "never")
        table.add_row(report["network"], "nJ of conversions, at best", "",
                      *(f"{value:,.1f}" for value in report["best_nj_of_conversions"]), "")
    show(table)
    click.echo("accuracy by the labels" if labeled else "share of inputs that the exact network classifies the same")
    report = reports[0]
    click.echo(f"crossbars: {report['converters']:,} converters, {report['conversions']:,} conversions and "
               f"{report['cycles']:,} cycles per input, all weights stored; digital macro of {MACRO.rows} x "
               f"{MACRO.columns}: none, {report['digital_cycles']:,} cycles, weights loaded")


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
@comparison_options
@click.option("--calibrate", type=click.IntRange(1), help="How many of them, from the first, set the ranges of "
              "converters and are not counted. [default: a quarter]")
@click.option("--adc-bits", "bits", default="4,5,6,7,8,10", show_default=True, callback=read_bits,
              help="Bits of the converter to try.")
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True, help="Sets of devices to try.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/analog"),
              show_default=True, help="Gets analog.json and analog.png.")
@crossbar_options
def command(model, paths, step, count, calibrate, labels, bits, seeds, out, **parameters):
    """Run MODEL, a file or "digits" for the worked example, on analog crossbars, and on the exact digital macro."""
    for name in (REPORT, PICTURE):
        check_writable(out / name)
    require_packages("demo", "matplotlib", *(["sklearn"] if model == DIGITS else []))
    with refusing(ValueError, NetworkError):
        config = CrossbarConfig(**parameters)
        if model == DIGITS:
            check_alone(paths, labels, step, calibrate)
            reports, title, labeled = compare_digits(count, config, bits, seeds), "handwritten digits", True
        else:
            network, loaded = load_compared(model, paths, step, count)
            (values,), files = loaded.values, loaded.files
            first = calibrate or max(1, len(values) // 4)
            if first >= len(values):
                raise BadInput(f"--calibrate must leave inputs to count, and takes {first} of {len(values)}")
            classes = load_labels(labels, files[first:]) if labels else None
            reports = compare_network(network, values[:first], values[first:], classes, config, bits, seeds)
            title, labeled = Path(model).name, classes is not None
    report = {"model": model, "crossbar": {**dataclasses.asdict(config), "adc_bits": None}, "adc_bits": bits,
              "seeds": seeds, "by_labels": labeled, "networks": reports}
    write_files(out, {REPORT: json.dumps(report, indent=2) + "\n", PICTURE: draw(title, bits, reports)})
    print_reports(bits, reports, labeled=labeled)
    click.echo(f"{out / REPORT}\n{out / PICTURE}")
