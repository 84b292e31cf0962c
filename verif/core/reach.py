"""Inputs of the bench module around a core, by which tests reach into it."""

# Width of each.
INPUTS = {"strike": 1, "stuck": 1, "level": 1, "store": 32, "word": 32, "bit_": 32, "preset": 1, "count": 32}


def reach_in(dut, **values):
    """Set some inputs of the bench module, and the others to zero."""
    for name in INPUTS:
        getattr(dut, name).value = values.get(name, 0)
