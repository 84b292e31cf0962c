"""Running tools of others, those of Python packages and programs of the system."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from importlib.metadata import entry_points
from threading import TIMEOUT_MAX, Timer


class FlowError(Exception):
    """A tool is missing, or rejects the design; one line, with the path of the log."""


# Tools run in a folder and name files relative to it, the only paths that YoWASP maps on every machine. Yosys sorts
# cells recursively, and wide macros would overflow its small default stack.
CALL = """
import sys, threading, wasmtime
from importlib.metadata import entry_points

class Config(wasmtime.Config):
    def __init__(self):
        super().__init__()
        self.max_wasm_stack = 2 << 20

threading.stack_size(64 << 20)
wasmtime.Config = Config
tool, = entry_points(group="console_scripts", name=sys.argv[1])
sys.argv = sys.argv[1:]
sys.exit(tool.load()())
"""


def run_tool(tool, arguments, folder, log, progress=None, seconds=None):
    """Run a tool that a Python package installs, in a folder; its output goes to a file there.

    Parameters
    ----------
    tool : str
    arguments : list
    folder : Path
    log : str
    progress : function, optional
        Takes each line of the output.
    seconds : float, optional
        Time limit.

    Raises
    ------
    FlowError
        It is not installed, or fails.
    TimeoutError
        It did not end in time.
    """
    if not entry_points(group="console_scripts", name=tool):
        raise FlowError(f"{tool} not found: pip install -e '.[fpga]'")
    _run(tool, [sys.executable, "-c", CALL, tool, *map(str, arguments)], folder, log, progress, seconds)


def run_program(command, folder, log, progress=None, seconds=None):
    """Run a program of the system, which Debian has in a package of its name; all else as of `run_tool`.

    Parameters
    ----------
    command : list
        The program and its arguments.
    folder, log, progress, seconds
    """
    if shutil.which(command[0]) is None:
        raise FlowError(f"{command[0]} not found: apt-get install {command[0]}")
    _run(command[0], list(map(str, command)), folder, log, progress, seconds)


def _run(name, command, folder, log, progress, seconds):
    """Run a command; what it has started ends with it."""
    path = folder / log
    with path.open("w", buffering=1, encoding="utf-8") as file, subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            text=True, encoding="utf-8", errors="replace", start_new_session=True) as process:
        timer = Timer(seconds or TIMEOUT_MAX, _kill, [process])
        timer.start()
        try:
            for line in process.stdout:
                file.write(line)
                if progress and line.strip():
                    progress(line.strip())
        except BaseException:
            _kill(process)
            raise
        finally:
            in_time = timer.is_alive()
            timer.cancel()
    if not in_time:
        raise TimeoutError(f"{name} must end within {seconds:.4g} seconds, and does not")
    if process.returncode:
        raise FlowError(f"{name} must accept the design, and does not: {_reason(path)} (in {path})")


def _kill(process):
    """End a process and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _reason(log):
    """The first error of a log, else its last line."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    return next((line for line in lines if "ERROR:" in line), lines[-1] if lines else "no output")
