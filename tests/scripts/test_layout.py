"""Layouts: what is written for the tools of others and read of them; and, where they are installed, a whole one."""


import itertools
import json
import os
import re

import pytest
from bitline.scripts.asic.cells.liberty import read_library
from bitline.scripts.asic.cells.roles import find_roles
from bitline.scripts.asic.netlist import Instance, Netlist
from bitline.scripts.commands import asic
from bitline.scripts.common import lef
from bitline.scripts.common.files import BadInput
from bitline.scripts.common.tools import FlowError
from bitline.scripts.layout import flow, lvs
from bitline.scripts.layout.constants import restricted, without_constants
from bitline.scripts.layout.def_file import covered, read_wires
from bitline.scripts.layout.elmore import arrival, read_trees, scaled
from bitline.scripts.layout.floorplan import spread
from bitline.scripts.layout.flow import TechnologyFiles, lay_out
from bitline.scripts.layout.lvs import MATCH, compare, verdict
from bitline.scripts.layout.magic import check_rules, read_capacitances, read_rules, write_views
from bitline.scripts.layout.names import Names
from bitline.scripts.layout.placement import read_placement
from bitline.scripts.layout.refine import Refinement
from bitline.scripts.layout.wires import capacitance
from tiny_liberty import tiny_liberty

LEF = """VERSION 5.4 ;
UNITS
  DATABASE MICRONS 1000 ;
END UNITS
LAYER via
  TYPE CUT ;
END via
LAYER metal1   # the lowest
  TYPE ROUTING ;
  DIRECTION HORIZONTAL ;
  PITCH 1 ;
  WIDTH 0.5 ;
  CAPACITANCE CPERSQDIST 4e-05 ;
  EDGECAPACITANCE 8e-05 ;
END metal1
LAYER metal2
  TYPE ROUTING ;
  DIRECTION VERTICAL ;
  PITCH 0.8 ;
  WIDTH 0.3 ;
END metal2
LAYER metal3
  TYPE ROUTING ;
  DIRECTION HORIZONTAL ;
  PITCH 1 ;
  WIDTH 0.3 ;
END metal3
VIA M2_M1 DEFAULT
  LAYER metal1 ;
    RECT -0.2 -0.2 0.2 0.2 ;
END M2_M1
SITE core
  CLASS CORE ;
  SIZE 0.8 BY 10 ;
END core
MACRO FILL
  SIZE 0.8 BY 10 ;
END FILL
MACRO INV
  CLASS CORE ;
  SIZE 1.6 BY 10 ;
  PIN A
    DIRECTION INPUT ;
    PORT
      LAYER metal1 ;
        RECT 0.2 1.9 0.6 2.7 ;
    END
  END A
  PIN Y
    DIRECTION OUTPUT ;
    PORT
      LAYER metal1 ;
        RECT 1 0.6 1.4 9.4 ;
    END
  END Y
  PIN vdd
    DIRECTION INOUT ;
    USE POWER ;
    PORT
      LAYER metal1 ;
        RECT 0 9.7 1.6 10.3 ;
    END
  END vdd
  OBS
    LAYER metal1 ;
      RECT 0 0 1 1 ;
  END
END INV
END LIBRARY
"""


@pytest.fixture
def lef_file(tmp_path):
    """Writes a LEF file and gives its path."""

    def write(text=LEF):
        path = tmp_path / "cells.lef"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_layers_and_cells_are_those_of_lef(lef_file):
    found = lef.read_lef(lef_file())
    assert found.layers[0] == lef.Layer("metal1", True, 1.0, 0.5, 0.5, 0.0, 4e-5, 8e-5)
    assert [(layer.name, layer.is_horizontal) for layer in found.layers] == [
        ("metal1", True), ("metal2", False), ("metal3", True)]
    assert found.site_width == 0.8 and list(found.cells) == ["FILL", "INV"]
    cell = found.cells["INV"]
    assert (cell.width, cell.height, cell.supply(lef.POWER), cell.supply(lef.GROUND)) == (1.6, 10.0, "vdd", None)
    assert cell.center("A") == pytest.approx((0.4, 2.3))


