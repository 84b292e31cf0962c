"""``bitline bench formats``."""

import json
import math

import numpy as np
import pytest
from bitline.golden.formats.blocks import FORMATS, RULES, quantize
from bitline.hdl.config.block_core import BlockCoreConfig
from bitline.hdl.config.format_choice import FORMAT_NAMES
from bitline.hdl.config.formats import block_macro
from bitline.scripts.commands.bench import format_sizes, formats
from bitline.scripts.commands.bench.formats import multiplier
from bitline.scripts.common.files import BadInput
from bitline.scripts.fpga.module_flow import measure_module


@pytest.mark.parametrize("name", FORMATS)
def test_products_are_those_of_the_rounded_numbers(name):
    rng, block_format = np.random.default_rng(1), FORMATS[name]
    x, weights = rng.standard_normal((3, 64)), rng.standard_normal((64, 5)) / 100
    left, right = (quantize(each.astype(np.float32), block_format, "even").values() for each in (x, weights.T))
    found = multiplier(block_format, "even")(x, weights)
    # Sums that fsum rounds to float64 are rounded to the same float32, but in a case that is not drawn here.
    expected = np.float32([[math.fsum(a * b) for b in right] for a in left])
    assert found.shape == (3, 5) and np.array_equal(found, expected)


def test_table(cli, refused, tmp_path):
    status, output, _ = cli("bench", "formats", "--count", 100, "--out", tmp_path / "formats.json")
    report = json.loads((tmp_path / "formats.json").read_text(encoding="utf-8"))
    rows = {(row["format"], row["rule"]): row for row in report["formats"]}
    assert status == 0 and report["images"] == 100 and "100 images of handwritten digits" in output
    assert set(rows) == {("float64", ""), ("int8, one scale a tensor", ""), ("NVFP4", ""), *(
        (name, rule) for name in FORMATS if name != "NVFP4" for rule in RULES)}
    assert all(name in output for name, _ in rows)
    errors = {key: row["error"] for key, row in rows.items()}
    assert errors["float64", ""] == 0 and all(row["accuracy"] >= 0.9 for row in rows.values())
    # Fewer bits of a mantissa are worse, and so are scales that saturate or waste a bit.
    order = [errors[name, "even"] for name in ("MXINT8", "MXFP6_E2M3", "MXFP8_E4M3", "MXFP8_E5M2", "MXFP4")]
    assert order == sorted(order) and 0.002 < order[0] < 0.01 < 0.05 < order[-1] < 0.2
    assert errors["MXFP4", "floor"] > errors["MXFP4", "even"] and errors["NVFP4", ""] < errors["MXFP4", "even"]
    refused("bench", "formats", "--count", 0, match="0 is not in the range")


def test_sizes_of_formats(cli, tmp_path, monkeypatch):
    """The table, of sizes and cycles that are not measured here."""
    def size_of(config, folder, seeds):
        is_int8 = "weight_bits" in config.to_dict()
        if "bus" in config.to_dict():
            return size_of(config.blocks, folder, seeds)
        sites = 1000 + 200 * (config.max_accumulations > 1) if is_int8 else 800
        return {"total": {"placed_sites": sites, "block_ram": 3, "dsp": 2, "flip_flop": 4},
                "blocks": {"macro": {"placed_sites": sites}}, "fmax_mhz": 100.0}

    monkeypatch.setattr(format_sizes, "measure_module", size_of)
    monkeypatch.setattr(format_sizes, "full_rate", lambda config, block_format, folder: 5050)
    monkeypatch.setattr(formats, "measure", lambda count: (count, [formats.row_of("int8", "", 8, *np.ones((3, 1, 1)))]))
    # Wide enough for all columns.
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "formats.json"
    chosen = ("MXFP4+MXINT8", "MXFP4 of MXFP4+MXINT8", "MXINT8 of MXFP4+MXINT8")
    formats_given = ",".join((*FORMAT_NAMES, chosen[0])).lower()
    status, output, _ = cli("bench", "formats", "--count", 20, "--gateware", "--formats", formats_given, "--seeds", 1,
                            "--cores", "--out", path)
    rows = {row["format"]: row for row in json.loads(path.read_text(encoding="utf-8"))["gateware"]}
    names = {*FORMAT_NAMES, *chosen[1:]}
    names |= {f"{name} core" for name in names}
    assert status == 0 and set(rows) == {"int8", "int8, sums of as many vectors", *names}
    mxfp4, int8 = rows["MXFP4"], rows["int8"]
    assert (int8["products_a_cycle"], mxfp4["products_a_cycle"]) == (32 * 64 / 8, 32 * 64 / 5)
    assert mxfp4["beside_int8"] == pytest.approx({"sites": 0.8, "products_a_site": 2.0})
    assert mxfp4["beside_int8_sums"] == pytest.approx({"sites": 800 / 1200, "products_a_site": 2.4})
    assert mxfp4["products_a_second"] == pytest.approx(32 * 64 / 5 * 1e8)
    # The vectors of each format take its own planes.
    assert [rows[name]["planes"] for name in chosen[1:]] == [5, 8] == [mxfp4["planes"], int8["planes"]]
    assert all(name in output for name in names)
    assert mxfp4["utilization"] == pytest.approx(5000 / 5050) and "Fmax, MHz" in output


def test_formats_without_gateware_are_refused(refused):
    refused("bench", "formats", "--cores", match="--cores must come with --gateware, and does not$")
    refused("bench", "formats", "--gateware", "--formats", "mxfp4,mxfp8_e5m2",
            match="--formats must not be MXFP8_E5M2, whose infinities no sum of integers holds$")


def test_a_rate_of_wrong_results_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(format_sizes, "run_program", lambda program, folder: (program.beats["o"][1:], 1))
    with pytest.raises(BadInput, match=r"^results of bitline_mxfp4_32x2_\w+ must be those of the golden model"):
        format_sizes.full_rate(block_macro("MXFP4", columns=2), FORMATS["MXFP4"], tmp_path, 4, 2)


@pytest.mark.slow
def test_size_of_a_block_core(tmp_path):
    """Its blocks, of which the macro is one."""
    config = BlockCoreConfig(blocks=block_macro("MXFP4", columns=1, input_beat_bits=64))
    found = measure_module(config, tmp_path)
    blocks = {name: counts["placed_sites"] for name, counts in found["blocks"].items()}
    assert set(blocks) == {"front", "registers", "vector_packets", "weight_packets", "block_macro", "errors",
                           "performance", "core"}
    assert found["total"]["dsp"] == 1 and found["total"]["placed_sites"] == sum(blocks.values())
    assert blocks["block_macro"] > max(sites for name, sites in blocks.items() if name != "block_macro") > 100


@pytest.mark.slow
def test_size_of_a_block_macro(tmp_path):
    found = measure_module(block_macro("MXFP4", columns=1), tmp_path)
    blocks = {name: counts["placed_sites"] for name, counts in found["blocks"].items()}
    assert set(blocks) == {"macro", "join_", "reader", "tags", "vectors", "weights", "peer"}
    assert found["total"]["dsp"] == 1 and found["total"]["placed_sites"] == sum(blocks.values()) > blocks["macro"] > 100
