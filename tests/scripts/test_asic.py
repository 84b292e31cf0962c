"""Macros in standard cells, with a small invented library; and, where they are installed, a real one and OpenSTA."""

import json

import pytest
from bitline.scripts.asic.functions import truth_table
from bitline.scripts.asic.liberty import read_lef_areas, read_library
from bitline.scripts.asic.roles import find_roles
from bitline.scripts.common.files import BadInput
from tiny_liberty import ADDERS, INVERTED_ADDERS, tiny_liberty

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


def test_areas_are_those_of_lef(tmp_path):
    path = tmp_path / "cells.lef"
    path.write_text("MACRO FA\n  SIZE 4.5 BY 10 ;\n PIN A\n END A\nEND FA\nMACRO INV\n SIZE 1 BY 10 ;\nEND INV\n")
    assert read_lef_areas([path]) == {"FA": 45.0, "INV": 10.0}


@pytest.mark.parametrize("adders", [ADDERS, INVERTED_ADDERS], ids=["plain", "inverted"])
def test_netlists_compute_what_the_golden_model_does(cli, liberty, tmp_path, adders):
    out = tmp_path / "out"
    status, output, errors = cli("asic", "--liberty", liberty(tiny_liberty(adders)), *MACRO, "--vectors", 4, "--out",
                                 out, "--build", tmp_path / "build")
    assert (status, errors) == (0, ""), errors
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    for design in ("macro", "mac_array"):
        assert report[design]["results"]["wrong"] == 0 < report[design]["results"]["compared"]
        assert report[design]["pj_per_mac"] == pytest.approx(sum(report[design]["pj_per_mac_by_kind"].values()))
        assert report[design]["pj_per_mac"] == pytest.approx(sum(report[design]["pj_per_mac_by_block"].values()))
    assert "synthesis" in output and "TOPS/W" in output


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
], ids=range(10))
def test_a_bad_library_is_refused_in_one_line(refused, liberty, tmp_path, change, match):
    out = tmp_path / "out"
    refused("asic", "--liberty", liberty(change(tiny_liberty())), *MACRO, "--out", out, match=match)
    assert not out.exists()


@pytest.mark.parametrize("options, match", [
    (("--full-adder", "FULL"), "--full-adder must be a cell of tiny or none, and FULL is neither"),
    (("--full-adder", "INV"), "must be a full adder, and the functions of INV are not"),
    (("--half-adder", "FA"), "must be a half adder"),
    (("--column", "table", "--tree", "carry_chain"), "column must be bitcell"),
    (("--lef", "LIBERTY"), "--lef must have macros with sizes"),
], ids=range(5))
def test_bad_options_are_refused_in_one_line(refused, liberty, tmp_path, options, match):
    path = liberty()
    options = [path if option == "LIBERTY" else option for option in options]
    refused("asic", "--liberty", path, *MACRO, *options, "--out", tmp_path / "out", match=match)


def test_without_a_library_it_is_told_how_to_install_one(refused, monkeypatch, tmp_path):
    monkeypatch.setattr("bitline.scripts.commands.asic.default_files", lambda: None)
    refused("asic", *MACRO, "--out", tmp_path / "out", match="apt-get install qflow-tech-osu018")
