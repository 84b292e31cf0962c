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
    """Writes and reads, independently: neither waits for the other's response to be accepted. Refused accesses respond
    with SLVERR. The register file does one access at a time; a read waits for one write at most, a write for one read.

    ``awready``, ``wready`` and ``arready`` are high while their channel holds nothing, except in reset. No output
    depends on an input of the same cycle.

    Latency: a response is offered five cycles after the request was accepted; a write's at most eight cycles after, and
    a read's nine, if one of the other kind goes before it. `CYCLES` of `register_file` are among them.

    Throughput: a write every six cycles, or a read; if both come all the time, a write and a read every eight cycles.

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
        write_address = Signal(BUS_ADDRESS_BITS, reset_less=True)
        read_address = Signal(BUS_ADDRESS_BITS, reset_less=True)
        data = Signal(32, reset_less=True)
        strobe = Signal(4, reset_less=True)
        # Low in the first cycle after a reset, in which each ``ready`` is still low though its channel holds nothing.
        awake = Signal()
        m.d.sync += awake.eq(1)
        with m.If(self.awready):
            m.d.sync += write_address.eq(self.awaddr)
        with m.If(self.wready):
            m.d.sync += [data.eq(self.wdata), strobe.eq(self.wstrb)]
        with m.If(self.arready):
            m.d.sync += read_address.eq(self.araddr)
        write_ends = ~awake | (self.bvalid & self.bready)
        read_ends = ~awake | (self.rvalid & self.rready)
        # An access is under way, and is a write.
        pending = Signal()
        writes = Signal()
        m.d.sync += [
            self.awready.eq(write_ends | (self.awready & ~self.awvalid)),
            self.wready.eq(write_ends | (self.wready & ~self.wvalid)),
            self.arready.eq(read_ends | (self.arready & ~self.arvalid)),
            self.bvalid.eq((bus.done & writes) | (self.bvalid & ~self.bready)),
            self.rvalid.eq((bus.done & ~writes) | (self.rvalid & ~self.rready)),
            pending.eq(bus.enable | (pending & ~bus.done)),
        ]
        write_waits = Signal()
        read_waits = Signal()
        m.d.comb += [
            # Never one after the other, because a response comes between them, so a read that waits is next.
            write_waits.eq(awake & ~self.awready & ~self.wready & ~self.bvalid),
            read_waits.eq(awake & ~self.arready & ~self.rvalid),
            bus.write.eq(write_waits),
            bus.enable.eq((write_waits | read_waits) & ~pending),
            bus.address.eq(Mux(bus.write, write_address, read_address)),
            bus.data.eq(data),
            bus.strobe.eq(strobe),
        ]
        with m.If(bus.enable):
            m.d.sync += writes.eq(bus.write)

        answer = Mux(bus.refused, Response.SLVERR, Response.OKAY)
        with m.If(bus.done & writes):
            m.d.sync += self.bresp.eq(answer)
        with m.If(bus.done & ~writes):
            m.d.sync += self.rresp.eq(answer)
        m.d.comb += self.rdata.eq(bus.read_data)
        return m
