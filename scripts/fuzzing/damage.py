"""Files of drawn networks that are damaged: each must run, or be refused in one line, in a bounded time."""

import time
import warnings
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from ...host.network.inference import Inference
from ...host.network.network import NetworkError
from ..common.limited import LimitedProcess, ProcessLost, peak_memory

# Seconds of processor time, and kilobytes, the libraries' own included.
MAX_SECONDS, MAX_MEMORY = 5.0, 1 << 20
# Seconds after which a process is ended, and bytes of address space that it may have.
PATIENCE, ADDRESS_SPACE = 20.0, 1 << 32
# Elements of all tensors, and multiply-accumulates, of a network that is run as well.
MAX_RUN = 1 << 22, 1 << 26
# What integers of a file become.
NUMBERS = [0, -1, 1, 5, 2 ** 31, -2 ** 63, 2 ** 62]
# And words.
WORDS = [b"", b"NOTSET", b"SAME_UPPER", b"linear", b"\xff\xfe", b"x" * 1000]


@dataclass
class Attempt:
    """What became of a file: "run", "refused", or what was wrong; in which time, and with how much memory at most."""

    outcome: str
    seconds: float = 0.0
    kilobytes: int = 0


@dataclass
class Survived:
    """Counts of the damaged files of an operator: of all, of those that ran, of those that were refused in one line.

    ``faults`` did something else, or took more than `MAX_SECONDS` or `MAX_MEMORY`; ``first`` is the seed of the first
    of them, and what happened, or None. ``seconds`` and ``kilobytes`` are the most that a file took.
    """

    operator: str
    files: int = 0
    run: int = 0
    refused: int = 0
    faults: int = 0
    seconds: float = 0.0
    kilobytes: int = 0
    first: str | None = None

    def add(self, number, attempt):
        """What became of the file of a seed."""
        self.files += 1
        self.run += attempt.outcome == "run"
        self.refused += attempt.outcome == "refused"
        self.seconds, self.kilobytes = (max(self.seconds, attempt.seconds), max(self.kilobytes, attempt.kilobytes))
        fault = attempt.outcome if attempt.outcome not in ("run", "refused") else (
            f"{attempt.seconds:.1f} s" if attempt.seconds > MAX_SECONDS else
            f"{attempt.kilobytes >> 10} MB" if attempt.kilobytes > MAX_MEMORY else None)
        if fault:
            self.faults += 1
            self.first = self.first or f"seed {number}: {fault}"


def total_of(found):
    """The `Survived` of all operators."""
    total = Survived("all")
    for one in found:
        for name in ("files", "run", "refused", "faults"):
            setattr(total, name, getattr(total, name) + getattr(one, name))
        total.seconds, total.kilobytes = max(total.seconds, one.seconds), max(total.kilobytes, one.kilobytes)
    return total


def read_damaged(survive, operators, count, seed):
    """Read damaged files of operators in another process, and yield the `Survived` of each.

    Parameters
    ----------
    survive : callable
        ``survive(operator, seed)`` is the `Attempt` of a damaged file.
    operators : iterable of str
    count, seed : int
        Files of each, and the seed of the first; each has the next one.
    """
    with closing(LimitedProcess(survive, ADDRESS_SPACE)) as process:
        for operator in operators:
            found = Survived(operator)
            for number in range(seed, seed + count):
                try:
                    attempt = process.call(PATIENCE, operator, number)
                except ProcessLost as error:
                    attempt = Attempt(str(error))
                found.add(number, attempt)
                if attempt.kilobytes > MAX_MEMORY:
                    # What a process once had counts for all that it does later.
                    process.restart()
            yield found


def generator(operator, seed):
    """A random generator, another one for each operator."""
    return np.random.default_rng([seed, *operator.encode()])


def attempt_of(data, name, read):
    """The `Attempt` to read a file with ``read(data, name)``, and to run the network if it is a small one."""
    started, outcome = time.process_time(), "run"
    try:
        # A warning is a line beside that of a refusal.
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("error")
            network = read(data, name)
            if sum(tensor.size for tensor in network.tensors) <= MAX_RUN[0] and network.macs <= MAX_RUN[1]:
                inputs = [network.tensors[index] for index in network.inputs]
                Inference(network).run(*(np.ones((1, *tensor.shape), tensor.dtype) for tensor in inputs))
    except NetworkError as error:
        outcome = "refused" if len(str(error).splitlines()) == 1 else "a refusal of several lines"
    except Exception as error:
        outcome = f"{type(error).__name__}: {error}"
    return Attempt(outcome, time.process_time() - started, peak_memory())


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
    """Bytes of an `onnx.ModelProto` with other attributes, constants, inputs, or types of ``kinds`` in some nodes, of
    another opset, or without a node.
    """
    changed = type(model)()
    changed.CopyFrom(model)
    graph = changed.graph
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        node, kind = graph.node[int(rng.integers(len(graph.node)))], int(rng.integers(6))
        constant = graph.initializer[int(rng.integers(len(graph.initializer)))]
        if kind == 0 and node.attribute:
            _damage_attribute(node.attribute[int(rng.integers(len(node.attribute)))], rng)
        elif kind == 1 and constant.dims:
            constant.dims[int(rng.integers(len(constant.dims)))] = int(rng.choice(NUMBERS))
        elif kind == 2:
            node.op_type = str(rng.choice(kinds))
        elif kind == 3:
            _damage_constant(constant, rng)
        elif kind == 4:
            _damage_order(changed, node, rng)
        elif node.input:
            names = ["", "x", *(one.name for one in graph.initializer)]
            names += [name for one in graph.node for name in one.output]
            at = int(rng.integers(len(node.input)))
            node.input[at] = str(rng.choice(names))
            if rng.integers(4) == 0:
                del node.input[at]
    return changed.SerializeToString()


def _damage_order(model, node, rng):
    """Another opset, an output more or less, or a node in another place or none."""
    kind, nodes = int(rng.integers(4)), model.graph.node
    if kind == 0:
        model.opset_import[int(rng.integers(len(model.opset_import)))].version = int(rng.integers(30))
    elif kind == 1:
        node.output.append("more" if rng.integers(2) else "x")
    elif len(nodes) > 1:
        nodes.remove(node)
        if kind == 2:
            nodes.insert(int(rng.integers(len(nodes) + 1)), node)


def _damage_attribute(attribute, rng):
    value = int(rng.choice(NUMBERS))
    if rng.integers(4) == 0:
        attribute.type = int(rng.integers(1, 9))
    attribute.f, attribute.s = float(rng.choice([0, -1, np.inf, np.nan, 1e38])), bytes(rng.choice(WORDS))
    if attribute.ints:
        attribute.ints[int(rng.integers(len(attribute.ints)))] = value
    attribute.i = value


def _damage_constant(constant, rng):
    """Another array of the same kind and shape, of numbers that mean something; or of another kind."""
    from onnx import numpy_helper

    if rng.integers(4) == 0:
        constant.data_type = int(rng.integers(30))
        return
    try:
        array = numpy_helper.to_array(constant)
    except (ValueError, KeyError, TypeError):
        # Its dimensions or its type are damaged.
        return
    choices = NUMBERS if array.dtype == np.int64 else [0, -1, 1, 100] if array.dtype.kind in "iu" else [
        0, -1, np.inf, np.nan, 1e-38, 1e38]
    other = rng.choice(choices, array.shape).astype(np.int64 if array.dtype == np.int64 else np.float64)
    with np.errstate(all="ignore"):
        constant.CopyFrom(numpy_helper.from_array(np.asarray(other).astype(array.dtype), constant.name))
