"""``bitline survey``: many networks on drawn inputs, each compared with its runtime."""

import hashlib
import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from ....host.backends import open_backend
from ....host.mapping.mapping import Mapping
from ....host.network.files.load import load_network
from ....host.network.files.reference import read_reference
from ....host.network.network import DTYPES, NetworkError
from ....host.network.operators import TransposedConvolution
from ....host.network.rounding import RUNTIMES
from ....host.network.run import run_network
from ....verif.sim.simulators import SimulatorError
from ...common.files import BadInput, check_writable, write_json
from ...common.options import MACRO, build_option, config_options, simulator_option
from ...common.progress import running
from ...common.tables import show

SUFFIXES = (".tflite", ".onnx")


@dataclass
class Surveyed:
    """What became of a network.

    Attributes
    ----------
    file, sha256 : str
    result : str
        ``"exact"``; ``"wrong"``: values differ from the runtime's, sums from those in numpy, or cycles from those that
        were predicted; ``"refused"``; ``"not compared"``: the runtime refuses it; ``"left out"``: it is too large.
    reason : str
        Why, or the first mismatch.
    macs, products : int
        Multiply-accumulates of an input, and matrix products on the macro of all inputs.
    mismatches : int
        Of layers and accumulators.
    cycles : int or None
        Of all inputs, simulated.
    predicted : int
    seconds : float
    """

    file: str
    sha256: str
    result: str = "left out"
    reason: str = ""
    macs: int = 0
    products: int = 0
    mismatches: int = 0
    cycles: int | None = None
    predicted: int = 0
    seconds: float = 0.0


def draw_inputs(network, count, seed):
    """Arrays (count, *shape) for the inputs of a network: all of a kind's values, 0 and 1 of other integers.

    An input that is the shape of a transposed convolution's output is that shape.
    """
    rng, arrays = np.random.default_rng(seed), []
    shapes = {operator.shape_input: network.tensors[operator.output].shape for operator in network.operators
              if isinstance(operator, TransposedConvolution)}
    for index in network.inputs:
        tensor = network.tensors[index]
        shape, dtype = (count, *tensor.shape), np.dtype(DTYPES[tensor.dtype])
        if index in shapes:
            arrays.append(np.broadcast_to(np.array(shapes[index], dtype), shape))
        elif dtype.kind == "f":
            arrays.append(rng.normal(0, 1, shape).astype(dtype))
        else:
            limits = np.iinfo(dtype) if tensor.scales.size else None
            arrays.append(rng.integers(*((limits.min, limits.max + 1) if limits else (0, 2)), shape).astype(dtype))
    return tuple(arrays)


def survey(path, options, found):
    """Fill in what becomes of a network; ``options``: those of the command."""
    started = time.perf_counter()
    try:
        network = load_network(path, options["runtime"])
        found.macs = network.macs
        if options["max_macs"] is not None and network.macs > options["max_macs"]:
            return
        inputs = draw_inputs(network, options["count"], options["seed"])
        found.result, reference = "not compared", None
        try:
            reference = read_reference(path, True, network.runtime, bool(network.variables))
        except NetworkError as error:
            found.reason = str(error).replace(str(path), path.name)
        mapping = Mapping(options["config"] or MACRO, network, 1)
        result = run_network(network, inputs, open_backend(options["backend"], mapping, simulator=options["simulator"],
                                                           folder=options["folder"]),
                             reference=reference, stateful=bool(network.variables))
        judge(found, result)
    except (NetworkError, SimulatorError, ValueError, OSError) as error:
        # What the runtime refuses only where it runs is not compared; without it the network ran.
        found.result = "refused" if found.result == "left out" else "not compared"
        found.reason = str(error).replace(str(path), path.name)
    finally:
        found.seconds = round(time.perf_counter() - started, 2)


