# amaranth: UnusedElaboratable=no
"""A block macro of several formats, of which each vector, and each bank, has one at run time."""

import itertools

import numpy as np
import pytest
from bitline.golden.formats.blocks import FORMATS, NUMBER_OF
from bitline.hdl.config.format_choice import NUMBER_BITS
from bitline.hdl.config.formats import block_macro
from bitline.verif.formats.beats import vector_beats, weight_beats
from bitline.verif.formats.program import Program, drawn_program
from block_player import block, play
from block_rules import agrees, joined
from some import some

RANGE = 6
CHOICE, WIDE = "MXINT8+MXFP4+MXFP6_E2M3", "MXFP8_E4M3+MXFP6_E3M2+MXFP4"
# Behind the point of integers.
POINTS = {"MXINT8": 6, "MXFP8_E4M3": 9, "MXFP6_E2M3": 3, "MXFP6_E3M2": 4, "MXFP4": 1}
ONE = np.array([127], np.uint8)


def raised(config):
    """By how much the exponent of a block of two formats is raised in a macro."""
    x, w = (max(POINTS[name] for name in choice.names) for choice in config.choices.values())
    return lambda x_name, w_name: x + w - POINTS[x_name] - POINTS[w_name]


def as_number(beat):
    return np.uint32(beat["value"]).view(np.float32)


@pytest.mark.parametrize("inputs, weights, pauses", some([
    (CHOICE, None, {"w": 0.3, "i": 0.3, "o": 0.6}), (WIDE, None, {"i": 0.3}), (CHOICE, None, {"o": 0.95}),
    ("MXFP4+MXINT8", "MXFP4", {}), ("MXINT8", "MXFP8_E4M3+MXFP4", {})], 0))
def test_formats_tile_by_tile(inputs, weights, pauses):
    """Blocks of all formats in one accumulation, with weights of all formats that are written again."""
    config = block_macro(inputs, weights, columns=3, macro={"banks": 3})
    program = drawn_program(config, 16, seed=3, blocks=4)
    found, _ = play(program, pauses)
    assert found == program.beats["o"] and len({beat["value"] for beat in found}) > 20
    # Vectors of all formats; weights of each are written again.
    numbers = {beat["number"] for beat in program.beats["i"][::config.beats]}
    assert numbers == {NUMBER_OF[name] for name in config.x.names}


def corner_blocks(name, max_shift):
    """Accumulations of a format, by what they are: blocks, and the exponents of their scales above the base."""
    element = FORMATS[name].element
    greatest, least = element.greatest, 2.0 ** -element.point
    top, bottom = block(name, *[greatest] * 32), block(name, *[least] * 32)
    corners = {
        "greatest": ([top], [0]), "greatest in the highest place": ([top], [max_shift]),
        "most negative": ([block(name, *[-greatest] * 32)], [0]), "least": ([bottom], [0]),
        "one huge and 31 tiny": ([block(name, greatest, *[least] * 31)], [0]),
        "largest cancellation": ([top, block(name, *[-greatest] * 32), bottom], [max_shift - 10, max_shift - 10, 0]),
        "highest place": ([bottom], [max_shift]), "above": ([bottom], [max_shift + 1]), "below": ([bottom], [-1]),
        "zeros above": ([block(name, 0), bottom], [max_shift + 50, 1]), "nan": ([bottom, bottom], [0, None])}
    if np.isnan(element.special).any():
        corners["all nan"] = ([np.full((1, 32), np.flatnonzero(np.isnan(element.special))[0], np.uint8)], [0])
    return corners


@pytest.mark.parametrize("names", some([CHOICE, WIDE], 0))
def test_corner_blocks_of_each_pair_of_formats(names):
    """By the rules, in fractions; of the lowest column, whose weights are ones, the next one's are NaN."""
    config = block_macro(names, columns=2, exponent_range=12, macro={"banks": 2})
    program, must, kinds = Program(config), [], set()
    for w_name, x_name in itertools.product(config.w.names, config.x.names):
        w = block(w_name, *[1] * 32)
        program.load(0, np.repeat(w, 2, 0), np.array([127, 255], np.uint8), w_name)
        base = 300
        above = base - 127 - raised(config)(x_name, w_name)
        for what, (blocks, exponents) in corner_blocks(x_name, config.max_shift).items():
            codes = np.concatenate(blocks)
            scales = [255 if each is None else above + each for each in exponents]
            x = [(x_name, each.tolist(), each_scale) for each, each_scale in zip(codes, scales)]
            must.append((x_name, what, joined(x, [(w_name, w[0].tolist(), 127)] * len(x), base, config.max_shift,
                                              raised(config))))
            kinds.add((what, must[-1][-1][1]))
            program.multiply(codes, np.array(scales, np.uint8), [0] * len(x), base, [x_name] * len(x))
    found, _ = play(program)
    assert found == program.beats["o"]
    for (name, what, (number, is_lost)), beat in zip(must, found[::2], strict=True):
        assert beat["is_lost"] == is_lost and agrees(number, as_number(beat)), (name, what)
    assert all(np.isnan(as_number(beat)) for beat in found[1::2])
    assert {("above", True), ("below", True), ("highest place", False), ("nan", False)} <= kinds


