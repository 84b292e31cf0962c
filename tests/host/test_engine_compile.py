"""The compiler of engines: every tensor is the network's, and what does not fit is refused."""

import re
import weakref
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from bitline.golden.engine.checks import MOST_SUMMED
from bitline.golden.engine.descriptor import Descriptor, Flags, Operation
from bitline.golden.engine.executor import Engine
from bitline.golden.requantize import ROUNDINGS, requantize
from bitline.host.engine import requantization
from bitline.host.engine.compiler import compile_network, fitted, widest
from bitline.host.engine.listing import costs, lines
from bitline.host.engine.lowering import Lowering
from bitline.host.engine.memory import Buffer, check_places, place
from bitline.host.engine.packing import block_toeplitz, choose
from bitline.host.network.files.load import load_network
from bitline.host.network.files.reference import TfliteReference
from bitline.host.network.inference import Inference
from bitline.host.network.network import NetworkError, Tensor, Variable
from bitline.host.network.operators import (
    Add,
    ArgMax,
    AssignVariable,
    AveragePool2D,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Dequantize,
    MaxPool2D,
    Pad,
    Quantize,
    ReadVariable,
    Reshape,
    Selection,
    Softmax,
    Sub,
)
from engine_networks import DEFAULT, PAIR, SMALL, SMALL_PAIR, Builder, differences, drawn_network, mobile_network
from places import NETWORKS, ROOT
from small_networks import convolution_network

WITHOUT_UNIT = replace(SMALL, depthwise=0)
BITCELLS = replace(SMALL, macro=replace(SMALL.macro, column="bitcell", banks=1))
ENGINES = {"default": DEFAULT, "small": SMALL, "without depthwise unit": WITHOUT_UNIT,
           "two macros": PAIR, "small, two macros": SMALL_PAIR,
           "four macros": replace(SMALL, arrays=4, macro=replace(SMALL.macro, columns=8, result_interval=4)),
           "weights from outside": replace(SMALL, weight_port=4), "bitcells, one bank": BITCELLS}
LARGE = replace(DEFAULT, activation_bytes=1 << 22)
# Cycles of the first input of each published network, on the default engine and on one of two macros; and together, of
# 16 of the last one.
CYCLES = {"keyword_spotting": (5551, 5557), "image_classification": (31073, 25995), "anomaly_detection": (7045, 7047)}
TOGETHER = 16, (8620, 8474)


def inputs_of(rng, network, count=2):
    """Drawn inputs, of large and of small numbers."""
    x = rng.integers(-128, 128, (count, *network.tensors[0].shape))
    x[1::2] = rng.integers(-128, -100, x[1::2].shape)
    return x


# Values.


@pytest.mark.parametrize("engine, fuse", [("default", True), ("default", False), ("two macros", True)])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_of_a_published_network_is_that_of_litert(published, name, engine, fuse):
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    path, inputs = published(name)
    network = load_network(path)
    inputs = inputs[:1]
    mismatches, compiled, run = differences(ENGINES[engine], network, inputs, fuse=fuse,
                                            reference=TfliteReference(path).run(inputs))
    assert mismatches == [] and (not fuse or run.cycles == CYCLES[name][engine != "default"])
    assert run.cycles <= compiled.total_cycles
    if not fuse:
        # All tensors but those of RESHAPE, which moves nothing, and of the SOFTMAX that is left to the reader.
        kinds = [type(operator).__name__ for operator in network.operators]
        made = {step.output for step in compiled.steps}
        assert len(made) == len(kinds) - kinds.count("Reshape") - kinds.count("Softmax")


def test_cycles_of_the_document(published):
    text = (ROOT / "docs" / "engine.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z ]+)(?:, (\d+) inputs together)? \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$",
                      text, re.MULTILINE)
    assert len(rows) == 4
    for name, batch, *cycles in rows:
        path, _ = published(name.replace(" ", "_"))
        batch, first = (int(batch), TOGETHER[1]) if batch else (1, CYCLES[name.replace(" ", "_")])
        whole = [compile_network(config, load_network(path), batch=batch).total_cycles for config in (DEFAULT, PAIR)]
        assert cycles == [f"{each:,}" for pair in zip(first, whole) for each in pair], (name, first, whole)


