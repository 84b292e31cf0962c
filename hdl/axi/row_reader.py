"""Row reader: rows of a table in memory, by their numbers, through an AXI4 master."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .bursts import beat_shift, burst_layout, next_beats
from .master import connect_address, read_ports


class RowReader(wiring.Component):
    """Reads rows as bursts, of which the last of a row ends with it, and gives their beats as they come.

    Latency: a cycle from a request to its first burst. A row begins while the last burst of the one before is accepted.

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
        first, left = Signal(burst.first.shape()), Signal(range(self.row_beats + 1))
        issued = port.arvalid & port.arready
        m.d.comb += [
            burst.first.eq(first), burst.beats.eq(next_beats(first, left)), port.arvalid.eq(left != 0),
            self.request_ready.eq((left == 0) | (issued & (left == burst.beats))), port.rready.eq(1),
            self.answer_valid.eq(port.rvalid), self.answer_data.eq(port.rdata), self.answer_wrong.eq(port.rresp[1]),
            self.answer_tag.eq(port.rid),
        ]
        connect_address(m, port, "ar", burst, self.bits)
        with m.If(self.request_valid & self.request_ready):
            m.d.sync += [first.eq(self.base[beat_shift(self.bits):] + self.request_row * self.row_beats),
                         left.eq(self.row_beats), port.arid.eq(self.request_tag)]
        with m.Elif(issued):
            m.d.sync += [first.eq(first + burst.beats), left.eq(left - burst.beats)]
        return m
