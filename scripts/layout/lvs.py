"""Layout against netlist, by netgen: at the level of cells, as LEF has no transistors."""

from ..common.tools import FlowError, run_program
from .lef import GROUND, POWER
from .names import GROUND_NET, POWER_NET, terminals

RESULT = "Result:"
MATCH = "Circuits match uniquely."


def source(name, netlist, names, lef, filler):
    """The netlist as SPICE: cells as empty subcircuits, with supplies; a pin that has no net is on one of its own."""
    kinds = {instance.cell.name for instance in netlist.instances} | {filler}
    lines = ["* netlist that was laid out"]
    for kind in sorted(kinds):
        lines += [f".subckt {kind} {' '.join(lef.cells[kind].pins)}", f".ends {kind}"]
    used = terminals(netlist)
    pins = [*(pin for pin, net in names.pins.items() if net in used), POWER_NET, GROUND_NET]
    lines.append(f".subckt {name} {' '.join(pins)}")
    for instance, cell in zip(netlist.instances, names.cells):
        abstract = lef.cells[instance.cell.name]
        supplies = {abstract.supply(POWER): POWER_NET, abstract.supply(GROUND): GROUND_NET}
        nets = [supplies.get(pin) or (names.nets[instance.pins[pin]] if pin in instance.pins else f"open_{cell}_{pin}")
                for pin in abstract.pins]
        lines.append(f"X{cell} {' '.join(nets)} {instance.cell.name}")
    return "\n".join([*lines, f".ends {name}", ".end", ""])


def compare(name, text, setup, folder, progress=None, seconds=None):
    """Compare ``NAME.spice``, which magic has written, with a netlist; returns netgen's verdict.

    Parameters
    ----------
    name : str
    text : str
        As of `source`.
    setup : Path
        netgen's rules of the technology.
    folder : Path
    progress, seconds

    Raises
    ------
    FlowError
    TimeoutError
    """
    (folder / "source.spice").write_text(text, encoding="utf-8")
    result = folder / "lvs.out"
    result.unlink(missing_ok=True)
    run_program(["netgen-lvs", "-batch", "lvs", f"{name}.spice {name}", f"source.spice {name}", setup, result.name],
                folder, "lvs.log", progress, seconds)
    if not result.exists():
        raise FlowError(f"netgen must compare layout and netlist, and does not (in {folder / 'lvs.log'})")
    return verdict((folder / "lvs.log").read_text(encoding="utf-8"))


def verdict(log):
    """netgen's last words on the design."""
    return next((line.removeprefix(RESULT).strip() for line in reversed(log.splitlines()) if line.startswith(RESULT)),
                "no verdict")
