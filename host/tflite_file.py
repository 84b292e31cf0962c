"""Reading ``.tflite`` files: what a flatbuffer says, as a `Network`.

A flatbuffer is offsets all the way down, so a damaged file can claim anything. Every count is checked against the size
of the file before it is believed, and whatever the flatbuffer library still trips over is one `NetworkError`.
"""

import struct
from functools import partial
from pathlib import Path

import numpy as np

from . import network as net
from .checks import MOST_ELEMENTS, ceil_div, check, spatial
from .network import DTYPES, NetworkError, Tensor

# Bytes; of operators and tensors; dimensions of a tensor.
MOST_BYTES, MOST_ITEMS, MOST_DIMENSIONS = 1 << 28, 1 << 14, 5

TYPES = {0: "float32", 2: "int32", 4: "int64", 7: "int16", 9: "int8"}
ACTIVATIONS = {0: "none", 1: "relu", 2: "relu_n1_to_1", 3: "relu6"}
PADDINGS = {0: "same", 1: "valid"}


def load_tflite(path):
    """The `Network` in a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Network

    Raises
    ------
    NetworkError
        One line: what of the file is wrong, or not supported.
    OSError
        The file cannot be read.
    """
    path = Path(path)
    if path.stat().st_size > MOST_BYTES:
        raise NetworkError(f"model must have at most {MOST_BYTES} bytes, and {path} has {path.stat().st_size}")
    return read_tflite(path.read_bytes(), path.name)


