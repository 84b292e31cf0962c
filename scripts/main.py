"""The command ``bitline``."""

import signal
import sys
from importlib import import_module
from importlib.metadata import version

import click

from ..hdl.fabric.emitter import EmitError
from ..verif.sim.simulators import SimulatorError
from .common.files import BadInput
from .common.jobs import JobLostError
from .common.tools import FlowError

COMMANDS = {
    "analog": "Run a network on an analog crossbar beside the digital macro.",
    "asic": "Build a macro of standard cells: area, clock, energy.",
    "bench": "Measure speed and size.",
    "classify": "Run a compiled network on an engine.",
    "compile": "Compile a quantized network for an engine.",
    "demo": "Run a classifier of handwritten digits on the RTL.",
    "diagrams": "Draw timing diagrams of the streams from a simulation.",
    "doctor": "List what is installed and what is missing.",
    "explore": "Find macros that suit a network.",
    "fuzz": "Compare drawn networks with the runtime, or drawn programs on engines.",
    "generate": "Write a macro's Verilog and its description.",
    "inject": "Inject faults into flip-flops or stored weights.",
    "mutate": "Mutation testing: break the blocks, and count what their tests detect.",
    "operators": "List the operators that networks may have.",
    "program": "Load a bitstream into a board.",
    "prove": "Prove properties of the blocks.",
    "regress": "Run the cocotb regression.",
    "resilience": "Run a network on a macro whose stored weights have wrong bits.",
    "run": "Run a quantized network on a macro.",
    "simulate": "Multiply a matrix with vectors on the RTL.",
    "soak": "Run random configurations and traffic for hours.",
    "survey": "Run many networks, each against its runtime.",
    "synth": "Build a macro for a board, or measure it alone.",
    "transformer": "Train a small transformer, and run it on a macro.",
}
# Those that stand in the folder ``networks``.
NETWORKS = ("analog", "classify", "compile", "explore", "fuzz", "operators", "resilience", "run", "survey",
            "transformer")
# Former commands, which one more release accepts, and what replaces them.
FORMER = {
    "compare": ("analog",),
    "flips": ("inject", "--target", "flip-flops"),
    "upsets": ("inject", "--target", "weights"),
}


def _module(name):
    return import_module(f".commands.{'networks.' if name in NETWORKS else ''}{name}", __package__)


class Commands(click.Group):
    """Subcommands by name, each imported only when used, because Amaranth and cocotb take a second to import."""

    def resolve_command(self, ctx, args):
        if args[0] in FORMER:
            click.echo(f"bitline: {args[0]} is now called {' '.join(FORMER[args[0]])}", err=True)
            args = [*FORMER[args[0]], *args[1:]]
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx):
        return sorted(COMMANDS)

    def get_command(self, ctx, name):
        return _module(name).command if name in COMMANDS else None

    def format_commands(self, ctx, formatter):
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(cls=Commands)
@click.version_option(version("bitline"))
def cli():
    """Generate, check and run digital SRAM compute-in-memory macros."""


class Terminated(BaseException):
    """SIGTERM: what the command has started must end with it."""


def _terminate(*_):
    raise Terminated


def main(arguments=None):
    """Run the command; bad input is one line on standard error and exit status 2."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = cli(arguments, standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as help_text:
        click.echo(help_text.format_message())
        status = 2
    except (click.ClickException, BadInput, EmitError, FlowError, JobLostError, SimulatorError) as error:
        status = _refuse(error.format_message() if isinstance(error, click.ClickException) else str(error))
    except OSError as error:
        status = _refuse(f"{error.filename or 'a file'} must be usable, and is not: {error.strerror or error}")
    except MemoryError as error:
        status = _refuse(f"memory must suffice, and does not: {(str(error) or 'none is left').splitlines()[0]}")
    except (click.Abort, KeyboardInterrupt):
        status = _refuse("interrupted", 130)
    except Terminated:
        status = _refuse("terminated", 143)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
    sys.exit(status or 0)


def _refuse(message, status=2):
    click.echo("bitline: " + " ".join(message.split()), err=True)
    return status
