"""Runs of an image on the Verilog of an engine, in a program of Verilator, and how they differ from golden ones."""

import subprocess
import tempfile
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from ...golden.engine.executor import Engine
from ...golden.engine.image import Fault
from ...golden.engine.latencies import START_CYCLES
from ...hdl.emit import emit
from ...hdl.engine.control.image_words import Section
from ...hdl.engine.engine import check_gateware
from ...hdl.engine.memory.activation_memory import ActivationMemory
from ...hdl.engine.trace import ENTRY_WORDS, READ, WORDS
from ..sim.build import compile_program
from ..sim.cache import digest, locked
from ..sim.simulators import SimulatorError, require_simulator, source
from .image_words import image_words

# Cycles by which a run may be longer than the golden one until it counts as stuck, for each of a memory's latency.
PATIENCE = 1000
# Number of a row, and of a request, that there is not.
NEVER = (1 << 32) - 1
# What the program returns: all runs have ended, or the last one has not.
ENDED, STUCK = 0, 1
# What the program of any engine is told when it is compiled.
DEFINITIONS = {"SECTION_ACTIVATIONS": Section.ACTIVATIONS.value, "TRACE_ENTRY_WORDS": ENTRY_WORDS,
               "TRACE_LATENCY": READ}


@dataclass(frozen=True)
class Outside:
    """How the memory outside of a ``weight_port`` behaves: by default as the golden executor's.

    Attributes
    ----------
    latency : int
        Cycles from a request to its answer, at least.
    stalls : int
        Of 1,024 cycles how many take no request, and how many give no bytes, on average.
    wrong : int
        Number of the row that is an error.
    silent : int
        Number of the first request that is not answered until the last run of the job, or in its only one.
    seed : int
        Of the cycles that stall.
    """

    latency: int = 1
    stalls: int = 0
    wrong: int = NEVER
    silent: int = NEVER
    seed: int = 1


@dataclass(frozen=True)
class VerilogRun:
    """What a run gives.

    Attributes
    ----------
    ends : list of int
        Cycle after which each descriptor was done; of two that run together, both.
    memories : uint8 array (descriptors, activation_bytes)
        The activation memory after each, by what was written to it.
    memory : uint8 array
        The memory after the run, as it is read.
    argmax : int
    is_complete : bool
        The run ended.
    fault : Fault
        What ended it.
    fault_number : int
        Number of the descriptor that has the fault.
    trace : uint32 array (entries, words)
        `Trace` of the run, as many entries as it says that there are.
    """

    ends: list
    memories: np.ndarray
    memory: np.ndarray
    argmax: int
    is_complete: bool
    fault: Fault
    fault_number: int
    trace: np.ndarray

    def difference(self, golden, *, has_cycles=True):
        """In what it differs first from a golden `Run`, a line; None if in nothing. ``has_cycles``: also in cycles."""
        found = self.difference_of_steps(golden.steps, has_cycles=has_cycles)
        if found:
            return found
        if self.fault:
            return f"the run must have no fault, and has {self.fault.name} in descriptor {self.fault_number}"
        if not self.is_complete or max(len(self.ends), len(self.trace)) > len(golden.steps):
            return "the run must end with the golden one, and does not"
        wrong = np.flatnonzero(self.memory != golden.steps[-1].memory)
        if wrong.size:
            return f"the memory must hold what was written at address {wrong[0]}, and differs in {wrong.size} bytes"
        return None if self.argmax == golden.argmax else f"argmax must be {golden.argmax}, not {self.argmax}"

    def difference_of_steps(self, steps, *, has_cycles=True):
        """As `difference`, of the first descriptors, of which there are golden steps."""
        for index, step in enumerate(steps):
            name = f"descriptor {step.number} ({step.operation.name})"
            if index == len(self.ends):
                return f"{name} must end in cycle {step.end}, and does not"
            wrong = np.flatnonzero(self.memories[index] != step.memory)
            if wrong.size:
                address = wrong[0]
                return (f"{name} must leave {step.memory[address]} at address {address}, not "
                        f"{self.memories[index][address]}, and differs in {wrong.size} bytes")
            if has_cycles and self.ends[index] != step.end:
                return f"{name} must end in cycle {step.end}, not {self.ends[index]}"
            if index == len(self.trace):
                return f"{name} must have an entry in the trace, and does not"
            for word, found in zip(WORDS, self.trace[index].tolist()) if has_cycles else ():
                expected = {"start": step.start, "end": step.end, **step.counts}[word]
                if found != expected:
                    return f"{name} must have {word} {expected} in its trace, not {found}"
        return None


def compiled(config, folder=Path("build/sim"), verilog=None, top=None):
    """The program of an engine, compiled if needed; ``top``: the module with its ports, if it is another one.

    Raises
    ------
    SimulatorError
        Verilator is missing or refuses the design.
    """
    require_simulator("verilator")
    text = emit(config) if verilog is None else verilog
    main, outside = (source(name) for name in ("engine_run.cpp", "outside_memory.h"))
    defined = {**DEFINITIONS, "WEIGHT_PORT": config.weight_port, "ROW_CYCLES": config.row_cycles}
    flags = " ".join(["-O1", *(f"-D{name}={value}" for name, value in defined.items())])
    sources = "".join(each.read_text(encoding="utf-8") for each in (main, outside))
    work = Path(folder).resolve() / f"{config.name}_{digest(text + sources + flags)}"
    work.mkdir(parents=True, exist_ok=True)
    with locked(work / "lock"):
        if not (work / "complete").exists():
            (work / "engine.v").write_text(text, encoding="utf-8")
            compile_program(work / "engine", top or config.name, [work / "engine.v", main], "--prefix", "Vengine",
                            "-O3", "--x-assign", "unique", "--x-initial", "unique", "-CFLAGS", flags)
            (work / "complete").touch()
    return work / "engine"


