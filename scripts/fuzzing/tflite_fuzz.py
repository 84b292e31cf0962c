"""Drawn ``.tflite`` networks of one operator against LiteRT's reference kernels."""

from functools import partial

import tflite

from ...host.network.files.load import load_network
from ...host.network.files.reference import REFERENCES
from ...host.network.files.tflite_file import read_tflite
from ...host.network.inference import Inference
from ...host.network.rounding import RUNTIMES_OF
from .damage import attempt_of, damage_bytes, generator
from .fuzzed import fuzz_networks
from .tflite_damage import damage_file
from .tflite_operators import OPERATORS, draw

# Inputs of each drawn network, which are steps of one stream.
INPUTS = 8
CODES = [getattr(tflite.BuiltinOperator, kind) for kind in OPERATORS]


def fuzz(operator, values, seed, runtime="litert-2.3"):
    """The `Fuzzed` of `fuzz_networks`, against a runtime of `REFERENCES`."""
    reference, package = REFERENCES[runtime]

    def compare_drawn(found, path, number):
        drawn = draw(operator, number)
        path.write_bytes(drawn.data)
        network = load_network(path, runtime)
        tensors = [network.tensors[index] for index in network.inputs]
        inputs = [drawn.values((INPUTS, *tensor.shape), tensor.dtype) for tensor in tensors]
        ours = Inference(network, stateful=True).run(*inputs)
        mismatches = reference(path, stateful=True).compare(network, ours, inputs)
        found.values += sum(ours[index].size for index in _given(network, operator))
        found.add(mismatches, f"seed {number} ({drawn.dtype})")

    return fuzz_networks(operator, values, seed, ".tflite", package.replace("_", "-"), compare_drawn)


def _given(network, kind):
    """Tensors that operators of a kind give, or assign; of a kind that is folded what the others do with it."""
    own = [operator for operator in network.operators if operator.location.endswith(f"({kind})")] or network.operators
    return [index for operator in own for index in operator.outputs or operator.inputs]


def survive(operator, number):
    """The `Attempt` of the damaged file of a seed, of any runtime; of most fields are changed, of others bytes."""
    drawn, rng = draw(operator, number), generator(operator, number)
    if rng.integers(4):
        damage_file(drawn, CODES, rng)
    data = drawn.data if rng.integers(4) else damage_bytes(drawn.data, rng)
    return attempt_of(data, operator, partial(read_tflite, runtime=str(rng.choice(RUNTIMES_OF[".tflite"]))))


__all__ = ["OPERATORS", "fuzz", "survive"]
