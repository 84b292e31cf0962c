"""Drawn ``.tflite`` files in which fields are changed: they stay well formed, but say something else."""

import numpy as np

from .damage import NUMBERS
from .tflite_builder import TYPES

LENGTHS = (0, 1, 2, 3, 5, 100, 1 << 16, 1 << 24, (1 << 31) - 1, -1)
SCALES = (0.0, -1.0, 1.0, np.inf, np.nan, 1e-38, 1e38)
POINTS = (-129, -128, 0, 1, 127, 128, 255, 256, -1 << 31, 1 << 62)
# Fields of one byte; others have four.
BYTES = ("Padding", "FusedActivationFunction", "OutputType", "WeightsFormat", "InDataType", "OutDataType")
SMALL, LARGE = (0, 1, 2, 3, 5, 17, 100, 127, -1), (1 << 16, (1 << 31) - 1, -1 << 31)
# Bytes of a constant that is made as long as its shape says.
MAX_BYTES = 1 << 16


def damage_file(drawn, codes, rng):
    """Change fields of a `Drawn` file: of tensors, operators, or what its ends are.

    Parameters
    ----------
    drawn : Drawn
    codes : list of int
        Kinds that operators may become.
    rng : numpy.random.Generator
    """
    file = drawn.file
    graph = file.graphs[int(rng.integers(len(file.graphs)))]
    if rng.integers(4) == 0:
        # Shapes that the file leaves open are those that its operators make.
        for operator in graph.operators:
            for index in operator.outputs:
                graph.tensors[index].is_open = True
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        kind = int(rng.integers(8))
        if kind < 5:
            (_shape, _scales, _point, _dtype, _data)[kind](_one_of(graph.tensors, rng), rng)
        elif kind == 5 and graph.operators:
            _field(_one_of(graph.operators, rng), rng)
        elif kind == 6:
            ends = [ends for one in graph.operators for ends in (one.inputs, one.outputs, one.intermediates)]
            _index(_one_of([drawn.inputs, drawn.outputs, *ends], rng), len(graph.tensors), rng)
        else:
            _order(file, graph, codes, rng)


def _one_of(values, rng):
    return values[int(rng.integers(len(values)))]


def _kind(tensor):
    """numpy's type of a tensor's data; of what it has none for, bytes."""
    return np.dtype("int8" if tensor.dtype in ("int4", "resource") else tensor.dtype)


def _shape(tensor, rng):
    """Another length, a dimension more or less; a constant's data may follow."""
    shape, at = list(tensor.shape), int(rng.integers(len(tensor.shape) + 1))
    if at < len(shape) and rng.integers(3):
        shape[at] = _one_of(LENGTHS, rng)
    elif at < len(shape) and rng.integers(2):
        del shape[at]
    else:
        shape.insert(at, _one_of(LENGTHS, rng))
    tensor.shape = tuple(shape)
    if tensor.data and rng.integers(2):
        wanted = int(np.prod(shape, dtype=object)) * _kind(tensor).itemsize
        wanted = (wanted + 1) // 2 if tensor.dtype == "int4" else wanted
        if 0 <= wanted <= MAX_BYTES:
            tensor.data = np.resize(np.frombuffer(tensor.data, np.uint8), wanted).tobytes()


def _scales(tensor, rng):
    """Others, more or fewer, along another dimension."""
    scales = np.array(tensor.scales, np.float32)
    if len(scales) and rng.integers(3):
        scales[int(rng.integers(len(scales)))] = _one_of(SCALES, rng)
    else:
        scales = np.resize(scales if len(scales) else np.float32(0.1), int(rng.integers(0, 5)))
    tensor.scales, tensor.axis = scales, tensor.axis if rng.integers(2) else _one_of(SMALL, rng)


def _point(tensor, rng):
    tensor.zero_point = _one_of(POINTS, rng)


def _dtype(tensor, rng):
    tensor.dtype = _one_of([*TYPES], rng)
    tensor.is_variable = bool(rng.integers(4) == 0)


def _data(tensor, rng):
    """Numbers that mean something, or none; what was computed is a constant."""
    kind = _kind(tensor)
    size = len(tensor.data) // kind.itemsize if tensor.data else int(rng.integers(0, 9))
    choices = [one for one in NUMBERS if np.iinfo(kind).min <= one <= np.iinfo(kind).max] if kind.kind in "iu" else (
        SCALES if kind.kind == "f" else (0, 1))
    tensor.data = rng.choice(choices, size).astype(kind).tobytes() if rng.integers(4) else None


def _field(operator, rng):
    """A field of the options has another value, or none; or there are no options."""
    if not operator.fields or rng.integers(8) == 0:
        operator.options = None
        return
    name = _one_of(sorted(operator.fields), rng)
    value = operator.fields[name]
    if rng.integers(6) == 0:
        del operator.fields[name]
    elif isinstance(value, bool):
        operator.fields[name] = not value
    elif isinstance(value, str):
        operator.fields[name] = _one_of(["", "kept", "other"], rng)
    elif isinstance(value, float):
        operator.fields[name] = _one_of(SCALES, rng)
    else:
        operator.fields[name] = _one_of(SMALL if name in BYTES else SMALL + LARGE, rng)


def _index(ends, count, rng):
    """Another tensor, one that there is not, one more or one less."""
    at, index = int(rng.integers(len(ends) + 1)), int(_one_of([-1, count, (1 << 31) - 1, *range(count)], rng))
    if at < len(ends) and rng.integers(3):
        ends[at] = index
    elif at < len(ends) and rng.integers(2):
        del ends[at]
    else:
        ends.insert(at, index)


def _order(file, graph, codes, rng):
    """Operators of another kind, in another order, twice, or missing."""
    kind = int(rng.integers(4))
    if kind == 0 or not graph.operators:
        at = int(rng.integers(len(file.codes)))
        file.codes[at] = _one_of(codes, rng), file.codes[at][1]
    elif kind == 1:
        graph.operators.append(_one_of(graph.operators, rng))
    elif kind == 2:
        graph.operators.reverse()
    else:
        del graph.operators[int(rng.integers(len(graph.operators)))]
