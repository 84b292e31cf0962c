import json
import os
import re
import subprocess
import sys

import pytest
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.csr.register_map import CORE_ERRORS
from bitline.hdl.emit import FABRICS, emit, run_yosys
from bitline.scripts.integration.cell_models import cell_models
from bitline.scripts.mutation.designs import CoreDesign
from bitline.verif.sim.simulators import tool_environment
from breaking import broken, broken_by_number
from places import ROOT
from some import some
from testbench_runs import run
from testbench_tests import number_of_tests

CONFIG = CoreConfig(macro=MacroConfig(rows=8, columns=4, banks=2, max_accumulations=3), input_stream_bits=32)
CONFIGS = [CONFIG, *(CoreConfig(macro=MacroConfig(**macro), **core) for macro, core in (
    ({"rows": 6, "columns": 7, "banks": 3, "max_accumulations": 3, "input_bits": 5, "weight_bits": 5},
     {"output": "int16", "input_stream_bits": 32, "weight_stream_bits": 32, "output_stream_bits": 32}),
    ({"rows": 5, "columns": 3, "max_accumulations": 2, "input_bits": 12, "weight_bits": 12},
     {"output": "int32", "input_stream_bits": 128, "weight_stream_bits": 32, "reset": "asynchronous"}),
    ({"rows": 11, "columns": 5, "banks": 2, "max_accumulations": 2, "column": "table", "result_interval": 4},
     {"output_stream_bits": 32}),
    ({"rows": 1, "columns": 1, "weight_bits": 1, "input_bits": 1}, {}),
    ({"rows": 7, "columns": 5, "banks": 2, "max_accumulations": 2, "weight_bits": 3, "result_interval": 4},
     {"checksum": True}),
    ({"rows": 6, "columns": 3, "banks": 2, "max_accumulations": 2, "column": "table", "result_interval": 2},
     {"checksum": True, "output": "int32", "weight_stream_bits": 32}),
))]
OTHER_BUSES = [CoreConfig(macro=CONFIG.macro, bus=bus) for bus in ("wishbone", "apb")]
# Its sums of a row take longest of what a row waits for.
CHECKED = CoreConfig(macro=MacroConfig(rows=2, columns=65, weight_bits=1, input_bits=1), checksum=True)
SIMULATORS = ("verilator", pytest.param("icarus", marks=pytest.mark.needs("iverilog")))
TESTBENCHES = ("tb_core", "tb_core_races", "tb_core_interlocks", "tb_core_status", "tb_core_mixed", "tb_registers")


def test_mutants_meet_the_same_testbenches():
    assert set(TESTBENCHES) == set(CoreDesign(CONFIG).testbenches) - {"tb_core_march", "tb_core_inside"}


