"""Inputs of networks: files of numbers, and their labels."""

import csv
import warnings
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from ...golden.kernels import float_layers, layers
from ...host.network.network import DTYPES, QUANTIZED
from .files import BadInput, why_unread

# Limit of a file of inputs.
MAX_BYTES = 1 << 30
# Files that operating systems leave in folders, beside hidden ones.
STRAY = ("Thumbs.db", "desktop.ini")
NUMPY = (".npy", ".npz")
# Bytes that text is made of.
TEXT = bytes([*b"\t\n\r", *range(32, 127)])


@dataclass(frozen=True)
class Inputs:
    """Inputs ``values``, (N, *shape) for each input of the network; the file of each, and paths that were left out."""

    values: tuple
    files: list
    skipped: list

    def first(self, count):
        """So many of them, or all."""
        return Inputs(tuple(array[:count] for array in self.values), self.files[:count], self.skipped)


def load_inputs(paths, network, *, step=None, quantizes=False):
    """The inputs in files.

    Parameters
    ----------
    paths : list of Path
        Files, or folders of which all files are taken, sorted, but hidden ones and those of `STRAY`. A ``.npy`` file
        holds an array of the shape of the input or one with a dimension before it, with the network's own batch of one
        or without; an ``.npz`` file such an array for each input of the network, by name; any other file the numbers
        themselves, the lowest byte first.
    network : Network
    step : int
        Numbers from the start of one input to that of the next; by default what an input has. A smaller step makes
        windows that overlap.
    quantizes : bool or None
        Floats for an integer input are quantized with its scale; None of a command that cannot.

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
    if not files:
        raise BadInput(f"inputs must be files, and there are none in {', '.join(map(str, paths))}" if paths else
                       "--inputs must name files, and is missing")
    loaded = [_load(file, network, step, quantizes) for file in files]
    names = [file.name for file, arrays in zip(files, loaded) for _ in arrays[0]]
    return Inputs(tuple(np.concatenate(arrays) for arrays in zip(*loaded)), names, skipped)


def warn_skipped(inputs):
    """A line on standard error for each path that was left out."""
    for path in inputs.skipped:
        click.echo(f"bitline: {path} is no input, and is skipped", err=True)


def _load(path, network, step, quantizes):
    """An array (N, *shape) for each input of the network."""
    if path.exists() and not path.is_file():
        raise BadInput(f"inputs must be regular files, and {path} is not one")
    if path.stat().st_size > MAX_BYTES:
        raise BadInput(f"a file of inputs must have at most {MAX_BYTES} bytes, and {path} has {path.stat().st_size}")
    tensors = [network.tensors[index] for index in network.inputs]
    if path.suffix == ".npz":
        arrays = _by_name(path, read_numpy(path), tensors)
    elif len(tensors) > 1:
        raise BadInput(f"inputs of {len(tensors)} tensors must be .npz files of arrays "
                       f"{', '.join(tensor.name for tensor in tensors)}, not {path.name}")
    else:
        arrays = [read_numpy(path) if path.suffix == ".npy" else _read_bytes(path, tensors[0])]
    values = [_converted(path, array, tensor, network.runtime, quantizes) if path.suffix in NUMPY else array
              for array, tensor in zip(arrays, tensors)]
    inputs = [_windows(path, array.reshape(-1), tensor, step or tensor.size) for array, tensor in zip(values, tensors)]
    if len({len(array) for array in inputs}) > 1:
        raise BadInput(f"{path} must hold as many of each input, not {', '.join(str(len(array)) for array in inputs)}")
    return inputs


def _read_bytes(path, tensor):
    """The bare numbers of a file."""
    dtype, data = np.dtype(DTYPES[tensor.dtype]), path.read_bytes()
    if not data or len(data) % dtype.itemsize:
        raise BadInput(f"{path} must hold numbers of {dtype.itemsize} bytes ({tensor.dtype}), not {len(data)} bytes")
    if b"\n" in data and not data.translate(None, TEXT):
        raise BadInput(f"{path} must hold the bytes of numbers, and is text: save it with numpy.save")
    return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype)


def read_numpy(path, limit=MAX_BYTES):
    """The array of a ``.npy`` file, or a dict of those of an ``.npz`` file, whatever its name says; or BadInput.

    Arrays of an ``.npz`` file have at most ``limit`` bytes together once they are decompressed.
    """
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error")
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            size = sum(entry.file_size for entry in found.zip.infolist())
            if size > limit:
                raise BadInput(f"arrays of {path} must have at most {limit} bytes, and have {size}")
            return dict(found)
    except (OSError, BadInput):
        raise
    except Exception as error:
        # numpy raises a dozen kinds of error over a malformed header.
        raise BadInput(f"{path} must be a {path.suffix} file of numbers, and is not: {why_unread(error)}") from None


def _by_name(path, arrays, tensors):
    """The array of each tensor; of a single one the name may be that which numpy gives to an array without."""
    if len(tensors) == 1 and list(arrays) == ["arr_0"]:
        return list(arrays.values())
    names = [tensor.name for tensor in tensors]
    if sorted(arrays) != sorted(names):
        raise BadInput(f"{path} must hold arrays {', '.join(names)}, not {', '.join(arrays) or 'none'}")
    return [arrays[name] for name in names]


def _converted(path, array, tensor, runtime, quantizes):
    """An array in the tensor's kind of numbers, of a shape that the tensor can have."""
    dtype, kind = np.dtype(DTYPES[tensor.dtype]), array.dtype.kind
    if quantizes and kind == "f" and dtype.kind in "iu":
        array, kind = _quantized(path, array, tensor, runtime), "i"
    if (kind not in "iu") if dtype.kind in "iu" else (kind != "f"):
        can = quantizes is not None and dtype.kind in "iu" and kind == "f"
        hint = "; --quantize-inputs brings floats to its scale" if can else ""
        raise BadInput(f"{path} must hold numbers of {tensor.dtype}, not {array.dtype}{hint}")
    # A batch of one, which networks of Keras have, may be left out.
    shapes = [tensor.shape, tensor.shape[1:]] if tensor.shape[:1] == (1,) else [tensor.shape]
    if array.shape not in shapes and (not array.ndim or array.shape[1:] not in shapes):
        raise BadInput(f"{path} must be of shape {list(shapes[-1])}, or have one dimension before it, "
                       f"not {list(array.shape)}")
    if dtype.kind in "iu" and array.size:
        info = np.iinfo(dtype)
        if not info.min <= array.min() <= array.max() <= info.max:
            raise BadInput(f"{path} must hold numbers from {info.min} to {info.max}, "
                           f"not {array.min()} to {array.max()}")
    return array.astype(dtype)


