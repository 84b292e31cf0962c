"""Drawn ``.onnx`` networks of one operator against ONNX Runtime."""

from ...host.network.files.load import load_network
from ...host.network.files.onnx_reference import OnnxReference
from ...host.network.inference import Inference
from .fuzzed import fuzz_networks
from .onnx_operators import OPERATORS, draw

# Inputs of each drawn network.
INPUTS = 4


def fuzz(operator, values, seed, *, pixels=24):
    """The `Fuzzed` of `fuzz_networks`; images have a height and width of at least ``pixels``."""

    def compare(found, path, number):
        drawn = draw(operator, number, pixels)
        path.write_bytes(drawn.model().SerializeToString())
        network, reference, inputs = load_network(path), OnnxReference(path), drawn.inputs(INPUTS)
        mismatches = reference.compare(network, Inference(network).run(inputs), [inputs])
        found.values += reference.compared
        found.open += reference.open
        found.add(mismatches, f"seed {number}")

    return fuzz_networks(operator, values, seed, ".onnx", compare)


__all__ = ["OPERATORS", "fuzz"]
