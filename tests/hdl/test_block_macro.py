# amaranth: UnusedElaboratable=no
"""The block macro against the golden model of its formats, every bit of every result."""

import numpy as np
import pytest
from amaranth.hdl import ResetInserter, Signal
from bitline.golden.formats.blocks import FORMATS
from bitline.hdl.config.format_choice import FORMAT_NAMES
from bitline.hdl.config.formats import block_macro
from bitline.hdl.formats.block_macro import BlockMacro, latency, pair_cycles
from bitline.verif.formats.beats import weight_beats
from bitline.verif.formats.program import Program, drawn_program
from block_player import play, run
from gateware import simulate
from some import some

MXFP4 = FORMATS["MXFP4"]
BANKS = {"banks": 2}
TABLES = {"banks": 2, "column": "table", "result_interval": 4}
PAUSES = {"w": 0.3, "i": 0.3, "o": 0.6}
NAN = 0x7fc00000


def macro_of(name="MXFP4", columns=3, **more):
    return block_macro(name, columns=columns, macro=BANKS, **more)


def codes_of(block_format, columns, value):
    """Codes (columns, size) of one value."""
    return np.full((columns, block_format.size), block_format.element.encode(np.float64(value)), np.uint8)


def scales_of(*codes):
    return np.array(codes, np.uint8)


def as_float(beat):
    return float(np.uint32(beat["value"]).view(np.float32))


@pytest.mark.parametrize("name", ["MXINT8", "MXFP4"])
def test_drawn_blocks(name):
    program = drawn_program(block_macro(name, columns=4, macro=BANKS), 8)
    found, _ = play(program)
    assert found == program.beats["o"] and len({beat["value"] for beat in found}) > 20


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["w", "i", "o"])
def test_drawn_blocks_with_pauses(stream):
    # More columns than a lane takes in the cycles of a vector, the last group not full.
    program = drawn_program(macro_of(columns=6), 8, seed=2)
    found, _ = play(program, {stream: 0.8})
    assert found == program.beats["o"]


@pytest.mark.slow
@pytest.mark.parametrize("inputs, weights", [
    *((name, name) for name in FORMAT_NAMES[1:] if name != "MXFP4"), ("MXINT8", "MXFP4"), ("MXFP4", "MXFP8_E4M3")])
def test_drawn_blocks_of_all_formats(inputs, weights):
    config = block_macro(inputs, weights, columns=2, macro=BANKS, result="bfloat16" if inputs != weights else "float32")
    program = drawn_program(config, 6, seed=3)
    found, _ = play(program, PAUSES)
    assert found == program.beats["o"] and len({beat["value"] for beat in found}) > 6


@pytest.mark.slow
@pytest.mark.parametrize("columns, macro", [(1, {}), (5, TABLES), (7, {"banks": 3, "result_interval": 2})])
def test_drawn_blocks_in_other_macros(columns, macro):
    program = drawn_program(block_macro("MXFP4", columns=columns, macro=macro), 6, seed=4)
    found, _ = play(program, PAUSES)
    assert found == program.beats["o"]


