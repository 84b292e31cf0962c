"""Reading ``.tflite`` files: what the graphs in a flatbuffer say, as a `Network`.

Whatever the flatbuffer library trips over in a damaged file is one `NetworkError`.
"""

import struct
from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from ..checks import Rules, check
from ..network import Network, NetworkError
from ..operator import outputs_up_to
from ..operators import TFLITE
from ..problems import Problems
from ..tflite_node import TfliteNode
from .tflite_graph import TfliteGraph
from .tflite_variables import TfliteVariables

# Arithmetic of dimensions, which converters leave to the runtime.
INTEGERS = {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply, "MAXIMUM": np.maximum, "MINIMUM": np.minimum}


def read_tflite(data, name, runtime="litert-2.3"):
    """The `Network` in the bytes of a file; NetworkError as of `load_network`."""
    try:
        import tflite
    except ImportError:
        raise NetworkError("tflite not found: pip install -e '.[networks]'") from None
    if data[4:8] != b"TFL3":
        raise NetworkError(f"model must be a .tflite file, which has TFL3 at byte 4, and {name} has {data[4:8]!r}")
    try:
        reader = _Reader(tflite, data, runtime)
        network = reader.network(name)
    except NetworkError:
        raise
    except (struct.error, IndexError, KeyError, ValueError, TypeError, OverflowError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NetworkError(f"model must be a whole .tflite file, and {name} is damaged: {reason}") from None
    check(network, reader.problems)
    return network


class _Reader:
    """One file: operators made of its graph, and what is in the way of that."""

    def __init__(self, tflite, data, runtime):
        model = tflite.Model.GetRootAs(data, 0)
        self._graph, self._runtime, self.problems = TfliteGraph(tflite, data, model, 0), runtime, Problems()
        self._variables = TfliteVariables(self._graph, lambda number: TfliteGraph(tflite, data, model, number))

    def network(self, name):
        """The `Network`, not yet checked."""
        graph, operators = self._graph, []
        for node in _used(graph.nodes, graph.outputs):
            with self.problems.of(node.location):
                if not self._variables.takes(node) and not self._folds_integers(node):
                    operator = self._operator(node)
                    if not self._folds(operator):
                        operators.append(operator)
        return Network(name, graph.tensors, operators, graph.inputs, graph.outputs, self._runtime,
                       tuple(self._variables.all))

    def _operator(self, node):
        if node.kind not in TFLITE:
            wanted = ("of TensorFlow Lite, not of another runtime" if node.kind.startswith("CUSTOM") else
                      "one of those that bitline operators lists")
            raise NetworkError(f"{node.location} must be {wanted}: what is before it runs where the file ends there")
        operator, form = TFLITE[node.kind]
        operands, outputs = node.inputs, node.outputs
        if not (form.min_inputs <= len(operands) <= form.max_inputs and operator.min_outputs <= len(outputs) <=
                operator.max_outputs and -1 not in operands[:form.min_inputs]):
            raise NetworkError(f"{node.location} must have {form.min_inputs} to {form.max_inputs} inputs and "
                               f"{outputs_up_to(operator.max_outputs)}, not {len(operands)} and {len(outputs)}")
        options = form.options and self._graph.options(form.options, node, may_lack=form.may_lack_options)
        return operator.from_tflite(TfliteNode(self._graph.tensors, self._runtime, node, options, self._variables))

    def _folds_integers(self, node):
        """Whether a node computes dimensions, which are then constants."""
        tensors = self._graph.tensors
        operands = [tensors[index] for index in node.inputs]
        if node.kind == "SHAPE" and len(operands) == 1 and (not operands[0].is_open or
                                                            node.inputs[0] in self._graph.inputs):
            return self._fold(node.outputs, [np.array(operands[0].shape)])
        if node.kind in INTEGERS and len(operands) == 2 and all(
                tensor.data is not None and tensor.dtype in ("int32", "int64") for tensor in operands):
            return self._fold(node.outputs, [INTEGERS[node.kind](*(tensor.data for tensor in operands))])
        return False

    def _folds(self, operator):
        """Whether an operator moves nothing but constants, and makes some."""
        tensors = self._graph.tensors
        if not operator.moves or not all(index >= 0 and tensors[index].data is not None for index in operator.inputs):
            return False
        rules = Rules(SimpleNamespace(tensors=tensors, variables=()), operator)
        operator.check(rules)
        made = operator.compute(rules, *(tensors[index].data[None] for index in operator.operands))
        return self._fold(operator.outputs, [values[0] for values in (made if isinstance(made, tuple) else (made,))])

    def _fold(self, outputs, arrays):
        """True, if arrays are what the outputs are said to be; then they are constants."""
        tensors = self._graph.tensors
        for index, array in zip(outputs, arrays, strict=True):
            if array.shape != tensors[index].shape:
                return False
            tensors[index] = replace(tensors[index], data=array)
        return True


def _used(nodes, outputs):
    """The operators that outputs and variables need.

    Converters compute the dimensions of a reshaped tensor, for any size of batch, by operators of their own. They are
    left out: what a reshape makes is declared in the file.
    """
    needed, used = set(outputs), []
    for node in reversed(nodes):
        if needed & set(node.outputs) or node.kind == "ASSIGN_VARIABLE":
            used.append(node)
            needed.update(node.inputs[:TFLITE[node.kind][1].needed] if node.kind in TFLITE else node.inputs)
    return used[::-1]
