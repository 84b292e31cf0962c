"""The engine core as a Verilog module: ports by name, clock and reset."""

from amaranth.hdl import ClockDomain, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..core.top import DMA, clock_ports, interrupt_port, master_interface, register_ports
from ..csr.buses import BUS_COMPONENTS
from ..fabric.emitter import Platform
from .engine_core import EngineCore, weight_ports


def engine_core_ports(config):
    """The ports of the module, a list of `CorePort`."""
    name, ports = BUS_COMPONENTS[config.bus].PREFIX.rstrip("_"), weight_ports(config.engine)
    return [*clock_ports([name, *([DMA] if ports else [])], "synchronous"), *register_ports(config.bus),
            *master_interface(ports), interrupt_port()]


class EngineTop(wiring.Component):
    """The engine core with its ports by name; its reset is synchronous.

    Parameters
    ----------
    config : EngineCoreConfig

    Members
    -------
    As `engine_core_ports` names them.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({port.name: (In if port.direction == "input" else Out)(port.width)
                          for port in engine_core_ports(config)})

    @property
    def meanings(self):
        """What each port is for, by its name."""
        return {port.name: port.meaning for port in engine_core_ports(self.config)}

    def elaborate(self, platform):
        m = Module()
        m.domains.sync = sync = ClockDomain()
        m.d.comb += [sync.clk.eq(self.aclk), sync.rst.eq(~self.aresetn)]
        core = Platform.of(platform).instantiate(m, "core", "core", EngineCore, config=self.config)
        prefix = BUS_COMPONENTS[self.config.bus].PREFIX
        inner = {f"{prefix}{name}": value for (name,), _, value in core.bus.signature.flatten(core.bus)}
        inner["irq"] = core.irq
        if weight_ports(self.config.engine):
            inner |= {f"{DMA}_{name}": value for (name,), _, value in core.m_axi.signature.flatten(core.m_axi)}
        for (name,), member, pin in self.signature.flatten(self):
            # All except clock and reset.
            if name in inner:
                m.d.comb += inner[name].eq(pin) if member.flow == In else pin.eq(inner[name])
        return m
