"""A core on ECP5: the size of its blocks, and its Fmax between registers."""

import json
from collections import Counter
from statistics import median, median_low

from amaranth.back import rtlil

from ...hdl.core.top import core_ports
from ...hdl.emit import emit
from ...hdl.fabric.emitter import Emitter
from ...hdl.measure.core_instance import DOMAIN, CoreInstance
from ...hdl.measure.harness import Harness
from ...verif.sim.core import build_core
from ...verif.sim.simulators import SimulatorError, testbench
from .block_usage import Blocks
from .families import DEVICES, FAMILIES
from .flow import FOR_AREA, map_design, pack_cells, place_and_route, synthesize, with_seeds
from .netlist_check import CheckError, model_without_harness
from .synth_report import describe_path

DEVICE = DEVICES["LFE5U-85F"]
TOP, CORE, HARNESS = "top", "core", "harness"
# Path of the core within its module.
INSIDE = f"{CORE}.core"
# The macro's blocks that are not overhead.
ARRAY = ("_block_", "_ones")
# Tests of `tb_core` that a netlist must pass.
CHECKS = ("extremes", "random_traffic", "self_test")


def apart(config):
    """Selects, for `synthesize`, the modules that are blocks of a core."""
    name = config.name
    parents = (name, f"{name}_core", f"{name}_macro", f"{name}_*_block_*", *([f"{name}_dma"] if config.dma else []))
    return [f"{parent}/c:* %M" for parent in parents]


def measure_size(config, folder):
    """Cells by class of each block of a core on ECP5, before placement; the macro's columns are separate."""
    name = config.name
    map_design({f"{name}.v": emit(config, fabric="ecp5")}, name, "ecp5", folder / f"{name}_ecp5", apart=apart(config),
               options=FOR_AREA)
    modules = json.loads((folder / f"{name}_ecp5" / "mapped.json").read_text(encoding="utf-8"))["modules"]

    def cells(module):
        found = Counter()
        for cell in modules[module]["cells"].values():
            found += cells(cell["type"]) if cell["type"].startswith(name) else Counter([cell["type"]])
        return found

    blocks = {}
    for module in (f"{name}_core", f"{name}_macro"):
        for instance, cell in modules[module]["cells"].items():
            kind = cell["type"]
            if kind == f"{name}_macro":
                continue
            if module.endswith("_macro") and kind.startswith(name):
                block = "columns" if any(part in kind for part in ARRAY) else f"macro {kind.removeprefix(name + '_')}"
            else:
                block = instance if kind.startswith(name) else "connections"
            blocks[block] = blocks.get(block, Counter()) + (cells(kind) if kind.startswith(name) else Counter([kind]))
    if config.dma:
        blocks["dma"] = cells(f"{name}_dma")
    return {block: FAMILIES["ecp5"].count(count) for block, count in blocks.items()}


def synthesize_core(config, folder, progress=None):
    """The netlist of a core in its harness."""
    harness = Harness(CORE, CoreInstance(config=config))
    top = rtlil.convert(harness, name=TOP, ports=harness.pins, platform=Emitter(TOP, "ecp5"), emit_src=False)
    sources = {f"{config.name}.v": emit(config, fabric="ecp5"), f"{TOP}.il": top}
    return synthesize(sources, TOP, "ecp5", folder, apart=[f"{TOP}/c:* %M", *apart(config)],
                      pads=False, device=DEVICE, progress=progress)


def check_core(config, netlist, *, simulator="verilator", open_pins="1"):
    """Run `CHECKS` on a netlist in its harness, before it is placed.

    Returns
    -------
    int
        Tests that passed, which are all.

    Raises
    ------
    CheckError
    """
    cells = f"{config.name}_cells"
    folder, verilog = model_without_harness(netlist, cells, open_pins)
    built = build_core(config, simulator=simulator, folder=folder, verilog=wrapper(config, cells) + verilog)
    try:
        count = built.run(testbench("tb_core"), seed=1, folder=folder, environment={
            "BITLINE_CORE_CONFIG": config.to_json(), "COCOTB_TEST_FILTER": rf"\.({'|'.join(CHECKS)})$"})
    except SimulatorError as error:
        raise CheckError(f"the netlist of {config.name} must do what the model does: {error}") from None
    if count != len(CHECKS):
        raise CheckError(f"the netlist of {config.name} must run the {len(CHECKS)} tests {', '.join(CHECKS)}, and ran "
                         f"{count}")
    return count


def wrapper(config, cells):
    """The core's module around a netlist whose clock and reset are those of the harness."""
    ports = core_ports(config)
    heads = ",\n  ".join(f"{port.direction} [{port.width - 1}:0] {port.name}" for port in ports)
    pins = ", ".join(f".{port.name}({port.name})" for port in ports if port.name not in DOMAIN)
    return (f"module {config.name} (\n  {heads}\n);\n"
            f"{cells} cells (.clk(aclk), .rst(~aresetn), {pins});\nendmodule\n")


def place_core(config, netlist, seeds, folder, progress=None):
    """Fmax of a core between registers: the median of some placements, and its critical path.

    Raises
    ------
    FitError, FlowError
    """
    usage = pack_cells(netlist, DEVICE, folder, progress=progress)
    runs = with_seeds(seeds, lambda seed: place_and_route(netlist, DEVICE, seed, folder / f"seed_{seed}",
                                                          progress=progress))
    middle = median_low(routed.fmax for routed in runs)
    typical = next(routed for routed in runs if routed.fmax == middle)
    paths = {routed.seed: describe_path(routed.critical_path, Blocks(netlist, INSIDE, HARNESS)) for routed in runs}
    return {"device": DEVICE.name, "fmax_mhz": round(median(routed.fmax for routed in runs), 3),
            "seeds": [{"seed": routed.seed, "fmax_mhz": round(routed.fmax, 3), "seconds": routed.seconds,
                       "critical_path": paths[routed.seed]} for routed in runs],
            "placed_sites": usage["TRELLIS_COMB"][0], "critical_path": paths[typical.seed]}
