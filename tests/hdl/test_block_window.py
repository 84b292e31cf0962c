"""What fits the window of a block macro, against the rules in fractions: golden model and gateware."""

import numpy as np
import pytest
from bitline.golden.formats.blocks import FORMATS, Blocks
from bitline.hdl.config.formats import block_macro
from bitline.verif.formats.beats import weight_beats
from bitline.verif.formats.program import Program
from block_player import block, play
from block_rules import agrees, result

RANGE = 6


def expected(config, x, w, base):
    """Value and mark of one column, of pairs (codes, scales) of arrays."""
    pairs = [[(codes.tolist(), int(scale)) for codes, scale in zip(*each)] for each in (x, w)]
    return result(config.inputs, config.weights, *pairs, base, config.max_shift)


# Blocks of E4M3 whose lower and upper sums are both not zero, of which one alone is not, and of which both are but
# cancel each other: 2 * 1 - 1 * 2.
PARTS = {"lower": (2 ** -9, 1.), "upper": (2., 0.), "both": (3., 0.25), "both, negative": (-2 ** -9, 0.),
         "both, cancel": (2., 1.)}


def parts_program(config):
    """Each of `PARTS` beside both ends of the window, in one column; what must come out, by the rules."""
    program, must = Program(config), []
    w = block("MXFP8_E4M3", 1, -2)
    program.load(0, w, np.array([127], np.uint8))
    ends = [edge + part + near for part in (0, -10) for edge in (0, config.max_shift) for near in (-1, 0, 1)]
    for values in PARTS.values():
        x = block("MXFP8_E4M3", *values)
        for distance in ends:
            scales, base = np.array([127], np.uint8), 254 - distance
            must.append((values, expected(config, (x, scales), (w, scales), base)))
            program.multiply(x, scales, [0], base)
    return program, must


@pytest.fixture(scope="module")
def e4m3():
    return parts_program(block_macro("MXFP8_E4M3", columns=1, exponent_range=RANGE))


def test_parts_at_the_ends_of_the_window(e4m3):
    program, must = e4m3
    for (values, (number, is_lost)), beat in zip(must, program.beats["o"], strict=True):
        assert beat["is_lost"] == is_lost, values
        assert agrees(number, np.uint32(beat["value"]).view(np.float32)), values
    # A block fits only where both parts do, even where they cancel each other.
    lost = {name: sum(is_lost for values, (_, is_lost) in must if values == PARTS[name]) for name in PARTS}
    assert lost["both"] == lost["both, negative"] == lost["both, cancel"] > max(lost["lower"], lost["upper"]) > 0


def test_gateware_at_the_ends_of_the_window(e4m3):
    program, _ = e4m3
    assert play(program)[0] == program.beats["o"]


# Subnormal scales, the least normal ones, the greatest, NaN, and negative ones, which count as NaN.
SCALES = (*range(10), 0x38, 0x77, 0x7e, 0x7f, 0x80, 0xb8)


def test_scales_of_nvfp4_on_both_ports():
    config, one = block_macro("NVFP4", columns=len(SCALES), exponent_range=RANGE), np.array([0x38], np.uint8)
    program = Program(config)
    codes, scales = np.repeat(block("NVFP4", 3), len(SCALES), 0), np.array(SCALES, np.uint8)
    must = []

    def multiply(x_scale, w_scales, base):
        program.add_accumulation(codes[:1], np.array([x_scale]), [0], base)
        must.extend(expected(config, (codes[:1], [x_scale]), (codes[:1], [each]), base) for each in w_scales)

    program.add("w", weight_beats(config, codes, scales))
    for base in (0, 6, 7, 8, 13, 14):
        multiply(0x38, scales, base)
    program.add("w", weight_beats(config, codes, np.repeat(one, len(SCALES))))
    for scale in SCALES:
        multiply(scale, [0x38] * len(SCALES), 6)
    program.beats["o"] = [{"value": None}] * len(must)
    found, _ = play(program)
    for (number, is_lost), beat in zip(must, found, strict=True):
        assert beat["is_lost"] == is_lost and agrees(number, np.uint32(beat["value"]).view(np.float32))
    assert {number is None for number, is_lost in must if not is_lost} == {True, False}


def drawn(rng, name, blocks):
    """Blocks with few elements, none NaN, and scales that differ by some binades."""
    found = FORMATS[name]
    codes = rng.integers(0, 1 << found.element.bits, (blocks, found.size)).astype(np.uint8)
    codes[found.element.special[codes] != 0] = 0
    codes[:, int(rng.integers(1, 4)):] = 0
    low, high = (0, 0x7f) if found.scale else (120, 134)
    return codes, rng.integers(low, high, blocks).astype(np.uint8)


@pytest.mark.parametrize("inputs, weights", [("MXFP8_E4M3", "MXFP8_E4M3"), ("MXFP8_E4M3", "MXFP4"),
                                             ("MXFP4", "MXFP8_E4M3"), ("NVFP4", "NVFP4")])
def test_results_and_the_best_base_of_drawn_blocks(inputs, weights):
    narrow, wide = (block_macro(inputs, weights, columns=1, exponent_range=each) for each in (RANGE, 255))
    rng, lost = np.random.default_rng(5), 0
    for _ in range(30):
        count = int(rng.integers(1, 4))
        x, w = drawn(rng, inputs, count), drawn(rng, weights, count)
        pair = Blocks(FORMATS[inputs], *x), Blocks(FORMATS[weights], *w)
        best = int(narrow.window.base_of([pair]))
        for base in {max(0, best + near) for near in (-12, -8, -1, 0, 1, 6)}:
            value, is_lost = narrow.window.results([pair], base)
            number, must = expected(narrow, x, w, base)
            assert is_lost == must and agrees(number, float(value)), (x, w, base)
            lost += must
        # With all binades above the base nothing is lost; one binade more, and the lowest sum is.
        if best:
            assert [bool(wide.window.results([pair], base)[1]) for base in (best, best + 1)] == [False, True], (x, w)
    assert 30 < lost < 150


def test_the_best_base_of_parts_that_cancel_and_of_an_upper_part():
    config = block_macro("MXFP8_E4M3", columns=1)

    def base_of(*values):
        scales = np.array([127], np.uint8)
        x, w = (Blocks(FORMATS["MXFP8_E4M3"], block("MXFP8_E4M3", *each), scales) for each in (values, (1, -2)))
        return config.window.base_of([(x, w)])

    assert [int(base_of(*PARTS[name])) for name in ("both, cancel", "lower", "upper")] == [254, 254, 264]
    assert base_of(0.) == 0
