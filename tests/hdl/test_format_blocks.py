# amaranth: UnusedElaboratable=no
"""Blocks of a block macro by themselves: decoders, rounding, and the configuration."""

import itertools
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from bitline.golden.formats.blocks import FORMATS, NUMBER_OF
from bitline.golden.formats.products import ROUNDED, ExactSum
from bitline.hdl.config.format_choice import FORMAT_NAMES, FormatChoice
from bitline.hdl.config.formats import FormatConfig, block_macro
from bitline.hdl.config.macro import MacroConfig
from bitline.hdl.formats.element_decoder import ElementDecoder
from bitline.hdl.formats.rounding import Rounding
from bitline.hdl.formats.scales import decoded
from block_rules import element, scale
from gateware import simulate


@pytest.mark.parametrize("names", [*FORMAT_NAMES, "MXFP4+MXINT8", "MXFP6_E2M3+MXFP6_E3M2+MXFP8_E4M3"])
def test_every_code_is_decoded(names):
    choice = FormatChoice.read("inputs", names)
    decoder = ElementDecoder(choice=choice)

    async def testbench(ctx):
        # Bits that the chosen format has not may be any.
        for each, code in itertools.product(choice.formats, range(1 << choice.bits)):
            if choice.is_several:
                ctx.set(decoder.number, NUMBER_OF[each.name])
            ctx.set(decoder.code, code)
            own = code % (1 << each.element.bits)
            is_nan = bool(np.isnan(each.element.special[own]))
            assert ctx.get(decoder.is_nan) == is_nan
            assert is_nan or ctx.get(decoder.integer) == each.element.integers[own]

    simulate(decoder, testbench, clocked=False)


class ScaleDecoder(wiring.Component):
    """`decoded` of a code."""

    def __init__(self, config):
        self.config = config
        super().__init__({"code": In(8), "exponent": Out(8), "mantissa": Out(4), "is_nan": Out(1)})

    def elaborate(self, platform):
        m = Module()
        exponent, mantissa, is_nan = decoded(self.config, self.code)
        m.d.comb += [self.exponent.eq(exponent), self.mantissa.eq(mantissa), self.is_nan.eq(is_nan)]
        return m


@pytest.mark.parametrize("name, least", [("MXFP4", -127), ("NVFP4", -9)])
def test_every_scale_is_decoded(name, least):
    decoder = ScaleDecoder(block_macro(name, columns=1))

    async def testbench(ctx):
        for code in range(256):
            ctx.set(decoder.code, code)
            number, exponent = scale(name, code)
            assert ctx.get(decoder.is_nan) == (number is None), code
            if number is not None:
                assert ctx.get(decoder.exponent) == exponent
                assert ctx.get(decoder.mantissa) * Fraction(2) ** (exponent + least) == number, code

    simulate(decoder, testbench, clocked=False)


def rounded(rounding, numbers, pauses=False):
    """Floats, as integers, of pairs of integer and exponent, None for NaN."""
    latency, found = rounding.cycles(rounding.width, rounding.mantissa_bits), []

    async def testbench(ctx):
        for index, number in enumerate([*numbers, *[(0, 0)] * latency]):
            integer, exponent = number or (0, 0)
            ctx.set(rounding.is_nan, number is None)
            ctx.set(rounding.integer, integer)
            ctx.set(rounding.exponent, exponent)
            ctx.set(rounding.enable, 1)
            if index >= latency:
                found.append(ctx.get(rounding.value))
            await ctx.tick()
            if pauses and index % 3 == 0:
                ctx.set(rounding.enable, 0)
                ctx.set(rounding.integer, -1)
                await ctx.tick()

    simulate(rounding, testbench)
    return found


@pytest.mark.parametrize("kind, width, bias", [("float32", 55, 256), ("float32", 8, 200), ("bfloat16", 62, 266),
                                               ("bfloat16", 30, 150)])
def test_rounding_is_that_of_the_golden_model(kind, width, bias):
    mantissa_bits = ROUNDED[kind][0]
    rounding = Rounding(width=width, exponent_bits=9, bias=bias, mantissa_bits=mantissa_bits)
    rng = np.random.default_rng(1)
    least, most = -1 << width - 1, (1 << width - 1) - 1
    # Few bits, halves, and those one beside a half, at all exponents of interest.
    integers = [0, 1, -1, least, most, least + 1, *(3 << shift for shift in range(width - 3))]
    for _ in range(150):
        bits = int(rng.integers(2, width))
        top = int(rng.integers(1, min(1 << mantissa_bits + 3, 1 << bits - 1))) << max(0, bits - mantissa_bits - 5)
        integers += [sign * (top + nearby) for sign in (1, -1) for nearby in (-1, 0, 1)]
    numbers = [(integer, int(rng.choice([0, 511, rng.integers(512), rng.integers(max(0, bias - 190), bias - 100)])))
               for integer in integers if least <= integer <= most]
    expected = [float(ExactSum(np.array(integer, object), exponent - bias, np.zeros(())).round_to(kind))
                for integer, exponent in numbers]
    bits = np.array(expected, np.float32).view(np.uint32) >> 23 - mantissa_bits
    found = rounded(rounding, [None, *numbers], pauses=True)
    assert found == [(0xff << mantissa_bits) | 1 << mantissa_bits - 1, *bits.tolist()]


