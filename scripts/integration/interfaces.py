"""Who made a core, and its bus interfaces: what IP-XACT, Vivado and Platform Designer are told of it."""

from dataclasses import dataclass
from itertools import groupby

from ...hdl.core.top import core_ports

VENDOR, LIBRARY = "bitline.org", "core"


@dataclass(frozen=True)
class Interface:
    """Ports that go together; a clock, a reset or an interrupt is one too.

    Attributes
    ----------
    kind : str
        Its type: vendor, library, name and version, with colons between them.
    ports : tuple of CorePort
    """

    name: str
    kind: str
    ports: tuple

    @property
    def leads(self):
        """The core is its master, or raises the interrupt."""
        return self.name.startswith("m_") or self.name == "irq"

    @property
    def is_register_bus(self):
        """It is the bus of registers."""
        return self.ports[0].is_register_bus

    @property
    def parameters(self):
        """Values of its parameters by name."""
        pairs = ", ".join(filter(None, (port.parameters for port in self.ports)))
        return dict(pair.split() for pair in pairs.split(", ")) if pairs else {}


def interfaces(config):
    """The interfaces of a core, in the order of its ports."""
    return [Interface(identifier.split()[1], identifier.split()[0], tuple(ports))
            for identifier, ports in groupby(core_ports(config), key=lambda port: port.interface)]
