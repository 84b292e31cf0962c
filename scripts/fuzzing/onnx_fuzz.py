"""Drawn ``.onnx`` networks of one operator against ONNX Runtime."""

import numpy as np

from ...host.network.files.load import load_network
from ...host.network.files.onnx_file import read_onnx
from ...host.network.files.onnx_reference import OnnxReference
from ...host.network.inference import Inference
from .damage import damage_bytes, damage_graph, read_damaged
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

    return fuzz_networks(operator, values, seed, ".onnx", "onnxruntime", compare)


def survive(operator, count, seed):
    """The `Survived` of so many damaged files, of small images; of most the bytes are those of a graph."""

    def damaged(operator, number):
        model, rng = draw(operator, number, 5).model(), np.random.default_rng([number, 2])
        return (damage_graph(model, list(OPERATORS), rng) if rng.integers(4) else
                damage_bytes(model.SerializeToString(), rng))

    return read_damaged(operator, count, seed, damaged, read_onnx)


__all__ = ["OPERATORS", "fuzz", "survive"]
