"""Measured costs of macros in standard cells: area, shortest clock period, and energy of a cycle with random data."""

from functools import cache

from ..asic.cells.roles import PACKAGE, default_files, find_roles, read_cells
from ..asic.data import random_data
from ..asic.designs import MacroWork
from ..asic.flow import Setting, build, run
from ..asic.simulation import simulator
from ..common.files import BadInput

# Vectors that are simulated, and the seed that draws them and the weights.
VECTORS, SEED = 8, 1
BITCELL = "latch"


def require_cells():
    """BadInput or FlowError, before long work begins, if the library or a compiler is missing."""
    if default_files() is None:
        raise BadInput(f"{PACKAGE} not found: apt-get install {PACKAGE}")
    simulator()


@cache
def _library():
    library, _ = read_cells()
    return library, find_roles(library)


def measure_cells(job):
    """The costs of a macro, in Debian's library and with latches.

    Parameters
    ----------
    job : (MacroConfig, Path)
        The folder gets the files of the tools.

    Returns
    -------
    dict
        ``configuration``, ``area_um2`` of cells, ``period_ns`` of the clock, and ``pj_per_cycle`` of all energy.

    Raises
    ------
    ValueError
        A result is wrong.
    """
    config, folder = job
    library, roles = _library()
    work = MacroWork(config, random_data(config, VECTORS, SEED), BITCELL)
    figures = run(work, build(work, library, roles, Setting(), folder / config.name), library, Setting())
    if figures["results"]["wrong"]:
        raise ValueError(f"results of {config.name} must be those of the golden model, and are not")
    return {"configuration": config.to_dict(), "area_um2": figures["area_um2"], "period_ns": figures["period_ns"],
            "pj_per_cycle": round(figures["pj_per_mac"] * figures["macs_per_cycle"], 4)}
