"""What a design in standard cells multiplies: random numbers, the user's, or the tiles and activations of a network."""

from dataclasses import dataclass

import click
import numpy as np

from ...golden.mvm import planes_needed
from ...host.mapping.mapping import Mapping
from ...host.network.files.load import load_network
from ...host.network.inference import Inference
from ...host.network.network import NetworkError
from ..common.files import BadInput, load_matrix, refusing
from ..common.network_inputs import load_inputs, warn_skipped

# Runs that are drawn of each layer of a network: the fewest that have a standard error.
RUNS = 2


@dataclass(frozen=True)
class Data:
    """A matrix and vectors, no larger than a macro's.

    Attributes
    ----------
    weights : int64 array (rows, columns)
    inputs : int64 array (vectors, rows)
        As a macro gets them.
    words : str
        What they are.
    sign : bool or None
        Whether inputs count as signed; by default if one is negative.
    offset : int
        What was subtracted from the activations of a network.
    used : int or None
        Weights that belong to a network, not to the zeros between them; all if None.
    """

    weights: np.ndarray
    inputs: np.ndarray
    words: str
    sign: bool | None = None
    offset: int = 0
    used: int | None = None

    @property
    def is_signed(self):
        """Whether inputs count as signed."""
        return bool(self.inputs.min() < 0) if self.sign is None else self.sign

    @property
    def macs(self):
        """Multiply-accumulates of all vectors, without zeros that belong to no network."""
        return len(self.inputs) * (self.weights.size if self.used is None else self.used)

    def ones(self, bits):
        """Planes of each vector that a macro drives, (vectors,), and ones in all of them."""
        planes = planes_needed(self.inputs, bits, self.is_signed)
        driven = self.inputs & (1 << planes)[:, None] - 1
        return planes, int(sum((driven >> plane & 1).sum() for plane in range(bits)))


def activity(samples, config, weights=None):
    """Of several `Data`, weighted: planes of a vector, share of ones on the wordlines, share of cells with a weight."""
    weights = np.ones(len(samples)) if weights is None else np.array(weights)
    planes, ones = zip(*(data.ones(config.input_bits) for data in samples))
    driven, vectors = weights @ [each.sum() for each in planes], weights @ [len(each) for each in planes]
    return {"planes_per_vector": float(driven / vectors),
            "ones_on_wordlines": float(weights @ ones / (driven * config.rows)),
            "cells_in_use": float(weights @ [data.macs for data in samples] / (vectors * config.rows * config.columns))}


def random_data(config, vectors, seed):
    """Weights and vectors of all values alike."""
    random = np.random.default_rng(seed)
    weight, value = 1 << config.weight_bits - 1, 1 << config.input_bits - 1
    return Data(random.integers(-weight, weight, (config.rows, config.columns)),
                random.integers(-value, value, (vectors, config.rows)), f"random, seed {seed}")


def read_data(config, weights, inputs, vectors, seed):
    """The matrix and the vectors: the user's, or random ones."""
    drawn = random_data(config, vectors, seed)
    if weights is None and inputs is None:
        return drawn
    words, chosen = [], {}
    for name, path, shape, bits in (("weights", weights, (config.rows, config.columns), config.weight_bits),
                                    ("inputs", inputs, (None, config.rows), config.input_bits)):
        if path is None:
            words.append(f"{name} {drawn.words}")
            chosen[name] = getattr(drawn, name)
            continue
        array = load_matrix(path, f"--{name}", "(rows, columns)" if name == "weights" else "(vectors, rows)")
        if array.shape[1] != shape[1] or shape[0] not in (None, array.shape[0]):
            raise BadInput(f"--{name} must have the shape {shape[0] or 'vectors'} x {shape[1]} of the macro, not "
                           f"{' x '.join(map(str, array.shape))}")
        if array.min() < -1 << bits - 1 or array.max() >= 1 << bits - 1:
            raise BadInput(f"--{name} must fit in {bits} bits, two's complement, and {array.min()} to {array.max()} "
                           "do not")
        words.append(f"{name} of {path.name}")
        chosen[name] = array
    if not (chosen["inputs"] @ chosen["weights"]).any():
        words.append("whose results are all zero")
        click.echo("bitline: all results of these data are zero, and a comparison of them says little", err=True)
    return Data(chosen["weights"], chosen["inputs"], ", ".join(words))


def read_sample(config, network, weights, inputs, runs, vectors, seed):
    """The `NetworkSample` of a network in a file; None without one."""
    if network is None:
        if runs is not None:
            raise BadInput("--runs must come with --network, and does not")
        return None
    if weights:
        raise BadInput("--network must come without --weights, which it has itself")
    if inputs is None:
        raise BadInput("--network must come with --inputs of the network, and does not")
    with refusing(NetworkError):
        read = load_network(network)
        loaded = load_inputs([inputs], read, quantizes=None)
    warn_skipped(loaded)
    return NetworkSample(config, read, loaded.values, runs or RUNS, vectors, seed, network.name)


