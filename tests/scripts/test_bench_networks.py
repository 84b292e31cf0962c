import json

import pytest
from bitline.scripts.commands.bench.networks import NETWORKS
from places import MODELS


def test_figures_of_networks(cli, published, tmp_path):
    for name in NETWORKS:
        published(name)
    pytest.importorskip("tflite", reason="no tflite here")
    status, output, errors = cli("bench", "networks", "--models", MODELS, "--backend", "golden", "--count", 2, "--out",
                                 tmp_path / "networks.json")
    assert status == 0, errors
    rows = json.loads((tmp_path / "networks.json").read_text())["networks"]
    assert [row["network"] for row in rows] == list(NETWORKS)
    for row in rows:
        assert row["inputs"] == 2 and row["network"] in output and f"{round(row['cycles_per_input']):,}" in output
        assert row["accumulator_mismatches"] == 0 and not row["reference_mismatches"]
        # Two inputs at once share their loads.
        assert row["cycles_per_input"] > 1000 and row["pauses_per_input"] > 0


def test_models_that_are_not_there(refused, tmp_path, monkeypatch):
    monkeypatch.delenv("BITLINE_MODELS", raising=False)
    refused("bench", "networks", match="^bitline: --models or BITLINE_MODELS must say where the networks are")
    refused("bench", "networks", "--models", tmp_path,
            match="^bitline: models must hold keyword_spotting/kws_ref_model.tflite, and .* does not$")
