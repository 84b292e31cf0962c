"""Integers as the bits that stand in a macro's ports and cells."""

import numpy as np


def pack(values, width):
    """The integer whose bits are ``values``, each in ``width`` bits, the first lowest."""
    bits = np.asarray(values, dtype=np.int64).reshape(-1, 1) >> np.arange(width) & 1
    return int.from_bytes(np.packbits(bits.astype(np.uint8).ravel(), bitorder="little").tobytes(), "little")


def unpack(word, width, count, signed=True):
    """The ``count`` integers that stand in ``word``, each in ``width`` bits, as int64.

    Raises
    ------
    ValueError
        Bits beyond the 64th of a lane are not copies of its sign, so that int64 cannot hold it.
    """
    if width > 64:
        lanes = [word >> width * index & (1 << width) - 1 for index in range(count)]
        values = [lane - (lane >> width - 1 << width) if signed else lane for lane in lanes]
        if any(not -(1 << 63) <= value < 1 << 63 for value in values):
            raise ValueError(f"lanes must fit in int64, not hold {values}")
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
    """Least and greatest integer of ``width`` bits."""
    return (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)


def slice_weights(weights, weight_bits, fuse):
    """Wide weights as neighboring columns hold them.

    Parameters
    ----------
    weights : array (..., columns), two's complement of ``fuse * weight_bits`` bits
    weight_bits, fuse : int

    Returns
    -------
    int64 array (..., columns * fuse)
        Lowest slice first; all but the highest in offset form, that is digit minus half range.
    """
    weights = np.asarray(weights, dtype=np.int64)
    digits = weights[..., None] >> weight_bits * np.arange(fuse)
    offset = (digits & (1 << weight_bits) - 1) - (1 << weight_bits - 1)
    offset[..., -1] = digits[..., -1]
    return offset.reshape(*weights.shape[:-1], -1)
