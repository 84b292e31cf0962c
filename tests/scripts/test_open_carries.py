import json
import random

import pytest
from bitline.scripts.fpga.open_carries import OPEN, ignores_carry_in, open_carries

NET, OTHER = 10, 11
# The first position of a chain that makes its own carry-in: C and D are high, so that propagate is zero.
LEAD = {"A0": [NET], "B0": [OTHER], "C0": ["1"], "D0": ["1"], "INIT0": 0x000A}


def carry_cell(cin, cout, sums=(20, 21), mode="NO", **half):
    """A CCU2C as Yosys writes it; its lower half adds NET and OTHER unless said otherwise."""
    half = {"A0": [NET], "B0": [OTHER], "C0": ["0"], "D0": ["1"], "INIT0": 0x96AA} | half
    init = half.pop("INIT0")
    pins = half | {"A1": [NET], "B1": [OTHER], "C1": ["0"], "D1": ["1"], "CIN": [cin], "COUT": [cout],
                   "S0": [sums[0]], "S1": [sums[1]]}
    return {"type": "CCU2C", "connections": pins,
            "port_directions": {name: "output" if name in ("S0", "S1", "COUT") else "input" for name in pins},
            "parameters": {"INIT0": f"{init:016b}", "INIT1": f"{0x96AA:016b}", "INJECT1_0": mode, "INJECT1_1": "NO"}}


def trim(tmp_path, outputs, **cells):
    """Run the pass over a module of these cells and output nets; the pins CIN and COUT of each cell after it."""
    path = tmp_path / "netlist.json"
    path.write_text(json.dumps({"modules": {"top": {
        "ports": {"i": {"direction": "input", "bits": [NET, OTHER]}, "o": {"direction": "output", "bits": outputs}},
        "cells": cells}}}))
    opened = open_carries(path)
    after = json.loads(path.read_text())["modules"]["top"]["cells"]
    return opened, {name: (cell["connections"]["CIN"], cell["connections"]["COUT"]) for name, cell in after.items()}


def test_a_chain_with_a_lead_is_opened_at_both_ends(tmp_path):
    opened, pins = trim(tmp_path, [21, 23], first=carry_cell("0", 30, **LEAD), last=carry_cell(30, 31, (22, 23)))
    assert opened == (1, 1)
    assert pins == {"first": (OPEN, [30]), "last": ([30], OPEN)}


@pytest.mark.parametrize(("cell", "outputs"), [
    (carry_cell("0", 30), [21]),                                            # a plain addition, whose carry-in is zero
    (carry_cell("1", 30), [21]),                                            # ... and one
    (carry_cell(NET, 30, **LEAD), [21]),                                    # a carry-in that comes from somewhere
    (carry_cell("0", 30, **LEAD | {"C0": [OTHER], "INIT0": 0x0F0A}), [21]),  # C may be low, and then it propagates
    (carry_cell("0", 30, **LEAD | {"C0": ["x"], "INIT0": 0x0F0A}), [21]),   # nobody knows what C is
    (carry_cell("0", 30, **LEAD), [20, 21]),                                # its sum, which shows the carry-in, is read
], ids=["zero", "one", "driven", "propagates", "unknown", "sum"])
def test_a_carry_in_that_matters_stays(cell, outputs, tmp_path):
    before = cell["connections"]["CIN"]
    (carry_ins, _), pins = trim(tmp_path, outputs, cell=cell)
    assert carry_ins == 0 and pins["cell"][0] == before


def test_a_constant_that_rules_propagation_out_is_seen(tmp_path):
    (carry_ins, _), _ = trim(tmp_path, [21], cell=carry_cell("0", 30, **LEAD | {"INIT0": 0x0FFA}))
    assert carry_ins == 1


def test_an_injecting_half_does_not_show_its_carry_in(tmp_path):
    (carry_ins, _), _ = trim(tmp_path, [20, 21], cell=carry_cell("0", 30, mode="YES", **LEAD))
    assert carry_ins == 1


def test_a_carry_out_that_is_read_stays(tmp_path):
    assert trim(tmp_path, [21, 30], cell=carry_cell("0", 30)) == ((0, 0), {"cell": (["0"], [30])})
    assert trim(tmp_path, [21], cell=carry_cell("0", 30)) == ((0, 1), {"cell": (["0"], OPEN)})


def outputs_of(cell, values, carry_in):
    """S0 and the carry of the lower half of a CCU2C, as Yosys's model of the cell has them."""
    index = sum(values[pin] << place for place, pin in enumerate("ABCD"))
    init = int(cell["parameters"]["INIT0"], 2)
    injects = cell["parameters"]["INJECT1_0"] == "YES"
    propagate, generate = init >> index & 1, init >> (index & 3) & 1 and not injects
    return propagate ^ (carry_in and not injects), carry_in if propagate else generate


def test_what_is_opened_never_matters():
    rng = random.Random(1)
    opened = 0
    for _ in range(20000):
        tied = {pin: rng.choice(["0", "1", 12, 13, "x"]) for pin in "ABCD"}
        cell = carry_cell("0", 30, mode=rng.choice(["YES", "NO"]), INIT0=rng.getrandbits(16) & rng.getrandbits(16),
                          **{f"{pin}0": [bit] for pin, bit in tied.items()})
        is_read = rng.random() < 0.5
        if not ignores_carry_in(cell, {20, 21} if is_read else {21}):
            continue
        opened += 1
        for index in range(16):
            values = {pin: index >> place & 1 if tied[pin] not in ("0", "1") else int(tied[pin])
                      for place, pin in enumerate("ABCD")}
            (sum_0, carry_0), (sum_1, carry_1) = (outputs_of(cell, values, carry_in) for carry_in in (0, 1))
            assert carry_0 == carry_1 and (sum_0 == sum_1 or not is_read)
    assert opened > 100
