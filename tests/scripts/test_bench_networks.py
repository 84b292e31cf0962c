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
    facts = json.loads((tmp_path / "networks.json").read_text())["networks"]
    assert [fact["network"] for fact in facts] == list(NETWORKS)
    for fact in facts:
        assert fact["inputs"] == 2 and fact["network"] in output and f"{round(fact['cycles_per_input']):,}" in output
        assert fact["accumulator_mismatches"] == 0 and not fact["reference_mismatches"]
        # Two inputs at once share their loads.
        assert fact["cycles_per_input"] > 1000 and fact["pauses_per_input"] > 0


def test_models_that_are_not_there(refused, tmp_path, monkeypatch):
    monkeypatch.delenv("BITLINE_MODELS", raising=False)
    refused("bench", "networks", match="^bitline: --models or BITLINE_MODELS must say where the networks are")
    refused("bench", "networks", "--models", tmp_path,
            match="^bitline: models must hold keyword_spotting/kws_ref_model.tflite, and .* does not$")
