"""Fixed-point multipliers that are exactly a factor in float64."""

import numpy as np
import pytest
from bitline.golden.exact_multiplier import exact_multiplier
from bitline.golden.requantize import multiply_float64, requantize

# Powers of two, whose halves decide; quotients of float32 scales; a factor whose float64 is not a fraction of 31 bits.
FACTORS = [2.0 ** -1, 0.5 - 2.0 ** -40, 2.0 ** -9, 2.0 ** 3, 0.75, 1 / 3, 1 - 2.0 ** -40,
           float(np.float64(np.float32(0.1)) * np.float32(0.02) / np.float32(0.7))]


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("zero_point, low, high", [(0, -128, 127), (-128, -128, 127), (127, -100, 127)])
def test_every_accumulator_has_the_result_of_float64(factor, zero_point, low, high):
    largest = 300_000
    multiplier, shift = exact_multiplier(factor, largest, zero_point=zero_point, low=low, high=high)
    accumulators = np.arange(-largest, largest + 1)
    wanted = np.clip(multiply_float64(accumulators, factor) + zero_point, low, high)
    given = requantize(accumulators, 0, multiplier, shift, zero_point=zero_point, low=low, high=high, rounding="single")
    assert (given == wanted).all()


def test_an_exact_half_needs_another_multiplier_than_the_factor():
    assert exact_multiplier(0.5, 1000, zero_point=0, low=-128, high=127) == (2 ** 30 + 1, 0)
    halves = requantize(np.array([-3, -1, 1, 3]), 0, 2 ** 30, 0, zero_point=0, low=-128, high=127, rounding="single")
    assert halves.tolist() == [-1, 0, 1, 2]
    assert multiply_float64(np.array([-3, -1, 1, 3]), 0.5).tolist() == [-2, -1, 1, 2]


@pytest.mark.parametrize("factor, largest", [
    (1.474042105843451e-06, 1330110650), (2.0 ** -33, 2 ** 31 - 1), (2.0 ** 8, 9)])
def test_some_factors_have_none(factor, largest):
    assert exact_multiplier(factor, largest, zero_point=115 if factor < 1 else 0, low=-128, high=127) is None


def test_no_multiplier_does_where_there_is_said_to_be_none():
    """Of a small case all multipliers: 16-bit results of a factor of which 31 bits are too few."""
    factor, largest = 1.0 - 2.0 ** -18, 2 ** 17
    given = exact_multiplier(factor, largest, zero_point=0, low=-32768, high=32767)
    accumulators = np.arange(-largest, largest + 1)
    wanted = np.clip(multiply_float64(accumulators, factor), -32768, 32767)
    near = range(round(factor * 2 ** 31) - 4, min(2 ** 31, round(factor * 2 ** 31) + 5))
    working = [m for m in near
               if (requantize(accumulators, 0, m, 0, zero_point=0, low=-32768, high=32767) == wanted).all()]
    assert (given is None) == (not working) and (given is None or given[0] in working)
