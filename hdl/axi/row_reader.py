"""Row reader: rows of a table in memory, by their numbers, through an AXI4 master."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .bursts import BURST, beat_shift, burst_layout, next_beats
from .master import connect_address, read_ports

# Beats that are wanted before the first burst of them can be, beyond which none are joined to them.
KEPT = 2 * BURST


class RowReader(wiring.Component):
    """Reads rows as bursts, and gives their beats as they come.

    Rows that follow one another are read together if they are wanted before the first burst of them can be: so a memory
    that is slow to accept bursts gets long ones.

    Latency: two cycles from a request to its first burst.

    Throughput: a burst in two cycles, and a row in one that follows on the one before, else in two.

    Parameters
    ----------
    bits : int
        Of a beat.
    address_bits : int
    row_bits : int
        Of the number of a row.
    row_beats : int
        Beats of a row.

    Members
    -------
    base : ``In(address_bits)``
        Address of row 0, whose bits within a beat are ignored.
    request_valid : ``In(1)``
        A row is wanted.
    request_ready : ``Out(1)``
        It will be read.
    request_row : ``In(row_bits)``
        Its number.
    request_tag : ``In(1)``
        Comes back with its beats.
    answer_valid : ``Out(1)``
        A beat.
    answer_data : ``Out(bits)``
        Its bytes.
    answer_wrong : ``Out(1)``
        It is an error.
    answer_tag : ``Out(1)``
        Of the request.
    m_axi : ``Out(signature)``
        `read_ports`.
    """

    def __init__(self, *, bits, address_bits, row_bits, row_beats):
        self.bits, self.row_beats = bits, row_beats
        self._burst = burst_layout(bits, address_bits)
        super().__init__({
            "base": In(address_bits), "request_valid": In(1), "request_ready": Out(1), "request_row": In(row_bits),
            "request_tag": In(1), "answer_valid": Out(1), "answer_data": Out(bits), "answer_wrong": Out(1),
            "answer_tag": Out(1), "m_axi": Out(wiring.Signature({
                name: flow(width) for name, (flow, width, _) in read_ports(bits, address_bits).items()})),
        })

    def elaborate(self, platform):
        m = Module()
        port, burst = self.m_axi, Signal(self._burst)
        # Beats that are wanted and in no burst yet: the first, how many, and the row behind them.
        first, left = Signal(burst.first.shape()), Signal(range(KEPT + self.row_beats))
        next_row, tag, joins = Signal(len(self.request_row) + 1), Signal(), Signal()
        beats = Mux(port.arvalid, 0, next_beats(first, left))
        m.d.comb += [
            joins.eq((left < KEPT) & (self.request_row == next_row) & (self.request_tag == tag)),
            self.request_ready.eq((left == 0) | joins), port.rready.eq(1), self.answer_valid.eq(port.rvalid),
            self.answer_data.eq(port.rdata), self.answer_wrong.eq(port.rresp[1]), self.answer_tag.eq(port.rid),
        ]
        connect_address(m, port, "ar", burst, self.bits)
        m.d.sync += [first.eq(first + beats), left.eq(left - beats)]
        with m.If(port.arready):
            m.d.sync += port.arvalid.eq(0)
        with m.If(~port.arvalid):
            m.d.sync += [burst.first.eq(first), burst.beats.eq(beats), port.arid.eq(tag), port.arvalid.eq(left != 0)]
        with m.If(self.request_valid & self.request_ready):
            m.d.sync += [left.eq(left - beats + self.row_beats), next_row.eq(self.request_row + 1)]
            with m.If(left == 0):
                m.d.sync += [first.eq(self.base[beat_shift(self.bits):] + self.request_row * self.row_beats),
                             tag.eq(self.request_tag)]
        return m
