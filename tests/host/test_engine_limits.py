"""The compiler of engines: what does not fit is refused; memory, factors, and the program in words."""

import re
import weakref
from dataclasses import replace

import numpy as np
import pytest
from bitline.golden.engine.descriptor import Descriptor, Flags
from bitline.golden.engine.executor import Engine
from bitline.golden.requantize import ROUNDINGS, requantize
from bitline.host.engine import requantization
from bitline.host.engine.compiler import compile_network, fitted, widest
from bitline.host.engine.listing import costs, lines
from bitline.host.engine.memory import Buffer, check_places, place
from bitline.host.engine.packing import block_toeplitz, choose
from bitline.host.network.files.load import load_network
from bitline.host.network.network import NetworkError
from bitline.host.network.operators import (
    AssignVariable,
    AveragePool2D,
    MaxPool2D,
    Reshape,
    Sub,
)
from engine_networks import DEFAULT, SMALL, Builder, differences, inputs_of, mobile_network, refused, state_network
from places import NETWORKS
from small_networks import convolution_network

LARGE = replace(DEFAULT, activation_bytes=1 << 22)


# What does not fit.


@pytest.mark.parametrize("fields, line", [
    ({"tile_rows": 16}, r"^operator 0 \(CONV_2D\) must find room in the engine, whose tile_rows must be at least \d+ "
                        "for this network, not 16$"),
    ({"parameter_slots": 1}, r"^operator 1 \(CONV_2D\) must find .* parameter_slots must be at least 2 .*, not 1$"),
    ({"load_entries": 1}, r"^operator 0 \(CONV_2D\) must find .* load_entries must be at least \d+ .*, not 1$"),
    ({"program_length": 2}, "^END must find .* program_length must be at least 3 for this network, not 2$"),
    ({"sum_bits": 22}, r"^operator 0 \(CONV_2D\) must have sums within 22 bits"),
])
def test_network_that_needs_more_of_the_engine(fields, line):
    build = Builder(np.random.default_rng(14), (1, 6, 6, 64))
    build.conv(8)
    build.conv(8, (1, 1))
    said = refused(build.network(), replace(SMALL if "sum_bits" not in fields else DEFAULT, **fields))
    assert re.search(line, said)


def test_values_that_a_field_does_not_hold():
    """Of a row that is alone the length needs none; others are named."""
    build = Builder(np.random.default_rng(48), (1, 640))
    build.dense(3)
    network = build.network()
    x = inputs_of(np.random.default_rng(49), network, 103)
    assert differences(LARGE, network, x, batch=103)[0] == []
    build = Builder(np.random.default_rng(50), (1, 2, 2, 33000))
    build.pool(MaxPool2D, (1, 1), (1, 1))
    assert refused(build.network(), LARGE) == (
        "operator 0 (MAX_POOL_2D) must have a source_pitch of at most 65535 in its descriptor on an engine, not 66000")
    build = Builder(np.random.default_rng(51), (1, 300, 1, 1))
    build.pool(MaxPool2D, (1, 1), (300, 1))
    assert refused(build.network()) == (
        "operator 0 (MAX_POOL_2D) must have a step_y of at most 255 in its descriptor on an engine, not 300")


@pytest.mark.parametrize("config, shape, outputs, size, stride", [
    (replace(LARGE, activation_bytes=1 << 23), (1, 256, 256, 1), 64, (3, 3), (1, 1)),
    (replace(DEFAULT, lanes=4, depthwise=4, arrays=8, macro=replace(DEFAULT.macro, columns=256), sum_slots=4096),
     (1, 600, 2, 1), 1, (1, 1), (1, 1)),
    (replace(DEFAULT, lanes=4, depthwise=4), (1, 600, 2, 1), 1, (1, 1), (40, 1)),
])
def test_packings_fit_into_descriptors(config, shape, outputs, size, stride):
    build = Builder(np.random.default_rng(52), shape)
    build.conv(outputs, size, stride)
    network = build.network()
    packing = choose(config, network.operators[0].convolution(network.tensors), is_unsigned=True, is_contiguous=True)
    fields = {"block_height": packing.height, "block_width": packing.width, "step_y": packing.height * stride[0],
              "step_x": packing.width * stride[1], "strip": packing.strip}
    assert Descriptor(**fields).beyond == []


