import json
import sys
from pathlib import Path

import numpy as np
import pytest
from bitline.scripts.commands.bench.networks import NETWORKS
from bitline.scripts.fuzzing.tflite_builder import TfliteFile
from places import MODELS


def test_figures_of_networks(cli, published, tmp_path):
    for each in NETWORKS:
        published(each.name)
    pytest.importorskip("tflite", reason="no tflite here")
    status, output, errors = cli("bench", "networks", "--models", MODELS, "--backend", "golden", "--count", 2, "--out",
                                 tmp_path / "networks.json")
    assert status == 0, errors
    rows = json.loads((tmp_path / "networks.json").read_text())["networks"]
    assert [row["network"] for row in rows] == [each.name for each in NETWORKS]
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


def test_another_build_runs_the_same_in_turn(cli, refused, tmp_path):
    pytest.importorskip("tflite", reason="no tflite here")
    file = TfliteFile()
    x = file.tensor((1, 4), "int8", 0.1)
    y = file.operator("FULLY_CONNECTED", [x, file.constant([[1, -2, 3, 4]], "int8", 0.1)],
                      file.tensor((1, 1), "int8", 0.5), "FullyConnectedOptions")
    (tmp_path / "m.tflite").write_bytes(file.data([x], [y]))
    np.save(tmp_path / "x.npy", np.ones((3, 4), np.int8))
    status, output, errors = cli(
        "bench", "networks", "--network", tmp_path / "m.tflite", tmp_path / "x.npy", "--backend", "golden", "--out",
        tmp_path / "n.json", "--rounds", 1, "--against", Path(sys.executable).with_name("bitline"))
    assert status == 0, errors
    row, = json.loads((tmp_path / "n.json").read_text())["networks"]
    assert row["network"] == "m" and row["inputs"] == 3
    assert f"{row['times_faster']:.1f}" in output
    assert row["times_faster"] == row["other_seconds_per_input"] / row["seconds_per_input"] > 0
    (tmp_path / "other").write_text("#!/bin/sh\necho no such option >&2\nexit 2\n")
    (tmp_path / "other").chmod(0o755)
    refused("bench", "networks", "--network", tmp_path / "m.tflite", tmp_path / "x.npy", "--backend", "golden",
            "--out", tmp_path / "n.json", "--against", tmp_path / "other", match="must run m, and does not: .*no such")
