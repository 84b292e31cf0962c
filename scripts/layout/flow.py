"""A layout of a netlist, from placement to checks, and what its wires make of delay and energy."""

import importlib.util
import math
import shutil
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

from ..asic.cells.roles import CELLS, PACKAGE, default_files
from ..asic.delay import Timing
from ..asic.flow import CLOCK, TOPS, run
from ..common.files import BadInput
from ..common.lef import read_lef
from ..common.tools import FlowError
from .def_file import def_text, obstructions, read_wires
from .elmore import arrivals
from .floorplan import floorplan
from .lvs import MATCH, compare, source
from .magic import check_rules, write_views
from .names import Names, terminals
from .picture import PACKAGE as PICTURES
from .picture import draw
from .placement import place, square
from .routing import route
from .wires import capacitance, routed_loads

# Programs, each in a package of Debian of its name.
PROGRAMS = ("graywolf", "qrouter", "magic", "netgen-lvs")
STEPS = ("placement", "routing", "GDS and netlist of the layout", "layout against netlist", "design rules", "picture",
         "simulation with routed wires")


@dataclass(frozen=True)
class TechnologyFiles:
    """What the tools need of a technology: LEF, graywolf's parameters, magic's start, netgen's rules; filler, via."""

    lef: Path = CELLS / "osu018_stdcells.lef"
    parameters: Path = CELLS / "osu018.par"
    magic: Path = CELLS / "osu018.magicrc"
    netgen: Path = CELLS / "osu018_setup.tcl"
    filler: str = "FILL"
    via: str = "M2_M1"


@dataclass(frozen=True)
class LaidOut:
    """A layout: the floorplan, the wires of each net, what the checks say, and the files by name.

    ``capacitances`` are pF of each net by length, and ``extracted`` as magic finds them in the layout; ``arrivals`` has
    the Elmore delay of each; ``rules`` are boxes by rule, and ``places`` the number of places.
    """

    plan: object
    wires: dict
    capacitances: dict
    extracted: dict
    arrivals: dict
    verdict: str
    places: int
    rules: dict
    files: dict


def check_tools(technology):
    """BadInput or FlowError, before long work begins, if something is not installed."""
    if default_files() is None or not technology.magic.exists():
        raise BadInput(f"--layout must have cells and rules, and {PACKAGE} is not installed: apt-get install {PACKAGE}")
    for program in PROGRAMS:
        if shutil.which(program) is None:
            raise FlowError(f"{program} not found: apt-get install {program}")
    if importlib.util.find_spec(PICTURES) is None:
        raise FlowError(f"{PICTURES} not found: pip install {PICTURES}")


class _Deadline:
    """What is left of a time limit, s."""

    def __init__(self, seconds):
        self._seconds, self._end = seconds, time.monotonic() + seconds

    def left(self):
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"layout must be routed and checked within {self._seconds:g} seconds, and does not")
        return left


def lay_out(netlist, name, utilization, folder, seconds, progress, technology=None):
    """Place, route and check a netlist.

    Parameters
    ----------
    netlist : Netlist
        Of the technology's cells, without constant inputs.
    name : str
    utilization : float
        Share of the rows that cells take.
    folder : Path
        Gets the files and logs of all tools; what was there is removed.
    seconds : float
        Time limit of the tools, from placement to design rules.
    progress : function
        Takes the number of a step of `STEPS`, and lines of the tools.
    technology : TechnologyFiles, optional

    Returns
    -------
    LaidOut

    Raises
    ------
    FlowError
        A tool is missing, fails, or does not end in time.
    """
    # graywolf goes on from what it finds of a run before.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        return _lay_out(netlist, name, utilization, folder, _Deadline(seconds), progress,
                        technology or TechnologyFiles())
    except TimeoutError as error:
        raise FlowError(f"{error} (in {folder}); --layout-minutes sets the limit") from None


def _lay_out(netlist, name, utilization, folder, deadline, progress, technology):
    def step(number, call, *arguments):
        progress(number, "")
        return call(*arguments, folder, lambda line: progress(number, line), deadline.left())

    names = Names(netlist)
    lef = read_lef(technology.lef)
    parameters = square(technology.parameters.read_text(encoding="latin-1"), utilization)
    placement = step(0, place, name, netlist, names, lef, parameters)
    plan = floorplan(netlist, names, lef, placement, utilization, technology.filler)
    routed = step(1, route, name, def_text(name, netlist, names, lef, plan, technology.via), obstructions(lef, plan),
                  technology.lef)
    layout = def_text(name, netlist, names, lef, plan, technology.via, routed)
    (folder / f"{name}.def").write_text(layout, encoding="utf-8")
    nodes = step(2, write_views, name, technology.lef, technology.magic)
    verdict = step(3, compare, name, source(name, netlist, names, lef, technology.filler), technology.netgen)
    places, rules = step(4, check_rules, name, technology.lef, technology.magic)
    progress(5, "")
    draw(folder / f"{name}.gds", folder / "layout.png", plan.width, plan.height)
    wires = read_wires(routed)
    capacitances = {net: capacitance(each, lef) for net, each in wires.items()}
    delays = arrivals(netlist, (folder / f"{name}_routed.rc").read_text(encoding="utf-8"), capacitances)
    return LaidOut(plan, wires, capacitances,
                   _extracted(netlist, names, nodes), delays, verdict, places, rules,
                   {"layout.def": layout, **{f"layout.{kind}": (folder / file).read_bytes() for kind, file in (
                       ("gds", f"{name}.gds"), ("png", "layout.png"))}})


