"""Running a network: exact layers in numpy, and its matrix products on whatever computes them."""

from collections import Counter

import numpy as np

from ...golden import float_layers, layers
from ...golden.requantize import ROUNDINGS
from ...golden.softmax import softmax_int8, softmax_int16
from . import network as net
from .network import QUANTIZED, NetworkError


def zero_point_taken(network, operator, x):
    """Inputs of a matrix operator less their zero point, int64."""
    return x - network.tensors[operator.inputs[0]].zero_point


def accumulators(network, operator, x):
    """``sum(w * (x - zero_point))`` of a matrix operator in numpy, without bias.

    Parameters
    ----------
    network : Network
    operator : MatrixOperator
    x : int array (N, *shape)
        Inputs, one run of the network after the other.

    Returns
    -------
    int64 array (N, *output shape)
    """
    weights, output = network.tensors[operator.inputs[1]], network.tensors[operator.output]
    values, matrix = zero_point_taken(network, operator, x), weights.data.astype(np.int64)
    if isinstance(operator, net.FullyConnected):
        y = layers.mvm(matrix.T, values.reshape(-1, matrix.shape[1]))
    else:
        values = values.reshape(-1, *x.shape[-3:])
        where = {"stride": operator.stride, "dilation": operator.dilation, "padding": operator.padding}
        if isinstance(operator, net.DepthwiseConv2D):
            y = layers.convolve_depthwise(values, matrix, **where)
        else:
            y = layers.convolve(values, matrix, **where, groups=operator.groups)
    return y.reshape(len(x), *output.shape)


