"""Runs of a core's testbenches."""

import xml.etree.ElementTree as ElementTree

from bitline.hdl.emit import emit
from bitline.verif.fault_injection.storage import surround
from bitline.verif.sim.build import build
from bitline.verif.sim.core import build_core
from bitline.verif.sim.simulators import SimulatorError
from bitline.verif.sim.simulators import testbench as module_of


def run(config, testbench, folder, *, verilog=None, simulator="verilator", test=None, inside=False, plusargs=(),
        **environment):
    """Names of the failed tests of a testbench, and how many there were; ``inside``: one that reaches into the core."""
    environment |= {"BITLINE_CORE_CONFIG": config.to_json()}
    if test:
        environment["COCOTB_TEST_FILTER"] = rf"\.{test}$"
    if inside:
        verilog = verilog or emit(config)
        core = build(config, simulator=simulator, surround=surround(config, verilog), verilog=verilog)
    else:
        core = build_core(config, simulator=simulator, verilog=verilog)
    try:
        core.run(module_of(testbench), seed=1, environment=environment, plusargs=plusargs, folder=folder)
    except SimulatorError as error:
        reason = str(error)
        assert "failed" in reason, reason
    cases = list(ElementTree.parse(folder / "results.xml").iter("testcase"))
    failed = [case.get("name") for case in cases if case.find("failure") is not None or case.find("error") is not None]
    return failed, len(cases)
