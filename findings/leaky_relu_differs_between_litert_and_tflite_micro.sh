#!/usr/bin/env bash
# Found: LEAKY_RELU of int8 gives other integers in tflite-micro than in LiteRT for the same file, because the quotient of
# the scales, from which the fixed-point multiplier is made, is computed in float32 by LiteRT and in float64 by
# tflite-micro. Where the quotient is meant to be a simple fraction, such as 100 / 12, results at halves differ by one.
#
# Expected: equal results. Both have the kernel of TensorFlow Lite's reference, with the same fixed-point arithmetic, and
# scales are float32 in the file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" --quiet --disable-pip-version-check install ai-edge-litert==2.3.0 numpy==2.4.6 \
    flatbuffers==25.12.19 tflite-micro==0.dev20261023182759 2>/dev/null
"$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro.python.tflite_micro import runtime

X = np.arange(-128, 128, dtype=np.int8)[None]


def tensor(name, scale):
    made = schema.TensorT()
    made.name, made.shape, made.buffer, made.type = name, [1, 256], 0, schema.TensorType.INT8
    made.quantization = schema.QuantizationParametersT()
    made.quantization.scale, made.quantization.zeroPoint = [scale], [0]
    return made


def leaky_relu(input_scale, output_scale, alpha):
    model, graph, code, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    model.version, model.buffers, model.subgraphs, model.operatorCodes = 3, [schema.BufferT()], [graph], [code]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.LEAKY_RELU
    code.version = 2
    graph.tensors = [tensor("x", input_scale), tensor("y", output_scale)]
    graph.inputs, graph.outputs, graph.operators = [0], [1], [operator]
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    operator.builtinOptionsType = schema.BuiltinOptions.LeakyReluOptions
    operator.builtinOptions = schema.LeakyReluOptionsT()
    operator.builtinOptions.alpha = alpha
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def results(data):
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, X)
    interpreter.invoke()
    micro = runtime.Interpreter.from_bytes(data)
    micro.set_input(X, 0)
    micro.invoke()
    return interpreter.get_tensor(1).ravel(), micro.get_output(0).ravel()


for package in ("ai-edge-litert", "tflite-micro", "numpy"):
    print(package, importlib.metadata.version(package))
for scales, expected in (((0.1, 0.012, 0.5), 5), ((0.026, 0.016, 0.5), 10), ((0.5, 0.25, 0.5), 0)):
    litert, micro = results(leaky_relu(*scales))
    differs = np.flatnonzero(litert != micro)
    print("scales and alpha", scales, "differ at", [
        (int(X[0, index]), int(litert[index]), int(micro[index])) for index in differs], "(x, LiteRT, tflite-micro)")
    assert len(differs) == expected and (abs(litert.astype(int) - micro) <= 1).all(), "this has changed"
PYTHON
