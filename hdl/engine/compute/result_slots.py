"""Result slots: where each group of a macro's results goes, one a cycle."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.descriptor import Flags
from ...config.widths import ceil_log2
from ..control.delays import first_of, fits
from ..control.descriptor import ADDRESS_BITS, record_layout
from ..control.parts import Parts
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
        A slot goes to the lanes; not after the last.
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
            "record": In(record_layout()), "begin": In(1), "goes": In(1), "last": Out(1),
            "ends_vector": Out(1),
            "number": Out(range(config.slots)), "sum_number": Out(range(config.sum_slots)), "adds": Out(1),
            "other": Out(ADDRESS_BITS), "count": Out(range(config.lanes + 1)),
            "has_many_slots": Out(1), "has_many_sums": Out(1), "valid": Out(1), "slot": Out(slot_layout(config)),
        })

    def elaborate(self, platform):
        m = Module()
        fields, lanes = self.record.fields, self.config.lanes
        # Of a position: address, and that of the first of its row; the same of the tensor that is added; what is left
        # of the target.
        self._position_layout = data.StructLayout({
            "at": ADDRESS_BITS, "row_at": ADDRESS_BITS, "other": ADDRESS_BITS, "other_row": ADDRESS_BITS,
            "columns": signed(17), "lines": signed(17)})
        position = Signal(self._position_layout, reset_less=True, name="position")
        # Channels of this range that are left, for this position, and whether they fit in a slot; distance in bytes
        # from the position's first channel, of any range.
        left, distance = Signal(16, reset_less=True), Signal(16, reset_less=True)
        is_last_group, ends_row = (Signal(name=name, reset_less=True) for name in ("is_last_group", "ends_row"))
        ends_block = Signal(name="ends_block", reset_less=True)
        parameters = Signal.like(self.slot.parameters, reset_less=True)
        number = Signal.like(self.number)
        m.d.comb += [self.ends_vector.eq(is_last_group & ends_row & ends_block), self.number.eq(number)]
        ends_tile, block, block_fits, window, first_parameters, channels_before = self._walk_windows(m)
        is_last_part = self._is_last_part
        begins_vector = self.begin | (self.goes & self.ends_vector)
        self._walk_block(m, position, window, begins_vector, is_last_group, ends_row, ends_block)
        with m.If(begins_vector):
            m.d.sync += number.eq(0)
        with m.Elif(self.goes):
            m.d.sync += number.eq(number + 1)
        with m.If(begins_vector | (self.goes & is_last_group)):
            m.d.sync += [left.eq(block), is_last_group.eq(block_fits), distance.eq(channels_before),
                         parameters.eq(first_parameters)]
        with m.Elif(self.goes):
            m.d.sync += [left.eq(left - lanes), is_last_group.eq(fits(left, 2 * lanes)), distance.eq(distance + lanes),
                         parameters.eq(parameters + 1)]
        is_inside = (position.columns > 0) & (position.lines > 0)
        m.d.comb += [self.adds.eq(is_last_part & ((fields.flags & int(Flags.RESIDUAL)) != 0)),
                     self.other.eq(position.other + distance),
                     self.count.eq(Mux(is_inside, least_of(m, "least", left, lanes), 0))]
        m.d.sync += [
            self.valid.eq(self.goes), self.slot.begins.eq(self._is_first_part),
            self.slot.ends.eq(is_last_part), self.slot.parameters.eq(parameters),
            self.slot.address.eq(position.at + distance),
            self.slot.write.eq(Mux(is_last_part & is_inside, first_of(left, lanes), 0)),
            self.has_many_slots.eq(self.goes & ~self.ends_vector & (number == self.config.slots - 1)),
            self.has_many_sums.eq(self.goes & ~ends_tile & (self.sum_number == self.config.sum_slots - 1) &
                                  ~(self._is_first_part & is_last_part)),
        ]
        with m.If(self.begin | (self.goes & ends_tile)):
            m.d.sync += self.sum_number.eq(0)
        with m.Elif(self.goes):
            m.d.sync += self.sum_number.eq(self.sum_number + 1)
        return m

    def _walk_block(self, m, position, window, begins_vector, is_last_group, ends_row, ends_block):
        """The positions of a vector, row by row; whether one is the last of a row, and in the last row."""
        fields = self.record.fields
        across, down = Signal(8, reset_less=True), Signal(8, reset_less=True)
        with m.If(begins_vector):
            m.d.sync += [position.eq(window), across.eq(fields.block_width), ends_row.eq(fields.block_width == 1),
                         down.eq(fields.block_height), ends_block.eq(fields.block_height == 1)]
        with m.Elif(self.goes & is_last_group & ends_row):
            row = (position.row_at + fields.target_pitch)[:ADDRESS_BITS]
            other = (position.other_row + fields.residual_pitch)[:ADDRESS_BITS]
            m.d.sync += [position.at.eq(row), position.row_at.eq(row), position.other.eq(other),
                         position.other_row.eq(other), position.lines.eq(position.lines - 1),
                         position.columns.eq(position.columns + (fields.block_width - 1)),
                         across.eq(fields.block_width), ends_row.eq(fields.block_width == 1), down.eq(down - 1),
                         ends_block.eq(down == 2)]
        with m.Elif(self.goes & is_last_group):
            m.d.sync += [position.at.eq(position.at + fields.target_pixel),
                         position.other.eq(position.other + fields.residual_pixel),
                         position.columns.eq(position.columns - 1), across.eq(across - 1), ends_row.eq(across == 2)]

    def _walk_windows(self, m):
        """Windows as in `PatchAddresses`; of the next vector block of channels, window, parameters, channels before."""
        fields, products, lanes = self.record.fields, self.record.products, self.config.lanes
        pair = data.StructLayout({"window": self._position_layout, "ahead": self._position_layout, "is_last": 1})
        base, begun, chosen = Signal(self._position_layout, name="base"), Signal(pair), Signal(pair)
        # The window that was begun last, the first one, and the first of the strip.
        now, first, strip = (Signal(pair, name=f"{name}_window", reset_less=True) for name in (
            "now", "first", "strip"))
        is_last_window, strip_left = Signal(reset_less=True), Signal(16, reset_less=True)
        first_parameters = Signal.like(self.slot.parameters)
        parameters, begins_vector = Signal.like(first_parameters), Signal()
        # Of the ranges before this one, and before that of the next vector.
        channels, channels_before = Signal(16), Signal(16)
        self._is_first_part, ends_tile, ends_range = Signal(reset_less=True), Signal(), Signal()
        parts = Parts(m, "part", begin=self.begin, advance=self.goes & ends_tile, total=products.rows,
                      size=fields.part_rows[:ceil_log2(self.config.macro.rows + 1)])
        ranges = Parts(m, "range", begin=self.begin, advance=self.goes & ends_range, total=fields.channels,
                       size=fields.outputs)
        self._is_last_part = parts.is_last
        m.d.comb += [
            begins_vector.eq(self.begin | (self.goes & self.ends_vector)),
            ends_tile.eq(self.ends_vector & is_last_window), ends_range.eq(ends_tile & parts.is_last & now.is_last),
            self.last.eq(self.goes & ends_range & ranges.is_last), base.eq(now.ahead), chosen.eq(begun),
            parameters.eq(Mux(self.begin, fields.parameters, Mux(
                ends_range, first_parameters + (fields.outputs >> ceil_log2(lanes)), first_parameters))),
            channels_before.eq(Mux(self.begin, 0, Mux(ends_range, channels + fields.outputs, channels))),
        ]
        with m.If(self.begin):
            m.d.comb += [base.at.eq(fields.target), base.row_at.eq(fields.target), base.other.eq(fields.residual),
                         base.other_row.eq(fields.residual), base.columns.eq(fields.target_width),
                         base.lines.eq(fields.target_height)]
        with m.Elif(ends_range):
            m.d.comb += chosen.eq(first)
        with m.Elif(ends_tile & ~parts.is_last):
            m.d.comb += chosen.eq(strip)
        self._step(m, base, begun)
        with m.If(begins_vector):
            m.d.sync += [now.eq(chosen), strip_left.eq(strip_left - 1), first_parameters.eq(parameters),
                         channels.eq(channels_before), is_last_window.eq(chosen.is_last | (strip_left == 2))]
        with m.If(self.begin | (self.goes & ends_tile)):
            m.d.sync += [strip_left.eq(fields.strip), is_last_window.eq(chosen.is_last | (fields.strip == 1)),
                         self._is_first_part.eq(self.begin | parts.is_last)]
        with m.If(self.begin | (self.goes & ends_tile & parts.is_last)):
            m.d.sync += strip.eq(chosen)
        with m.If(self.begin):
            m.d.sync += first.eq(begun)
        window = Signal(self._position_layout, name="next_position")
        m.d.comb += [window.eq(chosen.window), window.row_at.eq(chosen.window.at),
                     window.other_row.eq(chosen.window.other)]
        return ends_tile, *self._choose_block(m, ranges, ends_range), window, parameters, channels_before

    def _step(self, m, base, begun):
        """A window with the one that follows it."""
        fields, products, row_ends = self.record.fields, self.record.products, Signal()
        row = (base.row_at + products.block_y_bytes)[:ADDRESS_BITS]
        other = (base.other_row + products.other_y_bytes)[:ADDRESS_BITS]
        m.d.comb += [
            row_ends.eq(base.columns <= fields.block_width),
            begun.window.eq(base), begun.is_last.eq(row_ends & (base.lines <= fields.block_height)),
            begun.ahead.row_at.eq(Mux(row_ends, row, base.row_at)),
            begun.ahead.at.eq(Mux(row_ends, row, base.at + products.block_x_bytes)),
            begun.ahead.other_row.eq(Mux(row_ends, other, base.other_row)),
            begun.ahead.other.eq(Mux(row_ends, other, base.other + products.other_x_bytes)),
            begun.ahead.columns.eq(Mux(row_ends, fields.target_width, base.columns - fields.block_width)),
            begun.ahead.lines.eq(Mux(row_ends, base.lines - fields.block_height, base.lines)),
        ]

    def _choose_block(self, m, ranges, ends_range):
        """Channels of a position of the next vector, and whether they fit in a slot."""
        fields, lanes = self.record.fields, self.config.lanes
        block, block_fits = Signal(16, reset_less=True), Signal(name="fits", reset_less=True)
        chosen, chosen_fits = Signal(16, name="chosen_block"), Signal(name="chosen_fits")
        m.d.comb += [chosen.eq(block), chosen_fits.eq(block_fits)]
        with m.If(self.begin):
            m.d.comb += [chosen.eq(ranges.first_size),
                         chosen_fits.eq(fits(fields.channels, lanes) | fits(fields.outputs, lanes))]
        with m.Elif(ends_range):
            m.d.comb += [chosen.eq(ranges.next_size), chosen_fits.eq(fits(ranges.next_size, lanes))]
        with m.If(self.begin | (self.goes & self.ends_vector)):
            m.d.sync += [block.eq(chosen), block_fits.eq(chosen_fits)]
        return chosen, chosen_fits
