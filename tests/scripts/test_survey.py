"""Networks of a folder on drawn inputs, and networks that packages have, on the RTL."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from bitline.golden.kernels import layers
from bitline.host.network.files.load import load_network
from bitline.host.network.files.tflite_file import read_tflite
from bitline.scripts.commands.networks import survey
from bitline.scripts.commands.networks.survey import draw_inputs
from places import MODELS, ROOT

pytest.importorskip("tflite", reason="no tflite here")
pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
from bitline.scripts.fuzzing.tflite_builder import TfliteFile


def product(depth=6):
    """Bytes of a fully connected layer."""
    file, rng = TfliteFile(), np.random.default_rng(depth)
    x = file.tensor((1, depth), "int8", 0.1, 3)
    y = file.operator("FULLY_CONNECTED", [x, file.constant(rng.integers(-127, 128, (4, depth)), "int8", 0.05)],
                      file.tensor((1, 4), "int8", 0.7), "FullyConnectedOptions")
    return file.data([x], [y])


def refused_by_us():
    file = TfliteFile()
    x = file.tensor((1, 4), "int8", 0.1)
    return file.data([x], [file.operator("EXP", [x], file.tensor((1, 4), "int8", 0.1))])


def refused_by_litert():
    """A convolution without a bias, with activations of int16."""
    file = TfliteFile()
    x = file.tensor((1, 1, 1, 4), "int16", 0.1)
    y = file.operator("CONV_2D", [x, file.constant(np.ones((2, 1, 1, 4)), "int8", 0.1)],
                      file.tensor((1, 1, 1, 2), "int16", 0.1), "Conv2DOptions", StrideH=1, StrideW=1)
    return file.data([x], [y])


@pytest.fixture
def folder(tmp_path):
    """A network of each fate, one twice, and a file that is none."""
    for name, data in (("exact", product()), ("large", product(100)), ("refused", refused_by_us()),
                       ("compared", refused_by_litert()), ("again", product())):
        (tmp_path / f"{name}.tflite").write_bytes(data)
    (tmp_path / "notes.txt").write_text("none")
    return tmp_path


def results(path):
    return {Path(one["file"]).stem: one["result"] for one in json.loads(path.read_text())["networks"]}


def test_what_becomes_of_each_network(cli, folder):
    status, printed, _ = cli("survey", folder, "--max-macs", 100, "--output", folder / "out.json")
    assert status == 0 and results(folder / "out.json") == {
        "again": "exact", "large": "left out", "refused": "refused", "compared": "not compared"}
    assert "1 exact" in printed and "(EXP) must be one of those that bitline operators lists" in printed


def test_wrong_values_are_told(cli, folder, monkeypatch):
    right = layers.requantize_float64
    monkeypatch.setattr(layers, "requantize_float64", lambda *arguments: right(*arguments) ^ 1)
    status, printed, _ = cli("survey", folder / "exact.tflite", "--output", folder / "out.json")
    assert status == 1 and results(folder / "out.json") == {"exact": "wrong"} and "1 wrong" in printed


def test_cycles_on_the_rtl_are_compared_with_those_predicted(cli, folder, monkeypatch):
    arguments = ("survey", folder / "exact.tflite", "--backend", "rtl", "--rows", 6, "--columns", 4, "--count", 3,
                 "--build", "build/sim", "--output", folder / "out.json")
    status, printed, _ = cli(*arguments)
    (one,) = json.loads((folder / "out.json").read_text())["networks"]
    assert status == 0 and one["cycles"] == one["predicted"] > 0 and one["products"] == 3
    assert f"3 matrix products of 1 networks in {one['cycles']:,} cycles" in printed
    run = survey.run_network

    def late(*arguments, **named):
        result = run(*arguments, **named)
        result.records[1] = replace(result.records[1], cycles=result.records[1].cycles + 1)
        return result

    monkeypatch.setattr(survey, "run_network", late)
    status, printed, _ = cli(*arguments)
    assert status == 1 and "exact.tflite, wrong: cycles differ from those predicted" in printed


def test_a_network_that_fails_does_not_end_the_others(cli, folder):
    """Weights of eight bits on a macro of four; a file that is none."""
    (folder / "again.tflite").write_bytes(b"none")
    status, printed, _ = cli("survey", folder / "exact.tflite", folder / "again.tflite", "--rows", 8, "--columns", 8,
                             "--weight-bits", 4)
    assert status == 1 and "weights must be from -8 to 7" in printed and "model must be a .tflite file" in printed


def test_networks_of_a_list_are_found_by_their_hash(cli, folder):
    cli("survey", folder / "exact.tflite", "--output", folder / "out.json")
    digest = json.loads((folder / "out.json").read_text())["networks"][0]["sha256"]
    path = folder / "list.json"
    for files, status, said in (({"a/b.tflite": digest}, 0, "1 exact\n"),
                                ({"a/b.tflite": digest, "c.tflite": "0" * 64}, 1, "1 exact, 1 of the list absent")):
        path.write_text(json.dumps({"repositories": [{"repository": "us/ours", "commit": "0", "files": files}]}))
        found, printed, _ = cli("survey", folder, "--list", path)
        assert found == status and said in printed and "us/ours/a/b.tflite" in printed.replace("\n", "")


def test_the_list_of_the_documents_names_each_content_once():
    entries = json.loads((ROOT / "docs" / "public_networks.json").read_text())["repositories"]
    digests = [digest for one in entries for digest in one["files"].values()]
    assert len(set(digests)) == len(digests) > 100 and all(len(digest) == 64 for digest in digests)
    assert all(len(one["commit"]) == 40 for one in entries)


def test_wrong_options_are_refused(refused, folder):
    (folder / "bad.json").write_text("[]")
    (folder / "empty").mkdir()
    refused("survey", folder / "empty", match=r"must hold networks, .tflite or .onnx, and there are none in .*empty$")
    refused("survey", folder, "--list", folder / "bad.json", match=r"--list must be a file of repositories, .*bad.json")
    refused("survey", folder / "absent", match="absent")
    refused("survey", folder, "--output", folder / "empty", match="empty")


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32", "int32"])
def test_inputs_are_of_the_whole_kind(dtype):
    file, scale = TfliteFile(), 0.1 if dtype in ("int8", "int16") else None
    x = file.tensor((1, 4000), dtype, scale)
    y = file.operator("RESHAPE", [x], file.tensor((4000,), dtype, scale))
    array, = draw_inputs(read_tflite(file.data([x], [y]), "m"), 2, 1)
    assert array.shape == (2, 1, 4000) and array.dtype == dtype
    low, high = {"int8": (-128, 127), "int16": (-32700, 32700), "float32": (-2, 2), "int32": (0, 1)}[dtype]
    assert array.min() <= low and array.max() >= high


def audio():
    """10 s at 16 kHz, int16: syllables of a voice whose pitch and formants change, and noise."""
    rng, t = np.random.default_rng(1), np.arange(160_000) / 16_000
    phase = 2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * 0.7 * t)) / 16_000
    voice = sum(np.sin(k * phase) * (0.3 + np.sin(2 * np.pi * (0.5 + 0.13 * k) * t)) / k for k in range(1, 25))
    sound = voice * (np.sin(2 * np.pi * 1.5 * t) > -0.3) * 0.2 + rng.normal(0, 0.01, len(t))
    return (sound / np.abs(sound).max() * 20_000).astype(np.int16)


def features():
    """What the front end of these networks makes of it, float32 (N, 40), every 10 ms."""
    from pymicro_features import MicroFrontend

    frontend, data, found = MicroFrontend(), audio().tobytes(), []
    while data:
        result = frontend.process_samples(data[:320])
        data = data[2 * result.samples_read:] if result.samples_read else b""
        found += [result.features] if result.features else []
    return np.array(found, np.float32)


def wake_words():
    """The folder of the networks that pymicro-wakeword has."""
    return Path(find_spec("pymicro_wakeword").origin).parent / "models"


@pytest.mark.slow
@pytest.mark.needs("pymicro_wakeword")
def test_small_public_networks_on_the_rtl(cli, tmp_path):
    """All of at most 4 million multiply-accumulates that are at hand: exact, in the cycles that are predicted."""
    paths = [path for path in (wake_words(), MODELS) if path.exists()]
    status, printed, _ = cli("survey", *paths, "--backend", "rtl", "--max-macs", 4_000_000, "--count", 1, "--build",
                             "build/sim", "--output", tmp_path / "out.json")
    found = [one for one in json.loads((tmp_path / "out.json").read_text())["networks"] if one["result"] != "left out"]
    assert status == 0, printed
    assert len(found) >= 4 and all(one["result"] == "exact" and one["cycles"] == one["predicted"] for one in found)


@pytest.mark.slow
@pytest.mark.needs("pymicro_wakeword")
@pytest.mark.needs("pymicro_features")
@pytest.mark.parametrize("model, backend", [
    ("okay_nabu", "rtl"), ("alexa", "golden"), ("hey_jarvis", "golden"), ("hey_mycroft", "golden")])
def test_wake_words_over_ten_seconds(cli, tmp_path, model, backend):
    """Every step of the stream is the runtime's, and takes the cycles that are predicted."""
    path = wake_words() / f"{model}.tflite"
    (index,) = (network := load_network(path)).inputs
    stride, x = network.tensors[index].shape[1], features()
    steps = len(x) // stride
    assert steps >= 330 and x.std() > 1
    np.save(tmp_path / "x.npy", x[:steps * stride].reshape(steps, 1, stride, 40))
    status, printed, errors = cli("run", path, "--inputs", tmp_path / "x.npy", "--quantize-inputs", "--stateful",
                                  "--backend", backend, "--check")
    assert status == 0 and "reference kernels: 0 mismatches in all layers" in printed, errors
