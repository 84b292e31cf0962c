"""Exponential, logistic function and hyperbolic tangent in fixed point, as TensorFlow Lite's kernels compute them.

A number of ``n`` integer bits in a word of ``bits`` (32 or 16) is an integer that stands for ``2**(bits - 1 - n)``
times less. Products are rounding doubling high multiplications. Approximations: a Taylor polynomial of degree 4 around
-1/8, factors of ``exp(-2**k)`` for the other bits, and three Newton steps for a reciprocal (gemmlowp,
``fixedpoint.h``). All functions take and give int64 arrays of such integers.
"""

import math

import numpy as np

from ..requantize import rounding_divide_by_pot


def saturate(values, bits=32):
    """Within a signed word."""
    return np.clip(values, -1 << bits - 1, (1 << bits - 1) - 1)


def multiply_high(a, b, bits=32):
    """The rounding doubling high half of a product, halves up; integer bits add."""
    return saturate((a * b + (1 << bits - 2)) >> bits - 1, bits)


def constant(value, integer_bits, bits=32):
    """A number as fixed point; that of a short word is the long one's, rounded again."""
    word = math.floor(value * 2 ** (31 - integer_bits) + 0.5)
    return word if bits == 32 else int(rounding_divide_by_pot(word, 32 - bits))


def exp_of_negative(values, integer_bits, bits=32):
    """``exp(x)`` without integer bits, of ``x`` from ``-2**integer_bits`` to 0; integer bits from 0 to 5."""
    fraction = bits - 1 - integer_bits
    quarter = 1 << fraction - 2
    rest = (values & quarter - 1) - quarter
    result = _exp_of_interval(rest << integer_bits, bits)
    remainder = rest - values
    for exponent in range(-2, integer_bits):
        factor = constant(math.exp(-2.0 ** exponent), 0, bits)
        result = np.where(remainder & 1 << fraction + exponent, multiply_high(result, factor, bits), result)
    return np.where(values == 0, (1 << bits - 1) - 1, result)


def _exp_of_interval(values, bits):
    """``exp(x)`` of ``x`` from -1/4 on, below 0, without integer bits."""
    base, third = constant(math.exp(-1 / 8), 0, bits), constant(1 / 3, 0, bits)
    x = values + (1 << bits - 4)
    x2 = multiply_high(x, x, bits)
    x3, x4 = multiply_high(x2, x, bits), multiply_high(x2, x2, bits)
    terms = multiply_high(rounding_divide_by_pot(x4, 2) + x3, third, bits) + x2
    return saturate(base + multiply_high(base, x + rounding_divide_by_pot(terms, 1), bits), bits)


def _twice_reciprocal(values, bits):
    """``2 / (1 + x)`` with two integer bits, of ``x`` from 0 to 1 without."""
    half = values + (1 << bits - 1) >> 1
    x = constant(48 / 17, 2, bits) + multiply_high(half, constant(-32 / 17, 2, bits), bits)
    for _ in range(3):
        error = (1 << bits - 3) - multiply_high(half, x, bits)
        x = x + saturate(multiply_high(x, error, bits) << 2, bits)
    return x


def reciprocal_of_one_plus(values, bits=32):
    """``1 / (1 + x)`` of ``x`` from 0 to 1, all without integer bits."""
    return saturate(_twice_reciprocal(values, bits) << 1, bits)


def logistic(values, integer_bits, bits=32):
    """``1 / (1 + exp(-x))`` without integer bits."""
    positive = reciprocal_of_one_plus(exp_of_negative(-np.abs(values), integer_bits, bits), bits)
    other = (1 << bits - 1) - 1 - positive
    return np.where(values == 0, 1 << bits - 2, np.where(values > 0, positive, other))


def tanh(values, integer_bits, bits=32):
    """``(1 - exp(-2 * x)) / (1 + exp(-2 * x))`` without integer bits; integer bits up to 4."""
    powers = exp_of_negative(-np.abs(values), integer_bits + 1, bits)
    positive = saturate(_twice_reciprocal(powers, bits) - (1 << bits - 3) << 2, bits)
    return np.sign(values) * positive