@pytest.mark.slow
@pytest.mark.parametrize("engine, fuse", [("default", True), ("default", False), ("two macros", True)])
@pytest.mark.parametrize("name", NETWORKS)
def test_all_inputs_of_a_published_network(published, name, engine, fuse):
    """Of the thousand inputs of the last one some run together, or it would take minutes each time."""
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    path, inputs = published(name)
    batch = 24 if name == "anomaly_detection" and (engine, fuse) != ("default", True) else 1
    assert len(inputs) % batch == 0
    mismatches, _, _ = differences(ENGINES[engine], load_network(path), inputs, fuse=fuse, batch=batch,
                                   reference=TfliteReference(path).run(inputs))
    assert mismatches == []


@pytest.mark.parametrize("engine", ["default", "two macros"])
def test_inputs_that_run_together(published, engine):
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    path, inputs = published("anomaly_detection")
    batch, cycles = TOGETHER
    inputs = inputs[:batch]
    mismatches, _, run = differences(ENGINES[engine], load_network(path), inputs, batch=batch,
                                     reference=TfliteReference(path).run(inputs))
    assert mismatches == [] and run.cycles == cycles[engine != "default"]


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("seed", range(6))
def test_drawn_networks(name, seed):
    rng = np.random.default_rng(seed)
    network = drawn_network(rng)
    x = inputs_of(rng, network)
    for fuse in (True, False):
        mismatches, compiled, run = differences(ENGINES[name], network, x, fuse=fuse)
        assert mismatches == [] and run.cycles <= compiled.total_cycles


@pytest.mark.slow
@pytest.mark.parametrize("name", ENGINES)
def test_many_drawn_networks(name):
    for seed in range(100, 250):
        rng = np.random.default_rng(seed)
        network = drawn_network(rng)
        try:
            mismatches, compiled, run = differences(ENGINES[name], network, inputs_of(rng, network))
        except NetworkError as error:
            assert "must find room in the engine" in str(error)
            continue
        assert mismatches == [] and run.cycles <= compiled.total_cycles, seed


@pytest.mark.parametrize("name", ENGINES)
def test_a_mobile_network(name):
    rng = np.random.default_rng(7)
    network = mobile_network(rng)
    mismatches, compiled, _ = differences(ENGINES[name], network, inputs_of(rng, network))
    assert mismatches == []
    if name == "default":
        assert any(descriptor.feeds for descriptor in compiled.program)


def test_a_wrong_weight_is_noticed():
    network = mobile_network(np.random.default_rng(8))
    x = inputs_of(np.random.default_rng(9), network)
    wrong = network.tensors[network.operators[0].inputs[1]].data
    expected = differences(DEFAULT, network, x)
    wrong[0, 0, 0, 0] ^= 0x40
    changed = compile_network(DEFAULT, network)
    wrong[0, 0, 0, 0] ^= 0x40
    assert expected[0] == []
    engines = [Engine(DEFAULT, each.image).run(x[0].astype(np.int8)) for each in (expected[1], changed)]
    assert engines[0].steps[0].crc != engines[1].steps[0].crc


@pytest.mark.parametrize("fields", [
    {"kind": Conv2D, "channels": 8, "outputs": 12, "groups": 4, "stride": (2, 1)},
    {"kind": DepthwiseConv2D, "channels": 3, "outputs": 6, "groups": 3},
    {"kind": DepthwiseConv2D, "channels": 5, "outputs": 5, "groups": 5, "size": (5, 2), "padding": ((2, 2), (0, 1))},
    {"kind": Conv2D, "zero_point": 17, "channels": 30, "outputs": 70},
    {"kind": Conv2D, "channels": 1, "outputs": 9, "size": (5, 2), "padding": ((2, 2), (1, 0)), "stride": (2, 1)},
])
@pytest.mark.parametrize("name", ENGINES)
def test_kinds_of_convolutions(name, fields):
    rng = np.random.default_rng(10)
    network = convolution_network(rng, **fields)
    assert differences(ENGINES[name], network, inputs_of(rng, network))[0] == []


# Layers that run together.


def test_layers_that_run_together(published):
    path, _ = published("keyword_spotting")
    program = compile_network(DEFAULT, load_network(path)).program
    assert [Operation(descriptor.operation).name for descriptor in program] == [
        "CONV", *["DEPTHWISE", "CONV"] * 4, "POOL", "CONV", "END"]
    assert [descriptor.feeds for descriptor in program].count(True) == 4
    assert [descriptor.is_summed for descriptor in program].count(True) == 2
    # Its first windows are tall, so that it is gathered in columns.
    assert (program[0].tall, program[0].wide) == (4, 10)


