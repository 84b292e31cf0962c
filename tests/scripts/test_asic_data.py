"""Data of macros in standard cells: tiles and activations of networks."""

import json
from collections import Counter

import numpy as np
import pytest
from bitline.golden.mvm import planes_needed
from bitline.hdl.config import MacroConfig
from bitline.host.mapping.mapping import Mapping
from bitline.host.mapping.schedule import Schedule
from bitline.host.network.operators import DepthwiseConv2D
from bitline.scripts.asic.data import Data, NetworkSample, _drawn, activity, random_data
from bitline.scripts.asic.energy import NONE, Energy
from bitline.scripts.asic.flow import Measured, comparison, plain_error, standard_error
from bitline.scripts.asic.report import _error, _of_ratio
from bitline.scripts.common.files import BadInput
from bitline.scripts.common.network_inputs import load_inputs
from small_networks import convolution_network, residual_network
from tiny_liberty import tiny_liberty

CONFIG = MacroConfig(rows=12, columns=6, tree="carry_save")
MANY = 1000


def padded(inputs):
    """Vectors as words for all rows."""
    return np.pad(inputs & 0xFF, ((0, 0), (0, CONFIG.rows - inputs.shape[1])))


@pytest.mark.parametrize("options", [
    {"zero_point": -128}, {"zero_point": 5}, {"kind": DepthwiseConv2D, "channels": 5, "groups": 5, "outputs": 5},
], ids=["unsigned", "signed", "depthwise"])
def test_runs_of_a_network_are_vectors_that_the_host_gives_a_macro(options):
    rng = np.random.default_rng(2)
    network = convolution_network(rng, **options)
    x = rng.integers(-128, 128, (1, *network.tensors[0].shape))
    x.flat[:2] = -128, 127
    if "zero_point" in options and options["zero_point"] > 0:
        # Without a negative one they count as signed all the same.
        x = abs(x.clip(-127))
    sample = NetworkSample(CONFIG, network, (x,), MANY, 4, 1, "small")
    operator = network.matrix_operators[0]
    mapping = Mapping(CONFIG, network)
    program = Schedule(mapping).program(operator, x).program
    # Of so many all are there.
    assert set(map(tuple, program.vectors.x.tolist())) == {
        tuple(row) for data in sample.data for row in padded(data.inputs).tolist()}
    signs = {bool(sign) for sign in program.vectors.signed}
    assert {data.is_signed for data in sample.data} == signs
    # Every weight of the network is once in a tile for each vector; what else is in it is no MAC of the network.
    (layer,) = mapping.layers
    assert sample.macs == layer.vectors(1) * sum(map(layer.used, layer.slices))
    for data in sample.data:
        assert data.used <= data.weights.size and data.macs == len(data.inputs) * data.used
        raw = data.inputs + data.offset
        assert raw.min() >= -128 and raw.max() <= 127
    assert sample.words.startswith(f"activations of small, {MANY} runs of each of 1 layers, of up to 4 neighboring ")


def test_a_sample_is_of_all_layers_and_inputs_and_its_runs_are_different():
    rng = np.random.default_rng(3)
    network = residual_network(rng)
    inputs = rng.integers(-128, 128, (3, *network.tensors[0].shape))
    sample = NetworkSample(CONFIG, network, (inputs,), MANY, 2, 1, "residual")
    assert {data.words.split(",")[0] for data in sample.data} == {
        "operator 0 (conv)", "operator 1 (depthwise)", "operator 4 (fc)"}
    assert " of 3 of 3 inputs, seed 1" in sample.words
    one = NetworkSample(CONFIG, network, (inputs,), 5, 2, 1, "residual")
    two = NetworkSample(CONFIG, network, (inputs,), 5, 2, 2, "residual")
    assert Counter(one.layers) == Counter(two.layers) == {0: 5, 1: 5, 2: 5}
    assert [data.words for data in one.data] != [data.words for data in two.data]
    # Activations are those of the network: what comes out of the first layer is not what goes in.
    deeper = np.concatenate([data.inputs.ravel() for data in sample.data if "fc" in data.words])
    assert len(set(deeper.tolist())) > 2


