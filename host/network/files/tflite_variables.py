"""What a ``.tflite`` network keeps from run to run.

There are two kinds. Resources have a handle that VAR_HANDLE gives, and a second subgraph, which CALL_ONCE runs before
the first run, says what they begin with. Variable tensors are operands of recurrent layers, and begin with zero.
"""

import numpy as np

from ..network import NetworkError, Variable


class TfliteVariables:
    """The variables of a graph.

    Parameters
    ----------
    graph : TfliteGraph
    subgraph : function
        Gives the `TfliteGraph` of a number.

    Attributes
    ----------
    all : list of Variable
    """

    def __init__(self, graph, subgraph):
        self.all, self._graph, self._of_tensors = [], graph, {}
        self._presets = {}
        for node in graph.nodes:
            if node.kind == "CALL_ONCE":
                number = graph.options("CallOnceOptions", node).InitSubgraphIndex()
                self._presets.update(_presets(subgraph(number), node.location))
        self._handles = _handles(graph)

    def takes(self, node):
        """Whether a node only says which variables there are."""
        return node.kind in ("CALL_ONCE", "VAR_HANDLE")

    def of_handle(self, index, location):
        """The number of the variable of a handle."""
        name = self._handles.get(index)
        if name not in self._presets:
            raise NetworkError(f"{location} must have a variable that the file gives a value before the first run, "
                               f"not {'/'.join(name) if name else f'tensor {index}'}")
        return self._number(name, "/".join(name).strip("/"), self._presets[name])

    def of_tensor(self, index, location):
        """The number of a variable tensor."""
        tensor = self._graph.tensors[index] if index >= 0 else None
        if tensor is None or not tensor.is_variable or tensor.dtype not in ("int8", "int16") or not tensor.scales.size:
            raise NetworkError(f"{location} must have a variable of int8 or int16 as its state, not "
                               f"{tensor.dtype if tensor else 'none'}")
        start = tensor.zero_point if tensor.dtype == "int8" else 0
        return self._number(index, tensor.name, np.full(tensor.shape, start, np.int64))

    def _number(self, key, name, initial):
        if key not in self._of_tensors:
            self._of_tensors[key] = len(self.all)
            self.all.append(Variable(name, initial))
        return self._of_tensors[key]


def _handles(graph):
    """Container and name of the variable of each handle, by number of tensor."""
    found = {}
    for node in graph.nodes:
        if node.kind == "VAR_HANDLE" and len(node.outputs) == 1:
            options = graph.options("VarHandleOptions", node)
            found[node.outputs[0]] = tuple((value or b"").decode("utf-8", "replace")
                                           for value in (options.Container(), options.SharedName()))
    return found


def _presets(graph, location):
    """What a graph that runs once gives variables, by container and name."""
    handles, presets = _handles(graph), {}
    for node in graph.nodes:
        if node.kind == "VAR_HANDLE":
            continue
        if node.kind != "ASSIGN_VARIABLE" or len(node.inputs) != 2 or node.inputs[0] not in handles:
            raise NetworkError(f"{location} must run a subgraph that gives variables constants, not {node.location}")
        value = graph.tensors[node.inputs[1]]
        if value.data is None:
            raise NetworkError(f"{location} must run a subgraph that gives variables constants, and "
                               f"{node.location} has none")
        presets[handles[node.inputs[0]]] = value.data
    return presets
