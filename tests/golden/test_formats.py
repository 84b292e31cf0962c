"""Block formats: codes against `ml_dtypes`, scales against their definitions, sums against exact rationals."""

import itertools
from fractions import Fraction

import gfloat.formats
import microxcaling
import ml_dtypes
import numpy as np
import pytest
from bitline.golden.formats.blocks import FORMATS, RULES, Blocks, quantize, scale_exponents, scale_values
from bitline.golden.formats.elements import E2M1, E4M3, E5M2, ELEMENTS, IEEE, INT8, NUMBERS, ONE_NAN
from bitline.golden.formats.products import ExactSum, block_sums, dot
from places import ROOT

LIBRARY = {"E2M1": ml_dtypes.float4_e2m1fn, "E2M3": ml_dtypes.float6_e2m3fn, "E3M2": ml_dtypes.float6_e3m2fn,
           "E4M3": ml_dtypes.float8_e4m3fn, "E5M2": ml_dtypes.float8_e5m2}
MX = [each for each in FORMATS.values() if each.scale is None]


def codes_of(element):
    return np.arange(1 << element.bits, dtype=np.uint8)


def decoded(element, codes):
    """By the library; it has no INT8, which has two's complement with six bits behind the point."""
    if element is INT8:
        return codes.view(np.int8) / 64
    return codes.view(LIBRARY[element.name]).astype(np.float64)


@pytest.mark.parametrize("element", ELEMENTS.values(), ids=lambda element: element.name)
def test_every_code_is_decoded_as_the_library_does(element):
    codes = codes_of(element)
    values, expected = element.values(codes), decoded(element, codes)
    assert np.array_equal(values, expected, equal_nan=True)
    numbers = ~np.isnan(expected)
    assert np.array_equal(np.signbit(values[numbers]), np.signbit(expected[numbers]))
    finite = np.isfinite(expected)
    assert np.array_equal(element.integers[finite], expected[finite] * 2.0 ** element.point)
    assert element.greatest == expected[finite].max()


def test_integers_are_as_wide_as_they_must_be():
    bits = {name: element.integer_bits for name, element in ELEMENTS.items()}
    assert bits == {"INT8": 8, "E2M1": 5, "E2M3": 7, "E3M2": 10, "E4M3": 19, "E5M2": 33}
    for element in ELEMENTS.values():
        lowest, highest = -(1 << element.integer_bits - 1), (1 << element.integer_bits - 1) - 1
        assert lowest <= element.integers.min() and element.integers.max() <= highest
        assert 2 * element.integers.max() > highest


def halves(element):
    """All values of float16 within the range of an element, and what lies on and beside each middle of two of them."""
    values = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    numbers = np.unique(element.values(codes_of(element)))
    numbers = numbers[np.isfinite(numbers)]
    middles = ((numbers[:-1] + numbers[1:]) / 2).astype(np.float32)
    values = np.concatenate([values, middles, np.nextafter(middles, np.float32(np.inf)),
                             np.nextafter(middles, np.float32(-np.inf)), numbers.astype(np.float32)])
    return values[np.abs(values) <= element.greatest]


@pytest.mark.parametrize("name", LIBRARY)
def test_numbers_are_encoded_as_the_library_does(name):
    element = ELEMENTS[name]
    values = halves(element)
    assert np.array_equal(element.encode(values), values.astype(LIBRARY[name]).view(np.uint8))
    # In units of three, which no quotient by them is exact.
    assert np.array_equal(element.encode(values * 3.0, 3.0), element.encode(values))


def test_integers_are_rounded_to_nearest_even_and_the_lowest_is_not_used():
    values = halves(INT8)
    expected = np.clip(np.rint(values.astype(np.float64) * 64), -127, 127).astype(np.int8)
    assert np.array_equal(INT8.encode(values).view(np.int8), expected)
    assert INT8.encode([-2.0, -1.9999, 2.0]).view(np.int8).tolist() == [-127, -127, 127]


def test_what_is_too_great_saturates_where_the_library_gives_nan():
    values = np.array([464, 465, 480, -1e30, np.inf], dtype=np.float32)
    assert E4M3.values(E4M3.encode(values)).tolist() == [448, 448, 448, -448, 448]
    assert np.array_equal(values.astype(ml_dtypes.float8_e4m3fn).astype(np.float32),
                          [448, np.nan, np.nan, np.nan, np.nan], equal_nan=True)
    assert E5M2.values(E5M2.encode(np.array([1e30, -np.inf]))).tolist() == [57344, -np.inf]
    assert np.isnan(E4M3.values(E4M3.encode([np.nan])))[0] and np.isnan(E5M2.values(E5M2.encode([np.nan])))[0]
    # The library has -0 for it.
    with pytest.raises(ValueError, match=r"^E2M1 has no NaN, and a value is NaN$"):
        E2M1.encode([np.nan])


