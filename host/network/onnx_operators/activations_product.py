"""Products of two activations, each of integers that are dequantized."""

import math
from dataclasses import dataclass

import numpy as np

from ....golden.kernels import float_layers
from ..network import Tensor
from ..onnx_node import Constant, Product
from ..operators.batch_matmul import BatchMatMul, LoadedProduct


@dataclass(frozen=True, kw_only=True)
class FloatMatMul(BatchMatMul):
    """Matrices of the first input times those of the second, as numbers or quantized."""

    activation: tuple = (None, None)
    rounding: str = "float"

    tflite = ()

    def check(self, rules):
        a, b = rules.inputs
        for tensor in (a, b, *([rules.output] if rules.output.dtype != "float32" else [])):
            rules.quantized(tensor, dtypes=("int8", "uint8"))
        rules.require(a.shape[-1] == b.shape[-2] and a.shape[-1] < 1 << 15 and a.size > 0 and b.size > 0,
                      "operands that fit", f"{list(a.shape)} and {list(b.shape)}")
        leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        rules.has_shape((*leading, a.shape[-2], b.shape[-1]))

    def compute(self, context, a, b):
        (first, second), output = context.inputs, context.output
        total = self.total(context, a, b)
        if output.dtype == "float32":
            y = float_layers.product(total, first.scale, [second.scale], 0)
            return float_layers.clip(y, *self.activation)
        return float_layers.requantize(total, first.scale, [second.scale], output.scale, output.zero_point,
                                       context.clamp(self.activation))

    def slack(self, context, a, b):
        sizes = np.abs(a - context.inputs[0].zero_point) @ np.abs(b - context.inputs[1].zero_point)
        scale = np.float64(context.inputs[0].scale) * np.float64(context.inputs[1].scale)
        return (a.shape[-1] + 8) * 2.0 ** -24 * scale * sizes


def read_matmul_of_activations(node):
    """Of operands of two dimensions or more."""
    graph = node.graph
    a, b = (_operand(node, position) for position in (0, 1))
    shapes = [tensor.shape for tensor in (graph.tensors[a], graph.tensors[b])]
    node.require(min(map(len, shapes)) >= 2 and shapes[0][-1] == shapes[1][-2], "matrices that fit",
                 [list(shape) for shape in shapes])
    leading = node.broadcast([shape[:-2] for shape in shapes])
    rows, depth, columns = shapes[0][-2], shapes[0][-1], shapes[1][-1]
    shape = (*leading, rows, columns)
    node.fits(shape)
    like = graph.tensors[a]
    first = graph.tensor(Tensor(like.name, (rows, depth), like.dtype, like.scales, like.zero_points))
    matrix, sums = (graph.tensor(Tensor(f"{node.location}, {what}", size, dtype)) for what, size, dtype in (
        ("matrix", (columns, depth), "int8"), ("sums", (rows, columns), "int32")))
    part = LoadedProduct(location=node.location, inputs=(first, matrix, -1), outputs=(sums,),
                         calls=max(1, math.prod(leading)))

    def make(location, outputs, activation):
        return FloatMatMul(location=location, inputs=(a, b), outputs=outputs, part=part, swaps=(False, False),
                           activation=activation)

    return Product(node.location, shape, False, make, False, "int16" not in (like.dtype, graph.tensors[b].dtype))


def _operand(node, position):
    value = node.operands[position]
    if isinstance(value, Constant) and value.scales is not None:
        value = node.graph.constant(node, value)
        return value.index
    return node.graph.integers(node, value, is_last=False)
