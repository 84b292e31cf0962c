"""Where two runs of a network differ."""

from dataclasses import dataclass

import numpy as np

from .network import NetworkError


@dataclass(frozen=True)
class Mismatch:
    """One layer of which something differs: how much, and the first place (run, then position) with both values."""

    layer: str
    count: int
    position: tuple
    ours: int
    theirs: int

    def __str__(self):
        return (f"{self.layer}: {self.count} mismatches, the first at {list(self.position)}: {self.ours}, "
                f"reference {self.theirs}")


def compare(network, ours, theirs):
    """Mismatches of all operators' outputs that the reference has, in the order in which they run.

    Parameters
    ----------
    network : Network
    ours, theirs : dict of int to array (N, *shape)

    Returns
    -------
    list of Mismatch

    Raises
    ------
    NetworkError
        A shape differs, as where a file leaves lengths open.
    """
    mismatches = []
    for operator in network.operators:
        for index in (index for index in operator.outputs if index in theirs):
            a, b = ours[index], theirs[index]
            if a.shape != b.shape:
                raise NetworkError(f"{operator.location} must give the runtime's shape, {list(b.shape[1:])}, not "
                                   f"{list(a.shape[1:])}")
            # What is not a number equals itself here.
            wrong = np.argwhere((a != b) & ~((a != a) & (b != b)))
            if len(wrong):
                position = tuple(wrong[0].tolist())
                mismatches.append(Mismatch(operator.location, len(wrong), position, a[position].item(),
                                           b[position].item()))
    return mismatches