@pytest.mark.parametrize("old, new", [
    ("END LIBRARY", "MACRO X"), ("PITCH 1 ;", "PITCH x ;"), ("WIDTH 0.5 ;", ""), ("WIDTH 0.5 ;", "WIDTH 0 ;"),
    ("SITE core", "VIA v"), ("SIZE 1.6 BY 10 ;", "SIZE 1.6 ;")])
def test_a_lef_that_is_none_is_refused(lef_file, old, new):
    with pytest.raises(BadInput, match=r"^LEF must"):
        lef.read_lef(lef_file(LEF.replace(old, new)))


def test_wires_have_the_capacitance_of_their_lengths(lef_file):
    text = """
NETS 1 ;
- a ( c0 A ) ( c1 A ) + ROUTED metal1 ( 0 0 ) ( 10000 * ) M2_M1
  NEW metal1 ( 10000 0 ) ( 4000 * ) ;
END NETS
"""
    wires = read_wires(text)["a"]
    assert (wires.lengths, wires.vias) == ({"metal1": 10.0}, 1)
    assert capacitance(wires, lef.read_lef(lef_file())) == pytest.approx(10 * (0.5 * 4e-5 + 2 * 8e-5))


def test_delay_of_a_tree_is_that_of_its_resistances_and_what_they_charge():
    # One ohm to a pin of 0.1 pF, and behind it two branches, of 2 and 4 ohm.
    (tree,) = read_trees("a 1 c0/Y 3 ( 1 0.2 c1/A , ( 2 0.4 c2/A ) , ( 4 0.8 c3/A ) ) \nb 1 c1/Y 0\n").values()
    assert [each.parent for each in tree] == [None, 0, 0]
    pins = {"c1/A": 0.1, "c2/A": 0.2, "c3/A": 0.3}
    stem = 1 * (0.1 + 0.1 + 0.6 + 1.1)
    found = arrival(tree, pins.get)
    assert (found.first, found.last) == (pytest.approx(stem), pytest.approx(stem + 4 * (0.4 + 0.3)))


def test_wires_of_a_tree_have_the_capacitance_of_their_net():
    (tree,) = read_trees("a 1 c0/Y 2 ( 1 0.2 c1/A , ( 2 0.6 c2/A ) )").values()
    assert [each.capacitance for each in scaled(tree, 1.6)] == pytest.approx([0.4, 1.2])


def test_delay_of_a_long_chain_is_found():
    count = 3000
    (tree,) = read_trees(f"clk 1 PIN/clk {count} {'( 1 0 c1/A ' * count}{') ' * count}").values()
    assert arrival(tree, lambda pin: 1.0).last == pytest.approx(count * (count + 1) / 2)


@pytest.mark.parametrize("segments, length", [
    ([((0, 0), (5, 0)), ((0, 0), (0, 5))], 10),
    ([((0, 0), (5, 0)), ((3, 0), (8, 0))], 8),
    ([((8, 0), (0, 0)), ((3, 0), (5, 0)), ((20, 0), (21, 0))], 9),
])
def test_what_lies_twice_counts_once(segments, length):
    assert covered(segments) == length


@pytest.mark.parametrize("wanted, widths, total, places", [
    ([0, 4], [2, 2], 10, [0, 4]), ([3, 4], [2, 2], 10, [3, 5]), ([8, 9], [2, 2], 10, [6, 8]),
    ([0, 0, 0], [3, 3, 3], 9, [0, 3, 6])])
def test_cells_of_a_row_do_not_overlap(wanted, widths, total, places):
    assert spread(wanted, widths, total) == places


def test_cells_move_to_where_their_nets_are_shorter():
    # Three rows of ten sites; c is far from a and from the point, and d has no net.
    places = {"a": (0, 0), "b": (0, 2), "c": (2, 8), "d": (1, 1)}
    moved = dict(places)
    refinement = Refinement(moved, {"a": 2, "b": 2, "c": 2, "d": 2}, 3, 10,
                            [(["a", "b"], []), (["a", "c"], [(5.0, 5.0)])], 1.0, 10.0)
    before = refinement.length()
    refinement.run()
    assert refinement.length() < before / 2 and moved["d"] == places["d"]
    taken = [(row, place + site) for row, place in moved.values() for site in range(2)]
    assert len(set(taken)) == 8 and all(row in range(3) and place in range(10) for row, place in taken)


