"""Verilog that is broken on purpose."""

from bitline.hdl.emit import design


def broken(config, block, old, new):
    """Verilog of a configuration with one place of a block changed, as `Design.mutated` has it; "" for the top."""
    return design(config).mutated("_".join(filter(None, (config.name, block))), old, new).text


def broken_by_number(config, changes):
    """Verilog of a configuration that is broken in one of several places, for which it is compiled once.

    ``changes``: of each a block, a piece of its Verilog with an expression ``%1`` in it, and what takes the place of
    this expression in a simulation with ``+broken=N``, N being 1 for the first.
    """
    found = design(config)
    for number, (block, old, expression) in enumerate(changes, 1):
        found = found.mutated(f"{config.name}_{block}", old, old.replace(
            "%1", f"(seeded_bug == {number} ? ({expression}) : (%1))"))
    for block in dict.fromkeys(block for block, *_ in changes):
        found = found.mutated(f"{config.name}_{block}", "\n);\n", "\n);\n  integer seeded_bug = 0;\n"
                              '  initial if ($value$plusargs("broken=%d", seeded_bug)) begin end\n')
    return found.text
