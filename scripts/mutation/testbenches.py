"""Testbenches on mutants: those of the design run on each mutant, up to the first test that fails."""

import re
import shutil
import xml.etree.ElementTree as ElementTree

from ...verif.sim.build import build
from ...verif.sim.simulators import SimulatorError, source, testbench
from ..common.files import write_file
from .mutants import SELECT, image

# A mutant that takes this many times the cycles of the design hangs.
HANG_FACTOR = 4
# The first failure is enough, and nobody reads what its assertion says, which takes a third of most runs.
ENVIRONMENT = {"COCOTB_MAX_FAILURES": "1", "COCOTB_REWRITE_ASSERTION_FILES": ""}


def wrapper(design, count):
    """The image, with the number of the mutant and a limit of cycles from the command line."""
    declared = ", ".join(f"{'input' if pin.is_input else 'output'} [{pin.width - 1}:0] {pin.name}"
                         for pin in design.pins)
    pins = ", ".join(f".{pin.name}({pin.name})" for pin in design.pins)
    return f"""module {design.wrapper}({declared});
    reg [{count.bit_length() - 1}:0] number;
    integer limit, cycles;
    {design.name} image ({pins}, .{SELECT}(number));
    initial begin
        cycles = 0;
        if (!$value$plusargs("mutant=%d", number) || !$value$plusargs("cycles=%d", limit)) $finish;
    end
    always @(posedge {design.pins[0].name}) begin
        cycles <= cycles + 1;
        if (cycles == limit) $finish;
    end
    final $display("took %0d cycles", cycles);
endmodule
"""


def run(job, number, seed, limit):
    """Run a mutant of an `Image` for so many cycles; its folder, and the test that fails, ``"no end"``, or None."""
    design, verilog = job.design, (job.folder / "image" / "image.v").read_text(encoding="utf-8")
    built = build(design.config, folder=job.builds, surround=design.surround(wrapper(design, len(job.mutants))),
                  verilog=verilog)
    folder = job.folder / "runs" / f"{number}_{seed}"
    try:
        modules = ",".join(testbench(name) for name in design.testbenches)
        built.run(modules, seed=seed, folder=folder,
                  environment={**design.environment, **ENVIRONMENT},
                  plusargs=[f"+mutant={number}", f"+cycles={limit}"])
    except SimulatorError:
        return folder, failure(folder, limit)
    return folder, None


def failure(folder, limit):
    """The test that failed in a run, or ``"no end"``; SimulatorError if the run has no result."""
    path = folder / "results.xml"
    cases = ElementTree.parse(path).iter("testcase") if path.exists() else ()
    name = next((case.get("name") for case in cases
                 if case.find("failure") is not None or case.find("error") is not None), None)
    if name:
        return name
    log = (folder / "run.log").read_text(encoding="utf-8", errors="replace")
    took = re.search(r"took (\d+) cycles", log)
    if (took and int(took[1]) >= limit) or "converge" in log:
        return "no end"
    raise SimulatorError(f"a run must fail a test or come to its end, and did not: see {folder / 'run.log'}")


def tests(design):
    """Paths of the tests."""
    return [source(f"{name}.py") for name in design.testbenches]


def prepare(job, seed):
    """Compile an `Image`, unless that has been done, and run mutant 0 with a seed; the test that kills it, or None.

    The cycles that it takes are the measure for the others.
    """
    path = job.folder / "image" / "image.v"
    if not path.exists():
        write_file(path, image(job.design, job.mutants))
    folder, failed = run(job, 0, seed, 2**31 - 1)
    took = re.search(r"took (\d+) cycles", (folder / "run.log").read_text(encoding="utf-8"))
    (job.folder / f"limit_{seed}").write_text(str(HANG_FACTOR * int(took[1])), encoding="utf-8")
    return failed


def killed(job, number, seed):
    """The test that kills a mutant of an `Image`, or None."""
    folder, failed = run(job, number, seed, int((job.folder / f"limit_{seed}").read_text(encoding="utf-8")))
    shutil.rmtree(folder)
    return failed
