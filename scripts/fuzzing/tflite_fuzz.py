"""Drawn ``.tflite`` networks of one operator against LiteRT's reference kernels."""

import tempfile
import time
from pathlib import Path

from ...host.network.compare import compare
from ...host.network.files.load import load_network
from ...host.network.files.reference import TfliteReference
from ...host.network.inference import Inference
from ...host.network.network import NetworkError
from .fuzzed import Fuzzed
from .tflite_operators import OPERATORS, draw

# Inputs of each drawn network.
INPUTS = 8


def fuzz(operator, values, seed):
    """Compare drawn networks until so many values are compared.

    Parameters
    ----------
    operator : str
        A key of `OPERATORS`.
    values, seed : int
        ``seed`` is that of the first network; each has the next one.

    Returns
    -------
    Fuzzed
    """
    found, started = Fuzzed(operator), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.tflite"
        while found.values < values and not found.is_hopeless:
            number = seed + found.networks
            found.networks += 1
            try:
                _compare(found, path, draw(operator, number), number)
            except NetworkError as error:
                # By the rule, without the values that are drawn.
                found.refuse(str(error).replace(str(path), path.name).partition(", not ")[0])
    found.seconds = time.perf_counter() - started
    return found


def _compare(found, path, drawn, seed):
    path.write_bytes(drawn.file.data(drawn.inputs, [drawn.output]))
    network = load_network(path)
    tensors = [network.tensors[index] for index in network.inputs]
    inputs = [drawn.values((INPUTS, *tensor.shape), tensor.dtype) for tensor in tensors]
    theirs = TfliteReference(path).run(*inputs)
    mismatches = compare(network, Inference(network).run(*inputs), theirs)
    found.values += sum(values.size for values in theirs.values())
    found.mismatches += sum(mismatch.count for mismatch in mismatches)
    if mismatches and found.first is None:
        found.first = f"seed {seed} ({drawn.dtype}): {mismatches[0]}"


__all__ = ["OPERATORS", "Fuzzed", "fuzz"]
