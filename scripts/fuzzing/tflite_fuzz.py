"""Drawn ``.tflite`` networks of one operator against LiteRT's reference kernels."""

from ...host.network.compare import compare
from ...host.network.files.load import load_network
from ...host.network.files.reference import TfliteReference
from ...host.network.inference import Inference
from .fuzzed import fuzz_networks
from .tflite_operators import OPERATORS, draw

# Inputs of each drawn network.
INPUTS = 8


def fuzz(operator, values, seed):
    """The `Fuzzed` of `fuzz_networks`."""

    def compare_drawn(found, path, number):
        drawn = draw(operator, number)
        path.write_bytes(drawn.file.data(drawn.inputs, [drawn.output]))
        network = load_network(path)
        tensors = [network.tensors[index] for index in network.inputs]
        inputs = [drawn.values((INPUTS, *tensor.shape), tensor.dtype) for tensor in tensors]
        theirs = TfliteReference(path).run(*inputs)
        mismatches = compare(network, Inference(network).run(*inputs), theirs)
        found.values += sum(values.size for values in theirs.values())
        found.add(mismatches, f"seed {number} ({drawn.dtype})")

    return fuzz_networks(operator, values, seed, ".tflite", compare_drawn)


__all__ = ["OPERATORS", "fuzz"]
