"""The graph of a quantized ``.onnx`` file on its way to a `Network`: tensors, operators, and what each name stands for.

Every operator stands between DequantizeLinear and QuantizeLinear (QDQ). What stands between the two is one quantized
operator: its operands are what was dequantized, its output what is quantized after it. Until then it is `Pending`.
Unsigned 8-bit tensors become signed ones with a zero point that is smaller by 128, and images are laid out with their
channels last; transpositions are added where something needs the layout of the file.
"""

import numpy as np

from ..network import Tensor
from ..onnx_node import TO_FIRST, TO_LAST, Constant, Value
from ..operators import Transpose


class OnnxGraph:
    """What has been read of a graph.

    Attributes
    ----------
    tensors : list of Tensor
    operators : list of Operator
    values : dict of str to Constant, Value or Pending
        By name in the file.
    """

    def __init__(self):
        self.tensors, self.operators, self.values = [], [], {}

    def tensor(self, tensor):
        """The number of a new tensor."""
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def like(self, index, name, shape):
        """The number of a new tensor quantized like another."""
        return self._like(self.tensors[index], name, shape)

    def _like(self, tensor, name, shape):
        return self.tensor(Tensor(name, shape, tensor.dtype, tensor.scales, tensor.zero_points))

    def operand(self, node, value, *, is_last):
        """The number of a dequantized operand's tensor, with the channels last or not; constants become tensors."""
        if not isinstance(value, Constant):
            node.require(isinstance(value, Value) and value.dequantized, "quantized operands", "one in floating point")
            return self.in_layout(value, is_last).index
        node.require(value.scales is not None and value.scales.size == 1 and value.array.dtype in (
            np.int8, np.uint8, np.int16), "quantized operands", "a constant in floating point")
        lower = 128 if value.array.dtype == np.uint8 else 0
        data = (value.array.astype(np.int64) - lower).astype(np.int16 if value.array.dtype == np.int16 else np.int8)
        if is_last and data.ndim == 4:
            data = data.transpose(TO_LAST)
        return self.tensor(Tensor(node.place, data.shape, data.dtype.name, value.scales, value.zero_points - lower, 0,
                                  data))

    def finish(self, pending, tensor, activation):
        """The `Value` that holds what is pending, quantized and named like a tensor."""
        shape = tuple(pending.shape[axis] for axis in TO_LAST) if pending.is_last else pending.shape
        index = self._like(tensor, tensor.name, shape)
        self.operators.append(pending.make(place=pending.place, outputs=(index,), activation=activation))
        return Value(index, pending.shape, pending.is_last)

    def in_layout(self, value, is_last):
        """The value with its channels last, or as in the file."""
        if value.is_last == is_last or len(value.shape) != 4:
            return value
        shape = tuple(value.shape[axis] for axis in TO_LAST) if is_last else value.shape
        index = self.like(value.index, self.tensors[value.index].name, shape)
        self.operators.append(Transpose(place=f"layout of {self.tensors[value.index].name}", inputs=(value.index,),
                                        outputs=(index,), permutation=TO_LAST if is_last else TO_FIRST))
        return Value(index, value.shape, is_last, value.dequantized)