def judge(found, result):
    """Fill in what a run gave."""
    records = result.records
    cycles = [record.cycles for record in records]
    found.products, found.predicted = len(records), sum(record.predicted for record in records)
    found.cycles = None if None in cycles or not cycles else sum(cycles)
    found.mismatches = sum(mismatch.count for mismatch in result.mismatches) + sum(
        record.mismatches for record in records)
    is_late = found.cycles is not None and cycles != [record.predicted for record in records]
    if found.mismatches or is_late:
        found.result = "wrong"
        found.reason = str(result.mismatches[0]) if result.mismatches else (
            "cycles differ from those predicted" if is_late else "accumulators")
    elif result.checked:
        found.result = "exact"


def files_of(paths, listed):
    """Pairs (path, SHA-256) of networks in files and folders, each content once; of ``listed`` hashes if there are."""
    seen = {}
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix.lower() in SUFFIXES and file.is_file():
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                if listed is None or digest in listed:
                    seen.setdefault(digest, file)
    if not seen:
        raise BadInput(f"paths must hold networks, {' or '.join(SUFFIXES)}, and there are none in "
                       f"{', '.join(map(str, paths))}")
    return [(path, digest) for digest, path in seen.items()]


def read_list(path):
    """Names by SHA-256 of a list of networks, which says where each is published."""
    try:
        return {digest: f"{one['repository']}/{name}"
                for one in json.loads(path.read_text(encoding="utf-8"))["repositories"]
                for name, digest in one["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadInput(f"--list must be a file of repositories, each with its files by path and SHA-256, and {path} is "
                       "not") from None


def print_survey(found, absent):
    """The table, what is in the way of whom, and counts."""
    table = Table("network", "result", "MAC", "matrix products", "cycles", "predicted", "seconds")
    for one in found:
        table.add_row(one.file, one.result, f"{one.macs:,}", f"{one.products:,}",
                      "" if one.cycles is None else f"{one.cycles:,}", f"{one.predicted:,}", f"{one.seconds:.1f}")
    show(table)
    for one in found:
        if one.reason:
            click.echo(f"{one.file}, {one.result}: {one.reason}")
    counts = Counter(one.result for one in found)
    click.echo(", ".join(f"{count:,} {result}" for result, count in counts.items()) +
               (f", {absent:,} of the list absent" if absent else ""))
    ran = [one for one in found if one.cycles is not None]
    if ran:
        click.echo(f"{sum(one.products for one in ran):,} matrix products of {len(ran):,} networks in "
                   f"{sum(one.cycles for one in ran):,} cycles, {sum(one.predicted for one in ran):,} predicted")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--list", "listed", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Only networks of this list, by SHA-256; docs/public_networks.json is one.")
@click.option("--backend", type=click.Choice(["golden", "rtl"]), default="golden", show_default=True,
              help="A calculated macro, or its simulated RTL.")
@click.option("--max-macs", type=click.IntRange(0), help="Larger networks are left out.")
@click.option("--count", type=click.IntRange(1), default=2, show_default=True, help="Inputs of each.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of the inputs.")
@click.option("--runtime", type=click.Choice(list(RUNTIMES)),
              help="Whose results are wanted. [default: litert-2.3 or onnx, as the file is]")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), help="Gets the table as JSON.")
@config_options
@simulator_option
@build_option
def command(paths, listed, output, **options):
    """Run the networks in files and folders on drawn inputs, and compare each with its runtime."""
    if output:
        check_writable(output)
    names = read_list(listed) if listed else None
    found = []
    files = files_of(paths, names)
    with running("networks", len(files)) as progress:
        for path, digest in files:
            found.append(one := Surveyed(names[digest] if names else str(path), digest))
            progress(len(found) - 1, path.name)
            survey(path, options, one)
            if output:
                write_json(output, {"networks": [asdict(one) for one in found]})
    absent = len(names) - len(found) if names else 0
    print_survey(found, absent)
    # A survey that compared nothing must not pass for one that found nothing.
    return 1 if absent or any(one.result == "wrong" for one in found) or all(
        one.result != "exact" for one in found) else 0
