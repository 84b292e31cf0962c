"""``bitline classify``: an image of an engine on inputs."""

import time
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np

from ....golden.engine.executor import Engine
from ....golden.engine.image import EngineError
from ....hdl.clocking.pll import MHZ
from ....hdl.config.engine import EngineConfig, default_engine
from ....host.board import EngineBoard, LinkError
from ....host.board.engine_board import FLASH_STATES
from ....host.board.simulated_board import SimulatedBoard
from ....verif.engine.verilog_runs import run_verilog
from ....verif.sim.simulators import SimulatorError
from ...common.files import BadInput, check_writable, refusing, write_json
from ...common.network_inputs import read_numpy
from ...common.options import build_option

# A port of no device.
SIMULATED = "simulated"


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


@contextmanager
def connected(port, config, folder, flash):
    """The driver of the board at a port, which must have the engine, any for None; `SIMULATED` makes a board."""
    if port == SIMULATED:
        with SimulatedBoard(config, folder=folder, image=flash) as simulated, simulated.connect() as board:
            yield board
    else:
        with EngineBoard(port, config) as board:
            yield board


def board_runs(config, data, inputs, is_stateful, folder, port, flash):
    """The same, each compared with that of a board, which the last line tells of; LinkError if it differs."""
    seconds, cycles = 0.0, 0
    if port == SIMULATED:
        config = config or default_engine()
        # Before an engine is compiled, which may take minutes.
        engine = Engine(config, data)
        for x in inputs:
            engine.ports.input(x)
    with connected(port, config, folder, flash) as board:
        why = FLASH_STATES[board.flash_state()]
        is_kept = board.load(data, keeps=True)
        for number, (x, run) in enumerate(zip(inputs, golden_runs(board.config, data, inputs, is_stateful))):
            if not is_stateful:
                board.begin_stream()
            started = time.perf_counter()
            found = board.run(x)
            seconds, cycles = seconds + time.perf_counter() - started, cycles + found.cycles
            if (found.output.tolist(), found.argmax) != (run.output.tolist(), run.argmax):
                raise LinkError(f"run {number} on the board must give the outputs of the golden model, and gives class "
                                f"{found.argmax}, outputs {' '.join(map(str, found.output))}")
            # The first may wait for tables that a run which was canceled has left unmade.
            if number and found.cycles != run.cycles:
                raise LinkError(f"run {number} on the board must take {run.cycles:,} cycles, not {found.cycles:,}")
            yield run
        click.echo(f"the board at {port}, {board.clock_hz / MHZ:g} MHz, "
                   f"{'which has the image' if is_kept else f'image sent as {why}'}: the same outputs, "
                   f"{cycles / len(inputs):,.0f} cycles an input, "
                   f"{len(inputs) * board.clock_hz / cycles:,.0f} inputs a second; "
                   f"{len(inputs) / seconds:,.0f} with the serial line")


@click.command()
@click.argument("image", type=click.Path(path_type=Path))
@click.option("--inputs", metavar="FILE", multiple=True, required=True, type=click.Path(path_type=Path),
              help="An input: .npy, or the bare bytes; may be given several times.")
@click.option("--config", "config_path", metavar="ENGINE.json", type=click.Path(path_type=Path),
              help="The engine. [default: one with a macro of 64 x 64, or the board's]")
@click.option("--stateful", is_flag=True, help="Inputs are steps of one stream, for networks that keep a state.")
@click.option("--backend", type=click.Choice(("golden", "rtl", "board")), default="golden", show_default=True,
              help="Also run on the engine's Verilog in Verilator (rtl), and compare memory and cycles of each "
                   "descriptor; or on a board, and compare outputs.")
@click.option("--port", help=f"Of the board; {SIMULATED}: one whose Verilog, with the serial line, runs in Verilator.")
@click.option("--flash", metavar="IMAGE.bln", type=click.Path(path_type=Path),
              help="Image in the flash of the simulated board. [default: no flash]")
@build_option
@click.option("--trace", "trace_path", metavar="FILE", type=click.Path(path_type=Path),
              help="Gets start, cycles, CRC-32 of the memory and counters of each descriptor, as JSON.")
def command(image, inputs, config_path, stateful, backend, port, flash, folder, trace_path):
    """Run IMAGE.bln on the golden model of an engine: class, outputs and cycles of each input.

    Of inputs that run together each has a class.
    """
    if (backend == "board") != (port is not None):
        raise BadInput("--port must be given with --backend board, and with no other")
    if flash and port != SIMULATED:
        raise BadInput(f"--flash must be given with --port {SIMULATED}, and with no other")
    if trace_path:
        check_writable(trace_path)
    traces = []
    with refusing(EngineError, LinkError, ValueError, TypeError):
        config = EngineConfig.load(config_path) if config_path else None
        given = image.read_bytes(), [read_input(path) for path in inputs], stateful
        if backend == "board":
            runs = board_runs(config, *given, folder, port, flash and flash.read_bytes())
        elif backend == "rtl":
            runs = compared_runs(config or default_engine(), *given, folder)
        else:
            runs = golden_runs(config or default_engine(), *given)
        # The runs first, so that they come to their end.
        for run, path in zip(runs, inputs):
            traces.append({"input": str(path), "steps": trace(run)})
            values, classes = (" ".join(map(str, numbers.tolist())) for numbers in (run.output, run.classes))
            click.echo(f"{path}: class{'es' if len(run.classes) > 1 else ''} {classes}, {run.cycles:,} cycles, outputs "
                       f"{values}")
    if trace_path:
        write_json(trace_path, traces)
