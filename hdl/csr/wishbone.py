"""Wishbone B4 front end of the register file."""

from typing import ClassVar

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .register_file import PORT
from .register_map import BUS_ADDRESS_BITS


class Wishbone(wiring.Component):
    """Wishbone B4: classic cycles, 32 bits of data, byte addresses. Refused accesses end with ``err``, not ``ack``.

    Throughput: an access every four cycles.

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
        Acknowledge: high for a cycle, if the request has been asserted until then.
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
        # An access is under way; whoever asked for it waits for its answer.
        pending = Signal()
        asked = Signal()
        answers = Signal()
        requests = self.cyc & self.stb
        m.d.comb += [
            bus.enable.eq(requests & ~pending),
            bus.write.eq(self.we),
            bus.address.eq(self.adr),
            bus.data.eq(self.dat_w),
            bus.strobe.eq(self.sel),
            answers.eq(requests & asked & bus.done),
            self.dat_r.eq(bus.read_data),
            self.ack.eq(answers & ~bus.refused),
            self.err.eq(answers & bus.refused),
        ]
        m.d.sync += [pending.eq(bus.enable | pending & ~bus.done), asked.eq(bus.enable | asked & requests & ~bus.done)]
        return m
