"""Runs of programs on the Verilog of a block macro."""

import json
import tempfile
from pathlib import Path

from ...hdl.emit import emit
from ...hdl.formats.block_macro import block_macro_members
from ..sim.build import Surround, build, testbench

# Cycles without a transfer after which a macro counts as stuck.
PATIENCE = 5000


def run_program(program, *, pauses=None, seed=0, folder=Path("build/sim"), verilog=None, plusargs=()):
    """What comes out of a block macro, and in how many cycles.

    Parameters
    ----------
    program : Program
    pauses : dict of str to float
        Share of the cycles in which the streams ``w``, ``i`` and ``o`` pause.
    seed : int
        Of the pauses.
    folder : Path
        Of compiled simulations.
    verilog : str
        The macro's where it is there already, with models of its cells; by default it is generated.
    plusargs : iterable of str
        Of the simulation.

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
    config = program.config
    visible = ("clk", "rst", *block_macro_members(config))
    built = build(config, folder=folder, surround=Surround(config.name, {}, {}, visible),
                  verilog=emit(config) if verilog is None else verilog)
    with tempfile.TemporaryDirectory() as name:
        given, found = Path(name) / "given.json", Path(name) / "found.json"
        given.write_text(json.dumps({"beats": program.beats, "needs": program.needs, "pauses": pauses or {},
                                     "seed": seed, "patience": PATIENCE}), encoding="utf-8")
        built.run(testbench("tb_block_macro"), seed=1, folder=Path(name), plusargs=plusargs, environment={
            "BITLINE_PROGRAM": str(given), "BITLINE_FOUND": str(found)})
        result = json.loads(found.read_text(encoding="utf-8"))
    return result["found"], result["cycles"]
