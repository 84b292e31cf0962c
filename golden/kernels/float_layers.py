"""Quantized layers as ONNX defines them: numbers in floating point between quantizers, halves to even.

What ONNX leaves open is settled so that a layer has one result. Elementwise layers are computed in float32, operation
by operation, as the definition says. Sums of products, whose order it does not say, are exact integers. They are
rounded once, to float32, or brought to the scale of the output by one float32 factor, as QLinearConv and QLinearMatMul
do.
Means are added up in the order in which ONNX Runtime does it. Exponentials are those of float64, rounded once.
"""

import math

import numpy as np

from .layers import LIMITS, windows

# Beyond any output, and still within int64.
FAR = 2.0 ** 40


def quantize(values, scale, zero_point, clamp):
    """Integers for numbers, which are divided in float32 if they are float32."""
    values = np.asarray(values)
    with np.errstate(over="ignore", invalid="ignore"):
        steps = values / np.asarray(scale, values.dtype)
    return to_integers(steps, zero_point, clamp)


def to_integers(steps, zero_point, clamp):
    """Integers for numbers of steps, float: rounded, halves to even, int64."""
    with np.errstate(invalid="ignore"):
        whole = np.clip(np.rint(steps), -FAR, FAR).astype(np.int64)
    return np.clip(whole + zero_point, *clamp)


def activation_limits(bounds, scale, zero_point, dtype):
    """Least and maximum integer that a clamp to ``bounds`` (low, high), each a number or None, lets through."""
    clamp = LIMITS[dtype]
    minimum, maximum = (end if bound is None else int(quantize(np.float32(bound), scale, zero_point, clamp))
                       for bound, end in zip(bounds, clamp))
    # As a minimum of a maximum: the maximum wins where they cross.
    return min(minimum, maximum), maximum


def dequantize(x, scale, zero_point):
    """float32 for integers, rounded once."""
    return (np.asarray(x).astype(np.int64) - zero_point).astype(np.float32) * np.float32(scale)


def requantize(accumulators, scale, weight_scales, output_scale, zero_point, clamp):
    """Outputs from accumulators (..., channels), bias included; ``weight_scales`` (channels,) or (1,)."""
    factors = np.float32(scale) * np.asarray(weight_scales, np.float32) / np.float32(output_scale)
    return to_integers(accumulators.astype(np.float32) * factors, zero_point, clamp)


def product(accumulators, scale, weight_scales, bias):
    """float32 for accumulators (..., channels) and a bias in floating point, or 0: exact, then rounded once."""
    factors = np.float64(scale) * np.asarray(weight_scales, np.float64)
    return (accumulators * factors + np.asarray(bias, np.float64)).astype(np.float32)


# Elementwise layers of float32.


def clip(x, low, high):
    """Numbers between two limits, either of which may be None; the upper one wins where they cross."""
    x = x if low is None else np.maximum(x, np.float32(low))
    return x if high is None else np.minimum(x, np.float32(high))


def leaky_relu(x, alpha):
    """What is negative, times ``alpha``."""
    return np.where(x >= 0, x, np.float32(alpha) * x)


def hard_sigmoid(x, alpha, beta):
    """``alpha * x + beta`` between 0 and 1."""
    return clip(np.float32(alpha) * x + np.float32(beta), 0, 1)


def hard_swish(x):
    """``x`` times its hard sigmoid with 1/6 and 1/2."""
    return x * hard_sigmoid(x, 1 / 6, 0.5)


def sigmoid(x):
    """The logistic function, rounded once."""
    with np.errstate(over="ignore"):
        return (1 / (1 + np.exp(-x.astype(np.float64)))).astype(np.float32)


def tanh(x):
    """The hyperbolic tangent, rounded once."""
    return np.tanh(x.astype(np.float64)).astype(np.float32)


def softmax(x, axes):
    """Softmax over dimensions, rounded once."""
    powers = np.exp(x.astype(np.float64) - x.max(axis=axes, keepdims=True))
    return (powers / powers.sum(axis=axes, keepdims=True)).astype(np.float32)


# Means.


