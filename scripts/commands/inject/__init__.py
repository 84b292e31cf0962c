"""``bitline inject``: fault injection, single-event upsets (SEU) of flip-flops or of stored weights."""

from pathlib import Path

import click

from ...common.files import BadInput
from ...common.options import build_option, config_options, core_options, simulator_option
from . import flip_flops, weights

FLIP_FLOPS, WEIGHTS = "flip-flops", "weights"
DEFAULT_COUNTS = {FLIP_FLOPS: 9600, WEIGHTS: 16600}


@click.command()
@click.option("--target", type=click.Choice([*DEFAULT_COUNTS]), required=True,
              help="Flip-flops of a macro, or with --core of what is around it; or stored weights of a core with a "
              "checksum.")
@config_options
@core_options
@click.option("--count", type=click.IntRange(1, 10000000),
              help="Faults in all. [default: " + ", ".join(f"{count} for {target}" for target, count
                                                           in DEFAULT_COUNTS.items()) + "]")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True,
              help="Draws faults, weights and vectors.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path),
              help="Gets the figures as JSON. [default: build/inject/TARGET.json]")
@simulator_option
@build_option
def command(target, config, core, count, seed, out, simulator, folder):
    """Inject single faults while vectors run, and report the result of each.

    --target flip-flops: one flip of a control or data-path flip-flop in each run of a macro, or of a core around its
    macro; without a description, half of them in each of two macros. Exit status 1 if a reset does not end a hang.

    --target weights: inverted bits of the stored weights of a core with --checksum. Exit status 1 if a wrong result was
    not marked.
    """
    count = count or DEFAULT_COUNTS[target]
    out = out or Path("build/inject") / f"{target}.json"
    if target == WEIGHTS:
        return weights.run(core, count, seed, out, simulator, folder)
    if simulator != "verilator":
        raise BadInput(f"simulator must be verilator for --target flip-flops, not {simulator}")
    return flip_flops.run(core or config, count, seed, out, folder)
