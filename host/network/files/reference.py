"""Runtimes as references: every tensor of a run."""

from importlib.util import find_spec

import numpy as np

from ..compare import compare
from ..network import NetworkError
from ..operators import Softmax
from .onnx_reference import OnnxReference
from .tflm_reference import TflmReference

# Operators that keep something from run to run.
STATEFUL = {"VAR_HANDLE", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM"}


# Of a row of SOFTMAX with 8 bits, the sum of all exponentials where the greatest is one; from 512 on the reference
# kernel of LiteRT 2.3 ends the process that runs it.
MAX_EXPONENTIALS = 511


def check_softmax(network, values):
    """NetworkError if values are among those with which the reference kernels cannot be run."""
    for operator in network.operators:
        tensor = network.tensors[operator.inputs[0]] if isinstance(operator, Softmax) else None
        if tensor is None or tensor.dtype == "int16":
            continue
        x = values[operator.inputs[0]].astype(np.float64)
        sums = np.exp((x - x.max(axis=-1, keepdims=True)) * tensor.scale * operator.beta).sum(axis=-1)
        if (sums > MAX_EXPONENTIALS).any():
            raise NetworkError(f"{operator.location} must have exponentials whose sum is below {MAX_EXPONENTIALS + 1} "
                               f"times the greatest of them to be compared with LiteRT's reference kernels, not "
                               f"{sums.max():.1f} (--no-check goes without)")


class TfliteReference:
    """TensorFlow Lite's reference kernels, with a model.

    Parameters
    ----------
    path : Path
        Of a ``.tflite`` file.
    stateful : bool
        Inputs are steps of one stream, as `Inference` has them. Otherwise each is a stream of its own, and for a
        network that keeps something there is a new interpreter for each: nothing else forgets.

    Raises
    ------
    NetworkError
        They are not installed, or refuse the model.
    """

    name = "TensorFlow Lite's reference kernels"

    def __init__(self, path, stateful=False):
        self._path, self._resolver = path, "BUILTIN_REF"
        try:
            self.reset()
        except NetworkError:
            # They know only older versions of some operators than the default ones do, whose rounding may differ.
            self._resolver = "BUILTIN_WITHOUT_DEFAULT_DELEGATES"
            self.reset()
            self.name = "TensorFlow Lite's default kernels, because the reference kernels do not take the file"
        operators = self._interpreter._get_ops_details()
        self._is_one_stream = stateful or not STATEFUL & {operator["op_name"] for operator in operators}
        dtypes = {detail["index"]: detail["dtype"] for detail in self._interpreter.get_tensor_details()}
        self._outputs = [int(index) for operator in operators if operator["op_name"] != "VAR_HANDLE"
                         for index in operator["outputs"] if np.dtype(dtypes[int(index)]).kind in "iufb"]

    def reset(self):
        """Begin a new stream."""
        try:
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
        except ImportError:
            raise NetworkError("ai-edge-litert not found: pip install -e '.[networks]'") from None
        try:
            self._interpreter = Interpreter(
                model_path=str(self._path), experimental_op_resolver_type=OpResolverType[self._resolver],
                experimental_preserve_all_tensors=True)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise NetworkError(f"LiteRT, with which layers are compared, must take {self._path}, and does not "
                               f"(--no-check goes without): {reason}") from None

    # Beside mismatches, there is nothing to say.
    notes = ()

    def compare(self, network, values, inputs):
        """Mismatches of ``values``, as `Inference.run` gives them for some inputs."""
        if self._resolver == "BUILTIN_REF":
            check_softmax(network, values)
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
            if not self._is_one_stream:
                self.reset()
            self._invoke(run)
            for index, values in found.items():
                values.append(self._interpreter.get_tensor(index))
        return {index: np.stack(values) for index, values in found.items()}

    def _invoke(self, run):
        try:
            for detail, x in zip(self._interpreter.get_input_details(), run, strict=True):
                self._interpreter.set_tensor(detail["index"], np.array(x, detail["dtype"], order="C"))
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise NetworkError(f"LiteRT must run {self._path}, and does not: {reason}") from None


# The reference of each runtime, and the package that it needs.
REFERENCES = {"litert-2.3": (TfliteReference, "ai_edge_litert"), "tflm": (TflmReference, "tflite_micro"),
              "onnx": (OnnxReference, "onnxruntime")}


def read_reference(model, check, runtime, stateful=False):
    """What a model is compared with; None where that is not wanted, or not installed and not asked for.

    ``runtime`` is that whose results are wanted. With ``stateful`` inputs are steps of one stream, which
    `OnnxReference` does not have.
    """
    kind, package = REFERENCES[runtime]
    return None if check is False or (check is None and find_spec(package) is None) else (
        kind(model) if kind is OnnxReference else kind(model, stateful))
