"""Options that several subcommands share."""

import dataclasses
import functools
from pathlib import Path

import click

from ...hdl.config import CoreConfig, MacroConfig, allowed
from ...hdl.config.base import Parameters
from ...hdl.config.block_core import INPUT_BEAT_BITS, BlockCoreConfig
from ...hdl.config.format_choice import FORMAT_NAMES
from ...hdl.config.formats import FormatConfig, block_macro
from ...verif.sim.simulators import SIMULATORS
from .files import BadInput, refusing

# The default macro.
MACRO = MacroConfig(rows=64, columns=64, banks=2)

MACRO_FIELDS = dataclasses.fields(MacroConfig)
# Without the macro, which has its own options.
CORE_FIELDS = dataclasses.fields(CoreConfig)[1:]
FORMAT_FIELDS = dataclasses.fields(FormatConfig)[1:]
# Options that are not named after their parameter.
FORMAT_OPTIONS = {"inputs": "--format", "weights": "--weight-format"}


def option_of(field, default, metavar=None):
    """The option for a parameter of a configuration, and what it is by default."""
    text = field.metadata["meaning"].replace("`", "")
    if field.type is bool:
        return click.option(name_of(field), field.name, is_flag=True, default=None, help=text)
    default = "" if default is dataclasses.MISSING else f" [default: {default}]"
    # An option's former name, which one more release accepts.
    names = [f"--{field.metadata['former']}"] if field.metadata["former"] else []
    return click.option(name_of(field), *names, field.name, type=field.type, metavar=metavar or allowed(field),
                        help=text + default)


def name_of(field):
    """The name of the option."""
    return FORMAT_OPTIONS.get(field.name, f"--{field.name.replace('_', '-')}")


def pop_fields(arguments, fields):
    """Remove the values of some parameters from the arguments; those that were set, by name."""
    return {field.name: value for field in fields if (value := arguments.pop(field.name)) is not None}


def table_of(fields):
    """A Markdown table of the options, for documents."""
    rows = []
    for field in fields:
        values = "a flag" if field.type is bool else allowed(field).replace("|", ", ")
        default = "" if field.default is dataclasses.MISSING else field.default
        rows.append(f"| `{name_of(field)}` | {values} | {field.metadata['meaning']} | {default} |")
    return "\n".join(["| option | values | meaning | default |", "|---|---|---|---|", *rows, ""])


# The ``result_interval`` that suits a fabric.
INTERVALS = {"generic": 1, "ecp5": 4}


def config_options(function=None, *, interval=None, defaults=()):
    """Options that describe a macro; the function gets them as ``config``, None if there are none.

    ``interval`` gives the ``result_interval`` that suits the other arguments, for macros whose options do not say it;
    ``defaults`` are other parameters by name. A macro from a file is the same everywhere.
    """
    if function is None:
        return functools.partial(config_options, interval=interval, defaults=defaults)

    @functools.wraps(function)
    def wrapped(config, **arguments):
        given = pop_fields(arguments, MACRO_FIELDS)
        default = dict(defaults) | ({"result_interval": interval(arguments)} if interval else {})
        return function(config=_read_config(config, given, default), **arguments)

    for field in reversed(MACRO_FIELDS):
        suits = interval and field.name == "result_interval"
        default = dict(defaults).get(field.name, field.default)
        wrapped = option_of(field, "what suits the board or fabric" if suits else default)(wrapped)
    return click.option("--config", metavar="FILE", type=click.Path(path_type=Path),
                        help="JSON file of these parameters; the options below override it.")(wrapped)


def _read_config(path, given, default):
    if path is None and not given:
        return None
    with refusing(ValueError, TypeError):
        parameters = {}
        if path is not None:
            parameters = _macro_of(path)
        return MacroConfig.from_dict({**default, **parameters, **given})


def _macro_of(path):
    """A macro's parameters from a JSON file of a macro or a core."""
    parameters = Parameters.read(path)
    if isinstance(parameters, dict) and "macro" in parameters:
        parameters = parameters["macro"]
    return MacroConfig.from_dict(parameters).to_dict()


def _engine_core(given, is_core):
    """What is given of an engine's core."""
    others = ["core"] * is_core + [name for name in given if name not in ("bus", "reset")]
    if others:
        raise BadInput(f"--engine must come without --{others[0].replace('_', '-')}, and does not")
    if given and "bus" not in given:
        raise BadInput("--reset of an engine must come with --bus, and does not")
    return given


