"""Reading quantized ``.onnx`` files, of which `OnnxGraph` says what they are made of, as a `Network`.

What ONNX defines in floating point has one result here; `golden/kernels/float_layers.py` says which.
"""

import numpy as np

from ..checks import check
from ..network import MAX_ELEMENTS, Network, NetworkError, Tensor
from ..onnx_node import Constant, OnnxNode, Product, Unread, Value
from ..onnx_operators import ONNX
from ..problems import Problems
from .onnx_graph import OnnxGraph

# Nodes; elements of constants that nodes of constants make.
MAX_NODES, MAX_FOLDED = 1 << 14, 1 << 25
# The opsets whose operators are known here, of ONNX and of ONNX Runtime's own.
OPSETS, MICROSOFT_OPSETS = (10, 26), (1, 1)
# Numbers of ONNX's types that an input may have.
INPUTS = {1: "float32", 2: "uint8", 3: "int8", 5: "int16"}
# Attributes of a Constant, and the type of what each gives.
CONSTANTS = {"value": None, "value_float": np.float32, "value_floats": np.float32, "value_int": np.int64,
             "value_ints": np.int64}
# What helps with operators that are not read.
DYNAMIC = "use quantize_static, because the scales of quantize_dynamic come with each input"
HELP = {
    "BatchNormalization": "fold it into the weights before quantization, as onnxruntime's quant_pre_process does",
    "DynamicQuantizeLinear": DYNAMIC, "MatMulInteger": DYNAMIC, "ConvInteger": DYNAMIC, "DynamicQuantizeLSTM": DYNAMIC,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), "run the recurrence outside of the network, one step a run"),
    **dict.fromkeys(("If", "Loop", "Scan"), "unroll it when the network is exported"),
}


def read_onnx(data, name, runtime="onnx"):
    """The `Network` in the bytes of a file; NetworkError as of `load_network`."""
    return read_values(data, name, runtime)[0]


