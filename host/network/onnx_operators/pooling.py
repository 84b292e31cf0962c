"""Pooling over windows, as ONNX defines it: means of numbers, maxima of numbers and integers."""

from abc import abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from ....golden.kernels import float_layers
from ....golden.kernels.layers import windows
from ..onnx_node import OnnxForm, Value
from ..operator import Operator
from ..window import check_window, onnx_window, spatial
from .lines import of_lines_too
from .means import check_floats

# Padded widths up to which ONNX Runtime adds columns first, and lengths of windows.
MAX_WIDTH, MAX_LENGTH = 2032, 32
WINDOW = ("auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "strides")


@dataclass(frozen=True, kw_only=True)
class FloatPool(Operator):
    """A window of ``size`` (height, width); pixels of the padding do not count."""

    size: tuple
    stride: tuple
    dilation: tuple
    padding: tuple
    rounding: str = "float"

    @classmethod
    def from_onnx(cls, node):
        node.has_operands(1, 1)
        node.require(len(node.names) == 1, "one output, without indices", len(node.names))
        x = cls._operand(node)
        image = node.graph.tensors[x.index].shape
        node.require(len(image) == 4, "an image of four dimensions", len(image))
        is_global = node.kind.startswith("Global")
        size = image[1:3] if is_global else tuple(map(int, node.attributes.get("kernel_shape", ())))
        window, after, explicit = onnx_window(node, image, size)
        index = node.graph.like(x.index, node.names[0], (image[0], *after, image[3]))
        node.graph.add(cls(location=node.location, inputs=(x.index,), outputs=(index,), size=size, **window,
                           **cls._more(node, image, size, window, explicit)))
        return replace(x, index=index, shape=(image[0], image[3], *after))

    @classmethod
    @abstractmethod
    def _operand(cls, node):
        """The `Value` of images."""

    @classmethod
    def _more(cls, node, image, size, window, explicit):
        """Fields of a kind; ``explicit`` is the padding that the file states."""
        return {}

    def check(self, rules):
        x = rules.inputs[0]
        rules.require(all(width < span for pads, span in zip(self.padding, spatial(self.size, self.dilation))
                          for width in pads), "padding narrower than the window", self.padding)
        rules.has_shape((x.shape[0], *check_window(rules, self.size, self.stride, self.dilation, self.padding),
                         x.shape[3]))

    def compute(self, context, x):
        y = self._pool(x.reshape(-1, *x.shape[-3:]), (self.size, self.stride, self.dilation, self.padding))
        return y.reshape(len(x), *context.output.shape)

    @abstractmethod
    def _pool(self, images, window):
        """The kernel, of images (B, H, W, C)."""


@dataclass(frozen=True, kw_only=True)
class FloatAveragePool(FloatPool):
    """The mean; see `float_layers.average_pool` for ``counted`` and ``order``."""

    counted: tuple
    order: str

    @classmethod
    def _operand(cls, node):
        return node.graph.numbers(node, node.operands[0], is_last=True)

    @classmethod
    def _more(cls, node, image, size, window, explicit):
        counts = bool(node.attributes.get("count_include_pad"))
        node.require(not counts or not node.attributes.get("ceil_mode") or node.version >= 19,
                     "count_include_pad 0 with ceil_mode before opset 19", 1)
        counted = explicit if counts else ((0, 0), (0, 0))
        return {"counted": counted, "order": cls._order(node, image[1:3], size, window)}

    @staticmethod
    def _order(node, image, size, window):
        """Of ONNX Runtime's additions; its kernel for opset 19 and later is another one."""
        padding, stride = window["padding"], window["stride"]
        if node.kind == "GlobalAveragePool":
            return "lanes"
        if node.version >= 19:
            return "rows"
        if size == image and stride == (1, 1) and not any(map(any, padding)):
            return "lanes"
        is_small = max(size) <= MAX_LENGTH and image[1] + sum(padding[1]) <= MAX_WIDTH
        return "columns" if stride[1] <= 2 and is_small else "rows"

    def check(self, rules):
        check_floats(rules)
        super().check(rules)

    def _pool(self, images, window):
        return float_layers.average_pool(images, *window, counted=self.counted, order=self.order)


@dataclass(frozen=True, kw_only=True)
class MaxPool(FloatPool):
    """The maximum, of integers as of numbers."""

    @classmethod
    def _operand(cls, node):
        value = node.operands[0]
        return node.graph.in_layout(value if isinstance(value, Value) else node.graph.numbers(node, value), True)

    def check(self, rules):
        rules.alike(rules.inputs[0], rules.output)
        super().check(rules)

    def _pool(self, images, window):
        lowest = -np.inf if images.dtype == np.float32 else np.iinfo(np.int64).min
        return windows(images, *window, lowest).max(axis=(4, 5))


AVERAGE, MAXIMUM = of_lines_too(FloatAveragePool.from_onnx), of_lines_too(MaxPool.from_onnx)
READERS = (
    (OnnxForm("AveragePool", (10, 11, 19, 22), ("count_include_pad", *WINDOW)), AVERAGE),
    (OnnxForm("GlobalAveragePool", (1, 22)), AVERAGE),
    (OnnxForm("MaxPool", (10, 11, 12, 22), WINDOW, {"storage_order": 0}, max_outputs=2), MAXIMUM),
    (OnnxForm("GlobalMaxPool", (1, 22)), MAXIMUM),
)
