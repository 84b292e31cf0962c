"""Operators of ``.onnx`` files: each node as operators of a `Network`, or as what waits for its quantization.

Every function takes the reader, the node's place, attributes, operands, and the name of its output.
"""

from functools import partial

import numpy as np

from . import network as net
from .checks import ceil_div, spatial
from .network import Tensor
from .onnx_values import Constant, Pending, Value


def _weights(reader, place, value, order, axis):
    """Constant int8 weights in the order that a `Network` has, as a tensor with scales along ``axis``."""
    reader.require(place, isinstance(value, Constant) and value.scales is not None and value.array.dtype == np.int8,
                 "constant weights of int8", getattr(getattr(value, "array", None), "dtype", "computed ones"))
    reader.require(place, value.array.ndim == len(order), f"weights of {len(order)} dimensions", value.array.ndim)
    data = value.array.transpose(order)
    of_channels = value.scales.size > 1
    reader.require(place, not of_channels or (value.axis < len(order) and order[axis] == value.axis),
                 "a scale for each output channel", f"scales along dimension {value.axis}")
    points = np.broadcast_to(value.zero_points, value.scales.shape)
    return reader.tensor(Tensor(place, data.shape, "int8", value.scales, points, axis, np.ascontiguousarray(data)))


def _bias(reader, place, value, x, weights):
    """The number of an int32 bias, or -1."""
    if value is None:
        return -1
    reader.require(place, isinstance(value, Constant), "a constant bias", "a computed one")
    scale = np.float64(reader.tensors[x].scale) * reader.tensors[weights].scales.astype(np.float64)
    data = np.rint(value.values.reshape(-1) / np.where(scale > 0, scale, 1))
    reader.require(place, bool((np.abs(data) < 2 ** 31).all()), "a bias within int32", float(np.abs(data).max()))
    wide = reader.tensors[x].dtype == "int16"
    return reader.tensor(Tensor(place, data.shape, "int64" if wide else "int32",
                               data=data.astype(np.int64 if wide else np.int32)))


def convolution(reader, place, attributes, operands, name):
    """Conv, depthwise where every channel is a group."""
    x = reader.operand(place, operands[0], is_last=True)
    image, groups = reader.tensors[x].shape, int(attributes.get("group", 1))
    reader.require(place, len(image) == 4, "an image of four dimensions", len(image))
    is_depthwise = groups == image[3] and groups > 1
    order = (1, 2, 3, 0) if is_depthwise else (0, 2, 3, 1)
    weights = _weights(reader, place, operands[1], order, 3 if is_depthwise else 0)
    size = reader.tensors[weights].shape[1:3]
    where = _window(reader, place, attributes, image, size)
    shape = reader.tensors[weights].shape
    reader.require(place, is_depthwise or shape[3] * groups == image[3], f"{image[3]} input channels",
                 shape[3] * groups)
    reader.require(place, not is_depthwise or shape[0] == 1, "one input channel a group", shape[0])
    channels = shape[3 if is_depthwise else 0]
    inputs = x, weights, _bias(reader, place, operands[2] if len(operands) > 2 else None, x, weights)
    make = partial(net.DepthwiseConv2D if is_depthwise else net.Conv2D, inputs=inputs, groups=groups,
                   rounding="float", **where)
    after = _after(image, size, where)
    return Pending(place, (image[0], channels, *after), True, make)


def _after(image, size, where):
    reach = spatial(size, where["dilation"])
    return [(length + sum(pads) - span) // step + 1
            for length, pads, span, step in zip(image[1:3], where["padding"], reach, where["stride"])]


