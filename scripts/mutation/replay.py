"""Traces of the regression on a macro, recorded once and replayed on each of its mutants.

A mutant is killed where the testbench, which compares every cycle, would fail.
"""

import subprocess

from ...verif.sim.build import Surround, build
from ...verif.sim.simulators import SimulatorError, source
from .mutants import SELECT, image

# Many times what a replay takes.
TIMEOUT_S = 1800


def _in(design):
    """Names of the inputs without the clock, and their total width."""
    pins = [pin for pin in design.pins if pin.is_input and pin.name != "clk"]
    return [pin.name for pin in pins], sum(pin.width for pin in pins)


def _out(design):
    pins = [pin for pin in design.pins if not pin.is_input]
    return [pin.name for pin in pins], sum(pin.width for pin in pins)


def _pins(design):
    """Connections of the design to nets of the same names."""
    return ", ".join(f".{pin.name}({pin.name})" for pin in design.pins)


def tracer(design):
    """The macro with a tracer of its ports: a line of inputs and outputs for each clock edge."""
    declared = ", ".join(f"{'input' if pin.is_input else 'output'} [{pin.width - 1}:0] {pin.name}"
                         for pin in design.pins)
    text = f"""module tracer({declared});
    {design.name} macro ({_pins(design)});
    reg [8*1024:1] path;
    integer file;
    initial begin
        if (!$value$plusargs("trace=%s", path)) $finish;
        file = $fopen(path, "w");
    end
    always @(posedge clk) $fwrite(file, "%b %b\\n", {{{", ".join(_in(design)[0])}}}, {{{", ".join(_out(design)[0])}}});
endmodule
"""
    return Surround("tracer", {"tracer.sv": text}, {}, tuple(pin.name for pin in design.pins))


def trace_path(folder, seed):
    """The path of a trace."""
    return folder / f"trace_{seed}.txt"


def record_trace(design, seed, folder, builds):
    """Run the regression's testbench once and record its trace. SimulatorError unless it passes."""
    built = build(design.config, simulator="icarus", folder=builds, surround=tracer(design), verilog=design.verilog)
    built.run("bitline.verif.macro.tb_macro", seed=seed, environment={"BITLINE_CONFIG": design.config.to_json()},
              plusargs=[f"+trace={trace_path(folder, seed)}"], folder=folder / "run")


def harness(design, mutants):
    """The module that replays a trace on the image and compares outputs as the testbench does.

    They are not compared during a reset, nor before the first of each test, whose ``rst`` is unknown until then, and
    the payload only while ``o_valid`` is high. It prints the cycle of the first difference, or - .
    """
    (inputs, in_width), (outputs, out_width) = _in(design), _out(design)
    declared = "\n".join(f"    wire [{pin.width - 1}:0] {pin.name}, {pin.name}_then;"
                         for pin in design.pins if pin.name != "clk")
    payload = [pin.name for pin in design.pins if pin.valid]
    return f"""module top;
    reg clk = 0, differs = 0, was_reset = 0;
    reg [{len(mutants).bit_length() - 1}:0] mutsel;
    reg [{in_width - 1}:0] stimulus;
    reg [{out_width - 1}:0] expected;
    reg [8*1024:1] path;
    integer file, status, cycle;
{declared}
    assign {{{", ".join(inputs)}}} = stimulus;
    assign {{{", ".join(f"{name}_then" for name in outputs)}}} = expected;
    {design.name} macro ({_pins(design)}, .{SELECT}(mutsel));
    // What was unknown may be anything.
    wire same = {" && ".join(f"{name} ==? {name}_then" for name in outputs if name not in payload)};
    wire same_result = {" && ".join(f"{name} ==? {name}_then" for name in payload)};
    wire wrong = was_reset && rst === 0 && (same !== 1 || o_valid_then === 1 && same_result !== 1);
    initial begin
        if (!$value$plusargs("mutant=%d", mutsel) || !$value$plusargs("trace=%s", path)) $finish;
        file = $fopen(path, "r");
        cycle = 0;
        status = $fscanf(file, "%b %b", stimulus, expected);
        while (status == 2 && !differs) begin
            was_reset = rst === 1 || was_reset && rst === 0;
            #1 differs = wrong;
            if (!differs) begin
                clk = 1;
                #1 clk = 0;
                cycle = cycle + 1;
                status = $fscanf(file, "%b %b", stimulus, expected);
            end
        end
        // No output if the trace cannot be read to its end.
        if (differs) $display("%0d", cycle); else if (cycle > 0 && $feof(file)) $display("-");
        $finish;
    end
endmodule
"""


def compile_image(design, mutants, folder):
    """The program, for ``vvp``, that replays on an image; it is built in the folder."""
    work = folder / "image"
    work.mkdir(parents=True, exist_ok=True)
    (work / "image.v").write_text(image(design, mutants), encoding="utf-8")
    (work / "top.sv").write_text(harness(design, mutants), encoding="utf-8")
    done = subprocess.run(["iverilog", "-g2012", "-s", "top", "-o", work / "replay", work / "top.sv", work / "image.v"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise SimulatorError(f"the image must compile, and does not: {(done.stderr.splitlines() or [''])[-1]}")
    return work / "replay"


def replay(program, trace, mutant):
    """The cycle in which a mutant is killed, or None; mutant 0 is the macro itself."""
    try:
        done = subprocess.run(["vvp", "-n", program, f"+mutant={mutant}", f"+trace={trace}"], capture_output=True,
                              text=True, check=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise SimulatorError(f"a mutant must end within {TIMEOUT_S} s, and {mutant} of {program} did not") from None
    if not done.stdout.strip():
        raise SimulatorError(f"a trace must be readable to its end, and {trace} is not")
    cycle = done.stdout.split()[-1]
    return None if cycle == "-" else int(cycle)


def tests(design):
    """Paths of the tests."""
    return [source("tb_macro.py")]


def prepare(job, seed):
    """Compile an `Image`, unless that has been done, and record the trace of a seed; what kills mutant 0, or None."""
    record_trace(job.design, seed, job.folder, job.builds)
    if not (job.folder / "image" / "replay").exists():
        compile_image(job.design, job.mutants, job.folder)
    return killed(job, 0, seed)


def killed(job, number, seed):
    """The cycle in which a mutant of an `Image` is killed, or None."""
    return replay(job.folder / "image" / "replay", trace_path(job.folder, seed), number)