def test_some_configuration_has_what_a_testbench_passes_over():
    assert any(config.requantizes and config.vector_bytes > config.input_stream_bits // 8
               and config.row_bytes > config.weight_stream_bits // 8 for config in CONFIGS)


@pytest.mark.parametrize("config, testbench", some(
    [(config, testbench) for config in CONFIGS for testbench in TESTBENCHES], *range(len(TESTBENCHES)),
    3 * len(TESTBENCHES)), ids=lambda value: getattr(value, "name", value))
def test_core_does_what_the_model_does(config, testbench, tmp_path):
    assert run(config, testbench, tmp_path) == ([], number_of_tests(testbench))


# Icarus takes many times as long: one core does everything there, and each computes there, and leaves resets.
@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("testbench", TESTBENCHES)
def test_a_core_does_what_the_model_does_on_icarus(testbench, tmp_path):
    assert run(CONFIG, testbench, tmp_path, simulator="icarus") == ([], number_of_tests(testbench))


@pytest.mark.needs("iverilog")
@pytest.mark.parametrize("config", CONFIGS[1:], ids=lambda config: config.name)
def test_each_core_computes_on_icarus(config, tmp_path):
    assert run(config, "tb_core", tmp_path, simulator="icarus", test="(random_traffic|reset_in_flight)") == ([], 2)


@pytest.mark.parametrize("config", OTHER_BUSES, ids=lambda config: config.bus)
@pytest.mark.parametrize("simulator", SIMULATORS)
def test_other_buses(simulator, config, tmp_path):
    assert run(config, "tb_bus", tmp_path, simulator=simulator) == ([], number_of_tests("tb_bus"))


@pytest.mark.parametrize("config, old, new", some([
    (OTHER_BUSES[0], "assign err = %1 & bus__refused", "assign err = %1 & 1'b0"),
    (OTHER_BUSES[0], "bus__enable = %1 & %2;", "bus__enable = %1;"),
    (OTHER_BUSES[1], "assign bus__enable = psel & %1;", "assign bus__enable = psel;"),
    (OTHER_BUSES[1], "assign pslverr = %1 & bus__refused", "assign pslverr = %1"),
]))
def test_testbench_notices_a_broken_bus(config, old, new, tmp_path):
    failed, _ = run(config, "tb_bus", tmp_path, verilog=broken(config, "front", old, new))
    assert "bus" in failed


@pytest.mark.parametrize("config, old, new", some([
    (OTHER_BUSES[0], "= cyc & stb;", "= stb;"),
    (OTHER_BUSES[1], "= psel & penable;", "= penable;"),
    (OTHER_BUSES[1], "= psel & penable;", "= psel;"),
]))
def test_testbench_notices_an_answer_that_nobody_asks_for(config, old, new, tmp_path):
    failed, _ = run(config, "tb_bus", tmp_path, verilog=broken(config, "front", old, new))
    assert "given_up" in failed


@pytest.mark.slow
def test_testbench_notices_an_error_that_is_known_a_cycle_late(tmp_path):
    verilog = broken(OTHER_BUSES[0], "errors", "  assign first_found = %1;",
                     "  reg [3:0] late;\n  always @(posedge clk) late <= %1;\n  assign first_found = late;")
    test = "errors_are_known_at_once"
    assert run(OTHER_BUSES[0], "tb_bus", tmp_path, verilog=verilog, test=test) == ([test], 1)


@pytest.mark.parametrize("block, old, new, test", some([
    ("loader", ".withdraw(restart)", ".withdraw(1'b0)",
     "words_that_wait_are_dropped_by_a_write_of_load"),
]))
def test_testbench_notices_a_broken_load(block, old, new, test, tmp_path):
    verilog = broken(CONFIG, block, old, new)
    assert run(CONFIG, "tb_core_interlocks", tmp_path, verilog=verilog, test=test) == ([test], 1)


def test_nothing_is_late_for_a_bus_that_is_fast(tmp_path):
    assert run(OTHER_BUSES[0], "tb_core_races", tmp_path, test="commands_in_a_march") == ([], 1)


@pytest.mark.slow
def test_many_cycles_of_random_traffic(tmp_path):
    assert run(CONFIG, "tb_core", tmp_path, test="random_traffic", BITLINE_CYCLES="200000") == ([], 1)


@pytest.mark.slow
def test_rate_and_reload(tmp_path):
    config = CoreConfig(macro=MacroConfig(rows=64, columns=64, banks=2))
    path = tmp_path / "figures.json"
    assert run(config, "tb_core_rate", tmp_path, BITLINE_VECTORS="1000", BITLINE_FIGURES=str(path)) == ([], 1)
    figures = json.loads(path.read_text(encoding="utf-8"))
    assert figures["efficiency"] >= 0.99 and figures["reload_cost"] <= 0.01


LANES = CoreConfig(macro=MacroConfig(rows=3, columns=5, banks=2, weight_bits=3, input_bits=3), output="int16",
                   output_stream_bits=32)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_marches_do_every_operation_in_order(simulator, tmp_path):
    assert LANES.lanes > 1
    assert run(LANES, "tb_core_march", tmp_path, simulator=simulator, inside=True) == ([], 2)


@pytest.mark.slow
def test_testbench_notices_a_march_with_another_background(tmp_path):
    verilog = broken(LANES, "self_test", "assign load__payload = ", "assign load__payload = 4 ^ ")
    assert run(LANES, "tb_core_march", tmp_path, verilog=verilog, inside=True) == (["march"], 2)


@pytest.mark.parametrize("config", some([CONFIG, *CONFIGS[1:3], CONFIGS[5], CHECKED], 0),
                         ids=lambda config: config.name)
def test_programs_take_as_long_as_the_model_says(config, tmp_path):
    assert run(config, "tb_core_march", tmp_path, test="durations") == ([], 1)


@pytest.mark.parametrize("simulator, config", [
    *some([("verilator", each) for each in (LANES, CONFIG, CONFIGS[5])], 0),
    pytest.param("icarus", LANES, marks=pytest.mark.needs("iverilog"))],
    ids=lambda value: getattr(value, "name", value))
def test_faulty_cells_are_named_and_counters_wrap(simulator, config, tmp_path):
    assert run(config, "tb_core_inside", tmp_path, simulator=simulator, inside=True) == (
        [], number_of_tests("tb_core_inside"))


@pytest.mark.parametrize("block, old, new", some([
    ("adder_tree", "= $signed(level2_0_0) + $signed(level2_0_1)", "= $signed(level2_0_0) | $signed(level2_0_1)"),
    ("accumulator", "shift_q ? ", "1'b0 ? "),
    ("accumulator", "flip_q <= flip", "flip_q <= 1'b0"),
], 0), ids=["adder tree", "accumulator", "sign"])
def test_known_answers_find_wrong_sums_that_marches_do_not(block, old, new, tmp_path):
    assert run(CONFIG, "tb_core_known_answers", tmp_path, verilog=broken(CONFIG, block, old, new)) == ([], 1)


def test_example_of_the_documents_runs(tmp_path):
    text = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
    example = text[text.index("## A worked example"):text.index("## On each bus")]
    steps = re.findall(r"^\| [^|]+ \| `(\w+)` \| `([^`]+)` \|$", example, re.MULTILINE)
    assert len(steps) == 10
    options = re.search(r"bitline generate --core --rows (\d+) --columns (\d+) --out", example)
    config = CoreConfig(macro=MacroConfig(rows=int(options[1]), columns=int(options[2])))
    assert run(config, "tb_core_example", tmp_path, BITLINE_STEPS=json.dumps(steps)) == ([], 1)
    wrong = [*steps[:-1], ("m_axis", "09 05")]
    assert run(config, "tb_core_example", tmp_path, BITLINE_STEPS=json.dumps(wrong)) == (["example"], 1)


def test_errors_of_the_documents_are_those_of_the_table():
    text = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `(\w+)` \| (.+) \|$", text, re.MULTILINE)
    assert rows == [(str(code.value), code.name, meaning) for code, meaning in CORE_ERRORS.items() if code]


NAMED = [*CONFIGS, *OTHER_BUSES, CoreConfig(macro=MacroConfig(rows=64, columns=64, banks=2, max_accumulations=4))]


@pytest.mark.parametrize("config, fabric", some([
    *((config, "generic") for config in NAMED), *((config, "ecp5") for config in CONFIGS)], 0, 2, 3, 7, 8, 13),
    ids=lambda value: getattr(value, "name", value))
def test_lint_clean(config, fabric, tmp_path):
    path, text = tmp_path / "core.v", emit(config, fabric)
    path.write_text("\n".join([text, *cell_models(fabric).values()]), encoding="utf-8")
    with tool_environment():
        done = subprocess.run(["verilator", "--lint-only", "-Wall", "--top-module", config.name, str(path)],
                              capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr
    # A synthesizer knows the cells.
    run_yosys(f"{FABRICS[fabric]}read_verilog <<verilog\n{text}\nverilog\n"
              f"hierarchy -check -top {config.name}\nproc\ncheck -assert\n")


@pytest.mark.parametrize("seed", some(["1", "2"], 0))
def test_same_bytes_every_time(seed):
    code = ("from bitline.hdl.config import CoreConfig; from bitline.hdl.emit import emit\n"
            f"print(emit(CoreConfig.from_json({CONFIG.to_json()!r})), end='')")
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed},
                          capture_output=True, check=True, text=True)
    assert done.stdout == emit(CONFIG)


