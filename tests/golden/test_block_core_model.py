"""Packets of a block core and its golden model, by hand; `tests/hdl/test_block_core.py` has drawn ones."""

import numpy as np
import pytest
from bitline.golden.formats.blocks import FORMATS
from bitline.golden.formats.core import BlockCoreModel
from bitline.golden.formats.packets import HEADER, header, header_fields, packet_bytes, vector_packet, weight_packet
from bitline.hdl.config.formats import block_macro
from places import ROOT

CONFIG = block_macro("MXFP4+MXINT8", columns=9, macro={"banks": 2}, input_beat_bits=64, max_blocks=2)
ONE = {"number": 5, "bank": 1, "scale": 127, "base": 254}


def weights(name="MXFP4", value=2.0):
    """A packet of columns that are all of one number."""
    codes = np.full((9, 32), FORMATS[name].element.encode(np.float64(value)), np.uint8)
    return [(word, True) for word in weight_packet(CONFIG, codes, [127] * 9, 1, name)]


def vector(*lasts, value=0x2):
    """A packet of blocks of ones in MXFP4, eight codes of a byte each a beat; of each whether its header says last."""
    words = [word for last in lasts for word in (header(**ONE, last=last), *[value * 0x0101010101010101] * 4)]
    return [(word, True) for word in words]


def test_header_by_hand():
    fields = {"scale": 0x7f, "number": 5, "bank": 2, "base": 254, "last": 1}
    assert header(**fields) == 0x80fe257f and header_fields(0x80fe257f) == fields and sum(HEADER.values()) == 32
    assert packet_bytes([0x80fe257f, 1], 64).hex() == "7f25fe80000000000100000000000000"


def test_packets_by_hand():
    """The example of `docs/formats.md`: 6."""
    config = block_macro("MXFP4", columns=1, input_beat_bits=64)
    x, y = (np.concatenate([FORMATS["MXFP4"].element.encode(np.array(values, float)), np.zeros(28, np.uint8)])
            for values in ((1.5, -1, 0.5, 4), (4, 4, 4, 2)))
    loads = weight_packet(config, y[None], np.array([125]), 0, "MXFP4")
    vectors = vector_packet(config, [("MXFP4", x, 128, 0)], 253)
    assert loads == [0x500, 6, 6, 6, 4, *[0] * 28, 125] and vectors == [0x80fd0580, 0x61a3, 0]
    model = BlockCoreModel(config)
    assert model.load([(word, True) for word in loads]) is None
    values, is_lost, fault = model.multiply([(word, True) for word in vectors])
    assert (values.tolist(), is_lost.tolist(), fault) == ([6.0], [False], None)


@pytest.mark.parametrize("packet, fault, value", [
    (vector(1), None, 64), (vector(0, 1), None, 128), (vector(0, 0, 1), None, None),
    # The upper bits of a place do not count.
    (vector(1, value=0xf2), None, 64),
    *((vector(0, 1)[:length], "short", None) for length in (1, 2, 5, 9)), (vector(0), "short", None),
    (vector(0, 0), "short", None), ([*vector(1), (7, True)], "long", 64), (vector(1, 1), "long", 64),
    *(([*vector(0, 1)[:place], (vector(0, 1)[place][0], False), *vector(0, 1)[place + 1:]], "null", None)
      for place in (0, 1, 4, 5, 9)),
    # A byte that is not kept where a packet ends early: it is short; where it goes on too long: it is not kept.
    ([*vector(1)[:3], (0, False)], "short", None), ([*vector(1)[:4], (0, False), (7, True)], "null", None),
    *(([(header(**{**ONE, "last": 1, **wrong}), True), *vector(1)[1:]], "header", None)
      for wrong in ({"number": 6}, {"number": 3}, {"bank": 2}, {"bank": 15}, {"base": 1024})),
    ([(header(**{**ONE, "base": 1023, "last": 1}), True), *vector(1)[1:]], None, None),
    # Of a bank without weights.
    ([(header(**{**ONE, "bank": 0, "last": 1}), True), *vector(1)[1:]], None, None)])
def test_vectors(packet, fault, value):
    model = BlockCoreModel(CONFIG)
    assert model.load(weights()) is None
    values, is_lost, found = model.multiply(packet)
    assert found == fault and is_lost.tolist() == [value is None] * 9
    assert np.isnan(values).all() if value is None else values.tolist() == [value] * 9


def without(packet, place):
    """A packet with a byte that is not kept."""
    return [*packet[:place], (packet[place][0], False), *packet[place + 1:]]


# A header, a row a beat as there are nine columns: 288 beats, and two of scales.
@pytest.mark.parametrize("packet, fault, value", [
    (weights(value=4), None, 128), (weights("MXINT8", 1.5), None, 48),
    ([*weights(value=4), (0, True)], "long", 128),
    *((weights(value=4)[:length], "short", None) for length in (2, 289, 290)), (weights(value=4)[:1], "short", 64),
    *((without(weights(value=4), place), "null", None) for place in (1, 288, 289, 290)),
    (without(weights(value=4), 0), "null", 64),
    *(([(header(number=number, bank=bank), True), *weights(value=4)[1:]], "header", 64)
      for number, bank in ((6, 1), (5, 2)))])
def test_weights(packet, fault, value):
    """A bank that was written before: of new weights, without any, or as it was."""
    assert len(weights()) == 1 + 288 + 2
    model = BlockCoreModel(CONFIG)
    assert model.load(weights()) is None and model.load(packet) == fault
    values, is_lost, _ = model.multiply(vector(1))
    assert is_lost.all() if value is None else values.tolist() == [value] * 9


def test_example_of_the_document():
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    (example,) = (part.removeprefix("python\n") for part in text.split("```") if part.startswith("python\n"))
    rng = np.random.default_rng(1)
    names = {"weights": rng.standard_normal((64, 32), np.float32), "vector": rng.standard_normal(32, np.float32)}
    exec(example, names)
    model = BlockCoreModel(names["config"])

    def beats(text):
        return [(int.from_bytes(text[first:first + 8], "little"), True) for first in range(0, len(text), 8)]

    assert model.load(beats(names["to_s_axis_w"])) is None
    values, is_lost, fault = model.multiply(beats(names["to_s_axis"]))
    assert fault is None and not is_lost.any()
    np.testing.assert_allclose(values, names["weights"] @ names["vector"], atol=3)
    np.testing.assert_allclose(values, names["w"].values() @ names["x"].values(), rtol=1e-6)


@pytest.mark.parametrize("wrong", [{"scale": 256}, {"base": 1 << 15}, {"base": -1}, {"bnak": 3}], ids=str)
def test_headers_that_there_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        header(**wrong)
