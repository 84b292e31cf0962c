"""Drawn ``.tflite`` networks of one operator: shapes, scales, zero points and options."""

import numpy as np

from .tflite_builder import TfliteFile

LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "int32": (-1 << 31, (1 << 31) - 1)}


class Drawn:
    """A file of one operator, drawn by a seed; `inputs` and `output` are numbers of tensors.

    Parameters
    ----------
    seed : int
    dtype : str
        Of activations.
    """

    def __init__(self, seed, dtype):
        self.rng, self.dtype, self.file = np.random.default_rng(seed), dtype, TfliteFile()
        # Scales that are powers of two, or equal, let results fall on exact halves.
        self._are_powers, self._last, self._product = bool(self.rng.integers(3) == 0), None, 1.0
        self.inputs, self.output = [], None

    def scale(self, low=-6.0, high=3.0):
        """float32, a power of two in a third of all files; now and then the one before."""
        if self._last is not None and self.rng.integers(5) == 0:
            return self._last
        exponent = self.rng.uniform(low, high)
        self._last = float(np.float32(2.0 ** (np.floor(exponent) if self._are_powers else exponent)))
        return self._last

    def zero_point(self, dtype=None):
        """Often at an end, or zero."""
        low, high = LIMITS[dtype or self.dtype]
        if (dtype or self.dtype) in ("int16", "int32"):
            return 0
        return int(self.rng.choice([low, high, 0, self.rng.integers(low, high + 1)]))

    def activation(self, shape, scale=None, zero_point=None, dtype=None):
        """An input of the network."""
        dtype = dtype or self.dtype
        self.inputs.append(self.file.tensor(shape, dtype, self.scale() if scale is None else scale,
                                            self.zero_point(dtype) if zero_point is None else zero_point))
        return self.inputs[-1]

    def made(self, shape, scale=None, zero_point=None, dtype=None):
        """The output."""
        dtype = dtype or self.dtype
        self.output = self.file.tensor(shape, dtype, self.scale() if scale is None else scale,
                                       self.zero_point(dtype) if zero_point is None else zero_point)
        return self.output

    def weights(self, shape, channels, axis):
        """Constant weights, of uint8 with a zero point, of int8 with a scale for each channel in two of three files.
        """
        low, high = LIMITS["uint8" if self.dtype == "uint8" else "int8"]
        data = self.rng.integers(low, high + 1, shape)
        if self.dtype == "uint8":
            self._product = self.scale(-9, -4)
            return self.file.constant(data, "uint8", self._product, zero_point=self.zero_point())
        data = np.maximum(data, -127)
        scales = 2.0 ** self.rng.uniform(-9, -4, channels if self.rng.integers(3) else 1)
        if self._are_powers:
            scales = 2.0 ** np.floor(np.log2(scales))
        self._product = scales
        return self.file.constant(data, "int8", scales, axis)

    def bias(self, channels, x, *, may_lack=True):
        """Constant, or none in a quarter of all files, as a list; of the scale of accumulators."""
        if may_lack and self.rng.integers(4) == 0:
            return []
        scale = x * self._product
        return [self.file.constant(self.rng.integers(-20000, 20000, channels),
                                   "int64" if self.dtype == "int16" else "int32", scale)]

    def fused(self):
        """An activation, in half of all files."""
        return str(self.rng.choice(["none", "none", "none", "relu", "relu6", "relu_n1_to_1"]))

    def lengths(self, count, low=1, high=20):
        """Random lengths of dimensions."""
        return tuple(int(length) for length in self.rng.integers(low, high + 1, count))

    def near(self, scale, spread=5.0):
        """A scale that is near another."""
        return float(np.float32(scale * 2.0 ** self.rng.uniform(-spread, spread))) if not self._are_powers else float(
            np.float32(scale * 2.0 ** self.rng.integers(-int(spread), int(spread) + 1)))

    def values(self, shape, dtype):
        """Values of a run: all of the range, small ones, or the ends."""
        low, high = LIMITS[dtype]
        if dtype == "int32":
            low, high = -1 << int(self.rng.integers(8, 31)), 1 << int(self.rng.integers(8, 31))
        kind = self.rng.integers(4)
        if kind == 0:
            return self.rng.choice([low, high], shape)
        spread = (high - low) // 32 + 1
        middle = int(self.rng.integers(low, high + 1))
        if kind == 1:
            return np.clip(middle + self.rng.integers(-spread, spread + 1, shape), low, high)
        return self.rng.integers(low, high + 1, shape)


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
        shape = drawn.lengths(int(drawn.rng.integers(1, 5)), 1, 12)
        other = tuple(length if drawn.rng.integers(3) else 1 for length in shape[int(drawn.rng.integers(0, 2)):])
        first = drawn.scale(-5, 1)
        a = drawn.activation(shape, first, None if not same else 0)
        b = drawn.activation(other, first if same else drawn.near(first, 3), None if not same else 0)
        # Larger than what a kernel of fixed point can divide by.
        scale = first if same else drawn.near(first * (4 if kind != "MUL" else 1), 2)
        fields = {} if options is None else {"FusedActivationFunction": drawn.fused()}
        if kind in ("ADD", "SUB") and drawn.dtype == "int16":
            fields["PotScaleInt16"] = bool(drawn.rng.integers(2))
        drawn.file.operator(kind, [a, b], drawn.made(shape, scale, 0 if same else None), options, **fields)
    return draw


