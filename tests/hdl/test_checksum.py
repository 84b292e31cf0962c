"""Checksum columns: the numbers, upsets of stored weights while vectors run, and what is refused."""

import json

import numpy as np
import pytest
from bitline.golden.bits import limits
from bitline.golden.checksum import CheckedMacro, agrees, check_column_count, check_weights
from bitline.hdl.config import CoreConfig, MacroConfig
from bitline.hdl.emit import emit
from bitline.scripts.commands.inject.weights import draw, inject
from bitline.verif.fault_injection.storage import stores
from breaking import broken
from some import some

SIMULATOR = "verilator"
CONFIGS = {
    "bitcells": CoreConfig(macro=MacroConfig(rows=4, columns=5, banks=2, weight_bits=5), output="int32", checksum=True),
    "LUT-RAM": CoreConfig(macro=MacroConfig(rows=6, columns=3, banks=2, column="table"), output="int32", checksum=True),
    "block RAM": CoreConfig(macro=MacroConfig(rows=9, columns=2, weight_bits=4, column="table", block_ram_columns=2),
                            output="int32", checksum=True),
}


@pytest.mark.parametrize("weight_bits", [1, 2, 3, 8, 16])
@pytest.mark.parametrize("columns", [1, 2, 3, 5, 17, 18, 64, 1000])
def test_check_columns_hold_every_sum_and_are_as_few_as_can_be(weight_bits, columns):
    minimum, maximum = limits(weight_bits, True)
    count = check_column_count(columns, weight_bits)
    for weight in (minimum, maximum):
        row = np.full(columns, weight)
        weights = check_weights(row, weight_bits)
        assert len(weights) == count and ((weights >= minimum) & (weights <= maximum)).all()
        assert (weights << weight_bits * np.arange(count)).sum() == row.sum()
    # The minimum sum does not fit one column less.
    assert count == 0 or sum(minimum << weight_bits * position for position in range(count - 1)) > columns * minimum


@pytest.mark.parametrize("kind", CONFIGS)
def test_any_wrong_bit_that_changes_a_total_is_seen_by_the_model(kind):
    config, rng = CONFIGS[kind], np.random.default_rng(3)
    macro = config.macro
    model = CheckedMacro(config.array, macro.columns)
    for row in range(macro.rows):
        model.write(0, row, rng.integers(*limits(macro.weight_bits, True), macro.columns, endpoint=True))
    x = rng.integers(-128, 128, macro.rows)
    x[0] = 0
    sound = model.vector(x, bits=8, signed=True)
    assert sound.is_sound
    for row, column, bit in np.ndindex(macro.rows, config.array.columns, macro.weight_bits):
        model.weights[0, row, column] ^= -1 << bit if bit == macro.weight_bits - 1 else 1 << bit
        result = model.vector(x, bits=8, signed=True)
        assert result.is_sound == (row == 0) and (column < macro.columns) * (row > 0) == (result.y != sound.y).any()
        model.weights[0, row, column] ^= -1 << bit if bit == macro.weight_bits - 1 else 1 << bit


def test_a_total_that_is_wrong_by_anything_is_seen():
    for error in (1, 1 << 18, (1 << 19) - 1, -1):
        assert agrees([3, 4], [7, 0], 8, 19) and not agrees([3 + error, 4], [7, 0], 8, 19)


@pytest.mark.parametrize("kind", some(CONFIGS, 1))
def test_no_upset_that_changes_a_result_goes_unseen(kind):
    config = CONFIGS[kind]
    report = inject(config, 120, seed=5, simulator=SIMULATOR)
    assert report["outcomes"]["unseen"] == 0 and report["upsets"] == 120
    assert report["outcomes"]["seen"] >= 1 and report["outcomes"]["harmless"] > 5


def test_upsets_go_unseen_without_the_comparison():
    config = CONFIGS["bitcells"]
    verilog = broken(config, "totals_check", "assign %1 = | total;", "assign %1 = 1'b0;")
    report = inject(config, 40, seed=5, simulator=SIMULATOR, verilog=verilog)
    assert report["outcomes"]["seen"] == 0 and report["outcomes"]["unseen"] == len(report["unseen"]) > 5


def test_every_bit_of_the_storage_is_upset_once():
    config = CONFIGS["bitcells"]
    found = stores(config, emit(config))
    bits = config.array.banks * config.array.rows * config.array.columns * config.macro.weight_bits
    chosen, count = draw(found, bits, 1)
    assert count == bits == len(set(chosen))


def test_storage_of_a_single_bit_is_upset():
    """A column of one row of one bit, which Verilog has as a scalar."""
    config = CoreConfig(macro=MacroConfig(rows=1, columns=3, weight_bits=1), output="int32", checksum=True)
    report = inject(config, 40, seed=5, simulator=SIMULATOR)
    assert report["stored_bits"] == config.array.columns
    assert report["outcomes"]["unseen"] == 0 and report["outcomes"]["seen"] >= 1


def test_command(cli, tmp_path):
    status, output, _ = cli("inject", "--target", "weights", "--core", "--checksum", "--rows", 2, "--columns", 2,
                            "--output", "int32", "--count", 20, "--simulator", SIMULATOR, "--out", tmp_path / "o.json")
    report = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"))
    assert status == 0 and sum(report["outcomes"].values()) == 20 and "not seen" in output


@pytest.mark.parametrize("options, match", [
    (("--core",), "a core must be described with --core and --checksum, and is not"),
    (("--core", "--checksum", "--bus", "apb"), "bus must be axi to be simulated, not apb"),
    (("--core", "--checksum", "--columns", 1024), "columns must leave 3 of 1024 to the checksum, not be 1024"),
])
def test_wrong_options_are_refused(refused, options, match):
    refused("inject", "--target", "weights", "--rows", 4, "--columns", 2, *options, match=match)
