import json
import re
from collections import Counter
from pathlib import Path

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.emit import design
from bitline.scripts.commands.inject.flip_flops import RESULTS, draw, inject, wilson
from bitline.verif.fault_injection.flip_flops import FlipFlop, with_flips
from bitline.verif.sim.simulators import SimulatorError
from breaking import broken

CONFIG = MacroConfig(rows=3, columns=2, weight_bits=3, input_bits=3, fuse=2)
BUILDS = Path("build/sim")


def test_every_flip_flop_but_the_cells_can_be_flipped():
    _, flip_flops = with_flips(CONFIG)
    found = Counter(flip_flop.block for flip_flop in flip_flops)
    assert {"accumulator", "controller", "drivers", "fuse", "tree"} <= set(found)
    assert not [flip_flop for flip_flop in flip_flops if "cells_" in flip_flop.name]
    registers = [net for module in design(CONFIG).modules.values() for net in module.nets.values()
                 if net.name == "o_valid" and net.is_register]
    assert len(registers) == 1 and [flip_flop.block for flip_flop in flip_flops
                                    if flip_flop.name.endswith("o_valid[0]")] == ["controller"]
    assert len({flip_flop.name for flip_flop in flip_flops}) == len(flip_flops)


def test_results_are_those_of_the_flips(cli, tmp_path):
    out = tmp_path / "flips.json"
    status, output, errors = cli("inject", "--target", "flip-flops", "--rows", 3, "--columns", 2, "--weight-bits", 3,
                                 "--input-bits", 3, "--fuse", 2, "--count", 900, "--out", out, "--build", BUILDS)
    assert status == 0, output + errors
    (report,) = json.loads(out.read_text())
    blocks = report["blocks"]
    assert len({row["flips"] for row in blocks.values()}) == 1 and sum(row["flips"] for row in blocks.values()) >= 900
    for row in blocks.values():
        assert sum(row[result] for result in RESULTS.values()) == row["flips"]
    # Control can lose results or add some; sums can only be wrong; some flips hit registers that are never read.
    assert blocks["controller"]["hang"] and blocks["controller"]["detected"]
    assert blocks["accumulator"]["wrong result"] and blocks["accumulator"]["masked"]
    assert blocks["accumulator"]["hang"] == blocks["accumulator"]["detected"] == 0
    assert report["stuck"] == [] and "0 hangs that a reset leaves" in output


CORE = CoreConfig(macro=MacroConfig(rows=4, columns=2, banks=2), checksum=True)


@pytest.mark.slow
def test_flips_in_a_core_are_around_its_macro(cli, tmp_path):
    out = tmp_path / "flips.json"
    status, output, errors = cli("inject", "--target", "flip-flops", "--core", "--rows", 4, "--columns", 2, "--banks",
                                 2, "--checksum", "--count", 1500, "--out", out, "--build", BUILDS)
    assert status == 0, output + errors
    report, tested = json.loads(out.read_text())
    assert (report["has_tests"], tested["has_tests"]) == (False, True) and tested["cycles"] > 4 * report["cycles"]
    assert tested["blocks"]["sequencer"]["detected"]
    blocks = report["blocks"]
    assert {"registers", "front", "requantizer", "packer", "vectors", "loader", "self_test"} <= set(blocks)
    assert not {"accumulator", "controller", "drivers", "tree"} & set(blocks)
    for row in blocks.values():
        assert sum(row[result] for result in RESULTS.values()) == row["flips"]
    # Errors are reported; settings are used by all vectors that follow, and a flipped address leads elsewhere.
    assert blocks["errors"]["detected"] and blocks["registers"]["wrong result"]
    assert all(any(row[result] for row in blocks.values()) for result in ("hang", "wrong result", "detected", "masked"))
    assert report["stuck"] == []


@pytest.mark.slow
@pytest.mark.parametrize("change", [
    ("adder_tree", "level1_0_0) + ", "level1_0_0) - "),
    # A mark of the checksum counts as detected.
    ("", "assign m_axis_tuser = core__m_axis__payload[73];", "assign m_axis_tuser = m_axis_tvalid;"),
], ids=["results", "mark"])
def test_core_that_is_wrong_without_a_flip_is_refused(change):
    with pytest.raises(SimulatorError, match="must give the right results without a flip"):
        inject(CORE, 10, 1, BUILDS, verilog=broken(CORE, *change))


def test_hang_that_a_reset_leaves_is_found():
    # A vector whose planes are lost is driven for ever unless a reset ends it.
    verilog = broken(CONFIG, "controller", "if (rst) drives ", "if (1'b0) drives ")
    stuck = inject(CONFIG, 1800, 1, BUILDS, verilog=verilog)["stuck"]
    assert stuck and {name.partition("[")[0] for name, _ in stuck} <= {"controller.drives", "controller.select"}


@pytest.mark.slow
def test_macro_that_is_wrong_without_a_flip_is_refused():
    verilog = broken(CONFIG, "adder_tree", "level1_0_0) + ", "level1_0_0) - ")
    with pytest.raises(SimulatorError, match="must give the right results without a flip"):
        inject(CONFIG, 10, 1, BUILDS, verilog=verilog)


def test_draw_is_the_same_for_each_block_and_seed():
    flip_flops = [FlipFlop("a", "x")] + [FlipFlop("b", f"y{bit}") for bit in range(9)]
    pairs = draw(flip_flops, 50, 200, 7)
    assert pairs == draw(flip_flops, 50, 200, 7) != draw(flip_flops, 50, 200, 8)
    assert [flip for flip, _ in pairs[:100]] == [0] * 100
    assert {flip for flip, _ in pairs[100:]} == set(range(1, 10))
    assert {cycle for _, cycle in pairs} <= set(range(50)) and len({cycle for _, cycle in pairs}) > 40


def test_wilson_interval():
    # Table of Newcombe, Statistics in Medicine 1998: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for hits, count, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
                                   (1, 29, 0.0061, 0.1718)):
        assert wilson(hits, count) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("options, match", [
    ((), "Missing option '--target'"),
    (("--target", "flip-flops", "--count", 0), "not in the range"),
    (("--target", "flip-flops", "--out", "."), "must be a file, and is a folder"),
    (("--target", "flip-flops", "--rows", 0, "--columns", 1), "rows must be an integer"),
    (("--target", "flip-flops", "--rows", 2, "--columns", 2, "--core", "--bus", "apb"), "must have AXI4-Lite"),
    (("--target", "flip-flops", "--simulator", "icarus"), "simulator must be verilator for .*, not icarus"),
])
def test_wrong_options_are_refused(refused, options, match):
    refused("inject", *options, match=match)


@pytest.mark.parametrize("former, options, match", [
    ("flips", ("--count", 0), "bitline: flips is now called inject --target flip-flops\n.*not in the range"),
    ("upsets", (), "bitline: upsets is now called inject --target weights\nbitline: a core must be described"),
    ("compare", ("digits", "--count", 0), "bitline: compare is now called analog\n.*not in the range"),
])
def test_former_commands_say_their_new_name(cli, former, options, match):
    status, _, errors = cli(former, *options)
    assert status == 2 and re.match(match, errors), errors
    assert former not in cli("--help")[1]
