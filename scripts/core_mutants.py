"""Mutants of a core: the core's own testbenches run on each, up to the first test that fails."""

import re
import shutil
import xml.etree.ElementTree as ElementTree

from ..hdl.core_top import core_ports
from ..host.simulator import SimulatorError, Surround, build
from .mutants import SELECT, image

# What a core with a bus is tested by.
TESTBENCHES = {
    "axi": ("tb_registers", "tb_core", "tb_core_status", "tb_core_interlocks", "tb_core_races", "tb_core_mixed"),
    "wishbone": ("tb_bus",), "apb": ("tb_bus",),
}
# A mutant that takes so many times the cycles of the core hangs.
PATIENCE = 4


def surround(config, count):
    """The image with the number of the mutant and a limit of cycles from the command line."""
    declared = ", ".join(f"{port.direction} [{port.width - 1}:0] {port.name}" for port in core_ports(config))
    pins = ", ".join(f".{port.name}({port.name})" for port in core_ports(config))
    text = f"""module mutants({declared});
    reg [{count.bit_length() - 1}:0] number;
    integer limit, cycles;
    {config.name} core ({pins}, .{SELECT}(number));
    initial begin
        cycles = 0;
        if (!$value$plusargs("mutant=%d", number) || !$value$plusargs("cycles=%d", limit)) $finish;
    end
    always @(posedge aclk) begin
        cycles <= cycles + 1;
        if (cycles == limit) $finish;
    end
    final $display("took %0d cycles", cycles);
endmodule
"""
    return Surround("mutants", {"mutants.sv": text}, {}, tuple(port.name for port in core_ports(config)))


def run(job, number, seed, limit):
    """Run a mutant of an `Image` for so many cycles; its folder, and the test that fails, ``"no end"``, or None."""
    verilog = (job.folder / "image" / "image.v").read_text(encoding="utf-8")
    built = build(job.config, folder=job.builds, surround=surround(job.config, len(job.mutants)), verilog=verilog)
    folder, names = job.folder / "runs" / f"{number}_{seed}", TESTBENCHES[job.config.bus]
    try:
        built.run(",".join(f"bitline.verif.{name}" for name in names), seed=seed, folder=folder,
                  environment={"BITLINE_CORE_CONFIG": job.config.to_json(), "COCOTB_MAX_FAILURES": "1"},
                  plusargs=[f"+mutant={number}", f"+cycles={limit}"])
    except SimulatorError:
        return folder, failure(folder, limit)
    return folder, None


def failure(folder, limit):
    """The test that failed in a run, or ``"no end"``; SimulatorError if the run itself came to nothing."""
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


def prepare(job):
    """Compile the image of an `Image`, and find how long mutant 0 takes."""
    path = job.folder / "image" / "image.v"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(image(job.config, job.mutants), encoding="utf-8")
    folder, _ = run(job, 0, job.seeds[0], 2**31 - 1)
    took = re.search(r"took (\d+) cycles", (folder / "run.log").read_text(encoding="utf-8"))
    (job.folder / "limit").write_text(str(PATIENCE * int(took[1])), encoding="utf-8")


def noticed(job, number, seed):
    """The test that notices a mutant of an `Image`, or None."""
    folder, failed = run(job, number, seed, int((job.folder / "limit").read_text(encoding="utf-8")))
    shutil.rmtree(folder)
    return failed
