"""Reading quantized ``.onnx`` files (QDQ: every operator between DequantizeLinear and QuantizeLinear) as a `Network`.

What stands between the two is one quantized operator: its operands are what was dequantized, its output what is
quantized after it. Unsigned 8-bit tensors become signed ones with a zero point that is smaller by 128, and images are
laid out with their channels last; transpositions are added where something needs the layout of the file.

What ONNX defines in floating point has one result here; `golden/float_layers.py` says which.
"""

import numpy as np

from . import network as net
from .checks import check
from .network import NetworkError, Tensor
from .onnx_operators import NODES
from .onnx_values import TO_FIRST, TO_LAST, Constant, Pending, Value

MOST_NODES = 1 << 14
# Numbers of ONNX's types.
FLOAT, UINT8, INT8, INT16 = 1, 2, 3, 5


def read_onnx(data, name):
    """The `Network` in the bytes of a file; NetworkError as of `load_network`."""
    return read_values(data, name)[0]


def read_values(data, name):
    """The `Network` in the bytes of a file, and what each name in the file stands for."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise NetworkError("onnx not found: pip install -e '.[onnx]'") from None
    try:
        model = onnx.ModelProto.FromString(data)
        reader = _Reader(onnx, model.graph)
        network = reader.network(name)
    except NetworkError:
        raise
    except (DecodeError, UnicodeDecodeError, ValueError, TypeError, IndexError, KeyError, OverflowError,
            AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NetworkError(f"model must be a whole .onnx file, and {name} is damaged: {reason}") from None
    check(network)
    return network, reader.values


class _Reader:
    """One graph on its way to a `Network`."""

    def __init__(self, onnx, graph):
        self._onnx, self._graph = onnx, graph
        self.tensors, self.operators, self.values = [], [], {}

    def network(self, name):
        """The `Network`, not yet checked."""
        graph = self._graph
        if len(graph.node) > MOST_NODES or len(graph.initializer) > MOST_NODES:
            raise NetworkError(f"model must have at most {MOST_NODES} nodes, not {len(graph.node)}")
        for initializer in graph.initializer:
            self.values[initializer.name] = Constant(self.array(initializer))
        inputs = [self._input(value) for value in graph.input if value.name not in self.values]
        for number, node in enumerate(graph.node):
            self._node(f"node {number} ({node.op_type})", node)
        outputs = [self._output(value.name) for value in graph.output]
        return net.Network(name, self.tensors, self.operators, tuple(inputs), tuple(outputs))

    def array(self, tensor):
        if tensor.data_location == self._onnx.TensorProto.EXTERNAL:
            raise NetworkError(f"tensor {tensor.name} must be in the model's own file, and is in another")
        return self._onnx.numpy_helper.to_array(tensor)

    def _input(self, value):
        kind = value.type.tensor_type
        # The batch, which comes first, needs no number.
        shape = tuple(dimension.dim_value or int(number == 0) for number, dimension in enumerate(kind.shape.dim))
        if 0 in shape:
            raise NetworkError(f"input {value.name} must have a number for dimension {shape.index(0)}, "
                               f"not {kind.shape.dim[shape.index(0)].dim_param or 0!r}")
        if kind.elem_type not in (FLOAT, INT8):
            raise NetworkError(f"input {value.name} must be of float32 or int8, not of type number {kind.elem_type}")
        index = self.tensor(Tensor(value.name, shape, "float32" if kind.elem_type == FLOAT else "int8"))
        self.values[value.name] = Value(index, shape)
        return index

    def _output(self, name):
        value = self.values.get(name)
        if not isinstance(value, Value):
            raise NetworkError(f"output {name} must be quantized, and is not")
        value = self._in_layout(value, False)
        if not value.dequantized:
            return value.index
        result = self.tensor(Tensor(name, value.shape, "float32"))
        self.operators.append(net.Dequantize(place=f"output {name}", inputs=(value.index,), output=result))
        return result

    def tensor(self, tensor):
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def like(self, index, name, shape):
        """A new tensor quantized like another."""
        tensor = self.tensors[index]
        return self.tensor(Tensor(name, shape, tensor.dtype, tensor.scales, tensor.zero_points))

    def made(self, pending, output, activation):
        """The number of a tensor, in the file's layout, that holds what is pending, quantized like ``output``."""
        shape = tuple(pending.shape[axis] for axis in TO_LAST) if pending.is_last else pending.shape
        index = self.like(output, pending.place, shape)
        self.operators.append(pending.make(place=pending.place, output=index, activation=activation))
        return self._in_layout(Value(index, pending.shape, pending.is_last), False).index

    def _in_layout(self, value, is_last):
        """The value with its channels last, or as in the file."""
        if value.is_last == is_last or len(value.shape) != 4:
            return value
        shape = tuple(value.shape[axis] for axis in TO_LAST) if is_last else value.shape
        index = self.like(value.index, self.tensors[value.index].name, shape)
        self.operators.append(net.Transpose(place=f"layout of {self.tensors[value.index].name}",
                                             inputs=(value.index,), output=index,
                                             permutation=TO_LAST if is_last else TO_FIRST))
        return Value(index, value.shape, is_last, value.dequantized)

    # Nodes.

    def _node(self, place, node):
        if node.domain not in ("", "ai.onnx") or node.op_type not in ALL_NODES:
            raise NetworkError(f"{place} must be one of {', '.join(sorted(ALL_NODES))}")
        if (not node.input and node.op_type != "Constant") or len(node.output) != 1:
            raise NetworkError(f"{place} must have inputs and one output, not {len(node.input)} and "
                               f"{len(node.output)}")
        operands = []
        for name in node.input:
            if name and name not in self.values:
                raise NetworkError(f"{place} must use what is computed before it, not {name}")
            operands.append(self.values[name] if name else None)
        attributes = {attribute.name: self._onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        self.values[node.output[0]] = ALL_NODES[node.op_type](self, place, attributes, operands, node.output[0])

    def require(self, place, condition, rule, value):
        """One line, unless the condition holds."""
        if not condition:
            raise NetworkError(f"{place} must have {rule}, not {value}")

    def _parameters(self, place, attributes, operands):
        """Scales, zero points, type and axis of a QuantizeLinear or DequantizeLinear."""
        scale, zero = [*operands, None][1:3]
        self.require(place, isinstance(scale, Constant) and (zero is None or isinstance(zero, Constant)),
                     "a constant scale and zero point", "computed ones")
        scales = scale.array.astype(np.float32).reshape(-1)
        kind = np.dtype(np.uint8) if zero is None else zero.array.dtype
        points = np.zeros(scales.size, np.int64) if zero is None else zero.array.astype(np.int64).reshape(-1)
        self.require(place, scales.size > 0 and points.size == scales.size, "as many scales as zero points",
                     f"{scales.size} and {points.size}")
        return scales, points, kind, int(attributes.get("axis", 1))

    def dequantize(self, place, attributes, operands, name):
        """DequantizeLinear: a mark on a tensor, or on a constant."""
        value = operands[0]
        scales, points, _, axis = self._parameters(place, attributes, operands)
        if isinstance(value, Constant):
            self.require(place, value.array.dtype.kind in "iu", "integers", value.array.dtype)
            return Constant(value.array, scales, points, axis + value.array.ndim if axis < 0 else axis)
        self.require(place, isinstance(value, Value), "a quantized operand", "one in floating point")
        tensor = self.tensors[value.index]
        if not tensor.scales.size and value.index in self._input_numbers():
            # An input that comes as integers has its scale here.
            self.tensors[value.index] = Tensor(tensor.name, tensor.shape, "int8", scales, points)
        return Value(value.index, value.shape, value.is_last, True)

    def _input_numbers(self):
        return {value.index for value in self.values.values() if isinstance(value, Value)
                and self.tensors[value.index].dtype == "int8" and not self.tensors[value.index].scales.size}

    def quantize(self, place, attributes, operands, name):
        """QuantizeLinear: the output of what is pending, or of a constant, or of an operator by itself."""
        value = operands[0]
        scales, points, kind, axis = self._parameters(place, attributes, operands)
        if isinstance(value, Constant):
            return self._quantized_constant(place, value, scales, points, kind, axis)
        self.require(place, kind in (np.int8, np.uint8, np.int16), "a type of int8, uint8 or int16", kind)
        self.require(place, scales.size == 1, "one scale", scales.size)
        output = Tensor(name, (), "int16" if kind == np.int16 else "int8", scales,
                        points - 128 if kind == np.uint8 else points)
        if isinstance(value, Pending):
            shape = tuple(value.shape[axis] for axis in TO_LAST) if value.is_last else value.shape
            index = self.tensor(Tensor(name, shape, output.dtype, scales, output.zero_points))
            self.operators.append(value.make(place=value.place, output=index, activation=value.activation))
            return Value(index, value.shape, value.is_last)
        tensor = self.tensors[value.index]
        index = self.tensor(Tensor(name, tensor.shape, output.dtype, scales, output.zero_points))
        self.operators.append(net.Quantize(place=place, inputs=(value.index,), output=index, rounding="float"))
        return Value(index, value.shape, value.is_last)

    def _quantized_constant(self, place, value, scales, points, kind, axis):
        self.require(place, kind in (np.int8, np.uint8, np.int16, np.int32), "a type of int8, uint8, int16 or int32",
                     kind)
        axis = axis + value.array.ndim if axis < 0 else axis
        shape = [-1 if dimension == axis else 1 for dimension in range(value.array.ndim)] if scales.size > 1 else ()
        limits = np.iinfo(kind)
        scaled = value.values / (scales.reshape(shape) if shape else scales[0])
        rounded = np.rint(scaled) + (points.reshape(shape) if shape else points[0])
        return Constant(np.clip(rounded, limits.min, limits.max).astype(kind))

    def operand(self, place, value, *, is_last):
        """The number of a dequantized operand in a layout; constants become tensors."""
        if isinstance(value, Constant):
            self.require(place, value.scales is not None and value.scales.size == 1 and value.array.dtype in (
                np.int8, np.uint8, np.int16), "quantized operands", "a constant in floating point")
            lower = 128 if value.array.dtype == np.uint8 else 0
            data = (value.array.astype(np.int64) - lower).astype(np.int16 if value.array.dtype == np.int16 else np.int8)
            if is_last and data.ndim == 4:
                data = data.transpose(TO_LAST)
            return self.tensor(Tensor(place, data.shape, data.dtype.name, value.scales, value.zero_points - lower, 0,
                                       data))
        self.require(place, isinstance(value, Value) and value.dequantized, "quantized operands",
                     "one in floating point")
        return self._in_layout(value, is_last).index


ALL_NODES = {**NODES, "DequantizeLinear": _Reader.dequantize, "QuantizeLinear": _Reader.quantize}
