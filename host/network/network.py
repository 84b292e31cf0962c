"""A quantized network: tensors, and operators in the order in which they run.

Activations are laid out (batch, height, width, channels) and have one scale and zero point; a value ``q`` stands for
``scale * (q - zero_point)``. Whatever file a network comes from, it is described by these classes only, and
`host/network/checks.py` has made sure of all that the exact layers of `golden/kernels` rely on. Operators are in
`host/network/operators`, one file for each or for a family.
"""

from dataclasses import dataclass, field

import numpy as np

from ...golden.kernels.layers import LIMITS

# Kinds of element, and the limits of those that activations have.
DTYPES = {"int8": np.int8, "uint8": np.uint8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
          "float32": np.float32, "bool": np.bool_}
QUANTIZED = {dtype: LIMITS[dtype] for dtype in ("int8", "uint8", "int16")}
EIGHT = ("int8", "uint8")
# Elements of a tensor, far beyond what a macro is for, and soon refused.
MAX_ELEMENTS = 1 << 24


class NetworkError(ValueError):
    """A network that cannot be read or run, in one line: where, the rule, and what is there instead."""

    def __init__(self, message):
        # Names in a file may hold anything.
        super().__init__("".join(letter if letter.isprintable() else "?" for letter in message))


def widened(array):
    """Integers as int64, in which kernels compute; numbers as they are."""
    return array if array.dtype.kind == "f" else array.astype(np.int64)


@dataclass(frozen=True)
class Tensor:
    """An activation or a constant.

    Attributes
    ----------
    name : str
    shape : tuple of int
    dtype : str
        A key of `DTYPES`, or another kind, of which nothing is computed.
    scales : float32 array (1,) or (channels,)
        Empty if not quantized.
    zero_points : int64 array, as long as ``scales``
    axis : int
        Which dimension the channels are.
    data : array or None
        Of a constant, of ``shape``.
    is_open : bool
        The file leaves a dimension open; the operator that makes the tensor says what it is.
    is_variable : bool
        It keeps its values from run to run.
    """

    name: str
    shape: tuple
    dtype: str
    scales: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    zero_points: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    axis: int = 0
    data: np.ndarray | None = None
    is_open: bool = False
    is_variable: bool = False

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


@dataclass(frozen=True, eq=False)
class Variable:
    """What a network keeps from run to run: a name, and the array with which a stream of runs starts."""

    name: str
    initial: np.ndarray


@dataclass(frozen=True)
class Network:
    """Tensors, operators in order, and which tensors come in and go out.

    Attributes
    ----------
    name : str
    tensors : list of Tensor
    operators : list of Operator
    inputs, outputs : tuple of int
    runtime : str
        Whose results are wanted, see `rounding`.
    variables : tuple of Variable
        Of a network that keeps something from run to run; its operators name them by number.
    """

    name: str
    tensors: list
    operators: list
    inputs: tuple
    outputs: tuple
    runtime: str = "litert-2.3"
    variables: tuple = ()

    @property
    def matrix_operators(self):
        """Those that a macro computes; of several that quantize the same accumulators the first."""
        first = {}
        for operator in self.operators:
            for part in operator.products:
                first.setdefault(part.product, part)
        return list(first.values())

    @property
    def macs(self):
        """Multiply-accumulates of all matrix operators, padding counted."""
        return sum(operator.convolution(self.tensors).macs * operator.calls for operator in self.matrix_operators)
