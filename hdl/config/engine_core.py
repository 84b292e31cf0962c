"""`EngineCoreConfig`: the description of an engine behind a bus."""

from .base import Parameters, configuration, parameter
from .core import bus_name, reset_kind
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
    reset: str = reset_kind()
    bus: str = bus_name()

    def __post_init__(self):
        self.check_parts()
        self.check_parameters()

    @property
    def name(self):
        """Name of the top module, and prefix of all others."""
        return f"bitline_engine_core_{self.engine.macro.rows}x{self.engine.columns}_{self.hash}"