# A block, a piece of its Verilog with an expression ``%1``, what takes its place, and which test notices.
MUTATIONS = {
    "vector that is too long": ("vectors_assembler", "assign faults__long = %1;", "1'b0", "vector_faults"),
    "vector that is too short": ("vectors_assembler", "assign faults__short = %1;", "1'b0", "vector_faults"),
    "accumulation with a faulty vector": ("vectors", "assign tag_wanted = %2 & %1;", "1'b1", "vector_faults"),
    "accumulate": ("vectors", "offered <= { %1,", "~%1", "random_traffic"),
    "load that goes on": ("loader", "assign assembler__full = %1;", "1'b0", "load_faults"),
    "words": ("loader", "if (%2) gathered_1 <= %1;", "~%1", "words"),
    "lock of the stream": ("loader", ".refuse(%1)", "1'b0", "lock"),
    "rounding": ("lane", "inside_ <= %1;", "8'd1 + %1", "random_traffic"),
    "clamp": ("lane", "above <= %1;", "1'b0", "extremes"),
    "set of parameters": ("requantizer", "last_set_1 <= %1;", "~%1", "random_traffic"),
    "keep of the last beat": ("packer", "assign o__payload_keep = %2 ? %1 : 8'hff;", "8'h07", "random_traffic"),
    "space": ("packer", "else i__space <= %1;", "1'b1", "random_traffic"),
    "write one to clear": ("registers", "else interrupt_status__error__data <= %1;", "1'b0", "zeroize"),
    "interrupt enable": ("registers", "assign %2 = interrupt_status__result__data & %1;", "1'b1", "counters"),
    "plane mask": ("drivers", "if (load) differs_7 <= %1;", "1'b1", "planes_that_do_not_matter_take_no_cycle"),
    "planes skipped": ("performance", "if (%2) planes_skipped <= %1;", "32'd1", "counters"),
}