def run_verilog(config, data, inputs, *, is_stateful=False, seed=1, folder=Path("build/sim"), verilog=None,
                outside=Outside()):
    """Run an image on inputs, one after the other, with the golden executor and on the Verilog.

    Parameters
    ----------
    config : EngineConfig
    data : bytes
        Of the image.
    inputs : list of int8 array
    is_stateful : bool
        Inputs are steps of one stream.
    seed : int
        Of what has no value yet.
    folder : Path
        Of compiled designs.
    verilog : str
        The engine's Verilog where it is there already; by default it is generated.
    outside : Outside
        With a ``weight_port``.

    Returns
    -------
    list of (Run, VerilogRun)

    Raises
    ------
    ValueError
        There is no gateware of the configuration.
    EngineError
        The image is refused.
    SimulatorError
        As `compiled` and `run_jobs`.
    """
    check_gateware(config)
    golden, before, runs = Engine(config, data), [], []
    for x in inputs:
        if not is_stateful:
            golden.reset()
        golden.load(x)
        before.append(golden.memory.copy())
        runs.append(golden.run(x))
    job = Job(golden.image, before, max(run.cycles for run in runs) + PATIENCE * outside.latency,
              outside=outside)
    (found,) = run_jobs(compiled(config, folder, verilog), config, [job], seed=seed)
    # Fewer are found only if the last of them has not ended, which is a difference.
    return list(zip(runs, found))


@dataclass(frozen=True)
class Job:
    """An image that is loaded, and runs of it.

    Attributes
    ----------
    image : Image
        It is not checked.
    memories : list of uint8 array (activation_bytes,)
        Before each run.
    most : int
        Cycles after which a run that has not ended is the last of all.
    cancel : int
        The cycle in which the first run is canceled; 0: in none.
    outside : Outside
        With a ``weight_port``.
    """

    image: object
    memories: list
    most: int
    cancel: int = 0
    outside: Outside = Outside()

    def to_bytes(self, config):
        """It, for the program."""
        words, outside = np.array(list(image_words(config, self.image)), "<u4"), self.outside
        rows = self.image.tiles if config.weight_port else self.image.tiles[:0]
        head = [len(words), len(self.image.loads), self.most, self.cancel, len(self.memories), len(rows),
                outside.latency, outside.stalls, outside.wrong, outside.silent, outside.seed, rows.nbytes]
        return b"".join(each.tobytes() for each in (np.array(head, "<u4"), words, rows, *self.memories))


def run_jobs(program, config, jobs, *, seed=1, plusargs=()):
    """Jobs on a program that `compiled` gives, without a reset between them: for each a list of `VerilogRun`.

    A run that does not end is the last. ``plusargs`` are for the Verilog.

    Raises
    ------
    SimulatorError
        The program fails, or ends before all runs although each has ended.
    """
    head = np.array([config.activation_bytes, ActivationMemory.READ, START_CYCLES], "<u4")
    with tempfile.TemporaryDirectory() as name:
        given, found = Path(name) / "given", Path(name) / "found"
        given.write_bytes(b"".join([head.tobytes(), *(job.to_bytes(config) for job in jobs)]))
        done = subprocess.run([program, given, found, str(seed), *plusargs], capture_output=True, text=True,
                              check=False)
        if done.returncode not in (ENDED, STUCK) or not found.exists():
            last = (done.stderr.splitlines() or ["no message"])[-1]
            raise SimulatorError(f"the engine's simulation must end, and gave {done.returncode}: {last}")
        runs = list(_read(found.read_bytes(), config.activation_bytes))
    count = sum(len(job.memories) for job in jobs)
    if len(runs) != count and (not runs or runs[-1].is_complete):
        raise SimulatorError(f"the engine's simulation must give {count} runs, not {len(runs)}")
    runs = iter(runs)
    return [list(islice(runs, len(job.memories))) for job in jobs]


def _read(data, size):
    """Runs in the file that the program writes."""
    while data:
        count, argmax, is_complete, fault, number = np.frombuffer(data, "<u4", 5).tolist()
        ends = np.frombuffer(data, "<u4", count, 20)
        memories = np.frombuffer(data, np.uint8, (count + 1) * size, 20 + 4 * count).reshape(-1, size)
        size_before = 24 + 4 * count + memories.size
        (entries,) = np.frombuffer(data, "<u4", 1, size_before - 4).tolist()
        trace = np.frombuffer(data, "<u4", entries * ENTRY_WORDS, size_before).reshape(-1, ENTRY_WORDS)
        yield VerilogRun(ends.tolist(), memories[:-1], memories[-1], argmax, bool(is_complete), Fault(fault), number,
                         trace)
        data = data[size_before + trace.nbytes:]
