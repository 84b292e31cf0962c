"""Networks of several layers with random weights, for engines."""

import math
from dataclasses import replace

import numpy as np
import pytest
from bitline.golden.engine.executor import Engine
from bitline.hdl.config.engine import default_engine
from bitline.host.engine.compiler import compile_network
from bitline.host.engine.values import tensors_of
from bitline.host.network.checks import check
from bitline.host.network.compare import compare
from bitline.host.network.inference import Inference
from bitline.host.network.network import Network, NetworkError, Tensor, Variable
from bitline.host.network.operators import (
    Add,
    AssignVariable,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    FullyConnected,
    MaxPool2D,
    Mean,
    ReadVariable,
    Reshape,
    Selection,
)
from bitline.host.network.window import same_padding
from bitline.verif.engine.small_engines import SMALL

DEFAULT = default_engine()
# The same columns in macros side by side.
PAIR = replace(DEFAULT, arrays=2, macro=replace(DEFAULT.macro, rows=72, columns=32))
SMALL_PAIR = replace(SMALL, arrays=2, macro=replace(SMALL.macro, columns=8))


class Builder:
    """A network, layer by layer; each method gives the number of its output.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
        Of the input.
    """

    def __init__(self, rng, shape):
        self.rng, self.tensors, self.operators = rng, [], []
        self.last = self.tensor(shape)

    def tensor(self, shape, zero_point=None):
        """A tensor of activations, often with the zero point that makes it unsigned."""
        if zero_point is None:
            zero_point = int(self.rng.choice([-128, -128, self.rng.integers(-128, 128)]))
        scale = float(self.rng.uniform(0.02, 0.1))
        self.tensors.append(Tensor(f"t{len(self.tensors)}", tuple(shape), "int8", np.array([scale], np.float32),
                                   np.array([zero_point])))
        return len(self.tensors) - 1

    def constant(self, shape, dtype, scales=(), axis=0):
        """Weights or a bias."""
        high = {"int8": 127, "int32": 3000}[dtype]
        data = self.rng.integers(-high, high + 1, shape).astype(dtype)
        scales = np.array(scales, np.float32)
        self.tensors.append(Tensor("c", tuple(shape), dtype, scales, np.zeros(len(scales), np.int64), axis, data))
        return len(self.tensors) - 1

    def place(self, kind, inputs, output, **fields):
        """Add an operator."""
        location = f"operator {len(self.operators)} ({kind.tflite[0].name})"
        self.operators.append(kind(location=location, inputs=tuple(inputs), outputs=(output,), **fields))
        self.last = output
        return output

    def _scales(self, terms, channels):
        # Sums of so many products then are of the size of an output.
        return self.rng.uniform(0.5, 1, channels) / (60 * math.sqrt(terms))

    def conv(self, outputs, size=(3, 3), stride=(1, 1), same=True, source=None, **fields):
        """CONV_2D."""
        source = self.last if source is None else source
        _, height, width, channels = self.tensors[source].shape
        padding, image = self._window((height, width), size, stride, same)
        weights = self.constant((outputs, *size, channels), "int8", self._scales(math.prod(size) * channels, outputs))
        inputs = source, weights, self.constant((outputs,), "int32")
        return self.place(Conv2D, inputs, self.tensor((1, *image, outputs)), stride=stride, padding=padding, **fields)

    def depthwise(self, size=(3, 3), stride=(1, 1), same=True, multiplier=1, **fields):
        """DEPTHWISE_CONV_2D."""
        source = self.last
        _, height, width, channels = self.tensors[source].shape
        padding, image = self._window((height, width), size, stride, same)
        outputs = channels * multiplier
        weights = self.constant((1, *size, outputs), "int8", self._scales(math.prod(size), outputs), 3)
        inputs = source, weights, self.constant((outputs,), "int32")
        return self.place(DepthwiseConv2D, inputs, self.tensor((1, *image, outputs)), stride=stride, padding=padding,
                          groups=channels, **fields)

    @staticmethod
    def _window(image, size, stride, same):
        totals = same_padding(image, size, stride, (1, 1)) if same else (0, 0)
        padding = tuple((total // 2, total - total // 2) for total in totals)
        return padding, [(length + total - reach) // step + 1
                         for length, total, reach, step in zip(image, totals, size, stride)]

    def pool(self, kind, size, stride):
        """AVERAGE_POOL_2D or MAX_POOL_2D; the scale stays."""
        source = self.tensors[self.last]
        padding, image = self._window(source.shape[1:3], size, stride, False)
        self.tensors.append(replace(source, name="pooled", shape=(1, *image, source.shape[3])))
        return self.place(kind, (self.last,), len(self.tensors) - 1, size=size, stride=stride, padding=padding)

    def mean(self):
        """MEAN over height and width."""
        return self.place(Mean, (self.last,), self.tensor((1, self.tensors[self.last].shape[3])), axes=(1, 2))

    def add(self, a, b, **fields):
        """ADD."""
        return self.place(Add, (a, b), self.tensor(self.tensors[a].shape), **fields)

    def flat(self):
        """RESHAPE to a line."""
        source = self.tensors[self.last]
        self.tensors.append(replace(source, name="flat", shape=(1, source.size)))
        return self.place(Reshape, (self.last,), len(self.tensors) - 1)

    def dense(self, outputs, **fields):
        """FULLY_CONNECTED."""
        source, shape = self.last, self.tensors[self.last].shape
        weights = self.constant((outputs, shape[-1]), "int8", self._scales(shape[-1], 1))
        inputs = source, weights, self.constant((outputs,), "int32")
        return self.place(FullyConnected, inputs, self.tensor((*shape[:-1], outputs)), rounding="float64", **fields)

    def network(self, inputs=(0,), variables=()):
        """The network."""
        network = Network("drawn", self.tensors, self.operators, inputs, (self.last,), variables=variables)
        check(network)
        return network


# Of each block of MobileNet its stride, and by how much the channels rise.
MOBILE_V1 = ((1, 2), (2, 2), (1, 1), (2, 2), (1, 1), (2, 2), *((1, 1),) * 5, (2, 2), (1, 1))


def mobile_v1(width=8, classes=2):
    """MobileNet on images of 96 x 96 with drawn weights, of so many of 32 channels behind the first layer."""
    return mobile_network(np.random.default_rng(1), image=96, width=width, blocks=MOBILE_V1,
                          classes=classes)


def mobile_network(rng, *, image=24, width=8, blocks=((1, 1), (2, 2)) * 2, classes=5):
    """Depthwise and pointwise layers in turn, as MobileNet has them: a block's stride, and how its channels rise."""
    build, channels = Builder(rng, (1, image, image, 3)), width
    build.conv(channels, stride=(2, 2), activation="relu6")
    for stride, rise in blocks:
        build.depthwise(stride=(stride, stride), activation="relu6")
        channels *= rise
        build.conv(channels, (1, 1), activation="relu6")
    size = build.tensors[build.last].shape[1:3]
    build.pool(AveragePool2D, size, size)
    build.flat()
    build.dense(classes)
    return build.network()


def drawn_network(rng):
    """A few layers of any kind that an engine has."""
    image = tuple(rng.integers(3, 11, 2).tolist())
    build = Builder(rng, (1, *image, int(rng.choice([1, 3, 4, 8, 16, 20]))))
    for _ in range(rng.integers(1, 6)):
        _add_layer(build, rng)
    choice = rng.integers(4)
    if choice == 1:
        build.mean()
    elif choice == 2:
        build.flat()
    if choice:
        build.dense(int(rng.integers(1, 40)))
    return build.network()


def _add_layer(build, rng):
    _, height, width, channels = build.tensors[build.last].shape
    most = [min(length, 4) for length in (height, width)]
    size = tuple(int(rng.integers(1, limit + 1)) for limit in most)
    stride = tuple(rng.integers(1, 3, 2).tolist())
    fields = {"activation": str(rng.choice(["none", "relu", "relu6"]))}
    outputs, same = int(rng.choice([4, 7, 8, 16, 24, 40])), bool(rng.integers(2))
    kind = rng.integers(6)
    if kind == 0:
        build.conv(outputs, size, stride, same, **fields)
    elif kind == 1:
        build.depthwise(size, stride, same, **fields)
    elif kind == 2:
        build.depthwise((3, 3), **fields)
        build.conv(outputs, (1, 1), **fields)
    elif kind == 3:
        before = build.last
        build.add(*rng.permutation([before, build.conv(channels, size, **fields)]).tolist(), **fields)
    elif kind == 4:
        build.pool(MaxPool2D, size, stride)
    else:
        build.pool(AveragePool2D, size, stride)


def differences(config, network, inputs, *, fuse=True, batch=1, reference=None):
    """Mismatches of all tensors in an engine's memory with the network's; the compiled network, and the last run."""
    compiled = compile_network(config, network, fuse=fuse, batch=batch)
    engine = Engine(config, compiled.image)
    expected = reference or Inference(network).run(inputs)
    mismatches, last = [], None
    for first in range(0, len(inputs), batch):
        last = engine.run(inputs[first:first + batch].astype(np.int8))
        ours = tensors_of(compiled, network, last.steps)
        mismatches += compare(network, ours, {index: expected[index][first:first + batch] for index in ours})
    return mismatches, compiled, last


def inputs_of(rng, network, count=2):
    """Drawn inputs, of large and of small numbers."""
    x = rng.integers(-128, 128, (count, *network.tensors[0].shape))
    x[1::2] = rng.integers(-128, -100, x[1::2].shape)
    return x


def state_network(assigned, *, is_slice=False):
    """A network that gives what a variable was, or a slice of it, and assigns the input to the variable if asked to."""
    build = Builder(np.random.default_rng(47), (1, 1, 1, 8))
    build.tensors.append(replace(build.tensors[0], name="old"))
    build.place(ReadVariable, (), 1, variable=0)
    if is_slice:
        build.tensors.append(replace(build.tensors[0], name="half", shape=(1, 1, 1, 4)))
        build.place(Selection, (1,), 2, parts=((range(1), range(1), range(1), range(4)),), shapes=((1, 1, 1, 4),))
    if assigned:
        build.operators.append(AssignVariable(location="operator 9 (ASSIGN_VARIABLE)", inputs=(0,), outputs=(),
                                              variable=0))
    return build.network(variables=(Variable("state 0", np.arange(8, dtype=np.int8).reshape(1, 1, 1, 8)),))


def streaming_network(rng):
    """A convolution over the last three rows, of which one comes in each step; and what it gives, over four steps."""
    build = Builder(rng, (1, 1, 1, 20))
    tensors, states = build.tensors, []

    def remembered(rows):
        """The last so many rows of what came, and what comes, with the variable brought up to date."""
        new = build.last
        channels = tensors[new].shape[-1]
        tensors.append(replace(tensors[new], name="old", shape=(1, rows - 1, 1, channels)))
        number, old = len(states), len(tensors) - 1
        states.append(Variable(f"state {number}", rng.integers(-128, 128, (1, rows - 1, 1, channels)).astype(np.int8)))
        build.place(ReadVariable, (), old, variable=number)
        tensors.append(replace(tensors[new], name="all", shape=(1, rows, 1, channels)))
        everything = build.place(Concatenation, (old, new), len(tensors) - 1, axis=1)
        tensors.append(replace(tensors[new], name="kept", shape=(1, rows - 1, 1, channels)))
        parts = (range(1), range(1, rows), range(1), range(channels)),
        kept = build.place(Selection, (everything,), len(tensors) - 1, parts=parts, shapes=(tensors[-1].shape,))
        build.operators.append(AssignVariable(location=f"operator {len(build.operators)} (ASSIGN_VARIABLE)",
                                              inputs=(kept,), outputs=(), variable=number))
        build.last = everything

    remembered(3)
    build.conv(24, (3, 1), same=False)
    remembered(4)
    build.depthwise((4, 1), same=False)
    build.conv(10, (1, 1))
    return build.network(variables=tuple(states))


def refused(network, config=DEFAULT, **settings):
    """The one line that refuses a network."""
    with pytest.raises(NetworkError) as error:
        compile_network(config, network, **settings)
    assert "\n" not in str(error.value)
    return str(error.value)