class Inference:
    """A network on one way to compute matrix products.

    Parameters
    ----------
    network : Network
    product : callable
        ``product(operator, x)``, the accumulators of a matrix operator without bias, as `accumulators` gives them,
        which is the default.
    rounding : str
        One of `ROUNDINGS` for every requantization; by default what the runtime of the network's file does.
    """

    def __init__(self, network, *, product=None, rounding=None):
        if rounding not in (None, *ROUNDINGS):
            raise ValueError(f"rounding must be one of {', '.join(ROUNDINGS)}, not {rounding!r}")
        self.network, self._rounding = network, rounding
        self._product = product or (lambda operator, x: accumulators(network, operator, x))
        products = Counter(operator.product for operator in network.operators
                           if isinstance(operator, net.MatrixOperator))
        # Accumulators that several operators quantize are computed once.
        self._sums = {product: None for product, count in products.items() if count > 1}

    def run(self, *inputs):
        """All tensors of a run.

        Parameters
        ----------
        inputs : arrays (N, *shape), one for each input of the network

        Returns
        -------
        dict of int to array
            By number in ``network.tensors``, (N, *shape), int64 or float32; those that are computed, and the inputs.
        """
        values = {index: self._checked(index, x) for index, x in zip(self.network.inputs, inputs, strict=True)}
        self._sums = dict.fromkeys(self._sums)
        for operator in self.network.operators:
            values[operator.output] = self.layer(operator, values, len(inputs[0]))
        self._sums = dict.fromkeys(self._sums)
        return values

    def layer(self, operator, values, count):
        """What one operator makes of ``values``, as `run` gives them, for ``count`` runs."""
        operands = [values[index] if index in values else self._constant(index, count)
                    for index in operator.inputs if not self._is_weight(operator, index)]
        kind = next(kind for kind in OPERATIONS if isinstance(operator, kind))
        return OPERATIONS[kind](self, operator, self.network.tensors[operator.output], *operands)

    @staticmethod
    def _is_weight(operator, index):
        return isinstance(operator, net.MatrixOperator) and index in operator.inputs[1:]

    def _checked(self, index, x):
        tensor = self.network.tensors[index]
        if x.shape[1:] != tensor.shape:
            raise NetworkError(f"input {tensor.name} must have shape {list(tensor.shape)}, not {list(x.shape[1:])}")
        if tensor.dtype == "float32":
            return x.astype(np.float32)
        low, high = QUANTIZED[tensor.dtype]
        if x.size and not low <= x.min() <= x.max() <= high:
            raise NetworkError(f"input {tensor.name} must be from {low} to {high}, not {x.min()} to {x.max()}")
        return x.astype(np.int64)

    def _constant(self, index, count):
        tensor = self.network.tensors[index]
        data = tensor.data.astype(np.float32 if tensor.dtype == "float32" else np.int64)
        return np.broadcast_to(data, (count, *tensor.shape))

    def _rule(self, operator):
        return self._rounding or operator.rounding

    def _clamp(self, operator, output):
        limits = (float_layers if operator.rounding == "float" else layers).activation_limits
        return limits(getattr(operator, "activation", "none"), output.scale, output.zero_point, output.dtype)

    def _total(self, operator, x):
        """The accumulators without bias; those that several operators quantize are kept until the run ends."""
        if operator.product not in self._sums:
            return self._product(operator, x)
        if self._sums[operator.product] is None:
            self._sums[operator.product] = self._product(operator, x)
        return self._sums[operator.product]

    def _matrix(self, operator, output, x):
        tensors = [self.network.tensors[index] if index >= 0 else None for index in (*operator.inputs, -1)[:3]]
        total = self._total(operator, x)
        if tensors[2] is not None:
            total = total + tensors[2].data.astype(np.int64)
        if self._rule(operator) == "float":
            return float_layers.requantize(total, tensors[0].scale, tensors[1].scales, output.scale, output.zero_point,
                                           self._clamp(operator, output))
        factors = layers.matrix_factors(tensors[0].scale, tensors[1].scales, output.scale)
        return layers.requantize(total, factors, output.zero_point, self._clamp(operator, output),
                                 rounding=self._rule(operator))

    def _pool(self, operator, output, x):
        images, window = x.reshape(-1, *x.shape[-3:]), (operator.size, operator.stride, operator.padding)
        clamp = self._clamp(operator, output)
        if isinstance(operator, net.MaxPool2D):
            y = layers.max_pool(images, *window, clamp)
        elif operator.rounding == "float":
            tensor = self.network.tensors[operator.inputs[0]]
            y = float_layers.average_pool(images, *window, tensor.scale, tensor.zero_point, output.scale,
                                          output.zero_point, clamp)
        else:
            y = layers.average_pool(images, *window, clamp)
        return y.reshape(len(x), *output.shape)

    def _mean(self, operator, output, x):
        tensor = self.network.tensors[operator.inputs[0]]
        y = layers.mean(x.reshape(-1, *x.shape[-3:]), tensor.scale, tensor.zero_point, output.scale, output.zero_point,
                        self._clamp(operator, output), rounding=self._rule(operator))
        return y.reshape(len(x), *output.shape)

    def _arithmetic(self, operator, output, a, b):
        tensors = [self.network.tensors[index] for index in operator.inputs]
        # Dimensions that are missing go behind the one of the runs.
        a, b = (values.reshape(len(values), *(1,) * (len(output.shape) + 1 - values.ndim), *values.shape[1:])
                for values in (a, b))
        arguments = (a, b, [tensor.scale for tensor in tensors], [tensor.zero_point for tensor in tensors],
                     output.scale, output.zero_point, self._clamp(operator, output))
        is_product, rule = isinstance(operator, net.Mul), self._rule(operator)
        if rule == "float":
            return (float_layers.multiply if is_product else float_layers.add)(*arguments)
        if is_product:
            return layers.multiply(*arguments, rounding=rule)
        return layers.add(*arguments, output.dtype, rounding=rule)

    def _pad(self, operator, output, x):
        return np.pad(x, ((0, 0), *operator.amounts), constant_values=operator.value)

    def _concatenation(self, operator, output, *operands):
        return np.concatenate(operands, axis=operator.axis + 1)

    def _reshape(self, operator, output, x):
        return x.reshape(len(x), *output.shape)

    def _transpose(self, operator, output, x):
        return x.transpose(0, *(axis + 1 for axis in operator.permutation))

    def _space_to_batch(self, operator, output, x):
        return np.stack([layers.space_to_batch(run, operator.block, operator.amounts, operator.value) for run in x])

    def _batch_to_space(self, operator, output, x):
        return np.stack([layers.batch_to_space(run, operator.block, operator.amounts) for run in x])

    def _softmax(self, operator, output, x):
        tensor = self.network.tensors[operator.inputs[0]]
        if operator.rounding == "float":
            return float_layers.softmax(x, tensor.scale, output.scale, output.zero_point,
                                        self._clamp(operator, output))
        if tensor.dtype == "int16":
            return softmax_int16(x, tensor.scale, operator.beta)
        return softmax_int8(x, tensor.scale, operator.beta, output.scale, output.zero_point)

    def _rescale(self, operator, output, x):
        tensor, rule = self.network.tensors[operator.inputs[0]], self._rule(operator)
        if operator.rounding == "float" and (tensor.dtype == "float32" or rule == "float"):
            values = x if tensor.dtype == "float32" else float_layers.dequantize(x, tensor.scale, tensor.zero_point)
            return float_layers.quantize(values, output.scale, output.zero_point, self._clamp(operator, output))
        if tensor.dtype == "float32":
            return layers.quantize(x, output.scale, output.zero_point, self._clamp(operator, output))
        return layers.rescale(x, tensor.scale, tensor.zero_point, output.scale, output.zero_point,
                              self._clamp(operator, output), rounding=rule)

    def _dequantize(self, operator, output, x):
        tensor = self.network.tensors[operator.inputs[0]]
        return layers.dequantize(x, tensor.scale, tensor.zero_point)


OPERATIONS = {
    net.MatrixOperator: Inference._matrix, net.Pool2D: Inference._pool, net.Mean: Inference._mean,
    net.Add: Inference._arithmetic, net.Mul: Inference._arithmetic,
    net.SpaceToBatch: Inference._space_to_batch, net.BatchToSpace: Inference._batch_to_space,
    net.Pad: Inference._pad, net.Concatenation: Inference._concatenation,
    net.Reshape: Inference._reshape, net.Transpose: Inference._transpose, net.Softmax: Inference._softmax,
    net.Relu: Inference._rescale, net.Quantize: Inference._rescale, net.Dequantize: Inference._dequantize,
}
