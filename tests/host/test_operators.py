"""Every operator is whole, is listed, and needs nothing beside its class."""

from dataclasses import dataclass

import numpy as np
import pytest
from bitline.host.network.files.tflite_file import read_tflite
from bitline.host.network.inference import Inference
from bitline.host.network.matrix_operator import MatrixOperator
from bitline.host.network.network import NetworkError
from bitline.host.network.onnx_operators import ONNX
from bitline.host.network.operator import Operator
from bitline.host.network.operators import OPERATORS, TFLITE
from bitline.host.network.tflite_node import TfliteForm


def classes(kind=Operator):
    """All operators, without classes of which others are kinds and that no file names."""
    found = {kind} if kind.tflite else set()
    return found.union(*(classes(below) for below in kind.__subclasses__()))


def test_every_operator_is_registered():
    ours = {kind for kind in classes() if kind.__module__.startswith("bitline.host.network.operators.")}
    assert ours == set(OPERATORS) and len(ours) == len(OPERATORS)


@pytest.mark.parametrize("kind", OPERATORS, ids=lambda kind: kind.__name__)
def test_operator_is_whole(kind):
    assert not kind.__abstractmethods__
    assert kind.is_matrix == issubclass(kind, MatrixOperator)
    assert kind.__doc__ and kind.tflite


def test_operators_of_onnx_alone_are_whole():
    """They are made by the readers of nodes, and have no names in other files."""
    kinds, found = [Operator], set()
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__module__.startswith("bitline.host.network.onnx_operators.") and not kind.__subclasses__():
            found.add(kind)
    assert len(found) >= 11 and not any(kind.__abstractmethods__ or kind.tflite for kind in found)
    assert all(kind.__doc__ and not kind.__doc__.startswith(kind.__name__ + "(") for kind in found)
    assert all(callable(reader) for _, reader in ONNX.values())


def test_no_name_stands_for_two_operators():
    assert len(TFLITE) == sum(len(kind.tflite) for kind in OPERATORS)


@dataclass(frozen=True, kw_only=True)
class Halves(Operator):
    """The two halves of the last dimension."""

    tflite = (TfliteForm("SPLIT", 2, 2),)
    max_outputs = 2

    @classmethod
    def from_tflite(cls, node):
        node.parameter(0, 1)
        return cls(**node.common)

    def check(self, rules):
        rules.quantized(*rules.inputs, *rules.outputs)
        *shape, length = rules.inputs[0].shape
        for number in range(len(rules.outputs)):
            rules.has_shape((*shape, length // 2), number)

    def compute(self, context, x):
        return tuple(np.split(x, len(context.outputs), axis=-1))


def halves(file, x, count, **fields):
    """Adds a SPLIT of so many outputs, which are given, to a file."""
    outputs = [file.tensor((1, 2), "int8", 0.1, **fields) for _ in range(count)]
    return file.operator("SPLIT", [file.constant([-1], "int32"), x], outputs)


def test_an_operator_may_have_several_outputs(monkeypatch):
    pytest.importorskip("tflite", reason="no tflite here")
    from bitline.scripts.fuzzing.tflite_builder import TfliteFile

    monkeypatch.setitem(TFLITE, "SPLIT", (Halves, Halves.tflite[0]))
    file = TfliteFile()
    x = file.tensor((1, 4), "int8", 0.1)
    left, right = halves(file, x, 2)
    swapped = file.operator("CONCATENATION", [right, left], file.tensor((1, 4), "int8", 0.1), "ConcatenationOptions",
                            Axis=1)
    network = read_tflite(file.data([x], [swapped, left]), "m")
    values = Inference(network).run(np.array([[[1, 2, 3, 4]], [[5, 6, 7, 8]]]))
    assert values[left].tolist() == [[[1, 2]], [[5, 6]]]
    assert values[swapped].tolist() == [[[3, 4, 1, 2]], [[7, 8, 5, 6]]]
    more = TfliteFile()
    x = more.tensor((1, 4), "int8", 0.1)
    made = halves(more, x, 3)
    with pytest.raises(NetworkError, match=r"\(SPLIT\) must have 2 to 2 inputs and 1 to 2 outputs, not 2 and 3"):
        read_tflite(more.data([x], made[:1]), "m")
