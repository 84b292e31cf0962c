"""Products of ``.onnx`` files whose weights are in blocks, with ONNX Runtime as the reference."""

import numpy as np
import pytest
from bitline.golden.kernels.float_blocks import join_blocks, quantize_blocks
from bitline.hdl.config import MacroConfig
from bitline.host.backends import open_backend
from bitline.host.mapping.mapping import Mapping
from bitline.host.network.files.load import load_network
from bitline.host.network.files.onnx_file import read_onnx
from bitline.host.network.inference import Inference
from bitline.host.network.network import NetworkError
from bitline.host.network.run import run_network

onnx = pytest.importorskip("onnx", reason="no onnx here")
pytest.importorskip("onnxruntime", reason="no onnxruntime here")
from bitline.host.network.files.onnx_reference import OnnxReference  # noqa: E402
from bitline.scripts.fuzzing.onnx_builder import MICROSOFT, Drawn  # noqa: E402
from onnx import TensorProto, helper  # noqa: E402

F32 = np.float32
CONFIG = MacroConfig(rows=8, columns=4, banks=2)
WIDE = MacroConfig(rows=64, columns=64, banks=2)


class Blocked(Drawn):
    """A graph of one product with weights in blocks."""

    def __init__(self, shape=(3, 40), seed=0):
        super().__init__(seed, shape, 21, "int8")
        self.scale = F32(0.05)

    def dequantized_weights(self, data, scales, kind, zeros=None, axis=0, block=16):
        names = [self.constant(data, kind), self.constant(np.asarray(scales, F32))]
        names += [] if zeros is None else [self.constant(zeros, kind)]
        return self.node("DequantizeLinear", names, axis=axis, block_size=block)

    def floats(self, data, scales, kind, block=16):
        """The same of floats of 4 or 8 bits."""
        self._constants.append(helper.make_tensor("f", kind, data.shape, data.reshape(-1)))
        return self.node("DequantizeLinear", ["f", self.constant(np.asarray(scales, F32))], axis=0, block_size=block)

    def nbits(self, x, depth, outputs, block, *, packed, scales, zeros=None, bias=None, **attributes):
        names = [x, self.constant(packed), self.constant(np.asarray(scales, F32)),
                 "" if zeros is None else self.constant(zeros), "", "" if bias is None else self.constant(bias)]
        while not names[-1]:
            names.pop()
        return self.node("MatMulNBits", names, domain=MICROSOFT, K=depth, N=outputs,
                         **{"bits": 4, "block_size": block, **attributes})


def compare(drawn, folder, *outputs, count=5, config=CONFIG):
    """Our outputs, with no mismatch, and the same from a macro."""
    for name in outputs:
        drawn.integer_output(name)
    path = folder / "m.onnx"
    path.write_bytes(drawn.model().SerializeToString())
    network, x = load_network(path), drawn.inputs(count)
    backend = open_backend("golden", Mapping(config, network))
    found = run_network(network, (x,), backend, reference=OnnxReference(path))
    assert found.mismatches == [] and not any(record.mismatches for record in found.records)
    assert len(found.records) == count and all(record.predicted > 0 for record in found.records)
    values = Inference(network).run(x)
    assert (values[network.outputs[0]] == found.outputs[0]).all()
    return found.outputs[0], values, network


def numbers_of(drawn, values, network):
    """The dequantized input, float64."""
    tensor = next(tensor for tensor in network.tensors if tensor.dtype == "int8" and tensor.scales.size == 1)
    index = network.tensors.index(tensor)
    return (values[index].astype(np.int64) - tensor.zero_point) * np.float64(tensor.scale)


