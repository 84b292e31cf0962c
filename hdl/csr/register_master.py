"""Register master: streams of accesses to registers on AXI4-Lite, one at a time."""

from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .axi_lite import AxiLite

# All registers of an engine are below.
ADDRESS_BITS = 8
WRITE = data.StructLayout({"address": ADDRESS_BITS, "data": 32})
READ = data.StructLayout({"address": ADDRESS_BITS})
# ``response`` as of `Response`; that of a write is not told: whoever has the registers counts what was refused.
ANSWER = data.StructLayout({"data": 32, "response": 2})
# The streams of whoever makes accesses.
ACCESSES = wiring.Signature({"write": Out(stream.Signature(WRITE)), "i": Out(stream.Signature(READ)),
                             "o": In(stream.Signature(ANSWER))})


class RegisterMaster(wiring.Component):
    """Does one access after the other. A write is accepted when it has been done, a read when it begins.

    Latency: what the registers take from a request to its response, and one cycle until a write is accepted, or two
    until an answer is offered.

    Members
    -------
    write : ``In(stream)``
        `WRITE`: what to write where.
    i : ``In(stream)``
        `READ`: what to read. Not accepted while a write is offered.
    o : ``Out(stream)``
        `ANSWER`: what was read.
    bus : ``In(PORTS)``
        To the registers, AXI4-Lite.
    """

    def __init__(self):
        super().__init__({"write": In(stream.Signature(WRITE)), "i": In(stream.Signature(READ)),
                          "o": Out(stream.Signature(ANSWER)), "bus": In(wiring.Signature(AxiLite.PORTS))})

    def elaborate(self, platform):
        m = Module()
        bus, answer = self.bus, self.o.payload
        m.d.comb += [bus.awaddr.eq(self.write.payload.address), bus.wdata.eq(self.write.payload.data),
                     bus.wstrb.eq(~0), bus.araddr.eq(self.i.payload.address)]
        with m.FSM():
            with m.State("IDLE"):
                with m.If(self.write.valid):
                    m.d.sync += [bus.awvalid.eq(1), bus.wvalid.eq(1)]
                    m.next = "WRITE"
                with m.Elif(self.i.valid):
                    m.d.sync += bus.arvalid.eq(1)
                    m.next = "ADDRESS"
            with m.State("WRITE"):
                with m.If(bus.awready):
                    m.d.sync += bus.awvalid.eq(0)
                with m.If(bus.wready):
                    m.d.sync += bus.wvalid.eq(0)
                m.d.comb += bus.bready.eq(1)
                with m.If(bus.bvalid):
                    m.d.comb += self.write.ready.eq(1)
                    m.next = "IDLE"
            with m.State("ADDRESS"):
                m.d.comb += self.i.ready.eq(bus.arready)
                with m.If(bus.arready):
                    m.d.sync += bus.arvalid.eq(0)
                    m.next = "READ"
            with m.State("READ"):
                m.d.comb += bus.rready.eq(1)
                with m.If(bus.rvalid):
                    m.d.sync += [answer.data.eq(bus.rdata), answer.response.eq(bus.rresp), self.o.valid.eq(1)]
                    m.next = "ANSWER"
            with m.State("ANSWER"), m.If(self.o.ready):
                m.d.sync += self.o.valid.eq(0)
                m.next = "IDLE"
        return m
