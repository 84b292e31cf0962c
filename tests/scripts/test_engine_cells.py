"""Cells of the default engine on an ECP5."""

import re
from collections import Counter

import pytest
from bitline.hdl.config.engine import default_engine
from bitline.hdl.emit import emit
from bitline.hdl.fabric.design import Design
from bitline.scripts.fpga.families import DEVICES
from places import ROOT


def cells_of(verilog, name):
    """Cells of a module and those in it, by kind, and products that synthesis is left to make."""
    module, counts = verilog.modules[name], Counter()
    counts["products"] = len(re.findall(r"\$signed\([^()]*\) \* ", module.text))
    for instance in module.instances.values():
        counts += cells_of(verilog, instance.module) if instance.module in verilog.modules else {instance.module: 1}
    return counts


@pytest.mark.slow
def test_cells_of_the_default_engine():
    """Its block RAMs and multipliers are not more than an ECP5-85F has, by the numbers that the documents give."""
    config, device = default_engine(), DEVICES["LFE5U-85F"].capacity
    counts = cells_of(Design(emit(config, "ecp5")), config.name)
    text = " ".join((ROOT / "docs" / "engine.md").read_text(encoding="utf-8").split())
    block_rams = counts["PDPW16KD"] + counts["DP16KD"]
    assert (f"{block_rams} of {device['block_ram']} block RAMs and {counts['MULT18X18D']} of {device['dsp']} "
            "MULT18X18D") in text
    assert block_rams <= device["block_ram"] and counts["MULT18X18D"] <= device["dsp"]
    assert not counts["products"]
