"""Published networks, files that are damaged, and networks that cannot be run."""

import time

import numpy as np
import pytest
from bitline.host.network.compare import Mismatch, compare
from bitline.host.network.files.load import load_network
from bitline.host.network.files.reference import TfliteReference
from bitline.host.network.files.tflite_file import read_tflite
from bitline.host.network.inference import Inference
from bitline.host.network.network import NetworkError
from bitline.host.network.operators import Conv2D
from bitline.scripts.common.limited import peak_memory
from places import NETWORKS
from some import some

pytest.importorskip("tflite", reason="no tflite here")
from bitline.scripts.fuzzing.tflite_builder import TfliteFile

MACS = {"keyword_spotting": 2_656_768, "image_classification": 12_501_632, "anomaly_detection": 264_192}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_of_a_published_network_is_exact(published, name):
    pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
    path, inputs = published(name)
    network = load_network(path)
    assert network.macs == MACS[name]
    ours, theirs = Inference(network).run(inputs), TfliteReference(path).run(inputs)
    assert set(theirs) == {operator.output for operator in network.operators}
    assert compare(network, ours, theirs) == []


def test_runtimes_round_fully_connected_layers_each_in_its_way(published):
    path, inputs = published("anomaly_detection")
    litert, tflm = (load_network(path, runtime) for runtime in ("litert-2.3", "tflm"))
    assert {operator.rounding for operator in litert.operators if operator.is_matrix} == {"float64"}
    ours, micro = (Inference(network).run(inputs)[network.outputs[0]] for network in (litert, tflm))
    assert (ours != micro).any()
    with pytest.raises(NetworkError, match=r"^runtime of .* must be litert-2\.3 or tflm, not onnx$"):
        load_network(path, "onnx")


def test_mismatch_names_layer_position_and_both_values(published):
    path, inputs = published("keyword_spotting")
    network = load_network(path)
    ours = Inference(network).run(inputs[:2])
    output = network.operators[3].output
    wrong = {index: values.copy() for index, values in ours.items()}
    wrong[output][1, 0, 2, 3, 4] += 1
    value = int(ours[output][1, 0, 2, 3, 4])
    mismatches = compare(network, wrong, ours)
    assert mismatches == [Mismatch("operator 3 (DEPTHWISE_CONV_2D)", 1, (1, 0, 2, 3, 4), value + 1, value)]
    assert str(mismatches[0]) == (f"operator 3 (DEPTHWISE_CONV_2D): 1 mismatches, the first at [1, 0, 2, 3, 4]: "
                                  f"{value + 1}, reference {value}")


def mutated(data, rng):
    """The bytes of a file, spoiled in one of many ways."""
    data, kind = bytearray(data), rng.integers(6)
    at = int(rng.integers(len(data) - 8))
    if kind == 0:
        return bytes(data[:at])
    if kind == 1:
        return bytes(data[:at] + data[at + int(rng.integers(1, 9)):])
    # Where the tables are, which is a small part of a file, more often than in the weights.
    places = rng.integers(0, len(data) - 8, 40) if kind == 2 else rng.choice(
        [*range(4096), *range(len(data) - 12288, len(data) - 8)], int(rng.choice([1, 4, 16])))
    for place in places:
        if kind == 3:
            data[place:place + 4] = bytes(rng.choice([0, 255, 127, 128], 4).astype(np.uint8))
        elif kind == 4:
            number = int(rng.choice([0, 1, 4, 2**31 - 1, 2**31, 2**32 - 1, len(data)]))
            data[place:place + 4] = number.to_bytes(4, "little")
        else:
            data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


