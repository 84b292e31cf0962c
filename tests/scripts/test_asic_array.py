"""Macros in standard cells whose bitcells are an array of the user."""

import json

import numpy as np
import pytest
from bitline.hdl.config import MacroConfig
from bitline.scripts.asic.cells.array import array_ports, find_array
from bitline.scripts.asic.cells.liberty import read_library
from bitline.scripts.asic.cells.roles import find_roles
from bitline.scripts.asic.data import random_data
from bitline.scripts.asic.delay import Timing
from bitline.scripts.asic.designs import MacroWork
from bitline.scripts.asic.flow import Setting, build
from bitline.scripts.asic.loads import Loads, Wires
from bitline.scripts.asic.netlist import Instance, Netlist
from bitline.scripts.asic.simulation import Results, Stream, simulate
from opensta import longest_path
from tiny_array import tiny_array
from tiny_liberty import tiny_liberty
from tiny_technology import tiny_technology

MACRO = ("--rows", 4, "--columns", 2, "--weight-bits", 3, "--input-bits", 2)


@pytest.fixture
def libraries(tmp_path):
    """Writes the liberty files of cells and of an array, and gives the options that name them."""

    def write(text):
        paths = []
        for name, content in (("tiny.lib", tiny_liberty()), ("array.lib", text)):
            (tmp_path / name).write_text(content, encoding="utf-8")
            paths += ["--liberty", tmp_path / name]
        return paths

    return write