def test_sums_of_an_image_are_of_no_more_results_than_their_bits_hold(monkeypatch):
    """A mean over more is one of its own; here of 16, as those of 24 bits would take minutes."""
    assert MOST_SUMMED * 128 == 1 << 23
    monkeypatch.setattr("bitline.host.engine.lowering.MOST_SUMMED", 16)
    for width, is_summed in ((4, True), (5, False)):
        build = Builder(np.random.default_rng(53), (1, 4, width, 1))
        build.conv(1, (1, 1))
        build.mean()
        steps = Lowering(DEFAULT, build.network()).steps
        assert [bool(step.fields.get("flags", 0) & Flags.SUMS) for step in steps] == [is_summed] * 2


def test_a_sum_takes_the_place_of_what_is_added(published):
    path, _ = published("image_classification")
    program = compile_network(DEFAULT, load_network(path)).program
    sums = [descriptor for descriptor in program if descriptor.is_residual]
    assert len(sums) == 3 and all(descriptor.target == descriptor.residual for descriptor in sums)


def test_a_sum_does_not_take_the_place_of_what_its_convolution_reads():
    """The convolution reads a slice of the tensor that is added."""
    build = Builder(np.random.default_rng(56), (1, 4, 4, 16))
    whole = build.conv(16, (1, 1))
    build.tensors.append(replace(build.tensors[whole], name="half", shape=(1, 4, 4, 8)))
    half = build.place(Selection, (whole,), len(build.tensors) - 1,
                       parts=((range(1), range(4), range(4), range(8)),), shapes=((1, 4, 4, 8),))
    build.add(whole, build.conv(16, source=half))
    network = build.network()
    mismatches, compiled, _ = differences(SMALL, network, inputs_of(np.random.default_rng(57), network))
    assert mismatches == [] and compiled.program[1].is_residual


def test_what_others_read_is_kept():
    """Of two readers of a depthwise layer, and of a sum that is needed again, nothing runs together."""
    build = Builder(np.random.default_rng(11), (1, 6, 6, 16))
    build.depthwise()
    both = build.last
    first = build.conv(16, (1, 1))
    second = build.conv(16, (1, 1), source=both)
    total = build.add(first, second)
    build.add(total, first)
    network = build.network()
    mismatches, compiled, _ = differences(DEFAULT, network, inputs_of(np.random.default_rng(12), network))
    assert mismatches == [] and not any(descriptor.feeds for descriptor in compiled.program)


def test_tiles_that_a_bank_holds_are_not_loaded_again():
    build = Builder(np.random.default_rng(13), (1, 16, 16, 5))
    build.conv(16)
    compiled = compile_network(SMALL, build.network())
    descriptor = compiled.program[0]
    assert len(descriptor.parts) == 2 and len(descriptor.strips) > 1 and len(descriptor.channel_blocks) == 1
    assert [load.keeps for load in compiled.loads] == [False] * 2 + [True] * (len(compiled.loads) - 2)


def test_padding_before_convolutions_is_theirs():
    build = Builder(np.random.default_rng(27), (1, 7, 8, 4))
    source = build.tensors[build.conv(16)]
    amounts = (0, 0), (1, 0), (2, 1), (0, 0)
    build.tensors.append(replace(source, shape=(1, 8, 11, 16)))
    build.place(Pad, (build.last,), len(build.tensors) - 1, amounts=amounts, value=source.zero_point)
    build.depthwise(stride=(2, 2), same=False)
    network = build.network()
    mismatches, compiled, _ = differences(DEFAULT, network, inputs_of(np.random.default_rng(28), network))
    assert mismatches == [] and len(compiled.program) == 3
    network.operators[1] = replace(network.operators[1], value=source.zero_point - 1)
    assert refused(network).startswith("operator 1 (PAD) must be among the operators of an engine")