def read_values(data, name, runtime="onnx"):
    """The `Network` in the bytes of a file, and the `OnnxGraph` that says what each name in the file stands for."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise NetworkError("onnx not found: pip install -e '.[onnx]'") from None
    try:
        model = onnx.ModelProto.FromString(data)
        reader = _Reader(onnx, model)
        network = reader.network(name, runtime)
    except NetworkError:
        raise
    except (DecodeError, UnicodeDecodeError, ValueError, TypeError, IndexError, KeyError, OverflowError,
            AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NetworkError(f"model must be a whole .onnx file, and {name} is damaged: {reason}") from None
    check(network, reader.problems)
    return network, reader.graph


class _Reader:
    """One file: its nodes, one after the other, go into `graph`."""

    def __init__(self, onnx, model):
        self._onnx, self._file, self.graph, self.problems = onnx, model.graph, OnnxGraph(), Problems()
        self._folded = 0
        self._opsets = {"" if opset.domain == "ai.onnx" else opset.domain: opset.version
                        for opset in model.opset_import}

    def network(self, name, runtime):
        """The `Network`, not yet checked."""
        file, values = self._file, self.graph.values
        if len(file.node) > MAX_NODES or len(file.initializer) > MAX_NODES:
            raise NetworkError(f"model must have at most {MAX_NODES} nodes, not {len(file.node)}")
        if len(file.sparse_initializer):
            raise NetworkError(f"model must have no sparse initializers, not {len(file.sparse_initializer)}")
        for initializer in file.initializer:
            values[initializer.name] = Constant(self._array(initializer))
        inputs = [self._input(value) for value in file.input if value.name not in values]
        for number, node in enumerate(file.node):
            self._read(f"node {number} ({node.op_type})", node)
        outputs = [self._output(value.name) for value in file.output]
        return Network(name, self.graph.tensors, self.graph.operators, tuple(inputs), tuple(outputs), runtime)

    def _array(self, tensor):
        if tensor.data_location == self._onnx.TensorProto.EXTERNAL:
            raise NetworkError(f"tensor {tensor.name} must be in the model's own file, and is in another")
        size = int(np.prod(list(tensor.dims), dtype=object))
        if not 0 <= size <= MAX_ELEMENTS:
            raise NetworkError(f"tensor {tensor.name} must have at most {MAX_ELEMENTS} elements, not {size}")
        try:
            return self._onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError, KeyError):
            raise NetworkError(f"tensor {tensor.name} must have data of its type (number {tensor.data_type}) and its "
                               f"shape {list(tensor.dims)[:8]}, and has not") from None

    def _input(self, value):
        kind = value.type.tensor_type
        # The batch, which comes first, needs no number.
        shape = tuple(dimension.dim_value or int(number == 0) for number, dimension in enumerate(kind.shape.dim))
        if 0 in shape:
            raise NetworkError(f"input {value.name} must have a number for dimension {shape.index(0)}, "
                               f"not {kind.shape.dim[shape.index(0)].dim_param or 0!r}")
        if kind.elem_type not in INPUTS:
            raise NetworkError(f"input {value.name} must be of {', '.join(INPUTS.values())}, "
                               f"not of type number {kind.elem_type}")
        index = self.graph.tensor(Tensor(value.name, shape, INPUTS[kind.elem_type]))
        self.graph.values[value.name] = Value(index, shape)
        return index

    def _output(self, name):
        value = self.graph.values.get(name)
        if isinstance(value, Unread):
            return -1
        if not isinstance(value, (Value, Product)):
            raise NetworkError(f"output {name} must be computed from an input, and is not")
        if isinstance(value, Product) or value.dequantized:
            value = self.graph.numbers(None, value)
        return self.graph.in_layout(value, False).index

    def _read(self, location, node):
        values, names = self.graph.values, list(node.output)
        while names and not names[-1]:
            names.pop()
        for name in node.input:
            if name and name not in values:
                raise NetworkError(f"{location} must use what is computed before it, not {name}")
        for name in names:
            if name in values:
                raise NetworkError(f"{location} must make what is not there yet, not {name} again")
        operands = [values[name] if name else None for name in node.input]
        made = (Unread(),) * len(names)
        if not any(isinstance(operand, Unread) for operand in operands):
            with self.problems.of(location):
                made = self._made(location, node, operands, tuple(names))
        elif self._form(node) is None:
            with self.problems.of(location):
                self._refuse_kind(location, node)
        made = made if isinstance(made, tuple) else (made,)
        self._folded += sum(one.array.size for one in made if isinstance(one, Constant) and node.input)
        if self._folded > MAX_FOLDED:
            raise NetworkError(f"model must compute at most {MAX_FOLDED} elements of constants, and has more at "
                               f"{location}")
        values.update(zip(names, made, strict=True))

    def _form(self, node):
        """The form of a node, and what reads it; None if there is none."""
        return ONNX.get(("" if node.domain == "ai.onnx" else node.domain, node.op_type))

    @staticmethod
    def _refuse_kind(location, node):
        help_ = HELP.get(node.op_type, "what is before it runs where the file ends there")
        raise NetworkError(f"{location} must be one of those that bitline operators lists: {help_}")

    def _made(self, location, node, operands, names):
        attributes = {attribute.name: self._onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx"):
            return self._constant(location, attributes)
        if self._form(node) is None:
            self._refuse_kind(location, node)
        form, read = self._form(node)
        made = OnnxNode(self.graph, node.op_type, location, self._version(location, form), attributes, operands, names)
        made.require(1 <= len(names) <= form.max_outputs and all(names), f"1 to {form.max_outputs} outputs", names)
        self._check_attributes(made, form, {attribute.name: attribute.type for attribute in node.attribute})
        return read(made)

    def _version(self, location, form):
        """The opset in which the definition came that a node of a form has."""
        opset, (oldest, newest) = self._opsets.get(form.domain), MICROSOFT_OPSETS if form.domain else OPSETS
        oldest = max(oldest, form.versions[0])
        if opset is None or not oldest <= opset <= newest:
            raise NetworkError(f"{location} must be of opset {oldest} to {newest}, not {opset}")
        version = form.versions[0] if form.domain else self._schema(form).since_version
        if version not in form.versions:
            raise NetworkError(f"{location} must be of a definition that is known, not that of opset {version}")
        return version

    def _schema(self, form):
        """ONNX's own, of the file's opset."""
        return self._onnx.defs.get_schema(form.name, self._opsets[form.domain], form.domain)

    def _check_attributes(self, node, form, types):
        """Each is one of the node's definition and of its type, and read, or of a value that is."""
        known, defined = {*form.attributes, *form.fixed}, {}
        if not form.domain:
            defined = self._schema(form).attributes
            known &= set(defined)
        for name, value in node.attributes.items():
            node.require(name in known, f"attributes among {', '.join(sorted(known)) or 'none'}", name)
            node.require(name not in defined or types[name] == defined[name].type.value, f"{name} of its type in ONNX",
                         f"of type number {types[name]}")
            if name in form.fixed:
                wanted = form.fixed[name] if isinstance(form.fixed[name], tuple) else (form.fixed[name],)
                rule = f"{name} {' or '.join(map(str, wanted))}" if wanted else f"no {name}"
                node.require(value in wanted, rule, value)

    def _constant(self, location, attributes):
        name, value = next(iter(attributes.items()), (None, None))
        if len(attributes) != 1 or name not in CONSTANTS:
            raise NetworkError(f"{location} must have one of {', '.join(CONSTANTS)}, not {sorted(attributes)}")
        return Constant(self._array(value) if name == "value" else np.array(value, CONSTANTS[name]))
