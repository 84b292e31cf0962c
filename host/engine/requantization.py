"""Parameters of the lanes: what they must be for results to equal those of the network's kernels."""

from dataclasses import dataclass

import numpy as np

from ...golden.engine.checks import MOST_PIXELS
from ...golden.engine.descriptor import Flags
from ...golden.engine.executor import SUM_SHIFT
from ...golden.exact_multiplier import exact_multiplier
from ...golden.kernels import layers
from ...golden.requantize import FRACTION, ROUNDINGS, SHIFTS, quantize_multiplier, quantize_multipliers
from ..network.matrix_operator import signed_weights
from ..network.network import NetworkError
from ..network.operators import DepthwiseConv2D

INT8 = -128, 127
INT32 = (1 << 31) - 1


@dataclass(frozen=True)
class Requantization:
    """Parameters of the channels of a layer: int64 arrays, and what is common to them."""

    bias: np.ndarray
    multiplier: np.ndarray
    shift: np.ndarray
    rounding: int
    zero_point: int
    low: int
    high: int


def of_matrix(operator, tensors, offset):
    """Of a matrix operator.

    Parameters
    ----------
    operator : MatrixOperator
    tensors : list of Tensor
    offset : int
        What has been subtracted from the inputs.

    Raises
    ------
    NetworkError
        No parameters give the kernel's results.
    """
    x, weights, bias = [*(tensors[index] if index >= 0 else None for index in operator.inputs), None][:3]
    output = tensors[operator.output]
    kernel, points = signed_weights(weights)
    if points.any():
        raise NetworkError(f"{operator.location} must have weights with zero point 0 on an engine")
    axis = 3 if isinstance(operator, DepthwiseConv2D) else 0
    rows = np.moveaxis(kernel.astype(np.int64), axis, 0).reshape(kernel.shape[axis], -1)
    given = np.zeros(len(rows), np.int64) if bias is None else bias.data.astype(np.int64).reshape(-1)
    low, high = limits(operator, output)
    largest = np.abs(rows).sum(axis=1) * max(x.zero_point - INT8[0], INT8[1] - x.zero_point) + np.abs(given)
    multiplier, shift, rounding = _factors(operator, x, weights, output, largest, low, high)
    given = given - (x.zero_point - offset) * rows.sum(axis=1)
    if np.abs(given).max(initial=0) > INT32:
        raise NetworkError(f"{operator.location} must have a bias within 32 bits with its zero point, "
                           f"not {np.abs(given).max()}")
    return Requantization(given, *(np.broadcast_to(array, given.shape) for array in (multiplier, shift)),
                          ROUNDINGS.index(rounding), output.zero_point, low, high)


def _factors(operator, x, weights, output, largest, low, high):
    """Multipliers and shifts, and the rounding rule with them."""
    kind = operator.rounding
    if kind not in ("single", "double", "float64"):
        raise NetworkError(f"{operator.location} must round as single, double or float64 on an engine, not {kind}")
    factors = layers.matrix_factors(x.scale, weights.scales, output.scale, "float64" if kind == "float64" else x.dtype)
    if kind == "float64":
        return _exact(operator, np.broadcast_to(factors, largest.shape), largest, output.zero_point, low, high)
    multiplier, shift = quantize_multipliers(factors)
    _check_shift(operator, int(shift.max()))
    beyond = (largest << np.maximum(shift, 0)) > INT32
    if kind == "double" and beyond.any():
        raise NetworkError(f"{operator.location} must have accumulators that stay within 32 bits when shifted by "
                           f"{int(shift.max())}, not up to {int(largest.max())}")
    return multiplier, shift, kind


def _check_shift(operator, shift):
    if shift > SHIFTS[1]:
        raise NetworkError(f"{operator.location} must have factors below {1 << SHIFTS[1]} on an engine, not of shift "
                           f"{shift}")