def _quantized(path, array, tensor, runtime):
    """Integers for floats, as the runtime quantizes them."""
    if tensor.scales.size != 1:
        raise BadInput(f"input {tensor.name} must have a scale for --quantize-inputs, and has none")
    _check_finite(path, array)
    kernels = float_layers if runtime == "onnx" else layers
    return kernels.quantize(array.astype(np.float32), tensor.scale, tensor.zero_point, QUANTIZED[tensor.dtype])


def _check_finite(path, array):
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadInput(f"{path} must hold finite numbers, not {array[~np.isfinite(array)][0]}")


def _windows(path, flat, tensor, step):
    """Inputs (N, *shape) of numbers one after the other."""
    if len(flat) < tensor.size or (len(flat) - tensor.size) % step:
        raise BadInput(f"{path} must hold inputs of {tensor.size} numbers ({' x '.join(map(str, tensor.shape))}) every "
                       f"{step}, not {len(flat)} numbers")
    _check_finite(path, flat)
    return np.lib.stride_tricks.sliding_window_view(flat, tensor.size)[::step].reshape(-1, *tensor.shape)


def load_labels(path, files):
    """The class of each input, from a file of lines ``name,class``, or ``name,classes,class`` as EEMBC has them.

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
        # With or without a byte-order mark.
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if row]
        classes = {name.strip(): _label(*numbers) for name, *numbers in rows}
    except (TypeError, ValueError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"labels must be lines of a file's name, a comma and a number, and {path} has others: "
                       f"{error}") from None
    missing = sorted(set(files) - set(classes))
    if missing:
        raise BadInput(f"labels must name every file of inputs, and {path} does not name {missing[0]}")
    return np.array([classes[name] for name in files])


def _label(*numbers):
    """The class in a line: the last of one number, or of two, of which the first is how many there are."""
    if len(numbers) not in (1, 2):
        raise ValueError(f"{len(numbers)} numbers")
    *counts, label = map(int, numbers)
    if counts and not 0 <= label < counts[0]:
        raise ValueError(f"class {label} of {counts[0]}")
    return label


def check_output(network, what):
    """Refuse a network of several outputs where one is asked for."""
    if len(network.outputs) != 1:
        raise BadInput(f"network must have one output for {what}, not {len(network.outputs)}")


def check_input(network, what):
    """Refuse a network of several inputs where one is needed."""
    if len(network.inputs) != 1:
        raise BadInput(f"network must have one input for {what}, not {len(network.inputs)}")
