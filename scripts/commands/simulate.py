"""``bitline simulate``: a matrix and vectors on the RTL."""

import io
from pathlib import Path

import click
import numpy as np

from ...host.mapping.simulate import simulate
from ..common.files import BadInput, check_writable, load_matrix, refusing, write_file, write_json
from ..common.options import build_option, config_options, required, simulator_option
from ..common.progress import count_of, running


@click.command()
@config_options
@click.option("--weights", metavar="FILE", type=click.Path(path_type=Path), required=True,
              help="Integers (K, N) as .npy.")
@click.option("--inputs", metavar="FILE", type=click.Path(path_type=Path), required=True,
              help="Integers (B, K) as .npy.")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), required=True,
              help="Gets the product (B, N) as .npy of int64.")
@click.option("--signed/--unsigned", default=None, help="Inputs are two's complement. [default: if any is negative]")
@click.option("--bits", type=int, help="Bits of the inputs. [default: input_bits]")
@click.option("--report", "report_path", metavar="FILE", type=click.Path(path_type=Path),
              help="Gets mismatches and cycles as JSON.")
@simulator_option
@build_option
def command(config, weights, inputs, output, signed, bits, report_path, simulator, folder):
    """Multiply a matrix of any size with vectors on the macro's RTL, and compare with the golden model."""
    matrix = load_matrix(weights, "weights", "(K, N)")
    vectors = load_matrix(inputs, "inputs", "(B, K)")
    if vectors.shape[1] != matrix.shape[0]:
        raise BadInput(f"inputs must have as many columns as weights have rows ({matrix.shape[0]}), "
                       f"not {vectors.shape[1]}")
    if report_path and report_path.resolve() == output.resolve():
        raise BadInput(f"output and report must be two files, not both {output}")
    for path in filter(None, (output, report_path)):
        check_writable(path)
    with refusing(ValueError):
        y, report = simulate(required(config), matrix, vectors, bits=bits, signed=signed, simulator=simulator,
                            folder=folder, running=running)
    array = io.BytesIO()
    np.save(array, y)
    write_file(output, array.getvalue())
    if report_path:
        write_json(report_path, report)
    click.echo(f"{count_of(report['outputs'], 'output')}, {report['mismatches']} mismatches, "
               f"{report['cycles']:,} cycles ({report['predicted_cycles']:,} predicted), "
               f"utilization {report['utilization']:.1%}")
    return 1 if report["mismatches"] or report["cycles"] != report["predicted_cycles"] else 0
