"""Options that several subcommands share."""

import dataclasses
import functools
from pathlib import Path

import click

from ..hdl.config import COLUMNS, FUSES, INTERVALS, LIMITS, TREES, MacroConfig
from ..host.simulator import SIMULATORS
from .files import BadInput, refusing

HELP = {
    "rows": "Inputs of a vector.",
    "columns": "Results of a vector.",
    "weight_bits": "Bits of a stored weight.",
    "input_bits": "Most bits of an input.",
    "banks": "Sets of weights.",
    "fuse": "Most neighbouring columns to one wider weight.",
    "tiles": "Vectors that accumulate without overflow.",
    "column": "Kind of column.",
    "block_ram_columns": "Columns whose tables are in block RAM.",
    "tree": "Structure of the adder tree.",
    "result_interval": "Fewest cycles from a result to the next; 2 for a faster clock.",
}
RANGES = {**{name: f"1..{limit}" for name, limit in LIMITS.items()}, "fuse": "|".join(map(str, FUSES)),
          "block_ram_columns": "0..COLUMNS",
          "column": "|".join(COLUMNS), "tree": "|".join(TREES),
          "result_interval": "|".join(map(str, INTERVALS))}


def config_options(function):
    """Options that describe a macro, handed to the function as ``config`` (None if there are none)."""

    @functools.wraps(function)
    def wrapped(config, **arguments):
        given = {name: value for name in HELP if (value := arguments.pop(name)) is not None}
        return function(config=_read_config(config, given), **arguments)

    for field in reversed(dataclasses.fields(MacroConfig)):
        default = "" if field.default is dataclasses.MISSING else f" [default: {field.default}]"
        option = click.option(f"--{field.name.replace('_', '-')}", field.name, type=field.type,
                              metavar=RANGES[field.name], help=HELP[field.name] + default)
        wrapped = option(wrapped)
    return click.option("--config", metavar="FILE", type=click.Path(path_type=Path),
                        help="JSON file of these parameters; the options below go before it.")(wrapped)


def _read_config(path, given):
    if path is None and not given:
        return None
    with refusing(ValueError, TypeError):
        parameters = {}
        if path is not None:
            parameters = MacroConfig.load(path).to_dict()
        return MacroConfig.from_dict({**parameters, **given})


def required(config):
    """The configuration, which a command cannot do without."""
    if config is None:
        raise BadInput("a macro must be described with --config FILE or with --rows and --columns, and is not")
    return config


def config_arguments(config):
    """The options that describe a configuration, as one would type them."""
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in config.to_dict().items()
                    if value != defaults[name])


simulator_option = click.option("--simulator", type=click.Choice(SIMULATORS), default="verilator", show_default=True,
                                help="Simulator.")
build_option = click.option("--build", "folder", metavar="DIR", type=click.Path(path_type=Path),
                            default=Path("build/sim"), show_default=True, help="Folder of the compiled simulations.")
