"""The tables of operators in the documents are made of the code, and of what was fuzzed."""

import json

import numpy as np
import pytest
from bitline.scripts.commands.networks.operators import BEGIN, END, put
from places import ROOT

pytest.importorskip("tflite", reason="no tflite here")
pytest.importorskip("onnx", reason="no onnx here")
from bitline.host.network.files.tflite_file import read_tflite
from bitline.host.network.inference import Inference
from bitline.host.network.network import QUANTIZED, NetworkError
from bitline.host.network.onnx_operators import ONNX
from bitline.host.network.operators import TFLITE
from bitline.host.network.rounding import RULES, RUNTIMES_OF, rounding_rule
from bitline.host.network.rounding import TFLITE as ROUNDING
from bitline.scripts.fuzzing import listing, onnx_operators, tflite_operators
from bitline.scripts.fuzzing.record import read_record
from bitline.scripts.fuzzing.tflite_drawn import LIMITS, Drawn

DOCUMENT, RECORD = ROOT / "docs" / "networks.md", ROOT / "docs" / "fuzzed.json"
# Operators whose kernel has one rule only and is not told it, and those that need no rounding for values of their own.
OF_ONE_RULE = {("AVERAGE_POOL_2D", "quotient"), ("RESIZE_BILINEAR", "quotient"), ("RESIZE_BILINEAR", "float32"),
               ("CONCATENATION", "float32"), ("QUANTIZE", "float32"), ("DEQUANTIZE", "float"),
               *((operator, "float") for operator in ("ADD", "SUB", "MUL", "DIV", "SQRT"))}
NEW_VALUES = ("ARG_MAX", "ARG_MIN", "CAST", "FLOOR_DIV")
ALL = ("int8", "uint8", "int16", "int32", "float32")


def test_every_operator_is_drawn():
    assert set(tflite_operators.OPERATORS) == set(TFLITE)
    assert set(onnx_operators.OPERATORS) == {name for _, name in ONNX}


def test_tables_of_the_document_are_made_of_the_code():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert put(listing.listing(read_record(RECORD)), text) == text, (
        "bitline operators --record docs/fuzzed.json --document docs/networks.md")


def test_a_table_that_is_stale_is_noticed(monkeypatch):
    text = DOCUMENT.read_text(encoding="utf-8")
    make, kinds = tflite_operators.OPERATORS["ABS"]
    monkeypatch.setitem(tflite_operators.OPERATORS, "ABS", (make, (*kinds, "uint8")))
    assert put(listing.listing(read_record(RECORD)), text) != text


def test_every_operator_was_fuzzed_without_a_mismatch():
    record = read_record(RECORD)
    assert set(record) == {*((operator, "ai-edge-litert") for operator in tflite_operators.OPERATORS),
                           *((operator, "onnxruntime") for operator in onnx_operators.OPERATORS)}
    assert all(one["values"] >= 10_000_000 and one["mismatches"] == 0 for one in record.values())


@pytest.mark.parametrize("operator", TFLITE)
def test_operators_take_the_kinds_that_are_listed_and_round_as_it_is_said(operator):
    make, kinds = tflite_operators.OPERATORS[operator]
    for kind in ALL:
        drawn = Drawn(5, kind)
        if kind in kinds:
            make(drawn)
            network, rule = read_tflite(drawn.data, "m"), rounding_rule("litert-2.3", operator, kind)
            assert rule == "none" or network.operators[-1].rounding == rule or (operator, rule) in OF_ONE_RULE
            if rule == "none" and operator not in NEW_VALUES and kind in QUANTIZED:
                assert are_moved(network)
            continue
        try:
            make(drawn)
        except KeyError:
            # What draws an operator need not know what it does not draw.
            continue
        with pytest.raises(NetworkError):
            read_tflite(drawn.data, "m")


def are_moved(network):
    """Whether all that comes out went in, was in the file, or stands for zero."""
    rng = np.random.default_rng(1)
    # Of four values for each input, so that others stand out.
    inputs = [rng.choice(rng.integers(*LIMITS.get(network.tensors[index].dtype, (0, 2)), 4),
                         (3, *network.tensors[index].shape)) for index in network.inputs]
    values = Inference(network).run(*inputs)
    known = {0, *(value for x in inputs for value in x.ravel().tolist())}
    for tensor in network.tensors:
        known |= {int(point) for point in tensor.zero_points}
        if tensor.data is not None:
            known |= set(np.ravel(tensor.data).tolist())
    for variable in network.variables:
        known |= set(np.ravel(variable.initial).tolist())
    return all(set(values[index].ravel().tolist()) <= known for index in network.outputs)


@pytest.mark.parametrize("operator, moves", [("PAD", True), ("GATHER", True), ("LOGISTIC", False), ("MUL", False)])
def test_what_is_only_moved_is_told_from_what_is_computed(operator, moves):
    drawn = Drawn(5, "int8")
    tflite_operators.OPERATORS[operator][0](drawn)
    assert are_moved(read_tflite(drawn.data, "m")) == moves


def test_rules_of_rounding_have_a_meaning():
    assert {rule for rules in ROUNDING.values() for rule in rules} <= set(RULES)
    assert all(len(rules) == len(RUNTIMES_OF[".tflite"]) for rules in ROUNDING.values())
    assert {operator for operator, _ in ROUNDING} <= set(TFLITE)


def test_the_command_writes_a_document(cli, tmp_path):
    document = tmp_path / "page.md"
    document.write_text(f"# Page\n{BEGIN}old\n{END}The end.\n")
    status, _, errors = cli("operators", "--record", RECORD, "--document", document)
    assert status == 0, errors
    _, output, _ = cli("operators", "--record", RECORD)
    assert document.read_text() == f"# Page\n{BEGIN}\n{output}\n{END}The end.\n"


def test_what_is_no_document_or_no_record_is_refused(refused, tmp_path):
    (tmp_path / "page.md").write_text("# Page\n")
    refused("operators", "--document", tmp_path / "page.md", match="document must have the lines <!-- bitline")
    (tmp_path / "record.json").write_text(json.dumps({"values": 1}))
    refused("operators", "--record", tmp_path / "record.json", match="record must be one that bitline fuzz --output")