def _exact(operator, factors, largest, zero_point, low, high):
    """Of the kernel that multiplies in float64: a rule with which all channels have multipliers."""
    for rounding in ("away", "single"):
        # Channels of one scale have the largest accumulator in common, so that one search serves them.
        bounds = {factor: int(largest[factors == factor].max()) for factor in np.unique(factors)}
        found = {factor: exact_multiplier(float(factor), max(bound, 1), zero_point=zero_point, low=low, high=high,
                                          rounding=rounding) for factor, bound in bounds.items()}
        if all(found.values()):
            pairs = np.array([found[factor] for factor in factors], np.int64)
            return pairs[:, 0], pairs[:, 1], rounding
    raise NetworkError(f"{operator.location} must have factors that a multiplier of 31 bits gives exactly on an engine")


@dataclass(frozen=True)
class SumRequantization:
    """What sums of elements need: fields of a descriptor, and the one bias, multiplier and shift of their slot."""

    fields: dict
    multiplier: int
    shift: int
    bias: int = 0


def of_sum(operator, tensors, own):
    """Of ADD: ``own`` is the input, 0 or 1, that the lanes have, the other is in memory."""
    a, b = (tensors[index] for index in operator.inputs)
    output = tensors[operator.output]
    # The one of the larger scale is exactly halved.
    scaled = int(a.scale >= b.scale)
    terms, (multiplier, shift) = layers.sum_factors((a.scale, b.scale), output.scale, SUM_SHIFT)
    term = terms[scaled]
    if shift > 0 or operator.rounding != "double":
        raise NetworkError(f"{operator.location} must round as double with a factor of at most 1 on an engine")
    low, high = limits(operator, output)
    points = [a.zero_point, b.zero_point]
    fields = {"own_zero": points[own], "other_zero": points[1 - own], "sum_zero": output.zero_point, "sum_low": low,
              "sum_high": high, "term_multiplier": term[0], "term_shift": term[1],
              "flags": Flags.SCALES_OWN if scaled == own else Flags(0)}
    return SumRequantization(fields, multiplier, shift)


def limits(operator, output):
    """Least and greatest value of an output with the operator's fused activation."""
    return layers.activation_limits(operator.activation, output.scale, output.zero_point, output.dtype)


def of_maximum(low, high):
    """Of MAX_POOL_2D: a factor of one."""
    fields = {"sum_low": low, "sum_high": high, "flags": Flags.MAXIMUM, "fill": INT8[0]}
    return SumRequantization(fields, 1 << FRACTION - 1, 1)


def of_average(operator, count, low, high):
    """Of AVERAGE_POOL_2D, which divides sums of ``count`` elements, halves away from zero: checked for every sum."""
    if count > MOST_PIXELS:
        raise NetworkError(f"{operator.location} must have windows of at most {MOST_PIXELS} pixels on an engine, not "
                           f"{count}")
    multiplier, shift = quantize_multiplier(1 / count)
    sums = np.arange(INT8[0] * count, INT8[1] * count + 1)
    wanted = np.sign(sums) * ((np.abs(sums) + count // 2) // count)
    for candidate in (multiplier, multiplier + 1, multiplier - 1):
        product, bits = np.abs(sums) * candidate, FRACTION - shift
        if candidate <= INT32 and np.array_equal(np.sign(sums) * (product + (1 << bits - 1) >> bits), wanted):
            fields = {"rounding": ROUNDINGS.index("away"), "sum_low": low, "sum_high": high}
            return SumRequantization(fields, candidate, shift)
    raise NetworkError(f"{operator.location} must have windows whose sums a multiplier of 31 bits divides exactly on "
                       f"an engine, not of {count} pixels")


def of_mean(operator, x, output, count):
    """Of MEAN, whose division is part of the factor."""
    multiplier, shift = layers.mean_factor(x.scale, output.scale, count)
    if operator.rounding not in ROUNDINGS:
        raise NetworkError(f"{operator.location} must round as {', '.join(ROUNDINGS)} on an engine, not "
                           f"{operator.rounding}")
    _check_shift(operator, shift)
    fields = {"rounding": ROUNDINGS.index(operator.rounding), "sum_zero": output.zero_point, "sum_low": INT8[0],
              "sum_high": INT8[1]}
    return SumRequantization(fields, multiplier, shift, -count * x.zero_point)
