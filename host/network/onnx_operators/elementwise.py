"""Elementwise operators of numbers, as ONNX defines them: float32, operation by operation."""

from dataclasses import dataclass, replace

import numpy as np

from ....golden.kernels import float_layers
from ..network import DTYPES
from ..onnx_node import Constant, OnnxForm, Product, Value
from ..operator import Operator, of_rank

# Two values of a function of float32 that is good to a few last bits may differ by this.
LAST_BITS = 2.0 ** -20
FUNCTIONS = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Clip": float_layers.clip,
    "LeakyRelu": float_layers.leaky_relu, "HardSigmoid": float_layers.hard_sigmoid,
    "HardSwish": float_layers.hard_swish, "Sigmoid": float_layers.sigmoid, "Tanh": float_layers.tanh,
}


@dataclass(frozen=True, kw_only=True)
class Elementwise(Operator):
    """A key of `FUNCTIONS` of tensors that broadcast; ``parameters`` come behind them."""

    function: str
    parameters: tuple = ()
    rounding: str = "float"

    @classmethod
    def from_onnx(cls, node):
        attributes = node.attributes
        parameters = {"LeakyRelu": (attributes.get("alpha", 0.01),),
                      "HardSigmoid": (attributes.get("alpha", 0.2), attributes.get("beta", 0.5))}.get(node.kind, ())
        count = 2 if node.kind in ("Add", "Sub", "Mul", "Div") else 1
        node.has_operands(count, count)
        if node.kind == "Div":
            node.require(bool((node.constant(1, "divisors") != 0).all()), "divisors other than 0", 0)
        return cls.of(node, node.kind, node.operands, tuple(map(float, parameters)))

    @classmethod
    def of(cls, node, function, operands, parameters=()):
        """The `Value` that a function of operands gives; of constants a `Constant`."""
        shape = node.broadcast([operand.shape for operand in operands])
        if all(isinstance(operand, Constant) for operand in operands):
            for operand in operands:
                node.require(operand.values.dtype == np.float32, "operands of float32", operand.values.dtype)
            with np.errstate(all="ignore"):
                return Constant(FUNCTIONS[function](*(operand.values for operand in operands), *parameters))
        # In the layout of the first image; numbers that fit any are no reason.
        images = [operand for operand in operands if not isinstance(operand, Constant)]
        is_last = len(shape) == 4 and all(len(image.shape) == 4 for image in images) and images[0].is_last
        values = [node.graph.numbers(node, cls._of_rank(operand, len(shape)), is_last=is_last) for operand in operands]
        stored = np.broadcast_shapes(*(node.graph.tensors[value.index].shape for value in values))
        index = node.graph.floats(node.names[0], stored)
        node.graph.add(cls(location=node.location, inputs=tuple(value.index for value in values), outputs=(index,),
                           function=function, parameters=parameters))
        return Value(index, shape, is_last)

    @staticmethod
    def _of_rank(operand, rank):
        """A constant with as many dimensions as the result."""
        if not isinstance(operand, Constant):
            return operand
        return operand.moved(lambda array: array.reshape((1,) * (rank - array.ndim) + array.shape))

    def check(self, rules):
        for tensor in (*rules.inputs, rules.output):
            rules.require(tensor.dtype == "float32", "float32 before and after it", tensor.dtype)
        rules.has_shape(np.broadcast_shapes(*(tensor.shape for tensor in rules.inputs)))

    def compute(self, context, *values):
        rank = len(context.output.shape)
        values = [of_rank(x, rank) for x in values]
        with np.errstate(all="ignore"):
            return FUNCTIONS[self.function](*values, *self.parameters)

    def slack(self, context, *values):
        return LAST_BITS if self.function in ("Sigmoid", "Tanh") else 0


@dataclass(frozen=True, kw_only=True)
class IntegerClamp(Operator):
    """Integers from ``low`` to ``high``, as quantizers of fewer bits have them behind a QuantizeLinear."""

    low: int
    high: int
    rounding: str = "float"

    @classmethod
    def of(cls, node, value, bounds):
        """The `Value` of clamped integers."""
        tensor = node.graph.tensors[value.index]
        low, high = _of_integers(bounds, DTYPES[tensor.dtype])
        index = node.graph.like(value.index, node.names[0], tensor.shape)
        node.graph.add(cls(location=node.location, inputs=(value.index,), outputs=(index,), low=low, high=high))
        return replace(value, index=index)

    def check(self, rules):
        rules.alike(rules.inputs[0], rules.output)
        rules.has_shape(rules.inputs[0].shape)

    def compute(self, context, x):
        return np.clip(x, self.low, self.high)


def read_clamp(node):
    """Relu and Clip: of a product that is not yet quantized a part, else an elementwise operator."""
    node.has_operands(1, 1 if node.kind == "Relu" or node.version < 11 else 3)
    bounds, value = _bounds(node), node.operands[0]
    if isinstance(value, Product) and value.bounds == (None, None):
        return replace(value, bounds=bounds)
    if isinstance(value, Constant) and value.scales is None and value.array.dtype.kind in "iu":
        return Constant(np.clip(value.array, *_of_integers(bounds, value.array.dtype)).astype(value.array.dtype))
    if isinstance(value, Value) and not value.dequantized and node.graph.tensors[value.index].dtype != "float32":
        return IntegerClamp.of(node, value, bounds)
    return Elementwise.of(node, "Clip", [value], bounds)


def _of_integers(bounds, dtype):
    """Least and greatest integer of a type within bounds that may be None."""
    limits = np.iinfo(dtype)
    low, high = (end if bound is None else int(bound) for bound, end in zip(bounds, (limits.min, limits.max)))
    return min(low, high), high


def _bounds(node):
    if node.kind == "Relu":
        return 0.0, None
    if node.version < 11:
        bounds = tuple(node.attributes.get(name) for name in ("min", "max"))
    else:
        bounds = node.number(1, "limits"), node.number(2, "limits")
    node.require(all(bound is None or bound == bound for bound in bounds), "limits that are numbers", bounds)
    return bounds


READERS = (
    *((OnnxForm(name, (7, 13, 14)), Elementwise.from_onnx) for name in ("Add", "Sub", "Mul", "Div")),
    (OnnxForm("LeakyRelu", (6, 16), ("alpha",)), Elementwise.from_onnx),
    (OnnxForm("HardSigmoid", (6, 22), ("alpha", "beta")), Elementwise.from_onnx),
    (OnnxForm("HardSwish", (14, 22)), Elementwise.from_onnx),
    (OnnxForm("Sigmoid", (6, 13)), Elementwise.from_onnx),
    (OnnxForm("Tanh", (6, 13)), Elementwise.from_onnx),
    (OnnxForm("Relu", (6, 13, 14)), read_clamp),
    (OnnxForm("Clip", (6, 11, 12, 13), ("min", "max")), read_clamp),
)
