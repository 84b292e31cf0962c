"""The RTL as a backend: whole programs on a simulated macro."""

import json
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..golden.macro import Result
from ..golden.program import Outcome
from ..golden.words import pack, unpack
from ..hdl.ports import HANDSHAKE, ports
from .simulator import build


def encode_write(config, write):
    """Fields of the ``write`` port for a `Write`, as integers."""
    return {"bank": write.bank, "row": write.row, "weights": pack(write.weights, config.weight_bits)}


def encode_vector(config, vector):
    """Fields of the ``i`` port for a `Vector`, as integers."""
    return {"x": pack(vector.x, config.input_bits), "bits": vector.bits, "bank": vector.bank,
            "signed": int(vector.signed), "accumulate": int(vector.accumulate), "fuse": vector.fuse.bit_length() - 1}


def decode_result(config, y, sum_x, fuse):
    """The `Result` that the fields of the ``o`` port stand for; hardware does not tell the number of planes."""
    values = unpack(y, config.total_width * fuse, config.columns // fuse)
    return Result(values, int(unpack(sum_x, config.sum_x_width, 1)[0]), None)


def _records(config, stream, items, encode):
    """One line an item: ``after`` and the fields of the port, in hexadecimal."""
    fields = [port for port in ports(config) if port.stream == stream and port.field not in HANDSHAKE]
    for item in items:
        values, record, low = encode(config, item), 0, 0
        for port in fields:
            record |= values[port.field] << low
            low += port.shape.width
        yield f"{item.after:x} {record:x}\n"


def _line_length(config):
    """Characters of a result's record, its cycle number taken as six digits."""
    return (config.total_width * config.columns + config.sum_x_width + 3) // 4 + 8


@contextmanager
def _watching(path, line_length, progress):
    """Report, for the time of the block, how many results a growing file holds."""
    ended = threading.Event()

    def watch():
        while not ended.wait(0.5):
            if path.exists():
                progress(path.stat().st_size // line_length, "simulating")

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@dataclass(frozen=True)
class RtlOutcome(Outcome):
    """An `Outcome`, and the seconds that the simulator took for it without its start."""

    seconds: float


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
        Results as `decode_result` gives them.
    """
    progress = progress or (lambda done, what: None)
    progress(0, "building")
    built = build(config, simulator=simulator, folder=folder, player=True, waves=waves, verilog=verilog,
                  fast=fast)
    with tempfile.TemporaryDirectory(dir=built.folder) as name:
        run = Path(name)
        (run / "writes").write_text("".join(_records(config, "write", program.writes, encode_write)), encoding="ascii")
        (run / "vectors").write_text("".join(_records(config, "i", program.vectors, encode_vector)), encoding="ascii")
        with _watching(run / "results", _line_length(config), progress):
            built.run("bitline.verif.tb_player", seed=0, folder=run,
                      environment={"PLAYER_OUTCOME": str(run / "outcome.json")},
                      plusargs=[f"+{file}={run / file}" for file in ("writes", "vectors", "results")])
        outcome = json.loads((run / "outcome.json").read_text(encoding="utf-8"))
        with (run / "results").open(encoding="ascii") as lines:
            taken, results = [], []
            for line, vector in zip(lines, program.vectors):
                cycle, record = line.split()
                word = int(record, 16)
                bits = config.total_width * config.columns
                results.append(decode_result(config, word & (1 << bits) - 1, word >> bits, vector.fuse))
                taken.append(int(cycle))
    return RtlOutcome(results, taken, outcome["cycles"], outcome["seconds"])
