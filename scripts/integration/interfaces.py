"""What the integration files of a core of any kind are made of; and its bus interfaces."""

from dataclasses import dataclass
from itertools import groupby

from ...hdl.block_core.register_map import BLOCK_CORE_ERRORS, block_core_register_map
from ...hdl.block_core.top import block_core_ports
from ...hdl.config import CoreConfig
from ...hdl.config.block_core import BlockCoreConfig
from ...hdl.config.engine_core import EngineCoreConfig
from ...hdl.core.top import core_ports
from ...hdl.csr.register_map import CORE_ERRORS, register_map
from ...hdl.engine_core.register_map import ENGINE_ERRORS, engine_register_map
from ...hdl.engine_core.top import engine_core_ports
from .c_headers import BLOCK_DRIVER, DRIVER, ENGINE_DRIVER

VENDOR, LIBRARY = "bitline.org", "core"


@dataclass(frozen=True)
class Package:
    """A module with registers on a bus.

    Attributes
    ----------
    name, hash : str
        Of the module, and of its configuration.
    noun : str
        What it is.
    ports : list of CorePort
    registers : tuple of Register
    reset : str
        As of `CoreConfig`.
    driver : str
        As of `driver_files`.
    errors : dict of ErrorCode to str
        Meanings of the codes of errors.
    """

    name: str
    hash: str
    noun: str
    ports: list
    registers: tuple
    reset: str
    driver: str
    errors: dict

    @property
    def description(self):
        """A sentence."""
        return f"Bitline digital compute-in-memory {self.noun}, configuration {self.hash}."

    @property
    def registers_meaning(self):
        """What the block of registers is."""
        return (f"Registers of a Bitline {self.noun}. An address without a register, and an access that is refused, "
                "answers with an error.")


# Of each kind of core: what it is, its ports and registers, its driver, and its errors.
KINDS = {
    CoreConfig: ("core", core_ports, register_map, DRIVER, CORE_ERRORS),
    BlockCoreConfig: ("core", block_core_ports, block_core_register_map, BLOCK_DRIVER, BLOCK_CORE_ERRORS),
    EngineCoreConfig: ("engine", engine_core_ports, lambda config: engine_register_map(config.engine), ENGINE_DRIVER,
                       ENGINE_ERRORS),
}


def package(config):
    """The `Package` of a `CoreConfig`, a `BlockCoreConfig` or an `EngineCoreConfig`."""
    noun, ports, registers, driver, errors = KINDS[type(config)]
    return Package(
        name=config.name, hash=config.hash, noun=noun, ports=ports(config), registers=registers(config),
        reset=config.reset, driver=driver, errors=errors)


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
        """The module is its master, or raises the interrupt."""
        return self.name.startswith("m_") or self.name == "irq"

    @property
    def is_register_bus(self):
        """It is the bus of registers."""
        return self.ports[0].is_register_bus

    @property
    def address_bits(self):
        """Of the memory that it is a master of; 0 if it is none."""
        return self._width("ARADDR") if self.leads else 0

    @property
    def data_bits(self):
        """Of a beat of what it reads."""
        return self._width("RDATA")

    def _width(self, role):
        """Bits of a port; 0 if there is none."""
        return next((port.width for port in self.ports if port.role == role), 0)

    @property
    def parameters(self):
        """Values of its parameters by name."""
        pairs = ", ".join(filter(None, (port.parameters for port in self.ports)))
        return dict(pair.split() for pair in pairs.split(", ")) if pairs else {}


def interfaces(config):
    """The interfaces of a core or engine, in the order of its ports."""
    return [Interface(identifier.split()[1], identifier.split()[0], tuple(ports))
            for identifier, ports in groupby(package(config).ports, key=lambda port: port.interface)]