def _extracted(netlist, names, nodes):
    """pF of each net, of nodes that magic calls by a pin of the layout, or by a cell and a pin of it."""
    found = {}
    for net, places in terminals(netlist).items():
        known = [names.nets[net], *(f"{names.cells[index]}/{pin}" for index, pin in places)]
        found[names.nets[net]] = sum(nodes.get(node, 0.0) for node in known)
    return found


def annotated(built, laid_out):
    """A design with the routed wires as its loads, at the period that its longest path then takes."""
    netlist = built.netlist
    (clock,) = netlist.ports[CLOCK][1]
    loads = routed_loads(netlist, Names(netlist), laid_out.capacitances)
    timing = Timing(netlist, loads, clock, built.timing.slew)
    return replace(built, timing=timing, period=math.ceil(timing.longest().nanoseconds * 1e3) / 1e3)


def measure_layout(work, built, library, setting, folder, seconds, progress):
    """Lay a design out, and measure it with its wires.

    Parameters
    ----------
    work : MacroWork
    built : Built
    library : Library
    setting : Setting
    folder, seconds, progress
        As of `lay_out`.

    Returns
    -------
    (dict, dict)
        The figures, as JSON has them; and the files of the layout, by name.
    """
    laid_out = lay_out(built.netlist, built.netlist.top, setting.wires.utilization, folder, seconds, progress)
    progress(len(STEPS) - 1, "")
    after = annotated(built, laid_out)
    figures = run(work, after, library, setting)
    area = laid_out.plan.width * laid_out.plan.height
    return {
        "evidence": "layout",
        **_geometry(built.netlist, laid_out.plan),
        **_wires(built, after, laid_out),
        "layout_against_netlist": laid_out.verdict,
        "matches": laid_out.verdict == MATCH,
        "design_rule_places": laid_out.places,
        "design_rule_boxes": laid_out.rules,
        "ports_without_pin": Names(built.netlist).left_out,
        "tops_per_mm2_of_layout": TOPS * figures["macs_per_cycle"] / figures["period_ns"] / (area * 1e-6),
        "figures": figures,
    }, laid_out.files


def _geometry(netlist, plan):
    x0, y0, x1, y1 = plan.core
    rows = (x1 - x0) * (y1 - y0)
    return {
        "die_um": [round(plan.width, 3), round(plan.height, 3)],
        "die_um2": round(plan.width * plan.height, 3),
        "rows_um2": round(rows, 3),
        "utilization": sum(instance.cell.area for instance in netlist.instances) / rows,
        "rows": len(plan.rails) - 1,
        "fillers": len(plan.fillers),
    }


def _wires(built, after, laid_out):
    netlist, wires = built.netlist, laid_out.wires
    lengths = defaultdict(float)
    for each in wires.values():
        for layer, length in each.lengths.items():
            lengths[layer] += length
    clock = Names(netlist).nets[after.timing.clock]
    if clock not in laid_out.arrivals:
        raise FlowError("qrouter must write the tree of the clock, and does not")
    edge = laid_out.arrivals[clock]
    return {
        "nets_routed": len(wires),
        "wire_um": sum(lengths.values()),
        "wire_um_by_layer": dict(sorted(lengths.items())),
        "vias": sum(each.vias for each in wires.values()),
        "wire_pf": sum(after.timing.loads.wires),
        "extracted_pf": sum(laid_out.extracted[net] for net in wires),
        "estimated_wire_pf": sum(built.timing.loads.wires),
        "nets_with_elmore": len(laid_out.arrivals),
        "greatest_elmore_ps": max((each.last for net, each in laid_out.arrivals.items() if net != clock), default=0.0),
        "clock_net": {"um": wires[clock].length, "pf": laid_out.capacitances[clock],
                      "pins": len(netlist.sinks()[after.timing.clock]),
                      "elmore_latency_ps": edge.last, "elmore_skew_ps": edge.last - edge.first},
    }