def test_a_full_row_stays_as_it_is():
    places = {"a": (0, 0), "b": (0, 2)}
    Refinement(places, {"a": 2, "b": 2}, 1, 4, [(["a"], [(4.0, 5.0)])], 1.0, 10.0).run()
    assert places == {"a": (0, 0), "b": (0, 2)}


def test_places_are_those_of_graywolf():
    # Upright; upside down and mirrored; upside down.
    found = read_placement("c0 -240 0 -80 1000 0 1\ntwfeed1 -80 0 0 1000 0 1\nc1 -240 1000 -80 2000 3 2\n"
                           "c2 -80 1000 0 2000 1 2\ntwpin_a 80 400 160 500 0 -3\n")
    assert {name: (place.row, place.x, place.is_mirrored) for name, place in found.cells.items()} == {
        "c0": (0, -2.4, False), "c1": (1, -2.4, True), "c2": (1, -0.8, False)}
    assert (found.rows, found.is_first_upright, found.box) == (2, True, (-2.4, 0.0, 0.0, 20.0))
    assert found.pins["a"] == pytest.approx((1.2, 4.5))


def test_rules_are_counted_and_the_last_words_are_the_verdict():
    text = "x\nbitline rule: 3 Metal1 spacing < 0.3um\nbitline rule: 5 Metal2 width\nbitline places: 7\n"
    assert read_rules(text) == (7, {"Metal2 width": 5, "Metal1 spacing < 0.3um": 3})
    assert verdict("Result: Circuits match uniquely.\nResult: Netlists do not match.\n", "") == "Netlists do not match."
    assert verdict("", "") is None and verdict(f"Result: {MATCH}", "") is None


PORTS = """Subcircuit pins:
Circuit 1: INVX1                           |Circuit 2: INVX1
-------------------------------------------|-------------------------------------------
Y                                          |A **Mismatch**
---------------------------------------------------------------------------------------
Subcircuit pins:
Circuit 1: top                             |Circuit 2: top
-------------------------------------------|-------------------------------------------
{}---------------------------------------------------------------------------------------
Cell pin lists are equivalent.
"""


@pytest.mark.parametrize("ports, match", [
    ((("a", "a"), ("gnd", "gnd"), ("vdd", "vdd")), r"^Circuits match uniquely\.$"),
    ((("a", "b **Mismatch**"), ("b", "a **Mismatch**"), ("gnd", "gnd")),
     "^2 ports of 3 must match, and do not; the first: a in the layout, b in the netlist$"),
    ((("a", "a"), ("(no matching pin)", "b")), r"^1 port of 2 .*: \(no matching pin\) in the layout, b in the net"),
    ((("vdd", "gnd **Mismatch**"), ("gnd", "vdd **Mismatch**")), "^2 ports of 2 .*: vdd in the layout, gnd in"),
])
def test_ports_that_differ_are_a_mismatch(ports, match):
    table = "".join(f"{one:43}|{other:43}\n" for one, other in ports)
    assert re.search(match, verdict(f"Netlists match uniquely.\nResult: {MATCH}\nLVS Done.", PORTS.format(table)))


def test_a_comparison_without_a_verdict_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(lvs, "run_program", lambda *arguments: [
        (tmp_path / name).write_text("netgen gave up\n", encoding="utf-8") for name in ("lvs.out", "lvs.log")])
    with pytest.raises(FlowError, match=r"^netgen must compare layout and netlist, and does not \(in .*lvs.log\)$"):
        compare("top", "", tmp_path, tmp_path)


def test_capacitances_are_counted_at_both_ends():
    assert read_capacitances("* x\nC0 c1/A gnd 0.50fF\nC1 c1/A n2 1.5fF\nXc1 a b INV\n") == pytest.approx({
        "c1/A": 2e-3, "gnd": 0.5e-3, "n2": 1.5e-3})


