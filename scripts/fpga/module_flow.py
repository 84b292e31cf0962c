"""The size of a macro, block macro or block core on ECP5, by its blocks, and its Fmax between registers."""

import json
from statistics import median

from amaranth.back import rtlil

from ...hdl.block_core.top import block_core_ports
from ...hdl.config.block_core import BlockCoreConfig
from ...hdl.emit import emit, sidecar
from ...hdl.fabric.emitter import Emitter
from ...hdl.measure.foreign_module import ForeignModule
from ...hdl.measure.harness import Harness
from .block_usage import Blocks
from .families import DEVICES
from .flow import pack_cells, place_and_route, synthesize, with_seeds
from .synth_report import COUNTED

DEVICE = DEVICES["LFE5U-85F"]
TOP, MEASURED, HARNESS = "top", "measured", "harness"
# Path of the module within the one that instantiates it; of a block core its blocks are those of the module within.
INSIDE = f"{MEASURED}.peer"
CORE_INSIDE = f"{INSIDE}.core"


def measure_module(config, folder, seeds=0, progress=None):
    """Counts of a module between shift registers, and Fmax, the median of some placements.

    Parameters
    ----------
    config : MacroConfig, FormatConfig or BlockCoreConfig
    folder : Path
    seeds : int
        Placements; 0: none, and no Fmax.
    progress : function, optional
        Takes lines of the tools.

    Returns
    -------
    dict
        ``total`` and ``blocks``: cells by class, and ``placed_sites``, LUT sites as nextpnr counts them; ``fmax_mhz``.

    Raises
    ------
    FitError, FlowError
    """
    folder = folder.resolve() / config.name
    netlist = _synthesize(config, folder, progress)
    pack_cells(netlist, DEVICE, folder, progress=progress)
    blocks = Blocks(netlist, CORE_INSIDE if isinstance(config, BlockCoreConfig) else INSIDE, HARNESS)
    cells, sites = blocks.count(), blocks.count_sites(folder / "packed.json")
    counts = {kind: {**cells[kind], "placed_sites": sites[kind]} for kind in sorted(cells)
              if kind not in (HARNESS, MEASURED)}
    report = {"total": {key: sum(each[key] for each in counts.values()) for key in COUNTED}, "blocks": counts}
    if seeds:
        runs = with_seeds(seeds, lambda seed: place_and_route(netlist, DEVICE, seed, folder / f"seed_{seed}",
                                                              progress=progress))
        report["fmax_mhz"] = round(median(routed.fmax for routed in runs), 3)
    return report


def _synthesize(config, folder, progress):
    """The netlist of a module in its harness; what is a block of it is mapped separately."""
    clock, ports = _ports(config)
    inputs, outputs = ({name: width for name, side, width in ports if side == direction and name != clock}
                       for direction in ("input", "output"))
    harness = Harness(MEASURED, ForeignModule(module=config.name, clocks=(clock,), inputs=inputs, outputs=outputs))
    top = rtlil.convert(harness, name=TOP, ports=harness.pins, platform=Emitter(TOP, "ecp5"), emit_src=False)
    name = config.name
    parents = (f"{TOP}.{MEASURED}", *(f"{name}{part}" for part in (
        "", "_core", "_block_macro", "_macro", "_join", "_*block_*")))
    apart = (*(f"{parent}/c:* %M" for parent in parents), f"{name}_*_entry_adder", f"{name}_driver_slice_*")
    return synthesize({"module.v": emit(config, fabric="ecp5"), f"{TOP}.il": top}, TOP, "ecp5", folder, apart=apart,
                      pads=False, device=DEVICE, progress=progress)


def _ports(config):
    """The clock of a module, and name, direction and width of all ports."""
    if isinstance(config, BlockCoreConfig):
        return "aclk", [(port.name, port.direction, port.width) for port in block_core_ports(config)]
    ports = json.loads(sidecar(config, "ecp5"))["ports"]
    return "clk", [(port["name"], port["direction"], port["width"]) for port in ports]
