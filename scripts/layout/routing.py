"""Routing by qrouter."""

from ..common.tools import FlowError, run_program
from .names import GROUND_NET, POWER_NET

# Layers that wires may use, from the lowest.
LAYERS = 5
MARK = "bitline failed nets:"
# At most one via on another: the rules of the technology have none on top of each other.
SCRIPT = """vdd {power}
gnd {ground}
read_lef {lef}
layers {layers}
via stack 1
{obstructions}
read_def {unrouted}
qrouter::standard_route {routed} false
puts "{mark} [lindex [failing summary] 0]"
quit
"""


def route(name, text, obstructions, lef, folder, progress=None, seconds=None):
    """Run qrouter in a folder; returns the routed DEF, and writes ``NAME_routed.rc``, the trees of resistance.

    Parameters
    ----------
    name : str
        Of the files.
    text : str
        DEF of the floorplan.
    obstructions : iterable of (float, float, float, float, str)
        x0, y0, x1, y1, um, and layer, where no wire may be.
    lef : Path
    folder : Path
    progress : function, optional
        Takes lines of qrouter.
    seconds : float, optional

    Raises
    ------
    FlowError
        qrouter is not installed, or leaves a net without a route.
    TimeoutError
    """
    unrouted, routed = f"{name}_unrouted.def", f"{name}_routed.def"
    (folder / unrouted).write_text(text, encoding="utf-8")
    (folder / routed).unlink(missing_ok=True)
    script = SCRIPT.format(layers=LAYERS, power=POWER_NET, ground=GROUND_NET, lef=lef, unrouted=unrouted,
                           routed=routed, mark=MARK, obstructions="\n".join(
                               f"obstruction {x0:.3f} {y0:.3f} {x1:.3f} {y1:.3f} {layer}"
                               for x0, y0, x1, y1, layer in obstructions))
    (folder / "route.tcl").write_text(script, encoding="utf-8")
    run_program(["qrouter", "-nog", "-s", "route.tcl"], folder, "route.log", progress, seconds)
    log = (folder / "route.log").read_text(encoding="utf-8")
    failed = [line for line in log.splitlines() if line.startswith(MARK)]
    if not failed or not (folder / routed).exists() or not (folder / f"{name}_routed.rc").exists():
        raise FlowError(f"qrouter must route the design, and does not (in {folder / 'route.log'})")
    count = failed[-1].removeprefix(MARK).strip()
    if count != "0":
        raise FlowError(f"qrouter must route all nets, and leaves {count}: a lower --utilization gives more room")
    return (folder / routed).read_text(encoding="utf-8")
