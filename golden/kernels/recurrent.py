"""What recurrent layers do between their products, as reference kernels of TensorFlow Lite do it (int8 x int16)."""

import numpy as np

from ..requantize import multiply_by_quantized_multiplier, quantize_multiplier, rounding_divide_by_pot
from . import activations, fixed_point

# Steps of what goes into a gate's function, an int16, are so many powers of two.
GATE_EXPONENT = -12


def gate(sums, factors, function, rounding="double"):
    """A gate of an LSTM.

    Parameters
    ----------
    sums : pair of int arrays (B, cells)
        Accumulators of inputs, bias included, and of the state.
    factors : pair of float32
        From each to steps of ``2**-12``.
    function : str
        ``"logistic"`` or ``"tanh"``.
    rounding : str
        ``"double"``, or as tflite-micro has it ``"interpolated"``: each of both is an int16 before they are added,
        functions come from a table, and products have a factor.

    Returns
    -------
    int64 array (B, cells)
        int16 of scale ``2**-15``.
    """
    total = 0
    for values, factor in zip(sums, factors):
        scaled = multiply_by_quantized_multiplier(values, *quantize_multiplier(float(factor)))
        if rounding == "interpolated":
            scaled = fixed_point.saturate(scaled, 16)
        total = fixed_point.saturate(total + scaled, 16)
    return _function(function, total, GATE_EXPONENT, rounding)


def _function(function, values, exponent, rounding):
    """int16 of scale ``2**-15``, of int16 of scale ``2**exponent``."""
    if rounding == "interpolated":
        return activations.function_16bit(function, values, np.float32(2.0 ** exponent))
    return getattr(fixed_point, function)(values, 15 + exponent, 16)


def _shifted(values, bits, rounding):
    """Products of int16 over ``2**bits``."""
    if rounding == "interpolated":
        scaled = multiply_by_quantized_multiplier(values, *quantize_multiplier(2.0 ** -bits))
        return fixed_point.saturate(scaled, 16)
    return rounding_divide_by_pot(values, bits)


def lstm_cell(cell, forget, enter, new, *, exponent, clip, rounding="double"):
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
    rounding : str

    Returns
    -------
    int64 array (B, cells)
    """
    enter = 32767 - forget if enter is None else enter
    kept = _shifted(forget * cell, 15, rounding)
    added = _shifted(enter * new, 30 + exponent, rounding)
    cell = fixed_point.saturate(kept + added, 16)
    return np.clip(cell, -clip, clip) if clip else cell


def lstm_output(cell, leave, *, exponent, scale, zero_point, rounding="double"):
    """The next output (B, cells), int8 of this scale and zero point, of cells and the gate by which they leave."""
    values = leave * _function("tanh", cell, exponent, rounding)
    factor = 2.0 ** -30 / float(np.float32(scale))
    factor = factor if rounding == "interpolated" else np.float32(factor)
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
