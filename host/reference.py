"""TensorFlow Lite's reference kernels as a witness: every tensor of a run, and where ours differ."""

from dataclasses import dataclass

import numpy as np

from .network import NetworkError


@dataclass(frozen=True)
class Mismatch:
    """One layer of which something differs: how much, and the first place (run, then position) with both values."""

    layer: str
    count: int
    position: tuple
    ours: int
    theirs: int

    def __str__(self):
        return (f"{self.layer}: {self.count} mismatches, the first at {list(self.position)}: {self.ours}, "
                f"reference {self.theirs}")


def reference_tensors(path, *inputs):
    """Every tensor that the reference kernels compute.

    Parameters
    ----------
    path : Path
        Of a ``.tflite`` file.
    inputs : arrays (N, *shape), one for each input of the network

    Returns
    -------
    dict of int to array (N, *shape)
        By number in the file, which is that in `Network.tensors`.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType
    except ImportError:
        raise NetworkError("ai-edge-litert must be installed (pip install -e '.[networks]'), and is not") from None
    interpreter = Interpreter(model_path=str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                              experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    found = {}
    for run in zip(*inputs, strict=True):
        for detail, x in zip(interpreter.get_input_details(), run, strict=True):
            interpreter.set_tensor(detail["index"], np.ascontiguousarray(x, dtype=detail["dtype"]))
        interpreter.invoke()
        for operator in interpreter._get_ops_details():
            for index in operator["outputs"]:
                found.setdefault(int(index), []).append(interpreter.get_tensor(index))
    return {index: np.stack(values) for index, values in found.items()}


def compare(network, ours, theirs):
    """Mismatches of all operators' outputs, in the order in which they run.

    Parameters
    ----------
    network : Network
    ours, theirs : dict of int to array (N, *shape)

    Returns
    -------
    list of Mismatch
    """
    mismatches = []
    for operator in network.operators:
        a, b = ours[operator.output], theirs[operator.output]
        wrong = np.argwhere(a != b)
        if len(wrong):
            position = tuple(wrong[0].tolist())
            mismatches.append(Mismatch(operator.place, len(wrong), position, a[position].item(), b[position].item()))
    return mismatches
