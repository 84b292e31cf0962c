"""``bitline generate``: a macro's Verilog and its description."""

from pathlib import Path

import click

from ..hdl.emit import emit, sidecar
from .files import check_writable, write_files
from .options import config_options, required


def generate(config, folder):
    """Write ``NAME.v`` and ``NAME.json`` into a folder; returns both paths."""
    names = [f"{config.name}.v", f"{config.name}.json"]
    for name in names:
        check_writable(folder / name)
    write_files(folder, dict(zip(names, (emit(config), sidecar(config)))))
    return [folder / name for name in names]


@click.command()
@config_options
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
def command(config, out):
    """Write a macro's Verilog and, beside it, a JSON description of its ports, latency and configuration."""
    for path in generate(required(config), out):
        click.echo(path)
