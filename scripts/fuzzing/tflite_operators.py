"""Drawn ``.tflite`` networks of one operator: what draws each, and of which kinds of activations."""

import numpy as np

from .tflite_builder import TYPES
from .tflite_drawn import LIMITS, Drawn
from .tflite_moves import MOVES
from .tflite_recurrent import KEPT

# Kinds of element that have no scale.
NUMBERS = ("int32", "float32")
EIGHT, ALL, SIGNED = ("int8", "uint8"), ("int8", "uint8", "int16"), ("int8", "int16")
WITH_NUMBERS = (*ALL, *NUMBERS)


def _elementwise(kind, options=None, fixed=None, high=1.0, **fields):
    """A function of one tensor; ``fixed`` has scale and zero point of its output by kind of activation."""
    def draw(drawn):
        shape = drawn.lengths(2, 1, 90)
        x = drawn.activation(shape, drawn.scale(-6, high) if drawn.dtype != "int16" else drawn.scale(-16, -5))
        scale, point = (fixed or {}).get(drawn.dtype, (None, None))
        named = {name: value(drawn) if callable(value) else value for name, value in fields.items()}
        drawn.file.operator(kind, [x], drawn.made(shape, scale, point), options, **named)
    return draw


def _binary(kind, options=None, same=False):
    def draw(drawn):
        if drawn.dtype in NUMBERS:
            return _numbers(drawn, kind, options)
        shape = drawn.lengths(int(drawn.rng.integers(1, 5)), 1, 12)
        other = tuple(length if drawn.rng.integers(3) else 1 for length in shape[int(drawn.rng.integers(0, 2)):])
        first = drawn.scale(-5, 1)
        a = drawn.activation(shape, first, None if not same else 0)
        b = drawn.activation(other, first if same else drawn.near(first, 3), None if not same else 0)
        # Larger than what a kernel of fixed point can divide by.
        scale = first if same else drawn.near(first * (4 if kind != "MUL" else 1), 2)
        fields = {} if same or options is None else {"FusedActivationFunction": drawn.fused()}
        if kind in ("ADD", "SUB") and drawn.dtype == "int16":
            fields["PotScaleInt16"] = bool(drawn.rng.integers(2))
        drawn.file.operator(kind, [a, b], drawn.made(shape, scale, 0 if same else None), options, **fields)
    return draw


