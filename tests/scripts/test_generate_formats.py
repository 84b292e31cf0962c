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
    assert description["formats"] == {"inputs": {"MXINT8": {"number": 0, "raised": 0}},
                                      "weights": {"MXFP4": {"number": 5, "raised": 0}}}


def test_block_macro_of_several_formats_is_written(cli, tmp_path):
    status, _, _ = cli("generate", "--format", "mxint8+mxfp4", "--weight-format", "mxfp6_e2m3+mxfp4", "--columns", 2,
                       "--out", tmp_path)
    config = block_macro("MXINT8+MXFP4", "MXFP6_E2M3+MXFP4", columns=2)
    description = json.loads((tmp_path / f"{config.name}.json").read_text(encoding="utf-8"))
    assert status == 0 and FormatConfig.from_dict(description["configuration"]) == config
    assert config.name.startswith("bitline_mxint8_mxfp4_mxfp6_e2m3_mxfp4_32x2_")
    assert description["bias"] == 6 + 3 + 2 * 127
    # Points of 6 and 1, and of 3 and 1.
    assert description["formats"] == {
        "inputs": {"MXINT8": {"number": 0, "raised": 0}, "MXFP4": {"number": 5, "raised": 5}},
        "weights": {"MXFP6_E2M3": {"number": 3, "raised": 0}, "MXFP4": {"number": 5, "raised": 2}}}
    widths = {port["name"]: port["width"] for port in description["ports"]}
    assert (widths["i_number"], widths["w_number"]) == (3, 3)


@pytest.mark.parametrize("options, match", [
    (["--format", "mxfp8_e5m2", "--columns", 4], "inputs must not be MXFP8_E5M2, whose infinities no sum of integers"),
    (["--format", "mxfp5", "--columns", 4], "inputs must be one of MXINT8, .*, not 'MXFP5'"),
    (["--format", "mxfp4+nvfp4", "--columns", 4], "inputs must have blocks and scales like MXFP4, not be NVFP4"),
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
