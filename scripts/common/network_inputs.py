"""Inputs of networks: files of numbers, and their labels."""

import csv
import warnings
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from ...host.network.network import DTYPES
from .files import BadInput

# Limit of a file of inputs.
MAX_BYTES = 1 << 30
# Files that operating systems leave in folders, beside hidden ones.
STRAY = ("Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Inputs:
    """Inputs ``values`` (N, *shape), the file of each, and the paths in folders that were skipped."""

    values: np.ndarray
    files: list
    skipped: list


def load_inputs(paths, tensor, step=None):
    """The inputs in files.

    Parameters
    ----------
    paths : list of Path
        Files, or folders of which all files are taken, sorted, but hidden ones and those of `STRAY`. A ``.npy`` file
        holds an array of the shape of the input or one with a dimension before it, any other file the numbers
        themselves, the lowest byte first.
    tensor : Tensor
        The network's input.
    step : int
        Numbers from the start of one input to that of the next; by default what an input has. A smaller step makes
        windows that overlap.

    Returns
    -------
    Inputs

    Raises
    ------
    BadInput
        A file does not fit the network.
    """
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    skipped = [file for file in files if file not in paths and (file.name.startswith(".") or file.name in STRAY)]
    files = [file for file in files if file not in skipped]
    arrays = [_load(file, tensor, step or tensor.size) for file in files]
    if not arrays:
        where = ", ".join(map(str, paths)) or "what --inputs names, which is nothing"
        raise BadInput(f"inputs must be files, and there are none in {where}")
    return Inputs(np.concatenate(arrays), [file.name for file, array in zip(files, arrays) for _ in array], skipped)


def warn_skipped(inputs):
    """A line on standard error for each path that was left out."""
    for path in inputs.skipped:
        click.echo(f"bitline: {path} is no input, and is skipped", err=True)


def _load(path, tensor, step):
    if path.exists() and not path.is_file():
        raise BadInput(f"inputs must be regular files, and {path} is not one")
    if path.stat().st_size > MAX_BYTES:
        raise BadInput(f"a file of inputs must have at most {MAX_BYTES} bytes, and {path} has {path.stat().st_size}")
    dtype = np.dtype(DTYPES[tensor.dtype])
    if path.suffix == ".npy":
        flat = _load_array(path, tensor, dtype).reshape(-1)
    else:
        data = path.read_bytes()
        if not data or len(data) % dtype.itemsize:
            raise BadInput(f"{path} must hold numbers of {dtype.itemsize} bytes ({tensor.dtype}), "
                           f"not {len(data)} bytes")
        flat = np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype)
    if len(flat) < tensor.size or (len(flat) - tensor.size) % step:
        raise BadInput(f"{path} must hold inputs of {tensor.size} numbers ({' x '.join(map(str, tensor.shape))}) every "
                       f"{step}, not {len(flat)} numbers")
    if dtype.kind == "f" and not np.isfinite(flat).all():
        raise BadInput(f"{path} must hold finite numbers, not {flat[~np.isfinite(flat)][0]}")
    return np.lib.stride_tricks.sliding_window_view(flat, tensor.size)[::step].reshape(-1, *tensor.shape)


def _load_array(path, tensor, dtype):
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error")
            array = np.load(file, allow_pickle=False)
        kind = array.dtype.kind
    except OSError:
        raise
    except Exception as error:
        # numpy raises a dozen kinds of error over a malformed header.
        raise BadInput(f"{path} must be a .npy file of numbers, and is not: {error}") from None
    if (kind not in "iu") if dtype.kind == "i" else (kind != "f"):
        raise BadInput(f"{path} must hold numbers of {tensor.dtype}, not {array.dtype}")
    if array.shape not in (tensor.shape, (len(array), *tensor.shape) if array.ndim else ()):
        raise BadInput(f"{path} must be of shape {list(tensor.shape)}, or have one dimension before it, "
                       f"not {list(array.shape)}")
    if dtype.kind == "i" and array.size:
        info = np.iinfo(dtype)
        if not info.min <= array.min() <= array.max() <= info.max:
            raise BadInput(f"{path} must hold numbers from {info.min} to {info.max}, "
                           f"not {array.min()} to {array.max()}")
    return array.astype(dtype)


def load_labels(path, files):
    """The class of each input, from a file of lines ``name,class``.

    Parameters
    ----------
    path : Path
    files : list of str
        The file that each input is from.

    Returns
    -------
    int array (N,)
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.reader(file) if row]
        classes = {name.strip(): int(label) for name, label in rows}
    except (ValueError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"labels must be lines of a file's name, a comma and a number, and {path} has others: "
                       f"{error}") from None
    missing = sorted(set(files) - set(classes))
    if missing:
        raise BadInput(f"labels must name every file of inputs, and {path} does not name {missing[0]}")
    return np.array([classes[name] for name in files])


def only_input(network):
    """The one input of a network that the command can run."""
    if len(network.inputs) != 1:
        raise BadInput(f"network must have one input to be run by a command, not {len(network.inputs)}")
    return network.tensors[network.inputs[0]]


def check_output(network, what):
    """Refuse a network of several outputs where one is asked for."""
    if len(network.outputs) != 1:
        raise BadInput(f"network must have one output for {what}, not {len(network.outputs)}")
