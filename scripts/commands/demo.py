"""``bitline demo``: a classifier of handwritten digits, with every image on the RTL."""

import dataclasses
import json
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from ...golden.mvm import mvm
from ...hdl.config import MacroConfig
from ...host import digits
from ...host.mapping.simulate import simulate
from ...verif.sim.simulators import require_simulator
from ..common.files import check_writable, require_packages, write_files
from ..common.options import build_option, simulator_option
from ..common.pictures import png, pyplot
from ..common.progress import count_of, running
from ..common.tables import show
from ..fpga.netlist import netlist_options, read_implementation

# Four banks hold both layers: 64 x 128 is two tiles, 128 x 10 two tiles that accumulate.
MACRO = MacroConfig(rows=64, columns=64, banks=4, max_accumulations=2)

# Netlists: the macro must fit the smallest device, and for a bitstream its ports must fit the largest package.
NETLIST_MACROS = {
    "synthesis": MacroConfig(rows=16, columns=8, banks=2, max_accumulations=8),
    "bitstream": MacroConfig(rows=4, columns=4, max_accumulations=32),
}


def demo(simulator, folder, *, implementation=None, images=None):
    """Train, run test images on the RTL or a netlist, and compare.

    Parameters
    ----------
    simulator : str
    folder : Path
        Of the builds.
    implementation : Implementation, optional
        The netlist in place of the RTL.
    images : int, optional
        How many; by default all.

    Returns
    -------
    (classifier, scores, report)
        Scores (B, 10) from the RTL; the report as `bitline demo` writes it.
    """
    classifier = digits.train().first(images)
    macro, verilog, layers = MACRO, None, []
    if implementation:
        macro = NETLIST_MACROS[implementation.stage]
        with running(f"making the netlist ({implementation.family}, {implementation.stage})", None) as progress:
            verilog = implementation.verilog(macro, folder / "netlists", progress=lambda line: progress(0, line[:60]))

    def on_rtl(index, values):
        y, layer_report = simulate(macro, classifier.layers[index].weights, values, signed=False, simulator=simulator,
                            folder=folder, verilog=verilog, running=running)
        layers.append({"layer": index, "weights": layer_report["weights"], "tiles": layer_report["tiles"], **{
            key: layer_report[key] for key in ("outputs", "mismatches", "cycles", "predicted_cycles", "utilization")}})
        return y

    scores = digits.run(classifier.layers, classifier.images, on_rtl)
    golden = digits.run(classifier.layers, classifier.images,
                        lambda index, values: mvm(classifier.layers[index].weights, values))
    cycles = sum(layer["cycles"] for layer in layers)
    report = {
        "images": len(classifier.images),
        "accuracy": float((scores.argmax(1) == classifier.labels).mean()),
        "float_accuracy": classifier.float_accuracy,
        "outputs": sum(layer["outputs"] for layer in layers),
        "mismatches": sum(layer["mismatches"] for layer in layers) + int((scores != golden).sum()),
        "cycles": cycles,
        "predicted_cycles": sum(layer["predicted_cycles"] for layer in layers),
        "utilization": sum(layer["utilization"] * layer["cycles"] for layer in layers) / cycles,
        "simulator": simulator,
        "netlist": dataclasses.asdict(implementation) if implementation else None,
        "configuration": macro.to_dict(),
        "layers": layers,
    }
    return classifier, scores, report


def network_files(classifier):
    """The classifier as ``digits.tflite``, and its first image of each digit as an input, ``DIGIT.bin``, by name."""
    from ..fuzzing.tflite_builder import TfliteFile

    file, inputs = TfliteFile(), (classifier.images - 128).astype(np.int8)
    # Of a scale only its ratio to others counts.
    scale, values = 1 / 16, classifier.seen
    x = first = file.tensor((1, values.shape[1]), scale=scale, zero_point=-128)
    for layer in classifier.layers:
        is_last, weights = layer.scale is None, file.constant(layer.weights.T, scale=[1.0])
        values = values @ layer.weights + layer.bias
        # The scores as int8, those of the training within its range; the others as they are calibrated.
        ratio = 127 / np.abs(values).max() if is_last else layer.scale
        bias, scale = file.constant(layer.bias, "int32", [scale]), scale / ratio
        y = file.tensor((1, layer.weights.shape[1]), scale=scale, zero_point=0 if is_last else -128)
        x = file.operator("FULLY_CONNECTED", (x, weights, bias), y, "FullyConnectedOptions",
                          FusedActivationFunction="none" if is_last else "relu")
        values = np.clip(np.rint(values * ratio), 0, 255).astype(np.int64)
    chosen = {f"{digit}.bin": inputs[np.argmax(classifier.labels == digit)].tobytes()
              for digit in np.unique(classifier.labels)}
    return {"digits.tflite": file.data([first], [x]), **chosen}


