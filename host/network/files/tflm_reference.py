"""tflite-micro as a reference: every tensor of a run."""

import contextlib
import os
import tempfile

import numpy as np

from ..compare import compare
from ..network import NetworkError

# Bytes for the tensors of a network, which are all kept: more than `checks` lets it have.
ARENA = 1 << 28


class TflmReference:
    """Kernels of LiteRT for Microcontrollers, with a model.

    Parameters
    ----------
    path : Path
        Of a ``.tflite`` file.
    stateful : bool
        Inputs are steps of one stream, as `Inference` has them; otherwise each is a stream of its own.

    Raises
    ------
    NetworkError
        They are not installed, or refuse the model.
    """

    name = "tflite-micro's kernels"
    # Beside mismatches, there is nothing to say.
    notes = ()

    def __init__(self, path, stateful=False):
        self._path, self._data, self._is_one_stream = path, path.read_bytes(), stateful
        self.reset()

    def reset(self):
        """Begin a new stream."""
        try:
            from tflite_micro import runtime
        except ImportError:
            raise NetworkError("tflite-micro not found: pip install tflite-micro") from None
        with self._reasons("take"):
            self._interpreter = runtime.Interpreter.from_bytes(
                self._data, arena_size=ARENA, intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors)

    def compare(self, network, values, inputs):
        """Mismatches of ``values``, as `Inference.run` gives them for some inputs."""
        return compare(network, values, self.run(network, *inputs))

    def run(self, network, *inputs):
        """Every tensor that operators of a network compute.

        Parameters
        ----------
        network : Network
            That of the file.
        inputs : arrays (N, *shape), one for each input of the network

        Returns
        -------
        dict of int to array (N, *shape)
        """
        found = {index: [] for operator in network.operators for index in operator.outputs}
        for run in zip(*inputs, strict=True):
            if not self._is_one_stream and network.variables:
                self.reset()
            with self._reasons("run"):
                for number, x in enumerate(run):
                    dtype = network.tensors[network.inputs[number]].dtype
                    self._interpreter.set_input(np.array(x, dtype, order="C"), number)
                self._interpreter.invoke()
            for index, values in found.items():
                values.append(np.array(self._interpreter.GetTensor(index, 0)["tensor_data"]))
        return {index: np.stack(values) for index, values in found.items()}

    @contextlib.contextmanager
    def _reasons(self, what):
        """An error is one line, with what the library said of it on standard error."""
        with tempfile.TemporaryFile() as said:
            kept = os.dup(2)
            os.dup2(said.fileno(), 2)
            try:
                yield
            except (ValueError, RuntimeError) as error:
                said.seek(0)
                lines = said.read().decode(errors="replace").splitlines()
                reason = (lines or str(error).splitlines() or [type(error).__name__])[0]
                raise NetworkError(f"tflite-micro, with which layers are compared, must {what} {self._path}, and does "
                                   f"not (--no-check goes without): {reason}") from None
            finally:
                os.dup2(kept, 2)
                os.close(kept)