def test_activity_counts_what_a_macro_drives():
    config = MacroConfig(rows=4, columns=2, weight_bits=2, input_bits=4, tree="carry_save")
    # Planes: 3 of 0b101, 1 of none; signed: 4 of -8, 2 of -1 and 1 with a sign.
    one = Data(np.ones((2, 2), int), np.array([[5, 1], [0, 0]]), "")
    assert one.ones(4)[0].tolist() == [3, 1] and one.ones(4)[1] == 3
    two = Data(np.ones((2, 1), int), np.array([[-8, 0], [-1, 1]]), "", used=1)
    assert two.ones(4)[0].tolist() == [4, 2] and two.ones(4)[1] == 1 + 3
    assert activity([one, two], config) == {
        "planes_per_vector": 10 / 4, "ones_on_wordlines": 7 / 40, "cells_in_use": (2 * 4 + 2 * 1) / (4 * 8)}
    data = random_data(config, 50, 1)
    assert data.ones(4)[0].tolist() == planes_needed(data.inputs, 4, True).tolist()
    assert activity([data], config)["cells_in_use"] == 1


def test_error_of_energy_is_that_of_the_ratio_of_two_sums():
    # Twice the MACs, but for 1, -1 and 0 pJ; of three of 20 MACs in the mean.
    one, alike = [(21.0, 10), (39.0, 20), (60.0, 30)], [0, 0, 0]
    assert standard_error([one], alike) == pytest.approx((2 / 3 / 2)**0.5 / 20)
    assert standard_error([one[:1]], [0]) is None
    # What goes up and down together has no error in their ratio; errors of two that do not are added as squares.
    assert standard_error([one, [(3 * pj, macs) for pj, macs in one]], alike) == pytest.approx(0)
    other = [(10.0, 10), (20.0, 20), (30.0, 30)]
    assert standard_error([one, other], alike) == pytest.approx(standard_error([one], alike))
    assert standard_error([other, one], alike) == pytest.approx((2 / 3 / 2)**0.5 / 20 / 2 / 2)
    # Layers that differ have no error if what is drawn of each does not; one draw of a layer tells none.
    layers = [(10.0, 10), (10.0, 10), (70.0, 30), (70.0, 30)]
    assert standard_error([layers], [0, 0, 1, 1]) == pytest.approx(0)
    assert standard_error([layers], [0, 0, 1, 2]) is None
    # 1 and 7/3 pJ of a quarter and three quarters of the MACs.
    plain = (0.25 * 0.75 * (4 / 3)**2 / 4)**0.5
    assert plain_error(layers, np.array([1, 1, 3, 3])) == pytest.approx(plain)
    # All drawn with the same chance: of 2 pJ per MAC in all, the first have 10 pJ too few, the others 10 too many.
    assert plain_error(layers, np.ones(4)) == pytest.approx((4 * 10**2 / (1 / 4) / 4)**0.5 / 80)


def test_what_is_drawn_in_proportion_to_its_size_is_right_in_the_mean():
    """Of two layers with runs of very different sizes, as those of a network, whose energy per MAC is not the same."""
    layers = [np.array([72] * 40 + [512] * 20), np.array([4096] * 3 + [8192] * 2)]
    energies = [sizes * factor + 300 for sizes, factor in zip(layers, (4.0, 1.0))]
    random, found = np.random.default_rng(5), []
    for _ in range(2000):
        runs, alike = [], []
        for sizes, energy in zip(layers, energies):
            runs += [(energy[place] / sizes[place] * sizes.sum(), sizes.sum()) for place in _drawn(sizes, 3, random)]
        chances = np.array([below for _, below in runs])
        sizes, energy = map(np.concatenate, (layers, energies))
        alike = [energy[place] / sizes[place] for place in _drawn(sizes, 6, random)]
        above, below = map(sum, zip(*runs))
        found.append((above / below, standard_error([runs], [0, 0, 0, 1, 1, 1]), plain_error(runs, chances),
                      np.mean(alike)))
    estimates, errors, plain, alike = np.array(found).T
    truth = sum(map(sum, energies)) / sum(map(sum, layers))
    # Within four standard errors of the mean of so many; and errors are as large as they say.
    assert abs(estimates.mean() - truth) < 4 * estimates.std() / len(estimates)**0.5
    assert np.mean(errors**2) == pytest.approx(estimates.var(), rel=0.15)
    # As many of all layers alike have a larger one, which the draws from each tell.
    assert alike.std() > 1.5 * estimates.std() and np.mean(plain**2) == pytest.approx(alike.var(), rel=0.15)


