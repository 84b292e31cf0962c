"""How many tests a testbench has."""

from bitline.host.simulator import VERIF


def number_of_tests(testbench):
    """Of a module of `verif`, by its text."""
    return (VERIF / f"{testbench}.py").read_text(encoding="utf-8").count("@cocotb.test()")