@pytest.mark.parametrize("banks", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_macro_with_an_array_computes_what_the_golden_model_does(cli, libraries, tmp_path, banks):
    out, technology = tmp_path / "out", tmp_path / "technology.lef"
    technology.write_text(tiny_technology(), encoding="utf-8")
    status, output, errors = cli(
        "asic", *libraries(tiny_array(banks=banks)), *MACRO, "--banks", banks, "--bitcell", "array", "--vectors", 4,
        "--views", "--technology", technology, "--out", out, "--build", tmp_path / "build")
    assert (status, errors) == (0, ""), errors
    macro = json.loads((out / "report.json").read_text(encoding="utf-8"))["macro"]
    assert macro["results"] == {"compared": 4, "wrong": 0} and "bitcells: array" in output
    # One a column, with its area, and what it takes with the clock.
    assert macro["area"]["bitcells"] == {"um2": 2 * 2 * 12 * banks, "cells": 2}
    assert macro["pj_per_mac_by_block_and_kind"]["bitcells"]["clock"] > 0
    netlist = (out / "macro.v").read_text(encoding="utf-8")
    assert netlist.count("  ARRAY ") == 2 and netlist.count(".weights({n") == 2


def played(config, cell, items):
    """What an array alone does, given numbers at its ports in each cycle: the activity, and the timing."""
    ports, nets = array_ports(config), {}
    for port, (_, width) in ports.items():
        first = 2 + sum(map(len, nets.values()))
        nets[port] = list(range(first, first + width))
    pins = {port if width == 1 else f"{port}[{bit}]": nets[port][bit] for port, (_, width) in ports.items()
            for bit in range(width)}
    netlist = Netlist("top", [Instance("cells", cell, pins, "bitcells")],
                      {port: (is_input, nets[port]) for port, (is_input, _) in ports.items()},
                      2 + sum(map(len, nets.values())))
    timing = Timing(netlist, Loads(netlist, 0.0), nets["clk"][0], 0.02)
    inputs = [port for port, (is_input, _) in ports.items() if is_input and port != "clk"]
    words = []
    for item in items:
        word = place = 0
        for port in inputs:
            word |= item.get(port, 0) << place
            place += len(nets[port])
        words.append(word)
    stream = Stream(None, None, [net for port in inputs for net in nets[port]], words)
    activity = simulate(netlist, timing, [stream], Results(None, None, nets["weights"], len(items)), period=2.0)
    return activity, timing


@pytest.mark.parametrize("order", [list, reversed, sorted], ids=lambda order: order.__name__)
def test_an_array_writes_rows_with_the_clock_and_gives_all_rows_of_a_bank(tmp_path, order):
    """Whatever the order in which a library names the pins."""
    path, rng = tmp_path / "array.lib", np.random.default_rng(1)
    path.write_text(tiny_array(rows=4, weight_bits=3, banks=3), encoding="utf-8")
    config = MacroConfig(rows=4, columns=1, weight_bits=3, banks=3, tree="carry_save")
    items = [{"wordline": 1 << row, "write_bank": bank, "write_weight": int(rng.integers(8)), "bank": 0}
             for bank in range(3) for row in range(4)]
    items += [{"wordline": int(rng.choice([0, 1, 2, 4, 8])), "write_bank": int(rng.integers(3)),
               "write_weight": int(rng.integers(8)), "bank": int(rng.integers(3))} for _ in range(60)]
    cell = read_library([path]).cells["ARRAY"]
    cell.inputs, cell.outputs = ({pin: pins[pin] for pin in order(list(pins))} for pins in (cell.inputs, cell.outputs))
    activity, timing = played(config, cell, items)
    cells, expected = np.zeros((3, 4), int), []
    for item in items:
        # What a cycle gives is what was written before it, of the bank of this cycle.
        expected.append(sum(int(weight) << 3 * row for row, weight in enumerate(cells[item["bank"]])))
        for row in range(4):
            if item["wordline"] >> row & 1:
                cells[item["write_bank"], row] = item["write_weight"]
    assert activity.results[12:] == expected[12:]
    counts = sum(np.array(list(causes.counts.values())) for causes in activity.causes)
    assert [list(causes.counts) for causes in activity.causes[:1]] == [["clk", "bank[0]"]] and counts.min() > 0
    # Paths through it begin at its clock and, by logic, at the bank; it is no gate of the clock.
    assert {("clk", "weights[11]"), ("bank[1]", "weights[11]")} <= {*timing.delays[0]}
    assert timing.longest().nanoseconds == pytest.approx(max(timing.delays[0]["clk", "weights[0]"]))


@pytest.mark.parametrize("change, match", [
    (lambda text: text.replace("wordline", "wl"), r"ARRAY lacks 4, the input wordline\[0\] among them"),
    (lambda text: text.replace("from : 11", "from : 10"), r"ARRAY lacks 1, the output weights\[11\] among them"),
    (lambda text: text.replace("weights", "q"), "tiny has no cell with weights"),
    (lambda text: text.replace("pin (clk)", "pin (reset) { direction : input; capacitance : 1; }\npin (clk)"),
     "ARRAY has another input, reset"),
    (lambda text: text.replace("area : 24", "area : 0"), "ARRAY has no area"),
], ids=range(5))
def test_an_array_that_does_not_fit_is_refused_in_one_line(refused, libraries, tmp_path, change, match):
    text = tiny_array()
    assert change(text) != text
    refused("asic", *libraries(change(text)), *MACRO, "--bitcell", "array", "--out", tmp_path / "out",
            match=f"--bitcell array must come with a cell .* of 4 rows, 3 bits and 1 banks, and {match}")


@pytest.mark.parametrize("change, match", [
    (lambda text: text.replace("bus_type : bits_12", "bus_type : bits_13"), "the bus_type of weights is not there"),
    (lambda text: text.replace("bit_to : 0", "bit_to : low"), "invalid literal"),
], ids=range(2))
def test_a_bus_without_its_bits_is_refused_in_one_line(refused, libraries, tmp_path, change, match):
    refused("asic", *libraries(change(tiny_array())), *MACRO, "--bitcell", "array", "--out", tmp_path / "out",
            match=f"numbers where they belong, and cell ARRAY of .*{match}")


def test_the_smallest_array_that_fits_is_taken(tmp_path):
    # One with too few rows is smaller still.
    cells = [tiny_array(name="LARGE").replace("area : 24", "area : 30"), tiny_array(rows=2, name="SMALL"), tiny_array()]
    paths = [tmp_path / f"{index}.lib" for index in range(len(cells))]
    for path, text in zip(paths, cells):
        path.write_text(text, encoding="utf-8")
    config = MacroConfig(rows=4, columns=2, weight_bits=3, tree="carry_save")
    assert find_array(config, read_library(paths)).name == "ARRAY"
    assert find_array(config, read_library(paths, ["ARR*"])).name == "LARGE"


@pytest.mark.slow
@pytest.mark.needs("sta")
def test_the_longest_path_through_an_array_is_that_of_opensta(tmp_path):
    path, array = tmp_path / "both.lib", tiny_array(banks=2, drive=0.001)
    path.write_text(tiny_liberty().rstrip()[:-1] + array[array.index("type (bits_"):], encoding="utf-8")
    library = read_library([path])
    config = MacroConfig(rows=4, columns=2, weight_bits=3, input_bits=2, banks=2, tree="carry_save")
    work = MacroWork(config, random_data(config, 1, 1), "array")
    built = build(work, library, find_roles(library), Setting(Wires(0)), tmp_path / "work")
    longest = built.timing.longest()
    # It is the array that is slow, from its clock or its bank.
    assert any(name.endswith("cells") and "bank" in through for name, through, _ in longest.steps)
    assert longest.nanoseconds == pytest.approx(longest_path(built.netlist, path, built.timing.slew, tmp_path / "sta"),
                                                rel=0.01)
