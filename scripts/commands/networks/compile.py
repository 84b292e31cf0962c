"""``bitline compile``: a quantized network as an image for an engine."""

from dataclasses import asdict
from pathlib import Path

import click
from rich.table import Table

from ....hdl.config.engine import EngineConfig, default_engine
from ....host.engine.compiler import compile_network, fitted, widest
from ....host.engine.listing import costs, lines
from ....host.network.files.load import load_network
from ....host.network.network import NetworkError
from ....host.network.rounding import RUNTIMES_OF
from ...common.files import BadInput, check_writable, refusing, write_file
from ...common.tables import show

# What `Cost` counts, in the order of the columns.
COUNTED = ("cycles", "memory", "weights", "inputs", "sums", "outputs")


def print_estimate(compiled, batch):
    """The table of descriptors."""
    table = Table("", "operation", "layer", *COUNTED, title="Cycles if no plane is skipped; bytes")
    rows = costs(compiled)
    for row in rows:
        table.add_row(str(row.number), row.operation, row.location, *(f"{getattr(row, name):,}" for name in COUNTED))
    show(table)
    total = {name: sum(asdict(row)[name] for row in rows) for name in COUNTED[2:]}
    moved = ", ".join(f"{count:,} of {name}" for name, count in total.items())
    click.echo(f"{compiled.total_cycles:,} cycles with starts and END, {compiled.total_cycles / batch:,.1f} an input; "
               f"bytes moved: {moved}")


@click.command(name="compile")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--config", "config_path", metavar="ENGINE.json", type=click.Path(path_type=Path),
              help="The engine. [default: one with a macro of 64 x 64]")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Gets the image.")
@click.option("--batch", type=click.IntRange(1, 256), default=1, show_default=True,
              help="Inputs that run together, of a network of fully connected layers.")
@click.option("--fuse/--no-fuse", default=True, show_default=True,
              help="Let layers that follow one another run together where the engine can.")
@click.option("--fit", is_flag=True, help="Give the engine the least memories that hold the network, larger ones too.")
@click.option("--runtime", type=click.Choice(RUNTIMES_OF[".tflite"]),
              help=f"Whose results are wanted. [default: {RUNTIMES_OF['.tflite'][0]}]")
@click.option("--list", "is_listed", is_flag=True, help="Print the program in words.")
@click.option("--estimate", is_flag=True, help="Print cycles, memory and bytes moved of each descriptor.")
@click.option("--write-config", metavar="FILE", type=click.Path(path_type=Path),
              help="Gets the engine's configuration as JSON.")
def command(model, config_path, out, batch, fuse, fit, runtime, is_listed, estimate, write_config):
    """Compile a quantized network, MODEL.tflite, for an engine."""
    for path in (path for path in (out, write_config) if path):
        check_writable(path)
    with refusing(NetworkError, ValueError, TypeError):
        config = EngineConfig.load(config_path) if config_path else default_engine()
        network = load_network(model, runtime)
        if fit:
            config = fitted(compile_network(widest(config), network, batch=batch, fuse=fuse))
        compiled = compile_network(config, network, batch=batch, fuse=fuse)
    if not (out or is_listed or estimate or write_config):
        raise BadInput("one of --out, --list, --estimate and --write-config must be given")
    if is_listed:
        for line in lines(compiled):
            click.echo(line)
    if estimate:
        print_estimate(compiled, batch)
    if write_config:
        write_file(write_config, config.to_json())
    if out:
        write_file(out, compiled.image)
        click.echo(f"{out}: {len(compiled.image):,} bytes for engine {config.hash}, {len(compiled.program)} "
                   f"descriptors, {compiled.rows:,} rows of tiles, {compiled.slots} slots of parameters, "
                   f"{compiled.peak:,} of {config.activation_bytes:,} bytes of activations, "
                   f"{compiled.total_cycles:,} cycles if no plane is skipped")
