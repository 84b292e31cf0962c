"""All views of a measured macro, as files."""

import json

from .boundary import NOMINAL, Boundary, Launch
from .constraints import constraints
from .floorplan import Floorplan
from .lef_view import abstract
from .liberty_view import LibertyView
from .picture import draw

FOLDER = "views"
PATTERNS = "*.lef", "*.lib", "*.sdc", "floorplan.json", "floorplan.png"


def views(built, library, roles, setting, technology, clock, rows, label, figures):
    """Views of a macro's netlist.

    Parameters
    ----------
    built : Built
    library : Library
    roles : Roles
    setting : Setting
    technology : Technology
    clock : str
        Name of the clock's port.
    rows : int
        Of the macro.
    label, figures : dict
        Of the report: what its figures are of, and those of the macro.

    Returns
    -------
    (dict of str to str or bytes, dict)
        Files by name, and what the report says of them.
    """
    netlist, name = built.netlist, built.netlist.top
    per_pin = setting.wires.per_pin(netlist)
    boundary = Boundary(netlist, roles, per_pin, clock)
    floorplan = Floorplan(netlist, technology, setting.wires.utilization, rows)
    energy = figures["pj_per_cycle"]
    words = comment(label)
    area = floorplan.width * floorplan.height
    late, early = (LibertyView(name, library, boundary, area=area, leakage=figures["leakage_nw"],
                               energy=energy["inside"], comment=words, is_early=is_early).text()
                   for is_early in (False, True))
    files = {"floorplan.json": json.dumps(floorplan.to_dict(), indent=1) + "\n",
             "floorplan.png": draw(floorplan, name),
             f"{name}.lef": abstract(name, floorplan, clock, words), f"{name}.lib": late, f"{name}_early.lib": early,
             f"{name}.sdc": constraints(netlist, clock, built.period, boundary.slews[NOMINAL], words)}
    return {f"{FOLDER}/{file}": content for file, content in files.items()}, summary(floorplan, boundary, energy)


def remove_stale(out, contents):
    """Remove what an earlier run has left in the folder of views, and ``contents``, paths below ``out``, has not."""
    folder = out / FOLDER
    for path in [path for pattern in PATTERNS for path in folder.glob(pattern)]:
        if f"{FOLDER}/{path.name}" not in contents:
            path.unlink()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def comment(label):
    """What the figures of a view are of, in one line that ends no comment."""
    text = (f"Evidence: {label['evidence']}; no layout, wires estimated, no clock tree. Cells of {label['library']}, "
            f"{label['corner']}, {label['voltage_v']:g} V, {label['temperature_c']:g} C; bits: "
            f"{label['weight_bits']} x {label['input_bits']}, bitcells: {label['bitcells']}; energy of data: "
            f"{label['data']}.")
    return " ".join(text.split()).replace("*/", "* /")


def summary(floorplan, boundary, energy):
    """What the report says of the views."""

    def worst(kind, tables):
        return {port.name: round(max(max(values) for values in tables(port).values()), 6)
                for port in boundary.ports if port.is_input == kind and tables(port)}

    def checks(tables):
        return {edge: [row[NOMINAL] for row in rows] for edge, rows in tables.items()}

    return {
        "width_um": floorplan.width, "height_um": floorplan.height, "pins": len(floorplan.pins),
        "pins_decide_size": floorplan.is_pin_limited,
        "min_period_ns": boundary.min_period,
        "setup_ns": worst(True, lambda port: checks(port.setup)),
        "hold_ns": worst(True, lambda port: checks(port.hold)),
        "clock_to_output_ns": worst(False, lambda port: {
            edge: [rows[NOMINAL][0]] for edge, rows in port.late.get(boundary.clock, Launch()).delays.items()}),
        "pj_per_cycle": energy,
    }
