"""Runs of programs on the Verilog of a block macro or block core."""

import json
import tempfile
from pathlib import Path

from ...hdl.block_core.top import block_core_ports
from ...hdl.emit import emit
from ...hdl.formats.block_macro import block_macro_members
from ..sim.build import Surround, build
from ..sim.simulators import testbench
from .streams import CORE, MACRO

# Cycles without a transfer after which a macro counts as stuck.
PATIENCE = 5000


def run_program(program, *, verilog=None, **more):
    """What comes out of a block macro, and in how many cycles.

    Parameters
    ----------
    program : Program
    verilog : str
        The macro's where it is there already, with models of its cells; by default it is generated.
    **more
        As of `run_on`.

    Returns
    -------
    found : list of dict
        Beats of results.
    cycles : int
        From the first beat of a vector to the last result, both included.

    Raises
    ------
    SimulatorError
        The macro is stuck, or the simulator refuses it.
    """
    ports = ("clk", "rst", *block_macro_members(program.config))
    result = run_on(program.config, ports, "tb_block_macro", program, MACRO, verilog=verilog, **more)
    return result["found"], result["cycles"]


def run_core(config, program, *, verilog=None, **more):
    """What comes out of a block core, in how many cycles, and what its registers then are.

    Parameters
    ----------
    config : BlockCoreConfig
    program : CoreProgram
    verilog, **more
        As of `run_program`.

    Returns
    -------
    dict
        ``found`` and ``cycles`` as of `run_program`; ``registers`` by name, ``refused`` accesses, and ``irq``.
    """
    ports = [port.name for port in block_core_ports(config)]
    return run_on(config, ports, "tb_block_core", program, CORE, verilog=verilog,
                  environment={"BITLINE_CORE_CONFIG": config.to_json()}, **more)


def run_on(config, ports, name, program, streams, *, pauses=None, seed=0, folder=Path("build/sim"), verilog=None,
           plusargs=(), environment=None, unknowns=False):
    """What a testbench writes that plays a program.

    Parameters
    ----------
    config : FormatConfig or BlockCoreConfig
    ports : iterable of str
        Of its Verilog.
    name : str
        Of the testbench.
    program : Program
    streams : dict
        `MACRO` or `CORE`.
    pauses : dict of str to float
        Share of the cycles in which the streams ``w``, ``i`` and ``o`` pause.
    seed : int
        Of the pauses.
    folder : Path
        Of compiled simulations.
    verilog : str
        By default it is generated.
    plusargs : iterable of str
        Of the simulation.
    environment : dict of str to str
        Of the testbench.
    unknowns : bool
        As of `build`.
    """
    built = build(config, folder=folder, surround=Surround(config.name, {}, {}, tuple(ports)),
                  verilog=emit(config) if verilog is None else verilog, unknowns=unknowns)
    with tempfile.TemporaryDirectory() as scratch:
        given, found = Path(scratch) / "given.json", Path(scratch) / "found.json"
        given.write_text(json.dumps({"beats": program.beats, "needs": program.needs, "pauses": pauses or {},
                                     "seed": seed, "patience": PATIENCE, **streams}), encoding="utf-8")
        built.run(testbench(name), seed=1, folder=Path(scratch), plusargs=plusargs, environment={
            "BITLINE_PROGRAM": str(given), "BITLINE_FOUND": str(found), **(environment or {})})
        return json.loads(found.read_text(encoding="utf-8"))
