"""`EngineCoreConfig`: the description of an engine behind a bus."""

from .base import Parameters, configuration, parameter
from .core import BUS_NAMES
from .engine import EngineConfig


@configuration
class EngineCoreConfig(Parameters):
    """An engine with registers on a bus.

    Parameters
    ----------
    {parameters}

    Raises
    ------
    TypeError, ValueError
        One line that names the parameter, the rule and the value.
    """

    engine: EngineConfig = parameter("The engine; a dictionary in JSON.")
    bus: str = parameter("Bus of the registers: `axi` (AXI4-Lite), `wishbone` (B4) or `apb` (APB4).", default="axi",
                         choices=BUS_NAMES)

    def __post_init__(self):
        self.check_parts()
        self.check_parameters()

    @property
    def name(self):
        """Name of the top module, and prefix of all others."""
        return f"bitline_engine_core_{self.engine.macro.rows}x{self.engine.columns}_{self.hash}"
