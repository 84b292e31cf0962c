"""Products of two activations: one of them is loaded into the macro at run time."""

from dataclasses import dataclass, field, replace

import numpy as np

from ....golden.kernels import layers
from ..grouped_convolution import GroupedConvolution
from ..matrix_operator import MatrixOperator
from ..network import Tensor
from ..operator import Operator, of_rank
from ..tflite_node import TfliteForm


@dataclass(frozen=True, kw_only=True)
class LoadedProduct(MatrixOperator):
    """A product with a matrix that is known at run time: ``kernel`` (outputs, inputs), int8, None before.

    ``calls`` is how often it is computed in a run.
    """

    kernel: np.ndarray | None = field(default=None, compare=False)
    calls: int = 1

    is_loaded = True

    @property
    def product(self):
        return self

    def convolution(self, tensors):
        """Before there is a matrix, that of the least values, which need the most bits."""
        x, matrix = (tensors[index] for index in self.inputs[:2])
        kernel = np.full(matrix.shape, -128, np.int8) if self.kernel is None else self.kernel
        return GroupedConvolution(kernel[:, None, None], (x.shape[0], 1, 1, x.shape[1]))

    def multiply(self, values, weights):
        return layers.mvm(weights.T, values.reshape(-1, weights.shape[1]))

    def accumulators(self, tensors, x):
        values = x - tensors[self.inputs[0]].zero_point
        return self.arrange(self.multiply(values, self.kernel.astype(np.int64)), tensors)

    def check(self, rules):
        """What there is to check is checked by the operator whose part it is."""


@dataclass(frozen=True, kw_only=True)
class BatchMatMul(Operator):
    """Matrices of the first input times those of the second, int8; leading dimensions broadcast.

    ``swaps`` says of each input whether its last two dimensions change places first.
    """

    part: LoadedProduct
    swaps: tuple

    tflite = (TfliteForm("BATCH_MATMUL", 2, 2, "BatchMatMulOptions"),)

    @classmethod
    def from_tflite(cls, node):
        swaps = bool(node.options.AdjX()), bool(node.options.AdjY())
        shapes = [node.shape(position) for position in (0, 1)]
        node.require(min(map(len, shapes)) >= 2, "operands of two dimensions or more",
                     [list(shape) for shape in shapes])
        (rows, depth), (_, columns) = (shape[:-3:-1] if swap else shape[-2:] for shape, swap in zip(shapes, swaps))
        first = node.tensors[node.inputs[0]]
        for tensor in (replace(first, shape=(rows, depth), data=None, is_open=False),
                       Tensor(f"{node.location}, matrix", (columns, depth), "int8"),
                       Tensor(f"{node.location}, sums", (rows, columns), "int32")):
            node.tensors.append(tensor)
        last, output = len(node.tensors) - 1, node.tensors[node.outputs[0]]
        calls = max(1, output.size // max(1, rows * columns))
        part = LoadedProduct(location=node.location, inputs=(last - 2, last - 1, -1), outputs=(last,), calls=calls)
        return cls(**node.common, part=part, swaps=swaps, rounding=node.rounding())

    @property
    def products(self):
        return (self.part,)

    def check(self, rules):
        a, b = rules.inputs
        rules.quantized(a, b, rules.output, dtypes=("int8",))
        rows, depth = rules.tensors[self.part.inputs[0]].shape
        columns = rules.tensors[self.part.outputs[0]].shape[1]
        inner = b.shape[-1] if self.swaps[1] else b.shape[-2]
        rules.require(0 < depth == inner and depth < 1 << 15, "operands that fit",
                      f"{list(a.shape)} and {list(b.shape)}")
        try:
            leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        except ValueError:
            leading = None
        rules.require(leading is not None and a.size > 0 and b.size > 0, "leading dimensions that broadcast",
                      f"{list(a.shape)} and {list(b.shape)}")
        rules.factor(float(a.scale * b.scale) / float(rules.output.scale))
        rules.has_shape((*leading, rows, columns))

    def compute(self, context, a, b):
        (first, second), output = context.inputs, context.output
        factors = np.array([np.float64(first.scale * second.scale) / np.float64(output.scale)])
        return layers.requantize(self.total(context, a, b), factors, output.zero_point, context.clamp(),
                                 rounding=context.rounding)

    def total(self, context, a, b):
        """Accumulators (N, *output shape)."""
        (first, second), output = context.inputs, context.output
        a, b = (np.swapaxes(values, -1, -2) if swap else values for values, swap in zip((a, b), self.swaps))
        leading = output.shape[:-2]
        a, b = (np.broadcast_to(of_rank(values, len(output.shape)), (len(values), *leading, *values.shape[-2:]))
                for values in (a, b))
        rows, matrices = (values.reshape(-1, *values.shape[-2:]) for values in (a, b))
        # What a macro holds is signed.
        lower = 128 if second.dtype == "uint8" else 0
        sums = np.concatenate([self._sums(context, x, matrix - lower) for x, matrix in zip(rows, matrices)])
        total = sums - (second.zero_point - lower) * (rows - first.zero_point).sum(axis=-1, keepdims=True)
        return total.reshape(len(a), *output.shape)

    def _sums(self, context, x, matrix):
        """Accumulators (1, rows, columns) of a matrix that counts from 0."""
        loaded = replace(self.part, kernel=np.ascontiguousarray(matrix.T).astype(np.int8))
        return context.part(loaded).accumulators(x[None])

