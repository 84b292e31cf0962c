"""What recurrent layers do between their products, as reference kernels of TensorFlow Lite do it (int8 x int16)."""

import numpy as np

from ..requantize import multiply_by_quantized_multiplier, quantize_multiplier, rounding_divide_by_pot
from . import fixed_point

# Integer bits of what goes into a gate's function, an int16.
GATE_BITS = 3


def gate(sums, factors, function):
    """A gate of an LSTM.

    Parameters
    ----------
    sums : pair of int arrays (B, cells)
        Accumulators of inputs, bias included, and of the state.
    factors : pair of float32
        From each to steps of ``2**-12``.
    function : str
        ``"logistic"`` or ``"tanh"``.

    Returns
    -------
    int64 array (B, cells)
        int16 of scale ``2**-15``.
    """
    total = 0
    for values, factor in zip(sums, factors):
        scaled = multiply_by_quantized_multiplier(values, *quantize_multiplier(float(factor)))
        total = fixed_point.saturate(total + scaled, 16)
    return getattr(fixed_point, function)(total, GATE_BITS, 16)


def lstm_cell(cell, forget, enter, new, *, exponent, clip):
    """The next state of cells: what is kept and what enters.

    Parameters
    ----------
    cell : int array (B, cells)
        int16 of scale ``2**exponent``.
    forget, enter, new : int array (B, cells)
        Gates; ``enter`` may be None, for what is forgotten.
    exponent : int
        From -15 to -9.
    clip : int
        Limit of the state, 0 for none.

    Returns
    -------
    int64 array (B, cells)
    """
    enter = 32767 - forget if enter is None else enter
    kept = rounding_divide_by_pot(forget * cell, 15)
    added = rounding_divide_by_pot(enter * new, 30 + exponent)
    cell = fixed_point.saturate(kept + added, 16)
    return np.clip(cell, -clip, clip) if clip else cell


def lstm_output(cell, leave, *, exponent, scale, zero_point):
    """The next output (B, cells), int8 of this scale and zero point, of cells and the gate by which they leave."""
    values = leave * fixed_point.tanh(cell, 15 + exponent, 16)
    factor = np.float32(2.0 ** -15 / float(np.float32(scale)) * 2.0 ** -15)
    y = multiply_by_quantized_multiplier(values, *quantize_multiplier(float(factor))) + zero_point
    return np.clip(y, -128, 127)


def svdf_state(state, sums, factor, dtype, zero_point):
    """The next state of an SVDF layer: the oldest feature of each filter goes, the newest comes.

    Parameters
    ----------
    state : int array (..., filters, memory)
    sums : int array (..., filters)
        Accumulators of features.
    factor : float
        From them to the state.
    dtype : str
        Of the state, ``"int16"`` or ``"int8"``.
    zero_point : int
        Of the state. What it is added to is not limited, and wraps.

    Returns
    -------
    int64 array (..., filters, memory)
    """
    bits = 16 if dtype == "int16" else 8
    new = fixed_point.saturate(multiply_by_quantized_multiplier(sums, *quantize_multiplier(factor)), bits) + zero_point
    new = wrap(new, bits)
    return np.concatenate([state[..., 1:], new[..., None]], axis=-1)


def svdf_output(state, weights, rank, bias, factor):
    """The output of an SVDF layer, without zero point and limits.

    Parameters
    ----------
    state : int array (..., filters, memory)
        Less its zero point.
    weights : int array (filters, memory)
    rank : int
        Filters that are added up.
    bias : int array (filters / rank,) or 0
    factor : float
        From accumulators, which are int32 and wrap, to outputs.

    Returns
    -------
    int64 array (..., filters / rank)
    """
    sums = (state * weights).sum(axis=-1)
    total = wrap(sums.reshape(*sums.shape[:-1], -1, rank).sum(axis=-1) + bias, 32)
    return multiply_by_quantized_multiplier(total, *quantize_multiplier(factor))


def wrap(values, bits):
    """Integers modulo ``2**bits``, as signed words."""
    return (values + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)