@pytest.fixture(scope="module")
def corners():
    """Results of corner blocks of MXFP4, three columns, by name."""
    program, names = Program(macro_of(max_blocks=8)), []
    greatest, least = codes_of(MXFP4, 3, 6), codes_of(MXFP4, 3, 0.5)
    one, nan = scales_of(127, 127, 127), scales_of(255, 127, 127)

    def add(name, codes, scales, banks, **more):
        names.append(name)
        program.multiply(codes, scales, banks, **more)

    program.load(0, greatest, one)
    program.load(1, least, nan)
    add("greatest", greatest[:1], one[:1], [0])
    add("nan of a vector", greatest[:1], nan[:1], [0])
    add("nan of weights", greatest[:1], one[:1], [1])
    add("nan of one block", greatest[:2], scales_of(127, 255), [0, 0])
    # Blocks that cancel, and one that does not.
    add("canceled", np.stack([greatest[0], greatest[0] | 8, least[0]]), scales_of(150, 150, 120), [0] * 3)
    # One huge element and 31 tiny ones.
    huge = np.concatenate([greatest[:1, :1], least[:1, 1:]], axis=1)
    add("huge and tiny", huge, one[:1], [0])
    program.load(1, least, scales_of(0, 127, 254))
    add("least", least[:1], scales_of(0), [1], base=0)
    add("greatest scale", greatest[:1], scales_of(254), [1], base=254 + 254)
    add("zeros", codes_of(MXFP4, 1, 0), scales_of(0), [0], base=508)
    add("zeros and ones", np.stack([codes_of(MXFP4, 1, 0)[0], greatest[0]]), scales_of(0, 127), [0, 0], base=254)
    add("below the window", least[:1], scales_of(126), [0], base=254)
    add("lowest place", least[:1], scales_of(127), [0], base=254)
    add("highest place", greatest[:1], scales_of(127 + 33), [0], base=254)
    add("above the window", greatest[:1], scales_of(127 + 34), [0], base=254)
    add("most blocks", np.repeat(greatest[:1], 8, 0), np.repeat(one[:1], 8), [0] * 8)
    add("too many blocks", np.repeat(greatest[:1], 9, 0), np.repeat(one[:1], 9), [0] * 9)
    add("after too many", greatest[:1], one[:1], [0])
    found, _ = play(program)
    assert found == program.beats["o"]
    return {name: found[3 * index:3 * index + 3] for index, name in enumerate(names)}


def test_the_greatest_sums_in_the_highest_place():
    config = block_macro("MXFP4", columns=1, max_blocks=8)
    program, greatest, highest = Program(config), codes_of(MXFP4, 8, 6), np.full(8, 127 + 33, np.uint8)
    program.load(0, greatest[:1], scales_of(127))
    for codes in (greatest, greatest | 8):
        program.multiply(codes, highest, [0] * 8, base=254)
    found, _ = play(program)
    assert [as_float(beat) for beat in found] == [sign * 8 * 32 * 36 * 2.0 ** 33 for sign in (1, -1)]


@pytest.mark.parametrize("name, value", [
    ("greatest", 32 * 36.0), ("canceled", 32 * 3 * 2.0 ** -7), ("huge and tiny", 36 + 31 * 3.0), ("zeros", 0.0),
    ("zeros and ones", 32 * 36.0), ("lowest place", 32 * 3.0), ("highest place", 32 * 36 * 2.0 ** 33),
    ("most blocks", 8 * 32 * 36.0), ("after too many", 32 * 36.0)])
def test_corner_blocks(corners, name, value):
    assert [(as_float(beat), beat["is_lost"]) for beat in corners[name]] == [(value, 0)] * 3


@pytest.mark.parametrize("name, is_nan", [("nan of a vector", (1, 1, 1)), ("nan of weights", (1, 0, 0)),
                                          ("nan of one block", (1, 1, 1))])
def test_nan_in_gives_nan_out(corners, name, is_nan):
    assert [(beat["value"] == NAN, beat["is_lost"]) for beat in corners[name]] == [(each, 0) for each in is_nan]


@pytest.mark.slow
def test_nan_elements():
    """In any beat of a vector, and in any row of a column."""
    e4m3 = FORMATS["MXFP8_E4M3"]
    program = Program(macro_of("MXFP8_E4M3", columns=2))
    codes, (nan,) = codes_of(e4m3, 2, 1), e4m3.element.encode(np.array([np.nan]))
    one = scales_of(127, 127)
    program.load(0, codes, one)
    for row in (0, 15, 31):
        x = codes[:1].copy()
        x[0, row] = nan
        for each in (x, codes[:1]):
            assert np.isnan(program.multiply(each, one[:1], [0])[0]).all() == (each is x)
        weights = codes.copy()
        weights[1, row] = nan
        program.load(1, weights, one)
        assert np.isnan(program.multiply(codes[:1], one[:1], [1])[0]).tolist() == [False, True]
    found, _ = play(program)
    assert found == program.beats["o"]


@pytest.mark.parametrize("name", ["below the window", "above the window", "too many blocks"])
def test_what_does_not_fit_is_lost_and_never_a_wrong_number(corners, name):
    assert [(beat["value"], beat["is_lost"]) for beat in corners[name]] == [(NAN, 1)] * 3


