"""How many tests a testbench has."""

from bitline.host.simulator import VERIF


def count(testbench):
    """Of a module of `verif`, by its text."""
    return (VERIF / f"{testbench}.py").read_text(encoding="utf-8").count("@cocotb.test()")
