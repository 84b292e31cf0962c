"""Reading a network, whatever kind of file it comes in."""

from pathlib import Path

from .network import NetworkError
from .onnx_file import load_onnx
from .tflite_file import load_tflite

LOADERS = {".tflite": load_tflite, ".onnx": load_onnx}


def load_network(path):
    """The `Network` in a file.

    Parameters
    ----------
    path : Path
        Of one of `LOADERS`.

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
    if path.suffix not in LOADERS:
        raise NetworkError(f"model must be one of {', '.join(LOADERS)}, not {path.name}")
    if path.exists() and not path.is_file():
        raise NetworkError(f"model must be a regular file, and {path} is not one")
    return LOADERS[path.suffix](path)