def test_results_that_round_to_zero_and_infinity(corners):
    # 32 * 0.5 * 0.5 * 2**-254 is below all, and 2**127 * 2**127 * 96 above all floats.
    assert [beat["value"] for beat in corners["least"]][:1] == [0]
    assert [beat["value"] for beat in corners["greatest scale"]][2:] == [0x7f800000]


def test_what_is_cut_off_or_has_no_weights_is_lost():
    program = Program(macro_of(columns=2))
    codes, scales = program.drawn("MXFP4", 2, nan_share=0)
    vector = codes[:1], scales_of(127), [0]
    base = 254 - 16

    def lost(bank=0):
        program.add_accumulation(vector[0], vector[1], [bank], base)
        program.expect_lost()

    # A bank without weights; a vector that is cut off, by itself and at the end of two; the next one is whole.
    lost(1)
    program.load(0, codes, scales)
    for blocks in (1, 2):
        program.add_accumulation(np.repeat(codes[:1], blocks, 0), np.repeat(scales_of(127), blocks), [0] * blocks, base)
        cut, last = program.beats["i"][-2:]
        cut.update({**last, "codes": cut["codes"]})
        del program.beats["i"][-1], program.needs["i"][-1]
        program.expect_lost()
    program.multiply(*vector)
    # Packets that end in a row, after the rows, and too late; then a whole one.
    for length in (10, 32, 33, 36, 68):
        program.load(0, codes, scales)
        packet = program.beats["w"][-34:]
        del program.beats["w"][-34:], program.needs["w"][-34:]
        program.add("w", [{**packet[index % 34], "last": int(index == length - 1)} for index in range(length)])
        lost()
    program.load(0, codes[::-1], scales[::-1])
    program.multiply(*vector)
    found, _ = play(program)
    assert found == program.beats["o"]
    assert [beat["is_lost"] for beat in found[-2:]] == [0, 0]


def test_banks_that_there_are_not():
    """Weights of such a bank change nothing, and what is computed with it is lost."""
    config = block_macro("MXFP4", columns=2, macro={"banks": 3})
    program = Program(config)
    codes, scales = program.drawn("MXFP4", 6, nan_share=0)
    weights = [(codes[index:index + 2], scales[index:index + 2]) for index in (0, 2, 4)]
    for bank, each in enumerate(weights):
        program.load(bank, *each)
    for each in weights:
        program.add("w", weight_beats(config, *each, 3))
        program.add_accumulation(codes[:1], scales[:1], [3], 246)
        program.expect_lost()
        for bank in range(3):
            program.multiply(codes[:1], scales[:1], [bank])
    found, _ = play(program)
    assert found == program.beats["o"] and sum(beat["is_lost"] for beat in found) == 3 * 2


