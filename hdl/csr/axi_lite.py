"""AXI4-Lite before the register file."""

from typing import ClassVar

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from .register_file import PORT
from .register_map import BUS_ADDRESS_BITS


class Response(enum.Enum, shape=2):
    """As the AXI specification (ARM IHI 0022) numbers them."""

    OKAY = 0
    SLVERR = 2


class AxiLite(wiring.Component):
    """One access at a time, writes and reads in turn if both wait. What is refused answers SLVERR.

    ``awready``, ``wready`` and ``arready`` are high while nothing of theirs is held, but not in a reset, and no output
    depends on an input of the same cycle.

    Throughput: a write every three cycles, a read every three cycles.

    Members
    -------
    awaddr : ``In(BUS_ADDRESS_BITS)``
        Byte address of a write; as all but the last of AXI4-Lite.
    awprot : ``In(3)``
        Protection; ignored.
    awvalid : ``In(1)``
        An address of a write is there.
    awready : ``Out(1)``
        It is taken.
    wdata : ``In(32)``
        What is written.
    wstrb : ``In(4)``
        Bytes that are written.
    wvalid : ``In(1)``
        Data of a write is there.
    wready : ``Out(1)``
        It is taken.
    bresp : ``Out(2)``
        `Response` to a write.
    bvalid : ``Out(1)``
        It is there.
    bready : ``In(1)``
        It is taken.
    araddr : ``In(BUS_ADDRESS_BITS)``
        Byte address of a read.
    arprot : ``In(3)``
        Protection; ignored.
    arvalid : ``In(1)``
        An address of a read is there.
    arready : ``Out(1)``
        It is taken.
    rdata : ``Out(32)``
        What is read.
    rresp : ``Out(2)``
        `Response` to a read.
    rvalid : ``Out(1)``
        They are there.
    rready : ``In(1)``
        They are taken.
    bus : ``Out(PORT)``
        Of the register file.
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
            # A read that waits gets its turn in the cycle behind a write, in which there is no other.
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
