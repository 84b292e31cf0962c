"""Result packer: groups of results to beats of an AXI4-Stream."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ..axi.axi_stream import beat_layout

# Cycles in the buffer of beats, cycles until a group that was taken is counted, and beats for which there is room at
# least: 16 in LUT-RAM and one at the output. More take twice as many LUT-RAMs. So does a core whose every group is a
# beat, and of which three groups more are taken once the totals are accepted (a ``result_interval`` of 4): at a beat a
# cycle 14 are on their way, and there must be room for five more.
BUFFERED, COUNTED, MIN_DEPTH = 2, 1, 17


def result_beat_layout(config):
    """A beat of results; with checksum, ``user`` of the last beat of a packet means that the results are wrong."""
    return beat_layout(config.output_stream_bits, config.checksum)


def results_signature(config):
    """Groups of results, as their source sees them; it takes a group only if there is ``space``, since it cannot stall.

    There is then space for as many groups after that one as `CoreConfig.kept_groups` says, and one at least.

    ``taken``: a group of totals is taken; ``taken_last``: it is its vector's last. ``valid``: ``results`` are those of
    a group, the lowest column lowest; ``last``: it is its vector's last. Results of columns beyond the vector's last
    are undefined.
    """
    return wiring.Signature({
        "taken": Out(1), "taken_last": Out(1), "space": In(1),
        "valid": Out(1), "last": Out(1), "results": Out(config.lanes * config.output_bits),
    })


def max_beats(config, count):
    """Beats that so many groups in a row complete, at most."""
    parts = config.beat_groups
    ends = [group % parts == parts - 1 or group == config.groups - 1 for group in range(config.groups)]
    return max(sum(ends[(first + index) % config.groups] for index in range(count)) for first in range(config.groups))


def room_for_beats(config, latency):
    """Beats that the packer of a requantizer with this latency holds, and how many of them it keeps for groups that
    may be taken beyond that with which there still was space, and that are counted later.
    """
    # The group with which a vector is flushed is the last of its beat.
    groups = max(config.kept_groups + 1, 2) + COUNTED
    beyond = min(groups, max_beats(config, groups) + 1)
    return max(max_beats(config, latency + BUFFERED - COUNTED) + beyond, MIN_DEPTH), beyond


class ResultPacker(wiring.Component):
    """Collects the results of a vector in beats, and buffers these until the stream accepts them.

    Parameters
    ----------
    config : CoreConfig
    latency : int
        Cycles from a group that is taken to its results. So many groups, each with a beat of its own, pass without a
        pause.

    Members
    -------
    i : ``In(results_signature)``
        Groups of results, from the requantizer.
    busy : ``Out(1)``
        A beat is being collected, or waits.
    wrong : ``In(int(config.checksum))``
        With the last results of a vector: they do not agree with the checksum.
    o : ``Out(stream)``
        `result_beat_layout`: results; bytes that are not kept are zero.
    """

    def __init__(self, *, config, latency):
        self.config, self.latency = config, latency
        self.depth, self.beyond = room_for_beats(config, latency)
        super().__init__({
            "i": In(results_signature(config)), "busy": Out(1),
            "wrong": In(int(config.checksum)), "o": Out(stream.Signature(result_beat_layout(config))),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        results = config.beat_groups * len(self.i.results)
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=results + 1 + len(self.wrong), depth=self.depth)
        self._count(m)
        self._gather(m, fifo)
        payload, used = self.o.payload, config.result_bytes % (config.output_stream_bits // 8)
        whole = Const(-1, len(payload.keep))
        # The rest of a partly filled last beat is zero.
        filled = Mux(payload.last, (1 << 8 * used) - 1, Const(-1, len(payload.data))) if used else -1
        m.d.comb += [
            self.o.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.o.ready),
            payload.data.eq(fifo.r_data[:results] & filled),
            payload.last.eq(fifo.r_data[results]),
            payload.keep.eq(Mux(payload.last, (1 << used) - 1, whole) if used else whole),
        ]
        if config.checksum:
            m.d.comb += payload.user.eq(fifo.r_data[-1])
        return m

    def _count(self, m):
        """Count beats for which a group has been accepted and that have not left."""
        # So many that its sign says whether there is space.
        most = self.depth - self.beyond
        room = Signal(range(-self.beyond, most + 1), init=most)
        next_room = Signal.like(room, name="next_room")
        space = Signal(init=1)
        left = Signal()
        taken = Signal()
        taken_last = Signal(reset_less=True)
        m.d.sync += [taken.eq(self.i.taken), taken_last.eq(self.i.taken_last)]
        ends = self._ends(m, "promised_part", taken, taken_last)
        m.d.comb += [
            left.eq(self.o.valid & self.o.ready),
            self.i.space.eq(space),
            next_room.eq(room - ends + left),
            self.busy.eq((room != most) | taken),
        ]
        m.d.sync += [room.eq(next_room), space.eq(~next_room[-1])]

    def _ends(self, m, name, valid, last):
        """Whether a group completes a beat."""
        parts = self.config.beat_groups
        part = Signal(range(parts), name=name)
        with m.If(valid):
            m.d.sync += part.eq(Mux(last, 0, part + 1))
        return valid & (last | (part == parts - 1))

    def _gather(self, m, fifo):
        width = len(self.i.results)
        parts = self.config.beat_groups
        position = Signal(range(parts))
        held = [Signal(width, name=f"part_{index}", reset_less=True) for index in range(parts - 1)]
        with m.If(self.i.valid):
            m.d.sync += position.eq(Mux(self.i.last, 0, position + 1))
        for index, register in enumerate(held):
            with m.If(self.i.valid & (position == index)):
                m.d.sync += register.eq(self.i.results)
        # Missing results of a last beat are not kept.
        current = [Mux(position == index, self.i.results, register) for index, register in enumerate(held)]
        m.d.comb += [
            fifo.w_data.eq(Cat(*current, self.i.results, self.i.last, self.i.last & self.wrong)),
            fifo.w_en.eq(self.i.valid & (self.i.last | (position == parts - 1))),
        ]
