"""Pairs: words of two tensors that are added, pixel by pixel."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..control.countdown import Countdown
from ..control.delays import delayed, first_of
from ..control.descriptor import ADDRESS_BITS, record_layout
from ..memory.bounds import least_of, used_layout


class Pairs(wiring.Component):
    """Reads ``lanes`` channels of a pixel of the source in one cycle, and of the residual in the next.

    Parameters
    ----------
    lanes : int

    Members
    -------
    record : ``In(record_layout)``
        The descriptor, an ADD.
    begin : ``In(1)``
        For a cycle, two before the first read; ``record`` is new for some cycles.
    go : ``In(1)``
        For a cycle, the one before the first read.
    reads : ``Out(1)``
        A read.
    last : ``Out(1)``
        The last.
    address : ``Out(ADDRESS_BITS)``
        Of its first byte, a cycle later.
    used : ``Out(used_layout)``
        Which bytes are used, a cycle after the address.
    stop : ``In(1)``
        Nothing is read.
    valid : ``Out(1)``
        Two words, a cycle after the read of the second.
    target : ``Out(ADDRESS_BITS)``
        Where the first sum of these goes.
    write : ``Out(lanes)``
        Which sums are written.
    """

    def __init__(self, *, lanes):
        self.lanes = lanes
        super().__init__({
            "record": In(record_layout()), "begin": In(1), "go": In(1), "reads": Out(1), "last": Out(1),
            "address": Out(ADDRESS_BITS), "used": Out(used_layout(lanes)), "stop": In(1), "valid": Out(1),
            "target": Out(ADDRESS_BITS), "write": Out(lanes),
        })

    def elaborate(self, platform):
        m = Module()
        fields, names = self.record.fields, ("source", "residual", "target")
        places = data.StructLayout(dict.fromkeys(names, ADDRESS_BITS))
        pixel, row = Signal(places, name="pixel", reset_less=True), Signal(places, name="row", reset_less=True)
        channel, is_second, ends_pixel, ends_row = Signal(16, reset_less=True), Signal(), Signal(), Signal()
        words = Countdown(m, "word", restart=self.begin | ends_pixel, advance=is_second, total=fields.channels,
                          size=self.lanes)
        columns = Countdown(m, "column", restart=self.begin | ends_row, advance=ends_pixel, total=fields.target_width)
        lines = Countdown(m, "line", restart=self.begin, advance=ends_row, total=fields.target_height)
        m.d.comb += [ends_pixel.eq(is_second & words.is_last), ends_row.eq(ends_pixel & columns.is_last),
                     self.last.eq(self.reads & ends_row & lines.is_last)]
        # A run that was stopped between the two words left this set.
        with m.If(self.begin):
            m.d.sync += is_second.eq(0)
        with m.If(self.go):
            m.d.sync += self.reads.eq(1)
        with m.Elif(self.reads):
            m.d.sync += [is_second.eq(~is_second), self.reads.eq(~self.last & ~self.stop)]
        with m.If(self.begin):
            m.d.sync += [place[name].eq(fields[name]) for place in (pixel, row) for name in names]
        with m.If(self.begin | ends_pixel):
            m.d.sync += channel.eq(0)
        with m.Elif(is_second):
            m.d.sync += channel.eq(channel + self.lanes)
        with m.If(self.reads & ends_pixel):
            m.d.sync += [pixel[name].eq(pixel[name] + fields[f"{name}_pixel"]) for name in names]
            with m.If(columns.is_last):
                for name in names:
                    below = (row[name] + fields[f"{name}_pitch"])[:ADDRESS_BITS]
                    m.d.sync += [pixel[name].eq(below), row[name].eq(below)]
        m.d.sync += self.address.eq(Mux(is_second, pixel.residual, pixel.source) + channel)
        count = Mux(self.reads, least_of(m, "count", words.left, self.lanes), 0)
        m.d.comb += [self.used.end.eq(delayed(m, "count", count, 2)),
                     self.used.is_residual.eq(delayed(m, "is_residual", is_second, 2))]
        m.d.comb += self.valid.eq(delayed(m, "second", self.reads & is_second, 1, reset=True))
        m.d.sync += [self.target.eq(pixel.target + channel),
                     self.write.eq(first_of(words.left, self.lanes))]
        return m