def test_runs_count_with_one_over_their_macs():
    one = Measured(10, 4, 6, 8, 1, 5, Energy({"all": NONE | {"pins": 20.0}}), 2.0, 8.0).weighted(0.5)
    two = Measured(2, 1, 1, 1, 0, 5, Energy({"all": NONE | {"pins": 6.0}}), 1.0, 2.0).weighted(2.5)
    total = one + two
    assert (total.macs, total.cycles, total.toggles, total.ports) == (10, 4.5, 6.5, 3.5)
    assert (total.wrong, total.compared, total.adders) == (1, 10, 9.0)
    assert total.energy.total() / total.macs == pytest.approx((20 / 10 + 6 / 2) / 2)
    network = residual_network(np.random.default_rng(3))
    x = np.random.default_rng(3).integers(-128, 128, (1, *network.tensors[0].shape))
    sample = NetworkSample(CONFIG, network, (x,), 9, 2, 1, "residual")
    macs = [data.macs for data in sample.data]
    assert len(set(macs)) > 1 and np.mean(sample.weights) == pytest.approx(1)
    # A run of a layer stands for as many MACs as any other of it, and all of a layer for those of the layer.
    mapping = Mapping(CONFIG, network)
    counted = {layer: {round(weight * count, 6) for weight, count, other in zip(sample.weights, macs, sample.layers)
                       if other == layer} for layer in (0, 1, 2)}
    of_layers = [layer.vectors(1) * sum(map(layer.used, layer.slices)) for layer in mapping.layers]
    assert [len(counts) for counts in counted.values()] == [1, 1, 1] and sample.macs == sum(of_layers)
    assert [min(counts) / min(counted[0]) for counts in counted.values()] == pytest.approx(
        [total / of_layers[0] for total in of_layers])
    assert sample.row_writes == sum(tile.slice.rows for tile in mapping.tiles if not tile.resident) > 0
    assert f"without the {sample.row_writes:,} writes of rows" in sample.words
    # Means are weighted: of vectors that drive one plane and of those that drive three.
    data = [Data(np.ones((1, 1), int), np.array([[value]]), "") for value in (1, 7)]
    config = MacroConfig(rows=1, columns=1, weight_bits=2, input_bits=4)
    assert activity(data, config, [1.5, 0.5])["planes_per_vector"] == 1.5 * 1 / 2 + 0.5 * 3 / 2


def test_one_run_has_no_error_and_the_report_says_so():
    assert [_error(value) for value in (None, 0.25)] == ["none of one run a layer", "0.25"]
    runs = [[(3.0, 2)], [(1.0, 2)]]
    design = {"pj_per_mac": 1.0, "tops_per_mm2": 1.0}
    ratio = comparison(design | {"of_runs": runs[0]}, design | {"of_runs": runs[1]}, [0])
    assert ratio["energy_error"] is None and _of_ratio(ratio) == " (standard error none of one run a layer)"
    assert _of_ratio(comparison(design, design)) == ""


