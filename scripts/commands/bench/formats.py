"""``bitline bench formats``: a classifier of digits in each block format, and the gateware of each beside int8."""

from itertools import product
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from ....golden.formats.blocks import FORMATS, RULES, Blocks, quantize
from ....golden.formats.products import dot
from ....golden.mvm import ignored_blas_flags
from ....hdl.config.format_choice import FORMAT_NAMES
from ....host import digits
from ...common.files import BadInput, check_writable, write_json
from ...common.options import build_option
from ...common.progress import running
from ...common.tables import show
from .format_sizes import measure_gateware, print_gateware, read_formats


@ignored_blas_flags()
def scores_of(network, images, multiply):
    """Scores (B, 10) of images (B, 64), with ``multiply(x, weights)`` for each matrix product; biases are float64."""
    (hidden, hidden_bias), (last, bias) = zip(network.coefs_, network.intercepts_)
    return multiply(np.maximum(multiply(images, hidden) + hidden_bias, 0), last) + bias


def multiplier(block_format, rule):
    """Products of float32 matrices (B, K) and (K, N) whose numbers are rounded to blocks; the sums to float32, once."""
    def multiply(x, weights):
        x = quantize(x.astype(np.float32), block_format, rule)
        weights = quantize(weights.T.astype(np.float32), block_format, rule)
        left = Blocks(block_format, x.codes[:, None], x.scales[:, None], x.unit)
        return dot(left, weights).round_to("float32")
    return multiply


def row_of(name, rule, bits, scores, exact, labels):
    """Figures of one format, as they are written: ``error`` is the RMS error of scores as a part of their RMS."""
    return {"format": name, "rule": rule, "bits_per_number": bits,
            "accuracy": float((scores.argmax(axis=1) == labels).mean()),
            "error": float(np.sqrt(np.mean((scores - exact) ** 2) / np.mean(exact ** 2)))}


def measure(count=None):
    """How many images, by default all that were kept from training, and the rows of all formats."""
    network, _, images, _, labels = digits.fit()
    images, labels = images[:count] / 16, labels[:count]
    exact = scores_of(network, images, np.matmul)
    rows = [row_of("float64", "", 64, exact, exact, labels), int8(count, exact, labels)]
    # NVFP4 has one rule, of its own.
    runs = [(each, rule) for each, rule in product(FORMATS.values(), RULES) if not each.scale or rule == RULES[0]]
    with running("multiplying", len(runs)) as progress:
        for number, (each, rule) in enumerate(runs):
            progress(number, each.name)
            scores = scores_of(network, images, multiplier(each, rule))
            rows.append(row_of(each.name, "" if each.scale else rule, each.bits_per_value, scores, exact, labels))
    return len(images), rows


def int8(count, exact, labels):
    """The classifier of ``bitline demo``; its scores, integers, in the unit that brings them nearest to the exact."""
    classifier = digits.train().first(count)
    scores = digits.run(classifier.layers, classifier.images,
                        lambda layer, x: x @ classifier.layers[layer].weights).astype(np.float64)
    scores *= (scores * exact).sum() / (scores ** 2).sum()
    return row_of("int8, one scale a tensor", "", 8, scores, exact, labels)


def print_rows(rows, count):
    """The table."""
    table = Table("format", "scales", "bits a number", "accuracy", "error of scores")
    for row in rows:
        table.add_row(row["format"], row["rule"], f"{row['bits_per_number']:g}", f"{row['accuracy']:.2%}",
                      f"{row['error']:.2%}")
    show(table)
    click.echo(f"{count} images of handwritten digits that were kept from training; weights and activations in blocks")


@click.command()
@click.option("--count", type=click.IntRange(1), help="How many images. [default: all]")
@click.option("--gateware", is_flag=True, help="Measure the block macro of each format, and macros of int8, on ECP5.")
@click.option("--cores", is_flag=True, help="Also measure block cores, with --gateware.")
@click.option("--formats", default=",".join(FORMAT_NAMES).lower(), show_default=True,
              help="Formats of these; those with + between are chosen at run time.")
@click.option("--columns", type=click.IntRange(1, 512), default=64, show_default=True, help="Results of a vector.")
@click.option("--seeds", type=click.IntRange(0, 100), default=0, show_default=True,
              help="Placements of these; the median of their Fmax counts.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), default=Path("build/bench/formats.json"),
              show_default=True, help="Gets the figures as JSON.")
@build_option
def command(count, gateware, cores, formats, columns, seeds, out, folder):
    """Accuracy of a small classifier in microscaling formats and NVFP4, by their golden model.

    A float network is trained on handwritten digits; then weights and activations of both layers are rounded to blocks,
    products are exact, and their sums rounded to float32.

    With --gateware also LUT sites of a macro in each format, and the cycles of a vector at its ports, where every
    result is compared with the golden model. A product is an input times a weight, whatever bits they have.
    """
    formats = read_formats(formats)
    if cores and not gateware:
        raise BadInput("--cores must come with --gateware, and does not")
    check_writable(out)
    images, rows = measure(count)
    print_rows(rows, images)
    report = {"images": images, "formats": rows}
    if gateware:
        report["gateware"] = measure_gateware(formats, columns, seeds, folder.parent / "bench_formats", folder, cores)
        print_gateware(report["gateware"])
    write_json(out, report)
    click.echo(out)
