"""Weight port: rows of tiles and of taps from a memory outside, requested before they are needed."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import In, Out

from ....golden.engine.image import LOAD_ROWS
from ...axi.bursts import PATIENCE
from ...fabric.emitter import Platform
from .load_list import LoadList
from .row_buffer import RowBuffer
from .tile_rows import row_members

# Of a row that has come: whether it is one of taps, and whether the memory had an error.
ARRIVED = data.StructLayout({"of_tile": 1, "of_taps": 1, "is_wrong": 1})


def port_members(config):
    """Members of a port of a memory outside: requests of rows, and their answers one after the other."""
    return {
        "request_valid": Out(1), "request_ready": In(1), "request_row": Out(LOAD_ROWS), "request_tag": Out(1),
        "answer_valid": In(1), "answer_data": In(8 * config.weight_port), "answer_wrong": In(1), "answer_tag": In(1),
    }


class WeightPort(wiring.Component):
    """Requests rows of tiles in the order of the loads, while the buffer has room for them, and rows of taps first.

    At most `EngineConfig.rows_ahead` rows are requested that have not come. If the memory answers with an error, no row
    from that one on comes; if it does not answer for `PATIENCE` cycles, so it is with all that were requested, and
    later ones have another tag. None is made with a tag of which answers are still to come; they are awaited as long.

    Latency: two cycles from an answer's last bytes to taps; to a row of a tile as of `RowBuffer` behind them.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    write_entry : ``In(1)``
        Store an entry of the list of loads.
    entry_address : ``In(range(load_entries))``
        Its number.
    entry : ``In(32)``
        The entry.
    count : ``In(range(load_entries + 1))``
        Entries.
    row_count : ``In(range(most_tile_rows + 1))``
        Rows that the memory has: no other is requested.
    start : ``In(1)``
        For a cycle, while not ``busy``: begin with the first load.
    runs : ``In(1)``
        Rows are requested. If not, ``valid`` is high, so that a tile comes to its end, with what it may be.
    offers : ``In(1)``
        A row of a tile is wanted.
    valid : ``Out(1)``
        It is there.
    row : ``Out(8 * columns)``
        The row.
    take : ``In(1)``
        It is accepted.
    tap_reads : ``In(1)``
        A row of taps is wanted.
    tap_row : ``In(16)``
        Which.
    tap_ready : ``Out(1)``
        It is requested.
    tap_arrives : ``Out(1)``
        A row of taps is there, in the order in which they were wanted.
    taps : ``Out(8 * columns)``
        That row.
    tap_beyond : ``Out(1)``
        The row of taps that is wanted is beyond those that the memory has.
    tap_lost : ``Out(1)``
        For a cycle: the memory does not give a row of taps.
    is_beyond : ``Out(1)``
        The row of a tile that is wanted is beyond those that the memory has.
    is_lost : ``Out(1)``
        The memory does not give the row of a tile that is wanted.
    busy : ``Out(1)``
        A row was requested and has not come.
    request_valid : ``Out(1)``
        A row is requested.
    request_ready : ``In(1)``
        The memory takes the request.
    request_row : ``Out(16)``
        Its number.
    request_tag : ``Out(1)``
        Comes back with its answer.
    answer_valid : ``In(1)``
        Bytes of an answer, the lowest first. Answers come in the order of requests, each as a whole.
    answer_data : ``In(8 * weight_port)``
        The bytes.
    answer_wrong : ``In(1)``
        They are an error.
    answer_tag : ``In(1)``
        Of the request.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "write_entry": In(1), "entry_address": In(range(config.load_entries)), "entry": In(32),
            "count": In(range(config.load_entries + 1)), "row_count": In(range(config.most_tile_rows + 1)),
            "start": In(1), "runs": In(1), **row_members(config), "tap_lost": Out(1),
            "is_beyond": Out(1), "is_lost": Out(1), "busy": Out(1), **port_members(config),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        depth = self.config.tile_rows
        # Of each row that was requested and has not come, whether it is one of taps.
        m.submodules.asked = self._asked = SyncFIFO(width=1, depth=self.config.rows_ahead)
        # The memory does not answer: from the next cycle on what was requested counts as wrong.
        self._is_late, self._gives_up = Signal(), Signal()
        # A row is to be requested. It is not while answers to earlier requests with its tag are to come.
        self._asks, self._is_stale = Signal(), Signal()
        m.d.comb += self.request_valid.eq(self._asks & ~self._is_stale)
        # Room for rows; one was wrong; one of taps was, with which the run ends, so nothing more is requested.
        room, is_closed, self._lacks_taps = Signal(range(depth + 1)), Signal(), Signal()
        buffer = platform.instantiate(m, "buffer", "row_buffer", RowBuffer, width=len(self.row), depth=depth)
        arrived, row = self._assemble(m)
        asks_tile, is_beyond = self._request(m, platform, (room != 0) & ~is_closed & ~self._lacks_taps)
        is_over = (is_closed | is_beyond) & ~self.busy & ~arrived.of_tile & buffer.is_empty
        m.d.comb += [
            buffer.clear.eq(self.start), buffer.write.eq(arrived.of_tile & ~arrived.is_wrong & ~is_closed),
            buffer.write_data.eq(row), buffer.take.eq(self.take), self.valid.eq(buffer.valid | ~self.runs),
            self.row.eq(buffer.row), self.taps.eq(row), self.tap_arrives.eq(arrived.of_taps & ~arrived.is_wrong),
            self.tap_lost.eq(arrived.of_taps & arrived.is_wrong), self.busy.eq(self._asks | self._asked.r_rdy),
            self.is_lost.eq(self.offers & is_over & is_closed), self.is_beyond.eq(self.offers & is_over & ~is_closed),
        ]
        with m.If(self.start):
            m.d.sync += [room.eq(depth), is_closed.eq(0), self._lacks_taps.eq(0)]
        with m.Else():
            m.d.sync += [room.eq(room - asks_tile + self.take),
                         self._lacks_taps.eq(self._lacks_taps | self.tap_lost),
                         is_closed.eq(is_closed | (arrived.of_tile & arrived.is_wrong))]
        return m

    def _request(self, m, platform, may_ask):
        """Request rows; whether one of a tile is, if ``may_ask``, and whether the next is beyond the memory's."""
        # Ahead of the loader, which therefore has another.
        loads = platform.instantiate(m, "loads", "load_list", LoadList, config=self.config)
        row, left = Signal(LOAD_ROWS), Signal(range(self.config.macro.rows + 1))
        issued, is_free, asks_tile, asks_taps, is_beyond = Signal(), Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            loads.write.eq(self.write_entry), loads.write_address.eq(self.entry_address),
            loads.write_data.eq(self.entry), loads.count.eq(self.count), loads.start.eq(self.start),
            loads.begins.eq(self.runs & loads.is_there & ((left == 0) | (asks_tile & (left == 1)))),
            issued.eq(self.request_valid & self.request_ready),
            is_free.eq((~self._asks | issued) & self._asked.w_rdy & self.runs & ~self._is_late &
                       ~self._gives_up),
            self.tap_beyond.eq(self.tap_reads & (self.tap_row >= self.row_count)),
            is_beyond.eq((left != 0) & (row >= self.row_count)),
            self.tap_ready.eq(is_free & ~self.tap_beyond & ~self._lacks_taps),
            asks_taps.eq(self.tap_reads & self.tap_ready),
            asks_tile.eq(is_free & ~self.tap_reads & (left != 0) & may_ask & ~is_beyond),
            self._asked.w_en.eq(asks_taps | asks_tile), self._asked.w_data.eq(asks_taps),
        ]
        # What is requested after that has another tag.
        with m.If(issued | self._is_late):
            m.d.sync += self._asks.eq(0)
        self._change_tag(m, issued)
        with m.If(asks_taps | asks_tile):
            m.d.sync += [self._asks.eq(1), self.request_row.eq(Mux(asks_taps, self.tap_row, row))]
        with m.If(asks_tile):
            m.d.sync += [row.eq(row + 1), left.eq(left - 1)]
        with m.If(loads.begins):
            m.d.sync += [row.eq(loads.entry.first), left.eq(Mux(loads.entry.keeps, 0, loads.entry.rows))]
        with m.If(self.start):
            m.d.sync += left.eq(0)
        return asks_tile, is_beyond

    def _change_tag(self, m, issued):
        """After no answer the other tag, once all answers to requests with that one have come."""
        beats = self.config.row_cycles
        owed = [Signal(range((self.config.rows_ahead + 1) * beats + 1), name=f"owed_{tag}") for tag in range(2)]
        for tag, left in enumerate(owed):
            comes = self.answer_valid & (self.answer_tag == tag) & (left != 0)
            m.d.sync += left.eq(left + Mux(issued & (self.request_tag == tag), beats, 0) - comes)
        own, other = (Mux(self.request_tag == tag, *owed[::-1]) != 0 for tag in (1, 0))
        with m.If(self._is_late & ~self._is_stale):
            m.d.sync += [self.request_tag.eq(~self.request_tag), self._is_stale.eq(other)]
        with m.Elif(~own):
            m.d.sync += self._is_stale.eq(0)

    def _assemble(self, m):
        """A row that has come, `ARRIVED`, and its bytes."""
        asked, last = self._asked, self.config.row_cycles - 1
        arrived, row = Signal(ARRIVED), Signal(len(self.row), reset_less=True)
        number, is_wrong, cycles = Signal(range(last + 1)), Signal(), Signal(range(PATIENCE))
        comes, ends = Signal(), Signal()
        m.d.comb += [
            comes.eq(self.answer_valid & (self.answer_tag == self.request_tag) & asked.r_rdy & ~self._gives_up &
                     ~self._is_stale),
            ends.eq((comes & (number == last)) | (self._gives_up & asked.r_rdy)), asked.r_en.eq(ends),
            self._is_late.eq(cycles == PATIENCE - 1),
        ]
        m.d.sync += [
            arrived.of_tile.eq(ends & ~asked.r_data), arrived.of_taps.eq(ends & asked.r_data),
            arrived.is_wrong.eq(is_wrong | self.answer_wrong | self._gives_up),
            cycles.eq(Mux(asked.r_rdy & ~comes & ~self._is_late & ~self._gives_up, cycles + 1, 0)),
            self._gives_up.eq(self._is_late | (self._gives_up & asked.r_rdy)),
        ]
        with m.If(comes):
            m.d.sync += [number.eq(number + 1), is_wrong.eq(is_wrong | self.answer_wrong),
                         row.eq(Cat(row, self.answer_data)[len(self.answer_data):])]
        with m.If(ends):
            m.d.sync += [number.eq(0), is_wrong.eq(0)]
        return arrived, row
