"""``bitline run``: a quantized network on the macro."""

import hashlib
import io
from pathlib import Path

import click
import numpy as np
from rich.table import Table

from ....golden.program import pause
from ....host.backends import BACKENDS, NumpyBackend, open_backend
from ....host.board import LinkError
from ....host.mapping.mapping import Mapping
from ....host.mapping.schedule import plan
from ....host.network.files.load import load_network
from ....host.network.files.reference import REFERENCES, read_reference
from ....host.network.network import NetworkError
from ....host.network.rounding import RUNTIMES
from ....host.network.run import run_network
from ...common.files import BadInput, check_writable, refusing, require_packages, write_file
from ...common.network_inputs import check_output, load_inputs, load_labels, warn_skipped
from ...common.options import MACRO, build_option, config_options, simulator_option
from ...common.progress import count_of, running
from ...common.tables import show

REPORT_FILES = ("report.html", "report.json")
# Width of a sum, where data movement is counted in bits; and the mismatches that are listed.
SUM_BITS, MAX_LISTED_MISMATCHES = 32, 20


def saved(network, outputs, by_name):
    """Bytes of a .npy file of the only output, or of an .npz file of all by name."""
    data, tensors = io.BytesIO(), [network.tensors[index] for index in network.outputs]
    arrays = {tensor.name: array for tensor, array in zip(tensors, outputs)}
    if by_name:
        np.savez(data, **arrays)
    else:
        np.save(data, *arrays.values())
    return data.getvalue()


def accuracy(outputs, labels):
    """Share of inputs whose largest output is that of their label; None without labels."""
    if labels is None:
        return None
    return float((outputs.reshape(len(outputs), -1).argmax(axis=1) == labels).mean())


def summary(network, model, result, *, reference, backend, batch, labels):
    """What `bitline run --report` writes as JSON of the network."""
    runs = len(result.outputs[0])
    return {
        "model": model.name,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "backend": backend,
        "inputs": runs,
        "batch": batch,
        "macs": network.macs,
        "reference": (reference or REFERENCES[network.runtime][0]).name,
        "checked_against_reference": result.checked,
        "reference_mismatches": sum(mismatch.count for mismatch in result.mismatches) if result.checked else None,
        "notes": result.notes,
        "mismatch_list": list_mismatches(result.mismatches),
        "seconds_per_input": result.seconds / runs,
        "accuracy": accuracy(result.outputs[0], labels),
    }


def macro_summary(mapping, result, clock):
    """What it writes of the macro, without the layers."""
    cycles = [record.cycles for record in result.records]
    predicted = sum(record.predicted for record in result.records)
    total = None if None in cycles or not cycles else sum(cycles)
    runs, pauses = len(result.outputs[0]), pause(mapping.config) * len(result.records)
    counted = (total or predicted) / runs
    with_pauses = counted + pauses / runs
    return {
        "configuration": mapping.config.to_dict(),
        "hash": mapping.config.hash,
        "tiles": len(mapping.tiles),
        "accumulator_mismatches": sum(record.mismatches for record in result.records),
        "cycles": total,
        "predicted_cycles": predicted,
        "cycles_as_predicted": cycles == [record.predicted for record in result.records] if total else None,
        "cycles_per_input": counted,
        "cycles_per_input_with_pauses": with_pauses,
        "clock_hz": clock * 1e6,
        "inferences_per_second": clock * 1e6 / with_pauses if counted else None,
    }


def list_mismatches(mismatches):
    """A line for each of the first mismatches, and one with the number of the others."""
    lines, rest = [str(mismatch) for mismatch in mismatches[:MAX_LISTED_MISMATCHES]], mismatches[MAX_LISTED_MISMATCHES:]
    if rest:
        count = sum(mismatch.count for mismatch in rest)
        lines.append(f"and {len(rest)} more layers of inputs, with {count} mismatches")
    return lines


