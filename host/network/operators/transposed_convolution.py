"""Transposed convolutions."""

from dataclasses import dataclass

import numpy as np

from ....golden.kernels import layers
from ..grouped_convolution import GroupedConvolution
from ..matrix_operator import MatrixOperator, signed_weights
from ..network import MAX_ELEMENTS, NetworkError
from ..tflite_node import TfliteForm
from ..window import MAX_SEEN, PADDINGS, ceil_div, same_padding
from .weights import read_tflite_product


@dataclass(frozen=True, kw_only=True)
class TransposedConvolution(MatrixOperator):
    """Weights (outputs, height, width, channels); each pixel adds them, times its value, to the output.

    The pixels ``stride`` apart get theirs from one convolution of stride 1, with every ``stride``-th weight. All of
    them together are one with so many times the outputs, which then come beside each other: a pixel is ``stride``
    pixels. ``crop`` (vertical, horizontal) is what goes before the first of ``image`` (height, width).
    ``shape_input`` is a tensor whose values must be the output's shape, or -1.
    """

    stride: tuple
    crop: tuple
    image: tuple
    shape_input: int = -1

    tflite = (TfliteForm("TRANSPOSE_CONV", 3, 4, "TransposeConvOptions"),)

    @classmethod
    def from_tflite(cls, node):
        options, weights = node.options, node.shape(1)
        shape_input, output = node.inputs[0], node.tensors[node.outputs[0]]
        if node.tensors[shape_input].data is not None:
            shape, shape_input = node.parameter(0, 1), -1
        else:
            node.require(node.tensors[shape_input].dtype == "int32" and not output.is_open,
                         "the output's shape in the file", node.tensors[shape_input].dtype)
            shape = np.array(output.shape)
            del node.inputs[0]
        stride = options.StrideH(), options.StrideW()
        if len(weights) != 4 or len(shape) != 4 or min(*stride, *weights, *shape) < 1:
            raise NetworkError(f"{node.location} must have weights and an output of four dimensions, and strides, "
                               f"from 1 on, not {list(weights)}, {shape.tolist()[:8]} and {stride}")
        # Weights, activation, bias; those of all other products have the activation first.
        node.inputs[:2] = node.inputs[1::-1]
        product = read_tflite_product(node)
        image = tuple(map(int, shape[1:3]))
        is_same = node.choice(PADDINGS, options.Padding(), "padding") == "same"
        totals = same_padding(image, weights[1:3], stride, (1, 1)) if is_same else (0, 0)
        places = tuple(ceil_div(length, step) if is_same else max(0, length + step - size) // step
                       for length, step, size in zip(image, stride, weights[1:3]))
        node.require(node.shape(0)[1:3] == places, f"an input of {places} pixels", node.shape(0)[1:3])
        crop = tuple(total // 2 for total in totals)
        # What is farther from the first pixel than the last of the image does not count.
        stride = tuple(min(step, length + before) for step, length, before in zip(stride, image, crop))
        return cls(**node.common, activation=node.activation, stride=stride, image=image, shape_input=shape_input,
                   crop=crop, **product)

    @property
    def operands(self):
        return (self.inputs[0], *((self.shape_input,) if self.shape_input >= 0 else ()))

    def check(self, rules):
        x, weights = rules.inputs[:2]
        rules.is_image(x)
        rules.require(len(weights.shape) == 4 and weights.shape[3] == x.shape[3], f"weights of {x.shape[3]} channels",
                      list(weights.shape))
        taps, places = self._taps(weights.shape), self._places
        seen = x.shape[0] * x.shape[3] * int(np.prod([*taps, *places], dtype=object))
        wide = int(np.prod([max(length, pixels) + tap for length, pixels, tap in zip(x.shape[1:3], places, taps)],
                           dtype=object))
        kernel = int(np.prod([tap * step for tap, step in zip(taps, self.stride)], dtype=object)) * x.shape[3]
        rules.require(kernel * weights.shape[0] <= MAX_ELEMENTS, f"at most {MAX_ELEMENTS} weights of whole strides",
                      kernel * weights.shape[0])
        rules.require(seen <= MAX_SEEN and wide * x.shape[0] * x.shape[3] <= MAX_SEEN,
                      f"at most {MAX_SEEN} elements in all windows", max(seen, wide))
        self.check_product(rules, weights.shape[0], 0, (x.shape[0], *self.image, weights.shape[0]))

    @property
    def phases(self):
        return self.stride[0] * self.stride[1]

    @property
    def _places(self):
        """Positions of the convolution, (vertical, horizontal)."""
        return tuple(ceil_div(length + crop, step) for length, crop, step in zip(self.image, self.crop, self.stride))

    def _taps(self, weights):
        """Height and width of the convolution's kernel, for weights of this shape."""
        return tuple(ceil_div(length, step) for length, step in zip(weights[1:3], self.stride))

    def _kernel(self, weights):
        """Weights of the convolution: (vertical and horizontal phase and outputs, height, width, channels)."""
        taps = self._taps(weights.shape)
        room = [(0, tap * step - length) for tap, step, length in zip(taps, self.stride, weights.shape[1:3])]
        whole = np.pad(weights, ((0, 0), *room, (0, 0)))
        cut = whole.reshape(len(weights), taps[0], self.stride[0], taps[1], self.stride[1], -1)
        # The pixel before comes with the weight after.
        return cut[:, ::-1, :, ::-1].transpose(2, 4, 0, 1, 3, 5).reshape(-1, *taps, weights.shape[3])

    def convolution(self, tensors):
        x, weights = (tensors[index] for index in self.inputs[:2])
        kernel = self._kernel(signed_weights(weights)[0])
        return GroupedConvolution(kernel, x.shape, self._places, padding=self._padding(kernel.shape, x.shape))

    def _padding(self, kernel, shape):
        return tuple((taps - 1, max(places - length, 0))
                     for taps, places, length in zip(kernel[1:3], self._places, shape[1:3]))

    def multiply(self, values, weights):
        values, kernel = values.reshape(-1, *values.shape[-3:]), self._kernel(weights)
        y = layers.convolve(values, kernel, stride=(1, 1), dilation=(1, 1),
                            padding=self._padding(kernel.shape, values.shape))
        return y[:, :self._places[0], :self._places[1]]

    def arrange(self, sums, tensors):
        output = tensors[self.output].shape
        down, along = self._places
        y = sums.reshape(-1, down, along, *self.stride, output[3]).transpose(0, 1, 3, 2, 4, 5)
        y = y.reshape(-1, down * self.stride[0], along * self.stride[1], output[3])
        rows, columns = (slice(crop, crop + length) for crop, length in zip(self.crop, self.image))
        return y[:, rows, columns].reshape(-1, *output)

    def compute(self, context, x, shape=None):
        if shape is not None and (shape != np.array(context.output.shape)).any():
            raise NetworkError(f"{self.location} must make the shape {list(context.output.shape)}, "
                               f"not {shape[0].tolist()}")
        return super().compute(context, x)
