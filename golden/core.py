"""The core from the view of software: packets in, results out."""

import numpy as np

from .checksum import CheckedMacro
from .macro import MacroModel
from .requantize import requantize


def element_type(bits):
    """numpy type of integers of so many bits in a stream: little-endian, sign-extended to 1, 2 or 4 bytes."""
    return np.dtype("<i1" if bits <= 8 else "<i2" if bits <= 16 else "<i4")


def vector_bytes(config, x):
    """Bytes of a vector (rows,) for ``s_axis``."""
    return np.asarray(x, dtype=np.int64).astype(element_type(config.macro.input_bits)).tobytes()


def padded(data, bits):
    """Bytes of an item, padded with zeros to whole beats."""
    return data + bytes(-len(data) % (bits // 8))


def rows_bytes(config, weights):
    """Bytes of rows of weights (n, columns) for ``s_axis_w``; each row starts a new beat."""
    rows = np.asarray(weights, dtype=np.int64).astype(element_type(config.macro.weight_bits))
    return b"".join(padded(row.tobytes(), config.weight_stream_bits) for row in rows)


def parameters_bytes(config, bias, multiplier, shift):
    """Bytes of columns' parameters, each (n,), for ``s_axis_w``."""
    items = np.zeros((len(bias), 4), dtype="<i4")
    for index, values in enumerate((bias, multiplier, shift)):
        items[:, index] = values
    return b"".join(padded(item.tobytes(), config.weight_stream_bits) for item in items)


class CoreModel:
    """Exact model of a core's state, one accepted packet after the other.

    Parameters
    ----------
    config : CoreConfig

    Attributes
    ----------
    macro : MacroModel
        The macro with the weights.
    parameters : dict of int to tuple
        For each set: bias, multiplier and shift, arrays (columns,).
    settings : dict of int to dict
        For each set: keyword arguments of `requantize`.
    is_sound : bool
        The last result agrees with the checksum, or there is none.
    """

    def __init__(self, config):
        self.config = config
        self.macro = (CheckedMacro(config.array, config.macro.columns) if config.checksum
                      else MacroModel(config.macro))
        self.is_sound = True
        self.parameters, self.settings = {}, {}
        self.restart(1)

    def restart(self, accumulate_count):
        """The next vector is the first of an accumulation; each result adds up so many vectors."""
        self._accumulate_count, self._position, self._broken, self._bank = accumulate_count, 0, False, 0

    def interrupt(self):
        """A self-test runs: an accumulation that has begun gives no result."""
        self._broken = self._position > 0

    def _advance(self, bank):
        """The bank of the next vector, its position in the accumulation, and whether it is the last."""
        position = self._position
        self._bank = bank if position == 0 else (self._bank + 1) % self.config.macro.banks
        self._position = 0 if position + 1 == self._accumulate_count else position + 1
        return self._bank, position, self._position == 0

    def fault(self, bank):
        """A vector is discarded; its accumulation gives no result."""
        *_, last = self._advance(bank)
        self._broken = not last

    def vector(self, x, *, bits, signed, bank, set=0):
        """Bytes of ``m_axis`` for a vector (rows,), None unless it is the last that adds up; and the planes skipped."""
        bank, position, last = self._advance(bank)
        result = self.macro.vector(np.asarray(x), bits=bits, signed=signed, bank=bank, accumulate=position > 0)
        broken, self._broken = self._broken, self._broken and not last
        if not last or broken:
            return None, bits - result.planes
        values, self.is_sound = result.y, not self.config.checksum or result.is_sound
        if self.config.requantizes:
            values = requantize(values, *self.parameters[set], **self.settings[set])
        return values.astype(element_type(self.config.output_bits)).tobytes(), bits - result.planes
