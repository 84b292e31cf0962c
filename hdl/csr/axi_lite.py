"""AXI4-Lite front end of the register file."""

from typing import ClassVar

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from .register_file import PORT
from .register_map import BUS_ADDRESS_BITS


class Response(enum.Enum, shape=2):
    """Response codes of AXI (ARM IHI 0022)."""

    OKAY = 0
    SLVERR = 2


class AxiLite(wiring.Component):
    """One access at a time, writes and reads alternate if both wait. Refused accesses respond with SLVERR.

    ``awready``, ``wready`` and ``arready`` are high while their channel holds nothing, except in reset. No output
    depends on an input of the same cycle.

    Throughput: a write every three cycles, a read every three cycles.

    Members
    -------
    awaddr : ``In(BUS_ADDRESS_BITS)``
        Byte address of a write; this and the next ports are those of AXI4-Lite.
    awprot : ``In(3)``
        Protection; ignored.
    awvalid : ``In(1)``
        A write address is offered.
    awready : ``Out(1)``
        It is accepted.
    wdata : ``In(32)``
        Write data.
    wstrb : ``In(4)``
        Bytes to write.
    wvalid : ``In(1)``
        Write data is offered.
    wready : ``Out(1)``
        It is accepted.
    bresp : ``Out(2)``
        `Response` to a write.
    bvalid : ``Out(1)``
        The response is offered.
    bready : ``In(1)``
        The response is accepted.
    araddr : ``In(BUS_ADDRESS_BITS)``
        Byte address of a read.
    arprot : ``In(3)``
        Protection; ignored.
    arvalid : ``In(1)``
        A read address is offered.
    arready : ``Out(1)``
        It is accepted.
    rdata : ``Out(32)``
        Read data.
    rresp : ``Out(2)``
        `Response` to a read.
    rvalid : ``Out(1)``
        Data and response are offered.
    rready : ``In(1)``
        Data and response are accepted.
    bus : ``Out(PORT)``
        To the register file.
    """

    PORTS: ClassVar = {
        "awaddr": In(BUS_ADDRESS_BITS), "awprot": In(3), "awvalid": In(1), "awready": Out(1),
        "wdata": In(32), "wstrb": In(4), "wvalid": In(1), "wready": Out(1),
        "bresp": Out(2), "bvalid": Out(1), "bready": In(1),
        "araddr": In(BUS_ADDRESS_BITS), "arprot": In(3), "arvalid": In(1), "arready": Out(1),
        "rdata": Out(32), "rresp": Out(2), "rvalid": Out(1), "rready": In(1),
    }
    PREFIX = "s_axi_"

    def __init__(self):
        super().__init__({**self.PORTS, "bus": Out(PORT)})

    def elaborate(self, platform):
        m = Module()
        bus = self.bus
        has_address = Signal()
        has_data = Signal()
        has_read = Signal()
        write_address = Signal(BUS_ADDRESS_BITS, reset_less=True)
        read_address = Signal(BUS_ADDRESS_BITS, reset_less=True)
        data = Signal(32, reset_less=True)
        strobe = Signal(4, reset_less=True)
        awake = Signal()
        m.d.sync += awake.eq(1)
        m.d.comb += [self.awready.eq(~has_address & awake), self.wready.eq(~has_data & awake),
                     self.arready.eq(~has_read & awake)]
        with m.If(self.awvalid & self.awready):
            m.d.sync += [has_address.eq(1), write_address.eq(self.awaddr)]
        with m.If(self.wvalid & self.wready):
            m.d.sync += [has_data.eq(1), data.eq(self.wdata), strobe.eq(self.wstrb)]
        with m.If(self.arvalid & self.arready):
            m.d.sync += [has_read.eq(1), read_address.eq(self.araddr)]

        writes = Signal()
        reads = Signal()
        m.d.comb += [
            # A waiting read is next after a write, since no other write can be pending then.
            bus.write.eq(has_address & has_data),
            bus.enable.eq((has_read | bus.write) & ~writes & ~reads),
            bus.address.eq(Mux(bus.write, write_address, read_address)),
            bus.data.eq(data),
            bus.strobe.eq(strobe),
        ]
        with m.If(bus.enable):
            m.d.sync += [writes.eq(bus.write), reads.eq(~bus.write)]
        response = Mux(bus.refused, Response.SLVERR, Response.OKAY)
        m.d.comb += [self.bvalid.eq(writes), self.bresp.eq(response), self.rvalid.eq(reads), self.rresp.eq(response),
                     self.rdata.eq(bus.read_data)]
        with m.If(self.bvalid & self.bready):
            m.d.sync += [writes.eq(0), has_address.eq(0), has_data.eq(0)]
        with m.If(self.rvalid & self.rready):
            m.d.sync += [reads.eq(0), has_read.eq(0)]
        return m
