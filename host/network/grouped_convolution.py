"""Every matrix operator as one kind: a grouped convolution, and which pixels its output positions see."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class GroupedConvolution:
    """A convolution; a fully connected layer has images of one pixel.

    Attributes
    ----------
    kernel : int8 array (outputs, height, width, depth)
        Outputs of all groups, inputs of one.
    shape : (int, int, int, int)
        Images, height, width and channels of the input.
    image : (int, int)
        Height and width of the output.
    stride, dilation : (int, int)
    padding : ((top, bottom), (left, right))
    groups : int
    """

    kernel: np.ndarray
    shape: tuple
    image: tuple = (1, 1)
    stride: tuple = (1, 1)
    dilation: tuple = (1, 1)
    padding: tuple = ((0, 0), (0, 0))
    groups: int = 1

    @property
    def images(self):
        """How many."""
        return self.shape[0]

    @property
    def depth(self):
        """Input channels of a group."""
        return self.kernel.shape[3]

    @property
    def outputs(self):
        """Output channels of a group."""
        return self.kernel.shape[0] // self.groups

    @property
    def macs(self):
        """Multiply-accumulates, padding counted."""
        return self.images * self.image[0] * self.image[1] * self.kernel.size

    @property
    def inner_macs(self):
        """Those of `macs` that do not multiply padding."""
        macs = self.macs
        for axis in (0, 1):
            size, places = self.kernel.shape[1 + axis], self.image[axis]
            pixels = (np.arange(places)[:, None] * self.stride[axis] - self.padding[axis][0]
                      + np.arange(size) * self.dilation[axis])
            inside = np.count_nonzero((pixels >= 0) & (pixels < self.shape[1 + axis]))
            macs = macs // (places * size) * int(inside)
        return macs

    def pixels(self, axis, size):
        """Pixels of a patch along an axis that some output uses and some image has, counted from its first."""
        kernel, stride, dilation = self.kernel.shape[1 + axis], self.stride[axis], self.dilation[axis]
        before, length, places = self.padding[axis][0], self.shape[1 + axis], self.image[axis]
        taps = np.arange(kernel) * dilation
        # Output positions, from the lowest to the highest, for which a tap meets a pixel of the image.
        lowest = np.maximum(0, -((taps - before) // stride))
        highest = np.minimum(places - 1, (before - taps + length - 1) // stride)
        used = [position * stride + taps[lowest + (position - lowest) % size <= highest] for position in range(size)]
        return np.unique(np.concatenate(used)).tolist()

    def meetings(self, axis, size, pixels):
        """Positions, taps and pixels that meet along an axis: three arrays."""
        number = {pixel: index for index, pixel in enumerate(pixels)}
        taps = range(self.kernel.shape[1 + axis])
        found = [(position, tap, number[pixel]) for position in range(size) for tap in taps
                 if (pixel := position * self.stride[axis] + tap * self.dilation[axis]) in number]
        return np.array(found, dtype=np.int64).reshape(-1, 3).T
