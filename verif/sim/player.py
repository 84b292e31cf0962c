"""The RTL as a backend: whole programs on a simulated macro."""

import errno
import json
import multiprocessing
import os
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...golden.program import Outcome
from .build import build
from .records import WORD, decode, encode, layouts
from .simulators import SimulatorError

# Seconds that a simulator may need to end.
END = 20.0


@contextmanager
def _watching(path, record_bytes, progress):
    """Report, during the block, the number of results in a growing file."""
    ended = threading.Event()

    def watch():
        while not ended.wait(0.5):
            if path.exists():
                progress(path.stat().st_size // record_bytes, "simulating")

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@dataclass(frozen=True)
class RtlOutcome(Outcome):
    """An `Outcome`, and the seconds of simulation, also of processor time, without the start of the simulator."""

    seconds: float = 0.0
    processor: float = 0.0


def _write_program(folder, config, program):
    """The files of `tb_player`."""
    for stream, items in (("write", program.writes), ("i", program.vectors)):
        encode(config, stream, items).tofile(folder / stream)


def _read_outcome(folder, config, program, answer):
    """The results of `tb_player`, as an `RtlOutcome`."""
    outcome = json.loads(answer)
    return RtlOutcome(*decode(config, layouts(config)["o"].read(folder / "o"), program.vectors.fuse),
                      **outcome)


def _play(built, config, folder):
    """Run `tb_player` on a build, with the program in the files of a folder."""
    built.run("bitline.verif.sim.tb_player", seed=0, folder=folder,
              environment={"PLAYER_REQUESTS": str(folder / "requests"), "PLAYER_ANSWERS": str(folder / "answers"),
                           "PLAYER_FOLDER": str(folder), "BITLINE_CONFIG": config.to_json()})


def run_program(config, program, *, simulator="verilator", folder=Path("build/sim"), waves=False, verilog=None,
                fast=False, progress=None):
    """Run a program on the macro's RTL, or on other Verilog of it.

    Parameters
    ----------
    config : MacroConfig
    program : Program
    simulator : str
    folder : Path
        Of the builds.
    waves, verilog, fast
        See `build`.
    progress : callable
        Now and then called with the number of results so far, and with what is being done.

    Returns
    -------
    RtlOutcome
        `Results` without the number of planes, which hardware does not output.
    """
    progress = progress or (lambda done, what: None)
    progress(0, "building")
    built = build(config, simulator=simulator, folder=folder, waves=waves, verilog=verilog, fast=fast)
    with tempfile.TemporaryDirectory(dir=built.folder) as name:
        run = Path(name)
        _write_program(run, config, program)
        (run / "requests").write_text("play\n", encoding="ascii")
        with _watching(run / "o", WORD.itemsize * layouts(config)["o"].words, progress):
            _play(built, config, run)
        return _read_outcome(run, config, program, (run / "answers").read_text(encoding="ascii"))


class RtlSession:
    """A simulated macro that keeps its weights between programs, for the duration of a ``with`` block.

    Parameters
    ----------
    config : MacroConfig
    simulator, folder, fast
        See `build`.

    Attributes
    ----------
    seconds : float
        That the simulator took for all programs so far, without its start.

    Raises
    ------
    SimulatorError
        On entry if there is no simulator, from `play` if it ends.
    """

    def __init__(self, config, *, simulator="verilator", folder=Path("build/sim"), fast=False):
        self.config, self.seconds = config, 0.0
        self._built = build(config, simulator=simulator, folder=folder, fast=fast)

    def __enter__(self):
        # A simulator whose parent was killed may still write there.
        self._temporary = tempfile.TemporaryDirectory(dir=self._built.folder, ignore_cleanup_errors=True)
        self._folder = Path(self._temporary.name)
        for name in ("requests", "answers"):
            os.mkfifo(self._folder / name)
        # Of its own, because a simulator changes the environment of its process.
        self._process = multiprocessing.get_context("spawn").Process(
            target=_play, args=(self._built, self.config, self._folder))
        self._process.start()
        try:
            self._requests = self._open_pipe("requests", os.O_WRONLY, "w")
            self._answers = (self._folder / "answers").open(encoding="ascii")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if hasattr(self, "_requests"):
            self._requests.close()
            self._answers.close()
        self._process.join(END)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()
        self._process.close()
        self._temporary.cleanup()

    def _open_pipe(self, name, flags, mode):
        """The writing end of a pipe to the simulator; an error if the simulator has ended."""
        while True:
            try:
                return os.fdopen(os.open(self._folder / name, flags | os.O_NONBLOCK), mode, encoding="ascii")
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
            if not self._process.is_alive():
                raise SimulatorError(f"simulation must start, and does not: see {self._built.folder}")
            time.sleep(0.01)

    def play(self, program):
        """Run a `Program`; returns an `RtlOutcome`."""
        _write_program(self._folder, self.config, program)
        try:
            self._requests.write("play\n")
            self._requests.flush()
            answer = self._answers.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise SimulatorError(f"simulation must go on, and has ended: see {self._built.folder}")
        outcome = _read_outcome(self._folder, self.config, program, answer)
        self.seconds += outcome.seconds
        return outcome