def test_names_are_plain_and_ports_that_share_a_net_have_one_pin():
    inverter = type("Cell", (), {"name": "INV", "inputs": {"A": 0.1}})()
    netlist = Netlist("top", [Instance("a.b[0]", inverter, {"A": 2, "Y": 3}, "")],
                      {"x": (True, [2]), "y": (False, [3, 3, 1])}, 4)
    names = Names(netlist)
    assert names.cells == ["c0"] and names.nets == {0: "gnd", 1: "vdd", 2: "x", 3: "y_0"}
    assert names.left_out == ["y_1", "y_2"] and names.pins == {"x": 2, "y_0": 3}


@pytest.mark.parametrize("nets, table, expected", [
    # NAND of the constant 1 and a; three inputs of which one is 0 and two are one net.
    ([1, 2], 0b0111, (0b01, [2])), ([2, 0, 2], 0b11101000, (0b10, [2])), ([3, 2, 1], 0b10010110, (0b1001, [3, 2])),
])
def test_constant_inputs_are_taken_out_of_tables(nets, table, expected):
    assert restricted(table, nets) == expected


def test_cells_without_constants_compute_the_same(tmp_path):
    path = tmp_path / "tiny.lib"
    path.write_text(tiny_liberty(), encoding="utf-8")
    library = read_library([path])
    roles = find_roles(library)
    for cell in [cell for cell in library.usable if cell.tables]:
        outputs = {pin: 20 + index for index, pin in enumerate(cell.tables)}
        for known in itertools.product((0, 1, None), repeat=len(cell.inputs)):
            if None not in known or all(value is None for value in known):
                continue
            nets = [10 + index if value is None else value for index, value in enumerate(known)]
            whole = Netlist("top", [Instance("u", cell, {**dict(zip(cell.inputs, nets)), **outputs}, "b")], {}, 30)
            want = {net: restricted(cell.tables[pin], nets) for pin, net in outputs.items()}
            for pin, net in outputs.items():
                if len({want[net][0] >> place & 1 for place in range(1 << len(want[net][1]))}) == 1:
                    # A constant, which the netlist no longer has as an output.
                    del whole.instances[0].pins[pin], want[net]
            assert without_constants(whole, library, roles) == 1
            for place in range(1 << len(cell.inputs)):
                values = {net: place >> net - 10 & 1 for net in nets if net > 1}
                inputs = dict(values)
                for instance in whole.instances:
                    (output,) = instance.cell.tables
                    row = sum(values[instance.pins[pin]] << index for index, pin in enumerate(instance.cell.inputs))
                    values[instance.pins[output]] = instance.cell.tables[output] >> row & 1
                for net, (table, free) in want.items():
                    assert values[net] == table >> sum(inputs[each] << index for index, each in enumerate(free)) & 1


