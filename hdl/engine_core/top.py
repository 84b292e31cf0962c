"""The engine core as a Verilog module: ports by name, clock and reset."""

from ..core.top import DMA, CoreTop, all_ports, master_interface, master_pins
from .engine_core import EngineCore, weight_ports


def engine_core_ports(config):
    """The ports of the module, a list of `CorePort`."""
    ports = weight_ports(config.engine)
    return all_ports(config, [DMA] if ports else [], master_interface(ports))


class EngineTop(CoreTop):
    """The engine core with its ports by name, as `engine_core_ports` has them; its reset is that of any core."""

    CORE, PORTS = EngineCore, staticmethod(engine_core_ports)

    def _data_pins(self, m, platform, core):
        return master_pins(core.m_axi) if weight_ports(self.config.engine) else {}
