# amaranth: UnusedElaboratable=no
import itertools
import random

import numpy as np
import pytest
from bitline.golden.requantize import ROUNDINGS, SHIFTS, requantize
from bitline.hdl.core.requantizer_lane import RequantizerLane
from gateware import simulate
from hypothesis import given
from hypothesis import strategies as st
from some import some

INT32 = (-(1 << 31), (1 << 31) - 1)
EXTREMES = [INT32[0], INT32[0] + 1, -(1 << 30), -3, -2, -1, 0, 1, 2, 3, 1 << 30, INT32[1]]
ARGUMENTS = {"zero_point": 0, "low": -(1 << 15), "high": (1 << 15) - 1}


def saturating_rounding_doubling_high_mul(a, b):
    """As gemmlowp's fixedpoint.h says it, in Python's own integers."""
    if a == b == INT32[0]:
        return INT32[1]
    nudge = 1 << 30 if a * b >= 0 else 1 - (1 << 30)
    magnitude = abs(a * b + nudge) >> 31
    return magnitude if a * b + nudge >= 0 else -magnitude


def rounding_divide_by_pot(x, exponent):
    """As gemmlowp's fixedpoint.h says it."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (x < 0)
    return (x >> exponent) + ((x & mask) > threshold)


def reference(value, multiplier, shift, rounding, zero_point, low, high):
    if rounding == "double":
        scaled = saturating_rounding_doubling_high_mul(value << max(shift, 0), multiplier)
        scaled = rounding_divide_by_pot(scaled, max(-shift, 0))
    else:
        product = value * multiplier
        scaled = (abs(product) + (1 << 30 - shift)) >> 31 - shift
        if product < 0:
            # Exact halves go away from zero, or up.
            is_half = abs(product) % (1 << 31 - shift) == 1 << 30 - shift
            scaled = -scaled + (is_half and rounding == "single")
    return min(max(scaled + zero_point, low), high)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_equals_the_definition_for_extremes(rounding):
    for value, multiplier, shift in itertools.product(EXTREMES, EXTREMES, range(SHIFTS[0], SHIFTS[1] + 1)):
        if rounding == "double" and not INT32[0] <= value << max(shift, 0) <= INT32[1]:
            continue
        expected = reference(value, multiplier, shift, rounding, **ARGUMENTS)
        result = requantize([value], [0], [multiplier], [shift], rounding=rounding, **ARGUMENTS)
        assert result.tolist() == [expected], (value, multiplier, shift)


@given(st.integers(*INT32), st.integers(*INT32), st.integers(*INT32), st.integers(*SHIFTS),
       st.integers(-(1 << 15), (1 << 15) - 1), st.sampled_from(ROUNDINGS))
def test_equals_the_definition(total, bias, multiplier, shift, zero_point, rounding):
    value = total + bias
    if rounding == "double" and not INT32[0] <= value << max(shift, 0) <= INT32[1]:
        rounding = "single"
    arguments = {"zero_point": zero_point, "low": -128, "high": 127}
    expected = reference(value, multiplier, shift, rounding, **arguments)
    assert requantize([total], [bias], [multiplier], [shift], rounding=rounding, **arguments).tolist() == [expected]


def test_products_near_halves_are_rounded_by_each_rule():
    rng, differ = random.Random(1), np.zeros(3)
    for _ in range(6000):
        shift = rng.randint(-12, -1)
        multiplier = rng.choice((1 << 30, 1 << 29, 3 << 28, rng.randint(1 << 30, INT32[1])))
        value = rng.randint(-1 << 20, 1 << 20)
        results = []
        for rounding in ROUNDINGS:
            results.append(requantize([value], [0], [multiplier], [shift], rounding=rounding, **ARGUMENTS)[0])
            assert results[-1] == reference(value, multiplier, shift, rounding, **ARGUMENTS)
        differ += np.array([results[0] != results[1], results[0] != results[2], results[1] != results[2]])
    assert (differ > 10).all()


def test_columns_have_parameters_of_their_own():
    totals = np.array([[100, 100], [-7, 9]])
    result = requantize(totals, [0, 4], [1 << 30, 1 << 30], [0, -1], zero_point=3, low=-128, high=40)
    # 100 / 2 + 3 clipped, 104 / 4 + 3; -7 / 2 + 3, halves up; 13 / 4 + 3.
    assert result.tolist() == [[40, 29], [0, 6]]


@pytest.mark.parametrize("change, message", [
    ({"shift": [8]}, r"^shift must be from -31 to 7, not 8$"),
    ({"low": 3, "high": 2}, r"^low must be at most high, not 3 with 2$"),
    ({"shift": [-32]}, r"^shift must be from -31 to 7, not -32$"),
    ({"totals": [1 << 31]}, r"^totals must be from -2147483648 to 2147483647, not 2147483648$"),
    ({"bias": [1 << 40]}, r"^bias must be from .*, not 1099511627776$"),
    ({"multiplier": [1 << 31]}, r"^multiplier must be from .*, not 2147483648$"),
    ({"zero_point": 1 << 15}, r"^zero_point must be from -32768 to 32767, not 32768$"),
    ({"rounding": "up"}, r"^rounding must be one of single, double, away, not 'up'$"),
])
def test_wrong_parameters_are_refused(change, message):
    arguments = {"totals": [1], "bias": [0], "multiplier": [1], "shift": [0], **ARGUMENTS} | change
    with pytest.raises(ValueError, match=message):
        requantize(**arguments)


def check_lane(total_width, output_bits, cases):
    """Each case (total, bias, multiplier, shift, rounding, zero point, low, high), one a cycle, against the twin."""
    lane = RequantizerLane(total_width=total_width, output_bits=output_bits)
    names = ("rounding", "zero_point", "low", "high")
    delays = {"rounding": lane.ROUNDED, "zero_point": lane.OFFSET, "low": lane.CLIPPED, "high": lane.CLIPPED}

    async def testbench(ctx):
        for cycle in range(len(cases) + lane.latency):
            if cycle < len(cases):
                total, bias, multiplier, shift = cases[cycle][:4]
                ctx.set(lane.total, total)
                ctx.set(lane.parameters, {"bias": bias, "multiplier": multiplier, "shift": shift})
            for name, index in zip(names, range(4, 8)):
                if 0 <= cycle - delays[name] < len(cases):
                    ctx.set(lane.settings[name], cases[cycle - delays[name]][index])
            if cycle >= lane.latency:
                total, bias, multiplier, shift, rounding, zero_point, low, high = cases[cycle - lane.latency]
                expected = requantize([total], [bias], [multiplier], [shift], zero_point=zero_point, low=low, high=high,
                                      rounding=ROUNDINGS[1 if rounding == 3 else rounding])
                assert ctx.get(lane.result) == expected[0], cases[cycle - lane.latency]
            await ctx.tick()

    simulate(lane, testbench)


@pytest.mark.parametrize("output_bits", some([8, 16], 1))
def test_lane_equals_the_twin_for_extremes(output_bits):
    minimum, maximum = -(1 << output_bits - 1), (1 << output_bits - 1) - 1
    values = [INT32[0], -(1 << 15), -1, 0, 1, 3, INT32[1]]
    shifts = [SHIFTS[0], -16, -9, -1, 0, 1, SHIFTS[1]]
    cases = [(*case, zero, minimum, maximum)
             for case in itertools.product(values, values, values, shifts, range(4))
             for zero in (minimum, maximum)]
    check_lane(32, output_bits, cases)


@pytest.mark.parametrize("total_width, output_bits", some([(32, 8), (32, 16), (26, 8), (1, 16)], 0))
def test_lane_equals_the_twin_for_random_ones(total_width, output_bits):
    rng, cases = random.Random(total_width), []
    minimum, maximum = -(1 << output_bits - 1), (1 << output_bits - 1) - 1
    for _ in range(6000):
        low, high = sorted((rng.randint(minimum, maximum), rng.randint(minimum, maximum)))
        total = rng.randint(-(1 << total_width - 1), (1 << total_width - 1) - 1) >> rng.randrange(total_width)
        multiplier = rng.choice((1 << 30, 1 << 29, rng.randint(1 << 30, INT32[1]), rng.randint(*INT32)))
        cases.append((total, rng.randint(*INT32) >> rng.randrange(32), multiplier, rng.randint(*SHIFTS),
                      rng.randrange(4), rng.randint(minimum, maximum), low, high))
    check_lane(total_width, output_bits, cases)
