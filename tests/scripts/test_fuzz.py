"""`bitline fuzz`, and a slice of what it does for hours: drawn networks of ONNX against its runtime, damaged files."""

import json

import numpy as np
import pytest

pytest.importorskip("tflite", reason="no tflite here")
pytest.importorskip("onnx", reason="no onnx here")
pytest.importorskip("onnxruntime", reason="no onnxruntime here")
from bitline.golden.kernels import float_layers
from bitline.hdl.config import MacroConfig
from bitline.host.backends import open_backend
from bitline.host.mapping.mapping import Mapping
from bitline.host.network.files.load import load_network
from bitline.host.network.files.onnx_file import read_onnx
from bitline.host.network.files.tflite_file import read_tflite
from bitline.host.network.inference import Inference
from bitline.scripts.commands.networks import fuzz as command
from bitline.scripts.fuzzing import (
    damage,
    onnx_builder,
    onnx_fuzz,
    onnx_operators,
    tflite_damage,
    tflite_fuzz,
    tflite_operators,
)
from bitline.scripts.fuzzing.onnx_fuzz import OPERATORS, fuzz
from misreading import misread
from onnx import TensorProto
from tflite import Model


@pytest.mark.parametrize("operator", OPERATORS)
def test_drawn_networks_are_equal(operator):
    found = fuzz(operator, 60_000, seed=5, pixels=7)
    assert found.mismatches == 0, found.first
    assert found.values >= 60_000 and sum(found.refused.values()) <= found.networks // 8, found.refused


def drawn_networks(operator, count):
    """Drawn networks, and two inputs of each."""
    for seed in range(count):
        if operator in tflite_operators.OPERATORS:
            drawn = tflite_operators.draw(operator, seed)
            network = read_tflite(drawn.data, operator)
            x = network.tensors[network.inputs[0]]
            yield network, drawn.values((2, *x.shape), x.dtype)
        else:
            drawn = onnx_operators.draw(operator, seed, 7)
            yield read_onnx(drawn.model().SerializeToString(), operator), drawn.inputs(2)


@pytest.mark.parametrize("operator", ["CONV_2D", "DEPTHWISE_CONV_2D", "Conv", "QLinearConv"])
def test_convolutions_of_all_dilations_groups_and_batches(operator):
    networks = [network for network, _ in drawn_networks(operator, 60)]
    layers = [network.matrix_operators[0] for network in networks]
    assert {network.tensors[layer.inputs[0]].shape[0] for network, layer in zip(networks, layers)} == {1, 2, 3}
    assert {step for layer in layers for step in layer.dilation} == {1, 2, 3}
    assert len({layer.groups for layer in layers}) >= 3


