"""APB4 front end of the register file."""

from typing import ClassVar

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .register_file import PORT
from .register_map import BUS_ADDRESS_BITS


class Apb(wiring.Component):
    """APB4 with 32 bits of data. The register file is accessed in the setup phase, so there are two wait states, and
    more after a reset in a transfer. Refused accesses respond with ``pslverr``.

    Members
    -------
    paddr : ``In(BUS_ADDRESS_BITS)``
        Byte address; this and the next ports are those of APB4 (ARM IHI 0024).
    pprot : ``In(3)``
        Protection; ignored.
    psel : ``In(1)``
        The registers are selected.
    penable : ``In(1)``
        Access phase.
    pwrite : ``In(1)``
        The access is a write.
    pwdata : ``In(32)``
        Write data.
    pstrb : ``In(4)``
        Bytes to write.
    pready : ``Out(1)``
        The access ends.
    prdata : ``Out(32)``
        Read data.
    pslverr : ``Out(1)``
        With ``pready``: the access was refused.
    bus : ``Out(PORT)``
        To the register file.
    """

    PORTS: ClassVar = {
        "paddr": In(BUS_ADDRESS_BITS), "pprot": In(3), "psel": In(1), "penable": In(1), "pwrite": In(1),
        "pwdata": In(32), "pstrb": In(4), "pready": Out(1), "prdata": Out(32), "pslverr": Out(1),
    }
    PREFIX = "s_apb_"

    def __init__(self):
        super().__init__({**self.PORTS, "bus": Out(PORT)})

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        # An access is under way; whoever asked for it waits for its answer.
        pending = Signal()
        asked = Signal()
        m.d.comb += [
            bus.enable.eq(self.psel & ~pending),
            bus.write.eq(self.pwrite),
            bus.address.eq(self.paddr),
            bus.data.eq(self.pwdata),
            bus.strobe.eq(self.pstrb),
            self.pready.eq(asked & bus.done),
            self.prdata.eq(bus.read_data),
            self.pslverr.eq(self.psel & self.penable & self.pready & bus.refused),
        ]
        m.d.sync += [pending.eq(bus.enable | pending & ~bus.done), asked.eq(bus.enable | asked & self.psel & ~bus.done)]
        return m
