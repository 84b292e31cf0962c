import json

import pytest
from bitline.golden.mvm import mvm
from bitline.host import digits


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
