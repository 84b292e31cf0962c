"""Vector tracker: tags of the vectors in the macro, and the parameter sets that they use."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ..config.core import SETS
from .requantizer import tag_layout


class VectorTracker(wiring.Component):
    """FIFO of the tags of vectors in the macro or offered to it, and a count of the users of each set of parameters.

    Parameters
    ----------
    config : CoreConfig
    max_in_requantizer : int
        Maximum number of vectors in the requantizer.

    Members
    -------
    i : ``In(stream)``
        `tag_layout`, when a vector has arrived; always ready.
    o : ``Out(stream)``
        `tag_layout`, with the totals, three cycles after a vector arrived at the earliest; taken with their last group.
    squash : ``In(1)``
        Results of the vector that leaves are not wanted, though its tag says so.
    ended : ``In(1)``
        The last results of a wanted vector leave the requantizer.
    ended_set : ``In(range(SETS))``
        Its set.
    entered : ``Out(1)``
        A vector, not of the self-test, arrived in the cycle before.
    empty : ``Out(1)``
        No vector is in the macro; that the last has left is seen a cycle late.
    set_used : ``Out(SETS)``
        Two cycles ago a vector had arrived that uses the set, of which results had not left the requantizer.
    """

    def __init__(self, *, config, max_in_requantizer):
        self.config, self.max_in_requantizer = config, max_in_requantizer
        super().__init__({
            "i": In(stream.Signature(tag_layout())), "o": Out(stream.Signature(tag_layout())),
            "squash": In(1), "ended": In(1), "ended_set": In(range(SETS)), "entered": Out(1), "empty": Out(1),
            "set_used": Out(SETS),
        })

    def elaborate(self, platform):
        m = Module()
        width, depth = tag_layout().size, self.config.in_flight
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=width, depth=depth)
        tag = data.View(tag_layout(), fifo.r_data)
        # A cycle later, before its totals come in any case.
        enters = Signal()
        entering = Signal(tag_layout(), reset_less=True)
        # It was empty, and nothing was written.
        stays = Signal(init=1)
        m.d.sync += [enters.eq(self.i.valid), entering.eq(self.i.payload)]
        m.d.comb += [
            fifo.w_data.eq(entering.as_value()),
            fifo.w_en.eq(enters),
            self.i.ready.eq(1),
            self.o.payload.as_value().eq(fifo.r_data),
            self.o.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.o.ready),
            self.empty.eq(stays & ~enters),
        ]
        m.d.sync += stays.eq((fifo.level == 0) & ~fifo.w_en)
        # Vectors of the self-test use no set.
        begins = enters & ~entering.for_self_test
        m.d.comb += self.entered.eq(begins)
        leaves = self.o.valid & self.o.ready & (~tag.wanted | self.squash) & ~tag.for_self_test
        for index in range(SETS):
            # A user is seen before it is counted; one that is no more is counted a cycle later.
            began, left, ended = (Signal(name=f"{name}_{index}") for name in ("began", "left", "ended"))
            users = Signal(range(depth + self.max_in_requantizer + 1), name=f"users_{index}")
            m.d.comb += began.eq(begins & (entering.set == index))
            m.d.sync += [
                left.eq(leaves & (self.o.payload.set == index)),
                ended.eq(self.ended & (self.ended_set == index)),
                users.eq(users + began - left - ended),
                self.set_used[index].eq(began | (users != 0)),
            ]
        return m
