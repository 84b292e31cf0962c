"""What the regression did to a macro, recorded once and played on each of its mutants.

A mutant counts as noticed where the testbench, which compares every cycle, would fail.
"""

import subprocess

from ...verif.sim.build import SimulatorError, Surround, build
from .mutants import SELECT, image

# Seconds: many times what a replay takes.
PATIENCE = 1800


def _in(design):
    """Names of the inputs but the clock, and how many bits they are together."""
    pins = [pin for pin in design.pins if pin.is_input and pin.name != "clk"]
    return [pin.name for pin in pins], sum(pin.width for pin in pins)


def _out(design):
    pins = [pin for pin in design.pins if not pin.is_input]
    return [pin.name for pin in pins], sum(pin.width for pin in pins)


def _pins(design):
    """Connections of the design to nets of the same names."""
    return ", ".join(f".{pin.name}({pin.name})" for pin in design.pins)


def recorder(design):
    """The macro with a recorder of its ports: a line a clock edge, inputs and outputs."""
    declared = ", ".join(f"{'input' if pin.is_input else 'output'} [{pin.width - 1}:0] {pin.name}"
                         for pin in design.pins)
    text = f"""module recorder({declared});
    {design.name} macro ({_pins(design)});
    reg [8*1024:1] path;
    integer file;
    initial begin
        if (!$value$plusargs("record=%s", path)) $finish;
        file = $fopen(path, "w");
    end
    always @(posedge clk) $fwrite(file, "%h %b\\n", {{{", ".join(_in(design)[0])}}}, {{{", ".join(_out(design)[0])}}});
endmodule
"""
    return Surround("recorder", {"recorder.sv": text}, {}, tuple(pin.name for pin in design.pins))


def recording(folder, seed):
    """Path of what the regression did to a macro."""
    return folder / f"recorded_{seed}.txt"


def record(design, seed, folder, builds):
    """Run the regression's testbench once, and record it. SimulatorError unless it passed."""
    built = build(design.config, simulator="icarus", folder=builds, surround=recorder(design), verilog=design.verilog)
    built.run("bitline.verif.macro.tb_macro", seed=seed, environment={"BITLINE_CONFIG": design.config.to_json()},
              plusargs=[f"+record={recording(folder, seed)}"], folder=folder / "run")


def harness(design, mutants):
    """What replays: the image with words of stimulus and of expected outputs, which it compares as the bench does.

    Not during a reset; the payload only while a result stands at the output. It prints the cycle of the first
    difference, or - .
    """
    (inputs, in_width), (outputs, out_width) = _in(design), _out(design)
    declared = "\n".join(f"    wire [{pin.width - 1}:0] {pin.name}, {pin.name}_then;"
                         for pin in design.pins if pin.name != "clk")
    payload = [pin.name for pin in design.pins if pin.valid]
    return f"""module top;
    reg clk = 0, differs = 0;
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
    wire wrong = rst !== 1 && (same !== 1 || o_valid_then === 1 && same_result !== 1);
    initial begin
        if (!$value$plusargs("mutant=%d", mutsel) || !$value$plusargs("recorded=%s", path)) $finish;
        file = $fopen(path, "r");
        cycle = 0;
        status = $fscanf(file, "%h %b", stimulus, expected);
        while (status == 2 && !differs) begin
            #1 differs = wrong;
            if (!differs) begin
                clk = 1;
                #1 clk = 0;
                cycle = cycle + 1;
                status = $fscanf(file, "%h %b", stimulus, expected);
            end
        end
        // Nothing, not even the mutant's end, is said of a record that cannot be read.
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


def replay(program, recorded, mutant):
    """The cycle in which a mutant is noticed, or None; 0 is the macro as it is."""
    try:
        done = subprocess.run(["vvp", "-n", program, f"+mutant={mutant}", f"+recorded={recorded}"], capture_output=True,
                              text=True, check=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise SimulatorError(f"a mutant must end within {PATIENCE} s, and {mutant} of {program} did not") from None
    if not done.stdout.strip():
        raise SimulatorError(f"a record must be readable to its end, and {recorded} is not")
    cycle = done.stdout.split()[-1]
    return None if cycle == "-" else int(cycle)


def prepare(job):
    """Record the regression and compile the image of an `Image`."""
    for seed in job.seeds:
        record(job.design, seed, job.folder, job.builds)
    compile_image(job.design, job.mutants, job.folder)


def noticed(job, number, seed):
    """The cycle in which a mutant of an `Image` is noticed, or None."""
    return replay(job.folder / "image" / "replay", recording(job.folder, seed), number)
