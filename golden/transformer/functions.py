"""Softmax, RMS norm and SiLU in integers, with bounds of their errors."""

import numpy as np

# Softmax: steps of the exponent in an octave, the weight of the greatest score, and bits of the table behind the point.
OCTAVE, GREATEST, TABLE_BITS = 256, 255, 7
# Octaves from which on a weight is rounded to 0.
OCTAVES = 9
# ``255 * 2**(-u / 256)`` with seven bits behind the point, for a whole octave.
POWERS = np.rint(GREATEST * 2.0 ** TABLE_BITS * np.exp2(-np.arange(OCTAVE) / OCTAVE)).astype(np.int64)
# RMS norm: bits of the root, and of results, behind the point.
ROOT_BITS, NORM_BITS = 8, 5
INT8 = (-127, 127)
# In steps of results: what softmax weights differ from numbers by.
SOFTMAX_ERROR = 0.85


def softmax_weights(exponents):
    """``round(255 * 2**(-t / 256))`` of exponents ``t``, halves up; 0 from nine octaves on.

    A weight over the sum of all is the softmax, if ``t`` is by how much a score is below the greatest, in steps of
    ``ln(2) / 256``. With ``t`` rounded to an integer, a weight differs by at most `SOFTMAX_ERROR` from
    ``255 * exp(score - greatest)``.

    Parameters
    ----------
    exponents : int array (...)
        From 0 on.

    Returns
    -------
    int64 array (...)
        From 0 to 255.
    """
    exponents = np.minimum(exponents, OCTAVES * OCTAVE)
    octaves = exponents // OCTAVE
    return (POWERS[exponents % OCTAVE] + (1 << TABLE_BITS - 1 + octaves)) >> TABLE_BITS + octaves


def divide(numerator, denominator):
    """Quotients rounded to nearest, halves up, of int64 arrays; denominators are positive."""
    return (2 * numerator + denominator) // (2 * denominator)


def integer_root(values):
    """The integer part of the square root of int64 values below ``2**52``."""
    # Of the integer before a square the root is 2**-27 or more below the next integer, which float64 still tells.
    return np.sqrt(np.asarray(values, np.float64)).astype(np.int64)


def rms_norm(x):
    """Values over their root mean square, in steps of 1/32, from -127 to 127.

    ``root = max(1, isqrt(2**16 * sum(x**2) // n))``, and results are ``round(2**13 * x / root)``, halves up. They
    differ by at most ``norm_error(root)`` steps from the quotient.

    Parameters
    ----------
    x : int64 array (..., n)
        int16.

    Returns
    -------
    int64 array (..., n)
    """
    return np.clip(divide(x << ROOT_BITS + NORM_BITS, norm_root(x)), *INT8)


def norm_root(x):
    """The root mean square of int16 values (..., n), with eight bits behind the point, int64 (..., 1)."""
    squares = (x * x).sum(axis=-1, keepdims=True)
    return np.maximum(integer_root((squares << 2 * ROOT_BITS) // x.shape[-1]), 1)


def norm_error(root):
    """By how many steps a norm with such a root differs from the quotient: half of one, and less than 1 of the root."""
    return 0.5 + 128 / root


def silu_table(scale, output_scale):
    """SiLU, ``x / (1 + exp(-x))``, of each int8: int64 (256,), from -128 on; rounded to nearest, halves to even.

    Parameters
    ----------
    scale, output_scale : float
        Steps of inputs and results.
    """
    x = np.arange(-128, 128) * float(scale)
    return np.clip(np.rint(x / (1 + np.exp(-x)) / output_scale), *INT8).astype(np.int64)
