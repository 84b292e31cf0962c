"""Operators that a macro computes: products with constant weights."""

from abc import abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from ...golden.kernels import float_layers, layers
from .network import QUANTIZED
from .operator import Operator

# Beyond these, the fixed-point arithmetic of the kernels overflows: an accumulator's factor, by rounding rule and kind
# of activation, and its bits.
GREATEST_FACTOR = {("single", "int8"): 2.0 ** 30, ("single", "int16"): 2.0 ** 11, ("double", "int8"): 2.0 ** 30,
                   ("double", "int16"): 2.0 ** 30, ("wide", "int16"): 2.0 ** 7, ("float", "int8"): 2.0 ** 30,
                   ("float", "int16"): 2.0 ** 30,
                   ("float64", "int8"): 2.0 ** 30, ("float64", "int16"): 2.0 ** 30}
ACCUMULATOR_BITS = {(rule, "int16"): 48 for rule in ("single", "wide", "float", "float64")}


def signed_weights(weights):
    """Weights as int8, and their zero points; those of uint8 are less by 128, both."""
    if weights.dtype == "uint8":
        return (weights.data.astype(np.int16) - 128).astype(np.int8), weights.zero_points - 128
    return weights.data, weights.zero_points


@dataclass(frozen=True, kw_only=True)
class MatrixOperator(Operator):
    """A product with constant weights: ``inputs`` are activation, weights, and int32 or int64 bias or -1.

    ``is_narrow``: its kernel adds up int16 activations in int32.
    """

    activation: str = "none"
    is_narrow: bool = False

    is_matrix = True
    # Of the class: whether int8 weights may have a zero point, and how often a convolution has each output channel.
    has_zero_point = False
    phases = 1
    # Whether the weights are known at run time only, and how often it is computed in a run.
    is_loaded = False
    calls = 1

    @property
    def product(self):
        """Equal for operators that only quantize the same accumulators in different ways."""
        return replace(self, location="", outputs=(), rounding="", activation="none", is_narrow=False)

    @property
    def operands(self):
        return self.inputs[:1]

    @property
    def products(self):
        return (self,)

    @abstractmethod
    def convolution(self, tensors):
        """The operator as a `GroupedConvolution`, for whatever computes it."""

    @abstractmethod
    def multiply(self, values, weights):
        """Accumulators of values (N, *shape) less their zero point, in any shape of as many elements; int64 arrays."""

    def ones(self, shape):
        """The shape of weights of which a product is what its accumulators add up; of ``shape`` are the operator's."""
        return (1, *shape[1:])

    def arrange(self, sums, tensors):
        """Accumulators (N, *output shape) of what the convolution gives, in any shape of as many elements."""
        output = tensors[self.output]
        return sums.reshape(-1, *output.shape)

    def accumulators(self, tensors, x):
        """``sum(w * (x - zero_point))`` in numpy, without bias.

        Parameters
        ----------
        tensors : list of Tensor
            Of the network.
        x : int array (N, *shape)
            Inputs, one run of the network after the other.

        Returns
        -------
        int64 array (N, *output shape)
        """
        tensor, weights = (tensors[index] for index in self.inputs[:2])
        kernel, _ = signed_weights(weights)
        return self.arrange(self.multiply(x - tensor.zero_point, kernel.astype(np.int64)), tensors)

    def compute(self, context, x):
        tensor, weights, bias = [*context.inputs, None][:3]
        total = context.accumulators(x) - self._of_zero_points(context, x)
        if context.output.dtype == "float32":
            return self._numbers(context, total)
        if bias is not None:
            total = total + bias.data.astype(np.int64)
        zero_point, clamp = context.output.zero_point, context.clamp(self.activation)
        if context.rounding == "float":
            return float_layers.requantize(total, tensor.scale, weights.scales, context.output.scale, zero_point, clamp)
        kind = "float64" if context.rounding == "float64" else tensor.dtype
        factors = layers.matrix_factors(tensor.scale, weights.scales, context.output.scale, kind)
        if context.rounding == "float64":
            return layers.requantize_float64(total, factors, zero_point, clamp)
        return layers.requantize(total, factors, zero_point, clamp, rounding=context.rounding)

    def _of_zero_points(self, context, x):
        """What accumulators have too much because weights count from their zero points, or 0."""
        tensor, weights = context.inputs[:2]
        kernel, points = signed_weights(weights)
        if not points.any():
            return 0
        sums = self.multiply(x - tensor.zero_point, np.ones(self.ones(kernel.shape), np.int64))
        every = np.repeat(sums, context.output.shape[-1] * self.phases // sums.shape[-1], axis=-1)
        return self.arrange(every, context.tensors) * points

    def _numbers(self, context, total):
        """Of accumulators: in floating point, clamped."""
        tensor, weights, bias = [*context.inputs, None][:3]
        if bias is not None and bias.dtype != "float32":
            total, bias = total + bias.data.astype(np.int64), None
        y = float_layers.product(total, tensor.scale, weights.scales, 0 if bias is None else bias.data)
        return float_layers.clip(y, *self.activation)

    def slack(self, context, x):
        """What float32 loses in as many additions; of integers as of the numbers before them."""
        tensor, weights, bias = [*context.inputs, None][:3]
        points = np.abs(weights.zero_points.reshape([-1 if axis == weights.axis else 1
                                                     for axis in range(weights.data.ndim)]))
        sums = self.multiply(np.abs(x - tensor.zero_point), np.abs(weights.data.astype(np.int64)) + points)
        scales = np.float64(tensor.scale) * weights.scales.astype(np.float64)
        sizes = self.arrange(sums, context.tensors) * scales
        if bias is not None:
            sizes = sizes + np.abs(bias.data * (1.0 if bias.dtype == "float32" else scales))
        return (weights.size / weights.shape[weights.axis] + 8) * 2.0 ** -24 * sizes

    def check_product(self, rules, channels, axis, shape):
        """What all products with weights must be; ``axis`` of the weights is their ``channels``."""
        x, weights, bias = [*rules.inputs, None][:3]
        is_float = self.rounding == "float" and rules.output.dtype == "float32"
        rules.quantized(*[x] if is_float else (x, rules.output), free=self.rounding == "float")
        self._check_weights(rules, weights, channels, axis)
        kinds = ("int32", "int64") if x.dtype == "int16" else ("int32",)
        if bias is not None and not (is_float and bias.dtype == "float32"):
            rules.require(bias.data is not None and bias.dtype in kinds and bias.shape == (channels,),
                          f"a constant bias of {channels} {' or '.join(kinds)}", f"{bias.dtype} {list(bias.shape)}")
        kind = self.rounding, "int16" if x.dtype == "int16" else "int8"
        rules.factor(x.scale * weights.scales.astype(np.float64) / (1.0 if is_float else rules.output.scale),
                     GREATEST_FACTOR[kind])
        rules.has_shape(shape)
        low, high = QUANTIZED[x.dtype]
        shape = [-1 if dimension == axis else 1 for dimension in range(weights.data.ndim)]
        values = weights.data.astype(np.int64) - weights.zero_points.reshape(shape)
        sums = np.abs(np.moveaxis(values, axis, 0)).reshape(channels, -1).sum(axis=1)
        # Of Python's integers: the least of numpy's has no absolute value.
        biases = 0 if bias is None or bias.dtype == "float32" else np.abs(bias.data.astype(object))
        max_accumulator = int((sums * (high - low) + biases).max(initial=0))
        bits = 32 if self.is_narrow else ACCUMULATOR_BITS.get(kind, 32)
        rules.require(max_accumulator < 1 << bits - 1, f"accumulators within {bits} bits", f"up to {max_accumulator}")

    def _check_weights(self, rules, weights, channels, axis):
        dtype = "uint8" if rules.inputs[0].dtype == "uint8" and self.rounding != "float" else "int8"
        rules.require(weights.data is not None and weights.dtype == dtype, f"constant {dtype} weights", weights.dtype)
        rules.require(weights.scales.size == 1 or (weights.scales.size == channels and weights.axis == axis),
                      f"one scale for all weights or for each of {channels} channels (dimension {axis})",
                      f"{weights.scales.size} along dimension {weights.axis}")
        rules.require(bool((weights.scales >= 0).all() and np.isfinite(weights.scales).all()),
                      "finite scales of weights", weights.scales.tolist()[:4])
        is_free = dtype == "uint8" or (self.has_zero_point and weights.scales.size == 1) or self.rounding == "float"
        low, high = QUANTIZED[dtype]
        rules.require(not weights.zero_points.any() or (is_free and bool(
            ((low <= weights.zero_points) & (weights.zero_points <= high)).all())),
            f"weights with a zero point from {low} to {high}" if is_free else "weights with zero point 0",
            weights.zero_points.tolist()[:4])