def test_a_network_that_does_not_fit_is_refused():
    rng = np.random.default_rng(4)
    network = convolution_network(rng)
    x = np.zeros((1, *network.tensors[0].shape), int)
    for options, match in (({"input_bits": 4}, "input_bits must be at least 8 for this network, not 4"),
                           ({"weight_bits": 4}, "weights must be from -8 to 7")):
        with pytest.raises(BadInput, match=match):
            NetworkSample(MacroConfig(**{"rows": 4, "columns": 2, **options}), network, (x,), 1, 1, 1, "small")


def test_floats_for_an_integer_input_get_no_advice_that_the_command_does_not_take(tmp_path):
    network = convolution_network(np.random.default_rng(4))
    np.save(tmp_path / "x.npy", np.zeros((1, *network.tensors[0].shape), np.float32))
    for quantizes, advice in ((None, ""), (False, "; --quantize-inputs brings floats to its scale")):
        with pytest.raises(BadInput, match=f"must hold numbers of int8, not float32{advice}$"):
            load_inputs([tmp_path / "x.npy"], network, quantizes=quantizes)


def test_options_of_a_network_are_refused_in_one_line(refused, tmp_path):
    library, model, out = tmp_path / "tiny.lib", tmp_path / "model.tflite", tmp_path / "out"
    library.write_text(tiny_liberty(), encoding="utf-8")
    model.write_bytes(b"no network")
    macro = ("asic", "--liberty", library, "--rows", 4, "--columns", 2, "--out", out, "--build", tmp_path / "build",
             "--network", model)
    refused(*macro, match="--network must come with --inputs of the network, and does not")
    refused(*macro, "--inputs", model, "--weights", model, match="--network must come without --weights")
    refused(*macro, "--inputs", model, match="model.tflite")
    refused(*macro[:-2], "--runs", 3, match="--runs must come with --network, and does not")
    refused(*macro[:-1], tmp_path / "missing.tflite", "--inputs", model, match=r"missing.tflite must be usable")
    assert not out.exists()


@pytest.mark.slow
def test_energy_with_a_network_is_beside_that_with_random_data(cli, published, tmp_path):
    model, _ = published("keyword_spotting")
    library, out = tmp_path / "tiny.lib", tmp_path / "out"
    library.write_text(tiny_liberty(), encoding="utf-8")
    status, output, errors = cli(
        "asic", "--liberty", library, "--rows", 16, "--columns", 2, "--vectors", 4, "--network", model,
        "--inputs", model.parent / "inputs", "--out", out, "--build", tmp_path / "build")
    assert (status, errors) == (0, "")
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    network = report["network"]
    assert len(network["runs"]) == 20 and "kws_ref_model.tflite, 2 runs of each of 10 layers" in network["data"]
    assert "network, energy per MAC" in output and "macro, network" in output and "its standard error" in output
    for design in ("macro", "mac_array"):
        assert network[design]["results"]["wrong"] == 0 < network[design]["results"]["compared"]
        assert 0 < network[design]["pj_per_mac_error"] < network[design]["pj_per_mac"] / 2
        # As many runs of all layers alike would tell less.
        assert network[design]["pj_per_mac_error"] < network[design]["pj_per_mac_error_unstratified"] / 2
        # Of 299,520 MACs of depthwise layers and 2,368,768 of others; for the plain array the former have 24 weights
        # where 18 are no zeros between kernels.
        thousands = 299.52 * (1 if design == "macro" else 24 / 18) + 2368.768
        assert network[design]["nj_per_input"] == pytest.approx(thousands * network[design]["pj_per_mac"])
        energies, macs = np.array(network[design]["of_runs"]).T
        assert energies.sum() / macs.sum() == pytest.approx(network[design]["pj_per_mac"])
        assert network[design]["area_um2"] == report[design]["area_um2"]
    # Activations of a network are small numbers, many of them zero.
    assert network["macro"]["activity"]["ones_on_wordlines"] < report["macro"]["activity"]["ones_on_wordlines"]
    assert network["macro"]["activity"]["planes_per_vector"] < 8 == report["macro"]["activity"]["planes_per_vector"]
    assert network["macro"]["toggles_per_net_and_cycle"] < report["macro"]["toggles_per_net_and_cycle"]
