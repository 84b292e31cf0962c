import re

import numpy as np
import pytest
from bitline.golden.program import MacroState, predict
from bitline.hdl.config import COLUMNS, MacroConfig
from bitline.host.backends import MacroBackend, Predicted
from bitline.host.mapping.mapping import Mapping
from bitline.host.mapping.schedule import Schedule, plan
from bitline.host.network.files.load import load_network
from bitline.host.network.inference import Inference
from bitline.host.network.operators import Conv2D, DepthwiseConv2D
from places import ROOT
from small_networks import convolution_network, residual_network
from some import some

MACRO = MacroConfig(rows=64, columns=64, banks=2)


def check_product(config, network, runs, rng):
    """The accumulators of a network of one layer, from what its program gives, twice in a row."""
    operator, tensor = network.operators[0], network.tensors[0]
    schedule, state = Schedule(Mapping(config, network, runs)), MacroState(config)
    low, high = (-128, 128) if tensor.dtype == "int8" else (-32768, 32768)
    for _ in range(2):
        x = rng.integers(low, high, (runs, *tensor.shape))
        x[0] = np.where(rng.integers(0, 2, tensor.shape), low, high - 1)
        layer = schedule.program(operator, x)
        outcome = predict(config, layer.program, state)
        assert (layer.collect(outcome.results) == operator.accumulators(network.tensors, x)).all()
    check_used_cells(schedule.mapping.layers[0])


def check_used_cells(layer):
    """Of a kernel of ones they are the sum of a tile's weights."""
    layer.replace_weights(np.ones_like(layer.convolution.kernel))
    for tile_slice in layer.slices:
        assert layer.used(tile_slice) == layer.block(tile_slice).sum() * layer.fuse


@pytest.mark.parametrize("seed", range(40))
def test_any_convolution_on_any_macro(seed):
    rng = np.random.default_rng(seed)
    kind = (Conv2D, Conv2D, DepthwiseConv2D)[seed % 3]
    size, stride, dilation = (tuple(map(int, rng.integers(1, limit, 2))) for limit in (4, 4, 3))
    image = [int((length - 1) * step + 1 + rng.integers(0, 6)) for length, step in zip(size, dilation)]
    channels = int(rng.integers(1, 4)) * 2
    groups = channels if kind is DepthwiseConv2D else int(rng.choice([1, 1, 2]))
    outputs = int(rng.integers(1, 3)) * channels if kind is DepthwiseConv2D else int(rng.integers(1, 4)) * groups
    fuse, dtype = int(rng.choice([1, 2])), str(rng.choice(["int8", "int8", "int16"]))
    network = convolution_network(
        rng, kind=kind, image=image, channels=channels, outputs=outputs, size=size, stride=stride, dilation=dilation,
        padding=tuple(tuple(map(int, pair)) for pair in rng.integers(0, 3, (2, 2))), groups=groups, dtype=dtype,
        zero_point=int(rng.choice([-128, 0, 17])) if dtype == "int8" else 0, bits=8, batch=int(rng.integers(1, 3)))
    config = MacroConfig(rows=int(rng.integers(1, 30)), columns=fuse * int(rng.integers(1, 12)), fuse=fuse,
                         weight_bits=8 // fuse, input_bits=int(rng.choice([3, 8, 16])), banks=int(rng.integers(1, 5)),
                         column=str(rng.choice(COLUMNS)))
    check_product(config, network, int(rng.integers(1, 3)), rng)


def cycles(network, inputs, runs=1, config=MACRO):
    """Cycles of each batch on a macro that is only calculated, which must give what numpy gives."""
    totals = []
    with MacroBackend(Mapping(config, network, runs), Predicted(config)) as backend:
        for first in range(0, len(inputs), runs):
            del backend.records[:]
            Inference(network, product=backend.product).run(inputs[first:first + runs])
            assert not any(record.mismatches for record in backend.records)
            totals.append(sum(record.predicted for record in backend.records))
    return totals


@pytest.mark.parametrize("name, row, runs, limit", some([
    ("keyword_spotting", "keyword spotting", 1, 25_000), ("image_classification", "image classification", 1, 100_000),
    ("anomaly_detection", "anomaly detection", 16, 600)], 0))
