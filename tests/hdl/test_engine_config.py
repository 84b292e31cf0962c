"""`EngineConfig`."""

from dataclasses import replace

import pytest
from bitline.hdl.config.engine import EngineConfig, default_engine
from bitline.hdl.config.macro import MacroConfig

ENGINE = default_engine()


def test_json_gives_the_same_engine():
    assert EngineConfig.from_json(ENGINE.to_json()) == ENGINE
    assert ENGINE.name == f"bitline_engine_64x64_{ENGINE.hash}"
    assert replace(ENGINE, lanes=8).hash != ENGINE.hash != replace(ENGINE, macro=replace(ENGINE.macro, rows=72)).hash


def test_sizes():
    assert (ENGINE.slots, ENGINE.most_depthwise_channels, ENGINE.most_tile_rows) == (4, 128, 4352)
    outside = replace(ENGINE, weight_port=4)
    assert (outside.most_tile_rows, outside.row_cycles, outside.rows_ahead) == (1 << 16, 16, 9)
    assert (ENGINE.row_cycles, ENGINE.rows_ahead) == (1, 0)


@pytest.mark.parametrize("fields, match", [
    ({"macro": None}, "macro must be of type MacroConfig, not None"),
    ({"macro": MacroConfig(rows=8, columns=16, fuse=2)}, "fuse must be 1 in an engine, not 2"),
    ({"macro": MacroConfig(rows=8, columns=16, max_accumulations=2)},
     "max_accumulations must be 1 in an engine, not 2"),
    ({"macro": MacroConfig(rows=8, columns=16, weight_bits=4)}, "weight_bits must be 8 in an engine, not 4"),
    ({"macro": MacroConfig(rows=8, columns=24)}, r"columns must be a multiple of lanes \(16\), not 24"),
    ({"lanes": 12}, "lanes must be one of 4, 8, 16, 32, not 12"),
    ({"depthwise": 16, "lanes": 8}, r"lanes must be a multiple of depthwise \(16\), not 8"),
    ({"activation_bytes": 1040}, "activation_bytes must be a multiple of 64, not 1040"),
    ({"activation_bytes": 0}, "activation_bytes must be an integer from 1024 to 16777216, not 0"),
    ({"sum_bits": 21}, "sum_bits must hold a total of 22 bits, not 21"),
    ({"weight_port": 3}, "weight_port must be one of 0, 1, 2, 4, 8, 16, 32, 64, not 3"),
    ({"lanes": 8, "weight_port": 32, "macro": MacroConfig(rows=8, columns=24)},
     r"columns must be a multiple of weight_port \(32\), not 24"),
])
def test_parameters_that_break_a_rule(fields, match):
    with pytest.raises((TypeError, ValueError), match=f"^{match}$"):
        replace(ENGINE, **fields)


def test_json_that_breaks_a_rule():
    with pytest.raises(ValueError, match=r"^a configuration must give macro, not only lanes$"):
        EngineConfig.from_dict({"lanes": 8})
    with pytest.raises(ValueError, match=r"^a configuration's parameters must be among"):
        EngineConfig.from_dict({**ENGINE.to_dict(), "banks": 2})
