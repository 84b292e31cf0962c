"""Weight input: beats of codes to rows of the macro, and the scales of their columns."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from ..macro.ports import write_layout
from .by_format import is_known
from .element_decoder import decode
from .layouts import numbers_layout, scale_write_layout, weight_beat_layout
from .scales import nan_code


class WeightInput(wiring.Component):
    """Stores packets: a block for each column, row after row, and then a scale for each column, one a beat.

    A bank is whole from the last beat of a packet on, if that is where it must be, until the first one of the next. A
    packet waits while a vector of the bank is in flight, forever if such vectors never pause; one that ends in the same
    cycle as its first beat is taken comes after it. A packet of a bank that there is not is taken at once, and changes
    nothing. One of an unknown format leaves its bank without weights.

    Parameters
    ----------
    config : FormatConfig

    Members
    -------
    i : ``In(stream)``
        `weight_beat_layout`; ``bank`` counts with the first beat of a packet.
    free : ``In(banks)``
        Banks of no vector in flight.
    write : ``Out(stream)``
        Of the macro.
    scale_write : ``Out(1)``
        Store a scale.
    scale : ``Out(scale_write_layout)``
        This one.
    whole : ``Out(banks)``
        Banks whose weights and scales are complete; no more in the cycle in which a packet begins.
    numbers : ``Out(ArrayLayout(number_bits, banks))``
        Of the formats of their weights. Exists if there are several.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "i": In(stream.Signature(weight_beat_layout(config))), "free": In(config.macro.banks),
            "write": Out(stream.Signature(write_layout(config.macro))), "scale_write": Out(1),
            "scale": Out(scale_write_layout(config)), "whole": Out(config.macro.banks),
            **({"numbers": Out(numbers_layout(config))} if config.w.is_several else {}),
        })

    def elaborate(self, platform):
        m = Module()
        config, beat = self.config, self.i.payload
        first = Signal(init=1)
        # After the rows come the scales, and after those nothing.
        at_scales = Signal()
        beyond = Signal()
        row_full = Signal()
        bank = Signal(range(config.macro.banks))
        held_bank = Signal.like(bank, name="held_bank", reset_less=True)
        accepted = Signal()
        whole = Signal(config.macro.banks)
        exists = self._exists(bank)
        # The bank is whole only when its last row is in the macro.
        row_ready = (~first | self.free.bit_select(beat.bank, 1) | ~exists) & (~row_full | self.write.ready)
        scale_ready = ~row_full
        m.d.comb += [
            bank.eq(Mux(first, beat.bank, held_bank)),
            self.i.ready.eq(beyond | Mux(at_scales, scale_ready, row_ready)),
            accepted.eq(self.i.valid & self.i.ready),
        ]
        takes_codes, takes_scale = accepted & ~at_scales & ~beyond, accepted & at_scales & ~beyond
        number = self._keep_number(m, first, accepted, bank)
        known = is_known(m, "format_is_known", config.w, number)
        rows_end = self._add_rows(m, platform, takes_codes, row_full, held_bank, exists, number)
        ends = self._add_scales(m, takes_scale, held_bank, exists)
        m.d.comb += self.whole.eq(whole)
        with m.If(accepted):
            m.d.sync += [first.eq(beat.last), held_bank.eq(bank)]
            with m.If(first):
                m.d.comb += self.whole.bit_select(bank, 1).eq(0)
                m.d.sync += whole.bit_select(bank, 1).eq(0)
            with m.If(beat.last):
                m.d.sync += [at_scales.eq(0), beyond.eq(0)]
                with m.If(ends):
                    m.d.sync += whole.bit_select(bank, 1).eq(known)
            with m.Else():
                m.d.sync += [at_scales.eq((at_scales | rows_end) & ~ends), beyond.eq(beyond | ends)]
        return m

    def _exists(self, bank):
        """Whether a packet's bank is one of those that there are."""
        banks = self.config.macro.banks
        return Const(1) if banks == 1 << len(bank) else bank < banks

    def _keep_number(self, m, first, accepted, bank):
        """The number of a packet's format, which is kept for its bank."""
        if not self.config.w.is_several:
            return Const(0, 0)
        held = Signal(self.config.w.number_bits, name="held_number", reset_less=True)
        number = Signal.like(held, name="number")
        m.d.comb += number.eq(Mux(first, self.i.payload.number, held))
        with m.If(accepted):
            m.d.sync += held.eq(number)
            for index, kept in enumerate(self.numbers):
                with m.If(first & (bank == index)):
                    m.d.sync += kept.eq(number)
        return number

    def _add_rows(self, m, platform, takes, row_full, bank, exists, number):
        """Gather rows, and offer those of a bank that exists; whether the last beat of the last row is taken."""
        config, beat = self.config, self.i.payload
        integers, are_nan = decode(m, Platform.of(platform), config.w, number, beat.codes)
        held = Signal(data.ArrayLayout(unsigned(config.w.integer_bits), config.columns), reset_less=True)
        position = Signal(range(config.row_beats))
        row = Signal(range(config.macro.rows))
        offered_row = Signal.like(row, name="offered_row", reset_less=True)
        is_row_end = position == config.row_beats - 1
        with m.If(takes):
            # The first column comes first, and ends up lowest.
            m.d.sync += [Value.cast(held).eq(Cat(Value.cast(held)[len(integers):], integers)), offered_row.eq(row),
                         position.eq(Mux(is_row_end | beat.last, 0, position + 1))]
            with m.If(is_row_end | beat.last):
                m.d.sync += row.eq(Mux(beat.last, 0, row + 1))
        m.d.sync += row_full.eq(Mux(takes, is_row_end & ~beat.last & exists, row_full & ~self.write.ready))
        payload = self.write.payload
        m.d.comb += [self.write.valid.eq(row_full), payload.bank.eq(bank), payload.row.eq(offered_row)]
        for column, integer in enumerate(held):
            for index, piece in enumerate(self._slices(integer)):
                m.d.comb += payload.weights[column * config.macro.fuse + index].eq(piece)
        self._mark_nan(m, takes, row, are_nan)
        return takes & is_row_end & (row == config.macro.rows - 1)

    def _slices(self, integer):
        """A weight as the macro's columns store it: all slices but the highest in offset form."""
        width, fuse = self.config.macro.weight_bits, self.config.macro.fuse
        wide = Cat(integer, integer[-1].replicate(fuse * width - len(integer)))
        pieces = [wide[first:first + width] for first in range(0, fuse * width, width)]
        return [*(piece ^ (1 << width - 1) for piece in pieces[:-1]), pieces[-1]]

    def _mark_nan(self, m, takes, row, is_nan):
        """Note which columns have a weight that is NaN: a ring, which is back where it was after a row."""
        config = self.config
        self._nan_marks = marks = Signal(config.columns, reset_less=True)
        if not config.w.has_nan:
            return
        with m.If(takes):
            before = Mux(row == 0, 0, marks[:config.weight_lanes])
            m.d.sync += marks.eq(Cat(marks[config.weight_lanes:], before | is_nan))

    def _add_scales(self, m, takes, bank, exists):
        """Pass scales of a bank that exists on, column after column; whether the last one is taken."""
        config, beat, scale = self.config, self.i.payload, self.scale
        lane = Signal(range(config.lanes))
        group = Signal(range(config.groups))
        column = Signal(range(config.columns))
        is_last = column == config.columns - 1
        is_lane_last = lane == config.lanes - 1
        with m.If(takes):
            m.d.sync += [
                lane.eq(Mux(is_lane_last | is_last | beat.last, 0, lane + 1)),
                group.eq(Mux(is_last | beat.last, 0, group + is_lane_last)),
                column.eq(Mux(is_last | beat.last, 0, column + 1)),
                self._nan_marks.eq(self._nan_marks[1:]),
            ]
        is_nan = self._nan_marks[0] if config.w.has_nan else Const(0)
        m.d.comb += [
            self.scale_write.eq(takes & exists), scale.lane.eq(lane), scale.group.eq(group), scale.bank.eq(bank),
            scale.scale.eq(Mux(is_nan, nan_code(config), beat.scale)),
        ]
        return takes & is_last
