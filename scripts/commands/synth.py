"""``bitline synth``: a macro on a board, as a bitstream and a report."""

import json
from pathlib import Path

import click

from ...constraints import BOARDS
from ...hdl.clocking.pll import MHZ, nearest
from ..common.files import BadInput, check_writable, write_files
from ..common.options import config_options
from ..common.progress import running
from ..fpga.board_flow import largest, synth
from ..fpga.flow import DEVICES, PLACERS, FitError
from ..fpga.synth_report import summary


def refuse(error, board, config, macro_only, folder, progress):
    """BadInput with the exceeded resources and the largest macro that fits."""
    found = largest(board, config, error.usage, macro_only=macro_only, folder=folder, progress=progress)
    hint = f"the largest that fits has {found.rows} rows and {found.columns} columns" if found else "no size does"
    return BadInput(f"{error}; {hint}")


@click.command()
@click.option("--board", "name", type=click.Choice(sorted(BOARDS)), required=True, help="Board to build for.")
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
def command(name, macro_only, clock, config, seeds, check, placer, speed, out, folder):
    """Build a macro for a board, or measure it alone; by default a macro that fits the board."""
    board = BOARDS[name]
    config = config or board.default
    device = DEVICES[board.device]
    if speed:
        if device.family != "ecp5" or not macro_only:
            raise BadInput(f"--speed must come with an ECP5 and --macro-only, and comes with {name}")
        device = device.at_speed(speed)
    if check and not macro_only:
        raise BadInput("--check must come with --macro-only, and does not")
    if clock is not None:
        if macro_only:
            raise BadInput("--clock must come without --macro-only, which has no bitstream")
        try:
            clock *= MHZ
            nearest(board.pll, board.clock, clock)
        except ValueError as error:
            raise BadInput(f"--{error}") from None
    check_writable(out / "report.json")
    with running("", 4 + seeds) as progress:
        try:
            report, files = synth(board, config, macro_only=macro_only, clock=clock, check=check, seeds=seeds,
                                  device=device, placer=placer, folder=folder, progress=progress)
        except FitError as error:
            raise refuse(error, board, config, macro_only, folder,
                         lambda line: progress(1, f"what fits: {line[:60]}")) from None
    write_files(out, {**files, "report.json": json.dumps(report, indent=2) + "\n"})
    for line in summary(report):
        click.echo(line)
    for name in ([report["bitstream"]["file"]] if "bitstream" in report else []) + ["report.json"]:
        click.echo(out / name)
