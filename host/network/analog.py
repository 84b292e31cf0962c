"""A network on analog crossbars: the same layers, with products that are not exact."""

import numpy as np

from ...golden.crossbar import Crossbar
from ...golden.kernels.layers import windows

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
            x = network.tensors[operator.inputs[0]]
            if operator.is_loaded:
                raise ValueError(f"{operator.location} must have constant weights on a crossbar, not activations")
            if x.dtype != "int8":
                raise ValueError(f"{operator.location} must have activations of int8 on a crossbar, not {x.dtype}")
            matrices = self._matrices(operator.convolution(network.tensors))
            self._crossbars[operator.output] = [(matrix, Crossbar(config, matrix, rng)) for matrix in matrices]

    @property
    def converters(self):
        return sum(crossbar.converters for pairs in self._crossbars.values() for _, crossbar in pairs)

    @staticmethod
    def _matrices(convolution):
        """A matrix (K, N) for each group of channels."""
        kernels = convolution.kernel.astype(np.int64).reshape(convolution.groups, convolution.outputs, -1)
        return [kernel.T for kernel in kernels]

    def product(self, operator, x):
        """Accumulators (N, *output shape) of inputs (N, *input shape), rounded to integers."""
        tensor = self.network.tensors[operator.inputs[0]]
        rows_of_groups = self._rows(operator.convolution(self.network.tensors), x, tensor.zero_point)
        sums = []
        for rows, (matrix, crossbar) in zip(rows_of_groups, self._crossbars[operator.output]):
            # Inputs count from the least value, because a voltage has no sign; the rest is exact.
            y = crossbar.product(rows - LEAST) + (LEAST - tensor.zero_point) * matrix.sum(axis=0)
            self.conversions += crossbar.conversions * len(rows)
            sums.append(np.rint(y).astype(np.int64))
        self.cycles += len(sums[0]) * max(crossbar.cycles for _, crossbar in self._crossbars[operator.output])
        return operator.arrange(np.concatenate(sums, axis=-1), self.network.tensors)

    @staticmethod
    def _rows(convolution, x, zero_point):
        """What the rows of each group's crossbar see, (vectors, K)."""
        kernel, depth = convolution.kernel, convolution.depth
        seen = windows(x.reshape(-1, *convolution.shape[1:]), kernel.shape[1:3], convolution.stride,
                       convolution.dilation, convolution.padding, zero_point)
        # (image, place, place, channel, row, column) to a kernel's order within each group.
        for group in range(convolution.groups):
            part = seen[:, :, :, group * depth:(group + 1) * depth].transpose(0, 1, 2, 4, 5, 3)
            yield part.reshape(-1, kernel[0].size)
