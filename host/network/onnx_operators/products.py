"""Products with constant weights, whose operands are integers that are dequantized."""

from functools import partial

import numpy as np

from ..network import Tensor
from ..onnx_node import Constant, OnnxForm, Product
from ..operators import Conv2D, DepthwiseConv2D, FullyConnected, TransposedConvolution
from ..window import onnx_window
from .activations_product import read_matmul_of_activations
from .block_products import in_blocks, read_blocks
from .lines import of_lines_too

# Scales that are this near are those of one product, rounded at another place.
NEAR = 2.0 ** -21


def onnx_weights(node, position, order, axis):
    """The number of constant weights in the order that an operator has, with scales along ``axis``; uint8 less 128."""
    value = node.operands[position]
    node.require(isinstance(value, Constant), "constant weights", "computed ones")
    node.require(value.scales is not None and value.array.dtype in (np.int8, np.uint8),
                 "weights of int8 or uint8 that are dequantized", value.array.dtype)
    node.require(value.array.ndim == len(order), f"weights of {len(order)} dimensions", value.array.ndim)
    moved = value.moved(lambda array: array.transpose(order))
    lower = 128 if moved.array.dtype == np.uint8 else 0
    data = (moved.array.astype(np.int64) - lower).astype(np.int8)
    node.require(data.size > 0, "weights", list(data.shape))
    scales, points = (_of_channels(node, values, axis) for values in (moved.scales, moved.zero_points))
    if scales.size > 1 or points.size > 1:
        scales, points = (np.ascontiguousarray(np.broadcast_to(values, data.shape[axis]))
                          for values in (scales, points))
    return node.graph.tensor(Tensor(node.location, data.shape, "int8", scales, points.astype(np.int64) - lower, axis,
                                    np.ascontiguousarray(data)))


def _of_channels(node, values, axis):
    """What broadcasts to weights, as one number or one for each channel."""
    rest = tuple(dimension for dimension in range(values.ndim) if dimension != axis)
    low, high = values.min(axis=rest), values.max(axis=rest)
    node.require(bool((low == high).all()), "a scale and a zero point for each output channel, or one for all",
                 "others")
    return low[:1] if (low == low[0]).all() else low


def onnx_bias(node, position, x, weights):
    """The number of a bias or -1, and whether it has steps of its own, or none: then it is of float32, not int32.

    ``x`` and ``weights`` are numbers of tensors.
    """
    value = node.optional(position)
    if value is None:
        return -1, False
    node.require(isinstance(value, Constant), "a constant bias", "a computed one")
    x, weights = node.graph.tensors[x], node.graph.tensors[weights]
    if value.array.dtype == np.int32 and value.scales is not None and not value.zero_points.any() and (
            value.array.ndim == 1):
        steps = np.float64(x.scale) * weights.scales.astype(np.float64)
        if (np.abs(value.scales - steps) <= NEAR * steps).all():
            return node.graph.tensor(Tensor(node.location, value.shape, "int32", data=value.array)), False
    data = value.values
    node.require(data.dtype == np.float32 and bool(np.isfinite(data).all()), "a bias of finite float32, or dequantized",
                 data.dtype)
    return node.graph.tensor(Tensor(node.location, data.shape, "float32", data=data)), True


@of_lines_too
def read_conv(node):
    """A convolution, depthwise where every channel is a group."""
    node.has_operands(2, 3)
    x = node.graph.integers(node, node.operands[0], is_last=True)
    image, groups = node.graph.tensors[x].shape, int(node.attributes.get("group", 1))
    node.require(len(image) == 4, "an image of four dimensions", len(image))
    is_depthwise = groups == image[3] and groups > 1
    weights = onnx_weights(node, 1, *(((1, 2, 3, 0), 3) if is_depthwise else ((0, 2, 3, 1), 0)))
    shape = node.graph.tensors[weights].shape
    node.require(tuple(node.attributes.get("kernel_shape", shape[1:3])) == shape[1:3],
                 f"a kernel_shape of its weights {list(shape[1:3])}", node.attributes.get("kernel_shape"))
    window, after, _ = onnx_window(node, image, shape[1:3])
    node.require(is_depthwise or shape[3] * groups == image[3], f"{image[3]} input channels", shape[3] * groups)
    node.require(not is_depthwise or shape[0] == 1, "one input channel a group", shape[0])
    bias, has_own = onnx_bias(node, 2, x, weights)
    channels = shape[3 if is_depthwise else 0]
    node.require(bias < 0 or node.graph.tensors[bias].shape == (channels,), f"a bias of {channels}",
                 "another shape")
    make = partial(DepthwiseConv2D if is_depthwise else Conv2D, groups=groups, rounding="float", **window,
                   inputs=(x, weights, bias))
    return Product(node.location, (image[0], channels, *after), True, make, has_own,
                   node.graph.tensors[x].dtype != "int16")


