"""Flight: the fates of vectors that are in the macro, and what they keep in use."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from ..config.core import SETS
from .requantizer import fate_layout


class Flight(wiring.Component):
    """Hands on each vector's fate when its totals come, and knows which sets of parameters are in use until when.

    Parameters
    ----------
    config : CoreConfig
    behind : int
        Most vectors that can be in the requantizer.

    Members
    -------
    i : ``In(stream)``
        `fate_layout`, with a vector. ``i.ready`` never falls while the macro can take a vector.
    o : ``Out(stream)``
        `fate_layout`, with its totals.
    drops : ``In(1)``
        Vectors that leave are not wanted any more.
    ended : ``In(1)``
        The last results of a wanted vector leave the requantizer.
    ended_set : ``In(range(SETS))``
        Its set.
    empty : ``Out(1)``
        No vector is in the macro.
    set_used : ``Out(SETS)``
        A vector that uses the set is in the macro or the requantizer.
    """

    def __init__(self, *, config, behind):
        self.config, self.behind = config, behind
        super().__init__({
            "i": In(stream.Signature(fate_layout())), "o": Out(stream.Signature(fate_layout())),
            "drops": In(1), "ended": In(1), "ended_set": In(range(SETS)), "empty": Out(1), "set_used": Out(SETS),
        })

    def elaborate(self, platform):
        m = Module()
        width, depth = fate_layout().size, self.config.in_flight
        m.submodules.fifo = fifo = SyncFIFO(width=width, depth=depth)
        fate = data.View(fate_layout(), fifo.r_data)
        m.d.comb += [
            fifo.w_data.eq(self.i.payload.as_value()),
            fifo.w_en.eq(self.i.valid),
            self.i.ready.eq(fifo.w_rdy),
            self.o.payload.as_value().eq(fifo.r_data),
            self.o.payload.wanted.eq(fate.wanted & ~self.drops),
            self.o.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.o.ready),
            self.empty.eq(fifo.level == 0),
        ]
        # What is inspected uses no set.
        begins = self.i.valid & self.i.ready & ~self.i.payload.inspected
        leaves = self.o.valid & self.o.ready & ~self.o.payload.wanted & ~self.o.payload.inspected
        for index in range(SETS):
            users = Signal(range(depth + self.behind + 1), name=f"users_{index}")
            m.d.sync += users.eq(users + (begins & (self.i.payload.set == index))
                                 - (leaves & (self.o.payload.set == index))
                                 - (self.ended & (self.ended_set == index)))
            m.d.comb += self.set_used[index].eq(users != 0)
        return m