def test_a_sum_with_an_input_that_is_gathered_in_columns():
    build = Builder(np.random.default_rng(34), (1, 6, 5, 1))
    other = build.tensor((1, 6, 5, 8))
    build.add(other, build.conv(8, (3, 2), source=0))
    network = build.network((0, other))
    rng = np.random.default_rng(35)
    x, y = rng.integers(-128, 128, (1, 1, 6, 5, 1)), rng.integers(-128, 128, (1, 1, 6, 5, 8))
    compiled = compile_network(DEFAULT, network)
    assert compiled.program[0].is_residual and compiled.steps[0].is_turned
    run = Engine(DEFAULT, compiled.image).run(np.concatenate([x.reshape(-1), y.reshape(-1)]).astype(np.int8))
    assert np.array_equal(run.output, Inference(network).run(x, y)[network.outputs[0]].reshape(-1))


def test_what_is_not_int8_is_left_to_others():
    """QUANTIZE of the input, and SOFTMAX and DEQUANTIZE at the end."""
    build = Builder(np.random.default_rng(36), (1, 4, 4, 3))
    x = build.tensor((1, 4, 4, 3))
    build.tensors[0] = Tensor("floats", (1, 4, 4, 3), "float32")
    build.place(Quantize, (0,), x)
    build.conv(5, (4, 4), same=False)
    logits = build.flat()
    build.tensors.append(replace(build.tensors[logits], scales=np.array([1 / 256], np.float32),
                                 zero_points=np.array([-128])))
    build.place(Softmax, (logits,), len(build.tensors) - 1, rounding="fixed")
    build.tensors.append(Tensor("shares", (1, 5), "float32"))
    build.place(Dequantize, (build.last,), len(build.tensors) - 1, rounding="float")
    network = build.network()
    floats = np.random.default_rng(37).normal(0, 2, (1, 1, 4, 4, 3)).astype(np.float32)
    expected = Inference(network).run(floats)
    run = Engine(DEFAULT, compile_network(DEFAULT, network).image).run(expected[x].astype(np.int8))
    assert np.array_equal(run.output, expected[logits].reshape(-1))


def test_several_inputs():
    build = Builder(np.random.default_rng(29), (1, 3, 3, 5))
    other = build.tensor((1, 3, 3, 5))
    build.add(0, other)
    network = build.network((0, other))
    x = np.random.default_rng(30).integers(-128, 128, (2, 1, 1, 3, 3, 5))
    run = Engine(DEFAULT, compile_network(DEFAULT, network).image).run(x.astype(np.int8))
    assert np.array_equal(run.output, Inference(network).run(*x)[network.outputs[0]].reshape(-1))


def test_the_greatest_output_at_the_end_is_that_of_the_engine():
    build = Builder(np.random.default_rng(31), (1, 20))
    build.dense(9)
    build.tensors.append(Tensor("class", (1,), "int64"))
    build.place(ArgMax, (build.last,), len(build.tensors) - 1, axis=1)
    network = build.network()
    engine = Engine(DEFAULT, compile_network(DEFAULT, network).image)
    x = inputs_of(np.random.default_rng(32), network, 8)
    expected = Inference(network).run(x)[network.outputs[0]].reshape(-1).tolist()
    assert [engine.run(each.astype(np.int8)).argmax for each in x] == expected and len(set(expected)) > 1


# What does not fit.


def refused(network, config=DEFAULT, **settings):
    """The one line that refuses a network."""
    with pytest.raises(NetworkError) as error:
        compile_network(config, network, **settings)
    assert "\n" not in str(error.value)
    return str(error.value)


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


def streaming_network(rng):
    """A convolution over the last three rows, of which one comes in each step; and what it gives, over four steps."""
    build = Builder(rng, (1, 1, 1, 20))
    tensors, states = build.tensors, []

    def remembered(rows):
        """The last so many rows of what came, and what comes, with the variable brought up to date."""
        new = build.last
        channels = tensors[new].shape[-1]
        tensors.append(replace(tensors[new], name="old", shape=(1, rows - 1, 1, channels)))
        number, old = len(states), len(tensors) - 1
        states.append(Variable(f"state {number}", rng.integers(-128, 128, (1, rows - 1, 1, channels)).astype(np.int8)))
        build.place(ReadVariable, (), old, variable=number)
        tensors.append(replace(tensors[new], name="all", shape=(1, rows, 1, channels)))
        everything = build.place(Concatenation, (old, new), len(tensors) - 1, axis=1)
        tensors.append(replace(tensors[new], name="kept", shape=(1, rows - 1, 1, channels)))
        parts = (range(1), range(1, rows), range(1), range(channels)),
        kept = build.place(Selection, (everything,), len(tensors) - 1, parts=parts, shapes=(tensors[-1].shape,))
        build.operators.append(AssignVariable(location=f"operator {len(build.operators)} (ASSIGN_VARIABLE)",
                                              inputs=(kept,), outputs=(), variable=number))
        build.last = everything

    remembered(3)
    build.conv(24, (3, 1), same=False)
    remembered(4)
    build.depthwise((4, 1), same=False)
    build.conv(10, (1, 1))
    return build.network(variables=tuple(states))


