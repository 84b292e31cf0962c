"""Small ``.tflite`` files, written with the builders of the `tflite` package."""

from dataclasses import dataclass, field

import flatbuffers
import numpy as np
import tflite

TYPES = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9, "resource": 13, "int4": 17}
ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3, "tanh": 4}
PADDINGS = {"same": 0, "valid": 1}
# Of operators, where the runtime does not know 3.
VERSIONS = {"RESHAPE": 1, "RELU_N1_TO_1": 1, "RELU6": 2, "LEAKY_RELU": 2, "HARD_SWISH": 1, "PRELU": 1,
            "L2_NORMALIZATION": 2, "CALL_ONCE": 1, "VAR_HANDLE": 1, "READ_VARIABLE": 1, "ASSIGN_VARIABLE": 1,
            "SHAPE": 1, "PADV2": 2, "DEPTH_TO_SPACE": 1, "SPACE_TO_DEPTH": 2,
            "UNPACK": 2, "TILE": 2, "CAST": 1, "PACK": 2, "EXPAND_DIMS": 1, "SQUEEZE": 1, "SPLIT_V": 2,
            "UNIDIRECTIONAL_SEQUENCE_LSTM": 3, "ARG_MAX": 2, "ARG_MIN": 2, "DIV": 2, "SQRT": 1}


@dataclass
class FileTensor:
    """What a tensor is; ``data`` is in the bytes of the file, or None."""

    shape: tuple
    dtype: str
    scales: np.ndarray
    zero_point: int
    data: bytes | None
    axis: int
    is_open: bool
    is_variable: bool


@dataclass
class FileOperator:
    """What an operator is; ``code`` is its kind's place in the file, ``options`` and ``fields`` are as in the schema.
    """

    code: int
    inputs: list
    outputs: list
    options: str | None
    intermediates: list
    fields: dict


@dataclass
class FileGraph:
    """A subgraph."""

    tensors: list = field(default_factory=list)
    operators: list = field(default_factory=list)