def test_partial_sums_without_room_are_said():
    build = Builder(np.random.default_rng(58), (1, 4, 4, 16))
    build.conv(128)
    config = replace(DEFAULT, lanes=4, depthwise=4, sum_slots=16, macro=replace(DEFAULT.macro, columns=128))
    assert refused(build.network(), config) == (
        "operator 0 (CONV_2D) must find room in the engine, whose sum_slots must hold the partial sums of a vector, "
        "and are 16")


def test_what_the_engine_refuses_names_the_operator():
    """A variable that is assigned what it is."""
    network = state_network(False)
    network.operators.append(AssignVariable(location="operator 9 (ASSIGN_VARIABLE)", inputs=(1,), outputs=(),
                                            variable=0))
    assert refused(replace(network, outputs=(0,))).startswith(
        "operator 9 (ASSIGN_VARIABLE) must be what an engine runs, and is not: descriptor 0 must have a source apart "
        "from its target, ")


@pytest.mark.parametrize("rounding", ["single", "double", "float"])
def test_means_round_as_lanes_do(rounding):
    build = Builder(np.random.default_rng(59), (1, 4, 4, 8))
    build.mean()
    network = build.network()
    network.operators[0] = replace(network.operators[0], rounding=rounding)
    if rounding == "float":
        assert refused(network) == "operator 0 (MEAN) must round as single, double, away on an engine, not float"
    else:
        assert differences(DEFAULT, network, inputs_of(np.random.default_rng(60), network))[0] == []


def test_networks_of_onnx_files_are_refused():
    network = replace(convolution_network(np.random.default_rng(61)), runtime="onnx")
    assert refused(network) == ("network must be of a .tflite file on an engine, not of an .onnx file, whose results "
                                "are rounded in float32")


def test_means_of_windows_that_are_too_large_are_refused_at_once():
    build = Builder(np.random.default_rng(64), (1, 1 << 12, 1 << 12, 1))
    build.pool(AveragePool2D, (1 << 12, 1 << 12), (1, 1))
    assert refused(build.network(), replace(DEFAULT, activation_bytes=1 << 24)) == (
        "operator 0 (AVERAGE_POOL_2D) must have windows of at most 65536 pixels on an engine, not 16777216")


def test_sums_that_are_too_large_name_the_operator():
    build = Builder(np.random.default_rng(15), (1, 6, 6, 200))
    build.conv(8)
    assert refused(build.network(), replace(DEFAULT, sum_bits=22)).startswith(
        "operator 0 (CONV_2D) must have sums within 22 bits (sum_bits of the engine), not up to ")


def test_memory_that_is_too_small_names_the_tensors():
    build = Builder(np.random.default_rng(16), (1, 16, 16, 4))
    build.conv(16)
    assert refused(build.network(), replace(DEFAULT, activation_bytes=4096)) == (
        "input must find room for t0 in 4096 bytes of activation memory (activation_bytes of the engine) beside t3, "
        "not up to byte 5120")


def test_operators_that_an_engine_lacks_are_in_one_line(published):
    build = Builder(np.random.default_rng(17), (1, 8, 8, 4))
    build.conv(4, (1, 1))
    build.pool(MaxPool2D, (2, 2), (2, 2))
    network = build.network()
    network.operators[0] = replace(network.operators[0], dilation=(2, 1))
    assert refused(network) == "operator 0 (CONV_2D) must have dilation 1 on an engine, not (2, 1)"
    assert refused(build.network(), batch=2) == (
        "operator 0 (CONV_2D) must have dilation 1 on an engine, not (2, 1); "
        "operator 1 (MAX_POOL_2D) must be FULLY_CONNECTED for inputs that run together")


def test_activations_of_16_bits_are_refused():
    network = convolution_network(np.random.default_rng(18), dtype="int16", zero_point=0)
    assert refused(network) == "x must be int8 to go into an engine or out of it, not int16"