def exponent_by_definition(greatest, element, rule):
    """As rationals, one exponent after another."""
    greatest = Fraction(float(greatest))
    if rule == "up":
        return next(e for e in range(-400, 400) if greatest <= Fraction(element.greatest) * Fraction(2) ** e)
    exponent = next(e for e in range(-400, 400) if Fraction(2) ** (e + 1) > greatest)
    if rule == "even":
        bits = element.mantissa_bits if element.exponent_bits else 6
        steps = greatest / Fraction(2) ** (exponent - bits)
        exponent += steps + Fraction(1, 2) >= 2 ** (bits + 1)
    if rule == "ceil":
        exponent += greatest > Fraction(2) ** exponent
    return exponent - element.greatest_exponent


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("element", ELEMENTS.values(), ids=lambda element: element.name)
def test_scales_are_as_defined(element, rule):
    rng = np.random.default_rng(1)
    greatest = np.concatenate([
        rng.uniform(0.5, 64, 200), element.greatest * np.exp2(range(-3, 4)), np.exp2(range(-3, 9)),
        np.nextafter(np.exp2(range(-3, 9)), 0), [1.75, 7, 6.9, 1.9921875, 1.984375, 1.9921874]])
    expected = [exponent_by_definition(each, element, rule) for each in greatest]
    assert scale_exponents(greatest, element, rule).tolist() == expected
    assert scale_exponents(np.array([0.0, 2.0 ** -149]), element, rule).tolist() == [-127, -127]


def test_the_greatest_number_has_the_greatest_scale():
    greatest = np.full(32, np.finfo(np.float32).max)
    assert [quantize(greatest, FORMATS["MXINT8"], rule).scales[0] for rule in RULES] == [254] * 4


def test_scales_of_a_few_maxima_as_public_libraries_choose_them():
    # torchao and microxcaling: FLOOR, EVEN, RCEIL, CEIL.
    found = {rule: scale_exponents(np.array([6.0, 6.9, 7.0, 7.5, 8.0]), E2M1, rule).tolist() for rule in RULES}
    assert found == {"floor": [0, 0, 0, 0, 1], "even": [0, 0, 1, 1, 1], "up": [0, 1, 1, 1, 1], "ceil": [1, 1, 1, 1, 1]}


def test_every_scale_is_decoded_as_the_library_does():
    codes = np.arange(256, dtype=np.uint8)
    expected = codes.view(ml_dtypes.float8_e8m0fnu).astype(np.float64)
    assert np.array_equal(scale_values(FORMATS["MXFP4"], codes), expected, equal_nan=True)


def test_a_cast_of_the_library_to_a_scale_is_none_of_the_rules():
    values = np.array([1.5, 2.9, 3.0, 0.0, -1.0, 1.5 * 2.0 ** 127], dtype=np.float32)
    found = values.astype(ml_dtypes.float8_e8m0fnu).astype(np.float32)
    assert np.array_equal(found, [2, 2, 4, np.nan, np.nan, np.nan], equal_nan=True)


def block(block_format, first, rest=0.0):
    return np.array([*np.atleast_1d(first), *[rest] * (block_format.size - np.size(first))], dtype=np.float32)


@pytest.mark.parametrize("block_format", MX, ids=lambda each: each.name)
@pytest.mark.parametrize("rule", RULES)
def test_an_element_is_the_nearest_of_its_block(block_format, rule):
    rng = np.random.default_rng(2)
    values = (rng.standard_normal((50, 3 * 32)) * np.exp2(rng.integers(-20, 20, (50, 1)))).astype(np.float32)
    blocks = quantize(values, block_format, rule)
    scaled, found = (each.reshape(50, 3, 32) / np.exp2(blocks.scales.astype(np.float64) - 127)[..., None]
                     for each in (values.astype(np.float64), blocks.values()))
    element = block_format.element
    numbers = element.values(codes_of(element))
    # The lowest code of an integer is not used.
    numbers = numbers[np.isfinite(numbers) & (numbers >= -element.greatest)]
    distance = np.abs(scaled[..., None] - numbers).min(axis=-1)
    assert np.array_equal(np.abs(scaled - found), distance)
    if rule == "up":
        # Nothing saturates.
        assert np.abs(scaled).max() <= element.greatest


