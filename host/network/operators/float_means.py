"""Means and softmax of numbers, as ONNX defines them."""

from dataclasses import dataclass

import numpy as np

from ....golden import float_layers
from ..onnx_node import OnnxForm, Value
from ..operator import Operator
from ..window import check_window, onnx_window
from .float_elementwise import LAST_BITS
from .movement import Reshape, moved

# Padded widths up to which ONNX Runtime adds columns first, and lengths of windows.
MOST_WIDTH, MOST_LENGTH = 2032, 32


def check_floats(rules):
    """Numbers before and after it."""
    for tensor in (*rules.inputs, rules.output):
        rules.require(tensor.dtype == "float32", "float32 before and after it", tensor.dtype)


@dataclass(frozen=True, kw_only=True)
class FloatAveragePool(Operator):
    """The mean over windows of ``size``; see `float_layers.average_pool` for ``counted`` and ``order``."""

    size: tuple
    stride: tuple
    dilation: tuple
    padding: tuple
    counted: tuple
    order: str
    rounding: str = "float"

    onnx = (OnnxForm("AveragePool", (10, 11, 19, 22), ("auto_pad", "ceil_mode", "count_include_pad", "dilations",
                                                       "kernel_shape", "pads", "strides")),
            OnnxForm("GlobalAveragePool", (1, 22)))

    @classmethod
    def from_onnx(cls, node):
        node.has_operands(1, 1)
        x = node.graph.numbers(node, node.operands[0], is_last=True)
        image = node.graph.tensors[x.index].shape
        node.require(len(image) == 4, "an image of four dimensions", len(image))
        is_global = node.kind == "GlobalAveragePool"
        size = image[1:3] if is_global else tuple(map(int, node.attributes.get("kernel_shape", ())))
        window, after = onnx_window(node, image, size)
        counted = window.pop("explicit") if node.attributes.get("count_include_pad") else ((0, 0), (0, 0))
        window.pop("explicit", None)
        order = "lanes" if is_global else cls._order(node.version, image[1:3], size, window)
        index = node.graph.floats(node.names[0], (image[0], *after, image[3]))
        node.graph.add(cls(place=node.place, inputs=(x.index,), outputs=(index,), size=size, counted=counted, order=order,
                           **window))
        return Value(index, (image[0], image[3], *after), True)

    @staticmethod
    def _order(version, image, size, window):
        """Of ONNX Runtime's additions; its kernel for opset 19 and later is another one."""
        padding, stride = window["padding"], window["stride"]
        if version >= 19:
            return "rows"
        if size == image and stride == (1, 1) and not any(map(any, padding)):
            return "lanes"
        is_small = max(size) <= MOST_LENGTH and image[1] + sum(padding[1]) <= MOST_WIDTH
        return "columns" if stride[1] <= 2 and is_small else "rows"

    def check(self, rules):
        check_floats(rules)
        x = rules.inputs[0]
        reach = [(length - 1) * step + 1 for length, step in zip(self.size, self.dilation)]
        rules.require(all(most < span for pads, span in zip(self.padding, reach) for most in pads),
                      "padding narrower than the window", self.padding)
        rules.has_shape((x.shape[0], *check_window(rules, self.size, self.stride, self.dilation, self.padding),
                         x.shape[3]))

    def compute(self, step, x):
        y = float_layers.average_pool(x.reshape(-1, *x.shape[-3:]), self.size, self.stride, self.dilation, self.padding,
                                      counted=self.counted, order=self.order)
        return y.reshape(len(x), *step.output.shape)


@dataclass(frozen=True, kw_only=True)
class FloatMean(Operator):
    """The mean over ``axes``, which are kept with length 1."""

    axes: tuple
    rounding: str = "float"

    onnx = (OnnxForm("ReduceMean", (1, 11, 13, 18), ("axes", "keepdims", "noop_with_empty_axes")),)

    @classmethod
    def from_onnx(cls, node):
        node.has_operands(1, 1 if node.version < 18 else 2)
        shape = node.shape(0)
        axes = node.axes(1, len(shape)) or ()
        if not axes and node.attributes.get("noop_with_empty_axes"):
            return node.operands[0]
        axes = tuple(sorted(axes or range(len(shape))))
        x = node.graph.numbers(node, node.operands[0], is_last=False)
        kept = tuple(1 if axis in axes else length for axis, length in enumerate(shape))
        value = Value(node.graph.floats(node.names[0], kept), kept)
        node.graph.add(cls(place=node.place, inputs=(x.index,), outputs=(value.index,), axes=axes))
        if node.attributes.get("keepdims", 1):
            return value
        return moved(node, value, Reshape, [length for axis, length in enumerate(shape) if axis not in axes])

    def check(self, rules):
        check_floats(rules)
        x = rules.inputs[0]
        rules.require(x.size > 0, "elements", list(x.shape))
        rules.has_shape(1 if axis in self.axes else length for axis, length in enumerate(x.shape))

    def compute(self, step, x):
        return float_layers.mean(x, self.axes)

    def slack(self, step, x):
        if float_layers.order_of_mean(x.shape[1:], self.axes) != "open":
            return 0
        count = np.prod([x.shape[axis + 1] for axis in self.axes])
        return (count + 2) * 2.0 ** -24 * np.abs(x).mean(axis=tuple(axis + 1 for axis in self.axes), keepdims=True)


@dataclass(frozen=True, kw_only=True)
class FloatSoftmax(Operator):
    """Softmax over ``axes`` together."""

    axes: tuple
    rounding: str = "float"

    onnx = (OnnxForm("Softmax", (1, 11, 13), ("axis",)),)

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
        node.graph.add(cls(place=node.place, inputs=(x.index,), outputs=(index,), axes=axes))
        return Value(index, shape)

    def check(self, rules):
        check_floats(rules)
        rules.require(rules.inputs[0].size > 0, "elements", list(rules.inputs[0].shape))
        rules.has_shape(rules.inputs[0].shape)

    def compute(self, step, x):
        return float_layers.softmax(x, tuple(axis + 1 for axis in self.axes))

    def slack(self, step, x):
        return LAST_BITS
