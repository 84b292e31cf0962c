"""``bitline generate --format``."""

import json

import pytest
from bitline.hdl.config.formats import FormatConfig, block_macro


def test_block_macro_is_written(cli, tmp_path):
    status, output, _ = cli("generate", "--format", "mxint8", "--weight-format", "mxfp4", "--columns", 2, "--banks", 2,
                            "--max-blocks", 8, "--result", "bfloat16", "--out", tmp_path)
    config = block_macro("MXINT8", "MXFP4", columns=2, macro={"banks": 2}, max_blocks=8, result="bfloat16")
    description = json.loads((tmp_path / f"{config.name}.json").read_text(encoding="utf-8"))
    assert status == 0 and len(output.splitlines()) == 3
    assert FormatConfig.from_dict(description["configuration"]) == config
    assert description["beats"] == {"inputs": config.input_lanes, "weights": config.weight_lanes}
    assert description["bias"] == 6 + 1 + 2 * 127
    assert {port["name"]: port["width"] for port in description["ports"]}["o_value"] == 16


@pytest.mark.parametrize("options, match", [
    (["--format", "mxfp8_e5m2", "--columns", 4], "inputs must not be MXFP8_E5M2, whose infinities no sum of integers"),
    (["--format", "mxfp5", "--columns", 4], "inputs must be one of MXINT8, .*, not 'MXFP5'"),
    (["--format", "mxfp4"], "--format must come with --columns, and does not"),
    (["--format", "mxfp4", "--columns", 4, "--rows", 64], "rows must be 32 for MXFP4, not 64"),
    (["--format", "mxfp4", "--columns", 4, "--core"], "--format must come without --core, and does not"),
    (["--format", "mxfp4", "--columns", 4, "--engine", "x.json"], "--format must come without --engine, and does not"),
    (["--format", "mxfp4", "--columns", 4, "--config", "x.json"], "--format must come without --config, and does not"),
    (["--weight-format", "mxfp4", "--columns", 4], "--weight-format must come with --format, and does not"),
    (["--max-blocks", 4, "--rows", 4, "--columns", 4], "--max-blocks must come with --format, and does not")])
def test_options_that_do_not_go_together(refused, tmp_path, options, match):
    refused("generate", *options, "--out", tmp_path / "out", match=f"^bitline: {match}")
    assert not (tmp_path / "out").exists()
