"""The block of a design that each cell belongs to."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from .flow import FOR_AREA

# A cell of a packed design, as nextpnr writes it: its name, its type, and the nets on its carry pins.
LINE = re.compile(r'^        "(?P<name>.+)": \{$'
                  r'|^          "type": "(?P<type>\w+)"'
                  r'|^            "(?:FCI|FCO|CIN|COUT)": \[ (?P<net>\d+) \]')


class Blocks:
    """The blocks of a flattened design.

    Those of the macro are its instances, and for a block of columns its own: columns, accumulators and lanes. What is
    beside the macro is a block as a whole.

    Parameters
    ----------
    netlist : Netlist
    macro : str
        Path of the macro.
    rest : str
        Name of the block for cells of no instance.
    """

    def __init__(self, netlist, macro, rest):
        self.netlist = netlist
        self.macro = macro
        self.rest = rest
        self._blocks = {path: self._cut(path.split(".")) for path in netlist.scopes}

    def _cut(self, parts):
        """Path of the block that an instance is, or is part of."""
        depth = len(self.macro.split("."))
        if parts[:depth] != self.macro.split("."):
            return parts[0]
        if parts[depth:] and kind_of(parts[depth]) == "block":
            return ".".join(parts)
        return ".".join(parts[:depth + 1])

    def find(self, cell):
        """Path of the block of a cell, by the name of the cell."""
        parts = cell.split(".")
        for length in range(len(parts) - 1, 0, -1):
            block = self._blocks.get(".".join(parts[:length]))
            if block:
                return block
        return self.rest

    def kinds(self):
        """Number of blocks of each kind: ``column_3`` is of the kind ``column``."""
        return Counter(kind_of(block) for block in {*self._blocks.values(), self.rest})

    def inside(self):
        """The kinds of the blocks of the macro, or of what it is in."""
        top = self.macro.split(".")[0]
        return {kind_of(block) for block in self._blocks.values() if block.split(".")[0] == top}

    def count(self):
        """Cells by class and LUT sites, of each kind of block."""
        types = defaultdict(Counter)
        for name, cell in self.netlist.cells.items():
            types[kind_of(self.find(name))][cell] += 1
        return {kind: self.netlist.family.count(types[kind]) for kind in self.kinds()}

    def count_sites(self, packed):
        """LUT sites of each kind of block as nextpnr packed them.

        Cells that nextpnr adds to get a signal into or out of a chain count for the block of the chain.

        Parameters
        ----------
        packed : Path
            Written by `pack_cells`.
        """
        sites, carries, added, name = Counter(), {}, Counter(), None
        nets = defaultdict(list)
        with packed.open(encoding="utf-8") as lines:
            for line in lines:
                match = LINE.match(line)
                if not match:
                    continue
                if match["name"]:
                    name = match["name"]
                elif match["type"]:
                    number = self.netlist.family.sites.get(match["type"], 0)
                    if name.startswith("$nextpnr"):
                        added[_stem(name)] += number
                    else:
                        sites[kind_of(self.find(name))] += number
                elif match["net"] and name.startswith("$nextpnr"):
                    nets[_stem(name)].append(match["net"])
                elif match["net"]:
                    carries[match["net"]] = kind_of(self.find(name))
        for stem, number in added.items():
            sites[next((carries[net] for net in nets[stem] if net in carries), self.rest)] += number
        return sites


def kind_of(block):
    """The kind of a block: the last part of its path, without its number."""
    return re.sub(r"_\d+$", "", block.rpartition(".")[2])


def apart(top, module):
    """Selects, for `synthesize`, the modules that are blocks: of a design, and of the macro's ``module`` in it."""
    parents = (top, module, f"{module}_*_block_*")
    return (*(f"{parent}/c:* %M" for parent in parents), f"{module}_*_entry_adder", f"{module}_driver_slice_*")


# Blocks of an engine of which also the parts are told.
DIVIDED = ("results", "gather", "depthwise")


def engine_apart(name):
    """The same of an engine, or of one with registers, by the name of its module."""
    within = ("core", "engine", *DIVIDED, "lanes", "sum_of_two", "loader", "tiles", "macro", "*_block_*")
    parents = (name, *(f"{name}_{block}" for block in within))
    return [f"{parent}/c:* %M" for parent in parents]


@dataclass(frozen=True)
class Division:
    """How the netlist of an accelerator on a board is divided into blocks.

    Attributes
    ----------
    path : str
        Of the instance that has the blocks.
    apart : callable
        Of the names of the top and of the accelerator's module: what is mapped apart, for `synthesize`.
    parts : dict of str to set of str
        Kinds of blocks that are counted together, by the name of the whole; None: all of the accelerator.
    options : dict of str to str
        Further ones of synthesis, by family.
    """

    path: str
    apart: Callable
    parts: dict
    options: dict = field(default_factory=dict)


# Of each kind of accelerator. Of a macro the kinds that store, multiply and add are counted together too; registers of
# a block of columns are of the kind ``block``.
DIVISIONS = {
    "macro": Division("macro", apart, {"macro": None, "columns_and_accumulators": {"block", "columns", "accumulator"}}),
    "engine": Division("engine.module.core.engine",
                       lambda top, module: [f"{top}/c:* %M", f"{top}.engine/c:* %M", *engine_apart(module)],
                       {"engine": None, "macro": {"macro"}}, {"ecp5": FOR_AREA}),
}


def _stem(name):
    """The cell that a half of a carry cell belongs to."""
    return name.rpartition("$CCU2")[0] or name
