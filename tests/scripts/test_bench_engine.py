"""``bitline bench engine``."""

import json

import pytest
from bitline.scripts.commands.bench.networks import NETWORKS
from places import MODELS


def test_figures_of_an_engine(cli, published, tmp_path):
    for each in NETWORKS:
        published(each.name)
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    status, output, errors = cli("bench", "engine", "--models", MODELS, "--count", 2, "--clock", 100, "--out",
                                 tmp_path / "engine.json")
    assert status == 0, errors
    rows = json.loads((tmp_path / "engine.json").read_text())["networks"]
    assert [row["network"] for row in rows] == [each.name for each in NETWORKS]
    for row in rows:
        assert row["inputs"] == 2 and row["reference_mismatches"] == 0
        assert row["least"] <= row["cycles_per_input"] <= row["most"] <= row["all_planes"]
        # Beside what operations take there are starts and the first fetch.
        assert 0.9 < sum(row["cycles_by_operation"].values()) / row["cycles_per_input"] < 1
        assert all(0 < share <= 1 for share in row["busy"].values())
        assert f"{1e8 / row['cycles_per_input']:,.0f}" in output
    assert "Zedboard" in output


def test_bad_input(refused, published, tmp_path):
    published("keyword_spotting")
    config = tmp_path / "engine.json"
    config.write_text("{}")
    refused("bench", "engine", "--models", MODELS, "--config", config, match="a configuration must give macro")
