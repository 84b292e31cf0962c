"""Small networks with random weights, without a file."""

import numpy as np
from bitline.host.network.checks import check
from bitline.host.network.network import Network, Tensor
from bitline.host.network.operators import Add, Conv2D, DepthwiseConv2D, FullyConnected, Reshape
from bitline.host.network.window import spatial


def activation(name, shape, dtype="int8", scale=0.05, zero_point=-128):
    """A tensor of a network's values."""
    return Tensor(name, tuple(shape), dtype, np.array([scale], np.float32), np.array([zero_point]))


def weights(rng, shape, bits=8):
    """A tensor of weights, the extremes among them."""
    high = 1 << bits - 1
    data = rng.integers(-high, high, shape).astype(np.int8)
    data.flat[0], data.flat[-1] = -high, high - 1
    return Tensor("w", tuple(shape), "int8", np.array([0.01], np.float32), np.array([0]), 0, data)


def convolution_network(rng, *, kind=Conv2D, image=(7, 6), channels=4, outputs=5, size=(3, 3), stride=(1, 1),
                        dilation=(1, 1), padding=((1, 1), (1, 1)), groups=1, dtype="int8", zero_point=-128, bits=8,
                        batch=1):
    """A network of one convolution."""
    shape = ((1, *size, outputs) if kind is DepthwiseConv2D else (outputs, *size, channels // groups))
    after = [(length + sum(pads) - reach) // step + 1
             for length, pads, reach, step in zip(image, padding, spatial(size, dilation), stride)]
    tensors = [activation("x", (batch, *image, channels), dtype, zero_point=zero_point), weights(rng, shape, bits),
               activation("y", (batch, *after, outputs), dtype, 1.0, zero_point)]
    operator = kind(location="operator 0 (convolution)", inputs=(0, 1), outputs=(2,), stride=stride, dilation=dilation,
                    padding=padding, groups=groups, rounding="double" if dtype == "int8" else "wide")
    network = Network("small", tensors, [operator], (0,), (2,))
    check(network)
    return network


def residual_network(rng):
    """A convolution, a depthwise one beside it, their sum, and a fully connected layer; 1 x 4 x 4 x 2 to 1 x 3."""
    tensors = [activation("x", (1, 4, 4, 2)), weights(rng, (2, 3, 3, 2)), activation("a", (1, 4, 4, 2), scale=0.1),
               weights(rng, (1, 3, 3, 2)), activation("b", (1, 4, 4, 2), scale=0.1, zero_point=3),
               activation("c", (1, 4, 4, 2), scale=0.2), activation("d", (1, 32), scale=0.2), weights(rng, (3, 32)),
               activation("y", (1, 3), scale=0.5, zero_point=0),
               Tensor("bias", (3,), "int32", data=np.array([-500, 0, 700], np.int32))]
    same = ((1, 1), (1, 1))
    operators = [
        Conv2D(location="operator 0 (conv)", inputs=(0, 1), outputs=(2,), padding=same, activation="relu"),
        DepthwiseConv2D(location="operator 1 (depthwise)", inputs=(2, 3), outputs=(4,), padding=same, groups=2),
        Add(location="operator 2 (add)", inputs=(2, 4), outputs=(5,)),
        Reshape(location="operator 3 (reshape)", inputs=(5,), outputs=(6,)),
        FullyConnected(location="operator 4 (fc)", inputs=(6, 7, 9), outputs=(8,), rounding="single"),
    ]
    network = Network("residual", tensors, operators, (0,), (8,))
    check(network)
    return network
