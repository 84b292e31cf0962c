"""Options that several subcommands share."""

import dataclasses
import functools
from pathlib import Path

import click

from ...hdl.config import (
    BUSES,
    COLUMNS,
    FUSES,
    INTERVALS,
    LIMITS,
    OUTPUTS,
    RESETS,
    STREAM_BITS,
    TREES,
    CoreConfig,
    MacroConfig,
)
from ...hdl.config.base import Parameters
from ...verif.sim.build import SIMULATORS
from .files import BadInput, refusing

# Where no macro is described.
MACRO = MacroConfig(rows=64, columns=64, banks=2)

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
            parameters = _macro_of(path)
        return MacroConfig.from_dict({**parameters, **given})


def _macro_of(path):
    """A macro's parameters in a JSON file of them, or of a core's."""
    parameters = Parameters.read(path)
    if isinstance(parameters, dict) and "macro" in parameters:
        parameters = parameters["macro"]
    return MacroConfig.from_dict(parameters).to_dict()


CORE_HELP = {
    "input_stream_bits": (STREAM_BITS, "Width of s_axis."),
    "weight_stream_bits": (STREAM_BITS, "Width of s_axis_w."),
    "output_stream_bits": (STREAM_BITS, "Width of m_axis."),
    "output": (OUTPUTS, "What a result is."),
    "reset": (RESETS, "How aresetn falls."),
    "bus": (BUSES, "Bus of the registers."),
    "checksum": ((), "Hold every result against the sum of each row's weights."),
}


def core_options(function):
    """Options that describe a core around the macro, handed to the function as ``core``, a CoreConfig or None."""

    @functools.wraps(function)
    def wrapped(config, is_core, **arguments):
        given = {name: value for name in CORE_HELP if (value := arguments.pop(name)) is not None}
        if given and not is_core:
            raise BadInput(f"--{next(iter(given)).replace('_', '-')} must come with --core, and does not")
        core = _read_core(required(config), given) if is_core else None
        return function(config=config, core=core, **arguments)

    for field in reversed(dataclasses.fields(CoreConfig)[1:]):
        choices, text = CORE_HELP[field.name]
        name = f"--{field.name.replace('_', '-')}"
        option = click.option(name, field.name, type=field.type, metavar="|".join(map(str, choices)),
                              help=f"{text} [default: {field.default}]") if choices else click.option(
                                  name, field.name, is_flag=True, default=None, help=text)
        wrapped = option(wrapped)
    return click.option("--core", "is_core", is_flag=True,
                        help="The macro in a core, with buses and registers; these options describe it:")(wrapped)


def _read_core(macro, given):
    path, parameters = click.get_current_context().params["config"], {}
    with refusing(ValueError, TypeError):
        if path is not None and "macro" in (read := Parameters.read(path)):
            parameters = read
        return CoreConfig.from_dict({**parameters, "macro": macro.to_dict(), **given})


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
