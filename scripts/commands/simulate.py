"""``bitline simulate``: anybody's matrix and vectors on the RTL."""

import io
from pathlib import Path

import click
import numpy as np

from ...golden.mvm import mvm
from ...golden.program import predict
from ...host.mapping.tiling import matrix_product
from ...verif.sim.player import run_program
from ..common.files import BadInput, check_writable, load_matrix, refusing, write_file, write_json
from ..common.options import build_option, config_options, required, simulator_option
from ..common.progress import running


def simulate(config, weights, inputs, *, bits=None, signed=None, simulator="verilator", folder=Path("build/sim"),
             verilog=None):
    """Multiply vectors with a matrix on the macro's RTL, or on other Verilog of it.

    Parameters
    ----------
    config : MacroConfig
    weights : int64 array (K, N)
    inputs : int64 array (B, K)
    bits, signed : int, bool
        Of the inputs; see `matrix_product`.
    simulator : str
    folder : Path
        Of the builds.
    verilog : str
        A netlist of the macro, for instance; by default what is generated.

    Returns
    -------
    (y, report)
        The product (B, N), int64, and what `bitline simulate --report` writes.

    Raises
    ------
    ValueError
        Weights or inputs that do not fit.
    """
    product = matrix_product(config, weights, inputs, bits=bits, signed=signed)
    expected = mvm(weights, inputs)
    with running("predicting", len(product.program.vectors)) as progress:
        predicted = predict(config, product.program)
        outcome = run_program(config, product.program, simulator=simulator, folder=folder, verilog=verilog,
                              progress=progress)
    y = product.collect(outcome.results)
    report = {
        "configuration": config.to_dict(),
        "hash": config.hash,
        "simulator": simulator,
        "weights": list(weights.shape),
        "inputs": list(inputs.shape),
        "fuse": product.fuse,
        "tiles": len(product.tiles),
        "outputs": y.size,
        "mismatches": int((y != expected).sum()),
        "cycles": outcome.cycles,
        "predicted_cycles": predicted.cycles,
        "utilization": product.utilization(config, outcome.cycles),
        "cycles_per_second": outcome.cycles / outcome.seconds,
    }
    return y, report


@click.command()
@config_options
@click.option("--weights", metavar="FILE", type=click.Path(path_type=Path), required=True,
              help="Integers (K, N) as .npy.")
@click.option("--inputs", metavar="FILE", type=click.Path(path_type=Path), required=True,
              help="Integers (B, K) as .npy.")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), required=True,
              help="Gets the product (B, N) as .npy of int64.")
@click.option("--signed/--unsigned", default=None, help="Inputs are two's complement. [default: if one is negative]")
@click.option("--bits", type=int, help="Bits of the inputs. [default: input_bits]")
@click.option("--report", metavar="FILE", type=click.Path(path_type=Path), help="Gets mismatches and cycles as JSON.")
@simulator_option
@build_option
def command(config, weights, inputs, output, signed, bits, report, simulator, folder):
    """Multiply a matrix of any size with vectors on the macro's RTL, and compare with the golden model."""
    matrix = load_matrix(weights, "weights", "(K, N)")
    vectors = load_matrix(inputs, "inputs", "(B, K)")
    if vectors.shape[1] != matrix.shape[0]:
        raise BadInput(f"inputs must have as many columns as weights have rows ({matrix.shape[0]}), "
                       f"not {vectors.shape[1]}")
    if report and report.resolve() == output.resolve():
        raise BadInput(f"output and report must be two files, not both {output}")
    for path in filter(None, (output, report)):
        check_writable(path)
    with refusing(ValueError):
        y, facts = simulate(required(config), matrix, vectors, bits=bits, signed=signed, simulator=simulator,
                            folder=folder)
    array = io.BytesIO()
    np.save(array, y)
    write_file(output, array.getvalue())
    if report:
        write_json(report, facts)
    click.echo(f"{facts['outputs']} outputs, {facts['mismatches']} mismatches, {facts['cycles']} cycles "
               f"({facts['predicted_cycles']} predicted), utilization {facts['utilization']:.1%}")
    return 1 if facts["mismatches"] or facts["cycles"] != facts["predicted_cycles"] else 0
