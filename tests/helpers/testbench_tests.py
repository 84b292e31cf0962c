"""How many tests a testbench has."""

from bitline.verif.sim.simulators import source


def number_of_tests(testbench):
    """Of a module of `verif`, by its text."""
    return source(f"{testbench}.py").read_text(encoding="utf-8").count("\n@cocotb.test(")
