"""The function of a macro, ``y[c] = sum over r of w[r, c] * x[r]``, directly and by bit-planes."""

import numpy as np

from .bits import slice_weights


def mvm(weights, inputs, bound=None):
    """Exact product of integer vectors and an integer matrix.

    Parameters
    ----------
    weights : int array (K, N)
    inputs : int array (B, K)
    bound : int
        What no partial sum exceeds, if that is known; otherwise, or if it is large, it is found, which takes as long as
        a small product.

    Returns
    -------
    int64 array (B, N)

    Raises
    ------
    ValueError
        A result might not fit in int64.
    """
    weights, inputs = np.asarray(weights), np.asarray(inputs)
    if bound is None or bound >= 1 << 24:
        bound = _bound(weights, inputs)
    # Floating point has a fast product, and holds every partial sum exactly that is within its significand.
    kind = np.float32 if bound < 1 << 24 else np.float64 if bound < 1 << 53 else np.int64
    with ignored_blas_flags():
        product = inputs.astype(kind) @ weights.astype(kind)
    return product.astype(np.int64)


def ignored_blas_flags():
    """For products of finite floats: a BLAS whose vectors are wider than an array may raise flags for unused lanes.

    OpenBLAS 0.3.31 was seen to, once in many runs; numpy still warns of a result that is no number where it
    is converted to an integer.
    """
    return np.errstate(all="ignore")


def _bound(weights, inputs):
    """What no partial sum of a product exceeds; in Python integers, which do not overflow."""
    greatest = _magnitude(inputs)
    bound = _magnitude(weights) * greatest * weights.shape[0]
    if bound >= 1 << 63:
        raise ValueError(f"products must fit in int64, not reach {bound}")
    if bound < 1 << 24:
        return bound
    return int(np.abs(weights, dtype=np.int64).sum(axis=0).max(initial=0)) * greatest


def _magnitude(array):
    return max(-int(array.min(initial=0)), int(array.max(initial=0)))


def planes_needed(inputs, bits, signed):
    """Number of planes that can change the result: all but leading zeros or copies of the sign; at least one.

    Parameters
    ----------
    inputs : int array (..., K)
        Values of ``bits`` bits.
    bits : int
    signed : bool

    Returns
    -------
    int array (...)
    """
    inputs = np.asarray(inputs)
    magnitude = np.bitwise_or.reduce(np.where(inputs < 0, ~inputs, inputs) if signed else inputs, axis=-1)
    # Bits of the magnitude; float64 has those of all integers up to 2**53.
    needed = np.frexp(magnitude.astype(np.float64))[1].astype(np.int64)
    return np.clip(needed + bool(signed), 1, bits)


def mvm_by_planes(weights, inputs, *, weight_bits, bits, signed, fuse=1, skip=True):
    """The product, computed as in the macro.

    Wide weights are sliced; each plane of the inputs is multiplied with the stored slices; and the sums are folded by
    Horner's rule from the highest plane down, which is negative in a signed vector. ``sum(x)``, from the column of
    ones, converts slices in offset form to unsigned ones.

    Parameters
    ----------
    weights : int array (K, N) of ``fuse * weight_bits`` bits
    inputs : int array (K,) of ``bits`` bits
    weight_bits, bits, fuse : int
    signed : bool
    skip : bool
        Skip planes that cannot change the result.

    Returns
    -------
    int64 array (N,)
    """
    inputs = np.asarray(inputs, dtype=np.int64)
    stored = slice_weights(weights, weight_bits, fuse)
    array = np.concatenate([stored, np.ones((stored.shape[0], 1), dtype=np.int64)], axis=1)
    planes = int(planes_needed(inputs, bits, signed)) if skip else bits
    accumulators = np.zeros(array.shape[1], dtype=np.int64)
    for plane in reversed(range(planes)):
        column_sums = (inputs >> plane & 1) @ array
        negative = signed and plane == planes - 1
        accumulators = 2 * accumulators + (-column_sums if negative else column_sums)
    return fuse_totals(accumulators[:-1], accumulators[-1], weight_bits, fuse)


def fuse_totals(totals, sum_x, weight_bits, fuse):
    """Combine totals of neighboring slices into results of wide weights.

    Parameters
    ----------
    totals : int array (..., N * fuse)
    sum_x : int, or int array (...)
        Total of the column of ones.
    weight_bits, fuse : int

    Returns
    -------
    int64 array (..., N)
    """
    totals = np.asarray(totals, dtype=np.int64)
    if fuse == 1:
        return totals
    slices = totals.reshape(*totals.shape[:-1], -1, fuse).copy()
    slices[..., :-1] += (np.asarray(sum_x) << weight_bits - 1)[..., None, None]
    return (slices << weight_bits * np.arange(fuse)).sum(axis=-1)