def test_operators_that_derive_from_others_are_refused():
    build = Builder(np.random.default_rng(33), (1, 3, 3, 5))
    build.add(0, build.conv(5))
    network = build.network()
    fields = {name: getattr(network.operators[1], name) for name in ("location", "inputs", "outputs")}
    network.operators[1] = Sub(**fields)
    assert refused(network).startswith("operator 1 (ADD) must be among the operators of an engine")


def test_padded_means_are_refused():
    build = Builder(np.random.default_rng(19), (1, 8, 8, 4))
    build.pool(AveragePool2D, (2, 2), (2, 2))
    network = build.network()
    network.operators[0] = replace(network.operators[0], padding=((0, 1), (0, 0)))
    assert refused(network) == "operator 0 (AVERAGE_POOL_2D) must have no padding on an engine, not ((0, 1), (0, 0))"


def test_reshaped_elements():
    """Without gaps they are what they are read as; with gaps for the depthwise unit only FULLY_CONNECTED reads them."""
    build = Builder(np.random.default_rng(25), (1, 4, 6, 4))
    source = build.conv(4, (1, 1))
    build.tensors.append(replace(build.tensors[source], shape=(1, 6, 4, 4)))
    reshaped = build.place(Reshape, (source,), len(build.tensors) - 1)
    build.conv(4, (1, 1))
    network = build.network()
    assert differences(DEFAULT, network, inputs_of(np.random.default_rng(26), network))[0] == []
    build.conv(4, (1, 1), source=reshaped)
    build.last = source
    build.depthwise()
    assert refused(build.network()) == ("operator 2 (CONV_2D) must not read reshaped elements on an engine, where only "
                                        "FULLY_CONNECTED does")


# Memory.


def test_buffers_do_not_overlap_while_they_are_needed():
    rng = np.random.default_rng(20)
    for _ in range(50):
        buffers = [Buffer(f"b{index}", 1, 1, int(rng.integers(1, 400)), first=(first := int(rng.integers(8))),
                          last=first + int(rng.integers(4))) for index in range(8)]
        place(buffers, DEFAULT)
        check_places(buffers, DEFAULT)
        assert all(buffer.address % DEFAULT.lanes == 0 for buffer in buffers)


def test_buffers_that_overlap_are_noticed():
    buffers = [Buffer("a", 1, 1, 20, first=0, last=2, address=0), Buffer("b", 1, 1, 20, first=2, last=3, address=16)]
    with pytest.raises(AssertionError):
        check_places(buffers, DEFAULT)
    buffers[1].first = 3
    check_places(buffers, DEFAULT)


@pytest.mark.parametrize("channels, width, pixel, pitch", [(64, 5, 64, 336), (8, 6, 8, 48), (3, 4, 16, 80),
                                                           (24, 2, 32, 80), (16, 3, 16, 48)])
def test_buffers_of_the_depthwise_unit_have_rows_in_different_banks(channels, width, pixel, pitch):
    buffer = Buffer("b", 4, width, channels)
    buffer.align(16)
    assert (buffer.pixel, buffer.pitch) == (pixel, pitch)


# Arithmetic.


