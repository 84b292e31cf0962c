import json

import numpy as np
import pytest
from bitline.golden.engine.executor import Engine
from bitline.golden.mvm import mvm
from bitline.hdl.config.engine import default_engine
from bitline.host import digits
from bitline.host.engine.compiler import compile_network
from bitline.host.network.files.load import load_network
from bitline.scripts.commands.demo import network_files


@pytest.fixture(scope="module")
def classifier():
    return digits.train()


def test_quantized_classifier_is_as_good_as_the_float_one(classifier):
    scores = digits.run(classifier.layers, classifier.images,
                        lambda index, values: mvm(classifier.layers[index].weights, values))
    accuracy = (scores.argmax(1) == classifier.labels).mean()
    assert len(classifier.images) == 899
    assert classifier.float_accuracy > 0.96 and accuracy > classifier.float_accuracy - 0.01


def test_some_images_are_compared_with_float_on_these(classifier):
    first = classifier.first(40)
    assert len(first.images) == len(first.labels) == 40
    assert classifier.first(None).float_accuracy == classifier.float_accuracy
    assert first.float_accuracy == (classifier.float_guesses[:40] == classifier.labels[:40]).mean()


def test_layers_are_int8_and_inputs_fit_eight_bits(classifier):
    for layer in classifier.layers:
        assert abs(layer.weights).max() == 127
    seen = []
    digits.run(classifier.layers, classifier.images, lambda index, values: (seen.append(values), mvm(
        classifier.layers[index].weights, values))[1])
    assert all(values.min() >= 0 and values.max() <= 255 for values in seen)


def test_the_classifier_as_a_network_is_as_good_on_an_engine(classifier, tmp_path):
    pytest.importorskip("tflite", reason="no tflite here")
    files, count = network_files(classifier), 100
    (tmp_path / "digits.tflite").write_bytes(files.pop("digits.tflite"))
    config = default_engine()
    engine = Engine(config, compile_network(config, load_network(tmp_path / "digits.tflite")).image)
    guesses = [engine.run((image - 128).astype(np.int8)).argmax for image in classifier.images[:count]]
    assert (guesses == classifier.labels[:count]).mean() > classifier.first(count).float_accuracy - 0.02
    assert list(files) == [f"{digit}.bin" for digit in range(10)]
    assert sum(engine.run(data).argmax == digit for digit, data in enumerate(files.values())) >= 9


@pytest.mark.slow
def test_every_image_runs_on_the_rtl(cli, tmp_path):
    out = tmp_path / "new" / "folder"
    status, output, _ = cli("demo", "--out", out)
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert status == 0 and "899 images" in output
    assert report["images"] == 899 and report["outputs"] == 899 * (128 + 10)
    assert report["mismatches"] == 0 and report["accuracy"] > 0.95
    assert report["cycles"] == report["predicted_cycles"] and 0.4 < report["utilization"] < 1
    assert (out / "digits.png").read_bytes().startswith(b"\x89PNG")
