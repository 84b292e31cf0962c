"""Opens unused carry pins of ECP5 netlists, on which nextpnr would spend four LUT sites per adder."""

import json

# Yosys's notation for a pin without a driver; nextpnr crashes if the port is missing.
OPEN = ["x"]


def open_carries(path):
    """Open the unused carry pins of every CCU2C of a JSON netlist, in place.

    Yosys ties the carry-in of each chain low and leaves the carry-out of each dangling. nextpnr takes both for signals
    from and to the fabric, and adds a CCU2C for each. COUT is opened where nothing reads it. CIN is opened where
    it is constant (or open) and its value changes nothing: see `ignores_carry_in`.

    Returns
    -------
    (int, int)
        Pins opened, CIN and COUT.
    """
    design = json.loads(path.read_text(encoding="utf-8"))
    carry_ins = carry_outs = 0
    for module in design["modules"].values():
        read = _read_nets(module)
        for cell in module["cells"].values():
            if cell["type"] != "CCU2C":
                continue
            pins = cell["connections"]
            if pins.get("COUT", OPEN) != OPEN and pins["COUT"][0] not in read:
                pins["COUT"] = OPEN
                carry_outs += 1
            if pins.get("CIN", OPEN)[0] in ("0", "1") and ignores_carry_in(cell, read):
                pins["CIN"] = OPEN
                carry_ins += 1
    path.write_text(json.dumps(design), encoding="utf-8")
    return carry_ins, carry_outs


def _read_nets(module):
    """Nets that a port of the module or an input of a cell reads."""
    read = {bit for port in module.get("ports", {}).values() if port["direction"] != "input" for bit in port["bits"]}
    for cell in module["cells"].values():
        directions = cell.get("port_directions", {})
        for name, bits in cell["connections"].items():
            if directions.get(name) != "output":
                read.update(bits)
    return read


def ignores_carry_in(cell, read):
    """Whether the carry-in of a CCU2C reaches neither its carry chain nor a sum that anything reads.

    The lower half hands on ``propagate ? CIN : generate`` and gives ``propagate ^ CIN``, its sum. For all inputs that
    its constant pins allow, propagate (the LUT ``INIT0`` of A to D) must be zero, and the sum must be unread.
    """
    pins, parameters = cell["connections"], cell["parameters"]
    if parameters.get("INJECT1_0") == "NO" and any(bit in read for bit in pins.get("S0", ())):
        return False
    init = int(parameters.get("INIT0", "0"), 2)
    constants = [pins.get(f"{name}0", OPEN)[0] for name in "ABCD"]
    possible = (index for index in range(16)
                if all(bit not in ("0", "1") or index >> place & 1 == int(bit) for place, bit in enumerate(constants)))
    return not any(init >> index & 1 for index in possible)
