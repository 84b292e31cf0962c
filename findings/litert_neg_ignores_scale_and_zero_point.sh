#!/usr/bin/env bash
# Found: NEG, FLOOR_DIV and FLOOR_MOD of int8 tensors in LiteRT take the stored integers as they are. Scales and zero
# points of inputs and output, which the file has and the interpreter shows, change nothing: the operators compute the
# same with any. Reference kernels and default kernels agree in this.
#
# Expected: a result that stands for the negated (divided) number, as of the other int8 operators such as ABS, which does
# take them into account: with a zero point of 10, the number 0 is stored as 10, and its negative too.
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

VALUES = [10, 11, 20, -5]


def tensor(name, scale, zero_point):
    made = schema.TensorT()
    made.name, made.shape, made.buffer, made.type = name, [4], 0, schema.TensorType.INT8
    made.quantization = schema.QuantizationParametersT()
    made.quantization.scale, made.quantization.zeroPoint = [scale], [zero_point]
    return made


def run(kind, inputs, resolver):
    model, graph, code, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    model.version, model.buffers, model.subgraphs, model.operatorCodes = 3, [schema.BufferT()], [graph], [code]
    code.builtinCode = code.deprecatedBuiltinCode = kind
    code.version = 1
    graph.tensors = [*(tensor(f"x{number}", *scale) for number, (_, *scale) in enumerate(inputs)), tensor("y", 0.25, 3)]
    graph.inputs, graph.outputs, graph.operators = list(range(len(inputs))), [len(inputs)], [operator]
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, graph.inputs, graph.outputs
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    interpreter = Interpreter(model_content=bytes(builder.Output()), experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    for number, (values, *_) in enumerate(inputs):
        interpreter.set_tensor(number, np.array(values, np.int8))
    interpreter.invoke()
    return interpreter.get_tensor(len(inputs)).tolist()


def numbers(values, scale, zero_point):
    return [scale * (value - zero_point) for value in values]


print("ai-edge-litert", importlib.metadata.version("ai-edge-litert"), "numpy", np.__version__)
x, divisor, kinds = (VALUES, 0.5, 10), ([3, 3, 3, 3], 0.5, -1), schema.BuiltinOperator
print("x has scale 0.5 and zero point 10, the output scale 0.25 and zero point 3; x stands for", numbers(*x))
for resolver in (OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN):
    found = {"NEG": run(kinds.NEG, [x], resolver), "FLOOR_DIV": run(kinds.FLOOR_DIV, [x, divisor], resolver),
             "FLOOR_MOD": run(kinds.FLOOR_MOD, [x, divisor], resolver), "ABS": run(kinds.ABS, [x], resolver)}
    for name, values in found.items():
        print(f"{resolver.name:12} {name:10}", values, "which stands for", numbers(values, 0.25, 3))
    assert found["NEG"] == [-value for value in VALUES], "this has changed"
    assert found["FLOOR_DIV"] == [value // 3 for value in VALUES], "this has changed"
    assert found["FLOOR_MOD"] == [value % 3 for value in VALUES], "this has changed"
    assert found["ABS"] == [3 + 2 * abs(value - 10) for value in VALUES], "this has changed"
PYTHON
