"""Files that commands read and write: errors in one line; written completely or not at all."""

import contextlib
import importlib.util
import json
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np


class BadInput(Exception):
    """Invalid input of a user; the message names the input, the rule and the value in one line."""


def require_packages(extra, *names):
    """BadInput, before long work begins, if a package of an extra is missing."""
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise BadInput(f"{name} not found: pip install -e '.[{extra}]'")


@contextlib.contextmanager
def refusing(*kinds):
    """Turn errors of these kinds, which blocks and models raise for bad parameters, into `BadInput`."""
    try:
        yield
    except kinds as error:
        raise BadInput(str(error)) from None


def write_files(folder, contents):
    """Write files into a folder, which is made if needed: all of them completely, or none.

    Parameters
    ----------
    folder : Path
    contents : dict of str to str or bytes
        By name, which may include subfolders.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = {}
    try:
        for name, content in contents.items():
            handle, path = tempfile.mkstemp(dir=folder, prefix=f".{Path(name).name}.")
            temporary[name] = Path(path)
            with os.fdopen(handle, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
            umask = os.umask(0)
            os.umask(umask)
            temporary[name].chmod(0o666 & ~umask)
        for name in contents:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            temporary[name].replace(folder / name)
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)


def write_file(path, content):
    """Write one file, completely or not at all."""
    write_files(path.parent, {path.name: content})


def write_json(path, value):
    """Write a value as JSON."""
    write_file(path, json.dumps(value, indent=2) + "\n")


def check_writable(path):
    """BadInput, before long work begins, if a file could not be written; makes no folders."""
    if path.is_dir():
        raise BadInput(f"{path} must be a file, and is a folder")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    try:
        with tempfile.TemporaryDirectory(dir=folder):
            pass
    except OSError as error:
        raise BadInput(f"{path} must be writable, and is not: {error.strerror}") from None


def why_unread(error):
    """Why numpy did not read a file; of one that is no array it says something about pickled objects."""
    return "its first bytes are not those of one" if "pickle" in str(error) else error


def load_matrix(path, name, axes):
    """A two-dimensional integer array of a ``.npy`` file, as int64."""
    try:
        # Opened here, because numpy does not close a file that it fails to read.
        with Path(path).open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("error")
            array = np.load(file, allow_pickle=False)
    except OSError:
        raise
    except Exception as error:
        # numpy raises a dozen kinds of error over a malformed header.
        raise BadInput(f"{name} must be a .npy file of integers, and {path} is not: {why_unread(error)}") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or 0 in array.shape:
        raise BadInput(f"{name} must be an array {axes}, not of shape {getattr(array, 'shape', 'of an archive')}")
    if array.dtype.kind not in "iu":
        raise BadInput(f"{name} must be integers, not {array.dtype}")
    if array.dtype == np.uint64 and array.max() > np.iinfo(np.int64).max:
        raise BadInput(f"{name} must fit in int64, not be {array.max()}")
    return array.astype(np.int64)