@pytest.mark.parametrize("names", [CHOICE, WIDE])
def test_golden_model_of_drawn_blocks_of_several_formats(names):
    """Values and losses, and the best base, by the rules."""
    config, rng, lost = block_macro(names, columns=1, exponent_range=RANGE), np.random.default_rng(5), 0
    program = Program(config)
    for _ in range(60):
        x_names, w_names = (rng.choice(config.x.names, 3).tolist() for _ in range(2))
        x, w = ([(name, *(each[0] for each in program.drawn(name, 1, spread=4, nan_share=0.03))) for name in some_names]
                for some_names in (x_names, w_names))
        for index, (name, codes, scale) in enumerate(w):
            program.load(index, codes[None], scale[None], name)
        base = 254 + int(rng.integers(-4, 16))
        codes, scales = (np.stack([each[place] for each in x]) for place in (1, 2))
        (value,), (is_lost,) = program.multiply(codes, scales, range(3), base, x_names)
        number, must = joined(*([(name, codes.tolist(), int(scale)) for name, codes, scale in side] for side in (x, w)),
                              base, config.max_shift, raised(config))
        assert is_lost == must and agrees(number, float(value)), (x, w, base)
        lost += must
    assert 5 < lost < 55


def test_formats_that_the_macro_has_not_are_lost():
    """By every number, of vectors and of weights; what comes next is right."""
    config = block_macro(CHOICE, columns=2)
    program = Program(config)
    codes, scales = program.drawn("MXFP4", 2, nan_share=0)
    known = {NUMBER_OF[name]: name for name in config.x.names}
    for number in range(1 << NUMBER_BITS):
        packet = weight_beats(config, codes, scales)
        packet[0]["number"] = number
        if number in known:
            program.load(0, codes, scales, known[number])
        else:
            program.add("w", packet)
        for other in range(1 << NUMBER_BITS):
            if number in known and other in known:
                program.multiply(codes[:1], scales[:1], [0], names=[known[other]])
                continue
            vector = vector_beats(config, codes[0], scales[0], 246, is_last=True)
            vector[0]["number"] = other
            program.add("i", vector)
            program.expect_lost()
    found, _ = play(program)
    assert found == program.beats["o"]
    assert sum(not beat["is_lost"] for beat in found) == 2 * len(known) ** 2


@pytest.mark.parametrize("names, columns, planes", [
    (CHOICE, 5, {"MXINT8": 8, "MXFP4": 5, "MXFP6_E2M3": 7}),
    *some([(WIDE, 4, {"MXFP8_E4M3": 20, "MXFP6_E3M2": 10, "MXFP4": 5})])])
def test_vectors_take_the_planes_of_their_own_format(names, columns, planes):
    """Vectors that need all planes follow each other without a gap, of one format or of all in turn."""
    config, blocks = block_macro(names, columns=columns, macro={"result_interval": 4}), 24
    for order in (*([name] for name in planes), [*planes]):
        program = Program(config)
        program.load(0, *program.drawn(order[0], columns, nan_share=0), order[0])
        used = [order[index % len(order)] for index in range(blocks)]
        # The greatest magnitude and minus one, which has all bits of a lower part.
        codes = np.stack([block(name, -each.greatest, -2.0 ** -each.point)[0] for name in used
                          for each in [FORMATS[name].element]])
        program.multiply(codes, np.repeat(ONE, blocks), [0] * blocks, names=used)
        program.needs["i"] = [len(program.beats["w"])] * len(program.beats["i"])
        found, cycles = play(program)
        least = sum(planes[name] for name in used)
        assert found == program.beats["o"] and least <= cycles <= least + columns + 60, order


def test_a_macro_of_several_formats_is_wide_enough_for_each():
    for names in (CHOICE, WIDE):
        config = block_macro(names, columns=64)
        fixed = [block_macro(*pair, columns=64) for pair in itertools.product(config.x.names, config.w.names)]
        for name in ("window_bits", "sum_bits", "lanes", "input_lanes", "parts", "max_shift"):
            assert getattr(config, name) == max(getattr(each, name) for each in fixed), name
    config = block_macro(CHOICE, columns=64)
    assert (config.macro.input_bits, config.macro.weight_bits, config.groups) == (8, 8, 5)
    # Both points: 6 of MXINT8 less 1 of MXFP4.
    assert config.max_raised == 2 * (6 - 1) and config.max_exponent == 2 * 254 + 10


def test_the_order_of_formats_is_no_matter_of_what_a_macro_has():
    one, other = (block_macro(names, columns=2) for names in ("MXFP4+MXINT8", "MXINT8+MXFP4"))
    assert one.macro == other.macro and one.window_bits == other.window_bits and one.name != other.name


@pytest.mark.parametrize("formats, match", [
    (["MXFP4+NVFP4"], "inputs must have blocks and scales like MXFP4, not be NVFP4"),
    (["MXFP4", "MXINT8+NVFP4"], "weights must have blocks and scales like MXINT8, not be NVFP4"),
    (["NVFP4", "MXINT8+MXFP4"], "weights must have blocks and scales like NVFP4, not be MXINT8"),
    (["MXFP4+MXINT8+MXFP4"], r"inputs must have each format once, not MXFP4\+MXINT8\+MXFP4"),
    (["MXFP4+MXFP8_E5M2"], "inputs must not be MXFP8_E5M2, whose infinities no sum of integers holds"),
    (["MXFP4+"], "inputs must be one of MXINT8, .*, NVFP4, not ''"),
    ([4], "inputs must be one of MXINT8, .*, NVFP4, not 4"),
    ([["MXFP4"]], r"inputs must be one of MXINT8, .*, NVFP4, not \['MXFP4'\]")])
def test_choices_that_break_a_rule(formats, match):
    with pytest.raises(ValueError, match=f"^{match}$"):
        block_macro(*formats, columns=4)
