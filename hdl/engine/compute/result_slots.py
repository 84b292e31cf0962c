"""Result slots: where each group of a macro's results goes, one a cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.descriptor import Flags
from ..control.delays import minimum
from ..control.descriptor import ADDRESS_BITS, record_layout
from ..memory.bounds import least_of


def slot_layout(config):
    """A slot: ``lanes`` results of a position.

    ``begins``: its partial sums begin with it; ``ends``: they are complete; ``parameters``: slot of
    the parameters; ``address``: of the first result; ``write``: which lanes are written.
    """
    return data.StructLayout({
        "begins": 1, "ends": 1, "parameters": range(config.parameter_slots),
        "address": ADDRESS_BITS, "write": config.lanes})


class ResultSlots(wiring.Component):
    """Walks over channels, strips, parts, windows, and positions of each, as the vectors do.

    Latency: ``slot`` comes a cycle after ``goes``, ``sum_number`` and ``ends_vector`` at once.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    record : ``In(record_layout)``
        The descriptor, a CONV.
    begin : ``In(1)``
        For a cycle: ``record`` is new.
    goes : ``In(1)``
        A slot goes to the lanes; only while ``active``.
    active : ``Out(1)``
        There are slots left.
    last : ``Out(1)``
        A slot goes, and it is the last.
    ends_vector : ``Out(1)``
        The next slot is the last of a macro's result.
    number : ``Out(range(slots))``
        Which slot of the macro's result it is.
    sum_number : ``Out(range(sum_slots))``
        Number of its partial sums.
    adds : ``Out(1)``
        A tensor is added to the next slot's results.
    is_inside : ``Out(1)``
        They are within the target.
    other : ``Out(ADDRESS_BITS)``
        Address of the first byte that is added.
    count : ``Out(range(lanes + 1))``
        How many of them are used: none beyond the target.
    has_many_slots : ``Out(1)``
        A cycle after ``goes``: a result has more slots than the macro has groups of columns.
    has_many_sums : ``Out(1)``
        A cycle after ``goes``: there are more partial sums than can be kept.
    valid : ``Out(1)``
        A slot.
    slot : ``Out(slot_layout)``
        Where it goes.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "record": In(record_layout()), "begin": In(1), "goes": In(1), "active": Out(1), "last": Out(1),
            "ends_vector": Out(1),
            "number": Out(range(config.slots)), "sum_number": Out(range(config.sum_slots)), "adds": Out(1),
            "is_inside": Out(1), "other": Out(ADDRESS_BITS), "count": Out(range(config.lanes + 1)),
            "has_many_slots": Out(1), "has_many_sums": Out(1), "valid": Out(1), "slot": Out(slot_layout(config)),
        })

    def elaborate(self, platform):
        m = Module()
        fields, lanes = self.record.fields, self.config.lanes
        # Of a position: address, and that of the first of its row; the same of the tensor that is added; what is left
        # of the target, and of the block.
        self._position_layout = data.StructLayout({"at": ADDRESS_BITS, "row_at": ADDRESS_BITS, "other": ADDRESS_BITS,
                                                   "other_row": ADDRESS_BITS, "columns": signed(17),
                                                   "lines": signed(17), "across": 8, "down": 8})
        position = Signal(self._position_layout, reset_less=True, name="position")
        # Channels of this range that are left, for this position; distance in bytes from the first.
        left, distance = Signal(16, reset_less=True), Signal(16, reset_less=True)
        parameters = Signal.like(self.slot.parameters, reset_less=True)
        is_last_group = left <= lanes
        ends_position = Signal()
        ends_tile, is_last_part, block, window, first_parameters = self._walk_windows(m)
        m.d.comb += [
            ends_position.eq(is_last_group),
            self.ends_vector.eq(is_last_group & (position.across == 1) & (position.down == 1)),
        ]
        number = Signal.like(self.number)
        m.d.comb += self.number.eq(number)
        with m.If(self.begin | (self.goes & self.ends_vector)):
            m.d.sync += [number.eq(0), position.eq(window), left.eq(block), distance.eq(0),
                         parameters.eq(first_parameters)]
        with m.Elif(self.goes):
            m.d.sync += number.eq(number + 1)
            with m.If(is_last_group):
                m.d.sync += [left.eq(block), distance.eq(0), parameters.eq(first_parameters)]
                with m.If(position.across == 1):
                    row = (position.row_at + fields.target_pitch)[:ADDRESS_BITS]
                    other = (position.other_row + fields.residual_pitch)[:ADDRESS_BITS]
                    m.d.sync += [position.at.eq(row), position.row_at.eq(row), position.other.eq(other),
                                 position.other_row.eq(other), position.lines.eq(position.lines - 1),
                                 position.across.eq(fields.block_width), position.down.eq(position.down - 1),
                                 position.columns.eq(position.columns + (fields.block_width - 1))]
                with m.Else():
                    m.d.sync += [position.at.eq(position.at + fields.target_pixel),
                                 position.other.eq(position.other + fields.residual_pixel),
                                 position.columns.eq(position.columns - 1), position.across.eq(position.across - 1)]
            with m.Else():
                m.d.sync += [left.eq(left - lanes), distance.eq(distance + lanes), parameters.eq(parameters + 1)]
        is_inside = (position.columns > 0) & (position.lines > 0)
        m.d.comb += [self.adds.eq(is_last_part & ((fields.flags & int(Flags.RESIDUAL)) != 0)),
                     self.is_inside.eq(is_inside), self.other.eq(position.other + distance)]
        m.d.sync += [
            self.valid.eq(self.goes), self.slot.begins.eq(self._is_first_part),
            self.slot.ends.eq(is_last_part), self.slot.parameters.eq(parameters),
            self.slot.address.eq(position.at + distance),
            self.slot.write.eq(Mux(is_last_part & is_inside, Cat(left > lane for lane in range(lanes)), 0)),
        ]
        m.d.comb += self.count.eq(Mux(is_inside, least_of(m, "least", left, lanes), 0))
        m.d.sync += [
            self.has_many_slots.eq(self.goes & ~self.ends_vector & (number == self.config.slots - 1)),
            self.has_many_sums.eq(self.goes & ~ends_tile & (self.sum_number == self.config.sum_slots - 1) &
                                  ~(self._is_first_part & is_last_part)),
        ]
        with m.If(self.begin | (self.goes & ends_tile)):
            m.d.sync += self.sum_number.eq(0)
        with m.Elif(self.goes):
            m.d.sync += self.sum_number.eq(self.sum_number + 1)
        return m

    def _walk_windows(self, m):
        """Windows as in `PatchAddresses`; the block of channels, the window and its parameters, of the next vector."""
        fields, products = self.record.fields, self.record.products
        origin, chosen, following = (Signal(self._position_layout, name=name) for name in (
            "origin", "chosen_window", "following_window"))
        strip, ahead = (Signal(self._position_layout, name=name, reset_less=True) for name in (
            "strip_window", "window_ahead"))
        is_last, is_last_part, ends_tile = Signal(name="is_last_of_target"), Signal(), Signal()
        strip_left, channels_left = Signal(16, reset_less=True), Signal(16, reset_less=True)
        rows_left = Signal(32, reset_less=True)
        first, first_other = (Signal(ADDRESS_BITS, name=name, reset_less=True) for name in ("first", "first_other"))
        first_parameters = Signal.like(self.slot.parameters)
        block, parameters = Signal(16), Signal.like(first_parameters)
        self._is_first_part = Signal(reset_less=True)
        ends_range = Signal()
        m.d.comb += [
            is_last_part.eq(rows_left <= fields.part_rows),
            ends_tile.eq(self.ends_vector & ((strip_left == 1) | is_last)),
            ends_range.eq(ends_tile & is_last_part & is_last),
            origin.at.eq(Mux(self.begin, fields.target, first + fields.outputs)), origin.row_at.eq(origin.at),
            origin.other.eq(Mux(self.begin, fields.residual, first_other + fields.outputs)),
            origin.other_row.eq(origin.other),
            origin.columns.eq(fields.target_width), origin.lines.eq(fields.target_height),
            origin.across.eq(fields.block_width), origin.down.eq(fields.block_height),
            chosen.eq(ahead),
        ]
        next_left = Mux(self.begin, fields.channels, Mux(ends_range, channels_left - fields.outputs, channels_left))
        groups = fields.outputs >> (self.config.lanes - 1).bit_length()
        m.d.comb += [
            block.eq(minimum(m, "block", 17, next_left, fields.outputs)),
            parameters.eq(Mux(self.begin, fields.parameters,
                              Mux(ends_range, first_parameters + groups, first_parameters))),
        ]
        with m.If(self.begin | ends_range):
            m.d.comb += chosen.eq(origin)
        with m.Elif(ends_tile & ~is_last_part):
            m.d.comb += chosen.eq(strip)
        row_ends = Signal()
        row = (chosen.row_at + products.block_y_bytes)[:ADDRESS_BITS]
        other = (chosen.other_row + products.other_y_bytes)[:ADDRESS_BITS]
        m.d.comb += [
            row_ends.eq(chosen.columns <= fields.block_width), following.eq(chosen),
            following.row_at.eq(Mux(row_ends, row, chosen.row_at)),
            following.at.eq(Mux(row_ends, row, chosen.at + products.block_x_bytes)),
            following.other_row.eq(Mux(row_ends, other, chosen.other_row)),
            following.other.eq(Mux(row_ends, other, chosen.other + products.other_x_bytes)),
            following.columns.eq(Mux(row_ends, fields.target_width, chosen.columns - fields.block_width)),
            following.lines.eq(Mux(row_ends, chosen.lines - fields.block_height, chosen.lines)),
        ]
        window = Signal(self._position_layout, name="next_position")
        m.d.comb += [window.eq(chosen), window.row_at.eq(chosen.at), window.other_row.eq(chosen.other)]
        with m.If(self.begin | (self.goes & self.ends_vector)):
            m.d.sync += [ahead.eq(following), strip_left.eq(strip_left - 1),
                         is_last.eq(row_ends & (chosen.lines <= fields.block_height)), first_parameters.eq(parameters)]
        m.d.comb += self.last.eq(self.goes & ends_range & (channels_left <= fields.outputs))
        with m.If(self.begin):
            m.d.sync += [rows_left.eq(products.rows), self._is_first_part.eq(1), channels_left.eq(fields.channels),
                         self.active.eq(1)]
        with m.Elif(self.goes & ends_tile):
            m.d.sync += [rows_left.eq(Mux(is_last_part, products.rows, rows_left - fields.part_rows)),
                         self._is_first_part.eq(is_last_part)]
            with m.If(ends_range):
                m.d.sync += channels_left.eq(next_left)
            with m.If(self.last):
                m.d.sync += self.active.eq(0)
        with m.If(self.begin | (self.goes & ends_range)):
            m.d.sync += [first.eq(origin.at), first_other.eq(origin.other)]
        with m.If(self.begin | (self.goes & ends_tile)):
            m.d.sync += strip_left.eq(fields.strip)
        with m.If(self.begin | (self.goes & ends_tile & is_last_part)):
            m.d.sync += strip.eq(chosen)
        return ends_tile, is_last_part, block, window, parameters
