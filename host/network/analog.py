"""A network on analog crossbars: the same layers, with products that are not exact."""

import numpy as np

from ...golden.crossbar import Crossbar
from ...golden.layers import windows
from . import network as net

LEAST = -128


class AnalogProducts:
    """Matrix products of a network on crossbars, as `Inference` takes them.

    Parameters
    ----------
    config : CrossbarConfig
    network : Network
        Of int8 activations.
    seed : int
        Of devices and noise.

    Attributes
    ----------
    conversions, cycles : int
        Analog-to-digital conversions so far, and the cycles that they take, if a converter makes one a cycle and
        groups of channels convert at once.
    converters : int
        Of all layers, whose weights are all there.

    Raises
    ------
    ValueError
        Activations of int16.
    """

    def __init__(self, config, network, seed=0):
        self.network, self.conversions, self.cycles = network, 0, 0
        rng = np.random.default_rng(seed)
        self._crossbars = {}
        for operator in network.matrix_operators:
            x, weights = (network.tensors[index] for index in operator.inputs[:2])
            if x.dtype != "int8":
                raise ValueError(f"{operator.place} must have activations of int8 on a crossbar, not {x.dtype}")
            matrices = self._matrices(operator, weights.data.astype(np.int64))
            self._crossbars[operator.output] = [(matrix, Crossbar(config, matrix, rng)) for matrix in matrices]

    @property
    def converters(self):
        return sum(crossbar.converters for pairs in self._crossbars.values() for _, crossbar in pairs)

    @staticmethod
    def _matrices(operator, weights):
        """A matrix (K, N) for each group of channels."""
        if isinstance(operator, net.FullyConnected):
            return [weights.T]
        if isinstance(operator, net.DepthwiseConv2D):
            weights = weights.transpose(3, 1, 2, 0)
        kernels = weights.reshape(operator.groups, -1, *weights.shape[1:])
        return [kernel.reshape(len(kernel), -1).T for kernel in kernels]

    def product(self, operator, x):
        """Accumulators (N, *output shape) of inputs (N, *input shape), rounded to integers."""
        tensor, output = (self.network.tensors[index] for index in (operator.inputs[0], operator.output))
        sums = []
        for rows, (matrix, crossbar) in zip(self._rows(operator, x), self._crossbars[operator.output]):
            # Inputs count from the least value, because a voltage has no sign; the rest is exact.
            y = crossbar.product(rows - LEAST) + (LEAST - tensor.zero_point) * matrix.sum(axis=0)
            self.conversions += crossbar.conversions * len(rows)
            sums.append(np.rint(y).astype(np.int64))
        self.cycles += len(sums[0]) * max(crossbar.cycles for _, crossbar in self._crossbars[operator.output])
        return np.concatenate(sums, axis=-1).reshape(len(x), *output.shape)

    def _rows(self, operator, x):
        """What the rows of each group's crossbar see, (vectors, K)."""
        tensor, weights = (self.network.tensors[index] for index in operator.inputs[:2])
        if isinstance(operator, net.FullyConnected):
            yield x.reshape(-1, weights.shape[1])
            return
        seen = windows(x.reshape(-1, *tensor.shape[1:]), weights.shape[1:3], operator.stride, operator.dilation,
                       operator.padding, tensor.zero_point)
        # (image, place, place, channel, row, column) to a kernel's order within each group.
        depth = tensor.shape[3] // operator.groups
        for group in range(operator.groups):
            part = seen[:, :, :, group * depth:(group + 1) * depth].transpose(0, 1, 2, 4, 5, 3)
            yield part.reshape(-1, depth * weights.shape[1] * weights.shape[2])
