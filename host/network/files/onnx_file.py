"""Reading quantized ``.onnx`` files, of which `OnnxGraph` says what they are made of, as a `Network`.

What ONNX defines in floating point has one result here; `golden/float_layers.py` says which.
"""

from ..checks import check
from ..network import Network, NetworkError, Tensor
from ..onnx_node import Constant, OnnxNode, Value
from ..operator import outputs_up_to
from ..operators import ONNX, Dequantize
from .onnx_graph import OnnxGraph

MOST_NODES = 1 << 14
# Numbers of ONNX's types.
FLOAT, INT8 = 1, 3


def read_onnx(data, name, runtime="onnx"):
    """The `Network` in the bytes of a file; NetworkError as of `load_network`."""
    return read_values(data, name, runtime)[0]


def read_values(data, name, runtime="onnx"):
    """The `Network` in the bytes of a file, and what each name in the file stands for."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise NetworkError("onnx not found: pip install -e '.[onnx]'") from None
    try:
        model = onnx.ModelProto.FromString(data)
        reader = _Reader(onnx)
        network = reader.network(model.graph, name, runtime)
    except NetworkError:
        raise
    except (DecodeError, UnicodeDecodeError, ValueError, TypeError, IndexError, KeyError, OverflowError,
            AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NetworkError(f"model must be a whole .onnx file, and {name} is damaged: {reason}") from None
    check(network)
    return network, reader.graph.values


class _Reader:
    """One file: its nodes, one after the other, go into `graph`."""

    def __init__(self, onnx):
        self._onnx, self.graph = onnx, OnnxGraph()

    def network(self, file, name, runtime):
        """The `Network`, not yet checked."""
        if len(file.node) > MOST_NODES or len(file.initializer) > MOST_NODES:
            raise NetworkError(f"model must have at most {MOST_NODES} nodes, not {len(file.node)}")
        for initializer in file.initializer:
            self.graph.values[initializer.name] = Constant(self._array(initializer))
        inputs = [self._input(value) for value in file.input if value.name not in self.graph.values]
        for number, node in enumerate(file.node):
            self._node(f"node {number} ({node.op_type})", node)
        outputs = [self._output(value.name) for value in file.output]
        return Network(name, self.graph.tensors, self.graph.operators, tuple(inputs), tuple(outputs),
                       runtime)

    def _array(self, tensor):
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
        index = self.graph.tensor(Tensor(value.name, shape, "float32" if kind.elem_type == FLOAT else "int8"))
        self.graph.values[value.name] = Value(index, shape)
        return index

    def _output(self, name):
        value = self.graph.values.get(name)
        if not isinstance(value, Value):
            raise NetworkError(f"output {name} must be quantized, and is not")
        value = self.graph.in_layout(value, False)
        if not value.dequantized:
            return value.index
        result = self.graph.tensor(Tensor(name, value.shape, "float32"))
        self.graph.operators.append(Dequantize(place=f"output {name}", inputs=(value.index,), outputs=(result,)))
        return result

    def _node(self, place, node):
        values, names = self.graph.values, sorted([*ONNX, "Constant"])
        if node.domain not in ("", "ai.onnx") or node.op_type not in names:
            raise NetworkError(f"{place} must be one of {', '.join(names)}")
        operator = ONNX.get(node.op_type)
        most = operator.most_outputs if operator else 1
        if (not node.input and operator) or not 1 <= len(node.output) <= most:
            raise NetworkError(f"{place} must have inputs and {outputs_up_to(most)}, not {len(node.input)} and "
                               f"{len(node.output)}")
        operands = []
        for name in node.input:
            if name and name not in values:
                raise NetworkError(f"{place} must use what is computed before it, not {name}")
            operands.append(values[name] if name else None)
        attributes = {attribute.name: self._onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        read = operator.from_onnx if operator else self._constant
        made = read(OnnxNode(self.graph, node.op_type, place, attributes, operands, tuple(node.output)))
        values.update(zip(node.output, made if isinstance(made, tuple) else (made,), strict=True))

    def _constant(self, node):
        node.require("value" in node.attributes, "a tensor as value", sorted(node.attributes))
        return Constant(self._array(node.attributes["value"]))
