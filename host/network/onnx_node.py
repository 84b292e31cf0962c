"""What operators of ``.onnx`` files are made of, and what the names of a graph stand for while it is read."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from .network import MAX_ELEMENTS, NetworkError

# From the layout of the file to that of a `Network`, and back.
TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
MICROSOFT = "com.microsoft"


@dataclass(frozen=True)
class OnnxForm:
    """An operator's name in ``.onnx`` files, and what of it is read. Anything else is refused.

    Attributes
    ----------
    name : str
    versions : tuple of int
        Opsets in which a definition came that is known here.
    attributes : tuple of str
        Those that are read.
    fixed : dict
        Attributes that must have one value, or one of a tuple; none at all if that is empty.
    max_outputs : int
    domain : str
    """

    name: str
    versions: tuple
    attributes: tuple = ()
    fixed: dict = field(default_factory=dict)
    max_outputs: int = 1
    domain: str = ""


@dataclass(frozen=True)
class Constant:
    """An array; if it was dequantized, with scales and zero points that broadcast to its shape.

    If those are said for blocks, with the number of the block of each element, too.
    """

    array: np.ndarray
    scales: np.ndarray | None = None
    zero_points: np.ndarray | None = None
    blocks: np.ndarray | None = None

    @property
    def shape(self):
        return self.array.shape

    @property
    def values(self):
        """What it stands for: float32 if it was dequantized."""
        if self.scales is None:
            return self.array
        with np.errstate(over="ignore"):
            return (self.array.astype(np.int64) - self.zero_points).astype(np.float32) * self.scales

    def moved(self, move):
        """With its elements moved by a function of an array."""
        if self.scales is None:
            return Constant(move(self.array))
        told = [None if values is None else move(np.broadcast_to(values, self.shape))
                for values in (self.scales, self.zero_points, self.blocks)]
        return Constant(move(self.array), *told)


@dataclass(frozen=True)
class Value:
    """A tensor: number, shape in the file's layout, and whether it is stored with the channels last.

    Integers that are ``dequantized`` stand for numbers at the scale of the tensor; the numbers are computed when
    somebody needs them.
    """

    index: int
    shape: tuple
    is_last: bool = False
    dequantized: bool = False


@dataclass(frozen=True)
class Product:
    """A product before somebody needs it as numbers, or quantized.

    Attributes
    ----------
    make : callable
        The operator, of location, outputs and activation.
    has_own_bias : bool
        Its bias is not in steps of the accumulators.
    is_narrow : bool
        It is of 8-bit operands.
    bounds : (float or None, float or None)
        Of a clamp behind it.
    is_line : bool
        It is computed as one of images of height 1, which go from its shape.
    """

    location: str
    shape: tuple
    is_last: bool
    make: object
    has_own_bias: bool
    is_narrow: bool
    bounds: tuple = (None, None)
    is_line: bool = False

    @property
    def is_integer(self):
        """Runtimes compute it in integers; then it is quantized as they do it."""
        return self.is_narrow and not self.has_own_bias


class Unread:
    """What an operator would have made that was refused."""

    shape = ()


@dataclass(frozen=True)
class OnnxNode:
    """A node of a graph.

    Attributes
    ----------
    graph : OnnxGraph
        The network, as far as it has been read.
    kind, location : str
        Type of operator, and where in the file.
    version : int
        The opset in which its definition came.
    attributes : dict
    operands : list of Constant, Value, Product or None
    names : tuple of str
        Of outputs.
    """

    graph: object
    kind: str
    location: str
    version: int
    attributes: dict
    operands: list
    names: tuple

    def require(self, condition, rule, value):
        """One line, unless the condition holds."""
        if not condition:
            raise NetworkError(f"{self.location} must have {rule}, not {value}")

    def optional(self, position):
        """An operand, or None."""
        return self.operands[position] if len(self.operands) > position else None

    def has_operands(self, min_count, max_count):
        """The count of operands, none of the first ``min_count`` left out."""
        self.require(min_count <= len(self.operands) <= max_count and None not in self.operands[:min_count],
                     f"{min_count} to {max_count} inputs" if max_count > min_count else f"{min_count} inputs",
                     len([operand for operand in self.operands if operand is not None]))

    def shape(self, position):
        """Of an operand, in the layout of the file."""
        self.require(self.optional(position) is not None, f"an input {position}", "none")
        return tuple(self.operands[position].shape)

    def fits(self, shape):
        """One line, if a shape is of more elements than a tensor may have."""
        self.require(math.prod(shape) <= MAX_ELEMENTS, f"at most {MAX_ELEMENTS} elements", list(shape))

    def broadcast(self, shapes):
        """The shape to which shapes broadcast."""
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError:
            self.require(False, "operands that broadcast", " and ".join(str(list(shape)) for shape in shapes))
        self.fits(shape)
        return shape

    def axis(self, value, rank):
        """An axis, counted from the first."""
        self.require(-rank <= value < rank, f"an axis of {rank}", value)
        return int(value) % rank

    def axes(self, position, rank):
        """Axes by attribute or operand, as the version has them, counted from the first; None if there are none."""
        axes = self.attributes.get("axes")
        if axes is None and self.optional(position) is not None:
            axes = self.integers(position, "axes")
        if axes is None:
            return None
        axes = tuple(self.axis(axis, rank) for axis in axes)
        self.require(len(set(axes)) == len(axes), "different axes", axes)
        return axes

    def text(self, name, default):
        """An attribute that is a word."""
        return self.attributes.get(name, default.encode()).decode(errors="replace")

    def constant(self, position, what):
        """A constant operand's array, as numbers."""
        value = self.optional(position)
        self.require(isinstance(value, Constant), f"constant {what}", "computed ones")
        return value.values

    def integers(self, position, what):
        """A constant operand as a list of integers."""
        array = self.constant(position, what)
        self.require(array.dtype.kind == "i" and array.ndim <= 1 and array.size <= 1 << 16,
                     f"{what} that are a list of integers", f"{array.dtype} {list(array.shape)}")
        return [int(number) for number in array.reshape(-1)]

    def number(self, position, what):
        """A constant operand of one element as float, or None if it is left out."""
        if self.optional(position) is None:
            return None
        array = self.constant(position, what)
        self.require(array.size == 1, f"{what} of one element", list(array.shape))
        return float(array.reshape(-1)[0])

    def like(self, **changes):
        """Another node at the same location."""
        return replace(self, **changes)
