"""What a network must be, whatever file it comes from: every rule that the exact layers rely on."""

from dataclasses import replace

import numpy as np

from ...golden.kernels.layers import LIMITS
from .network import DTYPES, MAX_ELEMENTS, QUANTIZED, NetworkError
from .operator import OperatorTensors
from .problems import Problems

# Kinds of element that values from outside may have.
INPUTS = tuple(kind for kind in DTYPES if kind != "bool")
# Bytes of all tensors that are computed; multiply-accumulates of a network. Far beyond what a macro is for, and soon
# refused.
MAX_COMPUTED, MAX_MACS = 1 << 27, 1 << 33


def check(network, problems=None):
    """Raise `NetworkError` if operators break rules; fill in dimensions that a file leaves open.

    Parameters
    ----------
    network : Network
    problems : Problems, optional
        What was in the way of reading it; is then raised together with what is found here.
    """
    problems = Problems() if problems is None else problems
    for tensor in network.tensors:
        if tensor.size > MAX_ELEMENTS:
            raise NetworkError(f"tensor {tensor.name} must have at most {MAX_ELEMENTS} elements, not {tensor.size}")
    if not problems:
        _check_order(network)
    computed = 0
    for operator in network.operators:
        with problems.of(operator.location):
            operator.check(Rules(network, operator))
        computed += sum(network.tensors[index].size * np.dtype(DTYPES.get(network.tensors[index].dtype, "i8")).itemsize
                        for index in operator.outputs)
        if computed > MAX_COMPUTED:
            raise NetworkError(f"model must compute at most {MAX_COMPUTED} bytes, and has more at {operator.location}")
    problems.refuse()
    if network.macs > MAX_MACS:
        raise NetworkError(f"model must need at most {MAX_MACS} multiply-accumulates, not {network.macs}")


def _check_order(network):
    """Every tensor is made once, before it is used."""
    constants = {index for index, tensor in enumerate(network.tensors) if tensor.data is not None}
    known = constants | set(network.inputs)
    for operator in network.operators:
        for index in (*operator.inputs, *operator.operands):
            if index >= 0 and index not in known:
                raise NetworkError(f"{operator.location} must use what is computed before it, not tensor {index} "
                                   f"({network.tensors[index].name})")
        for index in operator.outputs:
            if index in known:
                raise NetworkError(f"{operator.location} must make a tensor of its own, not tensor {index} again")
            known.add(index)
    if not network.inputs or not network.outputs or not set(network.outputs) <= known - constants:
        raise NetworkError(f"{network.name} must have inputs, and outputs that are computed, and has "
                           f"{len(network.inputs)} and {len(network.outputs)}")
    for index in network.inputs:
        if network.tensors[index].dtype not in INPUTS:
            raise NetworkError(f"input {index} must be of {', '.join(INPUTS)}, not {network.tensors[index].dtype}")
        if network.tensors[index].size < 1:
            raise NetworkError(f"input {index} must have elements, not shape {list(network.tensors[index].shape)}")


class Rules(OperatorTensors):
    """The tensors of an operator, and rules of which each raises `NetworkError` unless it is kept."""

    def require(self, condition, rule, value):
        """One line with operator, rule and value, unless the condition holds."""
        if not condition:
            raise NetworkError(f"{self.operator.location} must have {rule}, not {value}")

    def has_shape(self, shape, number=0):
        """An output has this shape, which it gets if the file leaves it open."""
        shape, output = tuple(shape), self.outputs[number]
        if output.is_open and output.shape != shape and int(np.prod(shape)) <= MAX_ELEMENTS:
            output = replace(output, shape=shape)
            self.outputs[number] = self.tensors[self.operator.outputs[number]] = output
        self.require(output.shape == shape, f"an output of shape {list(shape)}", list(output.shape))

    def same_kind(self, *tensors):
        """Tensors have elements of one kind."""
        for tensor in tensors:
            self.require(tensor.dtype in DTYPES and tensor.dtype == tensors[0].dtype,
                         f"operands of one kind among {', '.join(DTYPES)}", f"{tensors[0].dtype} and {tensor.dtype}")

    def is_image(self, tensor):
        """A tensor is one of images."""
        self.require(len(tensor.shape) == 4 and tensor.size > 0, "an input (batch, height, width, channels)",
                     list(tensor.shape))

    def quantized(self, *tensors, dtypes=tuple(QUANTIZED), free=False):
        """Tensors have one valid scale and zero point, and are of the same kind; int16 has 0, but where it is free."""
        for tensor in tensors:
            self.require(tensor.dtype in dtypes and tensor.dtype == tensors[0].dtype,
                         f"operands of one kind among {', '.join(dtypes)}",
                         " and ".join(dict.fromkeys((tensors[0].dtype, tensor.dtype))))
            self.require(tensor.scales.size == 1 and np.isfinite(tensor.scale) and tensor.scale > 0,
                         f"one positive scale for {tensor.name}", tensor.scales.tolist()[:4])
            low, high = LIMITS[tensor.dtype]
            is_any = free or tensor.dtype in ("int8", "uint8")
            self.require(low <= tensor.zero_point <= high and (is_any or tensor.zero_point == 0),
                         f"a zero point from {low} to {high} for {tensor.name}" if is_any else
                         f"zero point 0 for {tensor.name}", tensor.zero_point)

    def same_scale(self, *tensors):
        """Tensors share scale and zero point."""
        for tensor in tensors:
            self.require(tensor.scale == tensors[0].scale and tensor.zero_point == tensors[0].zero_point,
                         "one scale and zero point for input and output",
                         f"{tensors[0].scale}, {tensors[0].zero_point} and {tensor.scale}, {tensor.zero_point}")

    def alike(self, *tensors):
        """Tensors are of numbers, or of integers with one scale and zero point, or none."""
        self.same_kind(*tensors)
        # Integers of .onnx files have no scale before something dequantizes them.
        if tensors[0].dtype != "float32" and all(tensor.scales.size for tensor in tensors):
            self.quantized(*tensors, free=True)
            self.same_scale(*tensors)

    def factor(self, factors, greatest=2.0 ** 30):
        """A rescaling factor is in range."""
        factor = float(np.max(factors))
        self.require(np.isfinite(factor) and factor < greatest, f"a rescaling factor below {greatest:g}", f"{factor:g}")
