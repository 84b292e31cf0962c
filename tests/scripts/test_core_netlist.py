"""Netlists of small cores after synthesis do what the cores do, by the same testbenches."""

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.emit import emit
from bitline.scripts.fpga.flow import synthesize
from bitline.scripts.fpga.netlist import Implementation, drive_open_pins, model
from netlists import flip
from testbench_runs import run
from testbench_tests import number_of_tests

# Of a core with AXI, and of the others, whose masters have no channels that pause.
TESTBENCHES = ("tb_core", "tb_core_races", "tb_core_interlocks", "tb_core_status", "tb_core_mixed", "tb_registers")
CORES = {
    "requantized": CoreConfig(macro=MacroConfig(rows=3, columns=2, banks=2, max_accumulations=2),
                              input_stream_bits=32, weight_stream_bits=32, output_stream_bits=32),
    "tables": CoreConfig(macro=MacroConfig(rows=5, columns=2, banks=2, max_accumulations=2, column="table"),
                         output="int32", input_stream_bits=32, weight_stream_bits=32, output_stream_bits=32),
    "wishbone": CoreConfig(macro=MacroConfig(rows=4, columns=2, banks=2), output="int32", bus="wishbone",
                           input_stream_bits=32, weight_stream_bits=32, output_stream_bits=32),
    "asynchronous": CoreConfig(macro=MacroConfig(rows=3, columns=2, weight_bits=3, input_bits=3), output="int32",
                               reset="asynchronous", input_stream_bits=32, weight_stream_bits=32,
                               output_stream_bits=32),
}
# Each core on one family or two, and each family, as all of them take half an hour. Of what the RTL does by all
# testbenches, one netlist does it by all, and the others by those that compute and use every register.
ALL, MOST = dict.fromkeys(TESTBENCHES), dict.fromkeys(("tb_core", "tb_registers"))
RUNS = [("requantized", Implementation("ecp5", open_pins="0"), ALL), ("requantized", Implementation("gowin"), MOST),
        ("tables", Implementation("ecp5", open_pins="1"), MOST),
        ("wishbone", Implementation("ice40"), {"tb_bus": None, "tb_core": "(extremes|self_test)"}),
        ("asynchronous", Implementation("ecp5", open_pins="0"), MOST)]


@pytest.fixture
def folder(request):
    """Netlists stay here from run to run, below the repository: YoWASP sees no temporary folders."""
    return request.config.rootpath / "build" / "sim"


@pytest.mark.slow
@pytest.mark.parametrize("core, implementation, testbenches", RUNS,
                         ids=[f"{core}-{implementation.name}" for core, implementation, _ in RUNS])
def test_netlist_of_a_core_does_what_the_model_does(core, implementation, testbenches, folder, tmp_path):
    config = CORES[core]
    verilog = implementation.verilog(config, folder)
    for testbench, test in testbenches.items():
        count = test.count("|") + 1 if test else number_of_tests(testbench)
        assert run(config, testbench, tmp_path, verilog=verilog, test=test) == ([], count), testbench


@pytest.mark.slow
@pytest.mark.parametrize("family", ["ecp5", "ice40", "gowin"])
def test_one_wrong_bit_of_a_core_is_noticed(family, folder, tmp_path):
    # The core is mapped as one, so a cell has the name of some block that it is connected with.
    config, work, cells = CORES["asynchronous"], folder / "core_mutants" / family, "core.packer.fifo"
    fabric = "ecp5" if family == "ecp5" else "generic"
    netlist = synthesize({"core.v": emit(config, fabric)}, config.name, family, work, pads=False)
    drive_open_pins(work / "netlist.json", "0")
    flip(netlist, cells, 0)
    verilog = model(family, config.name, work, "read_json netlist.json")
    failed, count = run(config, "tb_core", tmp_path, verilog=verilog)
    assert failed and count == number_of_tests("tb_core")