# The same of what meets at the wrong moment, of what is in use, and of what the core tells of itself.
TESTS = {
    "tb_core_races": ("packets_wait_for_a_march", "march_in_an_accumulation", "accumulate_written_in_a_vector",
                      "zeroize_is_not_blocked", "load_while_a_packet_begins", "commands_in_a_march",
                      "zeroize_waits_for_rows_on_their_way"),
    "tb_core_interlocks": ("load_is_busy_while_a_packet_waits", "rows_wait_for_a_vector_that_is_offered",
                           "rows_wait_for_their_bank", "parameters_wait_for_their_set", "load_is_busy_within_a_packet",
                           "words_are_busy_until_their_beat_is_taken"),
    "tb_core_status": ("stalls_are_counted", "index_tells_what_comes_next", "each_event_is_its_own",
                       "a_packet_that_is_cut_off_is_not_loaded"),
    "tb_core_march": ("durations",),
    "tb_registers": ("independent_channels",),
}
MUTATIONS |= {
    "stream after a march": ("self_test", "else ended <= %1;", "1'b0", "packets_wait_for_a_march"),
    "march in an accumulation": ("core", ".no_accumulate(%1)", "1'b0", "march_in_an_accumulation"),
    "accumulate written in a vector": ("vectors", "else if (restart) late <= %1;", "1'b0",
                                       "accumulate_written_in_a_vector"),
    "stream that holds zeroize up": ("core", ".flush(%1),\n    .i__payload(vectors__", "1'b0",
                                     "zeroize_is_not_blocked"),
    "bank in use": ("controller", "assign write_ready = %1;", "1'b1", "rows_wait_for_their_bank"),
    "set in use": ("core", ".set_used(%1),\n    .target(", "2'h0", "parameters_wait_for_their_set"),
    "offset in use": ("core", ".offset_0__busy(%1)", "1'b0", "parameters_wait_for_their_set"),
    "clamp in use": ("core", ".clamp_1__busy(%1)", "1'b0", "parameters_wait_for_their_set"),
    "target in use": ("core", ".load__busy(%1)", "1'b0", "load_is_busy_within_a_packet"),
    "words in use": ("core", ".load_data__busy(%1)", "1'b0", "words_are_busy_until_their_beat_is_taken"),
    "loading": ("core", ".status__loading__data(%1)", "s_axis_w__valid", "load_is_busy_within_a_packet"),
    "set that is told": ("core", ".status__set_used__data(%1)", "2'h0", "parameters_wait_for_their_set"),
    "read while a response waits": ("front", "assign bus__enable = %1;", "(%1) & ~bvalid", "independent_channels"),
    "write while a response waits": ("front", "assign bus__write = %1;", "(%1) & ~rvalid", "independent_channels"),
    "response of another access": ("front", "else if (%1) bresp <= ", "bus__done", "independent_channels"),
    "input stalls": ("core", ".input_stall(%1)", "s_axis__valid", "stalls_are_counted"),
    "output stalls": ("core", ".output_stall(%1)", "m_axis__valid", "stalls_are_counted"),
    "index": ("core", ".load_index__index__data(%1)", "%1 + 11'd1", "index_tells_what_comes_next"),
    "loaded": ("core", ".interrupt_status__loaded__set(%1)", "loader__loaded", "each_event_is_its_own"),
    "finished": ("core", ".interrupt_status__finished__set(%1)", "1'b0", "each_event_is_its_own"),
}