def average_pool(x, size, stride, dilation, padding, *, counted, order):
    """Means over windows (B, OH, OW, C) of (B, H, W, C).

    Parameters
    ----------
    counted : ((int, int), (int, int))
        Of the padding, what counts as zeros; the rest does not count at all.
    order : str
        ``"rows"``, one element after the other; ``"columns"``, sums of columns, which are then added from left to
        right; ``"lanes"``, as `sum_in_lanes`, of windows that are whole images.
    """
    seen = windows(x, size, stride, dilation, padding, 0)
    counts = np.pad(np.ones((1, *x.shape[1:3], 1), np.float32), ((0, 0), *counted, (0, 0)), constant_values=1)
    rest = [tuple(whole - part for whole, part in zip(pads, inner)) for pads, inner in zip(padding, counted)]
    count = windows(counts, size, stride, dilation, rest, 0).sum(axis=(4, 5))
    if order == "lanes":
        return sum_in_lanes(seen.reshape(*seen.shape[:4], -1)) / count
    if order == "columns":
        seen = one_by_one(seen[..., row, :] for row in range(size[0]))
        return one_by_one(seen[..., column] for column in range(size[1])) / count
    return one_by_one(seen[..., row, column] for row, column in np.ndindex(*size)) / count


def one_by_one(terms):
    """The sum of float32 arrays, each added to what there is."""
    terms = iter(terms)
    total = next(terms).astype(np.float32)
    for term in terms:
        total = total + term
    return total


def sum_in_lanes(x):
    """Sums over the last dimension: four of every fourth element, (0 + 2) + (1 + 3), then the rest one by one."""
    length = x.shape[-1]
    lanes = np.zeros((*x.shape[:-1], 4), np.float32)
    for start in range(0, length - 3, 4):
        lanes = lanes + x[..., start:start + 4]
    return one_by_one([_across(lanes), *(x[..., index] for index in range(length & ~3, length))])


def _across(lanes):
    return (lanes[..., 0] + lanes[..., 2]) + (lanes[..., 1] + lanes[..., 3])


def sum_aligned(x, start):
    """Sums over the last dimension, from the first element on that memory of 16 bytes' alignment has at its beginning.

    Parameters
    ----------
    x : float32 array (..., n)
    start : int
        Elements that lie before the first in such memory. Those of ``x`` before the next multiple of four and behind
        the last are added at the end; between them two quadruples take turns.
    """
    length = x.shape[-1]
    first = min(-start % 4, length)
    last = first + (length - first) // 4 * 4
    if first == last:
        return one_by_one(x[..., index] for index in range(length))
    parts = [x[..., index:index + 4] for index in range(first, last, 4)]
    paired = len(parts) & ~1
    lanes = parts[0]
    if paired:
        lanes = one_by_one(parts[0:paired:2]) + one_by_one(parts[1:paired:2])
        lanes = one_by_one([lanes, *parts[paired:]])
    return one_by_one([_across(lanes), *(x[..., index] for index in (*range(first), *range(last, length)))])


def order_of_mean(shape, axes):
    """In which order a mean over ``axes`` of a tensor is added up; see `mean`."""
    kept = [axis not in axes for axis, length in enumerate(shape) if length != 1]
    groups = [kind for index, kind in enumerate(kept) if index == 0 or kept[index - 1] != kind]
    return {(): "rows", (True,): "rows", (False,): "aligned", (True, False): "aligned",
            (False, True): "rows"}.get(tuple(groups), "open")


def mean(x, axes):
    """Means over dimensions, which are kept with length 1.

    Parameters
    ----------
    x : float32 array (N, ...)
        N runs.
    axes : tuple of int
        Of a run's tensor. The last ones are added up as in `sum_aligned`, the first ones one by one. For all others the
        order is not known (``"open"``), and the sum is exact, rounded once.
    """
    shape, order = x.shape[1:], order_of_mean(x.shape[1:], axes)
    kept = [axis for axis in range(len(shape)) if axis not in axes]
    count = math.prod(shape[axis] for axis in axes)
    flat = x.transpose(0, *(axis + 1 for axis in (*kept, *axes))).reshape(len(x), -1, count)
    if order == "rows":
        total = one_by_one(flat[..., index] for index in range(count))
    elif order == "aligned":
        total = np.empty(flat.shape[:2], np.float32)
        for phase in range(4):
            # Rows that begin as far behind a multiple of four.
            rows = [row for row in range(flat.shape[1]) if row * count % 4 == phase]
            total[:, rows] = sum_aligned(flat[:, rows], phase)
    else:
        total = flat.astype(np.float64).sum(axis=-1)
    y = (total / np.float32(count)).astype(np.float32)
    return y.reshape(len(x), *(1 if axis in axes else length for axis, length in enumerate(shape)))
