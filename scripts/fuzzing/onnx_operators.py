"""For each operator of ``.onnx`` files, what draws a network of it."""

import numpy as np
from onnx import helper

from .onnx_builder import KINDS, MICROSOFT, SINCE, WEIGHTS, Drawn, known
from .onnx_moves import MOVES

# Of images; some kinds need one dimension of length 1.
BATCHES = {"Squeeze": (1,)}
# The opsets in which something changed for an operator here.
OPSETS = (13, 18, 19, 21, 22, 25)
UNARY = ("Relu", "Sigmoid", "Tanh", "HardSwish", "LeakyRelu", "HardSigmoid")


# Kinds that make one value of a whole image, and the channels of images for all others and for them.
REDUCTIONS = ("GlobalAveragePool", "GlobalMaxPool", "QLinearGlobalAveragePool", "ReduceMean")
CHANNELS = ((3, 4, 8), (3, 8, 64, 127))
# Of products.
OUTPUTS = (4, 6, 8)


def draw(operator, seed, pixels=24):
    """A drawn network.

    Parameters
    ----------
    operator : str
        A key of `OPERATORS`.
    seed : int
    pixels : int
        Least height and width of images.

    Returns
    -------
    Drawn
    """
    rng = np.random.default_rng([seed, 1])
    height, width = (int(length) for length in rng.integers(pixels, pixels + 7, 2))
    # What has a scale and a zero point as operands has no kernel of 16 bits.
    kind = ("int8", "uint8", "int16")[int(rng.integers(2 if operator.startswith("Q") else 3))]
    opset = int(rng.choice(OPSETS[operator == "HardSwish":]))
    batch = int(rng.choice(BATCHES.get(operator, (1, 2, 3))))
    channels = int(rng.choice(CHANNELS[operator in REDUCTIONS]))
    drawn = Drawn(seed, [batch, channels, height, width], opset, kind)
    OPERATORS[operator](drawn, operator, rng)
    return drawn


def _unary(drawn, operator, rng):
    attributes = {"LeakyRelu": {"alpha": float(rng.choice([0.5, 0.01, 0.2]))},
                  "HardSigmoid": {"alpha": float(rng.choice([1 / 6, 0.2, 0.25])), "beta": 0.5}}.get(operator, {})
    size = 0.1 if operator in ("Sigmoid", "Tanh", "HardSigmoid") else 1.0
    drawn.output(drawn.node(operator, [drawn.operand()], **attributes), size)


def _clip(drawn, operator, rng):
    low, high = sorted(np.float32(rng.uniform(-6, 6, 2)))
    limits = [drawn.constant(low), drawn.constant(high)]
    drawn.output(drawn.node("Clip", [drawn.operand(), *limits]))


def _binary(drawn, operator, rng):
    a = drawn.operand()
    if rng.integers(3):
        other = drawn.operand(size=2.0 if rng.integers(2) else 1.0)
    else:
        shape = [(), (1,), (drawn.shape[1], 1, 1), (1, 1, 1, drawn.shape[3])][int(rng.integers(4))]
        other = drawn.constant(rng.normal(0, 2, shape).astype(np.float32))
    names = [a, other] if rng.integers(2) else [other, a]
    drawn.output(drawn.node(operator, names), 4.0 if operator == "Mul" else 1.0)


def _divide(drawn, operator, rng):
    divisor = np.float32(rng.choice([2.0, 3.0, 6.0, 255.0, rng.uniform(0.5, 9)]))
    drawn.output(drawn.node("Div", [drawn.operand(), drawn.constant(divisor)]))


