"""Vector tags: what the sums of the vectors in the macro need, and how many vectors use each bank."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from .layouts import tag_layout

# More than the vectors that are in a macro at a time while none stalls, as a vector takes `LOOP_CYCLES` at least.
DEPTH = 16


class VectorTags(wiring.Component):
    """FIFO of the tags of vectors in the macro, and a count of the vectors of each bank.

    Parameters
    ----------
    config : FormatConfig

    Members
    -------
    i : ``In(stream)``
        `tag_layout` of a vector, once the macro has taken its last part.
    enters : ``In(1)``
        For a cycle: the last beat of a vector is taken.
    enters_bank : ``In(range(banks))``
        It uses this bank.
    o : ``Out(stream)``
        `tag_layout`, taken when the vector's last sums have their scales.
    free : ``Out(banks)``
        Banks of no vector between that and this.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "i": In(stream.Signature(tag_layout(config))), "enters": In(1),
            "enters_bank": In(range(config.macro.banks)), "o": Out(stream.Signature(tag_layout(config))),
            "free": Out(config.macro.banks),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=tag_layout(self.config).size, depth=DEPTH)
        tag = data.View(tag_layout(self.config), fifo.r_data)
        m.d.comb += [
            fifo.w_data.eq(self.i.payload.as_value()),
            fifo.w_en.eq(self.i.valid & fifo.w_rdy),
            self.i.ready.eq(fifo.w_rdy),
            self.o.valid.eq(fifo.r_rdy),
            self.o.payload.eq(tag),
            fifo.r_en.eq(self.o.ready),
        ]
        leaves = self.o.valid & self.o.ready
        for bank in range(self.config.macro.banks):
            count = Signal(range(DEPTH + 2), name=f"vectors_{bank}")
            begins, ends = self.enters & (self.enters_bank == bank), leaves & (tag.bank == bank)
            m.d.sync += count.eq(count + begins - ends)
            m.d.comb += self.free[bank].eq(count == 0)
        return m
