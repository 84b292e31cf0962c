"""Placement by graywolf: rows of cells, and which side of the macro each pin is at."""

from collections import defaultdict
from dataclasses import dataclass

from ..common.tools import FlowError, run_program

# graywolf's unit is 10 nm.
UNITS = 100
# What it puts where wires cross a row; there is no cell for it.
FEEDTHROUGH = "twfeed"
PAD = "twpin_"
# Its layers are numbered, and it knows no more than three.
LAYER = 1
ASPECT = "TWMC*chip.aspect.ratio"


@dataclass(frozen=True)
class Placed:
    """A cell that is placed: the row from below, where it is in it, um, and whether it is mirrored left to right."""

    row: int
    x: float
    is_mirrored: bool


@dataclass(frozen=True)
class Placement:
    """Where cells and pins are.

    Attributes
    ----------
    cells : dict of str to Placed
    rows : int
    is_first_upright : bool
        Whether the lowest row is; every second one is.
    pins : dict of str to (float, float)
        Middle of each pin, um.
    box : (float, float, float, float)
        x0, y0, x1, y1 of all cells, um.
    """

    cells: dict
    rows: int
    is_first_upright: bool
    pins: dict
    box: tuple


def cell_file(netlist, names, lef):
    """graywolf's input: cells, pins on them, and the pins of the macro as pads."""
    lines = []
    for number, (instance, name) in enumerate(zip(netlist.instances, names.cells), 1):
        cell = lef.cells[instance.cell.name]
        width, height = round(cell.width * UNITS), round(cell.height * UNITS)
        left, bottom = -(width // 2), -(height // 2)
        lines += [f"cell {number} {name}",
                  f"left {left} right {left + width} bottom {bottom} top {bottom + height}"]
        for pin, net in instance.pins.items():
            if net > 1:
                x, y = cell.center(pin)
                lines.append(f"pin name {pin} signal {names.nets[net]} layer {LAYER} {round(x * UNITS) + left} "
                             f"{round(y * UNITS) + bottom}")
    x, y = round(lef.site_width * UNITS) // 2, round(lef.layers[0].pitch * UNITS) // 2
    for number, pin in enumerate(names.pins, len(netlist.instances) + 1):
        lines += [f"pad {number} name {PAD}{pin}", f"corners 4 {-x} {-y} {-x} {y} {x} {y} {x} {-y}",
                  f"pin name {PAD}{pin} signal {pin} layer {LAYER} 0 0"]
    return "\n".join([*lines, ""])


def square(parameters, utilization):
    """Parameters with the height over width for which rows that are stretched afterwards make a square."""
    return "\n".join(f"{ASPECT} : {1 / utilization:.3f}" if line.startswith(ASPECT) else line
                     for line in parameters.splitlines()) + "\n"


def place(name, netlist, names, lef, parameters, folder, progress=None, seconds=None):
    """Run graywolf in a folder.

    Parameters
    ----------
    name : str
        Of the files.
    netlist : Netlist
    names : Names
    lef : Lef
    parameters : str
        The technology's parameter file of graywolf.
    folder : Path
    progress : function, optional
        Takes lines of graywolf.
    seconds : float, optional

    Returns
    -------
    Placement

    Raises
    ------
    FlowError
        graywolf is not installed, or leaves a cell or pin without a place.
    TimeoutError
    """
    (folder / f"{name}.cel").write_text(cell_file(netlist, names, lef), encoding="utf-8")
    (folder / f"{name}.par").write_text(parameters, encoding="utf-8")
    result = folder / f"{name}.pl1"
    result.unlink(missing_ok=True)
    run_program(["graywolf", "-n", name], folder, "place.log", progress, seconds)
    if not result.exists():
        raise FlowError(f"graywolf must place the design, and does not (in {folder / 'place.log'})")
    placement = read_placement(result.read_text(encoding="utf-8"))
    for kind, wanted, found in (("cell", names.cells, placement.cells), ("pin", names.pins, placement.pins)):
        missing = [each for each in wanted if each not in found]
        if missing:
            raise FlowError(f"graywolf must place each {kind}, and does not place {missing[0]} (in {folder})")
    return placement


def read_placement(text):
    """The `Placement` of graywolf's list of places: name, left, bottom, right, top, orientation, row."""
    cells, pins, rows, corners = {}, {}, defaultdict(list), []
    for line in text.splitlines():
        words = line.split()
        if len(words) < 7:
            continue
        name, (x0, y0, x1, y1) = words[0], (float(word) / UNITS for word in words[1:5])
        if name.startswith(PAD):
            pins[name.removeprefix(PAD)] = (x0 + x1) / 2, (y0 + y1) / 2
            continue
        corners.append((x0, y0, x1, y1))
        rows[y0].append((name, x0, words[5]))
    for row, bottom in enumerate(sorted(rows)):
        for name, x, orientation in rows[bottom]:
            if not name.startswith(FEEDTHROUGH):
                # 0 is upright, 1 upside down; 2 and 3 are these mirrored left to right.
                cells[name] = Placed(row, x, orientation in "23")
    box = tuple(pick(values) for pick, values in zip((min, min, max, max), zip(*corners))) if corners else (0, 0, 0, 0)
    is_first_upright = not rows or rows[min(rows)][0][2] in "02"
    return Placement(cells, len(rows), is_first_upright, pins, box)
