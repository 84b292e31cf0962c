"""``bitline synth``: a macro on a board, or an engine with a network, as a bitstream and a report."""

import json
from pathlib import Path

import click

from ...constraints import BOARDS
from ...hdl.clocking.pll import MHZ, nearest
from ...hdl.config import MacroConfig
from ...hdl.config.engine import EngineConfig
from ...hdl.uart_bridge.accelerator import accelerator
from ...host.engine.compiler import compile_network, fitted, widest
from ...host.network.files.load import load_network
from ...host.network.network import NetworkError
from ..common.files import BadInput, check_writable, refusing, write_files
from ..common.options import config_options
from ..common.progress import running
from ..fpga.board_flow import largest, synth
from ..fpga.flow import DEVICES, PLACERS, FitError
from ..fpga.synth_report import summary

# Of a network. A larger engine takes longer to place and route than it saves then.
ENOUGH_CYCLES = 10_000


def refuse(error, board, config, macro_only, folder, progress):
    """BadInput with the exceeded resources and the largest macro that fits."""
    found = largest(board, config, error.usage, macro_only=macro_only, folder=folder, progress=progress)
    hint = f"the largest that fits has {found.rows} rows and {found.columns} columns" if found else "no size does"
    return BadInput(f"{error}; {hint}")


def read_engine(board, model, path):
    """The engine in a file, or one of the board's for a network; the compiled network, or None."""
    with refusing(NetworkError, ValueError, TypeError):
        engine, network = (EngineConfig.load(path) if path else None), (load_network(model) if model else None)
        engine = engine or engine_for(board, network)
        accelerator(engine)
        return engine, compile_network(engine, network) if network else None


def engine_for(board, network):
    """The smallest engine of a board that is fast enough for a network, or its largest, with the least memories that
    hold it."""
    if not board.engines:
        raise BadInput(f"--network must come with --engine for {board.name}, of which no engine is known that fits")
    for engine in board.engines:
        compiled = compile_network(widest(engine), network)
        if compiled.total_cycles <= ENOUGH_CYCLES:
            break
    return fitted(compiled)


def network_report(model, compiled, mhz):
    """What ``report.json`` says of a network, at the clock of the bitstream."""
    return {"model": model.name, "image": f"{model.stem}.bln", "cycles": compiled.total_cycles,
            "inputs_per_second": round(mhz * MHZ / compiled.total_cycles, 1)}


def check_options(macro, macro_only, has_engine, check, clock, speed, board):
    """BadInput for options that do not go together."""
    if has_engine and (macro_only or macro):
        raise BadInput("--network and --engine must come without --macro-only and a macro's options, and do not")
    if speed and (DEVICES[board.device].family != "ecp5" or not macro_only):
        raise BadInput(f"--speed must come with an ECP5 and --macro-only, and comes with {board.name}")
    if check and not macro_only:
        raise BadInput("--check must come with --macro-only, and does not")
    if clock is not None:
        if macro_only:
            raise BadInput("--clock must come without --macro-only, which has no bitstream")
        try:
            nearest(board.pll, board.clock, clock * MHZ)
        except ValueError as error:
            raise BadInput(f"--{error}") from None


@click.command()
@click.option("--board", "name", type=click.Choice(sorted(BOARDS)), required=True, help="Board to build for.")
@click.option("--network", "model", metavar="MODEL.tflite", type=click.Path(path_type=Path),
              help="Build an engine in place of a macro, with the network's image beside the bitstream.")
@click.option("--engine", "engine_path", metavar="ENGINE.json", type=click.Path(path_type=Path),
              help="The engine. [default: the board's smallest that takes at most "
                   f"{ENOUGH_CYCLES:,} cycles for the network, or its largest, with the least memories that hold it]")
@click.option("--macro-only", is_flag=True, help="Measure the macro between shift registers, without the bridge.")
@click.option("--clock", metavar="MHZ", type=float,
              help="Clock of the macro, or the nearest that the PLL makes; by default the fastest with 10 % to spare.")
@config_options(interval=lambda arguments: BOARDS[arguments["name"]].default.result_interval)
@click.option("--seeds", type=click.IntRange(1, 100), default=1, show_default=True,
              help="Placements; the report has the median of their Fmax.")
@click.option("--check", is_flag=True, help="Simulate the netlist against the golden model; only with --macro-only.")
@click.option("--placer", type=click.Choice(PLACERS), default=PLACERS[0], show_default=True,
              help="Placer of nextpnr; static for nearly full devices.")
@click.option("--speed", type=click.Choice(["6", "7", "8"]),
              help="Speed grade to measure with, of an ECP5; only with --macro-only. [default: 6]")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), required=True,
              help="Gets bitstream, report.json, netlist and logs.")
@click.option("--build", "folder", metavar="DIR", type=click.Path(path_type=Path), default=Path("build/synth"),
              show_default=True, help="Folder for files of the tools.")
def command(name, model, engine_path, macro_only, clock, config, seeds, check, placer, speed, out, folder):
    """Build a macro for a board, or measure it alone; by default a macro that fits the board. Or an engine."""
    board, compiled = BOARDS[name], None
    device, has_engine = DEVICES[board.device], model or engine_path
    check_options(config, macro_only, has_engine, check, clock, speed, board)
    if has_engine:
        config, compiled = read_engine(board, model, engine_path)
    config = config or board.default
    check_writable(out / "report.json")
    with running("", 4 + seeds) as progress:
        try:
            report, files = synth(board, config, macro_only=macro_only, clock=clock and clock * MHZ, check=check,
                                  seeds=seeds, device=device.at_speed(speed) if speed else device, placer=placer,
                                  folder=folder, progress=progress)
        except FitError as error:
            if not isinstance(config, MacroConfig):
                raise
            raise refuse(error, board, config, macro_only, folder,
                         lambda line: progress(1, f"what fits: {line[:60]}")) from None
    lines = summary(report)
    if has_engine:
        files["engine.json"] = config.to_json()
    if compiled:
        report["network"] = found = network_report(model, compiled, report["clocks"]["macro"]["mhz"])
        files[found["image"]] = compiled.image
        lines.append(f"{found['model']}: {found['cycles']:,} cycles if no plane is skipped, "
                     f"{found['inputs_per_second']:,.0f} inputs a second")
    write_files(out, {**files, "report.json": json.dumps(report, indent=2) + "\n"})
    for line in lines:
        click.echo(line)
    for name in ([report["bitstream"]["file"]] if "bitstream" in report else []) + ["report.json"]:
        click.echo(out / name)
