"""Files that outlive a run: the user's cache, names of what is kept, locks."""

import fcntl
import hashlib
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path


def cache():
    """The project's folder in the user's cache, or a new temporary folder if that cannot be created."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        folder = (given if given.is_absolute() else Path.home() / ".cache") / "bitline"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except (OSError, RuntimeError):
        # No home, or one of somebody else.
        pass
    return Path(tempfile.mkdtemp(prefix="bitline_"))


def digest(text):
    """Eight digits that name a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@contextmanager
def locked(path):
    """A lock, so that two processes never build in one folder."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
