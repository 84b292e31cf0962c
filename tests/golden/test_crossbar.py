import json
import re
from itertools import pairwise

import numpy as np
import pytest
from bitline.golden.crossbar import Crossbar, CrossbarConfig
from bitline.golden.mvm import mvm
from bitline.host.network.analog import AnalogProducts
from bitline.host.network.inference import Inference
from bitline.scripts.commands.networks.analog import best_energy, enough_bits
from bitline.scripts.common.accuracy import accuracy_of
from small_networks import convolution_network, residual_network


def error(weights, inputs, seed=0, **parameters):
    """Standard deviation of what a crossbar adds to products, as a part of that of the products."""
    crossbar = Crossbar(CrossbarConfig(**parameters), weights, np.random.default_rng(seed))
    exact = mvm(weights, inputs)
    return float((crossbar.product(inputs) - exact).std() / exact.std())


@pytest.fixture
def product():
    rng = np.random.default_rng(1)
    weights = rng.integers(-128, 128, (100, 8))
    weights[0], weights[1] = -128, 127
    return weights, rng.integers(0, 256, (50, 100))


NOTHING = {"programming": 0, "drift": 0, "read": 0, "wire": 0}


@pytest.mark.parametrize("device_bits", range(1, 8))
@pytest.mark.parametrize("dac_bits", [1, 3, 8])
def test_without_errors_it_is_exact(product, device_bits, dac_bits):
    weights, inputs = product
    crossbar = Crossbar(CrossbarConfig(adc_bits=None, device_bits=device_bits, dac_bits=dac_bits, rows=30, **NOTHING),
                        weights, np.random.default_rng(1))
    assert (np.rint(crossbar.product(inputs)) == mvm(weights, inputs)).all()


@pytest.mark.parametrize("parameter, values", [
    ("programming", (0.5, 1, 3)), ("read", (0.5, 1, 3)), ("wire", (0.01, 0.05, 0.2)), ("drift", (0.5, 1, 3))])
def test_each_error_grows_with_its_parameter(product, parameter, values):
    errors = [error(*product, adc_bits=None, **{**NOTHING, parameter: value}) for value in values]
    assert 0 < errors[0] < errors[1] < errors[2]


def test_more_bits_of_the_converter_lose_less(product):
    errors = [error(*product, adc_bits=bits, **NOTHING) for bits in (3, 5, 7, 9)]
    # A quarter for two bits more, about.
    assert all(first / 6 < second < first / 2.5 for first, second in pairwise(errors))


def test_devices_differ_from_seed_to_seed_and_not_within_one(product):
    assert error(*product, seed=1) == error(*product, seed=1) != error(*product, seed=2)


def test_drift_grows_with_time(product):
    assert error(*product, adc_bits=None, hours=1) < error(*product, adc_bits=None, hours=10_000)


def test_energy_of_conversions_is_that_of_the_envelope_of_published_converters():
    # pJ of one: 0.27 and a part that 16 bits make 65,536 times as large as 8.
    assert best_energy(1000, 8) == pytest.approx(0.27 + 0.0095, abs=1e-4)
    assert best_energy(1000, 16) - 0.27 == pytest.approx(65536 * (best_energy(1000, 8) - 0.27))


def test_conversions():
    crossbar = Crossbar(CrossbarConfig(rows=50, device_bits=2, dac_bits=4, columns_per_adc=8),
                        np.zeros((100, 10), dtype=int), np.random.default_rng(1))
    # Two blocks of rows, two digits of inputs, four slices of ten columns; the blocks at once.
    assert (crossbar.conversions, crossbar.converters, crossbar.cycles) == (2 * 2 * 40, 2 * 5, 2 * 8)


def test_shared_converters_are_fewer_and_take_longer():
    network = convolution_network(np.random.default_rng(1), groups=2, outputs=6)
    found = []
    for shared in (1, 2, 4, 4096):
        analog = AnalogProducts(CrossbarConfig(columns_per_adc=shared), network)
        Inference(network, product=analog.product).run(np.zeros((1, *network.tensors[0].shape), dtype=int))
        found.append((analog.converters, analog.cycles, analog.conversions))
    # Two groups of three columns in four slices, eight digits of inputs, 42 positions.
    assert found == [(24, 336, 8064), (12, 672, 8064), (6, 1344, 8064), (2, 4032, 8064)]


