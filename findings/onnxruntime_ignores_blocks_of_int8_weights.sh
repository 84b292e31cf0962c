#!/usr/bin/env bash
# Found: ONNX Runtime with its default optimization gives other numbers for an int8 or uint8 matrix whose DequantizeLinear
# has a block_size, behind a DequantizeLinear of int8 activations. From ORT_ENABLE_EXTENDED on it merges both and the
# MatMul into MatMulIntegerToFloat, which knows one scale for each column and takes the scales of blocks as if they were
# of rows of the result: with as many rows of activations as blocks the result is silently wrong, with another number of
# rows the run fails. int4 weights are not merged, and right.
#
# Expected: the product that the operators define, as with ORT_DISABLE_ALL and ORT_ENABLE_BASIC, or no merge where
# block_size is set. No message says that the matrix is not what the file says.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
for version in 1.31.1 1.32.0; do
    "$folder/venv/bin/pip" --quiet --disable-pip-version-check install \
        "onnxruntime==$version" onnx==1.23.2 numpy==2.4.6 2>/dev/null
    FOLDER="$folder" "$folder/venv/bin/python" - <<'PYTHON'
import importlib.metadata
import os

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

DEPTH, OUTPUTS, BLOCK, BLOCKS = 48, 6, 16, 3
SCALE, ZERO = np.float32(0.05), np.int8(3)


def drawn(rows, kind, low, high):
    """A model, its input, and the product in float64."""
    rng = np.random.default_rng(0)
    weights = rng.integers(low, high + 1, (DEPTH, OUTPUTS))
    scales = rng.uniform(0.01, 0.2, (BLOCKS, OUTPUTS)).astype(np.float32)
    x = rng.normal(0, 3, (rows, DEPTH)).astype(np.float32)
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
             helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
             helper.make_node("DequantizeLinear", ["w", "ws"], ["wd"], axis=0, block_size=BLOCK),
             helper.make_node("MatMul", ["d", "wd"], ["y"])]
    constants = [numpy_helper.from_array(np.asarray(SCALE), "s"), numpy_helper.from_array(np.asarray(ZERO), "z"),
                 helper.make_tensor("w", kind, weights.shape, weights.reshape(-1).tolist()),
                 numpy_helper.from_array(scales, "ws")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, DEPTH])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, OUTPUTS])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    steps = np.clip(np.rint(x / SCALE) + ZERO, -128, 127) - ZERO
    return model, x, (steps * np.float64(SCALE)) @ (weights * np.repeat(scales.astype(np.float64), BLOCK, axis=0))


def outcome(rows, kind, low, high, level):
    """``right``, ``wrong`` or ``fails``, with the operators that are left."""
    model, x, expected = drawn(rows, kind, low, high)
    options, path = onnxruntime.SessionOptions(), os.path.join(os.environ["FOLDER"], "optimized.onnx")
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_{level}")
    options.log_severity_level, options.optimized_model_filepath = 4, path
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    try:
        y = session.run(None, {"x": x})[0]
    except Exception:
        return "fails", kinds
    error, greatest = np.abs(y - expected).max(), np.abs(expected).max()
    print(f"    greatest difference {error:.6f}, greatest result {greatest:.3f}")
    return ("right" if error < 1e-4 * greatest else "wrong" if error > 0.1 * greatest else "near"), kinds


for package in ("onnxruntime", "onnx", "numpy"):
    print(package, importlib.metadata.version(package))
for name, kind, low, high in (("int8", TensorProto.INT8, -128, 127), ("uint8", TensorProto.UINT8, 0, 255),
                              ("int4", TensorProto.INT4, -8, 7)):
    for rows in (BLOCKS, BLOCKS + 1):
        for level in ("DISABLE_ALL", "ENABLE_BASIC", "ENABLE_EXTENDED", "ENABLE_ALL"):
            print(f"{name}, {BLOCKS} blocks, {rows} rows of activations, {level}")
            found, kinds = outcome(rows, kind, low, high, level)
            print(f"    {found}: {', '.join(kinds)}")
            is_merged = name != "int4" and level in ("ENABLE_EXTENDED", "ENABLE_ALL")
            assert ("MatMulIntegerToFloat" in kinds) == is_merged
            assert found == ("right" if not is_merged else "wrong" if rows == BLOCKS else "fails")
PYTHON
done
