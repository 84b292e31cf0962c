"""Drawn operators against tflite-micro, where that is installed."""

import json

import numpy as np
import pytest
from bitline.golden.kernels import layers
from bitline.host.network.files.load import load_network
from bitline.host.network.files.tflm_reference import TflmReference
from bitline.host.network.inference import Inference
from bitline.host.network.network import NetworkError

pytest.importorskip("tflite", reason="no tflite here")
from bitline.scripts.fuzzing.tflite_builder import TfliteFile
from bitline.scripts.fuzzing.tflite_operators import OPERATORS, draw

pytestmark = pytest.mark.needs("tflite_micro")
# What it, or this project with its rules, does not have.
MISSING = {"FLOOR_DIV", "RELU_N1_TO_1", "TILE"}


def differences(path, values):
    """Mismatches of a file's network, with ``values(network)`` as inputs."""
    network = load_network(path, "tflm")
    inputs = values(network)
    return TflmReference(path, True).compare(network, Inference(network, stateful=True).run(*inputs), inputs)


def compared(operator, path, seeds):
    """How many drawn networks were compared, and their mismatches."""
    count, found = 0, []
    for seed in seeds:
        drawn = draw(operator, seed)
        path.write_bytes(drawn.data)
        try:
            found += differences(path, lambda network, drawn=drawn: [
                drawn.values((4, *network.tensors[index].shape), network.tensors[index].dtype)
                for index in network.inputs])
        except NetworkError as error:
            assert len(str(error).splitlines()) == 1
        else:
            count += 1
    return count, found


@pytest.mark.parametrize("operator", OPERATORS)
def test_drawn_operators_are_those_of_tflite_micro(tmp_path, operator):
    count, found = compared(operator, tmp_path / "m.tflite", range(40))
    assert found == [] and bool(count) == (operator not in MISSING)


def test_a_kernel_that_is_wrong_is_noticed(tmp_path, monkeypatch):
    right = layers.rescale
    monkeypatch.setattr(layers, "rescale", lambda x, *rest, **named: right(x, *rest, **named) + (x == 3))
    assert compared("QUANTIZE", tmp_path / "m.tflite", range(8))[1]


def command(operator, folder):
    """Arguments that run a drawn network, compared."""
    drawn, model = draw(operator, 0), folder / "m.tflite"
    model.write_bytes(drawn.data)
    network = load_network(model)
    tensor = network.tensors[network.inputs[0]]
    np.save(folder / "x.npy", drawn.values((2, *tensor.shape), tensor.dtype))
    return "run", model, "--inputs", folder / "x.npy", "--runtime", "tflm", "--check"


def test_the_command_compares_with_it(cli, tmp_path):
    status, output, errors = cli(*command("CONV_2D", tmp_path))
    assert status == 0 and "tflite-micro's kernels: 0 mismatches in all layers" in output, errors


def test_what_it_refuses_is_one_line(refused, tmp_path):
    refused(*command("TILE", tmp_path), match=r"tflite-micro, with which layers are compared, must take .*, and does "
                                              r"not \(--no-check goes without\): Didn't find op for builtin")


def test_fuzz_compares_with_it(cli, refused, tmp_path):
    status, _, errors = cli("fuzz", "SVDF", "--runtime", "tflm", "--values", "20000", "--output", tmp_path / "x.json")
    assert status == 0, errors
    assert json.loads((tmp_path / "x.json").read_text())["operators"][0]["runtime"].startswith("tflite-micro ")
    refused("fuzz", "Relu", "--runtime", "tflm", match="operators must be among ABS, .*, not Relu")


def test_svdf_with_a_state_of_eight_bits(tmp_path):
    for rank in (1, 2):
        rng, file = np.random.default_rng(rank), TfliteFile()
        x = file.tensor((2, 9), "int8", 0.05, -10)
        operands = [file.constant(rng.integers(-127, 128, (8, 9)), "int8", 0.01),
                    file.constant(rng.integers(-127, 128, (8, 6)), "int8", 0.01),
                    file.constant(rng.integers(-3000, 3000, 8 // rank), "int32", 1e-3)]
        state = file.tensor((2, 48), "int8", 0.1, is_variable=True)
        y = file.operator("SVDF", [x, *operands, state], file.tensor((2, 8 // rank), "int8", 0.1, 5), "SVDFOptions",
                          Rank=rank, FusedActivationFunction="relu")
        (tmp_path / "m.tflite").write_bytes(file.data([x], [y]))
        values = rng.integers(-128, 128, (20, 2, 9))
        assert differences(tmp_path / "m.tflite", lambda network, values=values: [values]) == []
