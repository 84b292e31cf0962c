"""An engine on ECP5: the size of its blocks, and its Fmax between registers."""

from collections import Counter, defaultdict
from statistics import median, median_low

from amaranth.back import rtlil
from amaranth.hdl import Shape
from amaranth.lib.wiring import In

from ...hdl.emit import emit
from ...hdl.engine.engine import engine_members
from ...hdl.fabric.emitter import Emitter
from ...hdl.measure.foreign_module import ForeignModule
from ...hdl.measure.harness import Harness
from .block_usage import DIVIDED, Blocks, engine_apart
from .families import DEVICES
from .flow import FOR_AREA, place_and_route, synthesize, with_seeds
from .synth_report import describe_path, versions

DEVICE = DEVICES["LFE5U-85F"]
TOP, ENGINE, HARNESS = "top", "engine", "harness"
# Path of the engine within its module.
INSIDE = f"{ENGINE}.peer"


def instance(config):
    """The engine as an instance of its Verilog module."""
    pins = {name: (member.flow == In, Shape.cast(member.shape).width) for name, member in
            engine_members(config).items()}
    return ForeignModule(module=config.name, clocks=("clk",),
                         inputs={"rst": 1} | {name: width for name, (is_input, width) in pins.items() if is_input},
                         outputs={name: width for name, (is_input, width) in pins.items() if not is_input})


def synthesize_engine(config, folder, progress=None):
    """The netlist of an engine in its harness.

    Raises
    ------
    FitError, FlowError
    """
    harness = Harness(ENGINE, instance(config))
    top = rtlil.convert(harness, name=TOP, ports=harness.pins, platform=Emitter(TOP, "ecp5"), emit_src=False)
    sources = {f"{config.name}.v": emit(config, fabric="ecp5"), f"{TOP}.il": top}
    return synthesize(sources, TOP, "ecp5", folder, apart=[f"{TOP}/c:* %M", f"{TOP}.{ENGINE}/c:* %M",
                                                            *engine_apart(config.name)],
                      pads=False, device=DEVICE, options=FOR_AREA, progress=progress)


def count_blocks(netlist):
    """Cells by class, and LUT sites by the family's rule, of each block of an engine."""
    inside = INSIDE.split(".")
    known = {path for path in netlist.scopes if path.split(".")[:2] == inside}

    def block(cell):
        parts = cell.split(".")
        if parts[0] != ENGINE:
            return HARNESS
        depth = 4 if len(parts) > 3 and parts[2] in DIVIDED and ".".join(parts[:4]) in known else 3
        path = ".".join(parts[:depth])
        return ".".join(parts[2:depth]) if path in known else "connections"

    types = defaultdict(Counter)
    for name, cell in netlist.cells.items():
        types[block(name)][cell] += 1
    return {name: netlist.family.count(counts) for name, counts in types.items()}


def place_engine(netlist, seeds, folder, progress=None):
    """Fmax of an engine between registers: the median of some placements, and its critical path.

    Raises
    ------
    FitError, FlowError
    """
    runs = with_seeds(seeds, lambda seed: place_and_route(netlist, DEVICE, seed, folder / f"seed_{seed}",
                                                          progress=progress))
    middle = median_low(routed.fmax for routed in runs)
    typical = next(routed for routed in runs if routed.fmax == middle)
    blocks = Blocks(netlist, INSIDE, HARNESS)
    paths = {routed.seed: describe_path(routed.critical_path, blocks) for routed in runs}
    return {"device": DEVICE.name, "tools": versions(), "fmax_mhz": round(median(routed.fmax for routed in runs), 3),
            "seeds": [{"seed": routed.seed, "fmax_mhz": round(routed.fmax, 3), "seconds": routed.seconds,
                       "critical_path": paths[routed.seed]} for routed in runs],
            "utilization": {kind: {"used": used, "available": available}
                            for kind, (used, available) in typical.utilization.items()},
            "critical_path": paths[typical.seed]}
