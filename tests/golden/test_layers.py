"""Each operator, drawn at random, against TensorFlow Lite's reference kernels."""

import numpy as np
import pytest
from bitline.golden.kernels import layers
from bitline.host.network.compare import compare
from bitline.host.network.files.load import load_network
from bitline.host.network.files.reference import TfliteReference
from bitline.host.network.inference import Inference

pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
from bitline.scripts.fuzzing.tflite_builder import TfliteFile

LIMITS = {"int8": 128, "int16": 32768}
SEEDS = range(12)


class Draw:
    """A file with random tensors."""

    def __init__(self, seed, dtype="int8"):
        self.rng, self.dtype, self.file = np.random.default_rng(seed), dtype, TfliteFile()

    def activation(self, shape, scale=None, zero_point=None):
        low = LIMITS[self.dtype]
        if scale is None:
            scale = float(2.0 ** self.rng.uniform(-6, 0) * 128 / low)
        if zero_point is None:
            zero_point = int(self.rng.choice([-128, self.rng.integers(-128, 100)])) if self.dtype == "int8" else 0
        return self.file.tensor(shape, self.dtype, scale, zero_point)

    def weights(self, shape, channels, axis, per_channel):
        scales = 2.0 ** self.rng.uniform(-9, -4, channels if per_channel else 1)
        data = self.rng.integers(-127, 128, shape)
        data.flat[0], data.flat[-1] = 127, -127
        return self.file.constant(data, "int8", scales, axis)

    def bias(self, channels, wide=False, scale=None):
        return self.file.constant(self.rng.integers(-20000, 20000, channels), "int64" if wide else "int32", scale)

    def choice(self, *values):
        return values[self.rng.integers(len(values))]

    def pick_activation(self):
        return self.choice("none", "relu", "relu6", "relu_n1_to_1")

    def check(self, tmp_path, inputs, output, *, count=4, activation="none", minimum=None):
        path = tmp_path / "model.tflite"
        path.write_bytes(self.file.data(inputs, [output]))
        network = load_network(path)
        arrays = []
        for index in inputs:
            tensor = network.tensors[index]
            shape = (count, *tensor.shape)
            if tensor.dtype == "float32":
                arrays.append(self.rng.normal(0, 40, shape).astype(np.float32))
                continue
            low = LIMITS[tensor.dtype]
            x = self.rng.integers(-low if minimum is None else minimum, low, shape)
            if minimum is not None:
                arrays.append(x)
                continue
            # The extremes, and a run of small values.
            x[0], x[1] = np.where(self.rng.integers(0, 2, shape[1:]), low - 1, -low), x[1] // 16
            arrays.append(x)
        ours, theirs = Inference(network).run(*arrays), TfliteReference(path).run(*arrays)
        # A clamp may leave one value only; without it the comparison must have something to compare.
        assert activation != "none" or np.unique(theirs[output]).size > 1
        assert [str(mismatch) for mismatch in compare(network, ours, theirs)] == []


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("seed", SEEDS)
def test_fully_connected(tmp_path, seed, dtype):
    draw = Draw(seed, dtype)
    depth, units, batch = draw.rng.integers(1, 80), draw.rng.integers(2, 40), draw.rng.integers(1, 4)
    x = draw.activation((batch, depth))
    inputs = [x, draw.weights((units, depth), units, 0, seed % 3 == 2)]
    if seed % 4:
        inputs.append(draw.bias(units, dtype == "int16"))
    y = draw.activation((batch, units), scale=float(2.0 ** draw.rng.uniform(-2, 2) * 128 / LIMITS[dtype]))
    activation = draw.pick_activation()
    draw.file.operator("FULLY_CONNECTED", inputs, y, "FullyConnectedOptions", FusedActivationFunction=activation)
    draw.check(tmp_path, [x], y, count=40, activation=activation)


def test_fully_connected_with_accumulators_beyond_int32(tmp_path):
    draw = Draw(1, "int16")
    x, y = draw.activation((1, 40000), scale=1e-3), draw.activation((1, 2), scale=5.0)
    weights = draw.file.constant(draw.rng.integers(100, 128, (2, 40000)) * [[1], [-1]], "int8", 1e-3)
    draw.file.operator("FULLY_CONNECTED", [x, weights], y, "FullyConnectedOptions")
    draw.check(tmp_path, [x], y, count=20, minimum=25000)


