"""Jobs that tests give to other processes, which find them by this module's name."""

import os
import subprocess
import sys
import time
from pathlib import Path


def square(job):
    """Note that the job has started, and where; work for a while."""
    folder, number = job
    with (Path(folder) / "started").open("a", encoding="ascii") as file:
        file.write(f"{number} {os.getpid()}\n")
    time.sleep(0.2)
    return number * number


def killed_once(job):
    """Kill its own process when it is run for the first time."""
    folder, number = job
    if number == 3 and not (Path(folder) / "killed").exists():
        (Path(folder) / "killed").touch()
        os.kill(os.getpid(), 9)
    return square(job)


def killed_always(job):
    """Kill its own process."""
    os.kill(os.getpid(), 9)


def wrong(job):
    """Raise."""
    raise ValueError(f"no {job}")


def sleeper(job):
    """Start another program that takes long."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (Path(job) / "pid").write_text(str(process.pid), encoding="ascii")
    process.wait()
