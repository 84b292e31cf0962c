"""The graph of a quantized ``.onnx`` file on its way to a `Network`: tensors, operators, and what each name stands for.

Every node is an operator of its own, in floating point as ONNX has it, but for two kinds. What moves the elements of
integers that were dequantized (QDQ) moves the integers. A product takes the integers of both operands, and is quantized
at once if nothing but a clamp stands between. Images are laid out with their channels last; transpositions are added
where something needs the layout of the file.
"""

from dataclasses import replace

import numpy as np

from ....golden.kernels import float_layers
from ..network import Tensor
from ..onnx_node import TO_FIRST, TO_LAST, Constant, Product, Value
from ..onnx_operators import DequantizeLinear
from ..operators import Reshape, Transpose


class OnnxGraph:
    """What has been read of a graph.

    Attributes
    ----------
    tensors : list of Tensor
    operators : list of Operator
    values : dict of str to Constant, Value, Product or Unread
        By name in the file.
    makers : dict of int to Operator
        By number of a tensor, but for inputs and constants: what makes it.
    """

    def __init__(self):
        self.tensors, self.operators, self.values = [], [], {}
        self.makers = {}
        # By what is there: a value in another layout, and as numbers.
        self._layouts, self._numbers = {}, {}

    def tensor(self, tensor):
        """The number of a new tensor."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def like(self, index, name, shape):
        """The number of a new tensor of the kind of another."""
        tensor = self.tensors[index]
        return self.tensor(Tensor(name, tuple(shape), tensor.dtype, tensor.scales, tensor.zero_points))

    def floats(self, name, shape):
        """The number of a new tensor of float32."""
        return self.tensor(Tensor(name, tuple(shape), "float32"))

    def add(self, operator):
        """An operator that has its output."""
        self.operators.append(operator)
        self.makers.update(dict.fromkeys(operator.outputs, operator))

    def numbers(self, node, value, *, is_last=None):
        """The `Value` of an operand in floating point, with the channels last, or not, or as it is."""
        if isinstance(value, Constant):
            return self._constant(node, value.values, is_last)
        if isinstance(value, Product):
            value = self._materialized(value)
        elif self.tensors[value.index].dtype != "float32":
            if not value.dequantized:
                node.require(False, "operands in floating point", "integers that are not dequantized")
            if value not in self._numbers:
                shape = self.tensors[value.index].shape
                index = self.floats(self.tensors[value.index].name, shape)
                self.add(DequantizeLinear(location=f"numbers of {self.tensors[value.index].name}",
                                          inputs=(value.index,), outputs=(index,)))
                self._numbers[value] = Value(index, value.shape, value.is_last)
            value = self._numbers[value]
        return value if is_last is None else self.in_layout(value, is_last)

    def _constant(self, node, array, is_last):
        node.require(array.dtype == np.float32, "constants of float32", array.dtype)
        is_last = bool(is_last) and array.ndim == 4
        data = np.ascontiguousarray(array.transpose(TO_LAST) if is_last else array)
        index = self.tensor(Tensor(node.location, data.shape, "float32", data=data))
        return Value(index, array.shape, is_last)

    def constant(self, node, value):
        """The `Value` of integers that are constant, with one scale."""
        scales, points = np.unique(value.scales), np.unique(value.zero_points)
        node.require(scales.size == points.size == 1, "one scale", scales.size)
        index = self.tensor(Tensor(node.location, value.shape, value.array.dtype.name, scales, points,
                                   data=value.array))
        return Value(index, value.shape)

    def _materialized(self, product):
        if id(product) not in self._numbers:
            # With the product, so that its id stays its own.
            self._numbers[id(product)] = product, self._made(product, Tensor(product.location, (), "float32"))
        return self._numbers[id(product)][1]

    @staticmethod
    def _stored(shape, is_last):
        return tuple(shape[axis] for axis in TO_LAST) if is_last else tuple(shape)

    def integers(self, node, value, *, is_last):
        """The number of a product's operand, integers that are dequantized."""
        node.require(isinstance(value, Value) and value.dequantized,
                     "a DequantizeLinear, or moves of what that makes, before it", "numbers in floating point")
        return self.in_layout(value, is_last).index

    def quantized(self, product, tensor):
        """The `Value` that holds a product, quantized like a tensor."""
        return self._made(product, tensor)

    def _made(self, product, tensor):
        """The `Value` of a product, in a tensor like another."""
        shape = (*product.shape[:2], 1, *product.shape[2:]) if product.is_line else product.shape
        index = self.tensor(replace(tensor, shape=self._stored(shape, product.is_last)))
        self.add(product.make(location=product.location, outputs=(index,), activation=product.bounds))
        value = Value(index, shape, product.is_last)
        if not product.is_line:
            return value
        value = self.in_layout(value, False)
        index = self.like(value.index, tensor.name, product.shape)
        self.add(Reshape(location=product.location, inputs=(value.index,), outputs=(index,)))
        return Value(index, product.shape)

    def at_scale(self, node, value, tensor):
        """Integers as a DequantizeLinear reads them, whose scale is that of a tensor."""
        before = self.tensors[value.index]
        if not before.scales.size:
            # Of an input that comes as integers.
            self.tensors[value.index] = replace(before, scales=tensor.scales, zero_points=tensor.zero_points)
        elif not (np.array_equal(before.scales, tensor.scales) and before.axis == tensor.axis and
                  np.array_equal(before.zero_points, tensor.zero_points)):
            index = self.tensor(replace(tensor, name=node.names[0], shape=before.shape, dtype=before.dtype))
            self.add(Reshape(location=node.location, inputs=(value.index,), outputs=(index,)))
            value = replace(value, index=index)
        return replace(value, dequantized=True)

    def in_layout(self, value, is_last):
        """The value with its channels last, or as in the file."""
        if value.is_last == is_last or len(value.shape) != 4:
            return value
        if value not in self._layouts:
            index = self.like(value.index, self.tensors[value.index].name, self._stored(value.shape, is_last))
            self.add(Transpose(location=f"layout of {self.tensors[value.index].name}", inputs=(value.index,),
                               outputs=(index,), permutation=TO_LAST if is_last else TO_FIRST))
            turned = replace(value, index=index, is_last=is_last)
            self._layouts[value], self._layouts[turned] = turned, value
        return self._layouts[value]

    # Of a graph that has been read.

    def held(self, value):
        """The `Value` that a network has for what a name stands for, or None."""
        if isinstance(value, Product):
            return self._numbers[id(value)][1] if id(value) in self._numbers else None
        return value if isinstance(value, Value) else None

    def in_file(self, value, values):
        """Arrays of runs (N, *shape) for a value, as the file has them; ``values`` are those of tensors by number."""
        array, tensor = values[value.index], self.tensors[value.index]
        if value.dequantized:
            array = float_layers.dequantize(array, tensor.scale, tensor.zero_point)
        return array.transpose(0, *(axis + 1 for axis in TO_FIRST)) if value.is_last else array