def test_rounding_of_every_integer_to_a_small_float():
    """Six bits with any exponent, to floats of three bits of exponent and two of mantissa: the nearest, by search."""
    rounding = Rounding(width=6, exponent_bits=4, bias=8, mantissa_bits=2, float_exponent_bits=3)
    floats = [Fraction(1 << 4 if code >> 2 == 7 else (code & 3) + (4 if code >> 2 else 0)) * (
        1 if code == 7 << 2 else Fraction(2) ** (max(code >> 2, 1) - 3 - 2)) for code in range((7 << 2) + 1)]
    assert floats == sorted(floats) and floats[-1] == 16
    numbers = list(itertools.product(range(-32, 32), range(16)))
    expected = []
    for integer, exponent in numbers:
        number = abs(Fraction(integer) * Fraction(2) ** (exponent - 8))
        # Of two that are as near the even code; infinity stands where the next power of two would.
        code = min(range(len(floats)), key=lambda code: (abs(floats[code] - number), code & 1))
        expected.append(code | (integer < 0) << 5)
    assert rounded(rounding, numbers) == expected


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_configuration(name):
    config = block_macro(name, columns=6, macro={"banks": 2})
    assert FormatConfig.from_json(config.to_json()) == config
    assert config.name.startswith(f"bitline_{name.lower()}_{FORMATS[name].size}x6_")
    assert config.beats * config.input_lanes == config.macro.rows and config.row_beats * config.weight_lanes == 6
    # A vector has no more beats, and its columns no more groups, than it has planes.
    planes = config.parts * config.macro.input_bits
    assert max(config.beats, config.parts * config.groups) <= planes and config.groups * config.lanes >= 6
    assert config.macro.total_width * config.macro.fuse >= config.sum_bits


@pytest.mark.parametrize("max_blocks", [1, 5, 256])
@pytest.mark.parametrize("inputs, weights", [*((name, name) for name in FORMAT_NAMES), ("MXINT8", "MXFP4"),
                                             ("MXFP4", "MXFP8_E4M3"), ("MXFP8_E4M3", "MXFP4")])
def test_widths_hold_the_greatest_sums_of_both_signs(inputs, weights, max_blocks):
    config = block_macro(inputs, weights, columns=1, max_blocks=max_blocks)
    x, w = ({int(number * 2 ** each.point) for number in map(partial(element, name), range(1 << each.bits))
             if number is not None} for name in (inputs, weights) for each in [FORMATS[name].element])
    # Of each part of a vector's integers, by itself and both at once in the highest place.
    pieces = [{each % 1024 for each in x}, {each >> 10 for each in x}] if inputs == "MXFP8_E4M3" else [x]
    mantissas = 15 * 15 if inputs == "NVFP4" else 1
    rows = FORMATS[inputs].size
    extremes = [[rows * choose(a * b for a in (min(piece), max(piece)) for b in (min(w), max(w)))
                 for piece in pieces] for choose in (min, max)]
    for sums in extremes:
        for factor, count, bits in ((1, 1, config.sum_bits), (mantissas, 1, config.term_bits),
                                    (mantissas << config.max_shift, max_blocks, config.window_bits)):
            totals = [factor * count * each for each in (*sums, *([sum(sums)] if bits == config.window_bits else []))]
            assert -1 << bits - 1 <= min(totals) and max(totals) < 1 << bits - 1


def test_widths_of_mxfp4():
    config = block_macro("MXFP4", columns=64)
    assert (config.macro.weight_bits, config.macro.input_bits, config.sum_bits) == (5, 5, 14)
    assert (config.lanes, config.groups, config.beats, config.weight_lanes) == (13, 5, 4, 16)
    # 33 binades, 256 blocks.
    assert config.window_bits == 14 + 33 + 8


@pytest.mark.parametrize("formats, fields, match", [
    (["MXFP8_E5M2"], {}, "inputs must not be MXFP8_E5M2, whose infinities no sum of integers holds"),
    (["MXFP4", "MXFP8_E5M2"], {}, "weights must not be MXFP8_E5M2, whose infinities no sum of integers holds"),
    (["MXFP5"], {}, "inputs must be one of MXINT8, .*, NVFP4, not 'MXFP5'"),
    (["MXFP4", "NVFP4"], {}, "weights must have blocks and scales like MXFP4, not be NVFP4"),
    (["MXFP8_E4M3"], {"columns": 600}, "columns must be an integer from 1 to 512, not 600"),
    (["MXFP4"], {"columns": 1025}, "columns must be an integer from 1 to 1024, not 1025"),
    (["MXFP4"], {"macro": {"rows": 64}}, "rows must be 32 for MXFP4, not 64"),
    (["MXINT8", "MXFP4"], {"macro": {"weight_bits": 8}}, "weight_bits must be 5 for MXINT8 and MXFP4, not 8"),
    (["MXFP4"], {"macro": {"max_accumulations": 2}}, "max_accumulations must be 1 for MXFP4, not 2"),
    (["MXFP4"], {"max_blocks": 0}, "max_blocks must be an integer from 1 to 65536, not 0"),
    (["MXFP4"], {"exponent_range": 256}, "exponent_range must be an integer from 0 to 255, not 256"),
    (["MXFP4"], {"result": "float16"}, "result must be one of float32, bfloat16, not 'float16'")])
def test_parameters_that_break_a_rule(formats, fields, match):
    with pytest.raises(ValueError, match=f"^{match}$"):
        block_macro(*formats, **{"columns": 4, **fields})


def test_a_macro_is_needed():
    with pytest.raises(TypeError, match=r"^macro must be of type MacroConfig, not None$"):
        FormatConfig(macro=None, inputs="MXFP4", weights="MXFP4")
    assert isinstance(block_macro("MXFP4", columns=4).macro, MacroConfig)
