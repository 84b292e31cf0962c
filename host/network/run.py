"""Runs of a network on a backend, every layer compared."""

import dataclasses
import time

import numpy as np

from .inference import Inference
from .network import DTYPES


@dataclasses.dataclass
class Found:
    """What the runs of a network gave.

    Attributes
    ----------
    outputs : int or float array (N, *shape)
        The network's first output, of its own type.
    records : list of LayerRecord
    mismatches : list of Mismatch
        Against the reference kernels, of each batch.
    checked : bool
    notes : list of str
        What the comparison has to say beside mismatches.
    seconds : float
        Without the building of the simulation.
    """

    outputs: np.ndarray
    records: list
    mismatches: list
    checked: bool
    notes: list
    seconds: float


def run_network(network, inputs, backend, *, batch=1, reference=None, progress=None):
    """Run a network on a backend, and compare every layer.

    Parameters
    ----------
    network : Network
    inputs : array (N, *shape)
    backend : MacroBackend or GoldenBackend
    batch : int
        Inputs that run together.
    reference : TfliteReference or OnnxReference, optional
    progress : function, optional
        Takes how many inputs are done, and what goes on.

    Returns
    -------
    Found
    """
    outputs, mismatches, seconds = [], [], 0.0
    with backend:
        inference = Inference(network, product=backend.product)
        for first in range(0, len(inputs), batch):
            x = inputs[first:first + batch]
            started = time.perf_counter()
            values = inference.run(x)
            seconds += time.perf_counter() - started
            outputs.append(values[network.outputs[0]])
            if reference:
                mismatches += [dataclasses.replace(mismatch, position=(mismatch.position[0] + first,
                                                                       *mismatch.position[1:]))
                               for mismatch in reference.compare(network, values, [x])]
            if progress:
                progress(first + len(x), "running")
    dtype = DTYPES[network.tensors[network.outputs[0]].dtype]
    return Found(np.concatenate(outputs).astype(dtype), backend.records, mismatches, reference is not None,
                 list(reference.notes) if reference else [], seconds)
