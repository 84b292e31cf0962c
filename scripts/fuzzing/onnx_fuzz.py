"""Drawn ``.onnx`` networks of one operator against ONNX Runtime."""


from ...host.network.files.load import load_network
from ...host.network.files.onnx_file import read_onnx
from ...host.network.files.onnx_reference import OnnxReference
from ...host.network.inference import Inference
from .damage import attempt_of, damage_bytes, damage_graph, generator
from .fuzzed import fuzz_networks
from .onnx_operators import OPERATORS, REDUCTIONS, draw

# Inputs of each drawn network, and of one that gives a value of a whole image.
INPUTS, INPUTS_REDUCED = 4, 256
# A kind of which the value is a constant: it is judged by what takes it.
FOLDED = {"Shape": "Reshape"}


def fuzz(operator, values, seed, *, pixels=24):
    """The `Fuzzed` of `fuzz_networks`; images have a height and width of at least ``pixels``."""

    def compare(found, path, number):
        is_reduced = operator in REDUCTIONS
        drawn = draw(operator, number, 2 if is_reduced and number % 16 else pixels)
        path.write_bytes(drawn.model().SerializeToString())
        network, reference, inputs = load_network(path), OnnxReference(path), drawn.inputs(
            INPUTS_REDUCED if is_reduced else INPUTS)
        mismatches = reference.compare(network, Inference(network).run(inputs), [inputs])
        found.values += reference.compared[FOLDED.get(operator, operator)]
        found.open += reference.open
        found.add(mismatches, f"seed {number}")

    return fuzz_networks(operator, values, seed, ".onnx", "onnxruntime", compare)


def survive(operator, number):
    """The `Attempt` of the damaged file of a seed, of small images; of most the bytes are those of a graph."""
    model, rng = draw(operator, number, 5).model(), generator(operator, number)
    data = damage_graph(model, list(OPERATORS), rng) if rng.integers(4) else damage_bytes(
        model.SerializeToString(), rng)
    return attempt_of(data, operator, read_onnx)


__all__ = ["OPERATORS", "fuzz", "survive"]
