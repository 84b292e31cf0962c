"""Convolutions."""

from dataclasses import dataclass

from ....golden.kernels import layers
from ..grouped_convolution import GroupedConvolution
from ..matrix_operator import MatrixOperator, signed_weights
from ..network import NetworkError
from ..tflite_node import TfliteForm
from ..window import check_window, tflite_window
from .weights import read_tflite_product


@dataclass(frozen=True, kw_only=True)
class Conv2D(MatrixOperator):
    """Weights (outputs, height, width, channels / groups).

    ``stride`` and ``dilation`` are (vertical, horizontal), ``padding`` is ((top, bottom), (left, right)), in pixels
    that count as the zero point.
    """

    stride: tuple = (1, 1)
    dilation: tuple = (1, 1)
    padding: tuple = ((0, 0), (0, 0))
    groups: int = 1

    tflite = (TfliteForm("CONV_2D", 2, 3, "Conv2DOptions"),)

    @classmethod
    def from_tflite(cls, node):
        options, weights = node.options, node.shape(1)
        if len(weights) != 4:
            raise NetworkError(f"{node.location} must have weights of four dimensions, not {list(weights)}")
        dilation = options.DilationHFactor(), options.DilationWFactor()
        window = tflite_window(node, weights[1:3], dilation)
        product = read_tflite_product(node)
        return cls(**node.common, activation=node.activation, dilation=dilation, **window,
                   groups=cls.groups_of(node.shape(0)[3], weights), **product)

    @staticmethod
    def groups_of(channels, weights):
        """Groups of so many input channels with weights of such a shape."""
        return channels // weights[3] if weights[3] else 1

    def check(self, rules):
        x, weights = rules.inputs[:2]
        rules.require(len(weights.shape) == 4 and weights.size > 0, "weights of four dimensions", list(weights.shape))
        image = check_window(rules, weights.shape[1:3], self.stride, self.dilation, self.padding)
        channels, depth, axis = self._channels(rules, weights.shape)
        rules.require(self.groups * depth == x.shape[3] and channels % self.groups == 0,
                      f"channels in {self.groups} groups of {depth}", f"{x.shape[3]} inputs, {channels} outputs")
        self.check_product(rules, channels, axis, (x.shape[0], *image, channels))

    def _channels(self, rules, shape):
        """Output channels, input channels of a group, and the dimension of the former."""
        return shape[0], shape[3], 0

    def convolution(self, tensors):
        x, weights, output = (tensors[index] for index in (*self.inputs[:2], self.output))
        kernel = self._kernel(signed_weights(weights)[0])
        return GroupedConvolution(kernel, x.shape, output.shape[1:3], self.stride, self.dilation, self.padding,
                                  self.groups)

    def _kernel(self, weights):
        return weights

    def ones(self, shape):
        return (self.groups, *shape[1:])

    def multiply(self, values, weights):
        return layers.convolve(values.reshape(-1, *values.shape[-3:]), weights, **self._window, groups=self.groups)

    @property
    def _window(self):
        return {"stride": self.stride, "dilation": self.dilation, "padding": self.padding}


@dataclass(frozen=True, kw_only=True)
class DepthwiseConv2D(Conv2D):
    """Weights (1, height, width, channels * multiplier); output channel ``c`` sees channel ``c // multiplier``."""

    tflite = (TfliteForm("DEPTHWISE_CONV_2D", 2, 3, "DepthwiseConv2DOptions"),)

    @staticmethod
    def groups_of(channels, weights):
        return channels

    def _channels(self, rules, shape):
        rules.require(shape[0] == 1, "weights (1, height, width, channels)", list(shape))
        return shape[3], 1, 3

    def _kernel(self, weights):
        return weights.transpose(3, 1, 2, 0)

    def ones(self, shape):
        return shape

    def multiply(self, values, weights):
        return layers.convolve_depthwise(values.reshape(-1, *values.shape[-3:]), weights, **self._window)