@pytest.mark.parametrize("name", some(["keyword_spotting", "image_classification"], 0))
def test_mutated_files(published, name):
    path, inputs = published(name)
    data, rng = path.read_bytes(), np.random.default_rng(5)
    refused, slowest, before = 0, 0.0, peak_memory()
    for _ in range(500):
        spoiled = mutated(data, rng)
        started = time.perf_counter()
        try:
            network = read_tflite(spoiled, path.name)
            shapes = [network.tensors[index].shape for index in network.inputs]
            if shapes == [inputs.shape[1:]]:
                Inference(network).run(inputs[:1])
        except NetworkError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
        slowest = max(slowest, time.perf_counter() - started)
    assert 100 < refused < 500 and slowest < 5
    # Kilobytes beyond what other tests of this process have needed.
    assert peak_memory() - before < 1 << 20


def small(kind="FULLY_CONNECTED", options="FullyConnectedOptions", *, weights=None, bias=None, scale=0.1, dtype="int8",
          shape=(1, 4), output=(1, 3), fields=None):
    """A file of one operator."""
    file = TfliteFile()
    x = file.tensor(shape, dtype, scale)
    operands = [x]
    if weights is not None:
        operands.append(file.constant(weights, "int8", 0.01))
    if bias is not None:
        operands.append(file.constant(bias, "int32"))
    y = file.tensor(output, dtype, 0.1)
    file.operator(kind, operands, y, options, **(fields or {}))
    return file.data([x], [y])


ONES = np.ones((3, 4))


@pytest.mark.parametrize("data, message", [
    (b"nothing at all", r"^model must be a .tflite file, which has TFL3 at byte 4, and m has b'ing '$"),
    (small(weights=ONES)[:200], r"^model must be a whole .tflite file, and m is damaged: "),
    (small("EXP", None), r"^operator 0 \(EXP\) must be one of those that bitline operators lists: what is"),
    (small("LOGISTIC", None, output=(1, 4)), r"must have an output of scale 0.00390625 and zero point -128, not 0.1 a"),
    (small(weights=np.ones((3, 5))), r"^operator 0 \(FULLY_CONNECTED\) must have inputs in groups of 5, not \[1, 4\]"),
    (small(weights=ONES, output=(1, 4)), r"must have an output of shape \[1, 3\], not \[1, 4\]"),
    (small(weights=ONES, bias=[1, 2]), r"must have a constant bias of 3 int32, not int32 \[2\]"),
    (small(weights=ONES, bias=[-2**31] * 3), r"must have accumulators within 32 bits, not up to 21474"),
    (small(weights=ONES, bias=[2**31 - 1] * 3), r"must have accumulators within 32 bits, not up to 21474"),
    (small(weights=ONES, scale=-1.0), r"must have one positive scale for t0, not \[-1.0\]"),
    (small(weights=ONES, scale=float("nan")), r"must have one positive scale for t0, not \[nan\]"),
    (small(weights=ONES, fields={"FusedActivationFunction": 4}), r"as activation one of none, relu, .* not number 4"),
    (small("CONV_2D", "Conv2DOptions", weights=ONES), r"must have weights of four dimensions, not \[3, 4\]"),
    (small("AVERAGE_POOL_2D", "Pool2DOptions", shape=(1, 4, 4, 1), output=(1, 1, 1, 1)),
     r"strides, dilations and window of at least 1"),
    (small("SOFTMAX", "SoftmaxOptions", output=(1, 4), fields={"Beta": 1.0}, dtype="int16"),
     r"must have an output of scale 3.05176e-05 and zero point 0, not 0.1 and 0"),
    (small("SOFTMAX", "SoftmaxOptions", output=(1, 4), fields={"Beta": -1.0}), r"must have a beta from 0 to 10000"),
    (small("SOFTMAX", "FullyConnectedOptions"), r"must have SoftmaxOptions, and has options number 8"),
    (small(), r"must have 2 to 3 inputs and one output, not 1 and 1"),
])
def test_files_that_cannot_be_run(data, message):
    with pytest.raises(NetworkError, match=message) as caught:
        read_tflite(data, "m")
    assert len(str(caught.value).splitlines()) == 1