def layer_rows(network, mapping, result):
    """A row of the report for each matrix operator; sums over all inputs."""
    config, rows = mapping.config, []
    loads = [load for record in result.records for load in record.loads]
    for number, (operator, layer) in enumerate(zip(network.matrix_operators, mapping.layers)):
        records = [record for record in result.records if record.output == operator.output]
        sums = {name: sum(getattr(record, name) for record in records) for name in (
            "runs", "predicted", "vectors", "planes", "skipped", "work", "inputs", "sums", "mismatches")}
        cycles = [record.cycles for record in records]
        sums["cycles"] = None if None in cycles else sum(cycles)
        loaded = [(count, bits) for index, count, bits in loads if index == number]
        x, weights, y = (network.tensors[index] for index in (*operator.inputs[:2], operator.output))
        width = 8 if x.dtype == "int8" else 16
        counted, macs = sums["cycles"] or sums["predicted"], layer.convolution.macs
        rows.append({
            "layer": operator.location, "packing": str(layer.packing), "tiles_of_layer": len(layer.slices),
            "macs": macs, **sums, "tiles": len(loaded), "writes": sum(count for count, _ in loaded),
            "utilization": sums["work"] / (config.rows * config.columns * counted) if counted else 0.0,
            "bits_moved": sum(bits for _, bits in loaded) + sums["inputs"] + SUM_BITS * sums["sums"],
            "bits_without_reuse": sums["runs"] * (layer.convolution.inner_macs * (8 + width) + y.size * SUM_BITS),
            "bits_ideal_reuse": weights.size * 8 * len(records) + sums["runs"] * (x.size * width + y.size * SUM_BITS),
            "first_mismatch": next((str(mismatch) for mismatch in result.mismatches
                                    if mismatch.layer == operator.location), None),
        })
    return rows


def print_layers(rows, inputs):
    """The table of layers."""
    table = Table("layer", "packing", "tiles", "cycles", "predicted", "utilization", "planes skipped", "mismatches",
                  title=f"Sums over {count_of(inputs, 'input')}")
    for row in rows:
        cycles = "" if row["cycles"] is None else f"{row['cycles']:,}"
        skipped = row["skipped"] / max(1, row["skipped"] + row["planes"])
        table.add_row(row["layer"], row["packing"], str(row["tiles_of_layer"]), cycles, f"{row['predicted']:,}",
                      f"{row['utilization']:.1%}", f"{skipped:.1%}", str(row["mismatches"]))
    show(table)


def print_summary(report):
    """Print the lines after the table."""
    cycles, compared = "", "products in numpy"
    if "accumulator_mismatches" in report:
        compared = "no product to compare"
    if report.get("predicted_cycles"):
        compared = f"{report['accumulator_mismatches']} mismatches of accumulators"
        counted = "simulated" if report["cycles"] is not None else "predicted"
        cycles = (f"{report['cycles_per_input']:,.1f} cycles per input ({counted}), "
                  f"{report['cycles_per_input_with_pauses']:,.1f} with the pauses between layers, ")
    click.echo(f"{count_of(report['inputs'], 'input')}, {compared}, {cycles}"
               f"{report['seconds_per_input']:.3f} s per input")
    if report.get("cycles") is not None:
        click.echo(f"{report['cycles']:,} cycles, {report['predicted_cycles']:,} predicted")
    if report["checked_against_reference"]:
        click.echo(f"{report['reference']}: {report['reference_mismatches']} mismatches in all layers")
    for line in report["notes"]:
        click.echo(line)
    if report["accuracy"] is not None:
        click.echo(f"accuracy {report['accuracy']:.2%}")
    for line in report["mismatch_list"]:
        click.echo(line)


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("more", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--inputs", metavar="FILE...", multiple=True, type=click.Path(path_type=Path),
              help="Inputs: .npy, .npz, the bare numbers, or folders of them; more may follow.")
@click.option("--quantize-inputs", is_flag=True, help="Bring floats to the scale of an integer input.")
@click.option("--step", type=click.IntRange(1), help="Numbers from one input of a file to the next. [default: all]")
@click.option("--count", type=click.IntRange(1), help="How many inputs. [default: all]")
@click.option("--labels", metavar="FILE", type=click.Path(path_type=Path), help="Lines of file name, comma, class.")
@click.option("--backend", type=click.Choice(BACKENDS), default="golden", show_default=True,
              help="A calculated macro, its simulated RTL, a board, or no macro: numpy alone, the fastest.")
