"""Which cells of a library do what: adders, buffers, latches; and the library that is used where none is given."""

import os
from dataclasses import dataclass
from pathlib import Path

from ...common.files import BadInput
from ...common.lef import read_sizes
from .liberty import read_library

# Truth tables over inputs in order.
ADDERS = {"full": (0x96, 0xE8), "half": (0x6, 0x8)}
PORTS = {"full": ("a", "b", "c"), "half": ("a", "b")}
# A word that makes the flow leave the adders of a kind to logic synthesis.
NONE = "none"

PACKAGE = "qflow-tech-osu018"
# The folder of that package, or a copy of it.
CELLS = Path(os.environ.get("BITLINE_CELLS", "/usr/share/qflow/tech/osu018"))


def default_files():
    """Liberty and LEF of Debian's package, or None where it is not installed."""
    files = CELLS / "osu018_stdcells.lib", CELLS / "osu018_stdcells.lef"
    return files if all(file.exists() for file in files) else None


def read_cells(liberty=(), lef=(), dont_use=()):
    """The library with its areas, and where these are from; by default that of Debian's package.

    Raises
    ------
    BadInput
        There is no library, its files are not what they should be, or LEF lacks cells.
    """
    if not liberty:
        found = default_files()
        if found is None:
            raise BadInput(f"--liberty must name a library where {PACKAGE} is not installed: apt-get install {PACKAGE}")
        liberty, lef = [found[0]], lef or [found[1]]
    library = read_library(list(liberty), dont_use)
    if lef:
        areas = {name: width * height for name, (width, height) in read_sizes(lef).items()}
        lacking = [name for name, cell in library.cells.items() if name not in areas and not cell.is_excluded]
        if lacking:
            raise BadInput(f"--lef must have the sizes of all cells that --dont-use does not name, and lacks "
                           f"{len(lacking)}: {', '.join(lacking[:3])}")
        for name, cell in library.cells.items():
            cell.area = areas.get(name, cell.area)
    return library, "the sizes in LEF" if lef else "liberty"


@dataclass(frozen=True)
class Adder:
    """A full or half adder cell.

    Attributes
    ----------
    cell : Cell
    sum, carry : (str, bool)
        Pin, and whether it gives the complement.
    """

    cell: object
    sum: tuple
    carry: tuple

    def module(self, name):
        """Verilog of a module of this name with the ports of the generated adder, made of the cell."""
        ports = PORTS["full" if len(self.cell.inputs) == 3 else "half"]
        wires = {"sum": self.sum, "carry": self.carry}
        pins = [f".{pin}({port})" for pin, port in zip(self.cell.inputs, ports)]
        pins += [f".{pin}({port}{'_n' if inverted else ''})" for port, (pin, inverted) in wires.items()]
        lines = [f"module {name}({', '.join((*ports, *wires))});",
                 *(f"  input {port};" for port in ports), *(f"  output {port};" for port in wires),
                 *(f"  wire {port}_n;\n  assign {port} = ~{port}_n;" for port, (_, inverted) in wires.items()
                   if inverted),
                 f"  {self.cell.name} cell_0({', '.join(pins)});", "endmodule"]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Roles:
    """The cells of a library that the flow names itself.

    Attributes
    ----------
    full_adder, half_adder : Adder or None
    buffers : list of Cell
        By area.
    inverter : Cell
        The smallest.
    flip_flop : Cell
        The smallest.
    latch : Cell or None
        Transparent while its enable is high.
    clock_gate : Cell or None
        For rising edges, with a latch inside.
    """

    full_adder: Adder | None
    half_adder: Adder | None
    buffers: list
    inverter: object
    flip_flop: object
    latch: object
    clock_gate: object


def find_roles(library, full_adder=None, half_adder=None):
    """The roles of a library's cells.

    Parameters
    ----------
    library : Library
    full_adder, half_adder : str, optional
        A cell, or ``none``; by default the smallest.

    Raises
    ------
    BadInput
        A cell is not there, or is none of its kind; the library has no full adder, inverter, buffer or flip-flop.
    """
    usable = sorted(library.usable, key=lambda cell: cell.area)
    inverters = [cell for cell in usable if cell.is_inverter]
    flip_flops = [cell for cell in usable if cell.storage and cell.storage.kind == "ff"]
    buffers = [cell for cell in usable if cell.is_buffer]
    for kind, found in (("an inverter", inverters), ("a flip-flop", flip_flops), ("a buffer", buffers)):
        if not found:
            raise BadInput(f"--liberty must have {kind}, and {library.name} has none")
    # Cells that are kept from logic synthesis, such as clock gates, are named by the flow.
    every = sorted((cell for cell in library.cells.values() if not cell.is_excluded), key=lambda cell: cell.area)
    return Roles(_adder(library, every, "full", full_adder), _adder(library, every, "half", half_adder), buffers,
                 inverters[0], flip_flops[0], next(filter(_is_latch, usable), None),
                 next((cell for cell in every if cell.clock_gate.startswith("latch_posedge")), None))


def _is_latch(cell):
    storage = cell.storage
    return (storage and storage.kind == "latch" and not storage.is_asynchronous and len(cell.inputs) == 2
            and storage.clock in cell.inputs and storage.data in cell.inputs and storage.state in cell.outputs.values())


def _adder(library, cells, kind, name):
    """An adder cell; None if it is to be made of other cells."""
    if name == NONE:
        return None
    if name is None:
        found = next(filter(None, (_as_adder(cell, kind) for cell in cells)), None)
        if found is None and kind == "full":
            raise BadInput(f"--liberty must have a full adder to use, and {library.name} has none; --full-adder none "
                           "makes it of other cells")
        return found
    if name not in library.cells:
        raise BadInput(f"--{kind}-adder must be a cell of {library.name} or none, and {name} is neither")
    found = _as_adder(library.cells[name], kind)
    if found is None:
        raise BadInput(f"--{kind}-adder must be a {kind} adder, and the functions of {name} are not those of one")
    return found


def _as_adder(cell, kind):
    total, carry = ADDERS[kind]
    if len(cell.inputs) != len(PORTS[kind]) or len(cell.tables) != 2:
        return None
    pins = cell.pin_of(total), cell.pin_of(carry)
    return Adder(cell, *pins) if all(pins) else None