def _window(reader, place, attributes, image, size):
    """Stride, dilation and explicit padding."""
    stride, dilation = (tuple(map(int, attributes.get(name, (1, 1)))) for name in ("strides", "dilations"))
    pads, auto = tuple(map(int, attributes.get("pads", (0,) * 4))), attributes.get("auto_pad", b"NOTSET").decode()
    reader.require(place, len(stride) == len(dilation) == len(size) == 2 and len(pads) == 4 and
                 min(*stride, *dilation, *size) >= 1, "two strides, dilations and sizes from 1 on and four pads",
                 f"{stride}, {dilation}, {tuple(size)}, {pads}")
    reader.require(place, not attributes.get("ceil_mode"), "ceil_mode 0", attributes.get("ceil_mode"))
    padding = ((pads[0], pads[2]), (pads[1], pads[3]))
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        totals = [max((ceil_div(length, step) - 1) * step + span - length, 0)
                  for length, step, span in zip(image[1:3], stride, spatial(size, dilation))]
        padding = tuple((total // 2, total - total // 2) if auto == "SAME_UPPER" else
                        (total - total // 2, total // 2) for total in totals)
    elif auto == "VALID":
        padding = ((0, 0), (0, 0))
    return {"stride": stride, "dilation": dilation, "padding": padding}


def product(reader, place, attributes, operands, name):
    """Gemm and MatMul with constant weights."""
    x = reader.operand(place, operands[0], is_last=False)
    plain = all(attributes.get(key, value) == value for key, value in (("alpha", 1.0), ("beta", 1.0), ("transA", 0)))
    reader.require(place, plain, "alpha 1, beta 1 and transA 0", attributes)
    order = (0, 1) if attributes.get("transB") else (1, 0)
    weights = _weights(reader, place, operands[1], order, 0)
    shape = reader.tensors[x].shape
    reader.require(place, shape[-1:] == reader.tensors[weights].shape[1:], "operands that fit",
                 f"{list(shape)} and {list(reader.tensors[weights].shape)}")
    inputs = x, weights, _bias(reader, place, operands[2] if len(operands) > 2 else None, x, weights)
    make = partial(net.FullyConnected, inputs=inputs, rounding="float")
    return Pending(place, (*shape[:-1], reader.tensors[weights].shape[0]), False, make)


def pool(reader, place, attributes, operands, name, *, kind, is_global=False):
    """Pooling over a window or the whole image; maxima are at the scale of the input."""
    x = reader.operand(place, operands[0], is_last=True)
    image = reader.tensors[x].shape
    reader.require(place, len(image) == 4, "an image of four dimensions", len(image))
    if is_global:
        attributes = {"kernel_shape": image[1:3]}
    size = tuple(map(int, attributes.get("kernel_shape", ())))
    where = _window(reader, place, attributes, image, size)
    reader.require(place, where.pop("dilation") == (1, 1), "no dilation", attributes.get("dilations"))
    reader.require(place, kind is net.MaxPool2D or not attributes.get("count_include_pad") or
                 where["padding"] == ((0, 0), (0, 0)), "count_include_pad 0", 1)
    after = _after(image, size, {**where, "dilation": (1, 1)})
    make = partial(kind, inputs=(x,), size=size, rounding="float", **where)
    if kind is net.AveragePool2D:
        return Pending(place, (image[0], image[3], *after), True, make)
    index = reader.like(x, name, (image[0], *after, image[3]))
    reader.operators.append(make(place=place, output=index))
    return Value(index, (image[0], image[3], *after), True, True)


def mean(reader, place, attributes, operands, name):
    """ReduceMean over height and width."""
    axes = attributes.get("axes") or _integers(reader, place, operands[1] if len(operands) > 1 else None, "axes")
    rank = len(operands[0].shape)
    reader.require(place, rank == 4 and sorted(int(axis) % rank for axis in axes) == [2, 3],
                   "axes 2 and 3 of four", f"{list(axes)} of {rank}")
    pooled = pool(reader, place, {}, operands, name, kind=net.AveragePool2D, is_global=True)
    if attributes.get("keepdims", 1):
        return pooled
    return _moved(reader, place, [pooled], net.Reshape, pooled.shape[:2], name)


def arithmetic(reader, place, attributes, operands, name, *, kind):
    """Add and Mul."""
    reader.require(place, len(operands) == 2, "two operands", len(operands))
    shapes = [operand.array.shape if isinstance(operand, Constant) else operand.shape for operand in operands]
    is_last = all(len(shape) == 4 for shape in shapes)
    inputs = tuple(reader.operand(place, operand, is_last=is_last) for operand in operands)
    make = partial(kind, inputs=inputs, rounding="float")
    return Pending(place, np.broadcast_shapes(*shapes), is_last, make)


def clamp(reader, place, attributes, operands, name):
    """Relu, and Clip from 0 to 6."""
    activation = "relu"
    if place.endswith("(Clip)"):
        limits = [float(operand.values) if isinstance(operand, Constant) and operand.array.size == 1 else None
                  for operand in operands[1:3]]
        reader.require(place, limits in ([0.0, 6.0], [0.0]), "limits 0 and 6, constant", limits)
        activation = "relu6" if len(limits) == 2 else "relu"
    value = operands[0]
    if isinstance(value, Pending):
        reader.require(place, value.activation == "none", "no activation before it", value.activation)
        return Pending(value.place, value.shape, value.is_last, value.make, activation)
    index = reader.operand(place, value, is_last=value.is_last)
    make = lambda place, output, activation: net.Relu(  # noqa: E731
        place=place, inputs=(index,), output=output, activation=activation, rounding="float")
    return Pending(place, value.shape, value.is_last, make, activation)


def _moved(reader, place, operands, make, shape, name):
    """An operator that only moves elements, in the layout of the file."""
    value = operands[0]
    if isinstance(value, Pending):
        # Whether elements are moved before they are quantized or after is the same.
        def finish(place, output, activation):
            x = reader.made(value, output, value.activation if activation == "none" else activation)
            return make(place=place, inputs=(x,), output=output)

        return Pending(place, tuple(shape), False, finish, value.activation)
    x = reader.operand(place, operands[0], is_last=False)
    index = reader.like(x, name, tuple(shape))
    reader.operators.append(make(place=place, inputs=(x,), output=index))
    return Value(index, tuple(shape), False, True)


def _integers(reader, place, value, what):
    reader.require(place, isinstance(value, Constant) and value.array.dtype.kind == "i", f"constant {what}",
                 "computed ones")
    return [int(number) for number in value.array.reshape(-1)]


def reshape(reader, place, attributes, operands, name):
    """Reshape and Flatten."""
    shape = operands[0].shape
    size = int(np.prod(shape))
    if place.endswith("(Flatten)"):
        axis = int(attributes.get("axis", 1))
        first = int(np.prod(shape[:axis]))
        wanted = [first, size // max(1, first)]
    else:
        wanted = _integers(reader, place, operands[1] if len(operands) > 1 else None, "dimensions")
        wanted = [shape[axis] if length == 0 and axis < len(shape) else length
                  for axis, length in enumerate(wanted)]
        known = int(np.prod([length for length in wanted if length != -1]))
        wanted = [size // max(1, known) if length == -1 else length for length in wanted]
    return _moved(reader, place, operands, net.Reshape, wanted, name)


def transpose(reader, place, attributes, operands, name):
    """Transpose."""
    shape = operands[0].shape
    permutation = tuple(map(int, attributes.get("perm", tuple(reversed(range(len(shape)))))))
    reader.require(place, sorted(permutation) == list(range(len(shape))), "a permutation", permutation)
    return _moved(reader, place, operands, partial(net.Transpose, permutation=permutation),
                       [shape[axis] for axis in permutation], name)


def pad(reader, place, attributes, operands, name):
    """Pad with a constant that stands for zero."""
    amounts = _integers(reader, place, operands[1] if len(operands) > 1 else None, "amounts")
    shape, value = operands[0].shape, operands[2] if len(operands) > 2 else None
    reader.require(place, attributes.get("mode", b"constant") == b"constant" and (
        value is None or (isinstance(value, Constant) and not value.values.any())), "mode constant with zeros",
        attributes.get("mode", value))
    reader.require(place, len(amounts) == 2 * len(shape), f"{2 * len(shape)} amounts", len(amounts))
    pairs = tuple(zip(amounts[:len(shape)], amounts[len(shape):]))
    x = reader.operand(place, operands[0], is_last=False)
    make = partial(net.Pad, amounts=pairs, value=reader.tensors[x].zero_point)
    return _moved(reader, place, operands, make, [length + sum(pair) for length, pair in zip(shape, pairs)], name)


def concatenation(reader, place, attributes, operands, name):
    """Concat; operands of other scales are brought to the output's first."""
    axis, shapes = int(attributes["axis"]), [operand.shape for operand in operands]
    axis += len(shapes[0]) if axis < 0 else 0
    inputs = [reader.operand(place, operand, is_last=False) for operand in operands]
    shape = (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1:])

    def make(place, output, activation):
        target, joined = reader.tensors[output], []
        for index in inputs:
            scaled = reader.like(output, place, reader.tensors[index].shape)
            reader.operators.append(net.Quantize(place=place, inputs=(index,), output=scaled, rounding="float"))
            joined.append(scaled)
        reader.require(place, activation == "none" and target.scales.size == 1, "no activation", activation)
        return net.Concatenation(place=place, inputs=tuple(joined), output=output, axis=axis)

    return Pending(place, shape, False, make)


def softmax(reader, place, attributes, operands, name):
    """Softmax over the last dimension."""
    shape = operands[0].shape
    reader.require(place, int(attributes.get("axis", -1)) in (-1, len(shape) - 1), "the last axis",
                 attributes.get("axis"))
    x = reader.operand(place, operands[0], is_last=False)

    def make(place, output, activation):
        reader.require(place, activation == "none", "no activation", activation)
        return net.Softmax(place=place, inputs=(x,), output=output, rounding="float")

    return Pending(place, shape, False, make)


def constant(reader, place, attributes, operands, name):
    """Constant."""
    reader.require(place, "value" in attributes, "a tensor as value", sorted(attributes))
    return Constant(reader.array(attributes["value"]))


NODES = {
    "Add": partial(arithmetic, kind=net.Add), "AveragePool": partial(pool, kind=net.AveragePool2D), "Clip": clamp,
    "Concat": concatenation, "Constant": constant, "Conv": convolution, "Flatten": reshape, "Gemm": product,
    "GlobalAveragePool": partial(pool, kind=net.AveragePool2D, is_global=True), "MatMul": product,
    "MaxPool": partial(pool, kind=net.MaxPool2D), "Mul": partial(arithmetic, kind=net.Mul), "Pad": pad, "Relu": clamp,
    "ReduceMean": mean, "Reshape": reshape, "Softmax": softmax, "Transpose": transpose,
}
