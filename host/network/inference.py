"""Running a network: exact layers in numpy, and its matrix products on whatever computes them."""

from collections import Counter

import numpy as np

from ...golden.kernels import float_layers, layers
from .network import DTYPES, NetworkError, widened
from .operator import OperatorTensors


class KernelContext(OperatorTensors):
    """An operator in ``count`` runs of a network: what its kernel needs besides values."""

    def __init__(self, inference, operator, count):
        super().__init__(inference.network, operator)
        self._inference, self.rounding, self.count = inference, operator.rounding, count

    def clamp(self, activation="none"):
        """Least and greatest value of the output, with a fused activation."""
        limits = (float_layers if self.operator.rounding == "float" else layers).activation_limits
        return limits(activation, self.output.scale, self.output.zero_point, self.output.dtype)

    def accumulators(self, x):
        """The sums of a matrix operator, without bias, by whatever computes them."""
        return self._inference.accumulators(self.operator, x)

    def part(self, operator):
        """The context of an operator that is part of this one."""
        return KernelContext(self._inference, operator, self.count)

    def variable(self, number):
        """What a variable holds, int64 (N, *shape)."""
        values = self._inference.variables[number]
        return np.broadcast_to(values, (self.count, *values.shape[1:]))

    def assign(self, number, values):
        """Let a variable hold values (N, *shape)."""
        self._inference.variables[number] = values


class Inference:
    """A network on one way to compute matrix products.

    Parameters
    ----------
    network : Network
    product : callable
        ``product(operator, x)``, what `MatrixOperator.accumulators` gives, which is the default.
    stateful : bool
        Runs are steps of one stream: each finds the variables as the one before it has left them, also from one call
        of `run` to the next. Otherwise each is a stream of its own.
    """

    def __init__(self, network, *, product=None, stateful=False):
        self.network, self._is_stream = network, stateful and bool(network.variables)
        self._product = product or (lambda operator, x: operator.accumulators(network.tensors, x))
        products = Counter(operator.product for operator in network.operators if operator.is_matrix)
        # Accumulators that several operators quantize are computed once.
        self._sums = {product: None for product, count in products.items() if count > 1}
        self.reset()

    def reset(self):
        """Begin a new stream."""
        self.variables = [widened(variable.initial)[None] for variable in self.network.variables]

    def run(self, *inputs):
        """All tensors of a run.

        Parameters
        ----------
        inputs : arrays (N, *shape), one for each input of the network

        Returns
        -------
        dict of int to array
            By number in ``network.tensors``, (N, *shape), of the tensor's own type; those that are computed, and the
            inputs.
        """
        values = {index: self._checked(index, x) for index, x in zip(self.network.inputs, inputs, strict=True)}
        if not self._is_stream:
            self.reset()
            return self._run(values, len(inputs[0]))
        steps = [self._run({index: x[number:number + 1] for index, x in values.items()}, 1)
                 for number in range(len(inputs[0]))]
        return {index: np.concatenate([step[index] for step in steps]) for index in steps[0]} if steps else values

    def _run(self, values, count):
        """All tensors of ``count`` runs together, of values of the inputs."""
        self._sums = dict.fromkeys(self._sums)
        for operator in self.network.operators:
            operands = [widened(values[index]) if index in values else self._constant(index, count)
                        for index in operator.operands]
            made = operator.compute(KernelContext(self, operator, count), *operands)
            values.update((index, self._narrow(index, array)) for index, array in
                          zip(operator.outputs, made if isinstance(made, tuple) else (made,), strict=True))
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
        limits = np.iinfo(DTYPES[tensor.dtype])
        if x.size and not limits.min <= x.min() <= x.max() <= limits.max:
            raise NetworkError(f"input {tensor.name} must be from {limits.min} to {limits.max}, not {x.min()} to "
                               f"{x.max()}")
        return self._narrow(index, x)

    def _narrow(self, index, array):
        """Values as a tensor's own type, in which they are kept."""
        return array.astype(DTYPES[self.network.tensors[index].dtype], copy=False)

    def _constant(self, index, count):
        """A constant for so many runs; None for an input that is left out."""
        if index < 0:
            return None
        tensor = self.network.tensors[index]
        return np.broadcast_to(widened(tensor.data), (count, *tensor.shape))
