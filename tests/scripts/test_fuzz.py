"""Drawn networks of each operator against ONNX Runtime: a slice of what `bitline fuzz` does for hours."""

import json

import numpy as np
import pytest

pytest.importorskip("onnx", reason="no onnx here")
pytest.importorskip("onnxruntime", reason="no onnxruntime here")
from bitline.golden.kernels import float_layers
from bitline.host.network.onnx_operators import ONNX
from bitline.scripts.fuzzing.onnx_fuzz import OPERATORS, fuzz

# Moves that are Reshape's in all but their shapes, and constants.
NOT_DRAWN = {"Flatten", "Gather", "Identity", "QuantizeLinear", "Reshape", "Shape", "Squeeze", "Unsqueeze"}


def test_every_operator_is_drawn():
    assert {name for _, name in ONNX} == set(OPERATORS) | NOT_DRAWN


@pytest.mark.parametrize("operator", OPERATORS)
def test_drawn_networks_are_equal(operator):
    found = fuzz(operator, 60_000, seed=5, pixels=7)
    assert found.mismatches == 0, found.first
    assert found.values >= 60_000 and sum(found.refused.values()) <= found.networks // 8, found.refused


def test_the_command_finds_what_is_wrong(cli, tmp_path, monkeypatch):
    """A sum in another order, and a product that is off by one in a thousand."""
    monkeypatch.setattr(float_layers, "one_by_one", lambda terms: sum(list(terms)[::-1]))
    requantize = float_layers.requantize
    monkeypatch.setattr(float_layers, "requantize", lambda total, *rest: requantize(
        total + (np.arange(total.size).reshape(total.shape) % 1000 == 7) * 400, *rest))
    arguments = ["fuzz", "AveragePool", "Conv", "--values", "30000", "--output", tmp_path / "fuzz.json"]
    status, output, _ = cli(*arguments)
    record = json.loads((tmp_path / "fuzz.json").read_text())
    assert status == 1 and "AveragePool, seed" in output and "Conv, seed" in output
    assert [one["operator"] for one in record["operators"]] == ["AveragePool", "Conv"]
    assert all(one["mismatches"] > 0 and one["first"] for one in record["operators"])


def test_operators_that_there_are_not(cli):
    status, _, errors = cli("fuzz", "Sine")
    assert status == 2 and "operators must be among " in errors and "Relu, " in errors and "not Sine" in errors