def draw(classifier, scores, report):
    """The picture, as PNG: digits with their classes and scores, cycles of each layer, utilization of the array."""
    plt = pyplot()

    figure = plt.figure(figsize=(11, 6.5), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1.5, 1))
    macro, netlist = report["configuration"], report["netlist"]
    what = f"{netlist['family']} netlist ({netlist['stage']})" if netlist else "RTL"
    top.suptitle(f"Handwritten digits on the {what} of a {macro['rows']} x {macro['columns']} macro: "
                 f"{report['accuracy']:.1%} of {report['images']} right, {report['mismatches']} mismatches")
    wrong = np.flatnonzero(scores.argmax(1) != classifier.labels)[:2]
    chosen = [*[int(np.flatnonzero(classifier.labels == digit)[0]) for digit in range(6)
                if digit in classifier.labels], *wrong]
    axes = top.subplots(2, 8, height_ratios=(1.2, 1))
    for axis in axes[:, len(chosen):].flat:
        axis.axis("off")
    for column, image in enumerate(chosen):
        guess, label = int(scores[image].argmax()), int(classifier.labels[image])
        axes[0, column].imshow(classifier.images[image].reshape(8, 8), cmap="gray_r")
        axes[0, column].set_title(f"{guess}" if guess == label else f"{guess}, is {label}",
                                  color="black" if guess == label else "tab:red")
        axes[0, column].axis("off")
        colors = ["tab:blue" if digit == guess else "lightgray" for digit in range(10)]
        axes[1, column].bar(range(10), scores[image] / 1000, color=colors)
        axes[1, column].axhline(0, color="black", linewidth=0.5)
        axes[1, column].set_xticks(range(10), labels=range(10), fontsize=6)
        axes[1, column].tick_params(axis="y", labelsize=6)
    axes[1, 0].set_ylabel("score / 1000", fontsize=8)

    names = [f"layer {layer['layer']}: {layer['weights'][0]} x {layer['weights'][1]}, {layer['tiles']} tiles"
             for layer in report["layers"]]
    left, right = bottom.subplots(1, 2)
    cycles = [f"{layer['cycles']:,} ({layer['predicted_cycles']:,} predicted)" for layer in report["layers"]]
    bars = left.barh(names, [layer["cycles"] for layer in report["layers"]], color="tab:blue")
    left.bar_label(bars, cycles, padding=3)
    left.set_title("Cycles, weights loaded included", fontsize=10)
    bars = right.barh(names, [100 * layer["utilization"] for layer in report["layers"]], color="tab:green")
    right.bar_label(bars, [f"{layer['utilization']:.1%}" for layer in report["layers"]], padding=3)
    right.set_title("Utilization of the array, percent of its MACs", fontsize=10)
    right.set_xlim(0, 115)
    right.set_yticks([])
    left.margins(x=0.6)
    for axis in (left, right):
        axis.invert_yaxis()
        axis.spines[["top", "right"]].set_visible(False)
    return png(figure)


def print_report(report):
    """Print a short table."""
    table = Table("layer", "weights", "outputs", "mismatches", "cycles", "predicted", "utilization")
    for layer in [*report["layers"], report]:
        weights = " x ".join(map(str, layer["weights"])) if "weights" in layer else ""
        table.add_row(str(layer.get("layer", "all")), weights, str(layer["outputs"]),
                      str(layer["mismatches"]), str(layer["cycles"]), str(layer["predicted_cycles"]),
                      f"{layer['utilization']:.1%}")
    show(table)
    click.echo(f"{count_of(report['images'], 'image')}, accuracy {report['accuracy']:.2%} on the macro, "
               f"{report['float_accuracy']:.2%} in float")


@click.command()
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/demo"), show_default=True,
              help="Gets report.json and digits.png.")
@netlist_options
@click.option("--network", "network_folder", metavar="DIR", type=click.Path(path_type=Path),
              help="Gets the classifier as a network, digits.tflite, and of the images the first of each digit.")
@click.option("--images", type=click.IntRange(1), help="How many. [default: all]")
@simulator_option
@build_option
def command(out, netlist, stage, network_folder, images, simulator, folder):
    """Train a small int8 classifier of handwritten digits and run its test images through the macro's RTL.

    Or through a netlist of a smaller macro.
    """
    implementation = read_implementation(netlist, stage)
    require_packages("demo", "matplotlib", "sklearn")
    if network_folder:
        require_packages("networks", "flatbuffers", "tflite")
        check_writable(network_folder / "digits.tflite")
    require_simulator(simulator)
    for name in ("digits.png", "report.json"):
        check_writable(out / name)
    classifier, scores, report = demo(simulator, folder, implementation=implementation, images=images)
    if network_folder:
        write_files(network_folder, network_files(classifier))
    write_files(out, {"digits.png": draw(classifier, scores, report),
                      "report.json": json.dumps(report, indent=2) + "\n"})
    print_report(report)
    click.echo(f"{out / 'report.json'}\n{out / 'digits.png'}")
    return 1 if report["mismatches"] or report["cycles"] != report["predicted_cycles"] else 0
