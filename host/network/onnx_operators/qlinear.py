"""QOperator files, which ``quantize_static`` writes: operators whose operands and results are integers.

Most are read as the nodes that they stand for, between a DequantizeLinear and a QuantizeLinear. Of those whose kernels
round in another way, there are operators here.
"""

from dataclasses import dataclass

import numpy as np

from ....golden.kernels import qlinear
from ..network import QUANTIZED
from ..onnx_node import MICROSOFT, Constant, OnnxForm, Value
from ..operator import Operator, of_rank
from ..window import check_window, onnx_window
from .elementwise import Elementwise
from .moves import read_concat
from .products import CONVOLUTION, read_conv, read_gemm
from .scales import DequantizeLinear, QuantizeLinear, Scales


def numbers(node, position, axis=None):
    """What an operand stands for, with the scale and zero point that follow it."""
    operands = [node.optional(position + offset) for offset in range(3)]
    attributes = {} if axis is None else {"axis": axis}
    return DequantizeLinear.from_onnx(node.like(kind="DequantizeLinear", operands=operands, attributes=attributes))


def integers(node, value, position):
    """What a `Value` or `Product` is, quantized with the scale and zero point at a position."""
    return QuantizeLinear.from_onnx(node.like(
        kind="QuantizeLinear", operands=[value, node.optional(position), node.optional(position + 1)], attributes={}))


def _product(node, reader, kind, axis, bias, y):
    """A product of two quantized operands, whose bias counts in steps of the accumulators."""
    x, weights = numbers(node, 0), numbers(node, 3, axis)
    node.require(isinstance(weights, Constant), "constant weights", "computed ones")
    operands = [x, weights]
    if bias is not None:
        node.require(isinstance(bias, Constant) and bias.array.dtype == np.int32 and bias.array.ndim == 1,
                     "a constant bias of int32", getattr(bias, "shape", "a computed one"))
        steps = node.constant(1, "scales").reshape(-1)[0] * node.constant(4, "scales").reshape(-1)
        operands.append(Constant(bias.array, np.broadcast_to(steps, bias.shape), np.zeros((1,), np.int64)))
    return integers(node, reader(node.like(kind=kind, version=11, operands=operands)), y)


def read_qlinear_conv(node):
    """A convolution between its dequantizers and its quantizer."""
    node.has_operands(8, 9)
    return _product(node, read_conv, "Conv", 0, node.optional(8), 6)


def read_qlinear_matmul(node):
    """A product of matrices, as well."""
    node.has_operands(8, 8)
    return _product(node, read_gemm, "MatMul", -1, None, 6)


def read_qgemm(node):
    """One with a bias."""
    node.has_operands(6, 9)
    node.require(node.optional(7) is not None, "a scale of its output", "none")
    return _product(node, read_gemm, "Gemm", 0 if node.attributes.get("transB") else 1, node.optional(6), 7)


def read_qlinear_unary(node):
    """An elementwise operator."""
    node.has_operands(2, 5)
    made = Elementwise.from_onnx(node.like(kind=node.kind.removeprefix("QLinear"), operands=[numbers(node, 0)]))
    return integers(node, made, 3)


def read_qlinear_concat(node):
    """A concatenation of operands of any scales."""
    count, rest = divmod(len(node.operands) - 2, 3)
    node.require(count > 0 and not rest, "a scale, a zero point and triples of operands", len(node.operands))
    parts = [numbers(node, 2 + 3 * number) for number in range(count)]
    return integers(node, read_concat(node.like(kind="Concat", operands=parts)), 0)


@dataclass(frozen=True, kw_only=True)
class QLinearArithmetic(Operator):
    """QLinearAdd and QLinearMul."""

    kind: str
    rounding: str = "float"

    @classmethod
    def from_onnx(cls, node):
        node.has_operands(7, 8)
        graph, a, b = node.graph, *(_quantized(node, position) for position in (0, 3))
        shape = node.broadcast([a.shape, b.shape])
        a, b = (graph.in_layout(value, False) for value in (a, b))
        tensor = Scales.of(node, 6, dtype=np.dtype(graph.tensors[a.index].dtype)).tensor(node.names[0], shape)
        index = graph.tensor(tensor)
        graph.add(cls(location=node.location, inputs=(a.index, b.index), outputs=(index,), kind=node.kind))
        return Value(index, shape)

    def check(self, rules):
        rules.quantized(*rules.inputs, rules.output, dtypes=("int8", "uint8"))
        rules.has_shape(np.broadcast_shapes(*(tensor.shape for tensor in rules.inputs)))

    def compute(self, context, a, b):
        output = context.output
        rank = len(output.shape)
        a, b = of_rank(a, rank), of_rank(b, rank)
        kernel = qlinear.add if self.kind == "QLinearAdd" else qlinear.multiply
        tensors = context.inputs
        return kernel(a, b, [tensor.scale for tensor in tensors], [tensor.zero_point for tensor in tensors],
                      output.scale, output.zero_point, QUANTIZED[output.dtype])


