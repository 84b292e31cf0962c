"""The core's RTL in a simulator."""

from pathlib import Path

from ...hdl.core.top import core_ports
from ...hdl.emit import emit
from .build import Surround, build


def build_core(config, *, simulator="verilator", folder=Path("build/sim"), verilog=None):
    """Compile a core for a simulator, unless it has been compiled already.

    Parameters
    ----------
    config : CoreConfig
    simulator, folder, verilog
        As `build` has them, ``verilog`` the core's.

    Returns
    -------
    Build
    """
    around = Surround(config.name, {}, {}, tuple(port.name for port in core_ports(config)))
    verilog = emit(config) if verilog is None else verilog
    return build(config, simulator=simulator, folder=folder, surround=around, verilog=verilog)
