"""Layout against netlist, by netgen: at the level of cells, as LEF has no transistors."""

from ..common.lef import GROUND, POWER
from ..common.progress import count_of
from ..common.tools import FlowError, run_program
from .names import GROUND_NET, POWER_NET, terminals

RESULT = "Result:"
# Heading of a table of two columns: ports of the layout, ports of the netlist. The last one is that of the design.
PORTS = "Subcircuit pins:"
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
    """Compare ``NAME.spice``, which magic has written, with a netlist; returns `verdict`.

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
        netgen ends without a verdict.
    TimeoutError
    """
    (folder / "source.spice").write_text(text, encoding="utf-8")
    result = folder / "lvs.out"
    result.unlink(missing_ok=True)
    run_program(["netgen-lvs", "-batch", "lvs", f"{name}.spice {name}", f"source.spice {name}", setup, result.name],
                folder, "lvs.log", progress, seconds)
    log = folder / "lvs.log"
    found = result.exists() and verdict(log.read_text(encoding="utf-8"), result.read_text(encoding="utf-8"))
    if not found:
        raise FlowError(f"netgen must compare layout and netlist, and does not (in {log})")
    return found


def verdict(log, tables):
    """netgen's last words on the design, and ports that differ; None if it has none.

    netgen calls circuits equal whatever their ports are called, so those are compared here.

    Parameters
    ----------
    log : str
    tables : str
        The file that netgen writes.
    """
    words = [line.removeprefix(RESULT).strip() for line in log.splitlines() if line.startswith(RESULT)]
    if not words or words[-1] != MATCH:
        return words[-1] if words else None
    ports = _ports(tables)
    wrong = [f"{one} in the layout, {other} in the netlist" for one, other in ports if one != other]
    if wrong:
        return f"{count_of(len(wrong), 'port')} of {len(ports)} must match, and do not; the first: {wrong[0]}"
    return MATCH if ports else None


def _ports(tables):
    """Ports of the layout and of the netlist, in pairs, as the last table has them."""
    lines = iter(tables.rpartition(PORTS)[2].splitlines() if PORTS in tables else [])
    pairs = []
    for line in lines:
        if pairs and line.startswith("---"):
            break
        one, is_pair, other = line.partition("|")
        if is_pair and not line.startswith(("Circuit 1:", "---")):
            pairs.append((one.strip(), other.replace("**Mismatch**", "").strip()))
    return pairs
