"""What is particular to ``.tflite`` files: drawn operators, moves of elements, variables, constants, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from bitline.golden.kernels import activations, layers
from bitline.hdl.config import MacroConfig
from bitline.host.backends import open_backend
from bitline.host.mapping.mapping import Mapping
from bitline.host.network.compare import compare
from bitline.host.network.files.load import load_network
from bitline.host.network.files.reference import TfliteReference
from bitline.host.network.files.tflite_file import read_tflite
from bitline.host.network.inference import Inference
from bitline.host.network.network import NetworkError

pytest.importorskip("tflite", reason="no tflite here")
pytest.importorskip("ai_edge_litert", reason="no ai-edge-litert here")
from bitline.scripts.fuzzing.tflite_builder import VERSIONS, TfliteFile
from bitline.scripts.fuzzing.tflite_fuzz import OPERATORS, fuzz
from bitline.scripts.fuzzing.tflite_operators import draw
from streams import streaming

RNG = np.random.default_rng


def run_both(tmp_path, file, inputs, outputs, values, *, stateful=False, product=None):
    """The network of a file, what it gives, and where LiteRT gives something else."""
    path = tmp_path / "model.tflite"
    path.write_bytes(file.data(inputs, outputs))
    network = read_tflite(path.read_bytes(), "m")
    ours = Inference(network, stateful=stateful, product=product and product(network)).run(*values)
    return network, ours, compare(network, ours, TfliteReference(path, stateful).run(*values))


@pytest.mark.parametrize("operator", OPERATORS)
def test_drawn_operators_are_the_runtimes(operator):
    found = fuzz(operator, 60_000, 7)
    assert found.values >= 60_000 and found.mismatches == 0, found.first


def test_drawn_operators_notice_a_kernel_that_is_wrong(monkeypatch):
    right = activations.hard_swish
    monkeypatch.setattr(activations, "hard_swish", lambda x, *rest: right(x, *rest) + (x == 3))
    assert fuzz("HARD_SWISH", 60_000, 7).mismatches


MOVES = {
    "slice": ("STRIDED_SLICE", [[1, 0, 2], [3, 4, -1], [1, 2, 1]], (2, 2, 3), "StridedSliceOptions", {}),
    "backward": ("STRIDED_SLICE", [[-1, 3, 0], [0, 0, 6], [-1, -2, 3]], (3, 2, 2), "StridedSliceOptions", {}),
    "masks": ("STRIDED_SLICE", [[1, 9, 1], [9, 2, 2], [1, 1, 1]], (3, 2, 1), "StridedSliceOptions",
              {"BeginMask": 2, "EndMask": 1}),
    "shrink": ("STRIDED_SLICE", [[-2, 0, 0], [0, 4, 6], [1, 1, 1]], (4, 6), "StridedSliceOptions",
               {"ShrinkAxisMask": 1, "EndMask": 6}),
    "ellipsis": ("STRIDED_SLICE", [[0, 1], [0, 3], [1, 1]], (4, 4, 2), "StridedSliceOptions", {"EllipsisMask": 1}),
    "plain": ("SLICE", [[1, 0, 2], [2, -1, 3]], (2, 4, 3), None, {}),
    "gather": ("GATHER", [[3, 0, 0]], (3, 4, 6), "GatherOptions", {"Axis": 0}),
    "gather inside": ("GATHER", [[[1], [5]]], (4, 4, 2, 1), "GatherOptions", {"Axis": -1}),
    "tile": ("TILE", [[1, 2, 3]], (4, 8, 18), None, {}),
    "expand": ("EXPAND_DIMS", [1], (4, 1, 4, 6), None, {}),
}


@pytest.mark.parametrize("before", ["int8", "uint8", "int16", "int32"])
@pytest.mark.parametrize("after", ["int8", "uint8", "int16", "int32"])
def test_integers_are_quantized_to_the_kinds_that_the_runtime_takes(tmp_path, before, after):
    for seed, ratio in enumerate((1.0, 0.5, 4.0, 0.3)):
        file, rng = TfliteFile(), RNG(seed)
        points = [int(rng.integers(0, 100)) if dtype.endswith("int8") else 0 for dtype in (before, after)]
        x = file.tensor((1, 200), before, 0.25, points[0])
        y = file.operator("QUANTIZE", [x], file.tensor((1, 200), after, 0.25 / ratio, points[1]))
        values = rng.integers(np.iinfo(before).min // 4, np.iinfo(before).max // 4, (2, 1, 200))
        try:
            _, _, mismatches = run_both(tmp_path, file, [x], [y], [values])
        except NetworkError as error:
            assert "(QUANTIZE) must have an output of " in str(error)
            with pytest.raises(NetworkError, match="LiteRT, with which layers are compared, must take"):
                TfliteReference(tmp_path / "model.tflite")
        else:
            assert mismatches == []


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16"])
@pytest.mark.parametrize("kind", ["MAXIMUM", "MINIMUM"])
def test_extrema_are_those_of_integers(tmp_path, kind, dtype):
    file, limits = TfliteFile(), np.iinfo(dtype)
    inputs = [file.tensor((1, 300), dtype, 0.1, 5 * (dtype != "int16")) for _ in range(2)]
    y = file.operator(kind, inputs, file.tensor((1, 300), dtype, 0.1, 5 * (dtype != "int16")), "MaximumMinimumOptions")
    values = [RNG(seed).integers(limits.min, limits.max + 1, (3, 1, 300)) for seed in range(2)]
    assert run_both(tmp_path, file, inputs, [y], values)[2] == []


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_moves_of_elements(tmp_path, name, dtype):
    kind, parameters, shape, options, fields = MOVES[name]
    file, limits = TfliteFile(), np.iinfo(dtype)
    x = file.tensor((4, 4, 6), dtype, 0.1)
    y = file.operator(kind, [x, *(file.constant(parameter, "int32") for parameter in parameters)],
                      file.tensor(shape, dtype, 0.1), options, **fields)
    values = RNG(1).integers(limits.min, limits.max + 1, (3, 4, 4, 6))
    _, ours, mismatches = run_both(tmp_path, file, [x], [y], [values])
    assert mismatches == [] and ours[y].shape == (3, *shape) and ours[y].dtype == dtype


@pytest.mark.parametrize("kind, before, after", [("DEPTH_TO_SPACE", (1, 2, 3, 12), (1, 4, 6, 3)),
                                                 ("SPACE_TO_DEPTH", (1, 4, 6, 3), (1, 2, 3, 12))])
def test_space_and_depth(tmp_path, kind, before, after):
    file = TfliteFile()
    x = file.tensor(before, "int8", 0.1)
    name = "DepthToSpaceOptions" if kind == "DEPTH_TO_SPACE" else "SpaceToDepthOptions"
    y = file.operator(kind, [x], file.tensor(after, "int8", 0.1), name, BlockSize=2)
    _, ours, mismatches = run_both(tmp_path, file, [x], [y], [RNG(1).integers(-128, 128, (3, *before))])
    assert mismatches == [] and ours[y].size


def test_padding_with_a_value(tmp_path):
    file = TfliteFile()
    x = file.tensor((1, 2, 3), "int8", 0.1, 4)
    y = file.operator("PADV2", [x, file.constant([[0, 0], [1, 2], [0, 3]], "int32"),
                                file.constant([-77], "int8", 0.1, zero_point=4)],
                      file.tensor((1, 5, 6), "int8", 0.1, 4))
    _, ours, mismatches = run_both(tmp_path, file, [x], [y], [RNG(1).integers(-128, 128, (3, 1, 2, 3))])
    assert mismatches == [] and (ours[y][:, 0, 0] == -77).all()


@pytest.mark.parametrize("kind", ["SPLIT", "SPLIT_V", "UNPACK"])
def test_parts(tmp_path, kind):
    file = TfliteFile()
    x, axis = file.tensor((2, 6), "int8", 0.1), file.constant([1], "int32")
    sizes = {"SPLIT": [2, 2, 2], "SPLIT_V": [1, 2, 3]}.get(kind)
    outputs = [file.tensor((2, size), "int8", 0.1) for size in sizes] if sizes else [
        file.tensor((6,), "int8", 0.1) for _ in range(2)]
    if kind == "SPLIT":
        file.operator(kind, [axis, x], outputs, "SplitOptions", NumSplits=3)
    elif kind == "SPLIT_V":
        file.operator(kind, [x, file.constant([1, -1, 3], "int32"), axis], outputs, "SplitVOptions", NumSplits=3)
    else:
        file.operator(kind, [x], outputs, "UnpackOptions", Num=2, Axis=0)
    packed = file.operator("PACK", [outputs[-1], outputs[-1]], file.tensor(
        (2, *((2, sizes[-1]) if sizes else (6,))), "int8", 0.1), "PackOptions", ValuesCount=2, Axis=0)
    values = RNG(2).integers(-128, 128, (3, 2, 6))
    _, ours, mismatches = run_both(tmp_path, file, [x], [packed, *outputs[:-1]], [values])
    assert mismatches == [] and ours[packed].size


def test_an_ellipsis_that_stands_for_no_dimension_is_refused():
    file = TfliteFile()
    x = file.tensor((5,), "int8", 0.1)
    y = file.operator("STRIDED_SLICE", [x, *(file.constant(values, "int32") for values in ([0, 1], [0, 3], [1, 1]))],
                      file.tensor((2,), "int8", 0.1), "StridedSliceOptions", EllipsisMask=1)
    with pytest.raises(NetworkError, match=r"must have an ellipsis that stands for a dimension or more, not 1 other"):
        read_tflite(file.data([x], [y]), "m")


@pytest.mark.parametrize("kind, a, b", [("ADD", 3e38, 3e38), ("SUB", -3e38, 3e38), ("MUL", 3e38, 10), ("DIV", 1, 0)])
def test_numbers_stay_finite(tmp_path, kind, a, b):
    file = TfliteFile()
    inputs = [file.tensor((1, 2), "float32") for _ in range(2)]
    y = file.operator(kind, inputs, file.tensor((1, 2), "float32"), f"{kind.title()}Options")
    values = [np.array([[[value, 1.0]]], np.float32) for value in (a, b)]
    _, ours, mismatches = run_both(tmp_path, file, inputs, [y], values)
    assert mismatches == [] and np.abs(ours[y][0, 0, 0]) == np.finfo(np.float32).max


def test_integers_have_scales_of_their_own(tmp_path):
    file = TfliteFile()
    x = file.tensor((2, 5), "uint8", 0.1, 100)
    y = file.operator("ARG_MAX", [x, file.constant([1], "int32")], file.tensor((2,), "int64"), "ArgMaxOptions",
                      OutputType=4)
    z = file.operator("ARG_MIN", [x, file.constant([0], "int32")], file.tensor((5,), "int64"), "ArgMinOptions",
                      OutputType=4)
    values = RNG(3).integers(0, 4, (20, 2, 5))
    _, ours, mismatches = run_both(tmp_path, file, [x], [y, z], [values])
    assert mismatches == [] and ours[y].dtype == np.int64


def test_constants_go_through_what_moves_them(tmp_path):
    file = TfliteFile()
    x = file.tensor((1, 3, 5, 2), "int8", 0.1)
    shape = file.operator("SHAPE", [x], file.tensor((4,), "int32"), "ShapeOptions", OutType=2)
    image = file.operator("STRIDED_SLICE", [shape, *(file.constant([k], "int32") for k in (1, 3, 1))],
                          file.tensor((2,), "int32"), "StridedSliceOptions")
    twice = file.operator("MUL", [image, file.constant([2, 3], "int32")], file.tensor((2,), "int32"), "MulOptions")
    parts = [file.operator("GATHER", [twice, file.constant(k, "int32")], file.tensor((), "int32"), "GatherOptions")
             for k in (0, 1)]
    size = file.operator("PACK", parts, file.tensor((2,), "int32"), "PackOptions", ValuesCount=2)
    y = file.operator("RESIZE_NEAREST_NEIGHBOR", [x, size], file.tensor((1, 6, 15, 2), "int8", 0.1),
                      "ResizeNearestNeighborOptions")
    values = RNG(4).integers(-128, 128, (2, 1, 3, 5, 2))
    network, _, mismatches = run_both(tmp_path, file, [x], [y], [values])
    assert mismatches == [] and [operator.location for operator in network.operators] == [
        "operator 6 (RESIZE_NEAREST_NEIGHBOR)"]


# What a network keeps.

def test_a_stream_keeps_its_state_from_run_to_run(tmp_path):
    file, x, y = streaming()
    values = RNG(5).integers(-128, 128, (30, 1, 1, 6))
    network, ours, mismatches = run_both(tmp_path, file, [x], [y], [values], stateful=True)
    assert mismatches == [] and [variable.name for variable in network.variables] == ["rows"]
    # In two calls as in one, and from the start again after a reset.
    inference = Inference(network, stateful=True)
    halves = [inference.run(part)[y] for part in np.split(values, 2)]
    assert (np.concatenate(halves) == ours[y]).all()
    assert (inference.run(values[:3])[y] != ours[y][:3]).any()
    inference.reset()
    assert (inference.run(values[:3])[y] == ours[y][:3]).all()


def test_each_input_is_a_stream_of_its_own_unless_it_is_said(tmp_path):
    file, x, y = streaming()
    values = RNG(6).integers(-128, 128, (5, 1, 1, 6))
    _, ours, mismatches = run_both(tmp_path, file, [x], [y], [values])
    assert mismatches == []
    # Four rows of the least value, and one that comes; rounding twice makes up to 0.1 more of a half.
    assert np.abs(ours[y][:, 0] - ((values[:, 0, 0] + 128) / 5 - 128)).max() <= 0.6


def test_a_variable_without_a_value_is_refused():
    file = TfliteFile()
    handle = file.operator("VAR_HANDLE", [], file.tensor((), "resource"), "VarHandleOptions", SharedName="rows")
    x = file.tensor((1, 4), "int8", 0.1)
    kept = file.operator("READ_VARIABLE", [handle], file.tensor((1, 4), "int8", 0.1), "ReadVariableOptions")
    y = file.operator("ADD", [x, kept], file.tensor((1, 4), "int8", 0.1), "AddOptions")
    with pytest.raises(NetworkError, match=r"READ_VARIABLE\) must have a variable that the file gives a value before"):
        read_tflite(file.data([x], [y]), "m")


@pytest.mark.parametrize("kind", ["READ_VARIABLE", "ASSIGN_VARIABLE"])
def test_a_variable_has_one_kind(kind):
    file = TfliteFile()
    x = file.tensor((1, 4), "int16" if kind == "ASSIGN_VARIABLE" else "int8", 0.1)
    handle = file.operator("VAR_HANDLE", [], file.tensor((), "resource"), "VarHandleOptions", SharedName="rows")
    file.operator("CALL_ONCE", [], [], "CallOnceOptions", InitSubgraphIndex=1)
    made = file.tensor((1, 4), "int16" if kind == "READ_VARIABLE" else "int8", 0.1)
    y = file.operator("READ_VARIABLE", [handle], made, "ReadVariableOptions")
    file.operator("ASSIGN_VARIABLE", [handle, x], [], "AssignVariableOptions")
    with file.subgraph():
        other = file.operator("VAR_HANDLE", [], file.tensor((), "resource"), "VarHandleOptions", SharedName="rows")
        file.operator("ASSIGN_VARIABLE", [other, file.constant(np.zeros((1, 4)), "int8", 0.1)], [],
                      "AssignVariableOptions")
    with pytest.raises(NetworkError, match=rf"\({kind}\) must have an? \w+ of int8( \[1, 4\])?, not int16"):
        read_tflite(file.data([x], [y]), "m")


def lstm(rng, *, time, cells, depth, clip=0.0, coupled=False):
    """A file of one LSTM, and its input and output."""
    file = TfliteFile()
    x = file.tensor((1, time, depth), "int8", 0.05, int(rng.integers(-128, 128)))
    weights = [file.constant(rng.integers(-127, 128, (cells, width)), "int8", float(rng.uniform(0.003, 0.02)))
               for width in [depth] * 4 + [cells] * 4]
    biases = [file.constant(rng.integers(-3000, 3000, cells), "int32", 1e-4) for _ in range(4)]
    if coupled:
        weights[0] = weights[4] = biases[0] = -1
    point = int(rng.integers(-20, 20))
    states = [file.tensor((1, cells), "int8", 0.008, point, is_variable=True),
              file.tensor((1, cells), "int16", float(2.0 ** -rng.integers(9, 13)), is_variable=True)]
    between = [file.tensor((0,), "float32") for _ in range(4)] + [file.tensor((0,), "int8", 0.008, point)]
    y = file.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", [x, *weights, -1, -1, -1, *biases, -1, -1, *states, *[-1] * 4],
                      file.tensor((1, time, cells), "int8", 0.008, point), "UnidirectionalSequenceLSTMOptions",
                      between, FusedActivationFunction="tanh", CellClip=clip)
    return file, x, y


def on_a_macro(network):
    """Products on a macro that is calculated."""
    backend = open_backend("golden", Mapping(MacroConfig(rows=32, columns=32), network))
    backend.__enter__()
    return backend.product


@pytest.mark.parametrize("seed, options", list(enumerate([{}, {"clip": 0.7}, {"coupled": True}])))
@pytest.mark.parametrize("stateful", [False, True])
def test_lstm_on_a_macro(tmp_path, seed, options, stateful):
    rng = RNG(seed)
    file, x, y = lstm(rng, time=6, cells=10, depth=7, **options)
    values = rng.integers(-128, 128, (5, 1, 6, 7))
    network, ours, mismatches = run_both(tmp_path, file, [x], [y], [values], stateful=stateful, product=on_a_macro)
    assert mismatches == [] and len(network.matrix_operators) == (6 if options.get("coupled") else 8)
    assert np.unique(ours[y]).size > 50 and network.macs == (4 if seed < 2 else 3) * (6 * 7 + 6 * 10) * 10


@pytest.mark.parametrize("rank", [1, 2])
def test_svdf_on_a_macro(tmp_path, rank):
    rng, file = RNG(rank), TfliteFile()
    x = file.tensor((2, 9), "int8", 0.05, -10)
    features = file.constant(rng.integers(-127, 128, (8, 9)), "int8", 0.01)
    # The greatest weights, of which accumulators wrap.
    time = file.constant(rng.choice([-32768, 32767, 20, -500], (8, 6)), "int16", 0.0001)
    bias = file.constant(rng.integers(-30000, 30000, 8 // rank), "int32", 1e-6)
    state = file.tensor((2, 48), "int16", 0.001, is_variable=True)
    y = file.operator("SVDF", [x, features, time, bias, state], file.tensor((2, 8 // rank), "int8", 0.5, 5),
                      "SVDFOptions", Rank=rank, FusedActivationFunction="relu")
    values = rng.integers(-128, 128, (20, 2, 9))
    _, ours, mismatches = run_both(tmp_path, file, [x], [y], [values], stateful=True, product=on_a_macro)
    assert mismatches == [] and np.unique(ours[y]).size > 20


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("operator", ["TRANSPOSE_CONV", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_drawn_products_on_a_macro(tmp_path, operator, seed):
    drawn = draw(operator, seed)
    network = read_tflite(drawn.data, "m")
    tensor = network.tensors[drawn.inputs[0]]
    values = drawn.values((2, *tensor.shape), tensor.dtype)
    ours = Inference(network, product=on_a_macro(network)).run(values)
    assert (ours[drawn.outputs[0]] == Inference(network).run(values)[drawn.outputs[0]]).all()


def test_the_shape_of_a_transposed_convolution_may_be_an_input(tmp_path):
    file, rng = TfliteFile(), RNG(8)
    shape, x = file.tensor((4,), "int32"), file.tensor((1, 2, 3, 2), "int16", 0.01)
    weights = file.constant(rng.integers(-127, 128, (3, 2, 2, 2)), "int8", 0.01)
    y = file.operator("TRANSPOSE_CONV", [shape, weights, x], file.tensor((1, 4, 6, 3), "int16", 0.01),
                      "TransposeConvOptions", StrideH=2, StrideW=2, Padding="valid")
    values = rng.integers(-32768, 32768, (3, 1, 2, 3, 2))
    wanted = np.broadcast_to([1, 4, 6, 3], (3, 4))
    network, _, mismatches = run_both(tmp_path, file, [shape, x], [y], [wanted, values])
    assert mismatches == []
    with pytest.raises(NetworkError, match=r"must make the shape \[1, 4, 6, 3\], not \[1, 4, 6, 4\]"):
        Inference(network).run(wanted + np.array([0, 0, 0, 1]), values)


@pytest.mark.parametrize("seed", range(12))
def test_products_of_activations_on_a_macro(tmp_path, seed):
    rng, file = RNG(seed), TfliteFile()
    rows, depth, columns = (int(length) for length in rng.integers(1, 50, 3))
    swap_a, swap_b = bool(seed & 1), bool(seed & 2)
    lead = [((), ()), ((2,), (2,)), ((3,), ()), ((2, 1), (1, 3))][seed % 4]
    shapes = [(*lead[0], *((depth, rows) if swap_a else (rows, depth))),
              (*lead[1], *((columns, depth) if swap_b else (depth, columns)))]
    a, b = (file.tensor(shape, "int8", float(2.0 ** rng.integers(-6, -2)), int(rng.integers(-128, 128)))
            for shape in shapes)
    y = file.operator("BATCH_MATMUL", [a, b], file.tensor(
        (*np.broadcast_shapes(*lead), rows, columns), "int8", float(2.0 ** rng.integers(-4, 3)), 7),
        "BatchMatMulOptions", AdjX=swap_a, AdjY=swap_b)
    values = [rng.integers(-128, 128, (3, *shape)) for shape in shapes]
    network, ours, mismatches = run_both(tmp_path, file, [a, b], [y], values, product=on_a_macro)
    assert mismatches == [] and network.macs == ours[y][0].size * depth


# Weights.

def test_a_zero_point_of_weights(tmp_path):
    file, rng = TfliteFile(), RNG(10)
    x = file.tensor((1, 7), "int8", 0.1, 3)
    weights = file.constant(rng.integers(-128, 128, (4, 7)), "int8", 0.01, zero_point=2)
    y = file.operator("FULLY_CONNECTED", [x, weights], file.tensor((1, 4), "int8", 0.3), "FullyConnectedOptions")
    _, _, mismatches = run_both(tmp_path, file, [x], [y], [rng.integers(-128, 128, (50, 1, 7))], product=on_a_macro)
    assert mismatches == []


def test_weights_with_a_zero_point_that_the_runtime_ignores_are_refused():
    file = TfliteFile()
    x = file.tensor((1, 4, 4, 2), "int8", 0.1)
    weights = file.constant(np.ones((1, 2, 2, 2)), "int8", 0.01, zero_point=2)
    y = file.operator("DEPTHWISE_CONV_2D", [x, weights], file.tensor((1, 3, 3, 2), "int8", 0.1),
                      "DepthwiseConv2DOptions", StrideH=1, StrideW=1, Padding="valid", DilationHFactor=1,
                      DilationWFactor=1, DepthMultiplier=1)
    with pytest.raises(NetworkError, match=r"must have weights with zero point 0, not \[2\]"):
        read_tflite(file.data([x], [y]), "m")


# Refusals.

def test_a_refusal_lists_everything_in_the_way():
    file = TfliteFile()
    x = file.tensor((1, 4), "int8", 0.1)
    first = file.operator("EXP", [x], file.tensor((1, 4), "int8", 0.1))
    second = file.operator("EXP", [first], file.tensor((1, 4), "int8", 0.1))
    third = file.operator("ADD", [second, second], file.tensor((1, 4), "int8", -1.0), "AddOptions")
    y = file.operator("EXP", [third], file.tensor((1, 4), "int8", 0.1))
    with pytest.raises(NetworkError) as caught:
        read_tflite(file.data([x], [y]), "m")
    assert str(caught.value) == (
        "operator 0 (EXP) must be one of those that bitline operators lists: what is before it runs where the file "
        "ends there (3 times: also operator 1, 3); "
        "operator 2 (ADD) must have one positive scale for t3, not [-1.0]")


def test_scales_that_overflow_are_refused_without_a_warning(tmp_path):
    file = TfliteFile()
    x = file.tensor((1, 3), "int8", 1e30)
    operands = [file.constant(np.ones((2, 3)), "int8", 1e30), file.constant(np.ones((2, 4)), "int16", 1.0), -1,
                file.tensor((1, 8), "int16", 1e-30, is_variable=True)]
    y = file.operator("SVDF", [x, *operands], file.tensor((1, 2), "int8", 0.1), "SVDFOptions", Rank=1,
                      FusedActivationFunction="relu")
    (tmp_path / "m.tflite").write_bytes(file.data([x], [y]))
    with pytest.raises(NetworkError, match=r"^operator 0 \(SVDF\) must have a rescaling factor below .*, not inf$"):
        load_network(tmp_path / "m.tflite")


def test_the_runtime_is_chosen():
    file = TfliteFile()
    x = file.tensor((1, 256), "int8", 0.04, 3)
    y = file.operator("LOGISTIC", [x], file.tensor((1, 256), "int8", 1 / 256, -128))
    data, values = file.data([x], [y]), np.arange(-128, 128).reshape(1, 1, 256)
    ours = {runtime: Inference(read_tflite(data, "m", runtime)).run(values)[y] for runtime in ("litert-2.3", "tflm")}
    assert np.abs(ours["litert-2.3"].astype(int) - ours["tflm"]).max() <= 1
    table = activations.table_8bit("logistic", np.float32(0.04), 3, np.float32(1 / 256), -128, (-128, 127))
    assert (ours["litert-2.3"] == table).all()
    assert (ours["tflm"] == activations.fixed_8bit("logistic", values, np.float32(0.04), 3)).all()


def test_rescaling_that_is_wrong_is_noticed(monkeypatch, tmp_path):
    right = layers.rescale
    monkeypatch.setattr(layers, "rescale", lambda x, *rest, **named: right(x, *rest, **named) ^ (x == 5))
    file = TfliteFile()
    x = file.tensor((1, 256), "int8", 0.04, 3)
    y = file.operator("QUANTIZE", [x], file.tensor((1, 256), "uint8", 0.05, 128))
    _, _, mismatches = run_both(tmp_path, file, [x], [y], [np.arange(-128, 128).reshape(1, 1, 256)])
    assert [replace(mismatch, ours=0, theirs=0).count for mismatch in mismatches] == [1]


def test_a_stride_beyond_the_image_costs_nothing(tmp_path):
    file, rng = TfliteFile(), RNG(12)
    shape, x = file.constant([1, 5, 4, 1], "int32"), file.tensor((1, 1, 2, 1), "int8", 0.1)
    weights = file.constant(rng.integers(-127, 128, (1, 5, 2, 1)), "int8", 0.01)
    y = file.operator("TRANSPOSE_CONV", [shape, weights, x], file.tensor((1, 5, 4, 1), "int8", 0.1),
                      "TransposeConvOptions", StrideH=9000, StrideW=2, Padding="valid")
    values = rng.integers(-128, 128, (3, 1, 1, 2, 1))
    network, _, mismatches = run_both(tmp_path, file, [x], [y], [values])
    assert mismatches == [] and network.operators[0].stride == (5, 2)


def test_what_the_reference_kernels_do_not_take_is_compared_with_the_default_ones(tmp_path, monkeypatch):
    file = TfliteFile()
    monkeypatch.setitem(VERSIONS, "STRIDED_SLICE", 8)
    x = file.tensor((1, 4), "int8", 0.1)
    y = file.operator("STRIDED_SLICE", [x, *(file.constant(k, "int32") for k in ([0, 1], [1, 3], [1, 1]))],
                      file.tensor((1, 2), "int8", 0.1), "StridedSliceOptions")
    path = tmp_path / "model.tflite"
    path.write_bytes(file.data([x], [y]))
    reference = TfliteReference(path)
    assert reference.name.startswith("TensorFlow Lite's default kernels")
    assert reference.run(np.array([[[1, 2, 3, 4]]]))[y].tolist() == [[[2, 3]]]
    monkeypatch.setitem(VERSIONS, "STRIDED_SLICE", 99)
    other = TfliteFile()
    x = other.tensor((1, 4), "int8", 0.1)
    y = other.operator("STRIDED_SLICE", [x, *(other.constant(k, "int32") for k in ([0, 1], [1, 3], [1, 1]))],
                       other.tensor((1, 2), "int8", 0.1), "StridedSliceOptions")
    path.write_bytes(other.data([x], [y]))
    with pytest.raises(NetworkError, match=r"^LiteRT, with which layers are compared, must take .*--no-check goes"):
        TfliteReference(path)


@pytest.mark.parametrize("kind", ["bool", "int4", "resource"])
def test_inputs_of_which_nobody_has_values(kind):
    """Found by damaged files: even one that nothing uses is given to a run."""
    file = TfliteFile()
    x, other = file.tensor((1, 4), "int8", 0.1), file.tensor((1, 4), kind)
    y = file.operator("RELU", [x], file.tensor((1, 4), "int8", 0.1))
    with pytest.raises(NetworkError, match=f"^input 1 must be of int8, .*, not {kind}$"):
        read_tflite(file.data([x, other], [y]), "m")
