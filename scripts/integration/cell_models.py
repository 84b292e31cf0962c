"""Models of the cells of a fabric, which a simulator needs where the Verilog has such cells."""

from importlib.metadata import version

from ...verif.sim.simulators import source

# Name of the file, and the models of which it is made.
MODELS = {"generic": None, "ecp5": ("bitline_ecp5_cells.v", ("ecp5_cells.v", "ecp5_dsp.v", "ecp5_memories.v"))}
# Rules of Verilator's -Wall that are off in that file, and why.
WAIVERS = {
    "DECLFILENAME": "all cells are in one file",
    "WIDTH": "texts of several lengths are compared",
    "UNUSED": "ports and parameters of modes that Bitline does not use",
}
# A design of several cores has the file several times.
GUARD = """// Bitline {version}, models of the cells of {fabric} for simulators, the same for every macro and core.
// A synthesizer knows the cells, and must not read them. Define {define} where a simulator knows them too.
// SPDX-License-Identifier: Apache-2.0

`ifndef {define}
`define {define}
{off}
{models}
{on}`endif
"""


def cell_models(fabric):
    """The file of models by its name, which every design has under the same; empty where the Verilog has no cells."""
    if MODELS[fabric] is None:
        return {}
    name, parts = MODELS[fabric]
    return {name: GUARD.format(
        version=version("bitline"), fabric=fabric.upper(), define=name.removesuffix(".v").upper(),
        off="".join(f"/* verilator lint_off {rule} */  // {reason}\n" for rule, reason in WAIVERS.items()),
        models="\n".join(source(part).read_text(encoding="utf-8") for part in parts),
        on="".join(f"/* verilator lint_on {rule} */\n" for rule in WAIVERS))}