def _drawn(sizes, count, random):
    """So many places of a list, with replacement, each with a chance in proportion to its size."""
    return random.choice(len(sizes), count, p=np.array(sizes) / sum(sizes))


@dataclass(frozen=True)
class _Run:
    """Neighboring vectors of a tile: its layer, itself, the first of them, and the number of the network's input."""

    layer: int
    tile: object
    first: int
    input: int


class NetworkSample:
    """Runs of neighboring vectors of a network's tiles, as many of each layer.

    Those of a layer are drawn in proportion to their MACs, with replacement, so that each that is drawn counts with the
    MACs of the layer over its own: the weighted sum of energies over that of MACs is then an estimate of the network's
    (Hansen and Hurwitz, 1943), in which layers differ without an error (stratified sampling).

    Parameters
    ----------
    config : MacroConfig
    network : Network
    inputs : tuple of array (N, *shape)
        One is drawn for each run.
    count : int
        How many runs are drawn of each layer.
    vectors : int
        Of a run; the last of a tile may be shorter.
    seed : int
    name : str
        Of the network.

    Attributes
    ----------
    data : list of Data
    layers : list of int
        The number of the layer of each.
    weights : list of float
        That each counts with, 1 in the mean.
    words : str
        What they are.
    macs : int
        Of an input.
    row_writes : int
        Of an input, those of tiles that stay in a bank left out.

    Raises
    ------
    BadInput
        The network has no products, or the macro cannot compute one of them, or not in one pass.
    """

    def __init__(self, config, network, inputs, count, vectors, seed, name):
        with refusing(ValueError):
            mapping = Mapping(config, network)
        self._layers = mapping.layers
        for layer in self._layers:
            if len(layer.input_slices) > 1:
                bits = layer.input_slices[-1].low + layer.input_slices[-1].bits
                raise BadInput(f"input_bits must be at least {bits} for this network, not {config.input_bits}")
        if not self._layers:
            raise BadInput("--network must have products for a macro, and has none")
        self._network, self._vectors = network, vectors
        random, given = np.random.default_rng(seed), len(inputs[0])
        every = [self._runs(layer) for layer in self._layers]
        sizes = [[macs for _, _, macs in found] for found in every]
        runs = [_Run(number, *every[number][place][:2], int(random.integers(given)))
                for number, macs in enumerate(sizes) for place in _drawn(macs, count, random)]
        drawn = [pair for number in sorted({run.input for run in runs})
                 for pair in self._of_input([run for run in runs if run.input == number],
                                            [array[number:number + 1] for array in inputs])]
        self.layers, self.data = map(list, zip(*drawn))
        counts = np.array([sum(sizes[layer]) / data.macs for layer, data in drawn])
        self.weights = (counts / counts.mean()).tolist()
        self.macs = sum(map(sum, sizes))
        self.row_writes = sum(tile.slice.rows for tile in mapping.tiles if not tile.resident)
        total = sum(layer.vectors(1) * len(layer.slices) for layer in self._layers)
        self.words = (f"activations of {name}, {count} runs of each of {len(self._layers)} layers, of up to {vectors} "
                      f"neighboring vectors of a tile, drawn in proportion to their MACs: "
                      f"{sum(len(data.inputs) for data in self.data)} of the {total:,} of an input, of "
                      f"{len({run.input for run in runs})} of {given} inputs, seed {seed}; without the "
                      f"{self.row_writes:,} writes of rows of an input")

    def _runs(self, layer):
        """All runs of a layer: tile, first vector, MACs."""
        return [(tile, first, min(self._vectors, layer.vectors(1) - first) * layer.used(tile))
                for tile in layer.slices for first in range(0, layer.vectors(1), self._vectors)]

    def _of_input(self, runs, inputs):
        """The data of runs of one input of the network, each with the number of its layer."""
        numbers = {operator.output: number for number, operator in enumerate(self._network.matrix_operators)}
        found = []

        def product(operator, x):
            number, tensors = numbers[operator.output], self._network.tensors
            layer = self._layers[number]
            if operator.is_loaded:
                layer.replace_weights(operator.convolution(tensors).kernel)
            patches = layer.patches(x)
            found.extend((number, self._of_run(layer, run, patches)) for run in runs if run.layer == number)
            return operator.accumulators(tensors, x)

        # Numbers of a network may be infinite, or none.
        with np.errstate(all="ignore"), refusing(NetworkError):
            Inference(self._network, product=product).run(*inputs)
        return found

    def _of_run(self, layer, run, patches):
        (input_slice,) = layer.input_slices
        inputs = layer.inputs(patches[run.first:run.first + self._vectors], run.tile)
        block = layer.block(run.tile)
        words = f"{layer.operator.location}, {block.shape[0]} x {block.shape[1]}, {len(inputs)} vectors"
        return Data(block, layer.slice_inputs(inputs, input_slice), words, input_slice.signed, layer.offset,
                    layer.used(run.tile))