@pytest.mark.parametrize("kind, low, high", [("int4", -8, 7), ("uint4", 0, 15), ("int8", -128, 127)])
@pytest.mark.parametrize("block, are_equal", [(8, False), (8, True), (16, False), (24, False)])
def test_blocks_of_integers_are_within_one_rounding_of_each_addition(kind, low, high, block, are_equal, tmp_path):
    drawn, rng = Blocked(), np.random.default_rng(1)
    shape = [-(-40 // block), 6]
    data, scales = rng.integers(low, high + 1, [40, 6]), rng.uniform(-0.2, 0.2, shape).astype(F32)
    zeros = rng.integers(low, high + 1, shape) if kind.endswith("int4") else None
    if are_equal:
        # The block is what the file says, not how far scales and zero points stay as they are.
        scales[1::2] = scales[:-1:2]
        zeros = zeros if zeros is None else np.full(shape, zeros[0, 0])
    x = drawn.dequantized("x", drawn.scale, np.int8(3))
    y, values, network = compare(drawn, tmp_path, drawn.node("MatMul", [
        x, drawn.dequantized_weights(data, scales, kind, zeros, block=block)]))
    places = np.arange(40) // block
    matrix = (data - (0 if zeros is None else zeros[places])) * scales.astype(np.float64)[places]
    exact = numbers_of(drawn, values, network) @ matrix
    sizes = np.abs(numbers_of(drawn, values, network)) @ np.abs(matrix)
    # As it is defined: a sum, rounded; times a factor, rounded; added to those before it, rounded.
    steps, weights = numbers_of(drawn, values, network) / np.float64(drawn.scale), data - (
        0 if zeros is None else zeros[places])
    total = np.zeros(y.shape, F32)
    for number, row in enumerate(scales):
        part = (np.rint(steps[..., places == number]) @ weights[places == number]).astype(F32) * (drawn.scale * row)
        total = part if number == 0 else total + part
    assert (total == y).all()
    # Each sum is exact; its factor, its product and each addition are rounded once.
    assert (np.abs(y - exact) <= (len(scales) + 2) * 2.0 ** -24 * sizes).all() and np.abs(exact).max() > 10


def test_a_gemm_has_blocks_along_either_axis_and_a_bias(tmp_path):
    drawn, rng = Blocked(), np.random.default_rng(2)
    data, scales = rng.integers(-8, 8, [6, 40]), rng.uniform(0.01, 0.2, [6, 3]).astype(F32)
    x = drawn.dequantized("x", drawn.scale, np.int8(-100))
    bias = rng.normal(0, 9, 6).astype(F32)
    y = drawn.node("Gemm", [x, drawn.dequantized_weights(data, scales, "int4", axis=1), drawn.constant(bias)], transB=1)
    y, values, network = compare(drawn, tmp_path, y)
    matrix = data.T * np.repeat(scales, 16, axis=1)[:, :40].T.astype(np.float64)
    assert np.allclose(y, numbers_of(drawn, values, network) @ matrix + bias, rtol=1e-5, atol=1e-4)


def test_a_block_that_is_longer_than_the_weights_takes_no_memory(tmp_path):
    drawn = Blocked()
    x = drawn.dequantized("x", drawn.scale, np.int8(3))
    weights = drawn.dequantized_weights(np.full((40, 6), 3), np.full((1, 6), 0.5), "int4", block=1 << 40)
    drawn.integer_output(drawn.node("MatMul", [x, weights]))
    network, x = read_onnx(drawn.model().SerializeToString(), "m"), drawn.inputs(2)
    values = Inference(network).run(x)
    assert np.allclose(values[network.outputs[0]], numbers_of(drawn, values, network).sum(axis=-1)[..., None] * 1.5,
                       rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("has_zeros", [False, True])
@pytest.mark.parametrize("level", [0, 4])
def test_matmul_of_4_bits(level, has_zeros, tmp_path):
    drawn, rng = Blocked((2, 3, 72)), np.random.default_rng(3)
    packed, scales = rng.integers(0, 256, [6, 3, 16]).astype(np.uint8), rng.uniform(0.01, 0.2, [6, 3]).astype(F32)
    zeros = rng.integers(0, 256, [6, 2]).astype(np.uint8) if has_zeros else None
    x = "x" if level else drawn.dequantized("x", drawn.scale, np.int8(5))
    bias = rng.normal(0, 9, 6).astype(F32)
    y, values, network = compare(drawn, tmp_path, drawn.nbits(
        x, 72, 6, 32, packed=packed, scales=scales, zeros=zeros, bias=bias, **({"accuracy_level": 4} if level else {})))
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(6, 3, 32).astype(int)
    points = 8 if zeros is None else np.stack([zeros & 15, zeros >> 4], axis=-1).reshape(6, 4)[:, :3, None].astype(int)
    matrix = ((nibbles - points) * scales[..., None].astype(np.float64)).reshape(6, 96)[:, :72].T
    numbers = values[network.inputs[0]] if level else numbers_of(drawn, values, network)
    # At level 4 inputs have 127 steps in each block.
    margin = np.abs(numbers).max() / 254 * np.abs(matrix).sum(axis=0) if level else 1e-3
    assert (np.abs(y - (numbers @ matrix + bias)) <= margin).all() and y.shape == (5, 2, 3, 6)


def symmetric(depth, seed, *, level, block=32, outputs=32):
    """A `Blocked` and the output of one MatMulNBits with scales of either sign, as symmetric quantizers have them."""
    drawn, rng = Blocked((8, depth), seed), np.random.default_rng(seed)
    weights = rng.normal(0, 1, (outputs, depth // block, block)).astype(F32)
    greatest = np.take_along_axis(weights, np.abs(weights).argmax(axis=-1, keepdims=True), -1)
    scales = greatest / F32(-8)
    codes = np.clip(np.rint(weights / scales) + 8, 0, 15).astype(np.uint8)
    x = "x" if level else drawn.dequantized("x", drawn.scale, np.int8(5))
    y = drawn.nbits(x, depth, outputs, block, packed=codes[..., ::2] | codes[..., 1::2] << 4, scales=scales[..., 0],
                    **({"accuracy_level": 4} if level else {}))
    assert (scales < 0).any() and (scales > 0).any()
    return drawn, y


@pytest.mark.parametrize("depth", [64, 1024])
@pytest.mark.parametrize("level", [0, 4])
def test_scales_have_either_sign(level, depth, tmp_path):
    drawn, y = symmetric(depth, 1, level=level)
    compare(drawn, tmp_path, y, count=1, config=WIDE)


@pytest.mark.parametrize("level", [0, 4])
@pytest.mark.parametrize("depth", [256, 1024, 4096])
def test_one_row_of_weights_that_is_wrong_by_one_is_a_mismatch(depth, level, tmp_path, monkeypatch):
    from bitline.host.network.onnx_operators import block_products

    def wrong(*arguments, packed=block_products._packed):
        steps, scales = packed(*arguments)
        return steps + (np.arange(len(steps)) == 5)[:, None], scales

    drawn, y = symmetric(depth, 2, level=level)
    drawn.integer_output(y)
    path = tmp_path / "m.onnx"
    path.write_bytes(drawn.model().SerializeToString())
    x, reference = drawn.inputs(1), OnnxReference(path)
    right = load_network(path)
    monkeypatch.setattr(block_products, "_packed", wrong)
    for network, most in ((right, 0), (load_network(path), None)):
        found = run_network(network, (x,), open_backend("golden", Mapping(WIDE, network)), reference=reference)
        count = sum(mismatch.count for mismatch in found.mismatches)
        # A result may be right by chance, where an input or what it changes is next to 0.
        assert count <= most if most is not None else count > 200


@pytest.mark.needs("onnx_ir")
def test_weights_that_the_runtimes_own_quantizer_wrote(tmp_path):
    from onnxruntime.quantization import matmul_nbits_quantizer as quantizer

    rng = np.random.default_rng(4)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 10])],
        [onnx.numpy_helper.from_array(rng.normal(0, 1, (64, 10)).astype(F32), "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    made = quantizer.MatMulNBitsQuantizer(model, bits=4, block_size=16, is_symmetric=False, accuracy_level=4)
    made.process()
    path = tmp_path / "m.onnx"
    path.write_bytes(made.model.model.SerializeToString())
    network, x = load_network(path), rng.normal(0, 2, (6, 4, 64)).astype(F32)
    found = run_network(network, (x,), open_backend("golden", Mapping(CONFIG, network)), reference=OnnxReference(path))
    assert found.mismatches == [] and np.abs(found.outputs[0]).max() > 5


@pytest.mark.parametrize("kind, values, config", [
    (TensorProto.FLOAT8E4M3FN, [448, -448, 2 ** -9, 0.875, -1.5, 0], {"fuse": 4}),
    (TensorProto.FLOAT4E2M1, [6, -6, 0.5, 1.5, -4, 0], {})])
def test_floats_of_few_bits_are_integers(kind, values, config, tmp_path):
    drawn, rng = Blocked(), np.random.default_rng(5)
    data, scales = rng.choice(values, (40, 6)), rng.uniform(0.01, 0.2, [3, 6]).astype(F32)
    drawn.opset = 23
    x = drawn.dequantized("x", drawn.scale, np.int8(5))
    drawn.integer_output(drawn.node("MatMul", [x, drawn.floats(data, scales, kind)]))
    path = tmp_path / "m.onnx"
    path.write_bytes(drawn.model().SerializeToString())
    network, x = load_network(path), drawn.inputs(4)
    config = MacroConfig(**{**CONFIG.to_dict(), **config})
    # The runtime has no float4 on a processor.
    reference = OnnxReference(path) if kind == TensorProto.FLOAT8E4M3FN else None
    found = run_network(network, (x,), open_backend("golden", Mapping(config, network)), reference=reference)
    assert found.mismatches == []
    matrix = data * np.repeat(scales, 16, axis=0)[:40].astype(np.float64)
    exact = numbers_of(drawn, Inference(network).run(x), network) @ matrix
    assert np.allclose(found.outputs[0], exact, rtol=1e-5, atol=1e-3) and np.abs(exact).max() > 5
    assert not any(record.mismatches for record in found.records)


def test_what_is_too_wide_for_a_macro_names_its_node():
    drawn = Blocked()
    drawn.opset = 23
    x = drawn.dequantized("x", drawn.scale, np.int8(5))
    drawn.integer_output(drawn.node("MatMul", [x, drawn.floats(np.full((40, 6), 448.0), np.ones((3, 6)),
                                                              TensorProto.FLOAT8E4M3FN)]))
    network = read_onnx(drawn.model().SerializeToString(), "m")
    with pytest.raises(ValueError, match=r"node 3 \(MatMul\): weights must be from -128 to 127 .* not 229376"):
        Mapping(CONFIG, network)


def test_the_rtl_gives_the_sums_of_blocks(tmp_path):
    drawn, rng = Blocked((2, 40)), np.random.default_rng(6)
    packed, scales = rng.integers(0, 256, [4, 3, 8]).astype(np.uint8), rng.uniform(0.01, 0.2, [4, 3]).astype(F32)
    drawn.integer_output(drawn.nbits("x", 40, 4, 16, packed=packed, scales=scales, accuracy_level=4))
    network, x = read_onnx(drawn.model().SerializeToString(), "m"), drawn.inputs(2)
    found = run_network(network, (x,), open_backend("rtl", Mapping(CONFIG, network)))
    assert [record.cycles for record in found.records] == [record.predicted for record in found.records]
    assert not any(record.mismatches for record in found.records)


# Kernels.


def test_blocks_of_numbers_are_quantized_by_their_greatest():
    x = np.array([[127, 1.5, -2.5, 0.5, 0, 0, 0, 0, 1, -3, np.inf, 2, 1e-45, 0, 0, 0]], F32)
    steps, scales = quantize_blocks(x, 4)
    assert steps[0, :8].tolist() == [127, 2, -2, 0, 0, 0, 0, 0] and scales[0, 0] == 1
    assert scales[0, 1] == 0 and np.isnan(scales[0, 2]) and not steps[0, 8:12].any()
    assert np.abs(steps).max() <= 127


def test_numbers_next_to_halves_are_rounded_as_the_runtime_does_it():
    x = np.random.default_rng(0).uniform(-6, 6, (4000, 4)).astype(F32)
    greatest = np.abs(x).max(axis=1, keepdims=True)
    halves = ((np.floor(x / greatest * 127) + F32(0.5)) * (greatest / F32(127))).astype(F32)
    halves = np.where(np.abs(x) == greatest, x, halves)
    steps, _ = quantize_blocks(halves, 4)
    assert (steps == np.rint(halves * (F32(127) / greatest))).all()
    # The reciprocal of the scale gives others.
    assert (steps != np.rint(halves * (1 / (greatest / F32(127))))).any()


def test_sums_of_blocks_are_joined_in_order():
    sums = np.array([[[1 << 24], [1], [1]]])
    assert join_blocks(sums, F32(1), np.ones((3, 1), F32)).item() == 1 << 24
    assert join_blocks(sums[:, ::-1], F32(1), np.ones((3, 1), F32)).item() == (1 << 24) + 2


# Refusals.


def refused(drawn, rule):
    with pytest.raises(NetworkError, match=rule) as found:
        read_onnx(drawn.model().SerializeToString(), "m")
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("attributes, rule", [
    ({}, r"node 0 \(MatMulNBits\) must have accuracy_level 4, or integers that are dequantized before it"),
    ({"accuracy_level": 4, "bits": 8}, "must have bits 4, not 8"),
    ({"accuracy_level": 4, "block_size": 24}, "a block_size that is a power of two from 16 on"),
    ({"accuracy_level": 4, "N": 5}, "weights of 5 x 3 x 8 uint8"),
    ({"accuracy_level": 4, "N": 1 << 40}, "at most 16777216 elements"),
    ({"accuracy_level": 4, "block_size": 1 << 60}, "at most 16777216 elements"),
    ({"accuracy_level": 4, "K": 39}, "operands that fit")])
def test_what_a_matmul_of_4_bits_must_be(attributes, rule):
    drawn = Blocked()
    drawn.integer_output(drawn.nbits("x", attributes.pop("K", 40), attributes.pop("N", 4), 16, scales=np.ones((4, 3)),
                                     packed=np.zeros((4, 3, 8), np.uint8), **attributes))
    refused(drawn, rule)


def test_a_matmul_of_4_bits_with_an_order_of_its_rows_is_refused():
    drawn = Blocked()
    names = ["x", drawn.constant(np.zeros((4, 3, 8), np.uint8)), drawn.constant(np.ones((4, 3), F32)), "",
             drawn.constant(np.zeros(40, np.int32))]
    drawn.integer_output(drawn.node("MatMulNBits", names, domain=MICROSOFT, K=40, N=4, bits=4, block_size=16,
                                    accuracy_level=4))
    refused(drawn, r"must have no g_idx, not one")


@pytest.mark.parametrize("change, rule", [
    ({"scales": np.ones((4, 2))}, "scales of 4 x 3 float32"),
    ({"scales": np.full((4, 3), np.nan)}, "finite scales of blocks"),
    ({"zeros": np.zeros((4, 3), np.uint8)}, "zero points of 4 x 2 uint8"),
    ({"bias": np.zeros(5, F32)}, "a bias of 4 finite float32"),
    ({"bias": np.full(4, np.inf, F32)}, "a bias of 4 finite float32")])
def test_what_operands_of_a_matmul_of_4_bits_must_be(change, rule):
    drawn = Blocked()
    given = {"packed": np.zeros((4, 3, 8), np.uint8), "scales": np.ones((4, 3)), **change}
    drawn.integer_output(drawn.nbits("x", 40, 4, 16, accuracy_level=4, **given))
    refused(drawn, rule)


def test_products_of_numbers_with_blocks_and_scales_of_single_rows_are_refused():
    drawn = Blocked()
    drawn.integer_output(drawn.node("MatMul", ["x", drawn.dequantized_weights(
        np.zeros((40, 6), int), np.arange(18).reshape(3, 6), "int4")]))
    refused(drawn, r"node 1 \(MatMul\) must have a DequantizeLinear, .* before it, not numbers in floating point")
    drawn = Blocked()
    x = drawn.dequantized("x", drawn.scale, np.int8(5))
    drawn.integer_output(drawn.node("MatMul", [x, drawn.dequantized_weights(
        np.zeros((40, 6), int), np.arange(240).reshape(40, 6), "int4", block=1)]))
    refused(drawn, r"node 3 \(MatMul\) must have a scale .* for blocks of at least two rows")


def test_floats_that_are_no_numbers_are_refused():
    drawn = Blocked()
    x = drawn.dequantized("x", drawn.scale, np.int8(5))
    drawn.integer_output(drawn.node("MatMul", [x, drawn.floats(np.full((40, 6), np.nan), np.ones((3, 6)),
                                                              TensorProto.FLOAT8E4M3FN)]))
    refused(drawn, r"node 2 \(DequantizeLinear\) must have finite weights without zero points")