def check_convolution(tmp_path, draw, seed, kind, groups):
    """A convolution with everything drawn: window, strides, dilation, padding, image."""
    rng, is_depthwise, activation = draw.rng, kind == "DEPTHWISE_CONV_2D", draw.pick_activation()
    size, stride, dilation = (tuple(int(v) for v in rng.integers(1, limit, 2)) for limit in (5, 4, 3))
    if rng.integers(2):
        dilation = (1, 1)
    depth, multiple = int(rng.integers(1, 5)) * groups, int(rng.integers(1, 3))
    channels = depth * multiple if is_depthwise else groups * int(rng.integers(1, 6))
    padding = draw.choice("same", "valid")
    image = [int((length - 1) * step + 1 + rng.integers(0, 6)) for length, step in zip(size, dilation)]
    shape = [-(-length // step) if padding == "same" else (length - (span - 1) * gap - 1) // step + 1
             for length, step, span, gap in zip(image, stride, size, dilation)]
    batch = int(rng.integers(1, 3))
    x = draw.activation((batch, *image, depth))
    weights_shape = (1, *size, channels) if is_depthwise else (channels, *size, depth // groups)
    inputs = [x, draw.weights(weights_shape, channels, 3 if is_depthwise else 0, seed % 3 > 0), draw.bias(
        channels, draw.dtype == "int16" and (is_depthwise or seed % 2 == 0))]
    y = draw.activation((batch, *shape, channels), scale=float(2.0 ** rng.uniform(-3, 1) * 128 / LIMITS[draw.dtype]))
    is_narrow = draw.dtype == "int16" and not is_depthwise and seed % 2
    options = {"DepthMultiplier": multiple} if is_depthwise else {"QuantizedBiasType": 2} if is_narrow else {}
    draw.file.operator(kind, inputs, y, "DepthwiseConv2DOptions" if is_depthwise else "Conv2DOptions", Padding=padding,
                       StrideH=stride[0], StrideW=stride[1], DilationHFactor=dilation[0], DilationWFactor=dilation[1],
                       FusedActivationFunction=activation, **options)
    draw.check(tmp_path, [x], y, activation=activation)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("seed", range(24))
def test_convolution(tmp_path, seed, dtype):
    check_convolution(tmp_path, Draw(seed, dtype), seed, "CONV_2D", groups=2 if seed % 6 == 5 else 1)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("seed", range(24))
def test_depthwise_convolution(tmp_path, seed, dtype):
    check_convolution(tmp_path, Draw(seed, dtype), seed, "DEPTHWISE_CONV_2D", groups=1)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("kind", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
@pytest.mark.parametrize("seed", SEEDS)
def test_pool(tmp_path, seed, kind, dtype):
    draw = Draw(seed, dtype)
    size, stride = (tuple(int(v) for v in draw.rng.integers(1, 5, 2)) for _ in range(2))
    image = [int(length + draw.rng.integers(0, 7)) for length in size]
    padding = draw.choice("same", "valid")
    shape = [-(-length // step) if padding == "same" else (length - span) // step + 1
             for length, step, span in zip(image, stride, size)]
    x = draw.activation((2, *image, 3), 0.05, 5 if dtype == "int8" else 0)
    y = draw.activation((2, *shape, 3), 0.05, 5 if dtype == "int8" else 0)
    activation = draw.pick_activation()
    draw.file.operator(kind, [x], y, "Pool2DOptions", Padding=padding, StrideH=stride[0], StrideW=stride[1],
                       FilterHeight=size[0], FilterWidth=size[1], FusedActivationFunction=activation)
    draw.check(tmp_path, [x], y, activation=activation)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("seed", SEEDS)
def test_mean(tmp_path, seed, dtype):
    draw = Draw(seed, dtype)
    height, width = draw.rng.integers(1, 12, 2)
    step = float(draw.rng.uniform(0.02, 0.1)) * 128 / LIMITS[dtype]
    x, keep = draw.activation((2, height, width, 3), step, 0), seed % 2
    y = draw.activation((2, 1, 1, 3) if keep else (2, 3), float(draw.rng.uniform(0.3, 1.5)) * step)
    draw.file.operator("MEAN", [x, draw.file.constant([1, -2] if seed % 3 else [2, 1], "int32")], y,
                       "ReducerOptions", KeepDims=bool(keep))
    draw.check(tmp_path, [x], y, count=40)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("kind", ["ADD", "MUL"])
@pytest.mark.parametrize("seed", SEEDS)
def test_arithmetic(tmp_path, seed, kind, dtype):
    draw = Draw(seed, dtype)
    shapes = draw.choice([(2, 5, 3, 4)] * 2, [(2, 5, 3, 4), (1, 1, 1, 4)], [(3, 4), (1,)])
    operands = [draw.activation(shape) for shape in shapes]
    y = draw.activation(shapes[0], scale=0.5 * 128 / LIMITS[dtype])
    activation = draw.pick_activation()
    draw.file.operator(kind, operands, y, f"{kind.title()}Options", FusedActivationFunction=activation)
    draw.check(tmp_path, operands, y, count=20, activation=activation)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("seed", SEEDS)
def test_softmax(tmp_path, seed, dtype):
    draw = Draw(seed, dtype)
    shape = (3, int(draw.rng.integers(1, 40)) + 1)
    x = draw.activation(shape)
    y = draw.activation(shape, *((1 / 256, -128) if dtype == "int8" else (1 / 32768, 0)))
    draw.file.operator("SOFTMAX", [x], y, "SoftmaxOptions", Beta=draw.choice(1.0, 0.5, 2.25))
    draw.check(tmp_path, [x], y, count=40)


# The reference has no other clamps for int16.
@pytest.mark.parametrize("kind, dtype", [("RELU", "int8"), ("RELU6", "int8"), ("RELU_N1_TO_1", "int8"),
                                         ("QUANTIZE", "int8"), ("RELU", "int16"), ("QUANTIZE", "int16")])
@pytest.mark.parametrize("seed", SEEDS)
def test_clamps_and_requantization(tmp_path, seed, kind, dtype):
    draw = Draw(seed, dtype)
    x, y = draw.activation((4, 30)), draw.activation((4, 30))
    draw.file.operator(kind, [x], y)
    draw.check(tmp_path, [x], y, count=10, activation="none" if kind == "QUANTIZE" else "relu")


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("seed", SEEDS)
def test_floats_in_and_out(tmp_path, seed, dtype):
    draw = Draw(seed, dtype)
    x, q, y = draw.file.tensor((5, 40), "float32"), draw.activation((5, 40)), draw.file.tensor((5, 40), "float32")
    draw.file.operator("QUANTIZE", [x], q)
    draw.file.operator("DEQUANTIZE", [q], y)
    draw.check(tmp_path, [x], y, count=10)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_moves(tmp_path, dtype):
    draw = Draw(1, dtype)
    same = {"scale": 0.1, "zero_point": 3 if dtype == "int8" else 0}
    x = draw.activation((1, 4, 3, 2), **same)
    padded = draw.file.operator("PAD", [x, draw.file.constant([[0, 0], [1, 2], [0, 1], [0, 0]], "int32")],
                                draw.activation((1, 7, 4, 2), **same))
    turned = draw.file.operator("TRANSPOSE", [padded, draw.file.constant([0, 2, 1, 3], "int32")],
                                draw.activation((1, 4, 7, 2), **same), "TransposeOptions")
    joined = draw.file.operator("CONCATENATION", [turned, turned], draw.activation((1, 4, 14, 2), **same),
                                "ConcatenationOptions", Axis=-2)
    flat = draw.file.operator("RESHAPE", [joined, draw.file.constant([1, 112], "int32")],
                              draw.activation((1, 112), **same), "ReshapeOptions")
    draw.check(tmp_path, [x], flat)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("block, pads, crops", [((2, 3), ((1, 0), (2, 1)), ((0, 1), (1, 0))),
                                                ((1, 2), ((0, 0), (1, 1)), ((0, 0), (0, 0)))])
def test_dilation_as_converters_write_it(tmp_path, dtype, block, pads, crops):
    draw = Draw(1, dtype)
    same = {"scale": 0.1, "zero_point": 3 if dtype == "int8" else 0}
    padded = [5 + sum(pads[0]), 6 + sum(pads[1])]
    x = draw.activation((2, 5, 6, 3), **same)
    cut = draw.file.operator("SPACE_TO_BATCH_ND", [x, draw.file.constant(block, "int32"),
                                                   draw.file.constant(pads, "int32")],
                             draw.activation((2 * block[0] * block[1], padded[0] // block[0], padded[1] // block[1], 3),
                                             **same))
    whole = [padded[0] - sum(crops[0]), padded[1] - sum(crops[1])]
    y = draw.file.operator("BATCH_TO_SPACE_ND", [cut, draw.file.constant(block, "int32"),
                                                 draw.file.constant(crops, "int32")],
                           draw.activation((2, *whole, 3), **same))
    draw.check(tmp_path, [x], y)


def test_convolution_in_pieces_is_the_same(monkeypatch):
    rng = np.random.default_rng(1)
    x, weights = rng.integers(-128, 128, (2, 9, 7, 4)), rng.integers(-128, 128, (6, 3, 2, 2))
    arguments = {"stride": (2, 1), "dilation": (1, 2), "padding": ((1, 1), (0, 1)), "groups": 2}
    whole = layers.convolve(x, weights, **arguments)
    monkeypatch.setattr(layers, "AT_ONCE", 400)
    assert (layers.convolve(x, weights, **arguments) == whole).all()
