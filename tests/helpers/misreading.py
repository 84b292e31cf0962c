"""Readers of damaged files that do something wrong, for another process, which finds them by this module's name."""

import os
import time

import numpy as np
from bitline.scripts.fuzzing.damage import Attempt, attempt_of


def misread(operator, number):
    """What became of a file, by a word in the place of the operator; of a real one its seed 1 raises."""
    if operator == "hangs":
        time.sleep(600)
    if operator == "dies":
        os.kill(os.getpid(), 9)
    if operator == "asks for 16 GB":
        return attempt_of(b"", operator, lambda data, name: np.ones(1 << 34, np.int8))
    if operator == "raises" or number == 1:
        return attempt_of(b"", operator, wrong_file)
    return Attempt("run", 6.0 if operator == "is slow" else 0.0, (2000 if operator == "is large" else 1000) << 10)


def wrong_file(data, name):
    """Raise."""
    raise ValueError(f"a fault\nin {name}")
