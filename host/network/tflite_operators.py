"""Operators of ``.tflite`` files, made of their operands and options."""

from functools import partial

from . import network as net
from .checks import ceil_div, spatial
from .network import NetworkError

# What the numbers of the schema stand for.
TYPES = {0: "float32", 2: "int32", 4: "int64", 7: "int16", 9: "int8"}
ACTIVATIONS = {0: "none", 1: "relu", 2: "relu_n1_to_1", 3: "relu6"}
PADDINGS = {0: "same", 1: "valid"}


class Operands:
    """What operators are made of: place, tensors by number, options."""

    def __init__(self, tensors, place, inputs, output, options):
        self.tensors, self.place, self.inputs, self.output, self.options = tensors, place, inputs, output, options

    @property
    def common(self):
        """Fields of every operator; operands that are parameters are left out."""
        return {"place": self.place, "inputs": tuple(self.inputs), "output": self.output}

    def choice(self, table, value, what):
        """What an enumeration's number stands for."""
        if value not in table:
            raise NetworkError(f"{self.place} must have as {what} one of {', '.join(table.values())}, "
                               f"not number {value}")
        return table[value]

    @property
    def activation(self):
        """The fused activation."""
        return self.choice(ACTIVATIONS, self.options.FusedActivationFunction(), "activation")

    def parameter(self, position, rank):
        """A constant integer operand as an array, taken off the inputs."""
        tensor = self.tensors[self.inputs.pop(position)]
        if tensor.data is None or tensor.dtype not in ("int32", "int64") or tensor.data.ndim != rank:
            raise NetworkError(f"{self.place} must have a constant integer operand {position} of {rank} dimensions, "
                               f"not {tensor.dtype} of {list(tensor.shape)}")
        return tensor.data

    def shape(self, position):
        """Shape of an operand."""
        return self.tensors[self.inputs[position]].shape

    def check_bias(self):
        """int16 activations have a bias of int64 unless the options say that of int32."""
        if len(self.inputs) < 3 or self.inputs[2] < 0 or self.tensors[self.inputs[0]].dtype != "int16":
            return
        dtype = self.tensors[self.inputs[2]].dtype
        said = TYPES.get(self.options.QuantizedBiasType()) if hasattr(self.options, "QuantizedBiasType") else None
        if dtype != ("int32" if said == "int32" else "int64"):
            raise NetworkError(f"{self.place} must have a bias of int64 with int16 activations, or of int32 where "
                               f"quantized_bias_type says so, not {dtype}")

    def window(self, size, dilation=(1, 1)):
        """Stride and explicit padding of a window of ``size`` pixels over the first operand."""
        options, image = self.options, self.shape(0)
        stride = options.StrideH(), options.StrideW()
        if len(image) != 4 or min(*stride, *dilation, *size) < 1:
            raise NetworkError(f"{self.place} must have an input of four dimensions, and strides, dilations and window "
                               f"of at least 1, not {list(image)}, {stride}, {dilation}, {tuple(size)}")
        if self.choice(PADDINGS, options.Padding(), "padding") == "valid":
            return stride, ((0, 0), (0, 0))
        padding = []
        for length, step, reach in zip(image[1:3], stride, spatial(size, dilation)):
            total = max((ceil_div(length, step) - 1) * step + reach - length, 0)
            padding.append((total // 2, total - total // 2))
        return stride, tuple(padding)


def _fully_connected(operands):
    if operands.options.WeightsFormat():
        raise NetworkError(f"{operands.place} must have weights in the default format, not shuffled")
    operands.check_bias()
    # Unlike all others, this kernel rounds once.
    return net.FullyConnected(**operands.common, activation=operands.activation, rounding="single")


def _convolution(kind, operands):
    options, weights = operands.options, operands.shape(1)
    if len(weights) != 4:
        raise NetworkError(f"{operands.place} must have weights of four dimensions, not {list(weights)}")
    dilation = options.DilationHFactor(), options.DilationWFactor()
    stride, padding = operands.window(weights[1:3], dilation)
    operands.check_bias()
    is_wide = operands.tensors[operands.inputs[0]].dtype == "int16" and not (
        len(operands.inputs) == 3 and operands.tensors[operands.inputs[2]].dtype == "int32")
    groups = 1
    if kind is net.Conv2D and weights[3]:
        groups = operands.shape(0)[3] // weights[3]
    elif kind is net.DepthwiseConv2D:
        groups = operands.shape(0)[3]
    return kind(**operands.common, activation=operands.activation, stride=stride, dilation=dilation, padding=padding,
                groups=groups, rounding="wide" if is_wide else "double")


def _pool(kind, operands):
    size = operands.options.FilterHeight(), operands.options.FilterWidth()
    stride, padding = operands.window(size)
    return kind(**operands.common, activation=operands.activation, size=size, stride=stride, padding=padding)


def _arithmetic(kind, operands):
    return kind(**operands.common, activation=operands.activation)


def _pad(operands):
    amounts = operands.parameter(1, 2)
    tensor = operands.tensors[operands.output]
    value = tensor.zero_point if tensor.scales.size else 0
    return net.Pad(**operands.common, amounts=tuple(tuple(map(int, pair)) for pair in amounts), value=value)


def _blocks(kind, operands):
    amounts = tuple(tuple(map(int, pair)) for pair in operands.parameter(2, 2))
    block = tuple(map(int, operands.parameter(1, 1)))
    tensor = operands.tensors[operands.output]
    fields = {"value": tensor.zero_point if tensor.scales.size else 0} if kind is net.SpaceToBatch else {}
    return kind(**operands.common, block=block, amounts=amounts, **fields)


def _mean(operands):
    rank = len(operands.shape(0))
    axes = sorted(int(axis) % rank if rank else 0 for axis in operands.parameter(1, 1))
    if rank != 4 or axes != [1, 2]:
        raise NetworkError(f"{operands.place} must be over dimensions 1 and 2 of four, not {axes} of {rank}")
    return net.Mean(**operands.common)


def _concatenation(operands):
    axis, rank = operands.options.Axis(), len(operands.shape(0))
    if operands.activation != "none":
        raise NetworkError(f"{operands.place} must have no activation, not {operands.activation}")
    return net.Concatenation(**operands.common, axis=axis + rank if axis < 0 else axis)


def _reshape(operands):
    del operands.inputs[1:]
    return net.Reshape(**operands.common)


def _transpose(operands):
    return net.Transpose(permutation=tuple(map(int, operands.parameter(1, 1))), **operands.common)


def _plain(kind, operands, **fields):
    return kind(**operands.common, **fields)


# Fewest and most inputs, the name of the options, and what makes the operator.
OPERATORS = {
    "ADD": (2, 2, "AddOptions", partial(_arithmetic, net.Add)),
    "AVERAGE_POOL_2D": (1, 1, "Pool2DOptions", partial(_pool, net.AveragePool2D)),
    "BATCH_TO_SPACE_ND": (3, 3, None, partial(_blocks, net.BatchToSpace)),
    "CONCATENATION": (1, 64, "ConcatenationOptions", _concatenation),
    "CONV_2D": (2, 3, "Conv2DOptions", partial(_convolution, net.Conv2D)),
    "DEPTHWISE_CONV_2D": (2, 3, "DepthwiseConv2DOptions", partial(_convolution, net.DepthwiseConv2D)),
    "DEQUANTIZE": (1, 1, None, partial(_plain, net.Dequantize)),
    "FULLY_CONNECTED": (2, 3, "FullyConnectedOptions", _fully_connected),
    "MAX_POOL_2D": (1, 1, "Pool2DOptions", partial(_pool, net.MaxPool2D)),
    "MEAN": (2, 2, None, _mean),
    "MUL": (2, 2, "MulOptions", partial(_arithmetic, net.Mul)),
    "PAD": (2, 2, None, _pad),
    "QUANTIZE": (1, 1, None, partial(_plain, net.Quantize)),
    "RELU": (1, 1, None, partial(_plain, net.Relu, activation="relu")),
    "RELU6": (1, 1, None, partial(_plain, net.Relu, activation="relu6")),
    "RELU_N1_TO_1": (1, 1, None, partial(_plain, net.Relu, activation="relu_n1_to_1")),
    "RESHAPE": (1, 2, None, _reshape),
    "SOFTMAX": (1, 1, "SoftmaxOptions",
                lambda operands: net.Softmax(**operands.common, beta=float(operands.options.Beta()))),
    "SPACE_TO_BATCH_ND": (3, 3, None, partial(_blocks, net.SpaceToBatch)),
    "TRANSPOSE": (2, 2, None, _transpose),
}
