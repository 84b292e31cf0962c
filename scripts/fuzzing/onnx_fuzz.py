"""Drawn ``.onnx`` networks of one operator against ONNX Runtime."""

import tempfile
import time
from pathlib import Path

from ...host.network.files.load import load_network
from ...host.network.files.onnx_reference import OnnxReference
from ...host.network.inference import Inference
from ...host.network.network import NetworkError
from .fuzzed import Fuzzed
from .onnx_operators import OPERATORS, draw

# Inputs of each drawn network.
INPUTS = 4


def fuzz(operator, values, seed, *, pixels=24):
    """Compare drawn networks until so many values are compared.

    Parameters
    ----------
    operator : str
        A key of `OPERATORS`.
    values, seed : int
        ``seed`` is that of the first network; each has the next one.
    pixels : int
        Least height and width of images.

    Returns
    -------
    Fuzzed
    """
    found, started = Fuzzed(operator), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.onnx"
        while found.values < values and not found.is_hopeless:
            number = seed + found.networks
            found.networks += 1
            try:
                _compare(found, path, draw(operator, number, pixels), number)
            except NetworkError as error:
                found.refuse(str(error).replace(str(path), path.name).partition(", not ")[0])
    found.seconds = time.perf_counter() - started
    return found


def _compare(found, path, drawn, seed):
    path.write_bytes(drawn.model().SerializeToString())
    network, reference, inputs = load_network(path), OnnxReference(path), drawn.inputs(INPUTS)
    mismatches = reference.compare(network, Inference(network).run(inputs), [inputs])
    found.values += reference.compared
    found.open += reference.open
    found.mismatches += sum(mismatch.count for mismatch in mismatches)
    if mismatches and found.first is None:
        found.first = f"seed {seed}: {mismatches[0]}"


__all__ = ["OPERATORS", "Fuzzed", "fuzz"]