@pytest.fixture
def two_inverters(lef_file, tmp_path):
    """Lays out two inverters with programs in place of the tools, which are shell scripts by name; in a folder."""

    def run(seconds=60, **programs):
        path = tmp_path / "cells.lib"
        path.write_text(tiny_liberty(), encoding="utf-8")
        cell = read_library([path]).cells["INV"]
        netlist = Netlist("two", [Instance("a", cell, {"A": 2, "Y": 3}, ""), Instance("b", cell, {"A": 3, "Y": 4}, "")],
                          {"x": (True, [2]), "y": (False, [4])}, 5)
        tools = tmp_path / "tools"
        tools.mkdir()
        for name, script in programs.items():
            (tools / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            (tools / name).chmod(0o755)
        parameters = tmp_path / "graywolf.par"
        parameters.touch()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
            lay_out(netlist, "two", 0.7, tmp_path / "layout", seconds, lambda step, line: None,
                    TechnologyFiles(lef_file(), parameters, tmp_path, tmp_path))

    return run


@pytest.mark.parametrize("seconds, script, match", [
    (60, "exit 1", r"^graywolf must accept the design, and does not: no output"),
    (60, "exit 0", r"^graywolf must place the design"),
    (60, "echo c0 -80 -500 80 500 0 1 > two.pl1", r"^graywolf must place each cell, and does not place c1"),
    # What it has started must end with it: the pipe would stay open.
    (1, "sleep 300", r"must end within .* seconds, and does not .*--layout-minutes sets the limit"),
])
def test_a_tool_that_fails_is_said_in_one_line(two_inverters, seconds, script, match):
    with pytest.raises(FlowError, match=match) as error:
        two_inverters(seconds, graywolf=script)
    assert "\n" not in str(error.value)


PLACES = ("printf 'c0 -80 0 80 1000 0 1\\nc1 80 0 240 1000 0 1\\ntwpin_x -180 400 -100 500 7 -1\\n"
          "twpin_y 340 400 420 500 6 -2\\n' > two.pl1")


@pytest.mark.parametrize("script, match", [
    ("echo bitline failed nets: 0", r"^qrouter must route the design"),
    ("touch two_routed.def; echo bitline failed nets: 0", r"^qrouter must route the design"),
    ("touch two_routed.def two_routed.rc; echo bitline failed nets: 2", r"^qrouter must route all nets, and leaves 2"),
])
def test_nets_without_routes_are_no_layout(two_inverters, script, match):
    with pytest.raises(FlowError, match=match):
        two_inverters(graywolf=PLACES, qrouter=script)


def test_a_layout_is_refused_where_it_cannot_be_made(refused, tmp_path, monkeypatch):
    out = tmp_path / "out"
    refused("asic", "--rows", 2, "--columns", 1, "--layout", "--liberty", __file__, "--out", out,
            match="--layout must be of the cells of qflow-tech-osu018, and --liberty or --lef names others")
    monkeypatch.setattr(flow, "default_files", lambda: None)
    refused("asic", "--rows", 2, "--columns", 1, "--layout", "--out", out,
            match="qflow-tech-osu018 is not installed: apt-get install qflow-tech-osu018")
    assert not out.exists()
    monkeypatch.setattr(flow, "default_files", lambda: ())
    monkeypatch.setattr(flow.shutil, "which", lambda name: None if name == "qrouter" else name)
    with pytest.raises(FlowError, match=r"^qrouter not found: apt-get install qrouter$"):
        flow.check_tools(TechnologyFiles(magic=tmp_path))


def test_nothing_is_written_where_a_layout_fails(refused, tmp_path, monkeypatch):
    path = tmp_path / "tiny.lib"
    path.write_text(tiny_liberty(), encoding="utf-8")

    def fail(*arguments):
        raise FlowError("graywolf must place the design, and does not")

    monkeypatch.setattr(asic, "check_layout", lambda liberty, lef: None)
    monkeypatch.setattr(asic, "read_cells", lambda *arguments: (read_library([path]), "liberty"))
    monkeypatch.setattr(asic, "measure_layout", fail)
    out = tmp_path / "out"
    refused("asic", "--rows", 2, "--columns", 1, "--weight-bits", 2, "--input-bits", 2, "--vectors", 2, "--layout",
            "--out", out, "--build", tmp_path / "build",
            match=r"^bitline: graywolf must place the design, and does not$")
    assert not out.exists()


@pytest.mark.parametrize("wrong, matches, status", [(0, True, 0), (1, True, 1), (0, False, 1)])
def test_status_is_that_of_results_and_of_the_comparison(wrong, matches, status):
    right = {"results": {"wrong": 0}}
    layout = {"figures": {"results": {"wrong": wrong}}, "matches": matches}
    assert asic.status({"macro": right, "mac_array": right, "layout": layout}) == status
    assert asic.status({"macro": right, "mac_array": right}) == 0


def planted_faults_are_found(name, folder, planted, places):
    """In a layout that was made: two wires that are too close, pins in each other's place, one left out, supplies."""
    technology = TechnologyFiles()
    routed, text = ((folder / file).read_text(encoding="utf-8") for file in (f"{name}.def", "source.spice"))
    planted.mkdir()

    def write(changed):
        assert changed != routed
        (planted / f"{name}.def").write_text(changed, encoding="utf-8")

    wires = "\n  NEW metal4 ( 2000 30000 ) ( * 60000 )\n  NEW metal4 ( 2400 30000 ) ( * 60000 )"
    start = routed.index("+ ROUTED", routed.index("\nNETS "))
    end = start + re.search(r"\s;", routed[start:]).start()
    write(routed[:end] + wires + routed[end:])
    found, boxes = check_rules(name, technology.lef, technology.magic, planted)
    # The wires are long, so magic has several boxes for their one place.
    (close,) = [count for rule, count in boxes.items() if rule.startswith("Metal4 spacing")]
    assert found == places + 1 and close > 1

    def exchanged(one, other, pattern):
        return re.sub(pattern.format(f"({one}|{other})"),
                      lambda match: match[1] + (other if match[2] == one else one), routed)

    for changed, fault in (
            (exchanged("o_sum_x_0", "o_sum_x_1", r"(\n- ){}(?= \+ NET)"), "2 ports"),
            (exchanged("gnd", "vdd", r"(\n- |\( \* |\+ NET ){}(?= )"), "2 ports"),
            (re.sub(r"\n- o_sum_x_1 \+ NET[^;]*;", "", routed), "1 port")):
        write(changed)
        write_views(name, technology.lef, technology.magic, planted)
        assert compare(name, text, technology.netgen, planted).startswith(f"{fault} of ")


@pytest.mark.slow
@pytest.mark.needs("graywolf")
@pytest.mark.needs("qrouter")
@pytest.mark.needs("magic")
@pytest.mark.needs("netgen-lvs")
@pytest.mark.needs("klayout")
@pytest.mark.needs("qflow-tech-osu018")
def test_a_macro_is_laid_out(cli, tmp_path):
    out, build = tmp_path / "out", tmp_path / "build"
    status, output, errors = cli("asic", "--rows", 2, "--columns", 1, "--weight-bits", 2, "--input-bits", 2,
                                 "--vectors", 2, "--layout", "--out", out, "--build", build)
    assert (status, errors) == (0, ""), errors
    assert "layout against netlist: Circuits match uniquely." in output
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    layout, macro = report["layout"], report["macro"]
    assert layout["evidence"] == "layout" and layout["figures"]["results"] == macro["results"]
    assert layout["figures"]["cells"] == macro["cells"] and layout["figures"]["period_ns"] > 0
    assert 0.5 < layout["utilization"] < 0.75 and layout["die_um2"] > layout["rows_um2"] > macro["area_um2"]
    assert sum(layout["wire_um_by_layer"].values()) == pytest.approx(layout["wire_um"])
    pins = [figures["pj_per_mac_by_kind"]["pins"] for figures in (macro, layout["figures"])]
    assert pins[0] == pytest.approx(pins[1], rel=0.2)
    assert layout["figures"]["pj_per_mac_by_kind"]["wires"] > 0 < layout["wire_pf"]
    # Two ways to the same capacitances: lengths times what LEF says, and magic's with its own technology file.
    assert layout["extracted_pf"] == pytest.approx(layout["wire_pf"], rel=0.3)
    assert (out / "layout.gds").stat().st_size > 10_000 < (out / "layout.png").stat().st_size
    assert "<h2>Layout</h2>" in (out / "report.html").read_text(encoding="utf-8")
    # Two pins in each other's place are another netlist.
    (folder,) = build.glob("*/layout")
    (spice,) = folder.glob("bitline_*.spice")
    clock = layout["clock_net"]
    assert clock["elmore_latency_ps"] >= clock["elmore_skew_ps"] > layout["greatest_elmore_ps"] > 0
    trees = read_trees((folder / f"{spice.stem}_routed.rc").read_text(encoding="utf-8"))
    assert 0.9 * layout["nets_routed"] < len(trees) == layout["nets_with_elmore"]
    assert sum(len(each.pins) for each in trees["clk"]) == clock["pins"]
    planted_faults_are_found(spice.stem, folder, tmp_path / "planted", layout["design_rule_places"])
    lines = (folder / "source.spice").read_text(encoding="utf-8").splitlines()
    place = next(index for index, line in enumerate(lines) if line.startswith("X") and line.endswith(" DFFPOSX1"))
    name, *nets, kind = lines[place].split()
    pins = next(line for line in lines if line.startswith(".subckt DFFPOSX1")).split()[2:]
    one, two = pins.index("CLK"), pins.index("D")
    nets[one], nets[two] = nets[two], nets[one]
    lines[place] = " ".join([name, *nets, kind])
    assert compare(spice.stem, "\n".join(lines), TechnologyFiles().netgen, folder) != MATCH
