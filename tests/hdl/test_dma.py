"""The DMA of a core: transfers, errors of memory, rate."""

import subprocess

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.core.top import core_ports
from bitline.hdl.emit import emit
from bitline.verif.sim.simulators import tool_environment
from breaking import broken
from some import some
from testbench_runs import run
from testbench_tests import number_of_tests

CONFIG = CoreConfig(macro=MacroConfig(rows=11, columns=5, banks=2, max_accumulations=3), dma=32)
CONFIGS = [
    CONFIG,
    CoreConfig(macro=MacroConfig(rows=11, columns=5, banks=2, input_bits=5), dma=64, bus="apb", output="int16",
               input_stream_bits=32, weight_stream_bits=32, output_stream_bits=32),
    CoreConfig(macro=MacroConfig(rows=7, columns=9, banks=3, column="table"), dma=64, bus="wishbone", output="int32",
               input_stream_bits=128, weight_stream_bits=128, output_stream_bits=128, reset="asynchronous"),
    CoreConfig(macro=MacroConfig(rows=6, columns=4, banks=2), dma=32, checksum=True),
]
# Those that take long, or whose faults the seeded bugs below show by other tests, only with --all.
TESTS = ["transfers", "reads_that_fail", "stopped", "last_writes_that_fail"]
BUGS = {
    "beyond 4 KiB": ("dma_vectors", "5'h10 - first[3:0]", "5'h10 - 4'h0", "transfers"),
    "results beyond 4 KiB": ("dma_results", "5'h10 - first[3:0]", "5'h10 - 4'h0", "transfers"),
    "identifier": ("dma", "else if (picked) m_axi__arid <= %1;", "else if (picked) m_axi__arid <= 1'b0;",
                   "weights_beside_vectors"),
    "error of memory": ("axi_faults", "assign wrong = %1;", "assign wrong = 1'b0;", "reads_that_fail"),
    "failure of a transfer": ("dma_results", "assign control__failed = %1;", "assign control__failed = 1'b0;",
                              "last_writes_that_fail"),
    "beats of the next vector": ("vectors_assembler", "assign s__ready = %1 | %2;", "assign s__ready = %2;",
                                 "stopped_while_the_core_is_full"),
    "end of a transfer that waits": ("loader", "s__ready_and_Y_B = %1 | %2;", "s__ready_and_Y_B = %1;",
                                     "weights_of_a_bank_in_use"),
    "rows on their way": ("core", "weights_busy__data = %1 | storing_and_A_Y;", "weights_busy__data = %1;",
                          "weights_of_a_bank_in_use"),
    "target that changes": ("core", "dma__weights__active_or_B_Y = %1 | dma__weights__active;",
                            "dma__weights__active_or_B_Y = %1;", "target_of_a_load"),
    "command to stop": ("dma_results", "= control__late_or_B_Y | control__cancel;", "= control__late_or_B_Y;",
                        "stopped"),
    "late": ("axi_faults", "assign late = %1;", "assign late = 1'b0;", "memory_that_does_not_answer"),
    "offer that is taken back": ("dma", "if (m_axi__arready_or_B_Y) m_axi__arvalid <= picked;",
                                 "if (1'b1) m_axi__arvalid <= picked;", "transfers"),
}


@pytest.mark.parametrize("config", some(CONFIGS, 0), ids=lambda config: config.name)
def test_transfers(config, tmp_path):
    """In one run, those tests that are short."""
    assert run(config, "tb_dma", tmp_path, test=f"({'|'.join(TESTS)})") == ([], len(TESTS))


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS[1:2], ids=lambda config: config.name)
def test_every_test_passes(config, tmp_path):
    assert run(config, "tb_dma", tmp_path) == ([], number_of_tests("tb_dma"))


@pytest.mark.slow
def test_a_large_core_keeps_its_rate_with_a_slow_memory(tmp_path):
    config = CoreConfig(macro=MacroConfig(rows=32, columns=32, banks=2), dma=32)
    assert run(config, "tb_dma", tmp_path, test="rate") == ([], 1)


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_testbench_notices_a_seeded_bug(bug, tmp_path):
    *change, test = BUGS[bug]
    assert run(CONFIG, "tb_dma", tmp_path, verilog=broken(CONFIG, *change), test=test) == ([test], 1)


@pytest.mark.parametrize("config", some(CONFIGS, 0), ids=lambda config: config.name)
def test_lint_clean(config, tmp_path):
    path = tmp_path / "core.v"
    path.write_text(emit(config), encoding="utf-8")
    with tool_environment():
        done = subprocess.run(["verilator", "--lint-only", "-Wall", "--top-module", config.name, str(path)],
                              capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_dma_takes_the_place_of_the_streams():
    names = {port.name for port in core_ports(CONFIG)}
    assert not any("axis" in name for name in names) and {"m_axi_araddr", "m_axi_wdata", "m_axi_bready"} <= names


def test_a_core_without_a_dma_keeps_its_name():
    assert CoreConfig(macro=MacroConfig(rows=16, columns=16, banks=2)).name == "bitline_core_16x16_w8x8_d66d5e8a"


def test_wrong_widths_are_refused():
    with pytest.raises(ValueError, match=r"^input_stream_bits, .* must be the same with dma, not 64, 64, 32$"):
        CoreConfig(macro=CONFIG.macro, dma=32, output_stream_bits=32)
    with pytest.raises(ValueError, match=r"^dma must be one of 0, 32, 64, not 40$"):
        CoreConfig(macro=CONFIG.macro, dma=40)