def test_cycles_of_published_networks_are_those_of_the_document(published, name, row, runs, limit):
    path, inputs = published(name)
    average = sum(cycles(load_network(path), inputs, runs)) / len(inputs)
    text = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
    count, written = re.search(rf"^\| {row}[^|]*\| ([\d,]+) \| ([\d,]+) \|", text, re.MULTILINE).groups()
    assert int(count.replace(",", "")) == len(inputs)
    assert int(written.replace(",", "")) == round(average) <= limit
    assert written in (ROOT / "README.md").read_text(encoding="utf-8")


def test_depthwise_convolution_is_packed_wider_than_block_diagonal():
    network = convolution_network(np.random.default_rng(1), kind=DepthwiseConv2D, image=(25, 5), channels=64,
                                  outputs=64, groups=64)
    layer, = Mapping(MACRO, network).layers
    # A patch of 6 x 5 pixels of two channels; those beyond the sides of the image have no rows.
    assert str(layer.packing) == "4 x 5 positions, 2 channels"
    assert {tile_slice.rows for tile_slice in layer.slices} == {60} and len(layer.slices) == 32
    # Block-diagonal alone: seven channels of nine pixels a tile, 125 vectors of eight planes.
    assert plan(Mapping(MACRO, network)).cycles < 2100 < 10 * 125 * 8


def test_small_networks_stay_in_the_banks():
    rng = np.random.default_rng(1)
    network = residual_network(rng)
    inputs = rng.integers(-128, 128, (3, 1, 4, 4, 2))
    config = MacroConfig(rows=32, columns=32, banks=4)
    mapping = Mapping(config, network)
    assert len(mapping.tiles) <= 4 and all(tile.resident for tile in mapping.tiles)
    with MacroBackend(mapping, Predicted(config)) as backend:
        written = []
        for x in inputs:
            del backend.records[:]
            Inference(network, product=backend.product).run(x[None])
            written.append(sum(len(record.loads) for record in backend.records))
    assert written[0] > 0 and written[1:] == [0, 0]


def test_more_banks_hold_what_would_be_waited_for():
    rng = np.random.default_rng(1)
    network, inputs = residual_network(rng), rng.integers(-128, 128, (4, 1, 4, 4, 2))
    taken = [cycles(network, inputs, config=MacroConfig(rows=8, columns=8, banks=banks))[-1] for banks in (1, 2, 3, 8)]
    assert taken == sorted(taken, reverse=True) and len(set(taken)) == 4


def test_loads_of_the_next_layer_hide_behind_this_one():
    network = residual_network(np.random.default_rng(1))
    mapping = Mapping(MacroConfig(rows=32, columns=32, banks=2), network)
    schedule = Schedule(mapping)
    programs = [schedule.program(operator, layer.worst(1))
                for operator, layer in zip(network.matrix_operators, mapping.layers)]
    assert [sorted({tile.layer for tile, _, _ in program.loads}) for program in programs][:2] == [[0, 1], [2]]


def test_plan_says_where_and_when():
    mapping = Mapping(MacroConfig(rows=16, columns=16, banks=2), residual_network(np.random.default_rng(1)))
    planned = plan(mapping)
    assert [tile.tile for tile in planned.tiles] == mapping.tiles
    for tile in planned.tiles:
        assert tile.written[0] <= tile.written[1] < tile.results[0] <= tile.results[1] < planned.cycles
    for first in planned.tiles:
        for second in planned.tiles:
            if first is not second and first.tile.bank == second.tile.bank:
                # In one bank the results of a tile are computed before the next is written.
                assert first.results[1] - mapping.config.latency < second.written[0] or (
                    second.results[1] - mapping.config.latency < first.written[0])
    text = str(planned)
    assert "operator 1 (depthwise): " in text and "bank 0: " in text and text.endswith(f"{planned.cycles} cycles")


def test_weights_that_do_not_fit_name_the_layer():
    network = residual_network(np.random.default_rng(1))
    with pytest.raises(ValueError, match=r"^operator 0 \(conv\): weights must be from -8 to 7 \(weight_bits 4"):
        Mapping(MacroConfig(rows=8, columns=8, weight_bits=4), network)


def test_layers_that_take_too_long_are_refused(monkeypatch):
    network = residual_network(np.random.default_rng(1))
    monkeypatch.setattr("bitline.host.mapping.mapping.MAX_STEPS", 50)
    with pytest.raises(ValueError, match=r"^operator 0 \(conv\): a layer must take at most 50 rows and vectors, "):
        Mapping(MacroConfig(rows=8, columns=8), network, 9)
