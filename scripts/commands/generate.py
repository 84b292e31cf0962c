"""``bitline generate``: a macro's Verilog and its description, or a core and its integration files."""

from pathlib import Path

import click

from ...hdl.emit import emit_files, sidecar
from ..common.files import BadInput, check_writable, refusing, write_files
from ..common.options import config_options, core_options, required


def generate(config, folder):
    """Write the Verilog, ``NAME.v`` and perhaps ``NAME_memory.v``, and ``NAME.json``; returns the paths."""
    check_writable(folder / f"{config.name}.v")
    files = {**emit_files(config), f"{config.name}.json": sidecar(config)}
    for name in files:
        check_writable(folder / name)
    write_files(folder, files)
    return [folder / name for name in files]


def generate_core(config, folder):
    """Write a core and its integration files into a folder; returns the paths at the top of the folder."""
    from ..integration.files import integration_files
    from ..integration.systemrdl import IntegrationError

    check_writable(folder / f"{config.name}.v")
    # Files that are not named after the core would be the other's no more.
    for other in sorted(folder.glob("bitline_core_*.json")):
        if other.stem != config.name:
            raise BadInput(f"{folder} must hold no other core, and holds {other.stem}")
    with refusing(IntegrationError):
        files = integration_files(config)
    for name in files:
        if (folder / name).is_dir():
            raise BadInput(f"{folder / name} must be a file, and is a folder")
    write_files(folder, files)
    return [folder / name for name in sorted({name.split("/")[0] for name in files})]


@click.command()
@config_options
@core_options
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
def command(config, core, out):
    """Write a macro's Verilog and, beside it, a JSON description of its ports, latency and configuration.

    Memories that a chip designer replaces are in a file of their own.

    With --core, write the macro in a core with buses and registers, and all that is needed to integrate it.
    """
    for path in generate_core(core, out) if core else generate(required(config), out):
        click.echo(path)
