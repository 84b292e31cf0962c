"""Simulates a component in Python."""

from amaranth.sim import Simulator


def simulate(component, testbench, *, clocked=True):
    """Run a testbench on a component, with a clock unless it is combinational."""
    simulator = Simulator(component)
    if clocked:
        simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
