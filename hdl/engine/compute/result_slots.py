"""Result slots: where each group of a macro's results goes, one a cycle."""

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.descriptor import Flags
from ...config.widths import ceil_log2
from ...fabric.register import registered
from ..control.delays import first_of, fits
from ..control.descriptor import ADDRESS_BITS, record_layout
from ..control.queue import Queue
from ..control.windows import Windows
from ..memory.bounds import least_of


def slot_layout(config):
    """A slot: ``lanes`` results of a position.

    ``begins``: its partial sums begin with it; ``ends``: they are complete; ``adds``: a tensor is added to its results;
    ``number``: which slot of the macro's result it is; ``ends_vector``: the last; ``is_last``: of all;
    ``sum_number``: number of its partial sums; ``parameters``: slot of the parameters; ``address``: of the first
    result; ``write``: which lanes are written; ``other``: address of the first byte that is added; ``count``: how many
    are, none beyond the target; ``has_many_slots``: a result has more slots than the macro has groups of columns;
    ``has_many_sums``: there are more partial sums than can be kept.
    """
    return data.StructLayout({
        "begins": 1, "ends": 1, "adds": 1, "number": range(config.slots), "ends_vector": 1, "is_last": 1,
        "sum_number": range(config.sum_slots), "parameters": range(config.parameter_slots), "address": ADDRESS_BITS,
        "write": config.lanes, "other": ADDRESS_BITS, "count": range(config.lanes + 1), "has_many_slots": 1,
        "has_many_sums": 1})


