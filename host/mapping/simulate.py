"""Products of a matrix on the RTL."""

from contextlib import nullcontext
from pathlib import Path

from ...golden.mvm import mvm
from ...golden.program import predict
from ...verif.sim.player import run_program
from .tiling import matrix_product


def simulate(config, weights, inputs, *, bits=None, signed=None, simulator="verilator", folder=Path("build/sim"),
             verilog=None, running=None):
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
    running : function, optional
        Takes what goes on and how many vectors there are; gives a context with a function that takes how many are
        done, and what goes on.

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
    with running("predicting", len(product.program.vectors)) if running else nullcontext() as progress:
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
