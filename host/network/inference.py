"""Running a network: exact layers in numpy, and its matrix products on whatever computes them."""

from collections import Counter

import numpy as np

from ...golden import float_layers, layers
from .network import QUANTIZED, NetworkError
from .operator import OperatorTensors


class Step(OperatorTensors):
    """An operator in the runs of a network: what its kernel needs besides values."""

    def __init__(self, inference, operator):
        super().__init__(inference.network, operator)
        self._inference, self.rounding = inference, operator.rounding

    def clamp(self, activation="none"):
        """Least and greatest value of the output, with a fused activation."""
        limits = (float_layers if self.operator.rounding == "float" else layers).activation_limits
        return limits(activation, self.output.scale, self.output.zero_point, self.output.dtype)

    def accumulators(self, x):
        """The sums of a matrix operator, without bias, by whatever computes them."""
        return self._inference.accumulators(self.operator, x)


class Inference:
    """A network on one way to compute matrix products.

    Parameters
    ----------
    network : Network
    product : callable
        ``product(operator, x)``, what `MatrixOperator.accumulators` gives, which is the default.
    """

    def __init__(self, network, *, product=None):
        self.network = network
        self._product = product or (lambda operator, x: operator.accumulators(network.tensors, x))
        products = Counter(operator.product for operator in network.operators if operator.is_matrix)
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
            operands = [values[index] if index in values else self._constant(index, len(inputs[0]))
                        for index in operator.operands]
            made = operator.compute(Step(self, operator), *operands)
            values.update(zip(operator.outputs, made if isinstance(made, tuple) else (made,), strict=True))
        self._sums = dict.fromkeys(self._sums)
        return values

    def accumulators(self, operator, x):
        """Those without bias; what several operators quantize is kept until the run ends."""
        if operator.product not in self._sums:
            return self._product(operator, x)
        if self._sums[operator.product] is None:
            self._sums[operator.product] = self._product(operator, x)
        return self._sums[operator.product]

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
        """A constant for so many runs; None for an input that is left out."""
        if index < 0:
            return None
        tensor = self.network.tensors[index]
        data = tensor.data.astype(np.float32 if tensor.dtype == "float32" else np.int64)
        return np.broadcast_to(data, (count, *tensor.shape))
