"""Bugs of a block core, each of which shows in a run in Verilator."""

import pytest
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.formats import block_macro
from bitline.verif.formats.core_program import faulty_program
from bitline.verif.formats.runs import run_core
from bitline.verif.sim.simulators import SimulatorError
from breaking import broken_by_number

CONFIG = BlockCoreConfig(blocks=block_macro("MXFP4+MXINT8", columns=9, macro={"banks": 3}, input_beat_bits=64))
# Of each a block, an expression %1 in it, and what takes its place.
BUGS = {
    "a beat is taken during a cut": ("vector_reader", "assign s__ready_and_Y_A = %1;", "is_open"),
    "a faulty beat is passed on": ("vector_reader", "assign skips_and_Y_A = %1;", "1'b0"),
    "a faulty beat that ends a block is skipped": ("vector_reader", "assign skips_and_Y_A = %1;", "faulty"),
    "the rest is not discarded": ("vector_reader", "assign discarding_sdffe_Q_D = %1;", "1'b0"),
    "too long is no fault": ("vector_reader", "assign ends_packet_and_B_Y_and_A_Y = %1;", "1'b0"),
    "too short is no fault": ("vector_reader", "assign ends_packet_and_B_Y_not_A_Y_and_B_Y = %1;", "1'b0"),
    "a byte that is not kept is no fault": ("vector_reader", "assign faulty_reduce_or_Y_A = %1;", "1'b0"),
    "a wrong header is no fault": ("vector_reader", "assign wrong_and_B_Y = %1;", "1'b0"),
    "two faults of a beat": ("vector_reader", "assign faults__null_and_Y_B = %1;", "1'b1"),
    "a block goes on after a cut": ("vector_packets", "assign reader__cuts_or_A_Y = %1;", "reader__ends_block"),
    "any format of vectors": ("vector_packets", "assign reader__wrong_or_Y_A_or_Y_A = %1;", "1'b0"),
    "any bank of vectors": ("vector_packets", "assign reader__wrong_or_Y_A_or_Y_B = %1;", "1'b0"),
    "any base": ("vector_packets", "assign reader__wrong_or_Y_B = %1;", "1'b0"),
    "each block is the last": ("vector_packets", "assign reader__ends_packet = %1;", "reader__ends_block"),
    "a wrong header begins a packet": ("weight_packets", "assign at_header_and_B_Y = %1;", "1'b0"),
    "any format of weights": ("weight_packets", "assign reader__wrong_or_Y_A = %1;", "1'b0"),
    "any bank of weights": ("weight_packets", "assign reader__wrong_or_Y_B = %1;", "1'b0"),
    "seven scales of a beat": ("weight_packets", "assign o__ready_and_A_B_or_Y_A_or_Y_A_or_Y_B = %1;",
                               "column[2:0] == 3'h6"),
    "the first scale of a beat for all": ("weight_packets", "assign o__payload_scale = %1;", "reader__o__payload[7:0]"),
}


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(BUGS) + 1), ids=["none", *BUGS])
def test_bugs_of_a_block_core_are_noticed(number):
    program, verilog = faulty_program(CONFIG.blocks, 12, seed=5), broken_by_number(CONFIG, BUGS.values())
    try:
        result = run_core(CONFIG, program, pauses={"w": 0.2, "i": 0.2, "o": 0.3}, verilog=verilog,
                          plusargs=[f"+broken={number}"])
        is_right = (result["found"], result["registers"]["error"] >> 8) == (program.beats["o"], len(program.faults))
    except SimulatorError:
        is_right = False
    assert is_right == (number == 0)
