"""``bitline generate``: Verilog of a macro, block macro or engine and its description, or a core and its files."""

import json
from contextlib import suppress
from pathlib import Path

import click

from ...hdl.config.engine import EngineConfig
from ...hdl.config.engine_core import EngineCoreConfig
from ...hdl.emit import FABRICS, emit_files, sidecar
from ..common.files import BadInput, check_writable, refusing, write_files
from ..common.options import INTERVALS, config_options, core_options, format_options, required
from ..integration.cell_models import cell_models


def generate(config, folder, fabric="generic"):
    """Write the Verilog and ``NAME.json``; returns the paths.

    The Verilog is ``NAME.v`` and perhaps ``NAME_memory.v``, and models of the fabric's cells if it has some.
    """
    check_writable(folder / f"{config.name}.v")
    files = {**emit_files(config, fabric), **cell_models(fabric), f"{config.name}.json": sidecar(config, fabric)}
    for name in files:
        check_writable(folder / name)
    write_files(folder, files)
    return [folder / name for name in files]


def generate_core(config, folder, fabric="generic"):
    """Write a core, or an engine behind a bus, and its integration files; returns the paths at the top of the folder.

    Parameters
    ----------
    config : CoreConfig, BlockCoreConfig or EngineCoreConfig
    folder : Path
    fabric : str
    """
    from ..integration.files import integration_files
    from ..integration.systemrdl import IntegrationError

    check_writable(folder / f"{config.name}.v")
    # Files that are not named after the core would be the other's no more; nor those that only one fabric has.
    for other in sorted(path for kind in ("core", "block_core", "engine_core")
                        for path in folder.glob(f"bitline_{kind}_*.json")):
        if other.stem != config.name:
            raise BadInput(f"{folder} must hold no other core, and holds {other.stem}")
        if fabric_of(other) not in (fabric, None):
            raise BadInput(f"{folder} must hold no core of fabric {fabric_of(other)}, and holds {other.stem}")
    with refusing(IntegrationError):
        files = integration_files(config, fabric)
    for name in files:
        if (folder / name).is_dir():
            raise BadInput(f"{folder / name} must be a file, and is a folder")
    write_files(folder, files)
    return [folder / name for name in sorted({name.split("/")[0] for name in files})]


def fabric_of(path):
    """The fabric in a core's JSON file; None if it names none."""
    with suppress(ValueError, AttributeError):
        return json.loads(path.read_text(encoding="utf-8")).get("fabric")
    return None


@click.command()
@format_options
@config_options(interval=lambda arguments: INTERVALS[arguments["fabric"]])
@core_options
@click.option("--engine", "engine_path", metavar="ENGINE.json", type=click.Path(path_type=Path),
              help="An engine, as `bitline compile --write-config` writes it, in place of a macro; with --bus in "
                   "a core with registers.")
@click.option("--fabric", type=click.Choice(tuple(FABRICS)), default="generic", show_default=True,
              help="Cells that the Verilog may have besides what any synthesizer takes.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
def command(blocks, config, core, engine_path, engine_core, fabric, out):
    """Write a macro's Verilog and, beside it, a JSON description of its ports, latency and configuration.

    Memories that a chip designer replaces are in a file of their own.

    With --format, write it as a block macro, between decoders of microscaling formats or NVFP4 and what joins and
    rounds its sums; rows and bits are those of the formats. With + between formats each vector, and each bank, has one
    of them.

    With --core, write the macro in a core with buses and registers, and all that is needed to integrate it; with
    --format too a block macro in one, of whose options it has --bus and --reset.

    With --fabric ecp5, its cells make the Verilog smaller there, and a file of their models goes beside it; the
    macro then has a --result-interval of 4 if none is given.

    With --engine and --bus, write the engine with registers on that bus, and all that is needed to integrate it.
    """
    if engine_path:
        if config:
            raise BadInput("--engine must come without options of a macro, and does not")
        with refusing(ValueError, TypeError):
            engine = EngineConfig.load(engine_path)
            paths = (generate_core(EngineCoreConfig(engine=engine, **engine_core), out, fabric) if engine_core
                     else generate(engine, out, fabric))
    else:
        paths = generate_core(core, out, fabric) if core else generate(blocks or required(config), out, fabric)
    for path in paths:
        click.echo(path)
