"""Files of drawn networks that are damaged: each must run, or be refused in one line, in a bounded time."""

import time
import warnings
from dataclasses import dataclass

import numpy as np

from ...host.network.inference import Inference
from ...host.network.network import NetworkError

MAX_SECONDS = 5.0
# What integers of a file become.
NUMBERS = [0, -1, 1, 5, 2 ** 31, -2 ** 63, 2 ** 62]


@dataclass
class Survived:
    """Counts of the damaged files of an operator: of all, of those that ran, of those that were refused in one line.

    ``faults`` did something else, or took longer than `MAX_SECONDS`; ``first`` is the seed of the first of them, and
    what happened, or None. ``slowest`` are the seconds of the slowest.
    """

    operator: str
    files: int = 0
    run: int = 0
    refused: int = 0
    faults: int = 0
    slowest: float = 0.0
    first: str | None = None


def read_damaged(operator, count, seed, damaged, read):
    """Read damaged files of an operator, and run those that are networks.

    Parameters
    ----------
    operator : str
    count, seed : int
        ``seed`` is that of the first file; each has the next one.
    damaged : callable
        ``damaged(operator, seed)`` are the bytes of a file.
    read : callable
        ``read(data, name)`` is the `Network`.

    Returns
    -------
    Survived
    """
    found = Survived(operator)
    for number in range(seed, seed + count):
        data, started, fault = damaged(operator, number), time.perf_counter(), None
        found.files += 1
        try:
            # A warning is a line beside that of a refusal.
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("error")
                network = read(data, operator)
                inputs = [network.tensors[index] for index in network.inputs]
                Inference(network).run(*(np.ones((1, *tensor.shape), tensor.dtype) for tensor in inputs))
            found.run += 1
        except NetworkError as error:
            found.refused += 1
            fault = None if len(str(error).splitlines()) == 1 else "a refusal of several lines"
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
        seconds = time.perf_counter() - started
        found.slowest = max(found.slowest, seconds)
        fault = fault or (f"{seconds:.1f} s" if seconds > MAX_SECONDS else None)
        if fault:
            found.faults += 1
            found.first = found.first or f"seed {number}: {fault}"
    return found


def damage_bytes(data, rng):
    """Bytes of which some are gone, or others are in their place: bits, words, numbers that mean something."""
    data, kind, last = bytearray(data), rng.integers(6), len(data) - 8
    at = int(rng.integers(last))
    if kind == 0:
        return bytes(data[:at] + data[at + int(rng.integers(1, 9)):])
    if kind == 1 and rng.integers(4) == 0:
        return bytes(data[:at])
    for place in rng.integers(0, last, int(rng.choice([1, 2, 4]))):
        if kind == 2:
            data[place:place + 4] = bytes(rng.choice([0, 255, 127, 128], 4).astype(np.uint8))
        elif kind == 3:
            number = int(rng.choice([0, 1, 2, 3, 5, 8, 100, 2**31 - 1, 2**31, 2**32 - 1, last]))
            data[place:place + 4] = number.to_bytes(4, "little")
        else:
            data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def damage_graph(model, kinds, rng):
    """Bytes of an `onnx.ModelProto` with other attributes, constants, inputs, or types of ``kinds`` in some nodes."""
    changed = type(model)()
    changed.CopyFrom(model)
    graph = changed.graph
    for _ in range(int(rng.integers(1, 4))):
        node, kind = graph.node[int(rng.integers(len(graph.node)))], int(rng.integers(5))
        constant = graph.initializer[int(rng.integers(len(graph.initializer)))]
        if kind == 0 and node.attribute:
            _damage_attribute(node.attribute[int(rng.integers(len(node.attribute)))], rng)
        elif kind == 1 and constant.dims:
            constant.dims[int(rng.integers(len(constant.dims)))] = int(rng.choice(NUMBERS))
        elif kind == 2:
            node.op_type = str(rng.choice(kinds))
        elif kind == 3:
            _damage_constant(constant, rng)
        elif node.input:
            names = ["", "x", *(one.name for one in graph.initializer)]
            names += [name for one in graph.node for name in one.output]
            node.input[int(rng.integers(len(node.input)))] = str(rng.choice(names))
    return changed.SerializeToString()


def _damage_attribute(attribute, rng):
    value = int(rng.choice(NUMBERS))
    if attribute.ints:
        attribute.ints[int(rng.integers(len(attribute.ints)))] = value
    attribute.i = value


def _damage_constant(constant, rng):
    """Another array of the same kind and shape, of numbers that mean something."""
    from onnx import numpy_helper

    try:
        array = numpy_helper.to_array(constant)
    except ValueError:
        # Its dimensions are damaged.
        return
    choices = NUMBERS if array.dtype == np.int64 else [0, -1, 1, 100] if array.dtype.kind in "iu" else [
        0, -1, np.inf, np.nan, 1e-38, 1e38]
    other = rng.choice(choices, array.shape).astype(np.int64 if array.dtype == np.int64 else np.float64)
    with np.errstate(all="ignore"):
        constant.CopyFrom(numpy_helper.from_array(np.asarray(other).astype(array.dtype), constant.name))
