import shutil

import pytest
from bitline.hdl.config import MacroConfig
from bitline.hdl.emit import emit
from bitline.scripts.commands.regress import NETLIST_SUITE, command_of
from bitline.scripts.fpga.flow import DEVICES, FlowError, synthesize
from bitline.scripts.fpga.netlist import Implementation, drive_open_pins, model, pins_of
from bitline.scripts.fpga.unpack_bitstream import constrain
from bitline.verif.macro.regression import Job, run_job
from netlists import flip
from some import some
from testbench_tests import number_of_tests

CONFIG, TABLE = NETLIST_SUITE
SIMULATOR = "verilator"

needs_icebox = pytest.mark.needs("icebox_vlog")


@pytest.fixture
def build(request):
    """Netlists and simulations stay here from run to run, below the repository: YoWASP sees no temporary folders."""
    return request.config.rootpath / "build" / "sim"


def assert_passes(job):
    failed, count, reason = run_job(job)
    assert (failed, count, reason) == ([], number_of_tests("tb_macro"), None)


IMPLEMENTATIONS = [
    Implementation("ecp5", open_pins="0"),
    Implementation("ecp5", open_pins="1"),
    Implementation("ice40"),
    Implementation("gowin"),
]


@pytest.mark.parametrize("implementation, config", [
    *some([(implementation, TABLE) for implementation in IMPLEMENTATIONS], 1),
    *some([(implementation, CONFIG) for implementation in IMPLEMENTATIONS], 2, 3),
    *(pytest.param(Implementation("ice40", "bitstream"), config, marks=needs_icebox) for config in NETLIST_SUITE),
], ids=lambda value: value.name if isinstance(value, Implementation) else value.column)
def test_netlist_does_what_the_rtl_does(build, tmp_path, config, implementation):
    assert_passes(Job(config, SIMULATOR, 1, build, tmp_path, netlist=implementation))


@pytest.mark.slow
def test_bitstream_of_gowin_does_what_the_rtl_does(build, tmp_path):
    assert_passes(Job(CONFIG, SIMULATOR, 1, build, tmp_path, netlist=Implementation("gowin", "bitstream")))


def test_bitstream_of_gowin_with_tables_is_refused(tmp_path):
    with pytest.raises(FlowError, match="must have no tables in LUT-RAM to be read back from a bitstream of gowin"):
        Implementation("gowin", "bitstream").verilog(TABLE, tmp_path)


@pytest.mark.parametrize("parameters", [
    {"rows": 5, "columns": 2, "weight_bits": 3, "input_bits": 3, "banks": 3},
    {"rows": 13, "columns": 3, "weight_bits": 5, "input_bits": 3, "banks": 2, "max_accumulations": 3,
     "column": "table"},
    {"rows": 20, "columns": 4, "weight_bits": 4, "input_bits": 3, "column": "table", "block_ram_columns": 4},
], ids=("bitcells in LUTs", "tables in LUTs", "tables in block RAM"))
@pytest.mark.slow
def test_memories_of_ecp5_do_what_the_rtl_does(build, tmp_path, parameters):
    assert_passes(Job(MacroConfig(**parameters), SIMULATOR, 1, build, tmp_path, netlist=Implementation("ecp5")))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ecp5", "ice40", "gowin"])
def test_one_wrong_bit_of_a_lut_is_noticed(build, tmp_path, family):
    folder = build / "mutants" / family
    netlist = synthesize({"macro.v": emit(CONFIG)}, CONFIG.name, family, folder, pads=False)
    drive_open_pins(folder / "netlist.json", "1")
    job = Job(CONFIG, SIMULATOR, 1, build, tmp_path, verilog=tmp_path / "netlist.v")
    job.verilog.write_text(model(family, CONFIG.name, folder, "read_json netlist.json"), encoding="utf-8")
    assert_passes(job)
    flip(netlist, "block_0", 0)
    job.verilog.write_text(model(family, CONFIG.name, folder, "read_json netlist.json"), encoding="utf-8")
    failed, count, _ = run_job(job)
    assert failed and count == number_of_tests("tb_macro")


def test_command_reproduces_one_run(cli, tmp_path):
    job = Job(CONFIG, SIMULATOR, 5, tmp_path, tmp_path, netlist=Implementation("ecp5", open_pins="1"))
    assert command_of(job).endswith("--seed 5 --netlist ecp5 --open-pins 1")
    status, output, _ = cli(*command_of(job).split()[1:], "--out", tmp_path / "out", "--jobs", 1, "--test", "extremes")
    assert status == 0 and "1 run of 1 build, 1 test, 0 failures" in output


@pytest.mark.slow
def test_both_values_of_open_pins_by_default(cli, tmp_path):
    status, output, _ = cli("regress", "--netlist", "ecp5", "--simulator", SIMULATOR, "--test", "extremes", "--jobs", 1,
                            "--out", tmp_path / "out")
    assert status == 0 and "4 runs of 4 builds, 4 tests, 0 failures" in output


def test_more_ports_than_pins():
    pins = pins_of(MacroConfig(rows=8, columns=4))
    with pytest.raises(FlowError, match=r"must have at most 54 pins \(GW1NR-9C\), not \d+"):
        constrain(DEVICES["GW1NR-9C"], pins)


NOT_READABLE = "--stage bitstream must come with --netlist ice40 or gowin, not ecp5"


def test_wrong_options_are_refused(refused, monkeypatch):
    macro = ("--rows", 1, "--columns", 1)
    refused("regress", "--stage", "bitstream", match="--stage must come with --netlist, and bitstream does not")
    refused("regress", "--netlist", "ecp5", "--stage", "bitstream", match=NOT_READABLE)
    refused("demo", "--netlist", "ecp5", "--stage", "bitstream", match=NOT_READABLE)
    refused("regress", "--netlist", "ice40", "--open-pins", "1", match="must come with --netlist ecp5, not ice40")
    refused("regress", *macro, "--netlist", "ice40", "--verilog", __file__, match="must come without --verilog")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    refused("demo", "--netlist", "ice40", "--stage", "bitstream", match="icebox_vlog not found: apt-get install")
