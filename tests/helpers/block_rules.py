"""Block formats and what a block macro must give, by their rules, in fractions: nothing of the golden model is used."""

from fractions import Fraction

import numpy as np

# Element of each format: bits, exponent bits, mantissa bits; E4M3 has one NaN.
ELEMENTS = {"MXINT8": (8, 0, 7), "MXFP8_E4M3": (8, 4, 3), "MXFP6_E2M3": (6, 2, 3), "MXFP6_E3M2": (6, 3, 2),
            "MXFP4": (4, 2, 1), "NVFP4": (4, 2, 1)}
# An integer of a vector in E4M3 is that many lower bits, without a sign, and the upper ones.
LOWER_BITS = 10


def element(name, code):
    """The number of a code; None for NaN."""
    bits, exponent_bits, mantissa_bits = ELEMENTS[name]
    if not exponent_bits:
        return Fraction(code - (code >> bits - 1 << bits), 64)
    return minifloat(code, exponent_bits, mantissa_bits, name == "MXFP8_E4M3")


def minifloat(code, exponent_bits, mantissa_bits, has_nan):
    exponent = code >> mantissa_bits & (1 << exponent_bits) - 1
    mantissa = Fraction(code & (1 << mantissa_bits) - 1, 1 << mantissa_bits) + (exponent > 0)
    if has_nan and code & (1 << exponent_bits + mantissa_bits) - 1 == (1 << exponent_bits + mantissa_bits) - 1:
        return None
    power = Fraction(2) ** (max(exponent, 1) - (1 << exponent_bits - 1) + 1)
    return (-1) ** (code >> exponent_bits + mantissa_bits) * mantissa * power


def scale(name, code):
    """The number of a scale, None if it counts as NaN, and its exponent as the window has it."""
    if name != "NVFP4":
        return None if code == 255 else Fraction(2) ** (code - 127), code
    exponent = max(code >> 3 & 15, 1) - 1
    return None if code > 0x7e else minifloat(code, 4, 3, True), exponent


def parts(name, numbers):
    """Pieces of a vector, and how much greater their exponent is, which add up to the vector."""
    if name != "MXFP8_E4M3":
        return [(numbers, 0)]
    integers = [int(number * 512) for number in numbers]
    return [([Fraction(each % (1 << LOWER_BITS), 512) for each in integers], 0),
            ([Fraction(each >> LOWER_BITS << LOWER_BITS, 512) for each in integers], LOWER_BITS)]


def result(inputs, weights, x, w, base, max_shift):
    """What an accumulation of one column gives: a fraction or None for NaN, and whether it is lost.

    ``x`` and ``w`` are lists of blocks, each with its scale: pairs of a list of codes and a code.
    """
    return joined([(inputs, *each) for each in x], [(weights, *each) for each in w], base, max_shift)


def joined(x, w, base, max_shift, raised=lambda x_name, w_name: 0):
    """The same of blocks that each begin with the name of their format, whose exponent is raised by so much."""
    total, is_nan, is_lost = Fraction(0), False, False
    for (x_name, x_codes, x_scale), (w_name, w_codes, w_scale) in zip(x, w, strict=True):
        (x_factor, x_exponent), (w_factor, w_exponent) = scale(x_name, x_scale), scale(w_name, w_scale)
        left, right = [element(x_name, code) for code in x_codes], [element(w_name, code) for code in w_codes]
        if None in (x_factor, w_factor, *left, *right):
            is_nan = True
            continue
        exponent = x_exponent + w_exponent + raised(x_name, w_name) - base
        for piece, above in parts(x_name, left):
            sum_of_part = sum(a * b for a, b in zip(piece, right))
            is_lost |= bool(sum_of_part) and not 0 <= exponent + above <= max_shift
            total += sum_of_part * x_factor * w_factor
    return None if is_nan or is_lost else total, is_lost and not is_nan


def agrees(number, value):
    """Whether a float is the one nearest to a number; None is NaN."""
    if number is None or np.isnan(value):
        return number is None and np.isnan(value)
    ulp = Fraction(float(np.spacing(np.abs(np.float32(value)))))
    return abs(Fraction(float(value)) - number) * 2 <= ulp
