"""Integers as bits of a macro's ports and cells."""

import numpy as np


def expand(values, width):
    """The lowest ``width`` bits of each integer (..., K), the lowest first: uint8 (..., K * width)."""
    values = np.asarray(values)
    octets = next(size for size in (1, 2, 4, 8) if 8 * size >= width)
    words = np.ascontiguousarray(values.astype(f"<i{octets}")).view(np.uint8).reshape(*values.shape, octets)
    return np.unpackbits(words, axis=-1, bitorder="little")[..., :width].reshape(*values.shape[:-1], -1)


def collapse(bits, width, signed=True):
    """The reverse of `expand`: integers of ``width`` bits each, int64 (..., K), of bits uint8 (..., K * width).

    Raises
    ------
    ValueError
        An integer does not fit in int64.
    """
    bits = bits.reshape(*bits.shape[:-1], -1, width)
    signs = bits[..., -1:] if signed else np.zeros_like(bits[..., :1])
    if width > 63 and (bits[..., 63:] != signs).any():
        raise ValueError(f"integers of {width} bits must fit in int64, and do not")
    word = np.repeat(signs, 64, axis=-1)
    word[..., :min(width, 64)] = bits[..., :64]
    return np.packbits(word, axis=-1, bitorder="little").view("<i8")[..., 0].astype(np.int64, copy=False)


def to_bits(values, width):
    """The integer whose bits are ``values``, each in ``width`` bits, the first lowest."""
    return int.from_bytes(np.packbits(expand(values, width), bitorder="little").tobytes(), "little")


def from_bits(word, width, count, signed=True):
    """The ``count`` integers in ``word``, each of ``width`` bits, the first lowest, as `collapse` gives them."""
    octets = np.frombuffer(word.to_bytes((width * count + 7) // 8, "little"), dtype=np.uint8)
    return collapse(np.unpackbits(octets, bitorder="little", count=width * count), width, signed)


def wrap(values, width, signed=True):
    """The lowest ``width`` bits of integers, as two's complement or unsigned numbers, int64."""
    values, (low, high) = np.asarray(values), limits(width, signed)
    if low <= values.min(initial=0) and values.max(initial=0) <= high:
        return values.astype(np.int64, copy=False)
    values = values.astype(np.int64) & (1 << width) - 1
    return values - ((values >> width - 1 & 1) << width) if signed else values


def limits(width, signed):
    """Minimum and maximum of integers of ``width`` bits."""
    return (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)


def slice_weights(weights, weight_bits, fuse):
    """Wide weights as slices in neighboring columns.

    Parameters
    ----------
    weights : array (..., columns), two's complement of ``fuse * weight_bits`` bits
    weight_bits, fuse : int

    Returns
    -------
    int64 array (..., columns * fuse)
        Lowest slice first; all but the highest in offset form: unsigned slice minus half its range.
    """
    weights = np.asarray(weights, dtype=np.int64)
    shifted = weights[..., None] >> weight_bits * np.arange(fuse)
    offset = (shifted & (1 << weight_bits) - 1) - (1 << weight_bits - 1)
    offset[..., -1] = shifted[..., -1]
    return offset.reshape(*weights.shape[:-1], -1)
