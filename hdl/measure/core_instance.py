"""A core's Verilog module, to be measured."""

from amaranth.hdl import ClockSignal, Instance, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core.top import core_ports

DOMAIN = ("aclk", "aresetn")


class CoreInstance(wiring.Component):
    """The core as an instance of its Verilog module, in domain ``sync``.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    As `core_ports` names them, without clock and reset.
    """

    def __init__(self, *, config):
        self.config = config
        self.ports = [port for port in core_ports(config) if port.name not in DOMAIN]
        super().__init__({port.name: (In if port.direction == "input" else Out)(port.width) for port in self.ports})

    def elaborate(self, platform):
        pins = {f"{port.direction[0]}_{port.name}": getattr(self, port.name) for port in self.ports}
        return Instance(self.config.name, i_aclk=ClockSignal(), i_aresetn=~ResetSignal(), **pins)
