"""Verilog that is broken on purpose."""

from bitline.hdl.emit import design


def broken(config, block, old, new):
    """Verilog of a configuration with one place of a block changed, as `Design.mutated` has it; "" for the top."""
    return design(config).mutated("_".join(filter(None, (config.name, block))), old, new).text