@click.option("--port", help="Of the board.")
@click.option("--batch", type=click.IntRange(1, 4096), default=1, show_default=True, help="Inputs that run together.")
@click.option("--stateful", is_flag=True, help="Inputs are steps of one stream, for networks that keep a state.")
@click.option("--runtime", type=click.Choice(list(RUNTIMES)),
              help="Whose results are wanted. [default: litert-2.3 or onnx, as the file is]")
@click.option("--check/--no-check", default=None,
              help="Compare every layer with the file's runtime. [default: where it is installed]")
@click.option("--plan", "show_plan", is_flag=True, help="Print the bank and the cycles of each tile.")
@click.option("--clock", type=click.FloatRange(1, 10_000), default=100, show_default=True, help="MHz, for rates.")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path),
              help="Gets the outputs: .npy, or .npz by name.")
@click.option("--report", "report_folder", metavar="DIR", type=click.Path(path_type=Path),
              help="Gets report.html and report.json.")
@config_options
@simulator_option
@build_option
def command(model, more, inputs, quantize_inputs, step, count, labels, backend, port, batch, stateful, runtime,
            check, show_plan, clock, output, report_folder, config, simulator, folder):
    """Run a quantized network, MODEL.tflite or MODEL.onnx, on a macro, and compare every layer."""
    if (backend == "board") != (port is not None):
        raise BadInput("--port must be given with --backend board, and with no other")
    if backend == "numpy" and (report_folder or show_plan or config):
        raise BadInput("--report, --plan and a macro's options must come with a macro, not with --backend numpy")
    for path in ([output] if output else []) + [report_folder / name for name in REPORT_FILES if report_folder]:
        check_writable(path)
    if report_folder:
        require_packages("networks", "matplotlib")
    with refusing(NetworkError, ValueError, LinkError):
        network = load_network(model, runtime)
        if output and output.suffix != ".npz":
            check_output(network, f"--output {output.name}, which is no .npz file,")
        if labels:
            check_output(network, "--labels")
        if stateful and not network.variables:
            raise BadInput(f"--stateful must be of a network that keeps a state from run to run, and {model} does not")
        loaded = load_inputs([*inputs, *more], network, step=step, quantizes=quantize_inputs).first(count)
        warn_skipped(loaded)
        classes = load_labels(labels, loaded.files) if labels else None
        reference = read_reference(model, check, network.runtime, stateful)
        mapping = None if backend == "numpy" else Mapping(config or MACRO, network, min(batch, len(loaded.files)))
        if show_plan:
            click.echo(str(plan(mapping)))
        for name in REPORT_FILES if report_folder else ():
            # A report of an earlier run must not be mistaken for this one's.
            (report_folder / name).unlink(missing_ok=True)
        with running("building", None):
            chosen = NumpyBackend(network) if mapping is None else open_backend(
                backend, mapping, simulator=simulator, folder=folder, port=port)
        with running("starting", len(loaded.files)) as progress:
            result = run_network(network, loaded.values, chosen, batch=batch, reference=reference, stateful=stateful,
                                progress=progress)
    report = summary(network, model, result, reference=reference, backend=backend, batch=batch, labels=classes)
    if mapping:
        report |= macro_summary(mapping, result, clock)
        layers = layer_rows(network, mapping, result)
        if layers:
            print_layers(layers, report["inputs"])
    print_summary(report)
    if output:
        write_file(output, saved(network, result.outputs, output.suffix == ".npz"))
    if report_folder:
        from ...reports.network_report import write_report

        write_report(report_folder, report, layers, mapping)
        click.echo(f"{report_folder / 'report.html'}\n{report_folder / 'report.json'}")
    return 1 if report.get("accumulator_mismatches") or report["reference_mismatches"] or (
        report.get("cycles_as_predicted") is False) else 0
