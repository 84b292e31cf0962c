"""Operators that a macro computes: products with constant weights."""

from abc import abstractmethod
from dataclasses import dataclass, replace

import numpy as np

from ...golden import float_layers, layers
from .network import QUANTIZED
from .operator import Operator

# Beyond these, the fixed-point arithmetic of the kernels overflows: an accumulator's factor, by rounding rule and kind
# of activation, and its bits.
GREATEST_FACTOR = {("single", "int8"): 2.0 ** 30, ("single", "int16"): 2.0 ** 11, ("double", "int8"): 2.0 ** 30,
                   ("double", "int16"): 2.0 ** 30, ("wide", "int16"): 2.0 ** 7, ("float", "int8"): 2.0 ** 30,
                   ("float", "int16"): 2.0 ** 30,
                   ("float64", "int8"): 2.0 ** 30, ("float64", "int16"): 2.0 ** 30}
ACCUMULATOR_BITS = {(rule, "int16"): 48 for rule in ("single", "wide", "float", "float64")}


@dataclass(frozen=True, kw_only=True)
class MatrixOperator(Operator):
    """A product with constant weights: ``inputs`` are activation, weights, and int32 or int64 bias or -1."""

    activation: str = "none"

    is_matrix = True

    @property
    def product(self):
        """Equal for operators that only quantize the same accumulators in different ways."""
        return replace(self, place="", outputs=(), rounding="", activation="none")

    @property
    def operands(self):
        return self.inputs[:1]

    @abstractmethod
    def convolution(self, tensors):
        """The operator as a `GroupedConvolution`, for whatever computes it."""

    @abstractmethod
    def multiply(self, values, weights):
        """Accumulators of values (N, *shape) less their zero point, in any shape of as many elements; int64 arrays."""

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
        y = self.multiply(x - tensor.zero_point, weights.data.astype(np.int64))
        return y.reshape(len(x), *tensors[self.output].shape)

    def compute(self, step, x):
        tensor, weights, bias = [*step.inputs, None][:3]
        total = step.accumulators(x)
        if weights.zero_points.any():
            total = total - weights.zero_points * self._sums_of_inputs(step, x)
        if step.output.dtype == "float32":
            return self._numbers(step, total)
        if bias is not None:
            total = total + bias.data.astype(np.int64)
        zero_point, clamp = step.output.zero_point, step.clamp(self.activation)
        if step.rounding == "float":
            return float_layers.requantize(total, tensor.scale, weights.scales, step.output.scale, zero_point, clamp)
        factors = layers.matrix_factors(tensor.scale, weights.scales, step.output.scale)
        if step.rounding == "float64":
            return layers.requantize_float64(total, factors, zero_point, clamp)
        return layers.requantize(total, factors, zero_point, clamp, rounding=step.rounding)

    def _sums_of_inputs(self, step, x):
        """What each channel's accumulator would be with weights of 1."""
        tensor, weights = step.inputs[:2]
        ones = np.ones(weights.shape, np.int64)
        return self.multiply(x - tensor.zero_point, ones).reshape(len(x), *step.output.shape)

    def _numbers(self, step, total):
        """Of accumulators: in floating point, clamped."""
        tensor, weights, bias = [*step.inputs, None][:3]
        if bias is not None and bias.dtype != "float32":
            total, bias = total + bias.data.astype(np.int64), None
        y = float_layers.product(total, tensor.scale, weights.scales, 0 if bias is None else bias.data)
        return float_layers.clip(y, *self.activation)

    def slack(self, step, x):
        """Of numbers: what float32 loses in as many additions; of integers, as much in steps."""
        if self.rounding != "float":
            return 0
        tensor, weights, bias = [*step.inputs, None][:3]
        sizes = self.multiply(np.abs(x - tensor.zero_point), np.abs(weights.data.astype(np.int64)) + np.abs(
            weights.zero_points.reshape([-1 if axis == weights.axis else 1 for axis in range(weights.data.ndim)]
                                        if weights.zero_points.size > 1 else ())))
        sizes = sizes.reshape(len(x), *step.output.shape) * (np.float64(tensor.scale) * weights.scales)
        if bias is not None:
            sizes = sizes + np.abs(bias.data * (1 if bias.dtype == "float32" else np.float64(tensor.scale) *
                                                weights.scales))
        count = weights.size / max(1, weights.shape[weights.axis]) + 8
        return count * 2.0 ** -24 * sizes

    def check_product(self, rules, channels, axis, shape):
        """What all products with weights must be; ``axis`` of the weights is their ``channels``."""
        x, weights, bias = [*rules.inputs, None][:3]
        is_float = self.rounding == "float" and rules.output.dtype == "float32"
        rules.quantized(*[x] if is_float else (x, rules.output))
        self._check_weights(rules, weights, channels, axis)
        kinds = ("int32", "int64") if x.dtype == "int16" else ("int32",)
        if bias is not None and not (is_float and bias.dtype == "float32"):
            rules.require(bias.data is not None and bias.dtype in kinds and bias.shape == (channels,),
                          f"a constant bias of {channels} {' or '.join(kinds)}", f"{bias.dtype} {list(bias.shape)}")
        kind, output_scale = (self.rounding, "int16" if x.dtype == "int16" else "int8"), 1.0 if is_float else rules.output.scale
        rules.factor(x.scale * weights.scales.astype(np.float64) / output_scale, GREATEST_FACTOR[kind])
        rules.has_shape(shape)
        low, high = QUANTIZED[x.dtype]
        rows = np.moveaxis(weights.data, axis, 0).astype(np.int64).reshape(channels, -1)
        # Before and after zero points are taken away.
        sums = np.abs(rows).sum(axis=1) + rows.shape[1] * np.abs(weights.zero_points)
        # Of Python's integers: the least of numpy's has no absolute value.
        biases = 0 if bias is None or bias.dtype == "float32" else np.abs(bias.data.astype(object))
        most = int((sums * (high - low) + biases).max(initial=0))
        bits = ACCUMULATOR_BITS.get(kind, 32)
        rules.require(most < 1 << bits - 1, f"accumulators within {bits} bits", f"up to {most}")

    def _check_weights(self, rules, weights, channels, axis):
        rules.require(weights.data is not None and weights.dtype == "int8", "constant int8 weights", weights.dtype)
        rules.require(weights.scales.size == 1 or (weights.scales.size == channels and weights.axis == axis),
                      f"one scale for all weights or for each of {channels} channels (dimension {axis})",
                      f"{weights.scales.size} along dimension {weights.axis}")
        rules.require(bool((weights.scales >= 0).all() and np.isfinite(weights.scales).all()),
                      "finite scales of weights", weights.scales.tolist()[:4])
        rules.require(self.rounding == "float" or not weights.zero_points.any(), "weights with zero point 0", weights.zero_points.tolist()[:4])
