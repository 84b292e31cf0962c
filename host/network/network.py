"""A quantized network: tensors, and operators in the order in which they run.

Activations are laid out (batch, height, width, channels) and have one scale and zero point; a value ``q`` stands for
``scale * (q - zero_point)``. Whatever file a network comes from, it is described by these classes only, and
`host/network/checks.py` has made sure of all that the exact layers of `golden/layers.py` rely on.
"""

from dataclasses import dataclass, field, replace

import numpy as np

# Kinds of element, and the limits of those that are quantized.
DTYPES = {"int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64, "float32": np.float32}
QUANTIZED = {"int8": (-128, 127), "int16": (-32768, 32767)}


class NetworkError(ValueError):
    """A network that cannot be read or run, in one line: where, the rule, and what is there instead."""

    def __init__(self, message):
        # Names in a file may hold anything.
        super().__init__("".join(letter if letter.isprintable() else "?" for letter in message))


@dataclass(frozen=True)
class Tensor:
    """An activation or a constant.

    Attributes
    ----------
    name : str
    shape : tuple of int
    dtype : str
        A key of `DTYPES`.
    scales : float32 array (1,) or (channels,)
        Empty if not quantized.
    zero_points : int64 array, as long as ``scales``
    axis : int
        Which dimension the channels are.
    data : array or None
        Of a constant, of ``shape``.
    is_open : bool
        The file leaves a dimension open; the operator that makes the tensor says what it is.
    """

    name: str
    shape: tuple
    dtype: str
    scales: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    zero_points: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    axis: int = 0
    data: np.ndarray | None = None
    is_open: bool = False

    @property
    def scale(self):
        """The one scale, float32."""
        return self.scales[0]

    @property
    def zero_point(self):
        """The one zero point."""
        return int(self.zero_points[0])

    @property
    def size(self):
        """How many elements, exactly."""
        size = 1
        for length in self.shape:
            size *= length
        return size


@dataclass(frozen=True, kw_only=True)
class Operator:
    """What every operator has: its place in the file, and tensors as numbers in ``Network.tensors``.

    ``rounding`` is how results become integers: ``"single"``, ``"double"`` or ``"wide"`` (see `golden.requantize`), as
    kernels of TensorFlow Lite do it, or ``"float"`` (see `golden.float_layers`), as ONNX defines it. The kernels of one
    runtime do not agree on it, so it is a property of the operator.
    """

    place: str
    inputs: tuple
    output: int
    rounding: str = "double"


@dataclass(frozen=True, kw_only=True)
class MatrixOperator(Operator):
    """A product with constant weights: ``inputs`` are activation, weights, and int32 or int64 bias or -1."""

    activation: str = "none"

    @property
    def product(self):
        """Equal for operators that only quantize the same accumulators in different ways."""
        return replace(self, place="", output=-1, rounding="", activation="none")


@dataclass(frozen=True, kw_only=True)
class FullyConnected(MatrixOperator):
    """Weights (outputs, inputs)."""


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


@dataclass(frozen=True, kw_only=True)
class DepthwiseConv2D(Conv2D):
    """Weights (1, height, width, channels * multiplier); output channel ``c`` sees channel ``c // multiplier``."""


@dataclass(frozen=True, kw_only=True)
class Pool2D(Operator):
    """A window of ``size`` (height, width); pixels of the padding do not count."""

    size: tuple
    stride: tuple
    padding: tuple
    activation: str = "none"


@dataclass(frozen=True, kw_only=True)
class AveragePool2D(Pool2D):
    """The mean, rounded to nearest, halves away from zero; with the rule ``"float"`` at the scale of the output."""


@dataclass(frozen=True, kw_only=True)
class MaxPool2D(Pool2D):
    """The maximum."""


@dataclass(frozen=True, kw_only=True)
class Mean(Operator):
    """The mean over height and width of (batch, height, width, channels), at the scale of the output."""


@dataclass(frozen=True, kw_only=True)
class Add(Operator):
    """The sum of two tensors that broadcast."""

    activation: str = "none"


@dataclass(frozen=True, kw_only=True)
class Mul(Operator):
    """The product of two tensors that broadcast."""

    activation: str = "none"


@dataclass(frozen=True, kw_only=True)
class Pad(Operator):
    """``amounts`` (before, after) of every dimension, filled with ``value``."""

    amounts: tuple
    value: int


@dataclass(frozen=True, kw_only=True)
class Concatenation(Operator):
    """Tensors of one scale, one after the other along ``axis``."""

    axis: int


@dataclass(frozen=True, kw_only=True)
class Reshape(Operator):
    """Other dimensions, the same elements."""


@dataclass(frozen=True, kw_only=True)
class Transpose(Operator):
    """Dimension ``k`` of the output is dimension ``permutation[k]`` of the input."""

    permutation: tuple


@dataclass(frozen=True, kw_only=True)
class SpaceToBatch(Operator):
    """Every ``block``-th pixel (vertical, horizontal) as an image of its own, after padding ``amounts`` with ``value``.

    Converters write a dilated convolution so: this, a convolution without dilation, and `BatchToSpace`.
    """

    block: tuple
    amounts: tuple
    value: int


@dataclass(frozen=True, kw_only=True)
class BatchToSpace(Operator):
    """The reverse; ``amounts`` are cropped afterwards."""

    block: tuple
    amounts: tuple


@dataclass(frozen=True, kw_only=True)
class Softmax(Operator):
    """Over the last dimension, of ``beta`` times the values."""

    beta: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Relu(Operator):
    """A clamp by itself: ``activation`` is ``"relu"``, ``"relu6"`` or ``"relu_n1_to_1"``."""

    activation: str


@dataclass(frozen=True, kw_only=True)
class Quantize(Operator):
    """From float32, or from one scale to another."""


@dataclass(frozen=True, kw_only=True)
class Dequantize(Operator):
    """To float32."""


@dataclass(frozen=True)
class Network:
    """Tensors, operators in order, and which tensors come in and go out.

    Attributes
    ----------
    name : str
    tensors : list of Tensor
    operators : list of Operator
    inputs, outputs : tuple of int
    """

    name: str
    tensors: list
    operators: list
    inputs: tuple
    outputs: tuple

    @property
    def matrix_operators(self):
        """Those that a macro computes; of several that quantize the same accumulators the first."""
        first = {}
        for operator in self.operators:
            if isinstance(operator, MatrixOperator):
                first.setdefault(operator.product, operator)
        return list(first.values())

    def macs(self, operator):
        """Multiply-accumulates of a matrix operator, padding counted."""
        weights, output = self.tensors[operator.inputs[1]], self.tensors[operator.output]
        per_output = weights.size // (weights.shape[-1] if isinstance(operator, DepthwiseConv2D) else weights.shape[0])
        return output.size * per_output

    def inner_macs(self, operator):
        """Those of `macs` that do not multiply padding."""
        weights, output, x = (self.tensors[index] for index in (operator.inputs[1], operator.output,
                                                                operator.inputs[0]))
        macs = self.macs(operator)
        if not isinstance(operator, Conv2D):
            return macs
        for axis in (0, 1):
            size, places = weights.shape[1 + axis], output.shape[1 + axis]
            pixels = (np.arange(places)[:, None] * operator.stride[axis] - operator.padding[axis][0]
                      + np.arange(size) * operator.dilation[axis])
            inside = np.count_nonzero((pixels >= 0) & (pixels < x.shape[1 + axis]))
            macs = macs // (places * size) * int(inside)
        return macs