def test_converters_clip_what_their_first_inputs_did_not_reach(product):
    weights, inputs = np.abs(product[0]).clip(0, 127), product[1]
    crossbar = Crossbar(CrossbarConfig(adc_bits=8, dac_bits=8, device_bits=7, rows=100, headroom=1, **NOTHING),
                        weights, np.random.default_rng(1))
    exact = mvm(weights, inputs)
    assert abs(crossbar.product(inputs // 4) - mvm(weights, inputs // 4)).max() < 0.01 * exact.max()
    assert crossbar.product(inputs).max() < 0.3 * exact.max()


@pytest.mark.parametrize("parameters, message", [
    ({"rows": 0}, "^rows must be from 1 to 4096, not 0$"),
    ({"device_bits": 8}, "^device_bits must be from 1 to 7, not 8$"),
    ({"adc_bits": 0}, "^adc_bits must be from 1 to 24, not 0$"),
    ({"wire": 0.6}, "^wire must be from 0 to 0.5, not 0.6$")])
def test_wrong_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        CrossbarConfig(**parameters)


def test_networks_without_errors_are_exact():
    rng, config = np.random.default_rng(1), CrossbarConfig(adc_bits=None).without_devices
    for network in (residual_network(rng), convolution_network(rng, groups=2, outputs=6, stride=(2, 1), zero_point=9)):
        inputs = rng.integers(-128, 128, (3, *network.tensors[0].shape))
        exact = Inference(network).run(inputs)[network.outputs[0]]
        analog = AnalogProducts(config, network)
        assert (Inference(network, product=analog.product).run(inputs)[network.outputs[0]] == exact).all()
        assert analog.conversions > 0
    with pytest.raises(ValueError, match="must have activations of int8 on a crossbar, not int16"):
        AnalogProducts(config, convolution_network(rng, dtype="int16", zero_point=0))


def test_accuracy_and_enough_bits():
    scores, exact = np.array([[1, 2], [3, 1], [0, 5]]), np.array([[0, 9], [0, 9], [0, 9]])
    assert accuracy_of(scores, exact, None) == pytest.approx(2 / 3)
    assert accuracy_of(scores, exact, np.array([1, 0, 1])) == 1
    assert enough_bits([4, 6, 8], [0.9, 1.0, 1.0], 1.0) == 6 and enough_bits([4, 6, 8], [1.0, 1.0, 0.9], 1.0) is None


def test_command_compares_a_network(cli, refused, published, tmp_path):
    pytest.importorskip("tflite", reason="no tflite here")
    path, _ = published("keyword_spotting")
    arguments = ("analog", path, "--inputs", path.parent / "inputs", "--count", 6, "--calibrate", 4, "--headroom", 2)
    status, output, _ = cli(*arguments, "--adc-bits", "2,12", "--seeds", 1, "--programming", 0, "--drift", 0, "--read",
                            0, "--wire", 0, "--out", tmp_path / "out")
    report, = json.loads((tmp_path / "out" / "analog.json").read_text())["networks"]
    assert status == 0 and report["digital"] == 1 and report["converter"][1] == report["devices"][1][0] == 1
    assert report["converter"][0] < 1 and report["enough_bits_converter"] == 12
    assert f"{report['converters']:,} converters" in output
    assert report["best_nj_of_conversions"][1] == best_energy(report["conversions"], 12) and "nJ of conv" in output
    assert f"{report['digital_cycles']:,} cycles, weights" in output
    assert re.search("nothing lost from", output) and (tmp_path / "out" / "analog.png").stat().st_size > 10_000
    refused(*arguments, "--calibrate", 6, match="--calibrate must leave inputs to count, and takes 6 of 6")
    refused(*arguments, "--adc-bits", "4;5", match="--adc-bits must be numbers from 1 to 24")
    refused(*arguments, "--device-bits", 9, match="device_bits must be from 1 to 7, not 9")
    refused("analog", "digits", "--inputs", path, match="digits must be compared on its own images")


@pytest.mark.slow
def test_fine_tuning_with_noise_helps_on_bad_devices(cli, tmp_path):
    pytest.importorskip("sklearn", reason="no scikit-learn here")
    status, _, _ = cli("analog", "digits", "--adc-bits", "8", "--seeds", 1, "--device-bits", 7, "--programming", 4,
                       "--drift", 3, "--count", 400, "--out", tmp_path)
    plain, control, tuned = json.loads((tmp_path / "analog.json").read_text())["networks"]
    assert status == 0 and np.mean(tuned["devices"]) > np.mean(plain["devices"]) + 0.01
    # Beyond what the training alone gives.
    assert np.mean(tuned["devices"]) > np.mean(control["devices"])
    assert min(plain["digital"], control["digital"], tuned["digital"]) > 0.96
    assert len({(report["converters"], report["cycles"]) for report in (plain, control, tuned)}) == 1
