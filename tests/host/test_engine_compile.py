"""The compiler of engines: every tensor is the network's."""

import re
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from bitline.golden.engine.checks import MOST_SUMMED
from bitline.golden.engine.descriptor import Flags, Operation
from bitline.golden.engine.executor import Engine
from bitline.host.engine.compiler import compile_network
from bitline.host.engine.lowering import Lowering
from bitline.host.network.files.load import load_network
from bitline.host.network.files.reference import TfliteReference
from bitline.host.network.inference import Inference
from bitline.host.network.network import NetworkError, Tensor
from bitline.host.network.operators import (
    Add,
    ArgMax,
    AssignVariable,
    Concatenation,
    Conv2D,
    DepthwiseConv2D,
    Dequantize,
    Pad,
    Quantize,
    Selection,
    Softmax,
)
from engine_networks import (
    DEFAULT,
    PAIR,
    SMALL,
    SMALL_PAIR,
    Builder,
    differences,
    drawn_network,
    inputs_of,
    mobile_network,
    refused,
    state_network,
    streaming_network,
)
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
CYCLES = {"keyword_spotting": (5587, 5593), "image_classification": (31147, 26067), "anomaly_detection": (7062, 7064)}
TOGETHER = 16, (8685, 8539)


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
        # Turns of several macros change where planes are skipped, which may cost some cycles.
        most = compiled.total_cycles + (len(run.steps) if ENGINES[name].arrays > 1 else 0)
        assert mismatches == [] and run.cycles <= most, seed


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
    # Windows that see nothing but padding: the macro computes them.
    {"kind": DepthwiseConv2D, "channels": 4, "outputs": 4, "groups": 4, "padding": ((1, 1), (1, 4))},
    {"kind": DepthwiseConv2D, "channels": 4, "outputs": 4, "groups": 4, "padding": ((3, 1), (1, 1))},
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
    # Some have 52 descriptors, more than the default engine has room for.
    config = replace(DEFAULT, program_length=64)
    for path in paths:
        network = load_network(path)
        x = inputs_of(np.random.default_rng(40), network, 40)
        reference = TfliteReference(path, stateful=True).run(x)
        mismatches, compiled, run = differences(config, network, x, reference=reference)
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


@pytest.mark.parametrize("is_slice", [False, True])
def test_outputs_that_are_states(is_slice):
    """What a variable was is gone when it has been assigned."""
    assert refused(state_network(True, is_slice=is_slice)) == (
        "state 0 must be read before it is assigned on an engine")
    network = state_network(False, is_slice=is_slice)
    run = Engine(DEFAULT, compile_network(DEFAULT, network).image).run(bytes(8))
    assert run.output.tolist() == list(range(4 if is_slice else 8))
