"""Weight packets: a header, codes and scales of an AXI4-Stream to the weights of a block macro."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.formats.packets import SCALE_BITS
from ..axi.axi_stream import beat_layout
from ..config.formats import WEIGHT_BEAT_BITS
from ..core.packet_assembler import FAULTS
from ..fabric.emitter import Platform
from ..formats.layouts import weight_beat_layout
from .header import is_wrong
from .packet_reader import PacketReader


class WeightPackets(wiring.Component):
    """A packet is a bank: a header, codes row after row, and scales, several a beat, of which one a cycle is passed on.

    A packet that is cut leaves its bank without weights; one that is cut at its header changes nothing.

    Parameters
    ----------
    config : FormatConfig

    Members
    -------
    s : ``In(stream)``
        `beat_layout`.
    o : ``Out(stream)``
        `weight_beat_layout`.
    loaded : ``Out(1)``
        For a cycle: the last scale of a packet is taken.
    within : ``Out(1)``
        A packet has begun and not ended.
    faults : ``Out(FAULTS)``
        Of the packet.
    header_fault : ``Out(1)``
        For a cycle: its header names a format or bank that there is not.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "s": In(stream.Signature(beat_layout(WEIGHT_BEAT_BITS))),
            "o": Out(stream.Signature(weight_beat_layout(config))), "loaded": Out(1), "within": Out(1),
            "faults": Out(FAULTS), "header_fault": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        reader = Platform.of(platform).instantiate(m, "reader", "weight_reader", PacketReader, bits=WEIGHT_BEAT_BITS)
        wiring.connect(m, wiring.flipped(self.s), reader.s)
        wiring.connect(m, reader.faults, wiring.flipped(self.faults))
        at_header = Signal(init=1)
        # The header in place of which a packet is cut did not begin one in the macro.
        passes, moves = ~(reader.cuts & at_header), reader.o.valid & self.o.ready
        lane, ends_beat, ends_packet = self._count(m, moves)
        with m.If(reader.begins):
            m.d.sync += at_header.eq(0)
        with m.If(moves & self.o.payload.last):
            m.d.sync += at_header.eq(1)
        m.d.comb += [
            reader.at_header.eq(at_header),
            reader.wrong.eq(is_wrong(config, config.w, reader.offered)),
            reader.ends_block.eq(ends_packet),
            reader.ends_packet.eq(ends_packet),
            self.o.valid.eq(reader.o.valid & passes & ~reader.skips),
            reader.o.ready.eq(~passes | self.o.ready & (ends_beat | reader.cuts)),
            self.loaded.eq(moves & self.o.payload.last & ~reader.cuts),
            self.within.eq(reader.within),
            self.header_fault.eq(reader.header_fault),
            Value.cast(self.o.payload.codes).eq(reader.o.payload.data),
            self.o.payload.scale.eq(reader.o.payload.data.word_select(lane, SCALE_BITS)),
            *(self.o.payload[name].eq(reader.header[name]) for name in ("number", "bank")),
            self.o.payload.last.eq(reader.o.payload.last & (ends_beat | reader.cuts)),
        ]
        return m

    def _count(self, m, moves):
        """Which scale of a beat is next; whether the beat then is done, and whether it is the last of a packet."""
        config = self.config
        code = Signal(range(config.macro.rows * config.row_beats))
        column = Signal(range(config.columns))
        at_scales = Signal()
        lane_bits = config.weight_scales.bit_length() - 1
        lane, is_last = column[:lane_bits], column == config.columns - 1
        ends_codes = code == config.macro.rows * config.row_beats - 1
        with m.If(moves):
            with m.If(self.o.payload.last):
                m.d.sync += [code.eq(0), column.eq(0), at_scales.eq(0)]
            with m.Elif(at_scales):
                m.d.sync += column.eq(Mux(is_last, 0, column + 1))
            with m.Else():
                m.d.sync += [code.eq(code + 1), at_scales.eq(ends_codes)]
        in_last_beat = column[lane_bits:] == config.columns - 1 >> lane_bits
        return lane, ~at_scales | lane.all() | is_last, at_scales & in_last_beat
