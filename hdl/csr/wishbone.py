"""Wishbone B4 front end of the register file."""

from typing import ClassVar

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .register_file import PORT
from .register_map import BUS_ADDRESS_BITS


class Wishbone(wiring.Component):
    """Wishbone B4: classic cycles, 32 bits of data, byte addresses. Refused accesses end with ``err``, not ``ack``.

    Throughput: an access every two cycles.

    Members
    -------
    cyc : ``In(1)``
        A bus cycle; this and the next ports are those of Wishbone B4.
    stb : ``In(1)``
        A request.
    we : ``In(1)``
        The request is a write.
    adr : ``In(BUS_ADDRESS_BITS)``
        Byte address.
    dat_w : ``In(32)``
        Write data.
    sel : ``In(4)``
        Bytes to write.
    dat_r : ``Out(32)``
        Read data.
    ack : ``Out(1)``
        Acknowledge: high for the cycle after the request, if it is still asserted.
    err : ``Out(1)``
        Instead of ``ack``, if the access was refused.
    bus : ``Out(PORT)``
        To the register file.
    """

    PORTS: ClassVar = {
        "cyc": In(1), "stb": In(1), "we": In(1), "adr": In(BUS_ADDRESS_BITS), "dat_w": In(32), "sel": In(4),
        "dat_r": Out(32), "ack": Out(1), "err": Out(1),
    }
    PREFIX = "wb_"

    def __init__(self):
        super().__init__({**self.PORTS, "bus": Out(PORT)})

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        answers = Signal()
        m.d.comb += [
            bus.enable.eq(self.cyc & self.stb & ~answers),
            bus.write.eq(self.we),
            bus.address.eq(self.adr),
            bus.data.eq(self.dat_w),
            bus.strobe.eq(self.sel),
            self.dat_r.eq(bus.read_data),
            self.ack.eq(self.cyc & self.stb & answers & ~bus.refused),
            self.err.eq(self.cyc & self.stb & answers & bus.refused),
        ]
        m.d.sync += answers.eq(bus.enable)
        return m
