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
@pytest.mark.parametrize("rounding", ["away", "single"])
def test_every_accumulator_has_the_result_of_float64(factor, zero_point, low, high, rounding):
    largest = 300_000
    clamp = {"zero_point": zero_point, "low": low, "high": high}
    multiplier, shift = exact_multiplier(factor, largest, **clamp, rounding=rounding)
    accumulators = np.arange(-largest, largest + 1)
    wanted = np.clip(multiply_float64(accumulators, factor) + zero_point, low, high)
    given = requantize(accumulators, 0, multiplier, shift, **clamp, rounding=rounding)
    assert (given == wanted).all()


@pytest.mark.parametrize("rounding, multiplier, halves", [
    ("away", 2 ** 30, [-2, -1, 1, 2]), ("single", 2 ** 30 + 1, [-1, 0, 1, 2])])
def test_exact_halves(rounding, multiplier, halves):
    """Halves up need another multiplier than the factor."""
    clamp, values = {"zero_point": 0, "low": -128, "high": 127, "rounding": rounding}, np.array([-3, -1, 1, 3])
    assert exact_multiplier(0.5, 1000, **clamp) == (multiplier, 0)
    assert requantize(values, 0, 2 ** 30, 0, **clamp).tolist() == halves
    assert multiply_float64(values, 0.5).tolist() == [-2, -1, 1, 2]


def test_powers_of_two_that_only_halves_away_have():
    """The least step above the factor is too much for accumulators beyond ``2**30``."""
    clamp = {"zero_point": 0, "low": -128, "high": 127}
    assert exact_multiplier(2.0 ** -24, 2 ** 31 - 1, **clamp, rounding="single") is None
    assert exact_multiplier(2.0 ** -24, 2 ** 31 - 1, **clamp) == (2 ** 30, -23)
    halves = (2 * np.arange(1, 128) - 1) * 2 ** 23
    accumulators = np.concatenate([halves - 1, halves, halves + 1, -halves - 1, -halves, -halves + 1])
    wanted = np.clip(multiply_float64(accumulators, 2.0 ** -24), -128, 127)
    assert (requantize(accumulators, 0, 2 ** 30, -23, **clamp, rounding="away") == wanted).all()


@pytest.mark.parametrize("factor, largest", [
    (1.474042105843451e-06, 1330110650), (2.0 ** -33, 2 ** 31 - 1), (2.0 ** 8, 9), (0.7, 45)])
def test_some_factors_have_none(factor, largest):
    assert exact_multiplier(factor, largest, zero_point=115 if factor < 1e-5 else 0, low=-128, high=127) is None


def test_products_in_float64_that_no_fixed_point_has():
    """7/10 of 5 and of 45 are halves; only the first is one in float64."""
    assert multiply_float64(np.array([5, 45]), 0.7).tolist() == [4, 31]


def test_all_factors_of_few_results_and_small_accumulators_have_one():
    """Below ``2**29`` results times accumulators, and not next to a fraction: what `docs/networks.md` says."""
    rng = np.random.default_rng(3)
    for factor in np.exp(rng.uniform(-12, 0, 300)):
        assert exact_multiplier(float(factor), 2 ** 21, zero_point=0, low=-128, high=127), factor


def test_no_multiplier_does_where_there_is_said_to_be_none():
    """Of a small case all multipliers: 16-bit results of a factor of which 31 bits are too few."""
    factor, largest = 1.0 - 2.0 ** -18, 2 ** 17
    given = exact_multiplier(factor, largest, zero_point=0, low=-32768, high=32767)
    accumulators = np.arange(-largest, largest + 1)
    wanted = np.clip(multiply_float64(accumulators, factor), -32768, 32767)
    near = range(round(factor * 2 ** 31) - 4, min(2 ** 31, round(factor * 2 ** 31) + 5))
    working = [m for m in near
               if (requantize(accumulators, 0, m, 0, zero_point=0, low=-32768, high=32767, rounding="away")
                   == wanted).all()]
    assert (given is None) == (not working) and (given is None or given[0] in working)
