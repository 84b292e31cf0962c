"""Which runtime rounds how: the one table of it, of which docs/networks.md shows what a reader needs.

A network is run as one runtime runs it, and the kernels of one runtime do not agree on how a product of an accumulator
and a factor becomes an integer. Every entry was found by comparison with the runtime itself (tests/host).
"""

import numpy as np

# Name of a runtime, with its version where versions differ, and what it is.
RUNTIMES = {
    "litert-2.3": "reference kernels of LiteRT 2.3 (ai-edge-litert, BUILTIN_REF)",
    "tflm": "kernels of LiteRT for Microcontrollers (tflite-micro), 2026",
    "onnx": "the definitions of ONNX",
}
# Of the kind of a file's name, those that it can be run as; the first if none is named.
RUNTIMES_OF = {".tflite": ("litert-2.3", "tflm"), ".onnx": ("onnx",)}

RULES = {
    "double": "the high half of a product with a factor of 31 bits, halves up, then a division by a power of two, "
              "halves away from zero (gemmlowp)",
    "single": "the product with a factor of 31 bits, rounded once, halves up",
    "wide": "the factor rounded to 15 bits, the product rounded once, halves up",
    "float64": "the product with a factor in float64, halves away from zero",
    "tabulated": "a table of all values, computed in float32, halves away from zero",
    "fixed": "functions in fixed point of 16 and 32 bits (gemmlowp)",
    "interpolated": "lines between the values of a table, in integers, halves up",
    "shift": "a division by a power of two, halves away from zero",
    "quotient": "a sum of integers over a whole number, halves away from zero",
    "float32": "the quotient or product in float32, halves away from zero",
    "none": "values are moved, chosen, compared or cast, and stay what they are; integers of 32 bits wrap",
    "float": "numbers in floating point, halves to even",
}
# What chooses or moves integers, whatever their kind.
PLAIN = ("ARG_MAX", "ARG_MIN", "ASSIGN_VARIABLE", "BATCH_TO_SPACE_ND", "CAST", "CONCATENATION", "DEPTH_TO_SPACE",
         "EXPAND_DIMS", "FLOOR_DIV", "GATHER", "GATHER_ND", "MAXIMUM", "MAX_POOL_2D", "MINIMUM", "PACK", "PAD",
         "PADV2", "READ_VARIABLE", "RESHAPE", "RESIZE_NEAREST_NEIGHBOR", "SLICE", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH",
         "SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE", "TILE", "TRANSPOSE", "UNPACK")
# By operator and kind of activation, or None for any other: the rule of LiteRT 2.3, and that of tflite-micro. All
# others are "double".
TFLITE = {
    **{(operator, None): ("none", "none") for operator in PLAIN},
    **{(operator, "int32"): ("none", "none") for operator in ("ADD", "SUB", "MUL")},
    **{(operator, "float32"): ("float", "float") for operator in ("ADD", "SUB", "MUL", "DIV", "SQRT")},
    ("CONCATENATION", "uint8"): ("float32", "float32"),
    ("QUANTIZE", "float32"): ("float32", "float32"),
    ("DEQUANTIZE", None): ("float", "float"),
    ("AVERAGE_POOL_2D", None): ("quotient", "quotient"),
    ("RESIZE_BILINEAR", None): ("quotient", "quotient"),
    ("RESIZE_BILINEAR", "uint8"): ("float32", "float32"),
    ("HARD_SWISH", None): ("fixed", "fixed"),
    ("UNIDIRECTIONAL_SEQUENCE_LSTM", None): ("double", "interpolated"),
    ("L2_NORMALIZATION", None): ("fixed", "fixed"),
    ("FULLY_CONNECTED", "int8"): ("float64", "double"),
    ("FULLY_CONNECTED", "uint8"): ("float64", "double"),
    ("FULLY_CONNECTED", "int16"): ("float64", "wide"),
    ("CONV_2D", "int16"): ("wide", "wide"),
    ("DEPTHWISE_CONV_2D", "int16"): ("wide", "wide"),
    ("TRANSPOSE_CONV", "int16"): ("wide", "wide"),
    ("LOGISTIC", "int8"): ("tabulated", "fixed"),
    ("LOGISTIC", "uint8"): ("tabulated", "tabulated"),
    ("LOGISTIC", "int16"): ("interpolated", "interpolated"),
    ("TANH", "int8"): ("tabulated", "fixed"),
    ("TANH", "uint8"): ("tabulated", "tabulated"),
    ("TANH", "int16"): ("interpolated", "interpolated"),
    ("SOFTMAX", "int8"): ("fixed", "fixed"),
    ("SOFTMAX", "uint8"): ("fixed", "fixed"),
    ("SOFTMAX", "int16"): ("interpolated", "interpolated"),
    # With scales that are powers of two.
    ("ADD", "int16, powers"): ("shift", "double"),
    ("SUB", "int16, powers"): ("shift", "double"),
    # Where quantized_bias_type is int32.
    ("FULLY_CONNECTED", "int16, sums of int32"): ("float64", "double"),
    ("CONV_2D", "int16, sums of int32"): ("double", "double"),
    ("TRANSPOSE_CONV", "int16, sums of int32"): ("double", "wide"),
}
# In which kernels divide scales, by runtime; those of all other operators do so in float64 in both.
PRECISION = {"litert-2.3": "float32", "tflm": "float64"}
OF_PRECISION = ("ABS", "LEAKY_RELU", "RELU", "RELU6", "RELU_N1_TO_1", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM")


def precision(runtime, operator):
    """The floating-point type in which a kernel of a ``.tflite`` file divides scales."""
    return np.dtype(PRECISION[runtime] if operator in OF_PRECISION else "float64").type


def rounding_rule(runtime, operator, kind):
    """A key of `RULES`.

    Parameters
    ----------
    runtime : str
        A key of `RUNTIMES`.
    operator : str
        Name in ``.tflite`` files.
    kind : str
        Of its activations.
    """
    if runtime == "onnx":
        return "float"
    rules = TFLITE.get((operator, kind)) or TFLITE.get((operator, None), ("double", "double"))
    return rules[RUNTIMES_OF[".tflite"].index(runtime)]