class TfliteFile:
    """Collects tensors and operators; `data` are the bytes of the file.

    What is added goes into the main graph, or within ``with file.subgraph():`` into one of its own, the next.

    Attributes
    ----------
    graphs : list of FileGraph
        The main one first.
    codes : list of (int, int)
        Kinds of operators, and their versions.
    """

    def __init__(self):
        self.graphs, self.codes = [FileGraph()], []
        self._graph = self.graphs[0]

    def subgraph(self):
        """A context in which tensors and operators are those of a new subgraph."""
        self.graphs.append(FileGraph())
        return _Inside(self, self.graphs[-1])

    def tensor(self, shape, dtype="int8", scale=None, zero_point=0, data=None, axis=0, is_open=False,
               is_variable=False):
        """A tensor's number; ``scale`` may be a list, one a channel of dimension ``axis``, ``is_open`` its batch."""
        scales = [] if scale is None else np.ravel(scale).astype(np.float32)
        data = None if data is None else data if isinstance(data, bytes) else data.tobytes()
        self._graph.tensors.append(FileTensor(
            tuple(shape), dtype, scales, zero_point, data, axis, is_open, is_variable))
        return len(self._graph.tensors) - 1

    def constant(self, data, dtype="int8", scale=None, axis=0, zero_point=0):
        """The number of a tensor with data; that of int4 is packed, two in a byte."""
        if dtype == "int4":
            flat = np.append(np.ravel(data), [0] * (np.size(data) % 2)).astype(np.int64) & 15
            return self.tensor(np.shape(data), dtype, scale, zero_point,
                               (flat[::2] | flat[1::2] << 4).astype(np.uint8), axis)
        data = np.asarray(data, dtype=dtype)
        return self.tensor(data.shape, dtype, scale, zero_point, data, axis)

    def operator(self, kind, inputs, outputs, options=None, intermediates=(), **fields):
        """An operator, with one output or a list of them; ``options`` and its fields are named as in the schema."""
        code = getattr(tflite.BuiltinOperator, kind), VERSIONS.get(kind, 3)
        if code not in self.codes:
            self.codes.append(code)
        fields = {name: ACTIVATIONS.get(value, PADDINGS.get(value, value)) if isinstance(value, str) else value
                  for name, value in fields.items()}
        self._graph.operators.append(FileOperator(self.codes.index(code), list(inputs), np.ravel(outputs).tolist(),
                                                  options, list(intermediates), fields))
        return outputs

    def data(self, inputs, outputs):
        """The file, with these tensors as its ends."""
        builder = flatbuffers.Builder(1024)
        buffers, graphs = [self._buffer(builder, None)], []
        for number, graph in enumerate(self.graphs):
            graphs.append(self._subgraph(builder, graph, buffers, *((inputs, outputs) if number == 0 else ([], []))))
        codes = [self._code(builder, *code) for code in self.codes]
        vectors = [self._vector(builder, values, builder.PrependUOffsetTRelative)
                   for values in (codes, graphs, buffers)]
        tflite.ModelStart(builder)
        tflite.ModelAddVersion(builder, 3)
        for add, value in zip((tflite.ModelAddOperatorCodes, tflite.ModelAddSubgraphs, tflite.ModelAddBuffers),
                              vectors):
            add(builder, value)
        builder.Finish(tflite.ModelEnd(builder), b"TFL3")
        return bytes(builder.Output())

    def _subgraph(self, builder, graph, buffers, inputs, outputs):
        tensors = []
        for index, tensor in enumerate(graph.tensors):
            buffers.append(self._buffer(builder, tensor.data))
            tensors.append(self._tensor(builder, index, tensor, len(buffers) - 1))
        operators = [self._operator(builder, operator) for operator in graph.operators]
        ends = [self._vector(builder, values, builder.PrependInt32) for values in (inputs, outputs)]
        tables = [self._vector(builder, values, builder.PrependUOffsetTRelative) for values in (tensors, operators)]
        tflite.SubGraphStart(builder)
        for add, value in zip((tflite.SubGraphAddTensors, tflite.SubGraphAddOperators, tflite.SubGraphAddInputs,
                               tflite.SubGraphAddOutputs), (*tables, *ends)):
            add(builder, value)
        return tflite.SubGraphEnd(builder)

    @staticmethod
    def _vector(builder, values, prepend):
        width = 4
        builder.StartVector(width, len(values), width)
        for value in reversed(values):
            prepend(int(value))
        return builder.EndVector()

    @staticmethod
    def _buffer(builder, data):
        vector = None
        if data is not None:
            vector = builder.CreateNumpyVector(np.frombuffer(data, np.uint8))
        tflite.BufferStart(builder)
        if vector is not None:
            tflite.BufferAddData(builder, vector)
        return tflite.BufferEnd(builder)

    @staticmethod
    def _tensor(builder, index, tensor, buffer):
        name = builder.CreateString(f"t{index}")
        dimensions = builder.CreateNumpyVector(np.array(tensor.shape, np.int32))
        signature = builder.CreateNumpyVector(np.array([-1, *tensor.shape[1:]], np.int32)) if tensor.is_open else None
        quantization = None
        if len(tensor.scales):
            scale = builder.CreateNumpyVector(tensor.scales)
            points = builder.CreateNumpyVector(np.full(len(tensor.scales), tensor.zero_point, np.int64))
            tflite.QuantizationParametersStart(builder)
            tflite.QuantizationParametersAddScale(builder, scale)
            tflite.QuantizationParametersAddZeroPoint(builder, points)
            tflite.QuantizationParametersAddQuantizedDimension(builder, tensor.axis)
            quantization = tflite.QuantizationParametersEnd(builder)
        tflite.TensorStart(builder)
        tflite.TensorAddName(builder, name)
        tflite.TensorAddShape(builder, dimensions)
        tflite.TensorAddType(builder, TYPES[tensor.dtype])
        tflite.TensorAddBuffer(builder, buffer)
        tflite.TensorAddIsVariable(builder, tensor.is_variable)
        if signature is not None:
            tflite.TensorAddShapeSignature(builder, signature)
        if quantization is not None:
            tflite.TensorAddQuantization(builder, quantization)
        return tflite.TensorEnd(builder)

    @staticmethod
    def _code(builder, code, version):
        tflite.OperatorCodeStart(builder)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(code, 127))
        tflite.OperatorCodeAddBuiltinCode(builder, code)
        tflite.OperatorCodeAddVersion(builder, version)
        return tflite.OperatorCodeEnd(builder)

    def _operator(self, builder, operator):
        table, options = None, operator.options
        if options:
            fields = {name: builder.CreateString(value) if isinstance(value, str) else
                      self._vector(builder, value, builder.PrependInt32) if isinstance(value, list) else value
                      for name, value in operator.fields.items()}
            getattr(tflite, f"{options}Start")(builder)
            for name, value in fields.items():
                getattr(tflite, f"{options}Add{name}")(builder, value)
            table = getattr(tflite, f"{options}End")(builder)
        inputs, outputs, between = (self._vector(builder, values, builder.PrependInt32)
                                    for values in (operator.inputs, operator.outputs, operator.intermediates))
        tflite.OperatorStart(builder)
        tflite.OperatorAddOpcodeIndex(builder, operator.code)
        tflite.OperatorAddInputs(builder, inputs)
        tflite.OperatorAddOutputs(builder, outputs)
        if operator.intermediates:
            tflite.OperatorAddIntermediates(builder, between)
        if options:
            tflite.OperatorAddBuiltinOptionsType(builder, getattr(tflite.BuiltinOptions, options))
            tflite.OperatorAddBuiltinOptions(builder, table)
        return tflite.OperatorEnd(builder)


@dataclass
class _Inside:
    """What is added to a file goes into a graph."""

    file: TfliteFile
    graph: FileGraph

    def __enter__(self):
        self.before, self.file._graph = self.file._graph, self.graph
        return self.file

    def __exit__(self, *_):
        self.file._graph = self.before