def _window(drawn, rng, *, is_pool):
    """Attributes of a window."""
    size = [int(length) for length in rng.integers(1, 5, 2)]
    attributes = {"kernel_shape": size, "strides": [int(step) for step in rng.integers(1, 4, 2)]}
    kind = int(rng.integers(3))
    if kind == 0:
        attributes["pads"] = [int(rng.integers(0, length)) for length in size * 2]
    elif kind == 1 and not is_pool:
        attributes["pads"] = [1, 0, 2, 1]
    elif kind == 1:
        attributes["auto_pad"] = str(rng.choice(["SAME_UPPER", "SAME_LOWER", "VALID"]))
        attributes["strides"] = [min(pair) for pair in zip(size, attributes["strides"])]
    if not is_pool and rng.integers(2):
        # As far as the image reaches.
        attributes["dilations"] = [min(int(step), (length - 1) // max(1, reach - 1))
                                   for step, reach, length in zip(rng.integers(1, 4, 2), size, drawn.shape[2:])]
    return attributes


def _groups(rng, channels, outputs):
    """A count of groups that divides both."""
    return int(rng.choice([count for count in range(1, channels + 1) if channels % count == outputs % count == 0]))


def _pool(drawn, operator, rng):
    attributes = {} if operator.startswith("Global") else _window(drawn, rng, is_pool=True)
    if operator == "AveragePool" and rng.integers(2):
        attributes["count_include_pad"] = 1
    counts = "count_include_pad" in attributes and drawn.opset < 19
    if attributes and "auto_pad" not in attributes and not counts and rng.integers(2):
        attributes["ceil_mode"] = 1
    drawn.output(drawn.node(operator, [drawn.operand()], **attributes), 0.25)


def _mean(drawn, operator, rng):
    axes = [int(axis) for axis in ([2, 3], [-1], [3, 2], [0, 1], [1, 2, 3], [1], [1, 3])[int(rng.integers(7))]]
    attributes = {"keepdims": int(rng.integers(2))}
    names = [drawn.operand()]
    if drawn.opset >= 18:
        names.append(drawn.constant(np.array(axes)))
    else:
        attributes["axes"] = axes
    drawn.output(drawn.node(operator, names, **attributes), 0.25)


def _softmax(drawn, operator, rng):
    drawn.output(drawn.node(operator, [drawn.operand()], axis=int(rng.integers(-1, 4))), 0.06)


def _matmul_of_activations(drawn, operator, rng):
    x = drawn.operand()
    turned = drawn.node("Transpose", [drawn.operand()], perm=[0, 1, 3, 2])
    drawn.output(drawn.node("MatMul", [x, turned] if rng.integers(2) else [turned, x]), 16.0)


def _product(drawn, operator, rng):
    """A convolution, transposed or not, or a product of matrices.

    Its bias has the scale of the accumulators, or another, or is not quantized, or it has none.
    """
    # Two activations of 16 bits are no product for a macro.
    if operator == "MatMul" and drawn.kind != "int16" and not rng.integers(3):
        return _matmul_of_activations(drawn, operator, rng)
    zero, scale = drawn.drawn_zero(), drawn.scale
    x = drawn.dequantized("x", scale, zero)
    if operator == "MatMul" and drawn.opset >= SINCE["int4"] and not rng.integers(3):
        return _matmul_in_blocks(drawn, rng, x)
    channels, outputs, attributes = drawn.shape[1], int(rng.choice(OUTPUTS)), {}
    kind = str(rng.choice(known(WEIGHTS, drawn.opset)))
    if operator == "ConvTranspose":
        size, stride = [int(length) for length in rng.integers(1, 5, 2)], [int(step) for step in rng.integers(1, 4, 2)]
        attributes = {"strides": stride, "pads": [int(rng.integers(0, length)) for length in size * 2],
                      "output_padding": [int(rng.integers(0, step)) for step in stride]}
        names, axis = drawn.weights([channels, outputs, *size], 1, kind=kind), 1
    elif operator == "Conv":
        attributes = {**_window(drawn, rng, is_pool=False), "group": (groups := _groups(rng, channels, outputs))}
        names, axis = drawn.weights([outputs, channels // groups, *attributes["kernel_shape"]], 0, kind=kind), 0
    else:
        depth, is_turned = drawn.shape[3], operator == "Gemm" and bool(rng.integers(2))
        axis = 0 if is_turned else 1
        names = drawn.weights([outputs, depth] if is_turned else [depth, outputs], axis, kind=kind)
        attributes = {"transB": 1} if is_turned else {}
        if operator == "Gemm":
            x = drawn.node("Reshape", [x, drawn.constant(np.array([-1, depth]))])
    operands = [x, drawn.node("DequantizeLinear", names, axis=axis)]
    if operator != "MatMul" and rng.integers(4):
        operands.append(_bias(drawn, rng, np.float32(scale) * drawn.weight_scales))
    made = drawn.node(operator, operands, **attributes)
    if rng.integers(2):
        made = drawn.node("Relu", [made])
    return drawn.output(made, float(rng.choice([16.0, 64.0])))


def _matmul_in_blocks(drawn, rng, x):
    """Weights with a scale and a zero point for each block of rows; the last block may be short."""
    kind, outputs = str(rng.choice(["int8", "int4", "uint4"])), int(rng.choice(OUTPUTS))
    x, depth = _repeated(drawn, rng, x)
    block = int(rng.choice([4, 8, 16]))
    low, high = WEIGHTS[kind]
    shape = [-(-depth // block), outputs]
    scales = rng.uniform(0.01, 0.2, shape) if rng.integers(2) else 2.0 ** rng.integers(-6, -2, shape)
    zeros = rng.integers(low, high + 1, shape) if kind.endswith("int4") else np.zeros(shape, np.int64)
    names = [drawn.constant(rng.integers(low, high + 1, [depth, outputs]), kind),
             drawn.constant(scales.astype(np.float32)), drawn.constant(zeros, kind)]
    drawn.integer_output(drawn.node("MatMul", [x, drawn.node("DequantizeLinear", names, axis=0, block_size=block)]))


def _repeated(drawn, rng, x):
    """Rows of images, or now and then many times each, one after the other, and how long they then are."""
    times = int(rng.choice([1, 1, 1, 40]))
    return x if times == 1 else drawn.node("Concat", [x] * times, axis=3), drawn.shape[3] * times


def _nbits(drawn, operator, rng):
    """Weights of 4 bits in blocks, times numbers or integers that are dequantized."""
    is_dynamic, outputs, block = bool(rng.integers(2)), int(rng.choice(OUTPUTS)), int(rng.choice([16, 32]))
    x, depth = _repeated(drawn, rng, "x" if is_dynamic else drawn.dequantized("x", drawn.scale, drawn.drawn_zero()))
    blocks = -(-depth // block)
    packed = rng.integers(0, 256, [outputs, blocks, block // 2]).astype(np.uint8)
    scales = rng.uniform(0.01, 0.2, [outputs * blocks]).astype(np.float32)
    scales *= rng.choice(np.float32([-1, 1]), scales.shape)
    names = [x, drawn.constant(packed), drawn.constant(scales)]
    if rng.integers(2):
        names.append(drawn.constant(rng.integers(0, 256, [outputs * (-(-blocks // 2))]).astype(np.uint8)))
    attributes = {"accuracy_level": 4} if is_dynamic else {}
    drawn.integer_output(drawn.node("MatMulNBits", names, domain=MICROSOFT, K=depth, N=outputs, bits=4,
                                    block_size=block, **attributes))


def _bias(drawn, rng, scales):
    name, data = drawn.bias(scales)
    which = int(rng.integers(4))
    if which == 0:
        return drawn.constant(data.astype(np.float32) * scales)
    if which == 1:
        scales = np.full(scales.shape, drawn.drawn_scale(0.01), np.float32)
    zeros = drawn.constant(np.zeros(scales.shape, np.int32))
    return drawn.node("DequantizeLinear", [name, drawn.constant(scales.astype(np.float32)), zeros], axis=0)


def _resize(drawn, operator, rng):
    mode = str(rng.choice(["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]))
    attributes = {"mode": str(rng.choice(["nearest", "linear"])), "coordinate_transformation_mode": mode,
                  "nearest_mode": str(rng.choice(["round_prefer_floor", "floor", "ceil"]))}
    none = drawn.constant(np.zeros(0, np.float32))
    if rng.integers(2):
        sizes = [*drawn.shape[:2], *(int(length) for length in rng.integers(4, 70, 2))]
        names = [none, none, drawn.constant(np.array(sizes))]
    else:
        names = [none, drawn.constant(np.array([1, 1, *rng.choice([2, 3, 0.5, 1.5, 0.75, 2.7], 2)], np.float32))]
    drawn.output(drawn.node("Resize", [drawn.operand(), *names], **attributes))


def _quantize(drawn, operator, rng):
    """Of 8 or 16 bits, by a zero point or, from opset 21 on, by an attribute; one scale, or one for each channel."""
    kind = str(rng.choice(known(KINDS, drawn.opset)))
    count = drawn.shape[1] if rng.integers(2) else 1
    scales = np.array([drawn.drawn_scale() * (2.0 ** -8 if kind == "int16" else 1) for _ in range(count)], np.float32)
    points = rng.integers(*KINDS[kind], count).astype(kind)
    names = [drawn.constant(values if count > 1 else values[0]) for values in (scales, points)]
    attributes = {"axis": 1} if count > 1 else {}
    if drawn.opset >= SINCE["int16"] and rng.integers(3) == 0:
        del names[1:]
        attributes["output_dtype"] = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    drawn.integer_output(drawn.node("QuantizeLinear", ["x", *names], **attributes))


def _per_channel(drawn, operator, rng):
    """Scales and zero points by channel of an activation, and another scale in the DequantizeLinear."""
    count = drawn.shape[1]
    parameters = [[drawn.constant(np.array([drawn.activation_scale() for _ in range(count)])),
                   drawn.constant(rng.integers(*KINDS[drawn.kind], count), drawn.kind)] for _ in range(2)]
    if rng.integers(2):
        # The same for the first channel, but not for the others.
        scales, points = (np.array(drawn.values[name]) for name in parameters[1])
        scales[0], points[0] = (drawn.values[name][0] for name in parameters[0])
        parameters[1] = [drawn.constant(scales), drawn.constant(points)]
    made = drawn.node("QuantizeLinear", ["x", *parameters[0]], domain=drawn.domain, axis=1)
    drawn.output(drawn.node("DequantizeLinear", [made, *parameters[1]], domain=drawn.domain, axis=1))


def _qlinear(drawn, operator, rng):
    """Operators of integers, as QOperator files have them."""
    x, y = drawn.quantize("x", drawn.scale, drawn.drawn_zero()), [drawn.constant(drawn.activation_scale()),
                                                                  drawn.constant(drawn.drawn_zero())]
    attributes, domain = {}, MICROSOFT
    if operator in ("QLinearAdd", "QLinearMul"):
        names = [*x, *drawn.quantize("x", drawn.activation_scale(), drawn.drawn_zero()), *y]
    elif operator == "QLinearConcat":
        names, attributes = [*y, *x, *drawn.quantize("x", drawn.activation_scale(), drawn.drawn_zero())], {"axis": 1}
    elif operator in ("QLinearConv", "QLinearMatMul", "QGemm"):
        return _qlinear_product(drawn, operator, rng, x)
    else:
        names = [*x, *y]
        attributes = {"QLinearLeakyRelu": {"alpha": 0.1}, "QLinearSoftmax": {"axis": -1, "opset": 13}}.get(operator, {})
        if operator == "QLinearAveragePool":
            attributes = _window(drawn, rng, is_pool=True)
            attributes["count_include_pad"] = int(rng.integers(2))
    return drawn.integer_output(drawn.node(operator, names, domain=domain, **attributes))


def _qlinear_product(drawn, operator, rng, x):
    outputs, depth, channels = int(rng.choice(OUTPUTS)), drawn.shape[3], drawn.shape[1]
    attributes, kind, shape, axis = {}, drawn.kind, [depth, outputs], 1
    if operator == "QLinearConv":
        attributes = {**_window(drawn, rng, is_pool=False), "group": (groups := _groups(rng, channels, outputs))}
        shape, axis = [outputs, channels // groups, *attributes["kernel_shape"]], 0
    weights = drawn.weights(shape, axis, kind=kind)
    y = [drawn.constant(drawn.drawn_scale(float(rng.choice([16.0, 64.0])))), drawn.constant(drawn.drawn_zero())]
    names = [*x, *weights, *y]
    if operator == "QGemm":
        names[0] = drawn.node("Reshape", [x[0], drawn.constant(np.array([-1, depth]))])
        names[6:6] = [drawn.bias(drawn.weight_scales)[0]]
    elif operator == "QLinearConv" and rng.integers(2):
        names.append(drawn.bias(drawn.weight_scales)[0])
    drawn.integer_output(drawn.node(operator, names, domain=MICROSOFT if operator == "QGemm" else "", **attributes))


OPERATORS = {
    **dict.fromkeys(UNARY, _unary), **dict.fromkeys(("Add", "Sub", "Mul"), _binary), "Div": _divide, "Clip": _clip,
    **dict.fromkeys(("AveragePool", "GlobalAveragePool", "MaxPool", "GlobalMaxPool"), _pool), "ReduceMean": _mean,
    "Softmax": _softmax, **dict.fromkeys(("Conv", "ConvTranspose", "Gemm", "MatMul"), _product),
    **MOVES, "MatMulNBits": _nbits, "Resize": _resize, "QuantizeLinear": _quantize, "DequantizeLinear": _per_channel,
    **dict.fromkeys(("QLinearConv", "QLinearMatMul", "QGemm", "QLinearAdd", "QLinearMul", "QLinearConcat",
                     "QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax", "QLinearAveragePool",
                     "QLinearGlobalAveragePool"), _qlinear),
}