def test_only_a_bias_may_be_left_out():
    file = TfliteFile()
    x = file.tensor((1, 4), "int8", 0.1)
    y = file.operator("CONCATENATION", [x, -1], file.tensor((1, 8), "int8", 0.1), "ConcatenationOptions", Axis=1)
    with pytest.raises(NetworkError, match=r"^operator 0 \(CONCATENATION\) must have all its inputs, not \[0, -1\]$"):
        read_tflite(file.data([x], [y]), "m")


def test_a_bias_that_is_left_out_says_nothing_of_rounding():
    file = TfliteFile()
    x, weights = file.tensor((1, 2, 2, 1), "int16", 0.1), file.constant(np.ones((1, 1, 1, 1)), "int8", 0.01)
    y = file.operator("CONV_2D", [x, weights, -1], file.tensor((1, 2, 2, 1), "int16", 0.1), "Conv2DOptions",
                      StrideH=1, StrideW=1, DilationHFactor=1, DilationWFactor=1)
    # The last tensor, which stands at -1.
    file.constant([0], "int32")
    assert read_tflite(file.data([x], [y]), "m").operators[0].rounding == "wide"


def test_operators_that_compute_dimensions_are_left_out():
    file = TfliteFile()
    x = file.tensor((1, 2, 3, 1), "int8", 0.1)
    length = file.operator("SHAPE", [x], file.tensor((4,), "int32"), "ShapeOptions", OutType=2)
    first = file.operator("STRIDED_SLICE", [length, *(file.constant([k], "int32") for k in (0, 1, 1))],
                          file.tensor((), "int32"), "StridedSliceOptions", ShrinkAxisMask=1)
    shape = file.operator("PACK", [first, file.constant(6, "int32")], file.tensor((2,), "int32"), "PackOptions",
                          ValuesCount=2)
    y = file.operator("RESHAPE", [x, shape], file.tensor((1, 6), "int8", 0.1), "ReshapeOptions")
    network = read_tflite(file.data([x], [y]), "m")
    assert [operator.location for operator in network.operators] == ["operator 3 (RESHAPE)"]
    with pytest.raises(NetworkError, match=r"^m must have inputs, and outputs that are computed"):
        read_tflite(file.data([x], [y, length]), "m")


@pytest.mark.parametrize("kind, options, constants, made, fields, wanted", [
    ("SQUEEZE", "SqueezeOptions", [], (1, 3, 4), {}, r"an output of \[3, 4\], not \[1, 3, 4\]"),
    ("SQUEEZE", "SqueezeOptions", [], (3, 4), {"SqueezeDims": [-2]}, r"an output of \[1, 3, 4\], not \[3, 4\]"),
    ("SQUEEZE", "SqueezeOptions", [], (1, 3, 4), {"SqueezeDims": [1]}, r"squeeze_dims of dimensions of length 1"),
    ("SQUEEZE", "SqueezeOptions", [], (1, 3, 4), {"SqueezeDims": [4]}, r"squeeze_dims of dimensions of length 1"),
    ("EXPAND_DIMS", None, [1], (1, 3, 1, 1, 4), {}, r"an output of \[1, 1, 3, 1, 4\], not"),
    ("EXPAND_DIMS", None, [-6], (1, 1, 3, 1, 4), {}, r"an axis from -5 to 4, not -6"),
    ("RESHAPE", None, [-1, 6], (3, 4), {}, r"an output of \[2, 6\], not \[3, 4\]"),
    ("RESHAPE", None, [12], (3, 4), {}, r"an output of \[12\], not \[3, 4\]"),
    ("RESHAPE", None, [-1, -1], (3, 4), {}, r"one length of -1 at most, not \[-1, -1\]"),
    ("RESHAPE", "ReshapeOptions", [], (3, 4), {"NewShape": [12]}, r"an output of \[12\], not \[3, 4\]"),
])
def test_a_shape_that_the_runtime_makes_anew_must_be_that_of_the_tensor(kind, options, constants, made, fields, wanted):
    file = TfliteFile()
    x = file.tensor((1, 3, 1, 4), "int8", 0.1)
    inputs = [x, *([file.constant(constants, "int32")] if constants else [])]
    y = file.operator(kind, inputs, file.tensor(made, "int8", 0.1), options, **fields)
    with pytest.raises(NetworkError, match=rf"^operator 0 \({kind}\) must have {wanted}"):
        read_tflite(file.data([x], [y]), "m")


