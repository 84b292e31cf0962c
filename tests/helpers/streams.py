"""Files of networks that keep a state."""

import numpy as np
from bitline.scripts.fuzzing.tflite_builder import TfliteFile


def streaming():
    """A file that puts each row behind the four before it, and its input and output."""
    file = TfliteFile()
    x = file.tensor((1, 1, 6), "int8", 0.1, -128)
    handle = file.operator("VAR_HANDLE", [], file.tensor((), "resource"), "VarHandleOptions", SharedName="rows")
    file.operator("CALL_ONCE", [], [], "CallOnceOptions", InitSubgraphIndex=1)
    kept = file.operator("READ_VARIABLE", [handle], file.tensor((1, 4, 6), "int8", 0.1, -128), "ReadVariableOptions")
    rows = file.operator("CONCATENATION", [kept, x], file.tensor((1, 5, 6), "int8", 0.1, -128),
                         "ConcatenationOptions", Axis=1)
    bounds = [file.constant(values, "int32") for values in ([0, 1, 0], [1, 5, 6], [1, 1, 1])]
    later = file.operator("STRIDED_SLICE", [rows, *bounds],
                          file.tensor((1, 4, 6), "int8", 0.1, -128), "StridedSliceOptions")
    file.operator("ASSIGN_VARIABLE", [handle, later], [], "AssignVariableOptions")
    y = file.operator("MEAN", [rows, file.constant([1], "int32")], file.tensor((1, 6), "int8", 0.1, -128),
                      "ReducerOptions")
    with file.subgraph():
        other = file.operator("VAR_HANDLE", [], file.tensor((), "resource"), "VarHandleOptions", SharedName="rows")
        file.operator("ASSIGN_VARIABLE", [other, file.constant(np.full((1, 4, 6), -128), "int8", 0.1)], [],
                      "AssignVariableOptions")
    return file, x, y