def core_options(function):
    """Options that describe a core around the macro; the function gets ``core``, a CoreConfig or None.

    If the function has ``blocks`` that are not None it is a BlockCoreConfig. If the function has an ``engine_path`` it
    gets ``engine_core`` too: of the core of that engine what is given, by name; without a bus none.
    """

    @functools.wraps(function)
    def wrapped(config, is_core, **arguments):
        given = pop_fields(arguments, CORE_FIELDS)
        if "engine_path" in arguments:
            has_engine = arguments["engine_path"] is not None
            arguments["engine_core"] = _engine_core(given, is_core) if has_engine else {}
            given = {} if has_engine else given
        if given and not is_core:
            raise BadInput(f"--{next(iter(given)).replace('_', '-')} must come with --core, and does not")
        blocks = arguments.get("blocks")
        core = (None if not is_core else _block_core(blocks, given) if blocks else
                _read_core(required(config), given))
        return function(config=config, core=core, **arguments)

    for field in reversed(CORE_FIELDS):
        wrapped = option_of(field, field.default)(wrapped)
    return click.option("--core", "is_core", is_flag=True,
                        help="The macro in a core, with buses and registers; these options describe it:")(wrapped)


def _read_core(macro, given):
    path, parameters = click.get_current_context().params["config"], {}
    with refusing(ValueError, TypeError):
        if path is not None and "macro" in (read := Parameters.read(path)):
            parameters = read
        return CoreConfig.from_dict({**parameters, "macro": macro.to_dict(), **given})


def _block_core(blocks, given):
    """The core around a block macro."""
    known = [field.name for field in dataclasses.fields(BlockCoreConfig)]
    for name in given:
        if name not in known:
            raise BadInput(f"--{name.replace('_', '-')} must come without --format, and does not")
    with refusing(ValueError, TypeError):
        return BlockCoreConfig(blocks=blocks, **given)


def format_options(function):
    """Options that describe a block macro; the function gets ``blocks``, a FormatConfig or None.

    They come before those of `config_options`, whose macro they then replace: ``columns`` are results, and rows and
    bits are those of the format.
    """

    @functools.wraps(function)
    def wrapped(**arguments):
        given = pop_fields(arguments, FORMAT_FIELDS)
        if "inputs" not in given:
            if given:
                field = next(field for field in FORMAT_FIELDS if field.name in given)
                raise BadInput(f"{name_of(field)} must come with --format, and does not")
            return function(blocks=None, **arguments)
        for name in ("config", "engine_path"):
            if arguments[name]:
                raise BadInput(f"--format must come without --{name.removesuffix('_path')}, and does not")
        if arguments["is_core"]:
            given.setdefault("input_beat_bits", INPUT_BEAT_BITS)
        macro = {name: arguments[name] for field in MACRO_FIELDS if arguments[name := field.name] is not None}
        arguments |= dict.fromkeys(macro)
        if "columns" not in macro:
            raise BadInput("--format must come with --columns, and does not")
        macro.setdefault("result_interval", INTERVALS[arguments["fabric"]])
        formats = [given.pop(name).upper() for name in FORMAT_OPTIONS if name in given]
        with refusing(ValueError, TypeError):
            blocks = block_macro(*formats, columns=macro.pop("columns"), macro=macro, **given)
        return function(blocks=blocks, **arguments)

    for field in reversed(FORMAT_FIELDS):
        default = "that of --format" if field.name == "weights" else field.default
        names = "|".join(FORMAT_NAMES).lower() if field.name in FORMAT_OPTIONS else None
        wrapped = option_of(field, default, names)(wrapped)
    return wrapped


def required(config):
    """The configuration; BadInput if there is none."""
    if config is None:
        raise BadInput("a macro must be described with --config FILE or with --rows and --columns, and is not")
    return config


def config_arguments(config):
    """The command-line options that describe a configuration."""
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in config.to_dict().items()
                    if value != defaults[name])


simulator_option = click.option("--simulator", type=click.Choice(SIMULATORS), default="verilator", show_default=True,
                                help="Simulator.")
build_option = click.option("--build", "folder", metavar="DIR", type=click.Path(path_type=Path),
                            default=Path("build/sim"), show_default=True, help="Folder of the compiled simulations.")
