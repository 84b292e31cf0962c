"""Networks for engines with weights from a memory outside: tensors, cycles, and what does not fit."""

from dataclasses import replace

import numpy as np
import pytest
from bitline.host.engine.compiler import compile_network, fitted, widest
from bitline.host.network.files.load import load_network
from bitline.host.network.files.reference import TfliteReference
from bitline.host.network.inference import Inference
from engine_networks import DEFAULT, SMALL, Builder, differences, inputs_of, mobile_network, mobile_v1, refused
from network_files import file_of
from places import NETWORKS, ROOT

DOCUMENT = ROOT / "docs" / "engine.md"
PORTS = (4, 8, 16, 64)
OUTSIDE = {port: replace(DEFAULT, weight_port=port, tile_rows=512) for port in PORTS}
WHOLE = replace(DEFAULT, tile_rows=4352)


def work_of(network):
    """Weights, and multiplications with them."""
    weights = [(network.tensors[each.inputs[1]].shape, network.tensors[each.outputs[0]].shape)
               for each in network.operators if len(each.inputs) > 1]
    return (sum(int(np.prod(shape)) for shape, _ in weights),
            sum(int(np.prod(shape)) * int(np.prod(output[1:-1])) for shape, output in weights))


@pytest.mark.parametrize("port", [1, 64])
def test_a_network_has_the_tensors_of_any_engine(port):
    rng = np.random.default_rng(7)
    network = mobile_network(rng)
    engine = replace(DEFAULT, weight_port=port, tile_rows=16)
    assert differences(engine, network, inputs_of(rng, network))[0] == []


@pytest.mark.parametrize("name, port", [
    ("keyword_spotting", 4),
    *(pytest.param(name, port, marks=pytest.mark.slow) for name in NETWORKS for port in PORTS)])
def test_published_networks_have_the_tensors_of_litert(published, name, port):
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    path, inputs = published(name)
    mismatches, compiled, run = differences(OUTSIDE[port], load_network(path), inputs[:1],
                                            reference=TfliteReference(path).run(inputs[:1]))
    assert mismatches == [] and run.cycles <= compiled.total_cycles


@pytest.mark.slow
@pytest.mark.parametrize("port", PORTS)
def test_a_mobile_network_of_a_file_has_the_tensors_of_litert(port, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    path = tmp_path / "mobile.tflite"
    path.write_bytes(file_of(mobile_v1()))
    network = load_network(path)
    assert work_of(network) == (208_112, 7_489_664)
    x = inputs_of(np.random.default_rng(2), network)
    assert differences(OUTSIDE[port], network, x, reference=TfliteReference(path).run(x))[0] == []


@pytest.mark.slow
def test_a_mobile_network_of_a_megabyte():
    """Of half the channels, and with 400 classes: it needs more memory for activations, and none for its weights."""
    network = mobile_v1(width=16, classes=400)
    engine = fitted(compile_network(widest(OUTSIDE[16]), network))
    cycles = compile_network(engine, network).total_cycles
    assert engine.tile_rows == 512 and (
        f"of {work_of(network)[0]:,} weights, takes {cycles:,} cycles with 16 bytes a cycle and `activation_bytes` "
        f"{engine.activation_bytes:,}.") in DOCUMENT.read_text(encoding="utf-8")
    x = inputs_of(np.random.default_rng(2), network, 1)
    assert differences(engine, network, x, reference=Inference(network).run(x))[0] == []


def cycles_in_document(name):
    """Of a network: with the tile memory, and by each port."""
    (row,) = (line for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
              if line.startswith(f"| {name} | ") and line.count("|") == 3 + len(PORTS))
    return [int(cell.replace(",", "")) for cell in row.split("|")[2:-1]]


@pytest.mark.parametrize("name", [
    "keyword spotting", *(pytest.param(name, marks=pytest.mark.slow) for name in (
        "image classification", "anomaly detection", "MobileNet 0.25"))])
def test_cycles_of_the_document(published, name):
    network = mobile_v1() if name.startswith("Mobile") else load_network(published(name.replace(" ", "_"))[0])
    engines = [WHOLE, *OUTSIDE.values()]
    assert cycles_in_document(name) == [compile_network(each, network).total_cycles for each in engines]


# What does not fit.


def test_more_activations_than_there_is_room_for():
    build = Builder(np.random.default_rng(1), (1, 32, 32, 1))
    build.conv(16, (1, 1))
    build.conv(24, (1, 1))
    said = refused(build.network(), replace(SMALL, weight_port=4))
    assert said.startswith("operator ") and " in 32768 bytes of activation memory (activation_bytes of the eng" in said


def test_more_rows_than_a_memory_outside_has():
    build = Builder(np.random.default_rng(1), (1, 1024))
    build.dense(1024)
    build.dense(16)
    said = refused(build.network(), replace(SMALL, weight_port=4, load_entries=1 << 16))
    assert said == ("operator 1 (FULLY_CONNECTED) must find room in the engine, whose memory outside must be at least "
                    "66560 for this network, not 65536")


def test_a_tile_memory_through_which_rows_come_is_not_fitted_to_them():
    build = Builder(np.random.default_rng(1), (1, 6, 6, 64))
    build.conv(64)
    network = build.network()
    engine = replace(SMALL, weight_port=4, tile_rows=64)
    assert fitted(compile_network(widest(engine), network)).tile_rows == 64
    assert fitted(compile_network(widest(replace(engine, weight_port=0)), network)).tile_rows > 64
