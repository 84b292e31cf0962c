"""Runs of a network on a backend, every layer compared."""

import dataclasses
import time

import numpy as np

from .inference import Inference
from .network import DTYPES


@dataclasses.dataclass
class RunResult:
    """What the runs of a network gave.

    Attributes
    ----------
    outputs : tuple of int or float array (N, *shape)
        Of the network, each of its own type.
    records : list of LayerRecord
    mismatches : list of Mismatch
        Against the reference kernels, of each batch.
    checked : bool
    notes : list of str
        What the comparison has to say beside mismatches.
    seconds : float
        Without the building of the simulation.
    """

    outputs: tuple
    records: list
    mismatches: list
    checked: bool
    notes: list
    seconds: float


def run_network(network, inputs, backend, *, batch=1, reference=None, stateful=False, progress=None):
    """Run a network on a backend, and compare every layer.

    Parameters
    ----------
    network : Network
    inputs : tuple of array (N, *shape)
        One for each input of the network.
    backend : MacroBackend or NumpyBackend
    batch : int
        Inputs that run together.
    reference : TfliteReference or OnnxReference, optional
    stateful : bool
        Inputs are steps of one stream, see `Inference`.
    progress : function, optional
        Takes how many inputs are done, and what goes on.

    Returns
    -------
    RunResult
    """
    outputs, mismatches, seconds = [], [], 0.0
    with backend:
        inference = Inference(network, product=backend.product, stateful=stateful)
        for first in range(0, len(inputs[0]), batch):
            x = [array[first:first + batch] for array in inputs]
            started = time.perf_counter()
            # Numbers of a network may be infinite, or none.
            with np.errstate(all="ignore"):
                values = inference.run(*x)
            seconds += time.perf_counter() - started
            outputs.append([values[index] for index in network.outputs])
            if reference:
                mismatches += [dataclasses.replace(mismatch, position=(mismatch.position[0] + first,
                                                                       *mismatch.position[1:]))
                               for mismatch in reference.compare(network, values, x)]
            if progress:
                progress(first + len(x[0]), "running")
    made = tuple(np.concatenate(arrays).astype(DTYPES[network.tensors[index].dtype])
                 for index, arrays in zip(network.outputs, zip(*outputs)))
    return RunResult(made, backend.records, mismatches, reference is not None,
                 list(reference.notes) if reference else [], seconds)
