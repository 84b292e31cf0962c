"""``bitline generate --format``."""

import json
from pathlib import Path

import pytest
from bitline.hdl.config.block_core import BlockCoreConfig
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


def test_block_core_is_written(cli, tmp_path):
    options = ("generate", "--core", "--format", "mxint8+mxfp4", "--columns", 2, "--banks", 2)
    status, output, _ = cli(*options, "--bus", "apb", "--out", tmp_path)
    config = BlockCoreConfig(bus="apb", blocks=block_macro("MXINT8+MXFP4", columns=2, macro={"banks": 2},
                                                           input_beat_bits=64))
    name = config.name
    assert status == 0 and name.startswith("bitline_block_core_mxint8_mxfp4_32x2_")
    paths = output.split()
    assert paths == sorted(paths) and {f"{name}.v", f"{name}_memory.v", f"{name}_tb.v", "bitline_block_core.c",
                                       "bitline_core.c", "Makefile"} < {Path(path).name for path in paths}
    description = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    assert BlockCoreConfig.from_dict(description["configuration"]) == config
    assert description["bias"] == 6 + 6 + 2 * 127 and description["beats"] == {"inputs": 8, "weights": 2}
    assert description["formats"]["inputs"]["MXFP4"] == {"number": 5, "raised": 5}
    widths = {port["name"]: port["width"] for port in description["ports"]}
    assert [widths[f"{stream}_tdata"] for stream in ("s_axis", "s_axis_w", "m_axis")] == [64, 64, 32]
    assert widths["m_axis_tuser"] == widths["s_apb_psel"] == 1 and "s_axis_tuser" not in widths
    assert list(map(int, description["errors"])) == [*range(7), 9, 14, 15]
    # Whatever names a register or a port is of the same tables.
    registers = [register["name"] for register in description["registers"]]
    texts = {end: (tmp_path / end).read_text(encoding="utf-8") for end in (
        f"{name}.rdl", "bitline_block_core_registers.h", f"{name}.sdc", f"{name}_instance.v", "registers/index.html")}
    for register in registers:
        assert f"}} {register} @ " in texts[f"{name}.rdl"]
        assert f"uint32_t {register};" in texts["bitline_block_core_registers.h"]
    for port in set(widths) - {"aclk"}:
        pins = f"get_ports {{{port}{'[*]' if widths[port] > 1 else ''}}}"
        assert pins in texts[f"{name}.sdc"] and f".{port} " in texts[f"{name}_instance.v"]
    _, _, error = cli(*options, "--bus", "axi", "--out", tmp_path)
    assert f"must hold no other core, and holds {name}" in error


@pytest.mark.parametrize("options, match", [
    (["--format", "mxfp8_e5m2", "--columns", 4], "inputs must not be MXFP8_E5M2, whose infinities no sum of integers"),
    (["--format", "mxfp5", "--columns", 4], "inputs must be one of MXINT8, .*, not 'MXFP5'"),
    (["--format", "mxfp4+nvfp4", "--columns", 4], "inputs must have blocks and scales like MXFP4, not be NVFP4"),
    (["--format", "mxfp4"], "--format must come with --columns, and does not"),
    (["--format", "mxfp4", "--columns", 4, "--rows", 64], "rows must be 32 for MXFP4, not 64"),
    (["--format", "mxfp4", "--columns", 4, "--bus", "apb"], "--bus must come with --core, and does not"),
    *((["--core", "--format", "mxfp4", "--columns", 4, *more], f"{more[0]} must come without --format, and does not")
      for more in (["--checksum"], ["--output", "int8"], ["--dma", 32], ["--output-stream-bits", 64])),
    (["--core", "--format", "mxfp4", "--columns", 4, "--input-beat-bits", 0], "input_beat_bits must be one of 32, .*, "
     "1024 in a core, not 0"),
    (["--format", "mxfp4", "--columns", 4, "--engine", "x.json"], "--format must come without --engine, and does not"),
    (["--format", "mxfp4", "--columns", 4, "--config", "x.json"], "--format must come without --config, and does not"),
    (["--weight-format", "mxfp4", "--columns", 4], "--weight-format must come with --format, and does not"),
    (["--max-blocks", 4, "--rows", 4, "--columns", 4], "--max-blocks must come with --format, and does not")])
def test_options_that_do_not_go_together(refused, tmp_path, options, match):
    refused("generate", *options, "--out", tmp_path / "out", match=f"^bitline: {match}")
    assert not (tmp_path / "out").exists()
