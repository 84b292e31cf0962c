"""Accuracy of a network whose products are not exact: the options of commands that compare it, and what they load."""

from pathlib import Path

import click

from ...host.network.files.load import load_network
from .files import BadInput
from .network_inputs import check_input, check_output, load_inputs, warn_skipped

# The worked example in place of a model.
DIGITS = "digits"


def comparison_options(function):
    """The arguments and options that name a network or `DIGITS`, its inputs and labels; ``paths`` are all inputs."""

    def merged(*, inputs, more, **rest):
        return function(paths=[*inputs, *more], **rest)

    merged.__doc__ = function.__doc__
    for wrap in (
            click.option("--labels", metavar="FILE", type=click.Path(path_type=Path), help="As of bitline run."),
            click.option("--count", type=click.IntRange(1), help="How many inputs. [default: all]"),
            click.option("--step", type=click.IntRange(1), help="As of bitline run."),
            click.option("--inputs", metavar="FILE...", multiple=True, type=click.Path(path_type=Path),
                         help="As of bitline run."),
            click.argument("more", metavar="[FILE]...", nargs=-1, type=click.Path(path_type=Path)),
            click.argument("model")):
        merged = wrap(merged)
    # Options that the function had already come after these.
    merged.__click_params__ = getattr(function, "__click_params__", []) + merged.__click_params__
    return merged


def load_compared(model, paths, step, count):
    """The network of a comparison, and its `Inputs`.

    Raises
    ------
    BadInput, NetworkError
        The network has several inputs or outputs; a file does not fit.
    """
    network = load_network(model)
    check_input(network, "a comparison")
    check_output(network, "a comparison")
    loaded = load_inputs(paths, network, step=step).first(count)
    warn_skipped(loaded)
    return network, loaded


def check_alone(*values):
    """Refuse files, labels and what is said of them beside `DIGITS`."""
    if any(values):
        raise BadInput("digits must be compared on its own images, not on files")


def accuracy_of(scores, exact, labels):
    """Share of inputs classified as their label, or, without labels, as the exact network classifies them.

    Parameters
    ----------
    scores, exact : array (N, ..., classes)
    labels : int array (N,) or None
    """
    guesses = scores.reshape(len(scores), -1).argmax(axis=1)
    expected = exact.reshape(len(exact), -1).argmax(axis=1) if labels is None else labels
    return float((guesses == expected).mean())
