"""Drawn networks of an operator: the loop, and what it gave."""

import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from ...host.network.network import NetworkError


@dataclass
class Fuzzed:
    """Counts.

    Attributes
    ----------
    operator, runtime : str
        What was compared with what, of which version.
    seed : int
        Of the first network.
    networks, values : int
        Values are those that the operator gives, not those of what is around it.
    mismatches : int
    open : int
        Values that differ by what the definition leaves open.
    first : str or None
        A seed and its first mismatch.
    refused : dict of str to int
        Networks by what was in their way.
    seconds : float
    """

    operator: str
    runtime: str
    seed: int = 0
    networks: int = 0
    values: int = 0
    mismatches: int = 0
    open: int = 0
    first: str | None = None
    refused: dict = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, mismatches, where):
        """The list of mismatches of a network, which was drawn ``where``."""
        self.mismatches += sum(mismatch.count for mismatch in mismatches)
        if mismatches and self.first is None:
            self.first = f"{where}: {mismatches[0]}"

    @property
    def is_hopeless(self):
        """Whether all of many networks were refused, or none compares what the operator gives."""
        return self.networks > 100 and not self.values


def fuzz_networks(operator, values, seed, suffix, package, compare):
    """Compare drawn networks until so many values are compared.

    Parameters
    ----------
    operator : str
    values, seed : int
        ``seed`` is that of the first network; each has the next one.
    suffix : str
        Of the files.
    package : str
        Of the runtime.
    compare : callable
        ``compare(found, path, seed)`` draws a network, writes it to a file, and adds to a `Fuzzed`.

    Returns
    -------
    Fuzzed
    """
    found, started = Fuzzed(operator, f"{package} {version(package)}", seed), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"drawn{suffix}"
        while found.values < values and not found.is_hopeless:
            number = seed + found.networks
            found.networks += 1
            try:
                compare(found, path, number)
            except NetworkError as error:
                # By the rule, without the values that are drawn.
                reason = str(error).replace(str(path), path.name).partition(", not ")[0]
                found.refused[reason] = found.refused.get(reason, 0) + 1
    found.seconds = round(time.perf_counter() - started, 1)
    return found
