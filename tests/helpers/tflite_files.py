"""Small ``.tflite`` files, written with the builders of the `tflite` package."""

import flatbuffers
import numpy as np
import tflite

TYPES = {"float32": 0, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9, "resource": 13}
ACTIVATIONS = {"none": 0, "relu": 1, "relu_n1_to_1": 2, "relu6": 3}
PADDINGS = {"same": 0, "valid": 1}
# Of operators, where the runtime does not know 3.
VERSIONS = {"RESHAPE": 1, "RELU_N1_TO_1": 1, "RELU6": 2, "LEAKY_RELU": 2,
            "HARD_SWISH": 1, "PRELU": 1, "L2_NORMALIZATION": 2}


class TfliteFile:
    """Collects tensors and operators; `data` are the bytes of the file."""

    def __init__(self):
        self._tensors, self._operators, self._codes = [], [], []

    def tensor(self, shape, dtype="int8", scale=None, zero_point=0, data=None, axis=0, is_open=False):
        """A tensor's number; ``scale`` may be a list, one a channel of dimension ``axis``, ``is_open`` its batch."""
        scales = [] if scale is None else np.ravel(scale).astype(np.float32)
        self._tensors.append((shape, dtype, scales, zero_point, data, axis, is_open))
        return len(self._tensors) - 1

    def constant(self, data, dtype="int8", scale=None, axis=0):
        """The number of a tensor with data."""
        data = np.asarray(data, dtype=dtype)
        return self.tensor(data.shape, dtype, scale, 0, data, axis)

    def operator(self, kind, inputs, outputs, options=None, **fields):
        """An operator, with one output or a list of them; ``options`` and its fields are named as in the schema."""
        code = getattr(tflite.BuiltinOperator, kind)
        if (code, VERSIONS.get(kind, 3)) not in self._codes:
            self._codes.append((code, VERSIONS.get(kind, 3)))
        fields = {name: ACTIVATIONS.get(value, PADDINGS.get(value, value)) if isinstance(value, str) else value
                  for name, value in fields.items()}
        self._operators.append((self._codes.index((code, VERSIONS.get(kind, 3))), inputs, outputs, options, fields))
        return outputs

    def data(self, inputs, outputs):
        """The file, with these tensors as its ends."""
        builder = flatbuffers.Builder(1024)
        buffers, tensors = [self._buffer(builder, None)], []
        for index, (shape, dtype, scales, zero_point, data, axis, is_open) in enumerate(self._tensors):
            buffers.append(self._buffer(builder, data))
            tensors.append(self._tensor(builder, index, shape, dtype, scales, zero_point, axis, is_open))
        operators = [self._operator(builder, *operator) for operator in self._operators]
        ends = [self._vector(builder, values, builder.PrependInt32) for values in (inputs, outputs)]
        tables = [self._vector(builder, values, builder.PrependUOffsetTRelative) for values in (tensors, operators)]
        tflite.SubGraphStart(builder)
        for add, value in zip((tflite.SubGraphAddTensors, tflite.SubGraphAddOperators, tflite.SubGraphAddInputs,
                               tflite.SubGraphAddOutputs), (*tables, *ends)):
            add(builder, value)
        graph = tflite.SubGraphEnd(builder)
        codes = [self._code(builder, *code) for code in self._codes]
        vectors = [self._vector(builder, values, builder.PrependUOffsetTRelative)
                   for values in (codes, [graph], buffers)]
        tflite.ModelStart(builder)
        tflite.ModelAddVersion(builder, 3)
        for add, value in zip((tflite.ModelAddOperatorCodes, tflite.ModelAddSubgraphs, tflite.ModelAddBuffers),
                              vectors):
            add(builder, value)
        builder.Finish(tflite.ModelEnd(builder), b"TFL3")
        return bytes(builder.Output())

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
            vector = builder.CreateNumpyVector(np.frombuffer(data.tobytes(), np.uint8))
        tflite.BufferStart(builder)
        if vector is not None:
            tflite.BufferAddData(builder, vector)
        return tflite.BufferEnd(builder)

    @staticmethod
    def _tensor(builder, index, shape, dtype, scales, zero_point, axis, is_open):
        name = builder.CreateString(f"t{index}")
        dimensions = builder.CreateNumpyVector(np.array(shape, np.int32))
        signature = builder.CreateNumpyVector(np.array([-1, *shape[1:]], np.int32)) if is_open else None
        quantization = None
        if len(scales):
            scale = builder.CreateNumpyVector(scales)
            points = builder.CreateNumpyVector(np.full(len(scales), zero_point, np.int64))
            tflite.QuantizationParametersStart(builder)
            tflite.QuantizationParametersAddScale(builder, scale)
            tflite.QuantizationParametersAddZeroPoint(builder, points)
            tflite.QuantizationParametersAddQuantizedDimension(builder, axis)
            quantization = tflite.QuantizationParametersEnd(builder)
        tflite.TensorStart(builder)
        tflite.TensorAddName(builder, name)
        tflite.TensorAddShape(builder, dimensions)
        tflite.TensorAddType(builder, TYPES[dtype])
        tflite.TensorAddBuffer(builder, index + 1)
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

    def _operator(self, builder, code, inputs, outputs, options, fields):
        table = None
        if options:
            getattr(tflite, f"{options}Start")(builder)
            for name, value in fields.items():
                getattr(tflite, f"{options}Add{name}")(builder, value)
            table = getattr(tflite, f"{options}End")(builder)
        inputs = self._vector(builder, inputs, builder.PrependInt32)
        outputs = self._vector(builder, np.ravel(outputs), builder.PrependInt32)
        tflite.OperatorStart(builder)
        tflite.OperatorAddOpcodeIndex(builder, code)
        tflite.OperatorAddInputs(builder, inputs)
        tflite.OperatorAddOutputs(builder, outputs)
        if options:
            tflite.OperatorAddBuiltinOptionsType(builder, getattr(tflite.BuiltinOptions, options))
            tflite.OperatorAddBuiltinOptions(builder, table)
        return tflite.OperatorEnd(builder)
