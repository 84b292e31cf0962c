"""``bitline bench formats``."""

import json
import math

import numpy as np
import pytest
from bitline.golden.formats.blocks import FORMATS, RULES, quantize
from bitline.scripts.commands.bench.formats import multiplier


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