def _convolution(kind):
    def draw(drawn):
        rng, is_depthwise = drawn.rng, kind == "DEPTHWISE_CONV_2D"
        batch, height, width, channels = 1, *drawn.lengths(2, 5, 14), int(rng.integers(1, 9))
        size, stride, padding = drawn.lengths(2, 1, 4), drawn.lengths(2, 1, 2), str(rng.choice(["same", "valid"]))
        outputs = channels * int(rng.integers(1, 3)) if is_depthwise else int(rng.integers(1, 9))
        first = drawn.scale()
        x = drawn.activation((batch, height, width, channels), first)
        shape, axis = ((1, *size, outputs), 3) if is_depthwise else ((outputs, *size, channels), 0)
        weights = drawn.weights(shape, outputs, axis)
        inputs = [x, weights, *drawn.bias(outputs, first, may_lack=False)]
        after = [-(-length // step) if padding == "same" else (length - reach) // step + 1
                 for length, reach, step in zip((height, width), size, stride)]
        scale = drawn.scale(-5, 3)
        fields = {"DepthMultiplier": outputs // channels} if is_depthwise else {}
        drawn.file.operator(kind, inputs, drawn.made((batch, *after, outputs), scale),
                            "DepthwiseConv2DOptions" if is_depthwise else "Conv2DOptions", StrideH=stride[0],
                            StrideW=stride[1], DilationHFactor=1, DilationWFactor=1, Padding=padding,
                            FusedActivationFunction=drawn.fused(), **fields)
    return draw


def _transposed(drawn):
    rng = drawn.rng
    height, width, channels, outputs = (*drawn.lengths(2, 1, 8), int(rng.integers(1, 9)), int(rng.integers(1, 9)))
    size, stride = drawn.lengths(2, 1, 5), drawn.lengths(2, 1, 4)
    padding = str(rng.choice(["same", "valid"]))
    image = [length * step if padding == "same" else (length - 1) * step + max(reach, step)
             for length, reach, step in zip((height, width), size, stride)]
    shape = drawn.file.constant([1, *image, outputs], "int32")
    weights = drawn.weights((outputs, *size, channels), outputs, 0)
    first = drawn.scale()
    inputs = [shape, weights, drawn.activation((1, height, width, channels), first), *drawn.bias(outputs, first)]
    drawn.file.operator("TRANSPOSE_CONV", inputs, drawn.made((1, *image, outputs), drawn.scale(-5, 3)),
                        "TransposeConvOptions", StrideH=stride[0], StrideW=stride[1], Padding=padding)


def _fully_connected(drawn):
    batch, depth, units = drawn.lengths(1, 1, 6)[0], *drawn.lengths(2, 1, 60)
    first = drawn.scale()
    x = drawn.activation((batch, depth), first)
    inputs = [x, drawn.weights((units, depth), units, 0), *drawn.bias(units, first)]
    drawn.file.operator("FULLY_CONNECTED", inputs, drawn.made((batch, units), drawn.scale(-5, 3)),
                        "FullyConnectedOptions", FusedActivationFunction=drawn.fused())


def _resize(kind, options):
    def draw(drawn):
        shape, size = (1, *drawn.lengths(2), int(drawn.rng.integers(1, 5))), drawn.lengths(2, 1, 40)
        scale, point = drawn.scale(), drawn.zero_point()
        way = int(drawn.rng.integers(3))
        drawn.file.operator(kind, [drawn.activation(shape, scale, point), drawn.file.constant(size, "int32")],
                            drawn.made((1, *size, shape[3]), scale, point), options, AlignCorners=way == 1,
                            HalfPixelCenters=way == 2)
    return draw


def _prelu(drawn):
    shape, kind = (1, *drawn.lengths(2, 1, 20), int(drawn.rng.integers(1, 12))), (
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
        shape, size, stride = (1, *drawn.lengths(2, 4, 20), 3), drawn.lengths(2, 1, 4), drawn.lengths(2, 1, 3)
        padding, scale, point = str(drawn.rng.choice(["same", "valid"])), drawn.scale(), drawn.zero_point()
        after = [-(-length // step) if padding == "same" else (length - reach) // step + 1
                 for length, reach, step in zip(shape[1:3], size, stride)]
        drawn.file.operator(kind, [drawn.activation(shape, scale, point)], drawn.made((1, *after, 3), scale, point),
                            "Pool2DOptions", FilterHeight=size[0], FilterWidth=size[1], StrideH=stride[0],
                            StrideW=stride[1], Padding=padding, FusedActivationFunction=drawn.fused())
    return draw


def _quantize(drawn):
    shape, to = drawn.lengths(2, 1, 90), str(drawn.rng.choice({
        "int8": ["int8", "uint8", "int16", "int32"], "uint8": ["int8", "uint8"], "int16": ["int8", "int16", "int32"],
        "int32": ["int8", "int16"]}[drawn.dtype]))
    drawn.file.operator("QUANTIZE", [drawn.activation(shape)], drawn.made(shape, dtype=to))


def _concatenation(drawn):
    shapes = [(*drawn.lengths(1, 1, 9), 12) for _ in range(int(drawn.rng.integers(2, 4)))]
    scale, point = drawn.scale(), drawn.zero_point()
    free = drawn.dtype == "uint8"
    inputs = [drawn.activation(shape, None if free else scale, None if free else point) for shape in shapes]
    drawn.file.operator("CONCATENATION", inputs, drawn.made((sum(shape[0] for shape in shapes), 12), scale, point),
                        "ConcatenationOptions", Axis=0)


EIGHT, ALL, SIGNED = ("int8", "uint8"), ("int8", "uint8", "int16"), ("int8", "int16")
_HALF = {"int16": (2.0 ** -15, 0)}
# What draws a file of each operator, and the kinds of activations.
OPERATORS = {
    "ABS": (_elementwise("ABS"), SIGNED),
    "ADD": (_binary("ADD", "AddOptions"), ALL),
    "AVERAGE_POOL_2D": (_pool("AVERAGE_POOL_2D"), ALL),
    "CONCATENATION": (_concatenation, ALL),
    "CONV_2D": (_convolution("CONV_2D"), ALL),
    "DEPTHWISE_CONV_2D": (_convolution("DEPTHWISE_CONV_2D"), ALL),
    "FULLY_CONNECTED": (_fully_connected, ALL),
    "HARD_SWISH": (_elementwise("HARD_SWISH"), EIGHT),
    "L2_NORMALIZATION": (_elementwise("L2_NORMALIZATION", "L2NormOptions",
                                      {"int8": (1 / 128, 0), "uint8": (1 / 128, 128)}), EIGHT),
    "LEAKY_RELU": (_elementwise("LEAKY_RELU", "LeakyReluOptions", Alpha=lambda drawn: float(
        drawn.rng.choice([0.5, 0.1, -0.5, drawn.rng.uniform(-2, 2)]))), ALL),
    "LOGISTIC": (_elementwise("LOGISTIC", None, {"int8": (1 / 256, -128), "uint8": (1 / 256, 0), **_HALF}), ALL),
    "MAXIMUM": (_binary("MAXIMUM", same=True), SIGNED),
    "MAX_POOL_2D": (_pool("MAX_POOL_2D"), ALL),
    "MEAN": (_mean, ALL),
    "MINIMUM": (_binary("MINIMUM", same=True), SIGNED),
    "MUL": (_binary("MUL", "MulOptions"), ALL),
    "PRELU": (_prelu, ALL),
    "QUANTIZE": (_quantize, (*ALL, "int32")),
    "RELU": (_elementwise("RELU"), ALL),
    "RELU6": (_elementwise("RELU6"), ALL),
    "RELU_N1_TO_1": (_elementwise("RELU_N1_TO_1"), EIGHT),
    "RESIZE_BILINEAR": (_resize("RESIZE_BILINEAR", "ResizeBilinearOptions"), ALL),
    "RESIZE_NEAREST_NEIGHBOR": (_resize("RESIZE_NEAREST_NEIGHBOR", "ResizeNearestNeighborOptions"), ALL),
    "SOFTMAX": (_softmax, ALL),
    "SUB": (_binary("SUB", "SubOptions"), ALL),
    "TANH": (_elementwise("TANH", None, _HALF), ALL),
    "TRANSPOSE_CONV": (_transposed, SIGNED),
}


def draw(operator, seed):
    """A `Drawn` file of an operator; kinds of activations take turns."""
    make, dtypes = OPERATORS[operator]
    drawn = Drawn(seed, dtypes[seed % len(dtypes)])
    make(drawn)
    return drawn