@pytest.mark.parametrize("kind, options, constants, made, fields, runtime", [
    ("SQUEEZE", None, [], (3, 4), {}, "litert-2.3"),
    ("SQUEEZE", "SqueezeOptions", [], (3, 1, 4), {"SqueezeDims": [0, -4]}, "litert-2.3"),
    ("RESHAPE", "ReshapeOptions", [], (12,), {"NewShape": [-1]}, "litert-2.3"),
    ("RESHAPE", "ReshapeOptions", [6, 2], (6, 2), {"NewShape": [12]}, "litert-2.3"),
    ("RESHAPE", None, [12], (3, 4), {}, "tflm"),
])
def test_shapes_that_the_runtime_makes(kind, options, constants, made, fields, runtime):
    """Operands come before options, which may lack; tflite-micro takes the shape of the output."""
    file = TfliteFile()
    x = file.tensor((1, 3, 1, 4), "int8", 0.1)
    inputs = [x, *([file.constant(constants, "int32")] if constants else [])]
    y = file.operator(kind, inputs, file.tensor(made, "int8", 0.1), options, **fields)
    values = np.arange(12, dtype=np.int8).reshape(1, 1, 3, 1, 4)
    network = read_tflite(file.data([x], [y]), "m", runtime)
    assert Inference(network).run(values)[y].shape == (1, *made)
    if runtime == "litert-2.3":
        litert = pytest.importorskip("ai_edge_litert.interpreter", reason="no ai-edge-litert here")
        interpreter = litert.Interpreter(model_content=file.data([x], [y]))
        interpreter.allocate_tensors()
        assert tuple(interpreter.get_output_details()[0]["shape"]) == made


def test_open_dimensions_are_filled_in():
    file = TfliteFile()
    x = file.tensor((1, 4, 6, 1), "int8", 0.1, is_open=True)
    # What a converter writes where the batch is open: one, also where the operator makes six.
    cut = file.operator("SPACE_TO_BATCH_ND", [x, file.constant([2, 3], "int32"), file.constant([[0, 0]] * 2, "int32")],
                        file.tensor((1, 2, 2, 1), "int8", 0.1, is_open=True))
    y = file.operator("BATCH_TO_SPACE_ND", [cut, file.constant([2, 3], "int32"), file.constant([[0, 0]] * 2, "int32")],
                      file.tensor((1, 4, 6, 1), "int8", 0.1, is_open=True))
    network = read_tflite(file.data([x], [y]), "m")
    assert [network.tensors[index].shape for index in (x, cut, y)] == [(1, 4, 6, 1), (6, 2, 2, 1), (1, 4, 6, 1)]
    inputs = np.random.default_rng(1).integers(-128, 128, (2, 1, 4, 6, 1))
    assert (Inference(network).run(inputs)[y] == inputs).all()


def test_wrong_inputs_are_refused():
    inference = Inference(read_tflite(small(weights=ONES), "m"))
    with pytest.raises(NetworkError, match=r"input t0 must have shape \[1, 4\], not \[1, 5\]"):
        inference.run(np.zeros((2, 1, 5), dtype=int))
    with pytest.raises(NetworkError, match="input t0 must be from -128 to 127, not 0 to 200"):
        inference.run(np.array([[[0, 200, 0, 0]]]))


def test_same_padding_is_explicit(published):
    path, _ = published("keyword_spotting")
    first = load_network(path).operators[0]
    assert isinstance(first, Conv2D) and first.padding == ((4, 5), (1, 1)) and first.stride == (2, 2)