@pytest.mark.parametrize("name", ENGINES)
def test_steps_of_a_stream(name):
    network = streaming_network(np.random.default_rng(38))
    x = inputs_of(np.random.default_rng(39), network, 8)
    reference = Inference(network, stateful=True).run(x)
    mismatches, compiled, _ = differences(ENGINES[name], network, x, reference=reference)
    assert mismatches == []
    # Each begins a stream of its own after a reset.
    engine, alone = Engine(ENGINES[name], compiled.image), Inference(network).run(x)
    for number in (1, 0):
        engine.reset()
        assert np.array_equal(engine.run(x[number].astype(np.int8)).output,
                              alone[network.outputs[0]][number].reshape(-1))
    engine.run(x[1].astype(np.int8))
    assert not np.array_equal(engine.output(), alone[network.outputs[0]][1].reshape(-1))


@pytest.mark.needs("pymicro_wakeword")
@pytest.mark.slow
def test_streaming_wake_words():
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    paths = sorted((Path(find_spec("pymicro_wakeword").origin).parent / "models").glob("*.tflite"))
    assert len(paths) >= 4
    for path in paths:
        network = load_network(path)
        x = inputs_of(np.random.default_rng(40), network, 40)
        reference = TfliteReference(path, stateful=True).run(x)
        mismatches, compiled, run = differences(DEFAULT, network, x, reference=reference)
        assert mismatches == [] and run.cycles <= compiled.total_cycles, path.name


def test_variables_are_read_before_they_are_assigned():
    network = streaming_network(np.random.default_rng(41))
    operators = network.operators
    # The first variable is assigned what comes from the second, before it is used.
    assign = next(index for index, operator in enumerate(operators) if type(operator) is AssignVariable)
    late = next(index for index, operator in enumerate(operators) if type(operator) is Concatenation)
    operators.insert(late + 2, operators.pop(assign))
    tensors = network.tensors
    tensors.append(replace(tensors[operators[0].output], name="again"))
    operators.append(Add(location="operator 99 (ADD)", inputs=(operators[0].output, operators[0].output),
                         outputs=(len(tensors) - 1,)))
    assert refused(network) == "state 0 must be read before it is assigned on an engine"


def state_network(assigned, *, is_slice=False):
    """A network that gives what a variable was, or a slice of it, and assigns the input to the variable if asked to."""
    build = Builder(np.random.default_rng(47), (1, 1, 1, 8))
    build.tensors.append(replace(build.tensors[0], name="old"))
    build.place(ReadVariable, (), 1, variable=0)
    if is_slice:
        build.tensors.append(replace(build.tensors[0], name="half", shape=(1, 1, 1, 4)))
        build.place(Selection, (1,), 2, parts=((range(1), range(1), range(1), range(4)),), shapes=((1, 1, 1, 4),))
    if assigned:
        build.operators.append(AssignVariable(location="operator 9 (ASSIGN_VARIABLE)", inputs=(0,), outputs=(),
                                              variable=0))
    return build.network(variables=(Variable("state 0", np.arange(8, dtype=np.int8).reshape(1, 1, 1, 8)),))


@pytest.mark.parametrize("is_slice", [False, True])
def test_outputs_that_are_states(is_slice):
    """What a variable was is gone when it has been assigned."""
    assert refused(state_network(True, is_slice=is_slice)) == (
        "state 0 must be read before it is assigned on an engine")
    network = state_network(False, is_slice=is_slice)
    run = Engine(DEFAULT, compile_network(DEFAULT, network).image).run(bytes(8))
    assert run.output.tolist() == list(range(4 if is_slice else 8))


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
