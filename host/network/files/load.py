"""Reading a network, whatever kind of file it comes in."""

from pathlib import Path

import numpy as np

from ..network import NetworkError
from ..rounding import RUNTIMES_OF
from .onnx_file import read_onnx
from .tflite_file import read_tflite

READERS = {".tflite": read_tflite, ".onnx": read_onnx}
MAX_BYTES = 1 << 28


def load_network(path, runtime=None):
    """The `Network` in a file.

    Parameters
    ----------
    path : Path
        Of one of `READERS`.
    runtime : str, optional
        Which runtime's results are wanted, of `RUNTIMES_OF` this kind of file; the first by default.

    Returns
    -------
    Network

    Raises
    ------
    NetworkError
        One line: what of the file is wrong, or not supported.
    OSError
        The file cannot be read.
    """
    path = Path(path)
    if path.suffix not in READERS:
        raise NetworkError(f"model must be one of {', '.join(READERS)}, not {path.name}")
    if path.exists() and not path.is_file():
        raise NetworkError(f"model must be a regular file, and {path} is not one")
    if path.stat().st_size > MAX_BYTES:
        raise NetworkError(f"model must have at most {MAX_BYTES} bytes, and {path} has {path.stat().st_size}")
    runtimes = RUNTIMES_OF[path.suffix]
    if runtime not in (None, *runtimes):
        raise NetworkError(f"runtime of {path.name} must be {' or '.join(runtimes)}, not {runtime}")
    # What is no number, or too large for one, is refused where it matters.
    with np.errstate(all="ignore"):
        return READERS[path.suffix](path.read_bytes(), path.name, runtime or runtimes[0])