def test_weights_that_are_written_again_at_any_time():
    """A result is of the weights of one packet, a later one than those before, or lost."""
    config, versions = block_macro("MXFP4", columns=3, macro=BANKS), 8
    program, times = Program(config, seed=7), 48
    x, scale = program.drawn("MXFP4", 1, nan_share=0)
    for _ in range(versions):
        program.load(0, *program.drawn("MXFP4", 3, nan_share=0))
        program.multiply(x, scale, [0], base=240)
    must = [tuple(beat["value"] for beat in program.beats["o"][3 * index:3 * index + 3]) for index in range(versions)]
    vector = program.beats["i"][:config.beats]
    program.beats |= {"i": vector * times, "o": program.beats["o"][:1] * 3 * times}
    # A packet begins between any two beats of vectors, and they do not wait for its end.
    packet = len(program.beats["w"]) // versions
    program.needs = {"i": [0] * len(program.beats["i"]),
                     "w": [21 * (index // packet) for index in range(len(program.beats["w"]))]}
    found, _ = play(program, {"i": 0.9})
    results = [found[3 * index:3 * index + 3] for index in range(times)]
    kept = [tuple(beat["value"] for beat in each) for each in results if not any(beat["is_lost"] for beat in each)]
    assert all(len({beat["is_lost"] for beat in each}) == 1 for each in results)
    order = [must.index(each) for each in kept]
    assert order == sorted(order) and len(set(order)) > 5 and len(kept) < times


def test_reset_at_any_time():
    """After it there are no weights, and all is as at the start."""
    config = macro_of()
    before, after = (drawn_program(config, 4, seed=seed) for seed in (8, 9))
    first = Program(config)
    for bank in range(2):
        first.add_accumulation(*first.drawn("MXFP4", 1), [bank], 240)
        first.expect_lost()
    dut, reset, runs = BlockMacro(config=config), Signal(), []

    async def testbench(ctx):
        for stop in (70, 105, 118, 131, 160):
            await run(ctx, dut, before, cycles=stop)
            for valid in (dut.w_valid, dut.i_valid):
                ctx.set(valid, 0)
            ctx.set(reset, 1)
            await ctx.tick()
            ctx.set(reset, 0)
            runs.append([(await run(ctx, dut, program))[0] for program in (first, after)])

    simulate(ResetInserter(reset)(dut), testbench)
    assert runs == [[first.beats["o"], after.beats["o"]]] * 5


# With two banks the last row of a packet waits for tables to be filled.
@pytest.mark.parametrize("macro", [{"column": "table", "banks": 2}, *some([{}])])
def test_weights_wait_for_vectors_and_vectors_for_weights(macro):
    """Results leave so slowly that vectors still wait for their scales when the next packet of their bank comes."""
    program = Program(block_macro("MXFP4", columns=4, macro=macro), seed=6)
    for _ in range(2):
        program.load(0, *program.drawn("MXFP4", 4))
        for _ in range(12):
            program.multiply(*program.drawn("MXFP4", 1), [0])
    found, _ = play(program, {"o": 0.9})
    assert found == program.beats["o"]


@pytest.mark.parametrize("name, macro", some([("MXFP4", {}), ("MXINT8", {}), ("NVFP4", {"result_interval": 2})], 0))
def test_latency(name, macro):
    config = block_macro(name, columns=3, macro=macro)
    program = Program(config)
    program.load(0, *program.drawn(name, 3, nan_share=0))
    codes, scales = program.drawn(name, 1, nan_share=0)
    codes[:, 0] = FORMATS[name].element.integers.argmin()
    program.multiply(codes, scales, [0])
    found, cycles = play(program)
    # From the first beat to the last result.
    planes = config.macro.input_bits
    assert found == program.beats["o"] and cycles == config.beats - 1 + planes + latency(config) + config.columns - 1


@pytest.mark.parametrize("name, columns, cycles", some([
    ("MXFP4", 5, 19), ("NVFP4", 1, 18), ("MXFP4", 1, 14), ("MXFP4", 12, 25), ("MXFP4", 16, 32),
    ("MXFP8_E4M3", 20, 50)], 0, 1))
def test_accumulations_of_one_block(name, columns, cycles):
    """Two take so many cycles that few columns, and shorter vectors, do not help."""
    config = block_macro(name, columns=columns, macro={"result_interval": 4})
    program, pairs = Program(config), 8
    program.load(0, *program.drawn(name, columns, nan_share=0))
    for _ in range(2 * pairs + 1):
        codes, scales = program.drawn(name, 1, nan_share=0)
        codes[:, 0] = FORMATS[name].element.integers.argmin()
        program.multiply(codes, scales, [0])
    found, total = play(program)
    planes = config.parts * config.macro.input_bits
    assert found == program.beats["o"] and cycles == max(pair_cycles(config), 2 * planes)
    assert total == config.beats - 1 + planes + latency(config) + columns - 1 + pairs * cycles


def test_a_block_a_vector_while_results_leave():
    """Vectors of all planes follow each other without a gap, and results of one accumulation leave during the next."""
    program = Program(block_macro("MXFP4", columns=5, macro={"result_interval": 4}))
    codes, scales = program.drawn("MXFP4", 5, nan_share=0)
    program.load(0, codes, scales)
    program.needs["w"] = [0] * len(program.beats["w"])
    blocks, times = 2, 30
    for _ in range(times):
        x, x_scales = program.drawn("MXFP4", blocks, nan_share=0)
        # Minus 6 needs all five planes.
        x[:, 0] = 0xf
        program.multiply(x, x_scales, [0] * blocks)
    found, cycles = play(program)
    assert found == program.beats["o"]
    assert 5 * blocks * times <= cycles <= 5 * blocks * times + 60
