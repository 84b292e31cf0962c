"""Runtimes as witnesses: every tensor of a run."""

from importlib.util import find_spec

import numpy as np

from ..compare import compare
from ..network import NetworkError
from .onnx_reference import OnnxReference


class TfliteReference:
    """TensorFlow Lite's reference kernels, with a model.

    Parameters
    ----------
    path : Path
        Of a ``.tflite`` file.

    Raises
    ------
    NetworkError
        They are not installed, or refuse the model.
    """

    name = "TensorFlow Lite's reference kernels"

    def __init__(self, path):
        try:
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
        except ImportError:
            raise NetworkError("ai-edge-litert not found: pip install -e '.[networks]'") from None
        try:
            self._interpreter = Interpreter(
                model_path=str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                experimental_preserve_all_tensors=True)
            self._interpreter.allocate_tensors()
            self._outputs = [int(index) for operator in self._interpreter._get_ops_details()
                             for index in operator["outputs"]]
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise NetworkError(f"reference kernels must take {path}, and do not: {reason}") from None

    # Beside mismatches, there is nothing to say.
    notes = ()

    def compare(self, network, values, inputs):
        """Mismatches of ``values``, as `Inference.run` gives them for some inputs."""
        return compare(network, values, self.run(*inputs))

    def run(self, *inputs):
        """Every tensor that is computed.

        Parameters
        ----------
        inputs : arrays (N, *shape), one for each input of the network

        Returns
        -------
        dict of int to array (N, *shape)
            By number in the file, which is that in `Network.tensors`.
        """
        found = {index: [] for index in self._outputs}
        for run in zip(*inputs, strict=True):
            for detail, x in zip(self._interpreter.get_input_details(), run, strict=True):
                self._interpreter.set_tensor(detail["index"], np.ascontiguousarray(x, dtype=detail["dtype"]))
            self._interpreter.invoke()
            for index, values in found.items():
                values.append(self._interpreter.get_tensor(index))
        return {index: np.stack(values) for index, values in found.items()}


# The witness for each kind of file, and the package that it needs.
REFERENCES = {".tflite": (TfliteReference, "ai_edge_litert"), ".onnx": (OnnxReference, "onnxruntime")}


def read_reference(model, check):
    """What a model is compared with; None where that is not wanted, or not installed and not asked for."""
    kind, package = REFERENCES[model.suffix]
    return None if check is False or (check is None and find_spec(package) is None) else kind(model)
