"""``bitline classify``: an image of an engine on inputs."""

from pathlib import Path

import click
import numpy as np

from ....golden.engine.executor import Engine
from ....golden.engine.image import EngineError
from ....hdl.config.engine import EngineConfig, default_engine
from ....verif.engine.verilog_runs import run_verilog
from ....verif.sim.build import SimulatorError
from ...common.files import BadInput, check_writable, refusing, write_json
from ...common.network_inputs import read_numpy
from ...common.options import build_option


def read_input(path):
    """The bytes of a ``.npy`` file of int8, or of a file of the bytes themselves, as int8."""
    if path.suffix != ".npy":
        return np.frombuffer(path.read_bytes(), np.int8)
    array = read_numpy(path)
    if isinstance(array, dict):
        raise BadInput(f"inputs must be one array each, and {path} is an archive of {', '.join(array) or 'none'}")
    if array.dtype != np.int8:
        raise BadInput(f"inputs must be int8, and {path} is {array.dtype}")
    return array.reshape(-1)


def trace(run):
    """A dictionary for each descriptor that ran."""
    return [{"descriptor": step.number, "operation": step.operation.name, "start": step.start, "cycles": step.cycles,
             "crc": f"{step.crc:08x}", **step.counts} for step in run.steps]


def golden_runs(config, data, inputs, is_stateful):
    """The runs of an image on inputs, each as it is done."""
    engine = Engine(config, data)
    for x in inputs:
        if not is_stateful:
            engine.reset()
        yield engine.run(x)


def compared_runs(config, data, inputs, is_stateful, folder):
    """The same, each compared with that of the Verilog; SimulatorError if it differs."""
    for number, (run, verilog) in enumerate(run_verilog(config, data, inputs, is_stateful=is_stateful, folder=folder)):
        if difference := verilog.difference(run):
            raise SimulatorError(f"run {number} on the Verilog: {difference}")
        yield run


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--inputs", metavar="FILE", multiple=True, required=True, type=click.Path(path_type=Path),
              help="An input: .npy, or the bare bytes; may be given several times.")
@click.option("--config", "config_path", metavar="ENGINE.json", type=click.Path(path_type=Path),
              help="The engine. [default: one with a macro of 64 x 64]")
@click.option("--stateful", is_flag=True, help="Inputs are steps of one stream, for networks that keep a state.")
@click.option("--backend", type=click.Choice(("golden", "rtl")), default="golden", show_default=True,
              help="Also run on the engine's Verilog in Verilator (rtl), and compare memory and cycles of each "
                   "descriptor.")
@build_option
@click.option("--trace", "trace_path", metavar="FILE", type=click.Path(path_type=Path),
              help="Gets start, cycles, CRC-32 of the memory and counters of each descriptor, as JSON.")
def command(image, inputs, config_path, stateful, backend, folder, trace_path):
    """Run IMAGE.bln on the golden model of an engine: class, outputs and cycles of each input.

    Of inputs that run together each has a class.
    """
    if trace_path:
        check_writable(trace_path)
    traces = []
    with refusing(EngineError, ValueError, TypeError):
        config = EngineConfig.load(config_path) if config_path else default_engine()
        given = config, image.read_bytes(), [read_input(path) for path in inputs], stateful
        runs = golden_runs(*given) if backend == "golden" else compared_runs(*given, folder)
        for path, run in zip(inputs, runs):
            traces.append({"input": str(path), "steps": trace(run)})
            values, classes = (" ".join(map(str, numbers.tolist())) for numbers in (run.output, run.classes))
            click.echo(f"{path}: class{'es' if len(run.classes) > 1 else ''} {classes}, {run.cycles:,} cycles, outputs "
                       f"{values}")
    if trace_path:
        write_json(trace_path, traces)