@pytest.mark.parametrize("name", [each.name for each in MX])
def test_blocks_are_those_of_another_library(name):
    """Scales of the specification's rule, and elements; gfloat uses the lowest code of an integer, too."""
    by_name = {each.name: each for each in gfloat.formats.all_block_formats}
    theirs = by_name[{"MXFP4": "mxfp4_e2m1"}.get(name, name.lower())]
    rng = np.random.default_rng(7)
    blocks = (rng.standard_normal((150, 32)) * np.exp2(rng.integers(-140, 120, (150, 1)))).astype(np.float32)
    # Many halves; zeros.
    blocks[:50] = rng.integers(-512, 512, (50, 32)) / 16
    blocks[50] = 0
    found = quantize(blocks, FORMATS[name]).values()
    expected = np.array([gfloat.quantize_block(theirs, block.astype(np.float64), gfloat.compute_scale_amax)
                         for block in blocks])
    lowest = np.zeros(blocks.shape, dtype=bool)
    if name == "MXINT8":
        scales = np.exp2(quantize(blocks, FORMATS[name]).scales.astype(np.float64) - 127)
        lowest = expected == -2 * scales
        assert lowest.any() and (found == np.where(lowest, -127 / 64 * scales, expected)).all()
    assert np.array_equal(found[~lowest], expected[~lowest])


@pytest.mark.parametrize("name", microxcaling.NAMES)
def test_blocks_are_those_that_microxcaling_gave(name):
    """By `floor`, but for halves as it rounds them by default, for what float32's logarithm rounds, and infinities."""
    def differs(what, halves):
        ours = quantize(given[what], FORMATS[name], "floor").values()
        theirs = recorded[f"{what}, {name}, {halves}"]
        return ours, theirs, (ours != theirs) & ~(np.isnan(ours) & np.isnan(theirs))

    given, recorded = microxcaling.blocks(), np.load(microxcaling.PATH)
    for what, halves in itertools.product(set(given) - {"below a power of two", "an infinity"}, microxcaling.ROUNDS):
        ours, theirs, different = differs(what, halves)
        # Halves go away from zero; those of MXINT8 would need more bits than these numbers have.
        assert different.any() == (halves == "nearest" and what == "halves" and name != "MXINT8"), (what, halves)
        assert (np.abs(theirs) > np.abs(ours))[different].all() and np.isnan(ours).any() == (what == "NaN")
    for halves in microxcaling.ROUNDS:
        _, theirs, different = differs("below a power of two", halves)
        assert theirs[0, 0] == 8 and different[0, 0]
        ours, theirs, different = differs("an infinity", halves)
        assert np.isnan(theirs).all() and different.all() == (name == "MXFP8_E5M2") == (ours[0, 0] == np.inf)


@pytest.mark.parametrize("block_format", FORMATS.values(), ids=lambda each: each.name)
def test_nan_and_infinity(block_format):
    nan = quantize(np.concatenate([block(block_format, np.nan, 1.0), block(block_format, 1.0)]), block_format).values()
    size = block_format.size
    assert np.isnan(nan[:size]).all() and nan[size] == pytest.approx(1) and not nan[size + 1:].any()
    infinite = quantize(block(block_format, [np.inf, -np.inf, 3.0]), block_format).values()
    if block_format.element is E5M2:
        assert infinite.tolist() == [np.inf, -np.inf, 3.0, *[0.0] * 29]
    else:
        assert np.isnan(infinite).all()


def test_nvfp4_of_ones():
    ones = np.ones(16, np.float32)
    # torchao without a scale of the array: a sixth is 11 / 64.
    assert quantize(ones, FORMATS["NVFP4"], unit=1.0).values().tolist() == [1.03125] * 16
    blocks = quantize(ones, FORMATS["NVFP4"])
    assert set(blocks.scales) == {0x7e} and np.float32(blocks.values()).tolist() == [1] * 16
    assert not quantize(np.zeros(32, np.float32), FORMATS["NVFP4"]).values().any()
    # A block that is lost does not count for the scale of the array.
    lost = np.concatenate([ones, block(FORMATS["NVFP4"], [np.nan, 1e30])])
    assert quantize(lost, FORMATS["NVFP4"]).unit == blocks.unit
    # Of two blocks the small one has a scale of its own.
    values = np.concatenate([ones * 6, ones * 2.0 ** -10]).astype(np.float32)
    assert quantize(values, FORMATS["NVFP4"], unit=1.0).values()[16:].tolist() == [0.0] * 16
    assert quantize(values, FORMATS["NVFP4"]).values()[16:].tolist() == pytest.approx([2.0 ** -10] * 16, rel=0.5)