# With each term that makes up for a register between blocks: of each configuration one build.
WRITING = "load__writing_sdff_Q_D"
BROKEN = ((CONFIG, MUTATIONS | {
    "packet that begins": ("core", "_Y_or_B_Y = s_axis_w__valid_and_A_Y_or_B_A | %1;", "1'b0",
                           "load_while_a_packet_begins"),
    "write that will decide": ("registers", f"{WRITING}_or_Y_A_or_Y_A = %1;", "1'b0", "load_while_a_packet_begins"),
    "write that decides": ("registers", f"{WRITING}_or_Y_A = {WRITING}_or_Y_A_or_Y_A | %1;", "1'b0",
                           "load_while_a_packet_begins"),
    "write that was decided": ("registers", f"{WRITING} = {WRITING}_or_Y_A | %1;", "1'b0",
                               "load_while_a_packet_begins"),
    "row that waits": ("core", "_Y_or_B_A = loader__within | %1;", "1'b0", "load_is_busy_while_a_packet_waits"),
    "vector that is offered": ("core", "assign loader__held = %1;", "1'b0", "rows_wait_for_a_vector_that_is_offered"),
    "row of words": ("loader", "assign word_ready = word_ready_and_Y_A & %1;", "1'b1",
                     "words_are_busy_until_their_beat_is_taken"),
    "load in a march": ("core", "load__busy_sdff_Q_D = s_axis_w__valid_and_A_Y_or_B_Y | %1;", "1'b0",
                        "commands_in_a_march"),
}), (OTHER_BUSES[0], {
    "load after a start": ("core", "load__busy_sdff_Q_D = s_axis_w__valid_and_A_Y_or_B_Y | %1;",
                           "registers__control__busy", "commands_in_a_march"),
    "word after a start": ("core", "load_data__busy_sdff_Q_D = registers__load_data__busy_sdff_Q_D_or_Y_A | %1;",
                           "registers__control__busy", "commands_in_a_march"),
    "idle after a start": ("core", "idle_sdff_Q_D_and_Y_A = packer__busy_not_A_Y_and_B_Y & %1;",
                           "~registers__control__busy", "commands_in_a_march"),
    "ready after a start": ("core", "= loader__word_ready & %1;",
                            "~registers__control__busy", "commands_in_a_march"),
}), (CHECKED, {
    "row before a march": ("core", "ready_sdff_Q_D = ready_sdff_Q_D_and_Y_A & %1;", "1'b1",
                           "zeroize_waits_for_rows_on_their_way"),
    "row of a march": ("core", ".storing(%1)", "1'b0", "durations"),
}))


def run_broken(config, changes, name, folder, **which):
    """`run` of a core that is broken in one of several places."""
    verilog = broken_by_number(config, [change[:3] for change in changes.values()])
    return run(config, folder=folder, verilog=verilog, plusargs=[f"+broken={1 + [*changes].index(name)}"], **which)


@pytest.mark.parametrize("config, changes, name", [
    pytest.param(config, changes, name, id=name,
                 marks=[] if name in ("rounding", "bank in use") else pytest.mark.slow)
    for config, changes in BROKEN for name in changes])
def test_testbench_notices_each_broken_block(config, changes, name, tmp_path):
    test = changes[name][3]
    testbench = next((each for each, tests in TESTS.items() if test in tests), "tb_core")
    assert run_broken(config, changes, name, tmp_path, testbench=testbench, test=test) == ([test], 1)


@pytest.mark.slow
def test_testbench_notices_a_packet_cut_off_that_counts_as_loaded(tmp_path):
    # Its rows have two beats.
    verilog = broken(CONFIGS[1], "loader", "assign loaded = %1;",
                     "assign loaded = s__valid & s__ready & s__payload[36];")
    test = "a_packet_that_is_cut_off_is_not_loaded"
    assert run(CONFIGS[1], "tb_core_status", tmp_path, verilog=verilog, test=test) == ([test], 1)


@pytest.mark.slow
def test_mixed_traffic_notices_a_march_that_shifts_accumulations(tmp_path):
    name = "march in an accumulation"
    assert run_broken(*BROKEN[0], name, tmp_path, testbench="tb_core_mixed") == (["mixed_traffic"], 1)
