#!/usr/bin/env bash
# Found: with one runtime, the same weights and the same scales, FULLY_CONNECTED and CONV_2D of LiteRT's reference
# kernels round exact halves in different directions. FULLY_CONNECTED multiplies in float64 and rounds halves away from
# zero; CONV_2D multiplies in fixed point and rounds negative halves up.
#
# Expected: one rule for both, the fixed-point one of gemmlowp that TensorFlow Lite's quantization documents describe, or
# that both differ from it. A 1 x 1 convolution is the same product as a fully connected layer.
#
# The accumulators are -3, -1, 1, 3 and the factor is 0.5, so that every result is a half.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install \
    ai-edge-litert==2.3.0 numpy==2.4.6 flatbuffers==25.12.19 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType


def tensor(shape, buffer, scale, index, kind=schema.TensorType.INT8):
    made = schema.TensorT()
    made.name, made.shape, made.buffer, made.type = f"t{index}", shape, buffer, kind
    made.quantization = schema.QuantizationParametersT()
    made.quantization.scale, made.quantization.zeroPoint = [scale], [0]
    return made


def run(kind, weight_shape, in_shape, out_shape, options_type, options):
    model, graph, code, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    weights, bias = schema.BufferT(), schema.BufferT()
    weights.data, bias.data = np.array([1], np.uint8), np.zeros(4, np.uint8)
    model.version, model.buffers = 3, [schema.BufferT(), weights, bias]
    model.subgraphs, model.operatorCodes = [graph], [code]
    code.builtinCode = code.deprecatedBuiltinCode = kind
    code.version = 3
    graph.tensors = [tensor(in_shape, 0, 0.5, 0), tensor(weight_shape, 1, 1.0, 1), tensor(out_shape, 0, 1.0, 2),
                     tensor([1], 2, 0.5, 3, schema.TensorType.INT32)]
    graph.inputs, graph.outputs, graph.operators = [0], [2], [operator]
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 1, 3], [2]
    operator.builtinOptionsType, operator.builtinOptions = options_type, options
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    interpreter = Interpreter(model_content=bytes(builder.Output()),
                              experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, np.array([-3, -1, 1, 3], np.int8).reshape(in_shape))
    interpreter.invoke()
    return interpreter.get_tensor(2).reshape(-1).tolist()


convolution = schema.Conv2DOptionsT()
convolution.strideH = convolution.strideW = convolution.dilationHFactor = convolution.dilationWFactor = 1
convolution.padding = schema.Padding.VALID
found = {
    "CONV_2D": run(schema.BuiltinOperator.CONV_2D, [1, 1, 1, 1], [1, 4, 1, 1], [1, 4, 1, 1],
                   schema.BuiltinOptions.Conv2DOptions, convolution),
    "FULLY_CONNECTED": run(schema.BuiltinOperator.FULLY_CONNECTED, [1, 1], [4, 1], [4, 1],
                           schema.BuiltinOptions.FullyConnectedOptions, schema.FullyConnectedOptionsT()),
}
print("ai-edge-litert", importlib.metadata.version("ai-edge-litert"), "numpy", np.__version__)
print("-1.5, -0.5, 0.5, 1.5 are rounded to")
for name, values in found.items():
    print(f"{name:16}", values)
assert found == {"CONV_2D": [-1, 0, 1, 2], "FULLY_CONNECTED": [-2, -1, 1, 2]}, "this has changed"
PYTHON
