"""Measured costs of macros: LUT sites and block RAMs of ECP5, before placement."""

from ...hdl.emit import emit
from ..fpga.block_usage import apart
from ..fpga.flow import map_design

# What a point has beside its configuration.
MEASURED = ("lut_sites", "block_ram")
FAMILY = "ecp5"


def measure(job):
    """The costs of a macro.

    Parameters
    ----------
    job : (MacroConfig, Path)
        The folder gets the files of the tools.

    Returns
    -------
    dict
        ``configuration``, and `MEASURED`.
    """
    config, folder = job
    counts, _ = map_design({f"{config.name}.v": emit(config, FAMILY)}, config.name, FAMILY, folder / config.name,
                           apart=apart(config.name, config.name))
    return {"configuration": config.to_dict(), **{name: counts[name] for name in MEASURED}}