@of_lines_too
def read_conv_transpose(node):
    node.has_operands(2, 3)
    x = node.graph.integers(node, node.operands[0], is_last=True)
    weights = onnx_weights(node, 1, (1, 2, 3, 0), 0)
    image, shape = node.graph.tensors[x].shape, node.graph.tensors[weights].shape
    node.require(len(image) == 4 and image[3] == shape[3], f"images of {shape[3]} channels", list(image))
    attributes, taps = node.attributes, shape[1:3]
    stride, more = (tuple(map(int, attributes.get(name, (default,) * 2)))
                    for name, default in (("strides", 1), ("output_padding", 0)))
    pads = tuple(map(int, attributes.get("pads", (0,) * 4)))
    node.require(tuple(attributes.get("kernel_shape", taps)) == taps and len(stride) == len(more) == 2 and
                 len(pads) == 4 and min(stride) >= 1 and min(*pads, *more) >= 0 and
                 all(part < step for part, step in zip(more, stride)),
                 "a kernel_shape of its weights, two strides, two output_paddings below them and four pads",
                 f"{attributes.get('kernel_shape')}, {stride}, {more}, {pads}")
    after = tuple((length - 1) * step + tap + part - low - high for length, step, tap, part, low, high in
                  zip(image[1:3], stride, taps, more, pads[:2], pads[2:]))
    node.require(min(after) > 0, "an output with pixels", list(after))
    bias, has_own = onnx_bias(node, 2, x, weights)
    node.require(bias < 0 or node.graph.tensors[bias].shape == shape[:1], f"a bias of {shape[0]}", "another shape")
    make = partial(TransposedConvolution, inputs=(x, weights, bias), stride=stride, crop=pads[:2], image=after,
                   rounding="float")
    # No runtime that is known here computes it in integers.
    return Product(node.location, (image[0], shape[0], *after), True, make, has_own, False)


def read_gemm(node):
    """The product with constant weights."""
    is_gemm, attributes, tensors = node.kind == "Gemm", node.attributes, node.graph.tensors
    node.has_operands(2, 3 if is_gemm else 2)
    if not is_gemm and not isinstance(node.operands[1], Constant):
        return read_matmul_of_activations(node)
    if block := in_blocks(node, node.operands[1], axis := 1 if attributes.get("transB") else 0):
        return read_blocks(node, axis, block)
    x = node.graph.integers(node, node.operands[0], is_last=False)
    weights = onnx_weights(node, 1, (0, 1) if attributes.get("transB") else (1, 0), 0)
    shape, (units, depth) = tensors[x].shape, tensors[weights].shape
    node.require(shape[-1:] == (depth,) and (len(shape) == 2 or not is_gemm), "operands that fit",
                 f"{list(shape)} and {[depth, units]}")
    bias, has_own = onnx_bias(node, 2, x, weights)
    shape = (*shape[:-1], units)
    if bias >= 0:
        node.require(_broadcasts(tensors[bias].shape, shape), f"a bias that broadcasts to {list(shape)}",
                     list(tensors[bias].shape))
    make = partial(FullyConnected, inputs=(x, weights, bias), rounding="float")
    return Product(node.location, shape, False, make, has_own, tensors[x].dtype != "int16")


def _broadcasts(shape, to):
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


CONVOLUTION = ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides")
READERS = (
    (OnnxForm("Conv", (1, 11, 22), CONVOLUTION), read_conv),
    (OnnxForm("ConvTranspose", (1, 11, 22), ("kernel_shape", "output_padding", "pads", "strides"),
              {"auto_pad": b"NOTSET", "dilations": ([1, 1],), "group": 1, "output_shape": ()}), read_conv_transpose),
    (OnnxForm("Gemm", (9, 11, 13), ("transB",), {"alpha": 1.0, "beta": 1.0, "transA": 0}), read_gemm),
    (OnnxForm("MatMul", (9, 13)), read_gemm),
)