@pytest.mark.parametrize("operator", ["CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "Conv", "QLinearConv", "Gemm"])
def test_drawn_products_are_the_same_on_a_macro(operator):
    for network, x in drawn_networks(operator, 12):
        with open_backend("golden", Mapping(MacroConfig(rows=32, columns=32), network)) as backend:
            found = Inference(network, product=backend.product).run(x)
        assert all((values == found[index]).all() for index, values in Inference(network).run(x).items())


@pytest.mark.parametrize("operator", ["Conv", "ConvTranspose", "Gemm", "MatMul"])
def test_products_of_all_kinds_of_integers(operator):
    drawn = [onnx_operators.draw(operator, seed, 5) for seed in range(150)]
    # Of scales and zero points too, and of axes.
    kinds = {constant.data_type for one in drawn for constant in one.model().graph.initializer}
    assert {one.kind for one in drawn} == set(onnx_builder.KINDS) and kinds >= {
        getattr(TensorProto, kind.upper()) for kind in onnx_builder.WEIGHTS}


@pytest.mark.parametrize("operator", ["AVERAGE_POOL_2D", "MAX_POOL_2D", "TRANSPOSE_CONV", "PRELU", "RESIZE_BILINEAR"])
def test_images_of_all_batches(operator):
    assert {network.tensors[network.inputs[0]].shape[0] for network, _ in drawn_networks(operator, 40)} >= {1, 2, 3}


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


def test_the_record_keeps_other_operators(cli, tmp_path):
    for operator in ("Relu", "ABS", "Relu"):
        cli("fuzz", operator, "--values", "1000", "--seed", "3", "--output", tmp_path / "fuzz.json")
    record = json.loads((tmp_path / "fuzz.json").read_text())
    assert [(one["operator"], one["seed"], one["runtime"].split()[0]) for one in record["operators"]] == [
        ("ABS", 3, "ai-edge-litert"), ("Relu", 3, "onnxruntime")]


@pytest.mark.parametrize("kind", [tflite_fuzz, onnx_fuzz], ids=["tflite", "onnx"])
def test_damaged_files_run_or_are_refused(kind):
    found = list(damage.read_damaged(kind.survive, kind.OPERATORS, 25, seed=5))
    assert not any(one.faults for one in found), [one.first for one in found if one.faults]
    files, refused, run = (sum(numbers) for numbers in zip(*((one.files, one.refused, one.run) for one in found)))
    assert files == refused + run == 25 * len(kind.OPERATORS) and refused > files / 3 and run > files / 20


def test_memory_of_the_process_that_reads_is_not_that_of_the_one_that_waits():
    large = np.ones(damage.MAX_MEMORY << 10, np.uint8)
    found, = damage.read_damaged(tflite_fuzz.survive, ["RELU"], 1, seed=5)
    assert large.nbytes >> 10 > found.kilobytes > 10000 and not found.faults, found


FAULTS = {"runs": None, "hangs": "no end within 1 s", "dies": "the process ended with status -9", "is slow": "6.0 s",
          "raises": "ValueError: a fault", "asks for 16 GB": "MemoryError", "is large": "2000 MB", "runs again": None}


def test_what_damaged_files_do_wrong_is_noticed(monkeypatch):
    """In a process of their own: what takes for ever is ended, what dies is started again, the others are read."""
    monkeypatch.setattr(damage, "PATIENCE", 1.0)
    found = {one.operator: one for one in damage.read_damaged(misread, FAULTS, 1, seed=7)}
    for name, fault in FAULTS.items():
        one = found[name]
        assert (one.files, one.faults) == (1, int(fault is not None)) and (
            one.first is None if fault is None else one.first.startswith(f"seed 7: {fault}")), one


def test_the_command_says_the_seed_of_a_fault(cli, monkeypatch):
    monkeypatch.setattr(tflite_fuzz, "survive", misread)
    status, output, _ = cli("fuzz", "ABS", "RELU", "--damaged", "2")
    assert status == 1 and "ABS, seed 1: ValueError: a fault" in output and "RELU, seed 1: " in output
    assert cli("fuzz", "ABS", "--damaged", "1")[0] == 0


@pytest.mark.parametrize("option, value", [("output", "x.json"), ("values", "7"), ("runtime", "litert-2.3")])
def test_damaged_files_are_compared_with_nothing(option, value, refused):
    refused("fuzz", "ABS", "--damaged", "3", f"--{option}", value,
            match=f"--damaged must be without --{option}, not with")


def test_fields_of_damaged_files_are_changed_and_files_stay_whole():
    """Of a file that was not damaged at all there would be no test; and no byte of the format itself is touched."""
    changed = 0
    for seed in range(100):
        drawn = tflite_operators.draw("CONV_2D", seed)
        before = drawn.data
        tflite_damage.damage_file(drawn, tflite_fuzz.CODES, np.random.default_rng(seed))
        assert Model.GetRootAs(drawn.data, 0).Subgraphs(0).TensorsLength() == len(drawn.file.graphs[0].tensors)
        changed += drawn.data != before
    assert changed > 90


def test_jobs_are_those_of_programs(refused):
    refused("fuzz", "ABS", "--jobs", 2, match="--jobs must come with --engine, and comes without, as 2$")


def test_a_runtime_that_is_missing_is_said(refused, monkeypatch):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    refused("fuzz", "ABS", "--runtime", "tflm", match="tflite-micro not found: pip install tflite-micro$")


def test_operators_that_there_are_not(cli):
    status, _, errors = cli("fuzz", "Sine")
    assert status == 2 and "operators must be among " in errors and "Relu, " in errors and "not Sine" in errors


@pytest.mark.parametrize("operator, pixels, inputs", [
    ("GlobalAveragePool", 2, onnx_fuzz.INPUTS_REDUCED), ("Conv", 24, onnx_fuzz.INPUTS)])
def test_values_are_those_that_the_operator_gives(operator, pixels, inputs, tmp_path):
    """Of a pool those behind it, of a product those of its quantizer, and none of the nodes around."""
    path = tmp_path / "drawn.onnx"
    path.write_bytes(onnx_operators.draw(operator, 7, pixels).model().SerializeToString())
    network, found = load_network(path), fuzz(operator, 1, 7)
    output, = (network.tensors[index] for index in network.outputs)
    assert found.networks == 1 and found.values == inputs * output.size
