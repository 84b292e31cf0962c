"""Verilog of a block macro of several formats, in Verilator; and bugs of its choice, each of which shows."""

import pytest
from bitline.hdl.config.formats import block_macro
from bitline.verif.formats.beats import vector_beats, weight_beats
from bitline.verif.formats.program import drawn_program
from bitline.verif.formats.runs import run_program
from bitline.verif.sim.simulators import SimulatorError
from breaking import broken_by_number

CONFIG = block_macro("MXFP8_E4M3+MXINT8+MXFP4", columns=2, macro={"banks": 2})
UNKNOWN = 7
# Of each a block, an expression %1 in it, and what takes its place.
BUGS = {
    "format of the vector before": ("vectors", "assign number_mux_Y_S = %1;", "1'b0"),
    "format of a later beat": ("vectors", "assign number_mux_Y_S = %1;", "1'b1"),
    "format of the packet before": ("weights", "assign number = %1 ?", "1'b0"),
    "format of a later beat of a packet": ("weights", "assign number = %1 ?", "1'b1"),
    "format of another bank": ("vectors", "assign numbers_shift_A_B = %1;", "(~i__payload[85]) * 2'h3"),
    "format of both banks": ("weights", "assign numbers_sdffe_Q_EN_reduce_and_Y_A = %1;", "first"),
    "format of a bank that is kept": ("weights", "else if (%1) numbers[5:3]", "1'b0"),
    "exponent of the weights alone": ("vectors", "assign vector_raised_add_A_Y = %1;", "weights_raised"),
    "exponent of the vector alone": ("vectors", "assign vector_raised_add_A_Y = %1;", "vector_raised"),
    "planes of the narrowest": ("vectors", "assign o__payload_bits = %1;", "4'h5"),
    "one part of two": ("vectors", "assign last_part = %1;", "1'b0"),
    "two parts of one": ("vectors", "assign last_part = %1;", "1'b1"),
    "one part of two is joined": ("join", "assign last_part = %1;", "1'b0"),
    "two parts of one are joined": ("join", "assign last_part = %1;", "1'b1"),
    "unknown format of a vector": ("vectors", "assign format_is_known = %1;", "1'b1"),
    "unknown format of weights": ("weights", "assign format_is_known = %1;", "1'b1"),
}


def program_with_unknown_formats():
    """Drawn blocks of all formats, then a vector and weights of a format that there is not, and drawn weights again."""
    program = drawn_program(CONFIG, 30, seed=6, blocks=4)
    codes, scales = program.drawn("MXFP4", 2, nan_share=0)
    packet, vector = weight_beats(CONFIG, codes, scales), vector_beats(CONFIG, codes[0], 127, 246, is_last=True)
    for stream, beats in (("i", vector), ("w", packet)):
        beats[0]["number"] = UNKNOWN
        program.add(stream, beats)
        if stream == "w":
            program.add_accumulation(codes[:1], scales[:1], [0], 246)
        program.expect_lost()
    program.load(0, codes, scales)
    program.multiply(codes[:1], scales[:1], [0])
    return program


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(BUGS) + 1), ids=["none", *BUGS])
def test_bugs_of_the_choice_are_noticed(number, tmp_path):
    program, verilog = program_with_unknown_formats(), broken_by_number(CONFIG, BUGS.values())
    try:
        found, _ = run_program(program, pauses={"w": 0.2, "i": 0.2, "o": 0.3}, verilog=verilog,
                               plusargs=[f"+broken={number}"])
        is_right = found == program.beats["o"]
    except SimulatorError:
        is_right = False
    assert is_right == (number == 0)
