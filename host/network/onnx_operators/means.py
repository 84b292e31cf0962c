"""Means and softmax of numbers, as ONNX defines them."""

from dataclasses import dataclass

import numpy as np

from ....golden.kernels import float_layers
from ..onnx_node import OnnxForm, Value
from ..operator import Operator
from .elementwise import LAST_BITS


def check_floats(rules):
    """Numbers before and after it."""
    for tensor in (*rules.inputs, rules.output):
        rules.require(tensor.dtype == "float32", "float32 before and after it", tensor.dtype)


@dataclass(frozen=True, kw_only=True)
class FloatMean(Operator):
    """The mean over ``axes``, which are kept with length 1 or dropped."""

    axes: tuple
    rounding: str = "float"

    @classmethod
    def from_onnx(cls, node):
        node.has_operands(1, 1 if node.version < 18 else 2)
        shape = node.shape(0)
        axes = node.axes(1, len(shape)) or ()
        if not axes and node.attributes.get("noop_with_empty_axes"):
            return node.operands[0]
        axes = tuple(sorted(axes or range(len(shape))))
        x = node.graph.numbers(node, node.operands[0], is_last=False)
        keeps = bool(node.attributes.get("keepdims", 1))
        after = tuple(1 if axis in axes else length for axis, length in enumerate(shape) if keeps or axis not in axes)
        value = Value(node.graph.floats(node.names[0], after), after)
        node.graph.add(cls(location=node.location, inputs=(x.index,), outputs=(value.index,), axes=axes))
        return value

    def check(self, rules):
        check_floats(rules)
        x = rules.inputs[0]
        rules.require(x.size > 0, "elements", list(x.shape))
        rules.require(max(self.axes, default=0) < len(x.shape), "axes within its dimensions", self.axes)
        kept = [1 if axis in self.axes else length for axis, length in enumerate(x.shape)]
        rules.require(rules.output.size == np.prod(kept, dtype=np.int64), f"an output of shape {kept}",
                      list(rules.output.shape))

    def compute(self, context, x):
        return float_layers.mean(x, self.axes).reshape(len(x), *context.output.shape)

    def slack(self, context, x):
        if float_layers.order_of_mean(x.shape[1:], self.axes) != "open":
            return 0
        count = np.prod([x.shape[axis + 1] for axis in self.axes])
        sizes = np.abs(x).mean(axis=tuple(axis + 1 for axis in self.axes), dtype=np.float64)
        return ((count + 2) * 2.0 ** -24 * sizes).reshape(len(x), *context.output.shape)


@dataclass(frozen=True, kw_only=True)
class FloatSoftmax(Operator):
    """Softmax over ``axes`` together."""

    axes: tuple
    rounding: str = "float"

    @classmethod
    def from_onnx(cls, node):
        node.has_operands(1, 1)
        shape = node.shape(0)
        if node.version < 13:
            # All from the axis on, as one dimension; it may lie behind the last.
            axis = int(node.attributes.get("axis", 1))
            first = axis if axis == len(shape) else node.axis(axis, len(shape))
            axes = tuple(range(first, len(shape)))
        else:
            axes = (node.axis(int(node.attributes.get("axis", -1)), len(shape)),)
        x = node.graph.numbers(node, node.operands[0], is_last=False)
        index = node.graph.floats(node.names[0], shape)
        node.graph.add(cls(location=node.location, inputs=(x.index,), outputs=(index,), axes=axes))
        return Value(index, shape)

    def check(self, rules):
        check_floats(rules)
        rules.require(rules.inputs[0].size > 0, "elements", list(rules.inputs[0].shape))
        rules.has_shape(rules.inputs[0].shape)

    def compute(self, context, x):
        return float_layers.softmax(x, tuple(axis + 1 for axis in self.axes))

    def slack(self, context, x):
        return LAST_BITS


READERS = (
    (OnnxForm("ReduceMean", (1, 11, 13, 18), ("axes", "keepdims", "noop_with_empty_axes")), FloatMean.from_onnx),
    (OnnxForm("Softmax", (1, 11, 13), ("axis",)), FloatSoftmax.from_onnx),
)
