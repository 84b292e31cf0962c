"""Integers as bits of a macro's ports and cells."""

import numpy as np


def to_bits(values, width):
    """The integer whose bits are ``values``, each in ``width`` bits, the first lowest."""
    bits = np.asarray(values, dtype=np.int64).reshape(-1, 1) >> np.arange(width) & 1
    return int.from_bytes(np.packbits(bits.astype(np.uint8).ravel(), bitorder="little").tobytes(), "little")


def from_bits(word, width, count, signed=True):
    """The ``count`` integers in ``word``, each of ``width`` bits, the first lowest, as int64.

    Raises
    ------
    ValueError
        An integer does not fit in int64.
    """
    if width > 64:
        values = [word >> width * index & (1 << width) - 1 for index in range(count)]
        values = [value - (value >> width - 1 << width) if signed else value for value in values]
        if any(not -(1 << 63) <= value < 1 << 63 for value in values):
            raise ValueError(f"integers must fit in int64, not be {values}")
        return np.array(values, dtype=np.int64)
    octets = np.frombuffer(word.to_bytes((width * count + 7) // 8, "little"), dtype=np.uint8)
    bits = np.unpackbits(octets, bitorder="little", count=width * count).reshape(count, width)
    values = bits.astype(np.int64) @ (1 << np.arange(width, dtype=np.int64))
    return values - (bits[:, -1].astype(np.int64) << width) if signed and width < 64 else values


def wrap(values, width, signed=True):
    """The lowest ``width`` bits of integers, as two's complement or unsigned numbers."""
    values = np.asarray(values, dtype=np.int64) & (1 << width) - 1
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
