"""The buses that registers can be on."""

from amaranth.lib import wiring
from amaranth.lib.wiring import In

from .apb import Apb
from .axi_lite import AxiLite
from .wishbone import Wishbone

# The front end of each, by the names of `BUS_NAMES`.
BUS_COMPONENTS = {"axi": AxiLite, "wishbone": Wishbone, "apb": Apb}


def connect_bus(m, bus, front, registers):
    """Connect ``bus`` of a component to its front end, and that to registers."""
    wiring.connect(m, front.bus, registers.bus)
    ports = {path: port for path, _, port in front.signature.flatten(front)}
    for path, member, outer in bus.signature.flatten(bus):
        m.d.comb += ports[path].eq(outer) if member.flow == In else outer.eq(ports[path])
