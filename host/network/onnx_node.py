"""What operators of ``.onnx`` files are made of, and what the names of a graph stand for while it is read."""

from dataclasses import dataclass

import numpy as np

from .network import NetworkError

# From the layout of the file to that of a `Network`, and back.
TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


@dataclass(frozen=True)
class Constant:
    """An array, and how it is quantized if it was dequantized."""

    array: np.ndarray
    scales: np.ndarray | None = None
    zero_points: np.ndarray | None = None
    axis: int = 0

    @property
    def values(self):
        """What it stands for, float64."""
        if self.scales is None:
            return self.array.astype(np.float64)
        shape = [-1 if axis == self.axis else 1 for axis in range(self.array.ndim)] if self.scales.size > 1 else ()
        zero_points, scales = (values.reshape(shape) if shape else values[0]
                               for values in (self.zero_points, self.scales.astype(np.float64)))
        return (self.array.astype(np.float64) - zero_points) * scales


@dataclass(frozen=True)
class Value:
    """A tensor: number, shape in the file's layout, and whether it is stored with the channels last."""

    index: int
    shape: tuple
    is_last: bool = False
    dequantized: bool = False


@dataclass(frozen=True)
class Pending:
    """What an operator in floating point would give, before it is quantized."""

    place: str
    shape: tuple
    is_last: bool
    make: object
    activation: str = "none"


@dataclass(frozen=True)
class OnnxNode:
    """A node of a graph.

    Attributes
    ----------
    graph : OnnxGraph
        The network, as far as it has been read.
    kind, place : str
        Type of operator, and where in the file.
    attributes : dict
    operands : list of Constant, Value, Pending or None
    names : tuple of str
        Of outputs.
    """

    graph: object
    kind: str
    place: str
    attributes: dict
    operands: list
    names: tuple

    def require(self, condition, rule, value):
        """One line, unless the condition holds."""
        if not condition:
            raise NetworkError(f"{self.place} must have {rule}, not {value}")

    def optional(self, position):
        """An operand, or None."""
        return self.operands[position] if len(self.operands) > position else None

    def tensor(self, position, *, is_last):
        """The number of a dequantized operand's tensor, with the channels last or as in the file."""
        return self.graph.operand(self, self.operands[position], is_last=is_last)

    def integers(self, position, what):
        """A constant operand as a list of integers."""
        value = self.optional(position)
        self.require(isinstance(value, Constant) and value.array.dtype.kind == "i", f"constant {what}",
                     "computed ones")
        return [int(number) for number in value.array.reshape(-1)]