@pytest.mark.parametrize("count", [1, 2, 3, 7, 25, 64, 125, 1000])
def test_means_are_divided_exactly(count):
    network = Builder(np.random.default_rng(21), (1, 1, 1, 1))
    network.pool(AveragePool2D, (1, 1), (1, 1))
    found = requantization.of_average(network.operators[0], count, -128, 127)
    sums = np.arange(-128 * count, 127 * count + 1)
    found = requantize(sums, found.bias, found.multiplier, found.shift, zero_point=0, low=-128, high=127,
                       rounding=ROUNDINGS[found.fields["rounding"]])
    assert np.array_equal(found, np.sign(sums) * ((2 * np.abs(sums) + count) // (2 * count)))


def test_block_of_a_packing_is_the_convolution():
    network = convolution_network(np.random.default_rng(22), channels=3, outputs=6, stride=(2, 1))
    conv = network.operators[0].convolution(network.tensors)
    packing = choose(replace(DEFAULT, lanes=8), conv, is_unsigned=True, is_contiguous=True)
    block = block_toeplitz(conv, packing, 0)
    patch = np.random.default_rng(23).integers(0, 256, (packing.tall, packing.wide, 3))
    sums = np.tensordot(patch.reshape(-1), block.astype(np.int64), 1)
    for down in range(packing.height):
        for across in range(packing.width):
            seen = patch[2 * down:2 * down + 3, across:across + 3]
            expected = np.einsum("yxc,oyxc->o", seen, conv.kernel.astype(np.int64))
            assert np.array_equal(sums[down * packing.width + across], expected)
    assert packing.height * packing.width > 1


@pytest.mark.parametrize("name", NETWORKS)
def test_fitted_memories_give_the_same_program(published, name):
    network = load_network(published(name)[0])
    whole = compile_network(DEFAULT, network)
    config = fitted(whole)
    compiled = compile_network(config, network)
    assert [step.fields for step in compiled.steps] == [step.fields for step in whole.steps]
    assert compiled.total_cycles == whole.total_cycles
    assert config.tile_rows - compiled.rows < 64 and config.parameter_slots - compiled.slots < 64
    assert config.activation_bytes - compiled.peak < 1024 and config.activation_bytes < DEFAULT.activation_bytes
    assert fitted(compiled) == config
    with pytest.raises(NetworkError, match="whose tile_rows must be at least "):
        compile_network(replace(config, tile_rows=config.tile_rows - 64), network)


@pytest.mark.parametrize("shape, outputs, engine", [
    ((1, 4, 4, 4), 4, SMALL),
    ((1, 32, 32, 4), 8, replace(SMALL, activation_bytes=1024, program_length=2, tile_rows=16)),
    ((1, 9, 9, 30), 60, replace(SMALL, parameter_slots=1, load_entries=1)),
])
def test_fitted_memories_are_smaller_or_larger(shape, outputs, engine):
    build = Builder(np.random.default_rng(62), shape)
    build.conv(outputs)
    network = build.network()
    config = fitted(compile_network(widest(engine), network))
    compiled = compile_network(config, network)
    assert config.activation_bytes >= compiled.peak > config.activation_bytes - 1024
    assert config.sum_slots <= engine.sum_slots and fitted(compiled) == config


def test_compiling_keeps_no_memories(monkeypatch):
    """Of each step the cycles are kept, and not the memory, which may be megabytes."""
    kept = []

    def steps(engine, **settings):
        for step in Engine.steps(engine, **settings):
            assert sum(each() is not None for each in kept) <= 1
            kept.append(weakref.ref(step))
            yield step

    monkeypatch.setattr("bitline.host.engine.compiler.Engine", type("Watched", (Engine,), {"steps": steps}))
    compile_network(DEFAULT, mobile_network(np.random.default_rng(63)))
    assert len(kept) > 5


# In words.


def test_program_in_words(published):
    path, _ = published("image_classification")
    compiled = compile_network(DEFAULT, load_network(path))
    text = lines(compiled)
    assert len(text) == len(compiled.program) == 12
    assert text[0].startswith("  0 CONV operator 0 (CONV_2D): 32 x 32 x 3 at ")
    assert "plus 8 x 8 x 64 at" in text[8] and text[8].endswith(", summed up")
    assert text[11].startswith(" 11 END: the greatest of 10 bytes at ")


def test_costs_count_what_is_moved():
    build = Builder(np.random.default_rng(24), (1, 4, 4, 8))
    build.conv(16, (1, 1))
    compiled = compile_network(DEFAULT, build.network())
    (cost,) = costs(compiled)
    assert (cost.memory, cost.sums, cost.outputs) == (4 * 4 * 24, 0, 256)
    descriptor = compiled.program[0]
    assert cost.inputs == descriptor.vectors * descriptor.rows
    assert cost.weights == descriptor.rows * 64 and cost.cycles == compiled.cycles[0]
    assert not descriptor.flags & Flags.RESIDUAL
