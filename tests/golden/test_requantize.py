from fractions import Fraction
from math import floor

import numpy as np
import pytest
from bitline.golden.requantize import (
    multiply_by_quantized_multiplier,
    multiply_wide,
    quantize_multiplier,
    quantize_multipliers,
    rounding_divide_by_pot,
    saturating_rounding_doubling_high_mul,
)
from hypothesis import given
from hypothesis import strategies as st

INT32 = st.one_of(st.integers(-2**31, 2**31 - 1), st.sampled_from([-2**31, -2**31 + 1, -1, 0, 1, 2**31 - 1]))
MULTIPLIER = st.one_of(st.integers(0, 2**31 - 1), st.sampled_from([0, 1, 2**30, 2**31 - 1]))


def up(value):
    """A fraction rounded to the nearest integer, halves up."""
    return floor(value + Fraction(1, 2))


def away(value):
    """A fraction rounded to the nearest integer, halves away from zero."""
    return up(value) if value >= 0 else -up(-value)


@given(st.integers(-2**47, 2**47 - 1), MULTIPLIER, st.integers(-31, 11))
def test_rounding_once_is_the_nearest_integer(value, multiplier, shift):
    factor = Fraction(multiplier, 2**31) * Fraction(2) ** shift
    assert multiply_by_quantized_multiplier(value, multiplier, shift, "single") == up(value * factor)
    assert multiply_by_quantized_multiplier(value, multiplier, shift, "away") == away(value * factor)


@given(INT32, MULTIPLIER, st.integers(-31, 0))
def test_double_rounding_rounds_twice(value, multiplier, shift):
    high = up(Fraction(value * multiplier, 2**31))
    assert saturating_rounding_doubling_high_mul(value, multiplier) == high
    assert multiply_by_quantized_multiplier(value, multiplier, shift) == away(Fraction(high, 2**-shift))


@given(st.integers(-2**20, 2**20), MULTIPLIER, st.integers(1, 10))
def test_double_rounding_shifts_first_where_the_factor_is_large(value, multiplier, shift):
    product = Fraction(value * multiplier << shift, 2**31)
    assert multiply_by_quantized_multiplier(value, multiplier, shift) == up(product)


@given(st.integers(-2**47, 2**47 - 1), MULTIPLIER, st.integers(-31, 7))
def test_wide_values_have_a_factor_of_15_bits(value, multiplier, shift):
    reduced = min(up(Fraction(multiplier, 2**16)), 0x7FFF)
    if abs(value * reduced) < 2**62:
        assert multiply_wide(value, multiplier, shift) == up(value * reduced * Fraction(2) ** (shift - 15))


@given(INT32, st.integers(0, 31))
def test_division_by_a_power_of_two(value, exponent):
    assert rounding_divide_by_pot(value, exponent) == away(Fraction(value, 2**exponent))


@given(st.floats(2.0**-31, 2.0**20))
def test_multiplier_is_the_nearest_factor(factor):
    multiplier, shift = quantize_multiplier(factor)
    assert 2**30 <= multiplier < 2**31
    assert abs(Fraction(multiplier, 2**31) * Fraction(2) ** shift - Fraction(factor)) <= Fraction(factor) / 2**31


def test_extremes():
    assert saturating_rounding_doubling_high_mul(-2**31, -2**31) == 2**31 - 1
    assert quantize_multiplier(0.0) == quantize_multiplier(2.0**-40) == (0, 0)
    assert quantize_multiplier(1 - 2.0**-40) == (2**30, 1)
    multipliers, shifts = quantize_multipliers([0.5, 0.75])
    values = multiply_by_quantized_multiplier(np.array([[3, 3], [-3, -3]]), multipliers, shifts, "single")
    assert values.tolist() == [[2, 2], [-1, -2]]
    with pytest.raises(ValueError, match="rounding must be one of single, double, away, not 'up'"):
        multiply_by_quantized_multiplier(1, 1, 0, "up")
