"""Every matrix operator as one kind: a grouped convolution, and which pixels its output positions see."""

import numpy as np

from ..network import network as net


class GroupedConvolution:
    """A matrix operator with a kernel (outputs, height, width, depth); a fully connected layer has one pixel.

    Parameters
    ----------
    network : Network
    operator : MatrixOperator
    """

    def __init__(self, network, operator):
        self._tensor, weights = (network.tensors[index] for index in operator.inputs[:2])
        self.operator, kernel = operator, weights.data.astype(np.int64)
        if isinstance(operator, net.FullyConnected):
            kernel = kernel[:, None, None, :]
            self._shape = (self._tensor.size // kernel.shape[3], 1, 1, kernel.shape[3])
            self._stride, self._dilation, self._padding, self._groups = (1, 1), (1, 1), ((0, 0), (0, 0)), 1
            self._image = (1, 1)
        else:
            if isinstance(operator, net.DepthwiseConv2D):
                kernel = kernel.transpose(3, 1, 2, 0)
            self._shape, self._image = self._tensor.shape, network.tensors[operator.output].shape[1:3]
            self._stride, self._dilation, self._padding = operator.stride, operator.dilation, operator.padding
            self._groups = operator.groups
        self._kernel, self._images = kernel, self._shape[0]
        self._depth, self._outputs = kernel.shape[3], kernel.shape[0] // self._groups

    def _pixels(self, axis, size):
        """Pixels of a patch along an axis that some output uses and some image has, counted from its first."""
        kernel, stride, dilation = self._kernel.shape[1 + axis], self._stride[axis], self._dilation[axis]
        before, length, places = self._padding[axis][0], self._shape[1 + axis], self._image[axis]
        taps = np.arange(kernel) * dilation
        # Output positions, from the lowest to the highest, for which a tap meets a pixel of the image.
        lowest = np.maximum(0, -((taps - before) // stride))
        highest = np.minimum(places - 1, (before - taps + length - 1) // stride)
        used = [position * stride + taps[lowest + (position - lowest) % size <= highest] for position in range(size)]
        return np.unique(np.concatenate(used)).tolist()

    def _meetings(self, axis, size, pixels):
        """Positions, taps and pixels that meet along an axis: three arrays."""
        number = {pixel: index for index, pixel in enumerate(pixels)}
        taps = range(self._kernel.shape[1 + axis])
        found = [(position, tap, number[place]) for position in range(size) for tap in taps
                 if (place := position * self._stride[axis] + tap * self._dilation[axis]) in number]
        return np.array(found, dtype=np.int64).reshape(-1, 3).T