@dataclass(frozen=True, kw_only=True)
class QLinearPool(Operator):
    """QLinearAveragePool and, without a window, QLinearGlobalAveragePool."""

    window: tuple = ()
    counted: tuple = ()
    rounding: str = "float"

    @classmethod
    def from_onnx(cls, node):
        node.has_operands(4, 5)
        graph = node.graph
        x = graph.in_layout(_quantized(node, 0), True)
        image, after, fields = graph.tensors[x.index].shape, [1, 1], {}
        node.require(len(image) == 4, "an image of four dimensions", len(image))
        if node.kind == "QLinearAveragePool":
            size = tuple(map(int, node.attributes.get("kernel_shape", ())))
            window, after, explicit = onnx_window(node, image, size)
            fields = {"window": (size, window["stride"], window["dilation"], window["padding"]),
                      "counted": explicit if node.attributes.get("count_include_pad") else ((0, 0), (0, 0))}
        tensor = Scales.of(node, 3, dtype=np.dtype(graph.tensors[x.index].dtype)).tensor(
            node.names[0], (image[0], *after, image[3]))
        index = graph.tensor(tensor)
        graph.add(cls(location=node.location, inputs=(x.index,), outputs=(index,), **fields))
        return Value(index, (image[0], image[3], *after), True)

    def check(self, rules):
        x = rules.inputs[0]
        rules.quantized(x, rules.output, dtypes=("int8", "uint8"))
        rules.is_image(x)
        image = check_window(rules, *self.window) if self.window else (1, 1)
        rules.has_shape((x.shape[0], *image, x.shape[3]))

    def compute(self, context, x):
        tensor, output, images = *context.inputs, context.output, x.reshape(-1, *x.shape[-3:])
        scales = tensor.scale, tensor.zero_point, output.scale, output.zero_point, QUANTIZED[output.dtype]
        y = qlinear.average(images, self.window, self.counted, *scales) if self.window else (
            qlinear.global_average(images, *scales))
        return y.reshape(len(x), *output.shape)


@dataclass(frozen=True, kw_only=True)
class QLinearSoftmax(Operator):
    """Over ``axis``, or over all dimensions from it on, as one."""

    axis: int
    is_flat: bool
    rounding: str = "float"

    @classmethod
    def from_onnx(cls, node):
        node.has_operands(4, 5)
        graph, opset = node.graph, node.attributes.get("opset")
        node.require(isinstance(opset, int), "an opset", opset)
        x = graph.in_layout(_quantized(node, 0), False)
        is_flat = opset < 13
        axis = node.axis(int(node.attributes.get("axis", 1 if is_flat else -1)), len(x.shape))
        tensor = Scales.of(node, 3, dtype=np.dtype(graph.tensors[x.index].dtype)).tensor(node.names[0], x.shape)
        index = graph.tensor(tensor)
        graph.add(cls(location=node.location, inputs=(x.index,), outputs=(index,), axis=axis, is_flat=is_flat))
        return Value(index, x.shape)

    def check(self, rules):
        rules.quantized(rules.inputs[0], rules.output, dtypes=("int8", "uint8"))
        rules.require(0 <= self.axis < len(rules.inputs[0].shape) and rules.inputs[0].size > 0,
                      "elements along an axis", list(rules.inputs[0].shape))
        rules.has_shape(rules.inputs[0].shape)

    def compute(self, context, x):
        tensor, output = *context.inputs, context.output
        rows = x.reshape(*x.shape[:self.axis + 1], -1) if self.is_flat else np.moveaxis(x, self.axis + 1, -1)
        y = qlinear.softmax(rows, tensor.scale, output.scale, output.zero_point, QUANTIZED[output.dtype])
        return y.reshape(x.shape) if self.is_flat else np.moveaxis(y, -1, self.axis + 1)


def _quantized(node, position):
    """An operand's integers at the scale that follows it; of a constant a tensor."""
    value = numbers(node, position)
    if isinstance(value, Constant):
        return node.graph.constant(node, value)
    node.require(value.dequantized, "one scale", "several")
    return value


READERS = (
    (OnnxForm("QLinearConv", (10,), CONVOLUTION), read_qlinear_conv),
    (OnnxForm("QLinearMatMul", (10, 21)), read_qlinear_matmul),
    (OnnxForm("QGemm", (1,), ("transB",), {"alpha": 1.0, "transA": 0}, domain=MICROSOFT), read_qgemm),
    (OnnxForm("QLinearConcat", (1,), ("axis",), domain=MICROSOFT), read_qlinear_concat),
    (OnnxForm("QLinearLeakyRelu", (1,), ("alpha",), domain=MICROSOFT), read_qlinear_unary),
    (OnnxForm("QLinearSigmoid", (1,), domain=MICROSOFT), read_qlinear_unary),
    (OnnxForm("QLinearAdd", (1,), domain=MICROSOFT), QLinearArithmetic.from_onnx),
    (OnnxForm("QLinearMul", (1,), domain=MICROSOFT), QLinearArithmetic.from_onnx),
    (OnnxForm("QLinearAveragePool", (1,), ("auto_pad", "ceil_mode", "count_include_pad", "kernel_shape", "pads",
                                           "strides"), {"channels_last": 0}, domain=MICROSOFT), QLinearPool.from_onnx),
    (OnnxForm("QLinearGlobalAveragePool", (1,), (), {"channels_last": 0}, domain=MICROSOFT), QLinearPool.from_onnx),
    (OnnxForm("QLinearSoftmax", (1,), ("axis", "opset"), domain=MICROSOFT), QLinearSoftmax.from_onnx),
)
