"""What a network must be, whatever file it comes from: every rule that the exact layers rely on."""

import math
from dataclasses import replace

import numpy as np

from . import network as net
from .network import QUANTIZED, NetworkError

# Elements of a tensor, of all tensors that are computed, of all windows of a layer (each a copy of what it sees);
# multiply-accumulates of a network. Far beyond what a macro is for, and soon refused.
MOST_ELEMENTS, MOST_COMPUTED, MOST_SEEN, MOST_MACS = 1 << 24, 1 << 24, 1 << 28, 1 << 32
# Beyond these, the fixed-point arithmetic of the kernels overflows: an accumulator's factor, by rounding rule and kind
# of activation, and its bits.
GREATEST_FACTOR = {("single", "int8"): 2.0 ** 30, ("single", "int16"): 2.0 ** 11, ("double", "int8"): 2.0 ** 30,
                   ("double", "int16"): 2.0 ** 30, ("wide", "int16"): 2.0 ** 7, ("float", "int8"): 2.0 ** 30,
                   ("float", "int16"): 2.0 ** 30}
ACCUMULATOR_BITS = {("single", "int16"): 48, ("wide", "int16"): 48, ("float", "int16"): 48}


def ceil_div(a, b):
    """Quotient of integers, rounded up."""
    return -(-a // b)


def spatial(size, dilation):
    """Pixels that a dilated window reaches over, (vertical, horizontal)."""
    return tuple((length - 1) * step + 1 for length, step in zip(size, dilation))


def check(network):
    """Raise `NetworkError` at the first operator that breaks a rule; fill in dimensions that a file leaves open."""
    for tensor in network.tensors:
        if tensor.size > MOST_ELEMENTS:
            raise NetworkError(f"tensor {tensor.name} must have at most {MOST_ELEMENTS} elements, not {tensor.size}")
    _check_order(network)
    computed = 0
    for operator in network.operators:
        _Check(network, operator).run()
        computed += network.tensors[operator.output].size
        if computed > MOST_COMPUTED:
            raise NetworkError(f"model must compute at most {MOST_COMPUTED} elements, and has more at {operator.place}")
    macs = sum(network.macs(operator) for operator in network.matrix_operators)
    if macs > MOST_MACS:
        raise NetworkError(f"model must need at most {MOST_MACS} multiply-accumulates, not {macs}")


def _check_order(network):
    """Every tensor is made once, before it is used."""
    known = {index for index, tensor in enumerate(network.tensors) if tensor.data is not None} | set(network.inputs)
    for operator in network.operators:
        for index in operator.inputs:
            if index >= 0 and index not in known:
                raise NetworkError(f"{operator.place} must use what is computed before it, not tensor {index} "
                                   f"({network.tensors[index].name})")
        if operator.output in known:
            raise NetworkError(f"{operator.place} must make a tensor of its own, not tensor {operator.output} again")
        known.add(operator.output)
    if not network.inputs or not network.outputs or not set(network.outputs) <= known:
        raise NetworkError(f"{network.name} must have inputs, and outputs that are computed, and has "
                           f"{len(network.inputs)} and {len(network.outputs)}")
    for index in network.inputs:
        if network.tensors[index].size < 1:
            raise NetworkError(f"input {index} must have elements, not shape {list(network.tensors[index].shape)}")


class _Check:
    """The rules of one operator."""

    def __init__(self, network, operator):
        self.operator, self.place, self._tensors = operator, operator.place, network.tensors
        self.inputs = [network.tensors[index] if index >= 0 else None for index in operator.inputs]
        self.output = network.tensors[operator.output]

    def run(self):
        """Raise `NetworkError` if one is broken."""
        kind = next(kind for kind in RULES if isinstance(self.operator, kind))
        RULES[kind](self)

    def require(self, condition, rule, value):
        """One line with operator, rule and value, unless the condition holds."""
        if not condition:
            raise NetworkError(f"{self.place} must have {rule}, not {value}")

    def has_shape(self, shape):
        """The output has this shape, which it gets if the file leaves it open."""
        shape = tuple(shape)
        if self.output.is_open and self.output.shape != shape and int(np.prod(shape)) <= MOST_ELEMENTS:
            self.output = self._tensors[self.operator.output] = replace(self.output, shape=shape)
        self.require(self.output.shape == shape, f"an output of shape {list(shape)}", list(self.output.shape))

    def quantized(self, *tensors, dtypes=tuple(QUANTIZED)):
        """Tensors have one valid scale and zero point, and are of the same kind."""
        for tensor in tensors:
            self.require(tensor.dtype in dtypes and tensor.dtype == tensors[0].dtype,
                         f"operands of one kind among {', '.join(dtypes)}", tensor.dtype)
            self.require(tensor.scales.size == 1 and np.isfinite(tensor.scale) and tensor.scale > 0,
                         f"one positive scale for {tensor.name}", tensor.scales.tolist()[:4])
            low, high = QUANTIZED[tensor.dtype]
            self.require(low <= tensor.zero_point <= high and (tensor.dtype == "int8" or tensor.zero_point == 0),
                         f"a zero point from {low} to {high} for {tensor.name}, 0 for int16", tensor.zero_point)

    def same_scale(self, *tensors):
        """Tensors share scale and zero point."""
        for tensor in tensors:
            self.require(tensor.scale == tensors[0].scale and tensor.zero_point == tensors[0].zero_point,
                         "one scale and zero point for input and output",
                         f"{tensors[0].scale}, {tensors[0].zero_point} and {tensor.scale}, {tensor.zero_point}")

    def factor(self, factors, greatest=2.0 ** 30):
        """A rescaling factor is in range."""
        most = float(np.max(factors))
        self.require(np.isfinite(most) and most < greatest, f"a rescaling factor below {greatest:g}", f"{most:g}")

    def matrix(self, channels, axis, shape):
        """What all products with weights must be."""
        x, weights, bias = [*self.inputs, None][:3]
        self.quantized(x, self.output)
        self.require(weights.data is not None and weights.dtype == "int8", "constant int8 weights", weights.dtype)
        self.require(weights.scales.size == 1 or (weights.scales.size == channels and weights.axis == axis),
                     f"one scale for all weights or for each of {channels} channels (dimension {axis})",
                     f"{weights.scales.size} along dimension {weights.axis}")
        self.require(bool((weights.scales >= 0).all() and np.isfinite(weights.scales).all()),
                     "finite scales of weights", weights.scales.tolist()[:4])
        self.require(not weights.zero_points.any(), "weights with zero point 0", weights.zero_points.tolist()[:4])
        kinds = ("int32",) if x.dtype == "int8" else ("int32", "int64")
        if bias is not None:
            self.require(bias.data is not None and bias.dtype in kinds and bias.shape == (channels,),
                         f"a constant bias of {channels} {' or '.join(kinds)}", f"{bias.dtype} {list(bias.shape)}")
        kind = self.operator.rounding, x.dtype
        self.factor(x.scale * weights.scales.astype(np.float64) / self.output.scale, GREATEST_FACTOR[kind])
        self.has_shape(shape)
        low, high = QUANTIZED[x.dtype]
        sums = np.abs(np.moveaxis(weights.data, axis, 0).astype(np.int64)).reshape(channels, -1).sum(axis=1)
        # Of Python's integers: the least of numpy's has no absolute value.
        biases = 0 if bias is None else np.abs(bias.data.astype(object))
        most = int((sums * (high - low) + biases).max(initial=0))
        bits = ACCUMULATOR_BITS.get(kind, 32)
        self.require(most < 1 << bits - 1, f"accumulators within {bits} bits", f"up to {most}")

    def fully_connected(self):
        x, weights = self.inputs[:2]
        self.require(len(weights.shape) == 2 and weights.size > 0, "weights (outputs, inputs)", list(weights.shape))
        units, depth = weights.shape
        self.require(x.size % depth == 0, f"inputs in groups of {depth}", list(x.shape))
        wanted = (x.size // depth, units)
        kept = (*x.shape[:-1], units)
        self.matrix(units, 0, kept if self.output.shape == kept and x.shape[-1:] == (depth,) else wanted)

    def window(self, size, stride, dilation, padding):
        """Height and width that a window leaves."""
        x = self.inputs[0]
        self.require(len(x.shape) == 4 and x.size > 0, "an input (batch, height, width, channels)", list(x.shape))
        reach = spatial(size, dilation)
        padded = [length + sum(pads) for length, pads in zip(x.shape[1:3], padding)]
        self.require(min(*size, *stride, *dilation) >= 1 and min(map(min, padding)) >= 0 and
                     all(a >= b for a, b in zip(padded, reach)),
                     "a window within the image", f"{reach} of {tuple(padded)}")
        after = [(length - span) // step + 1 for length, span, step in zip(padded, reach, stride)]
        seen = x.shape[0] * x.shape[3] * math.prod(after) * math.prod(size)
        self.require(seen <= MOST_SEEN and math.prod(padded) * x.shape[0] * x.shape[3] <= 2 * MOST_ELEMENTS,
                     f"at most {MOST_SEEN} elements in all windows, and {2 * MOST_ELEMENTS} with the padding", seen)
        return after

    def convolution(self):
        operator, (x, weights) = self.operator, self.inputs[:2]
        self.require(len(weights.shape) == 4 and weights.size > 0, "weights of four dimensions", list(weights.shape))
        image = self.window(weights.shape[1:3], operator.stride, operator.dilation, operator.padding)
        is_depthwise = isinstance(operator, net.DepthwiseConv2D)
        channels, depth = (weights.shape[3], 1) if is_depthwise else (weights.shape[0], weights.shape[3])
        self.require(not is_depthwise or weights.shape[0] == 1, "weights (1, height, width, channels)",
                     list(weights.shape))
        self.require(operator.groups * depth == x.shape[3] and channels % operator.groups == 0,
                     f"channels in {operator.groups} groups of {depth}", f"{x.shape[3]} inputs, {channels} outputs")
        self.matrix(channels, 3 if is_depthwise else 0, (x.shape[0], *image, channels))

    def pool(self):
        operator, x = self.operator, self.inputs[0]
        self.quantized(x, self.output)
        if not (isinstance(operator, net.AveragePool2D) and operator.rounding == "float"):
            self.same_scale(x, self.output)
        self.require(all(a < b for pads, b in zip(operator.padding, operator.size) for a in pads),
                     "padding narrower than the window", operator.padding)
        self.has_shape((x.shape[0], *self.window(operator.size, operator.stride, (1, 1), operator.padding),
                        x.shape[3]))

    def mean(self):
        x = self.inputs[0]
        self.quantized(x, self.output)
        self.require(len(x.shape) == 4 and x.size > 0, "an input (batch, height, width, channels)", list(x.shape))
        self.require(x.shape[1] * x.shape[2] < 1 << 16, "fewer than 65536 pixels", x.shape[1] * x.shape[2])
        self.factor(float(x.scale) / float(self.output.scale), 2.0 ** 7)
        batch, channels = x.shape[0], x.shape[3]
        self.require(self.output.shape in ((batch, channels), (batch, 1, 1, channels)),
                     f"an output of shape {[batch, channels]} or {[batch, 1, 1, channels]}", list(self.output.shape))

    def arithmetic(self):
        a, b = self.inputs
        self.quantized(a, b, self.output)
        try:
            shape = np.broadcast_shapes(a.shape, b.shape)
        except ValueError:
            shape = None
        self.require(shape is not None, "operands that broadcast", f"{list(a.shape)} and {list(b.shape)}")
        self.has_shape(shape)
        if isinstance(self.operator, net.Mul):
            self.factor(float(a.scale) * float(b.scale) / float(self.output.scale))
        else:
            left = 20 if a.dtype == "int8" else 15
            self.factor(2.0 * max(a.scale, b.scale) / ((1 << left) * float(self.output.scale)), 1.0)

    def pad(self):
        x, amounts = self.inputs[0], self.operator.amounts
        self.quantized(x, self.output)
        self.same_scale(x, self.output)
        self.require(len(amounts) == len(x.shape) and all(len(pair) == 2 and min(pair) >= 0 for pair in amounts),
                     f"{len(x.shape)} pairs of amounts from 0 on", amounts)
        self.has_shape(length + sum(pair) for length, pair in zip(x.shape, amounts))

    def concatenation(self):
        axis, shapes = self.operator.axis, [tensor.shape for tensor in self.inputs]
        self.quantized(*self.inputs, self.output)
        self.same_scale(*self.inputs, self.output)
        self.require(0 <= axis < len(shapes[0]) and
                     len({(*shape[:axis], *shape[axis + 1:]) for shape in shapes}) == 1,
                     "operands that differ along one dimension", [list(shape) for shape in shapes][:8])
        self.has_shape((*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1:]))

    def moved(self):
        """Reshape and transpose: the same elements."""
        x = self.inputs[0]
        self.require(x.dtype == self.output.dtype, f"an output of {x.dtype}", self.output.dtype)
        if isinstance(self.operator, net.Transpose):
            permutation = self.operator.permutation
            self.require(sorted(permutation) == list(range(len(x.shape))), "a permutation of its dimensions",
                         permutation)
            self.has_shape(x.shape[axis] for axis in permutation)
        self.require(x.size == self.output.size, f"an output of {x.size} elements", self.output.size)

    def blocks(self):
        """Between space and batch."""
        operator, x = self.operator, self.inputs[0]
        self.quantized(x, self.output)
        self.same_scale(x, self.output)
        block, amounts = operator.block, operator.amounts
        self.require(len(x.shape) == 4 and x.size > 0 and len(block) == 2 and min(block) >= 1 and
                     len(amounts) == 2 and all(len(pair) == 2 and min(pair) >= 0 for pair in amounts),
                     "an image, two lengths of blocks and two pairs of amounts", f"{list(x.shape)}, {block}, {amounts}")
        count = block[0] * block[1]
        if isinstance(operator, net.SpaceToBatch):
            image = [length + sum(pair) for length, pair in zip(x.shape[1:3], amounts)]
            self.require(all(a % b == 0 for a, b in zip(image, block)), f"whole blocks of {block}", image)
            self.has_shape((x.shape[0] * count, *(a // b for a, b in zip(image, block)), x.shape[3]))
        else:
            self.require(x.shape[0] % count == 0, f"images in blocks of {count}", x.shape[0])
            image = [length * b - sum(pair) for length, b, pair in zip(x.shape[1:3], block, amounts)]
            self.require(min(image) > 0, "crops within the image", amounts)
            self.has_shape((x.shape[0] // count, *image, x.shape[3]))

    def softmax(self):
        x = self.inputs[0]
        self.quantized(x, self.output)
        self.require(len(x.shape) >= 1 and x.size > 0, "an input of one dimension or more", list(x.shape))
        self.require(0 < self.operator.beta < 1e4, "a beta from 0 to 10000", self.operator.beta)
        is_free = x.dtype == "int8" or self.operator.rounding == "float"
        self.require(is_free or self.output.scale == 2.0 ** -15, "an output of scale 2**-15 with int16",
                     float(self.output.scale))
        self.has_shape(x.shape)

    def relu(self):
        x = self.inputs[0]
        self.quantized(x, self.output)
        self.factor(float(x.scale) / float(self.output.scale))
        self.has_shape(x.shape)

    def quantize(self):
        x = self.inputs[0]
        self.quantized(self.output)
        if x.dtype != "float32":
            self.quantized(x)
            self.factor(float(x.scale) / float(self.output.scale))
        self.has_shape(x.shape)

    def dequantize(self):
        x = self.inputs[0]
        self.quantized(x)
        self.require(self.output.dtype == "float32", "an output of float32", self.output.dtype)
        self.has_shape(x.shape)


RULES = {
    net.FullyConnected: _Check.fully_connected, net.Conv2D: _Check.convolution, net.Pool2D: _Check.pool,
    net.Mean: _Check.mean, net.Add: _Check.arithmetic, net.Mul: _Check.arithmetic, net.Pad: _Check.pad,
    net.Concatenation: _Check.concatenation, net.Reshape: _Check.moved, net.Transpose: _Check.moved,
    net.SpaceToBatch: _Check.blocks, net.BatchToSpace: _Check.blocks,
    net.Softmax: _Check.softmax, net.Relu: _Check.relu, net.Quantize: _Check.quantize,
    net.Dequantize: _Check.dequantize,
}