def read_tflite(data, name):
    """The `Network` in the bytes of a file; see `load_tflite`."""
    try:
        import tflite
    except ImportError:
        raise NetworkError("tflite must be installed (pip install -e '.[networks]'), and is not") from None
    if data[4:8] != b"TFL3":
        raise NetworkError(f"model must be a .tflite file, which has TFL3 at byte 4, and {name} has {data[4:8]!r}")
    try:
        network = _Reader(tflite, data).network(name)
    except NetworkError:
        raise
    except (struct.error, IndexError, KeyError, ValueError, TypeError, OverflowError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NetworkError(f"model must be a whole .tflite file, and {name} is damaged: {reason}") from None
    check(network)
    return network


class _Reader:
    """One file: its tables, and operators made of them."""

    def __init__(self, tflite, data):
        self._tflite, self._data = tflite, data
        self._model = tflite.Model.GetRootAs(data, 0)

    def network(self, name):
        """The `Network`, not yet checked."""
        model = self._model
        if model.SubgraphsLength() != 1:
            raise NetworkError(f"model must have one subgraph, not {model.SubgraphsLength()}")
        graph = model.Subgraphs(0)
        self._tensors = [self._tensor(index, graph.Tensors(index))
                         for index in range(self._count(graph.TensorsLength(), "tensors"))]
        operators = [self._operator(index, graph.Operators(index))
                     for index in range(self._count(graph.OperatorsLength(), "operators"))]
        ends = [tuple(self._index(value, "the network") for value in self._vector(getattr(graph, f"{end}AsNumpy")()))
                for end in ("Inputs", "Outputs")]
        return net.Network(name, self._tensors, operators, *ends)

    def _count(self, count, what):
        """A count of tables, each of which has an offset of four bytes somewhere in the file."""
        most = min(MOST_ITEMS, len(self._data) // 4)
        if count > most:
            raise NetworkError(f"model must have at most {most} {what}, not {count}")
        return count

    @staticmethod
    def _vector(values):
        """A vector of numbers; the library gives 0 for one that is absent."""
        return np.zeros(0, dtype=np.int64) if isinstance(values, int) else values

    def _index(self, value, place, optional=False):
        least = -1 if optional else 0
        if not least <= value < len(self._tensors):
            raise NetworkError(f"{place} must name tensors from {least} to {len(self._tensors) - 1}, not {value}")
        return int(value)

    def _tensor(self, index, table):
        place = f"tensor {index}"
        name = (table.Name() or b"").decode("utf-8", "replace")
        shape = tuple(int(length) for length in self._vector(table.ShapeAsNumpy()))
        if len(shape) > MOST_DIMENSIONS or any(not 0 <= length <= MOST_ELEMENTS for length in shape):
            raise NetworkError(f"{place} must have at most {MOST_DIMENSIONS} dimensions of 0 to {MOST_ELEMENTS}, "
                               f"not {list(shape)[:8]}")
        dtype = TYPES.get(table.Type())
        if dtype is None:
            raise NetworkError(f"{place} ({name}) must be of {', '.join(TYPES.values())}, "
                               f"not of type number {table.Type()}")
        if table.Sparsity() is not None or table.IsVariable():
            raise NetworkError(f"{place} ({name}) must be dense and not a variable, and is not")
        scales, zero_points, axis = self._quantisation(table.Quantization(), place)
        tensor = Tensor(name, shape, dtype, scales, zero_points, axis)
        data = self._constant(table.Buffer(), tensor, place)
        return tensor if data is None else Tensor(name, shape, dtype, scales, zero_points, axis, data)

    def _quantisation(self, table, place):
        if table is None:
            return np.zeros(0, np.float32), np.zeros(0, np.int64), 0
        scales = self._vector(table.ScaleAsNumpy()).astype(np.float32)
        zero_points = self._vector(table.ZeroPointAsNumpy()).astype(np.int64)
        if zero_points.size == 0:
            zero_points = np.zeros(scales.size, np.int64)
        if table.DetailsType():
            raise NetworkError(f"{place} must be quantised by scale and zero point, not in a custom way")
        if zero_points.size not in (1, scales.size):
            raise NetworkError(f"{place} must have as many zero points as scales ({scales.size}), "
                               f"not {zero_points.size}")
        return scales, np.broadcast_to(zero_points[:scales.size], scales.shape), table.QuantizedDimension()

    def _constant(self, index, tensor, place):
        """The data of a tensor's buffer, or None."""
        if index >= self._count(self._model.BuffersLength(), "buffers"):
            raise NetworkError(f"{place} must name one of {self._model.BuffersLength()} buffers, not {index}")
        buffer = self._model.Buffers(index)
        if buffer.Offset() > 1:
            data = np.frombuffer(self._data, np.uint8, buffer.Size(), buffer.Offset())
        elif index == 0 or buffer.DataIsNone():
            return None
        else:
            data = self._vector(buffer.DataAsNumpy()).astype(np.uint8)
        if not data.size and tensor.size:
            return None
        dtype = np.dtype(DTYPES[tensor.dtype])
        if data.size != tensor.size * dtype.itemsize:
            raise NetworkError(f"{place} must have {tensor.size * dtype.itemsize} bytes of data, not {data.size}")
        return data.view(dtype.newbyteorder("<")).astype(dtype).reshape(tensor.shape)

    def _operator(self, index, table):
        codes = self._count(self._model.OperatorCodesLength(), "operator codes")
        if table.OpcodeIndex() >= codes:
            raise NetworkError(f"operator {index} must name one of {codes} operator codes, not {table.OpcodeIndex()}")
        code = self._model.OperatorCodes(table.OpcodeIndex())
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        kind = self._tflite.utils.BUILTIN_OPCODE2NAME.get(number, f"number {number}")
        if number == self._tflite.BuiltinOperator.CUSTOM:
            kind = f"CUSTOM {(code.CustomCode() or b'').decode('utf-8', 'replace')[:40]}"
        place = f"operator {index} ({kind})"
        if kind not in OPERATORS:
            raise NetworkError(f"{place} must be one of {', '.join(sorted(OPERATORS))}")
        operands = [self._index(value, place, optional=True) for value in self._vector(table.InputsAsNumpy())]
        outputs = [self._index(value, place) for value in self._vector(table.OutputsAsNumpy())]
        least, most, options_kind, make = OPERATORS[kind]
        if not least <= len(operands) <= most or len(outputs) != 1 or -1 in operands[:least]:
            raise NetworkError(f"{place} must have {least} to {most} inputs and one output, "
                               f"not {len(operands)} and {len(outputs)}")
        options = None
        if options_kind is not None:
            options = getattr(self._tflite, options_kind)()
            expected = getattr(self._tflite.BuiltinOptions, options_kind)
            union = table.BuiltinOptions()
            if union is None or table.BuiltinOptionsType() != expected:
                raise NetworkError(f"{place} must have {options_kind}, and has options number "
                                   f"{table.BuiltinOptionsType()}")
            options.Init(union.Bytes, union.Pos)
        return make(_Operands(self._tensors, place, operands, outputs[0], options))


class _Operands:
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
    "CONCATENATION": (1, 64, "ConcatenationOptions", _concatenation),
    "CONV_2D": (2, 3, "Conv2DOptions", partial(_convolution, net.Conv2D)),
    "DEPTHWISE_CONV_2D": (2, 3, "DepthwiseConv2DOptions", partial(_convolution, net.DepthwiseConv2D)),
    "DEQUANTIZE": (1, 1, None, partial(_plain, net.Dequantize)),
    "FULLY_CONNECTED": (2, 3, "FullyConnectedOptions", _fully_connected),
    "MAX_POOL_2D": (1, 1, "Pool2DOptions", partial(_pool, net.MaxPool2D)),
    "MUL": (2, 2, "MulOptions", partial(_arithmetic, net.Mul)),
    "PAD": (2, 2, None, _pad),
    "QUANTIZE": (1, 1, None, partial(_plain, net.Quantize)),
    "RELU": (1, 1, None, partial(_plain, net.Relu, activation="relu")),
    "RELU6": (1, 1, None, partial(_plain, net.Relu, activation="relu6")),
    "RELU_N1_TO_1": (1, 1, None, partial(_plain, net.Relu, activation="relu_n1_to_1")),
    "RESHAPE": (1, 2, None, _reshape),
    "SOFTMAX": (1, 1, "SoftmaxOptions",
                lambda operands: net.Softmax(**operands.common, beta=float(operands.options.Beta()))),
    "TRANSPOSE": (2, 2, None, _transpose),
}