class ResultSlots(wiring.Component):
    """Walks over channels, strips, parts, windows, and positions of each, as the vectors do.

    Latency: the first slot is there six cycles after ``begin``, and each other one when the one before it was taken.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    record : ``In(record_layout)``
        The descriptor, a CONV.
    begin : ``In(1)``
        For a cycle: ``record`` is new.
    take : ``In(1)``
        The slot goes to the lanes; not after the last.
    slot : ``Out(slot_layout)``
        Where it goes.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({"record": In(record_layout()), "begin": In(1), "take": In(1),
                          "slot": Out(slot_layout(config))})

    def elaborate(self, platform):
        m = Module()
        # A vector: what `Windows` says of it, and the range of its channels: how many, whether they fit in a slot, slot
        # of the parameters of the first, and channels of the ranges before.
        self._range_layout = data.StructLayout({
            "channels": 16, "fits": 1, "parameters": range(self.config.parameter_slots), "before": 16})
        self._vector_layout = data.StructLayout({
            "is_first_part": 1, "is_last_part": 1, "ends_tile": 1, "is_last": 1, "range": self._range_layout})
        # There is a slot, the queue takes what there is, and a vector follows.
        is_active, goes, loads = Signal(), Signal(), Signal()
        # What a slot is the last of: the channels of a position, the positions of a row, the rows of a vector; and all
        # of these. That of the slot after it is found a cycle before.
        last = data.StructLayout({"group": 1, "column": 1, "row": 1})
        ends, following_ends = Signal(last, reset_less=True), Signal(last, name="following_ends")
        ends_vector = Signal(reset_less=True)
        m.d.comb += [loads.eq(~is_active | (goes & ends_vector)), following_ends.eq(ends)]
        with m.If(loads | goes):
            m.d.sync += [ends.eq(following_ends), ends_vector.eq(Value.cast(following_ends).all())]
        vectors = self._walk_windows(m, loads)
        following = vectors.item
        with m.If(self.begin):
            m.d.sync += is_active.eq(0)
        with m.Elif(loads):
            m.d.sync += is_active.eq(vectors.valid)
        vector = Signal(self._vector_layout, reset_less=True)
        with m.If(loads):
            m.d.sync += vector.eq(following.vector)
        position = self._walk_block(m, following, loads, goes, ends, following_ends)
        number, left, distance, parameters = self._walk_groups(m, vector, following.vector, loads, goes, ends.group,
                                                               following_ends.group)
        late = Signal(self.slot.shape(), reset_less=True)
        is_inside, lanes, ends_tile = (position.columns > 0) & (position.lines > 0), self.config.lanes, Signal()
        sum_number = self._number_sums(m, ~is_active | (goes & ends_tile), goes)
        adds = vector.is_last_part & ((self.record.fields.flags & int(Flags.RESIDUAL)) != 0)
        is_kept = ~(vector.is_first_part & vector.is_last_part)
        m.d.comb += ends_tile.eq(ends_vector & vector.ends_tile)
        with m.If(goes):
            m.d.sync += [late[name].eq(value) for name, value in {
                "begins": vector.is_first_part, "ends": vector.is_last_part, "adds": adds, "number": number,
                "ends_vector": ends_vector, "is_last": ends_vector & vector.is_last, "sum_number": sum_number,
                "parameters": parameters, "address": position.at + distance,
                "write": Mux(vector.is_last_part & is_inside, first_of(left, lanes), 0),
                "other": position.other + distance, "count": Mux(is_inside, least_of(m, "least", left, lanes), 0),
                "has_many_slots": ~ends_vector & (number == self.config.slots - 1),
                "has_many_sums": is_kept & ~ends_tile & (sum_number == self.config.sum_slots - 1)}.items()]
        is_late = registered(m, "is_late", is_active & ~self.begin, enable=goes | self.begin, reset_less=False)
        queue = Queue(m, clear=self.begin, valid=is_late, given=late, take=self.take)
        m.d.comb += [goes.eq(queue.has_room), self.slot.eq(queue.item)]
        return m

    def _walk_windows(self, m, take):
        """A queue of vectors, each with the window as in `PatchAddresses`, the addresses of its results and of what is
        added."""
        fields, products = self.record.fields, self.record.products
        upcoming, advances = Signal(self._range_layout, reset_less=True), Signal()
        given = Signal(data.StructLayout({"vector": self._vector_layout, **dict.fromkeys(("at", "other"), ADDRESS_BITS),
                                          **dict.fromkeys(("columns", "lines"), 16)}), name="following")

        def step(window):
            row, other = ((window[name] + step)[:ADDRESS_BITS] for name, step in (
                ("row_at", products.block_y_bytes), ("other_row", products.other_y_bytes)))
            return {"row_at": Mux(window.ends_row, row, window.row_at),
                    "at": Mux(window.ends_row, row, window.at + products.block_x_bytes),
                    "other_row": Mux(window.ends_row, other, window.other_row),
                    "other": Mux(window.ends_row, other, window.other + products.other_x_bytes)}

        windows = Windows(
            m, self.record, begin=self.begin, advance=advances, rows=self.config.macro.rows, following=step,
            coordinates=dict.fromkeys(("at", "row_at", "other", "other_row"), ADDRESS_BITS),
            first=dict.fromkeys(("at", "row_at"), fields.target) | dict.fromkeys(("other", "other_row"),
                                                                                 fields.residual))
        vector = given.vector
        m.d.comb += [
            vector.is_first_part.eq(windows.is_first_part), vector.is_last_part.eq(windows.parts.is_last),
            vector.ends_tile.eq(windows.ends_tile), vector.is_last.eq(windows.ends_all), vector.range.eq(upcoming),
            *(given[name].eq(windows.window[name]) for name in ("at", "other", "columns", "lines")),
        ]
        lanes, ranges = self.config.lanes, windows.ranges
        with m.If(windows.begins):
            m.d.sync += [
                upcoming.channels.eq(ranges.first_size), upcoming.parameters.eq(fields.parameters),
                upcoming.fits.eq(fits(fields.channels, lanes) | fits(fields.outputs, lanes)), upcoming.before.eq(0)]
        with m.Elif(advances & windows.ends_range):
            m.d.sync += [
                upcoming.channels.eq(ranges.next_size), upcoming.fits.eq(fits(ranges.next_size, lanes)),
                upcoming.parameters.eq(upcoming.parameters + (fields.outputs >> ceil_log2(lanes))),
                upcoming.before.eq(upcoming.before + fields.outputs)]
        queue = Queue(m, clear=self.begin, valid=windows.valid, given=given, take=take)
        m.d.comb += advances.eq(queue.has_room)
        return queue

    def _walk_block(self, m, window, loads, goes, ends, following_ends):
        """The positions of a vector, row by row."""
        fields = self.record.fields
        # Address, and that of the first of its row; the same of the tensor that is added; what is left of the target.
        position = Signal(data.StructLayout({
            "at": ADDRESS_BITS, "row_at": ADDRESS_BITS, "other": ADDRESS_BITS, "other_row": ADDRESS_BITS,
            "columns": signed(17), "lines": signed(17)}), reset_less=True)
        across, down = Signal(8, reset_less=True), Signal(8, reset_less=True)
        is_single, is_low = (registered(m, name, value == 1) for name, value in (
            ("is_single_column", fields.block_width), ("is_single_row", fields.block_height)))
        with m.If(loads):
            m.d.sync += [
                position.at.eq(window.at), position.row_at.eq(window.at), position.other.eq(window.other),
                position.other_row.eq(window.other), position.columns.eq(window.columns),
                position.lines.eq(window.lines), across.eq(fields.block_width), down.eq(fields.block_height)]
            m.d.comb += [following_ends.column.eq(is_single), following_ends.row.eq(is_low)]
        with m.Elif(goes & ends.group & ends.column):
            row = (position.row_at + fields.target_pitch)[:ADDRESS_BITS]
            other = (position.other_row + fields.residual_pitch)[:ADDRESS_BITS]
            m.d.sync += [position.at.eq(row), position.row_at.eq(row), position.other.eq(other),
                         position.other_row.eq(other), position.lines.eq(position.lines - 1),
                         position.columns.eq(position.columns + (fields.block_width - 1)),
                         across.eq(fields.block_width), down.eq(down - 1)]
            m.d.comb += [following_ends.column.eq(is_single), following_ends.row.eq(down == 2)]
        with m.Elif(goes & ends.group):
            m.d.sync += [position.at.eq(position.at + fields.target_pixel),
                         position.other.eq(position.other + fields.residual_pixel),
                         position.columns.eq(position.columns - 1), across.eq(across - 1)]
            m.d.comb += following_ends.column.eq(across == 2)
        return position

    def _walk_groups(self, m, vector, following, loads, goes, is_last, is_following_last):
        """The groups of channels of a position: number of the slot in the vector, channels of the range that are left,
        distance in bytes from the position's first channel, of any range, and slot of the parameters."""
        lanes = self.config.lanes
        number, parameters = Signal.like(self.slot.number), Signal.like(self.slot.parameters, reset_less=True)
        left, distance = Signal(16, reset_less=True), Signal(16, reset_less=True)
        with m.If(loads):
            m.d.sync += number.eq(0)
        with m.Elif(goes):
            m.d.sync += number.eq(number + 1)
        first = Signal(self._range_layout, name="first_group")
        m.d.comb += first.eq(Mux(loads, following.range, vector.range))
        with m.If(loads | (goes & is_last)):
            m.d.sync += [left.eq(first.channels), distance.eq(first.before), parameters.eq(first.parameters)]
            m.d.comb += is_following_last.eq(first.fits)
        with m.Elif(goes):
            m.d.sync += [left.eq(left - lanes), distance.eq(distance + lanes), parameters.eq(parameters + 1)]
            m.d.comb += is_following_last.eq(fits(left, 2 * lanes))
        return number, left, distance, parameters

    def _number_sums(self, m, begins_tile, goes):
        """The number of a slot's partial sums, of the tile."""
        number = Signal.like(self.slot.sum_number)
        with m.If(begins_tile):
            m.d.sync += number.eq(0)
        with m.Elif(goes):
            m.d.sync += number.eq(number + 1)
        return number
