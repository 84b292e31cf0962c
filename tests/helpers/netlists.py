"""Netlists as Yosys's JSON, with a wrong bit."""

import json


def flip(netlist, prefix, place):
    """Invert the bit of one LUT of a netlist that the truth table of its first gate holds at ``place``."""
    path = netlist.folder / "netlist.json"
    design = json.loads(path.read_text(encoding="utf-8"))
    cells = design["modules"][netlist.top]["cells"]
    name = min(name for name, cell in cells.items() if name.startswith(prefix) and reads_nets(cell))
    parameters = cells[name]["parameters"]
    key = "LUT_INIT" if "LUT_INIT" in parameters else "INIT"
    bits = list(parameters[key])
    bits[-1 - place] = "10"[int(bits[-1 - place])]
    parameters[key] = "".join(bits)
    path.write_text(json.dumps(design), encoding="utf-8")


def reads_nets(cell):
    """Whether a cell is a LUT without constant inputs, so that every bit of it counts."""
    inputs = [bits for pin, bits in cell["connections"].items() if cell["port_directions"][pin] == "input"]
    return "LUT" in cell["type"] and "MUX" not in cell["type"] and all(isinstance(bits[0], int) for bits in inputs)