# Rationals of all codes as integers over one power of two, by the library alone.
COMMON = 40


def rationals(element):
    values = decoded(element, codes_of(element))
    return np.array([int(Fraction(float(value)) * 2 ** COMMON) if np.isfinite(value) else 0 for value in values],
                    dtype=object)


def finite_codes(element, rng, shape):
    codes = codes_of(element)
    return rng.choice(codes[np.isfinite(decoded(element, codes))], shape)


def compare_sums(a_element, b_element, size, count, seed):
    rng = np.random.default_rng(seed)
    for first in range(0, count, 50_000):
        shape = (min(50_000, count - first), size)
        a, b = finite_codes(a_element, rng, shape), finite_codes(b_element, rng, shape)
        if not first:
            # The greatest sums there are, and those that cancel.
            (a_least, a_most), (b_least, b_most) = ((each.integers.argmin(), each.integers.argmax())
                                                    for each in (a_element, b_element))
            a[:3] = [[a_most], [a_least], [a_most]]
            b[:3] = [[b_most] * size, [b_least] * size, [b_most, b_least] * (size // 2)]
        sums, special = block_sums((a, a_element), (b, b_element))
        expected = (rationals(a_element)[a] * rationals(b_element)[b]).sum(axis=-1)
        scale = 1 << 2 * COMMON - a_element.point - b_element.point
        assert np.array_equal(sums.astype(object) * scale, expected) and not special.any()


@pytest.mark.parametrize("block_format", FORMATS.values(), ids=lambda each: each.name)
def test_sums_of_blocks_are_exact_rationals(block_format):
    compare_sums(block_format.element, block_format.element, block_format.size, 5_000, 3)


@pytest.mark.slow
@pytest.mark.parametrize("block_format", FORMATS.values(), ids=lambda each: each.name)
def test_sums_of_a_million_blocks_are_exact_rationals(block_format):
    compare_sums(block_format.element, block_format.element, block_format.size, 1_000_000, 4)


@pytest.mark.parametrize("a, b", [("E4M3", "E2M1"), ("INT8", "E5M2"), ("E5M2", "E4M3"), ("E3M2", "E5M2")])
def test_sums_of_two_kinds_are_exact_rationals(a, b):
    compare_sums(ELEMENTS[a], ELEMENTS[b], 32, 2_000, 5)


def exact(blocks):
    """Numbers of blocks as rationals, by their decoded values, which are exact."""
    return [[Fraction(value) for value in row] for row in blocks.values().tolist()]


def is_nearest(value, number, kind):
    """Whether a float of a kind is the one nearest to a rational, the even one if two are."""
    dtype, integer = {"float32": (np.float32, np.uint32), "bfloat16": (ml_dtypes.bfloat16, np.uint16)}[kind]
    bits = int(np.array(abs(value), dtype).view(integer))
    assert float(np.array(value, dtype)) == value

    def at(place):
        found = float(np.array(place, integer).view(dtype))
        # The next power of two stands for infinity.
        return Fraction(2) ** 128 if np.isinf(found) else Fraction(found)

    here = abs(abs(number) - at(bits))
    for place in (bits - 1, bits + 1):
        there = abs(abs(number) - at(place)) if place >= 0 and not (np.isinf(value) and place > bits) else None
        if there is not None and (there < here or (there == here and bits & 1)):
            return False
    return value * number >= 0


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
@pytest.mark.parametrize("block_format", FORMATS.values(), ids=lambda each: each.name)
def test_products_are_exact_and_rounded_once(block_format, kind):
    rng = np.random.default_rng(6)
    count, blocks = 40, 3
    highest = 0x7f if block_format.scale else 255

    def drawn():
        scales = rng.integers(0, highest, (count, blocks), np.uint8)
        # Scales that are near, so that blocks add up; least and greatest; and of those all.
        scales[:10] = rng.integers(highest // 2 - 3, highest // 2 + 3, (10, blocks))
        scales[10], scales[11] = 0, highest - 1
        unit = float(np.float32(0.3)) if block_format.scale else 1.0
        codes = finite_codes(block_format.element, rng, (count, blocks, block_format.size))
        return Blocks(block_format, codes, scales, unit)

    a, b = drawn(), drawn()
    expected = [sum(x * y for x, y in zip(*pair)) for pair in zip(exact(a), exact(b))]
    for value, number in zip(dot(a, b).round_to(kind).tolist(), expected):
        assert is_nearest(value, number, kind), (value, float(number))


@pytest.mark.parametrize("integer, exponent, expected", [
    (1, -149, 2.0 ** -149), (1, -150, 0.0), (3, -150, 2.0 ** -148), (-3, -151, -2.0 ** -149), (1, 128, np.inf),
    ((1 << 24) + 1, 0, 2.0 ** 24), ((1 << 24) + 3, 0, 2.0 ** 24 + 4), ((1 << 25) - 1, 103, np.inf), (0, 500, 0.0),
    (-1, -400, -0.0), ((1 << 24) - 1, 104, float(np.finfo(np.float32).max)), (-(1 << 300), 0, -np.inf)])
def test_halves_subnormals_and_overflow_of_the_last_rounding(integer, exponent, expected):
    total = ExactSum(np.array(integer, dtype=object), exponent, np.zeros(()))
    found = total.round_to("float32")
    assert found == expected and np.signbit(found) == np.signbit(expected)


def test_sums_of_two_formats_are_added_exactly():
    def values(number, exponent, special=0.0):
        return ExactSum(np.array([number], object), exponent, np.array([special]))

    # What float64 would lose.
    total = values(1, 100) + values(1, -100) + values(-1, 100)
    assert total.round_to("float32").tolist() == [2.0 ** -100]
    assert np.isnan((values(1, 0, np.nan) + values(1, 0)).round_to("float32"))
    assert np.isnan((values(0, 0, np.inf) + values(0, 0, -np.inf)).round_to("float32"))
    nvfp4 = ExactSum(np.array([1], object), 0, np.zeros(1), (0.5,))
    with pytest.raises(ValueError, match=r"^sums must have no scales of whole arrays, not \(0.5,\)$"):
        _ = values(1, 0) + nvfp4


def test_corner_blocks():
    fp8, wide = FORMATS["MXFP8_E4M3"], FORMATS["MXFP8_E5M2"]

    def product(block_format, x, y):
        return float(dot(quantize(np.array(x, np.float32), block_format),
                         quantize(np.array(y, np.float32), block_format)).round_to("float32"))

    ones = [1.0] * 32
    assert np.isnan(product(fp8, [np.nan] * 32, ones)) and np.isnan(product(fp8, ones, [np.nan] * 32))
    assert np.isnan(product(fp8, [np.inf] * 32, ones))
    assert product(wide, [np.inf, *ones[1:]], ones) == np.inf
    assert product(wide, [np.inf, *ones[1:]], [-1.0, *ones[1:]]) == -np.inf
    assert np.isnan(product(wide, [np.inf, -np.inf, *ones[2:]], ones))
    assert np.isnan(product(wide, [np.inf, *ones[1:]], [0.0, *ones[1:]]))
    # One huge, whose product cancels, and 30 tiny ones, which a float32 sum in order would lose.
    tiny = 2.0 ** -14
    assert product(wide, [57344, 57344, *[tiny] * 30], [1, -1, *ones[2:]]) == 30 * tiny
    # Subnormal elements, and the least scale.
    assert product(fp8, [2.0 ** -149] * 32, ones) == 0.0
    least = Blocks(fp8, np.full((1, 32), 1, np.uint8), np.zeros(1, np.uint8))
    greatest = Blocks(fp8, np.full((1, 32), 1, np.uint8), np.full(1, 254, np.uint8))
    assert dot(least, greatest).round_to("float32") == 32 * 2.0 ** -18
    assert dot(least, least).round_to("float32") == 0.0
    assert dot(greatest, greatest).round_to("bfloat16") == np.inf
    # Between blocks: what cancels does so exactly, whatever the scales.
    zeros = [0.0] * 31
    assert product(fp8, [2.0 ** 100, *zeros, -2.0 ** 100, *zeros, 2.0 ** -100, *zeros], ones * 3) == 2.0 ** -100


@pytest.mark.parametrize("values, message", [
    (np.zeros(33, np.float32), r"^the last axis of MXFP4 must be a multiple of 32, not \(33,\)$"),
    (np.float32(1), r"^the last axis of MXFP4 must be a multiple of 32, not \(\)$"),
    (np.zeros(32), r"^values must be floats of at most 32 bits, not float64$"),
    (np.zeros(32, np.int32), r"^values must be floats of at most 32 bits, not int32$")])
def test_numbers_that_make_no_blocks_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        quantize(values, FORMATS["MXFP4"])


def test_blocks_that_are_none_are_refused():
    mxfp4, nvfp4, zeros = FORMATS["MXFP4"], FORMATS["NVFP4"], np.zeros((1, 32), np.uint8)
    scale = np.zeros(1, np.uint8)
    with pytest.raises(ValueError, match=r"^codes of MXFP4 must be \(..., blocks, 32\) with a scale a block, not"):
        Blocks(mxfp4, zeros[:, 1:], scale)
    with pytest.raises(ValueError, match=r"^codes of E2M1 must be below 16, not 16$"):
        Blocks(mxfp4, zeros + np.uint8(16), scale)
    with pytest.raises(ValueError, match=r"^scales of MXFP4 must be uint8, not int64$"):
        Blocks(mxfp4, zeros, scale.astype(np.int64))
    with pytest.raises(ValueError, match=r"^scales of NVFP4 must not be negative, and code 128 is$"):
        Blocks(nvfp4, zeros[:, :16], scale + np.uint8(128))
    with pytest.raises(ValueError, match=r"^the scale of an array must be a positive float32, not 0.1$"):
        Blocks(nvfp4, zeros[:, :16], scale, 0.1)
    with pytest.raises(ValueError, match=r"^MXFP4 has no scale of a whole array, which must be 1, not 2.0$"):
        Blocks(mxfp4, zeros, scale, 2.0)
    with pytest.raises(ValueError, match=r"^blocks must be of one size, and as many of them, not"):
        dot(Blocks(mxfp4, zeros, scale), Blocks(nvfp4, zeros[:, :16], scale))
    with pytest.raises(ValueError, match=r"^rule must be one of floor, even, up, ceil, not 'x'$"):
        quantize(np.zeros(32, np.float32), mxfp4, "x")
    with pytest.raises(ValueError, match=r"^kind must be one of float32, bfloat16, not 'x'$"):
        dot(Blocks(mxfp4, zeros, scale), Blocks(mxfp4, zeros, scale)).round_to("x")


def tables(heading):
    """Cells of the rows of the tables below a heading of the documents."""
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    part = text[text.index(f"# {heading}\n"):].split("\n## ")[0].split("\n### By")[0 if heading != "By hand" else -1]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines()
            if line.startswith("|") and not line.startswith("|---")]


def test_tables_of_the_documents_are_those_of_the_code():
    elements = {row[0]: row[1:] for row in tables("Elements")[1:]}
    assert elements == {name: [
        f"1, {each.exponent_bits}, {each.mantissa_bits}", str(each.bias) if each.exponent_bits else "-",
        str(each.point), str(each.integer_bits), f"{each.greatest:.10g}", {
            NUMBERS: "-", ONE_NAN: "NaN", IEEE: "infinities, NaN"}[each.specials]]
        for name, each in ELEMENTS.items()}
    for name, element, size, scale, unit, bits, total in tables("Blocks")[1:]:
        found = FORMATS[name]
        assert (element, size, float(bits)) == (found.element.name, str(found.size), found.bits_per_value)
        assert scale == (f"{found.scale.name}, not negative" if found.scale else "E8M0")
        assert unit == ("float32" if found.scale else "-")
        greatest = found.size * int(np.abs(found.element.integers).max()) ** 2
        assert int(total) == greatest.bit_length() + 1
    head, *rows = tables("From numbers to blocks")
    for name, *scales, _ in rows:
        found = scale_exponents(np.array(head[1:-1], dtype=np.float64), E2M1, name.strip("`"))
        assert [2.0 ** exponent for exponent in found] == [float(scale) for scale in scales]


def test_example_of_the_documents():
    rows = {row[0]: row[1:5] for row in tables("By hand")}
    x, y = (quantize(block(FORMATS["MXFP4"], [float(cell) for cell in rows[name]]), FORMATS["MXFP4"]) for name in "xy")
    assert [x.scales[0] - 127.0, y.scales[0] - 127.0] == [1, -2]
    assert E2M1.values(x.codes[0, :4]).tolist() == [float(cell) for cell in rows["element"]]
    assert E2M1.integers[x.codes[0, :4]].tolist() == [3, -2, 1, 8]
    assert E2M1.integers[y.codes[0, :4]].tolist() == [int(cell) for cell in rows["integer"]]
    sums, _ = block_sums((x.codes, E2M1), (y.codes, E2M1))
    assert sums.tolist() == [48] and dot(x, y).round_to("float32") == 6