def _window(drawn, image, *, stride, max_dilation=1):
    """A drawn window over an image (height, width) that is within it.

    Returns
    -------
    size, image, after : (int, int)
        Of the window, of the image, which is longer where it must be, and what the window leaves.
    dict
        Strides, dilation and padding, as fields of options.
    """
    size, step, dilation = drawn.lengths(2, 1, 4), drawn.lengths(2, 1, stride), drawn.lengths(2, 1, max_dilation)
    padding = str(drawn.rng.choice(["same", "valid"]))
    reach = [(length - 1) * apart + 1 for length, apart in zip(size, dilation)]
    if padding == "same":
        after = tuple(-(-length // every) for length, every in zip(image, step))
    else:
        image = tuple(map(max, image, reach))
        after = tuple((length - span) // every + 1 for length, span, every in zip(image, reach, step))
    fields = {"StrideH": step[0], "StrideW": step[1], "Padding": padding}
    if max_dilation > 1:
        fields |= {"DilationHFactor": dilation[0], "DilationWFactor": dilation[1]}
    return size, image, after, fields


def _convolution(kind):
    """Of one to three images, of CONV_2D in groups in a third of all files."""
    def draw(drawn):
        rng, is_depthwise = drawn.rng, kind == "DEPTHWISE_CONV_2D"
        batch, channels, image = int(rng.integers(1, 4)), int(rng.integers(1, 9)), drawn.lengths(2, 5, 14)
        size, image, after, fields = _window(drawn, image, stride=2, max_dilation=3)
        groups = int(rng.integers(1, 4)) if rng.integers(3) == 0 and not is_depthwise else 1
        outputs = channels * int(rng.integers(1, 3)) if is_depthwise else groups * int(rng.integers(1, 9))
        first = drawn.scale()
        x = drawn.activation((batch, *image, channels * groups), first)
        shape, axis = ((1, *size, outputs), 3) if is_depthwise else ((outputs, *size, channels), 0)
        weights = drawn.weights(shape, outputs, axis, narrow=("int8",) if is_depthwise else SIGNED)
        fields |= {"DepthMultiplier": outputs // channels} if is_depthwise else drawn.bias_type()
        inputs = [x, weights, *drawn.bias(outputs, first, may_lack=False)]
        scale = drawn.scale(-5, 3)
        drawn.file.operator(kind, inputs, drawn.made((batch, *after, outputs), scale),
                            "DepthwiseConv2DOptions" if is_depthwise else "Conv2DOptions",
                            FusedActivationFunction=drawn.fused(), **fields)
    return draw


def _transposed(drawn):
    rng = drawn.rng
    batch, channels, outputs = int(rng.integers(1, 4)), int(rng.integers(1, 9)), int(rng.integers(1, 9))
    height, width = drawn.lengths(2, 1, 8)
    size, stride = drawn.lengths(2, 1, 5), drawn.lengths(2, 1, 4)
    padding = str(rng.choice(["same", "valid"]))
    image = [length * step if padding == "same" else (length - 1) * step + max(reach, step)
             for length, reach, step in zip((height, width), size, stride)]
    shape = drawn.file.constant([batch, *image, outputs], "int32")
    weights = drawn.weights((outputs, *size, channels), outputs, 0)
    first, fields = drawn.scale(), drawn.bias_type()
    inputs = [shape, weights, drawn.activation((batch, height, width, channels), first), *drawn.bias(outputs, first)]
    drawn.file.operator("TRANSPOSE_CONV", inputs, drawn.made((batch, *image, outputs), drawn.scale(-5, 3)),
                        "TransposeConvOptions", StrideH=stride[0], StrideW=stride[1], Padding=padding, **fields)


def _fully_connected(drawn):
    batch, depth, units = drawn.lengths(1, 1, 16)[0], *drawn.lengths(2, 1, 80)
    first = drawn.scale()
    x, fields = drawn.activation((batch, depth), first), drawn.bias_type()
    inputs = [x, drawn.weights((units, depth), units, 0, narrow=SIGNED), *drawn.bias(units, first)]
    drawn.file.operator("FULLY_CONNECTED", inputs, drawn.made((batch, units), drawn.scale(-5, 3)),
                        "FullyConnectedOptions", FusedActivationFunction=drawn.fused(), **fields)


def _resize(kind, options):
    def draw(drawn):
        batch, channels = drawn.lengths(2, 1, 4)
        shape, size = (batch, *drawn.lengths(2), channels), drawn.lengths(2, 1, 40)
        scale, point = drawn.scale(), drawn.zero_point()
        way = int(drawn.rng.integers(3))
        drawn.file.operator(kind, [drawn.activation(shape, scale, point), drawn.file.constant(size, "int32")],
                            drawn.made((batch, *size, channels), scale, point), options, AlignCorners=way == 1,
                            HalfPixelCenters=way == 2)
    return draw


def _prelu(drawn):
    shape, kind = (*drawn.lengths(1, 1, 3), *drawn.lengths(2, 1, 20), int(drawn.rng.integers(1, 12))), (
        "uint8" if drawn.dtype == "uint8" else "int8")
    x = drawn.activation(shape)
    low, high = LIMITS[kind]
    alpha = drawn.file.constant(drawn.rng.integers(low, high + 1, (1, 1, shape[3])), kind, drawn.scale(-9, -5),
                                zero_point=drawn.zero_point(kind))
    drawn.file.operator("PRELU", [x, alpha], drawn.made(shape))


def _softmax(drawn):
    shape = (*drawn.lengths(1, 1, 60), int(drawn.rng.choice([1, 2, 3, 10, 100])))
    fixed = {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), "int16": (2.0 ** -15, 0)}[drawn.dtype]
    x = drawn.activation(shape, drawn.scale(-10, 1) if drawn.dtype != "int16" else drawn.scale(-14, -6))
    drawn.file.operator("SOFTMAX", [x], drawn.made(shape, *fixed), "SoftmaxOptions",
                        Beta=float(drawn.rng.choice([1.0, 1.0, 0.5])))


def _mean(drawn):
    shape = drawn.lengths(4, 1, 12)
    axes = sorted(drawn.rng.choice(4, int(drawn.rng.integers(1, 4)), replace=False).tolist())
    keep = bool(drawn.rng.integers(2))
    after = [1 if axis in axes else length for axis, length in enumerate(shape) if keep or axis not in axes]
    drawn.file.operator("MEAN", [drawn.activation(shape), drawn.file.constant(axes, "int32")], drawn.made(after),
                        "ReducerOptions", KeepDims=keep)


def _pool(kind):
    def draw(drawn):
        batch, channels = drawn.lengths(2, 1, 4)
        size, image, after, fields = _window(drawn, drawn.lengths(2, 4, 20), stride=3)
        scale, point = drawn.scale(), drawn.zero_point()
        drawn.file.operator(kind, [drawn.activation((batch, *image, channels), scale, point)],
                            drawn.made((batch, *after, channels), scale, point), "Pool2DOptions",
                            FilterHeight=size[0], FilterWidth=size[1], FusedActivationFunction=drawn.fused(), **fields)
    return draw


def _quantize(drawn):
    """From one scale to another, or from numbers, which may lie on halves of the output's."""
    shape, to = drawn.lengths(2, 1, 90), str(drawn.rng.choice({
        "int8": ["int8", "uint8", "int16"], "uint8": ["int8", "uint8", "int16"], "int16": ["int8", "int16", "int32"],
        "int32": ["int8", "int16"], "float32": ["int8", "uint8", "int16"]}[drawn.dtype]))
    scale = None if drawn.dtype == "float32" else drawn.scale()
    drawn.file.operator("QUANTIZE", [drawn.activation(shape, scale)], drawn.made(shape, drawn.scale(), dtype=to))


def _dequantize(drawn):
    shape = drawn.lengths(2, 1, 90)
    drawn.file.operator("DEQUANTIZE", [drawn.activation(shape)], drawn.made(shape, dtype="float32"))


def _numbers(drawn, kind, options):
    """Of numbers without a scale, two that broadcast; divisors that are integers are constant and not 0."""
    shape = drawn.lengths(int(drawn.rng.integers(1, 5)), 1, 12)
    other = tuple(length if drawn.rng.integers(3) else 1 for length in shape[int(drawn.rng.integers(0, 2)):])
    a = drawn.activation(shape)
    if kind == "FLOOR_DIV":
        divisors = drawn.rng.choice([-1, 1], other) * drawn.rng.integers(1, 1 << int(drawn.rng.integers(1, 31)), other)
        b = drawn.file.constant(divisors, "int32")
    else:
        b = drawn.activation(other)
    drawn.file.operator(kind, [a, b], drawn.made(shape), options)


def _root(drawn):
    shape = drawn.lengths(2, 1, 90)
    drawn.file.operator("SQRT", [drawn.activation(shape)], drawn.made(shape))


def _extreme(kind, options):
    def draw(drawn):
        shape = drawn.lengths(int(drawn.rng.integers(2, 5)), 1, 20)
        axis, dtype = int(drawn.rng.integers(len(shape))), str(drawn.rng.choice(["int32", "int64"]))
        said = drawn.file.constant([axis - len(shape) * int(drawn.rng.integers(2))], "int32")
        drawn.file.operator(kind, [drawn.activation(shape), said],
                            drawn.made(shape[:axis] + shape[axis + 1:], dtype=dtype), options, OutputType=TYPES[dtype])
    return draw


def _batch_matmul(drawn):
    """Either operand may lie on its side; leading dimensions broadcast."""
    rows, depth, columns = drawn.lengths(3, 1, 30)
    swaps = [bool(drawn.rng.integers(2)) for _ in range(2)]
    lead = [((), ()), ((2,), (2,)), ((3,), ()), ((), (2,)), ((2, 1), (1, 3))][int(drawn.rng.integers(5))]
    matrices = (rows, depth), (depth, columns)
    first, second = drawn.scale(-8, -2), drawn.scale(-8, -2)
    inputs = [drawn.activation((*leading, *(matrix[::-1] if swap else matrix)), scale)
              for leading, matrix, swap, scale in zip(lead, matrices, swaps, (first, second))]
    drawn.file.operator("BATCH_MATMUL", inputs, drawn.made((*np.broadcast_shapes(*lead), rows, columns),
                                                           drawn.near(first * second * 64)),
                        "BatchMatMulOptions", AdjX=swaps[0], AdjY=swaps[1])


_HALF = {"int16": (2.0 ** -15, 0)}
# What draws a file of each operator, and the kinds of activations.
OPERATORS = {
    "ABS": (_elementwise("ABS"), SIGNED),
    "ADD": (_binary("ADD", "AddOptions"), WITH_NUMBERS),
    "ARG_MAX": (_extreme("ARG_MAX", "ArgMaxOptions"), (*EIGHT, "float32")),
    "ARG_MIN": (_extreme("ARG_MIN", "ArgMinOptions"), (*EIGHT, "float32")),
    "AVERAGE_POOL_2D": (_pool("AVERAGE_POOL_2D"), ALL),
    "BATCH_MATMUL": (_batch_matmul, ("int8",)),
    "CONV_2D": (_convolution("CONV_2D"), ALL),
    "DEPTHWISE_CONV_2D": (_convolution("DEPTHWISE_CONV_2D"), ALL),
    "DEQUANTIZE": (_dequantize, ALL),
    "DIV": (_binary("DIV", "DivOptions"), ("float32",)),
    "FLOOR_DIV": (_binary("FLOOR_DIV"), ("int32",)),
    "FULLY_CONNECTED": (_fully_connected, ALL),
    "HARD_SWISH": (_elementwise("HARD_SWISH"), EIGHT),
    "L2_NORMALIZATION": (_elementwise("L2_NORMALIZATION", "L2NormOptions",
                                      {"int8": (1 / 128, 0), "uint8": (1 / 128, 128)}), EIGHT),
    "LEAKY_RELU": (_elementwise("LEAKY_RELU", "LeakyReluOptions", Alpha=lambda drawn: float(
        drawn.rng.choice([0.5, 0.1, -0.5, drawn.rng.uniform(-2, 2)]))), ALL),
    "LOGISTIC": (_elementwise("LOGISTIC", None, {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), **_HALF}), ALL),
    "MAXIMUM": (_binary("MAXIMUM", "MaximumMinimumOptions", same=True), WITH_NUMBERS),
    "MAX_POOL_2D": (_pool("MAX_POOL_2D"), ALL),
    "MEAN": (_mean, ALL),
    "MINIMUM": (_binary("MINIMUM", "MaximumMinimumOptions", same=True), WITH_NUMBERS),
    "MUL": (_binary("MUL", "MulOptions"), WITH_NUMBERS),
    "PRELU": (_prelu, ALL),
    "QUANTIZE": (_quantize, WITH_NUMBERS),
    "RELU": (_elementwise("RELU"), ALL),
    "RELU6": (_elementwise("RELU6"), ALL),
    "RELU_N1_TO_1": (_elementwise("RELU_N1_TO_1"), EIGHT),
    "RESIZE_BILINEAR": (_resize("RESIZE_BILINEAR", "ResizeBilinearOptions"), ALL),
    "RESIZE_NEAREST_NEIGHBOR": (_resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"), ALL),
    "SOFTMAX": (_softmax, ALL),
    "SQRT": (_root, ("float32",)),
    "SUB": (_binary("SUB", "SubOptions"), WITH_NUMBERS),
    "TANH": (_elementwise("TANH", None, _HALF), ALL),
    "TRANSPOSE_CONV": (_transposed, ALL),
    **MOVES, **KEPT,
}


def draw(operator, seed):
    """A `Drawn` file of an operator; kinds of activations take turns."""
    make, dtypes = OPERATORS[operator]
    drawn = Drawn(seed, dtypes[seed % len(dtypes)])
    make(drawn)
    return drawn
