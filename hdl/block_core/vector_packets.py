"""Vector packets: headers and codes of an AXI4-Stream to the vectors of a block macro."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..axi.axi_stream import beat_layout
from ..core.packet_assembler import FAULTS
from ..fabric.emitter import Platform
from ..formats.layouts import vector_beat_layout
from .header import is_wrong
from .packet_reader import PacketReader


class VectorPackets(wiring.Component):
    """A packet is an accumulation: of each of its blocks a header, and its codes in the cycles in which they come.

    The last block's header says that it is the last. A packet that is cut is an accumulation whose results are lost.

    Parameters
    ----------
    config : FormatConfig

    Members
    -------
    s : ``In(stream)``
        `beat_layout`.
    o : ``Out(stream)``
        `vector_beat_layout`.
    enters : ``Out(1)``
        For a cycle: the last beat of a block is taken.
    within : ``Out(1)``
        A packet has begun and not ended.
    faults : ``Out(FAULTS)``
        Of the packet.
    header_fault : ``Out(1)``
        For a cycle: a header names a format, bank or base that there is not.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "s": In(stream.Signature(beat_layout(config.input_beat_bits))),
            "o": Out(stream.Signature(vector_beat_layout(config))), "enters": Out(1), "within": Out(1),
            "faults": Out(FAULTS), "header_fault": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        reader = Platform.of(platform).instantiate(m, "reader", "vector_reader", PacketReader,
                                                   bits=config.input_beat_bits)
        wiring.connect(m, wiring.flipped(self.s), reader.s)
        wiring.connect(m, reader.faults, wiring.flipped(self.faults))
        header, offered = reader.header, reader.offered
        at_header = Signal(init=1)
        position = Signal(range(config.beats))
        ends_block, moves = position == config.beats - 1, self.o.valid & self.o.ready
        with m.If(reader.begins):
            m.d.sync += at_header.eq(0)
        with m.If(moves):
            m.d.sync += [position.eq(Mux(reader.cuts | ends_block, 0, position + 1)),
                         at_header.eq(reader.cuts | ends_block)]
        m.d.comb += [
            reader.at_header.eq(at_header),
            reader.wrong.eq(is_wrong(config, config.x, offered) | offered.base[config.exponent_bits:].any()),
            reader.ends_block.eq(ends_block),
            reader.ends_packet.eq(ends_block & header.last),
            self.o.valid.eq(reader.o.valid & ~reader.skips),
            reader.o.ready.eq(self.o.ready),
            self.enters.eq(moves & ends_block),
            self.within.eq(reader.within),
            self.header_fault.eq(reader.header_fault),
            # The fields of the header are as wide as all that a core may have, those of the macro as it needs them.
            Value.cast(self.o.payload.codes).eq(reader.o.payload.data),
            *(self.o.payload[name].eq(header[name]) for name in ("number", "scale", "base", "bank")),
            self.o.payload.last.eq(reader.o.payload.last),
        ]
        return m
