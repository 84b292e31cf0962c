"""Windows: the vectors of a CONV one after the other, each with its window, its part and its range of channels."""

from amaranth.hdl import Mux, Signal
from amaranth.lib import data

from ...config.widths import ceil_log2
from ...fabric.register import registered
from .delays import at_most
from .parts import Parts


class Windows:
    """Registers that walk over channels, strips, parts and windows: each part of a strip sees all of the strip's
    windows, each range of channels all.

    The window after one is found when that one is, and kept with it where it is returned to.

    Parameters
    ----------
    m : Module
    record : record_layout
        The descriptor, a CONV.
    begin : Signal
        For a cycle: ``record`` is new. The first vector is there two cycles later.
    advance : Value
        For a cycle: to the next vector, if there is one left.
    rows : int
        Of a tile, at most.
    coordinates : dict of str to shape
        What else is known of a window.
    first : dict of str to Value
        That of the first one, with ``begin``.
    following : callable
        That of the one after a window, given the window, which has ``ends_row``: it is the last of its row.

    Attributes
    ----------
    begins : Signal
        For a cycle, the one after ``begin``: what follows from ``record`` is in registers.
    valid : Signal
        There is a vector left: the one that the others are of.
    window : View
        Its coordinates; and ``columns`` and ``lines``, what is left of the target, from this window on.
    is_first_part, ends_tile : Signal
        It is of the strip's first part; it is the last of its tile.
    ends_range, ends_all : Value
        It is the last of its range of channels; and of all.
    parts, ranges : Parts
        Bytes of the tiles, and channels.
    """

    def __init__(self, m, record, *, begin, advance, rows, coordinates, first, following):
        fields, products = record.fields, record.products
        # ``is_low``: it is in the last row of the target.
        window = data.StructLayout({**coordinates, "columns": 16, "lines": 16, "ends_row": 1, "is_low": 1})
        pair = data.StructLayout({"window": window, "ahead": window})
        # The vector's window, the first one, and the first of the strip.
        now, start, strip = (Signal(pair, name=f"{name}_window", reset_less=True) for name in ("now", "first", "strip"))
        begun, chosen = Signal(pair, name="begun_window"), Signal(pair, name="chosen_window")
        self.begins, self.valid = Signal(name="windows_begin"), Signal(name="windows_valid")
        self.window, self.ends_tile = now.window, Signal(name="ends_tile", reset_less=True)
        self.is_first_part = Signal(name="is_first_part", reset_less=True)
        self.parts = Parts(m, "part", begin=self.begins, advance=advance & self.ends_tile, total=products.rows,
                           size=fields.part_rows[:ceil_log2(rows + 1)])
        ends_strip = self.ends_tile & self.parts.is_last
        self.ends_range = ends_strip & now.window.ends_row & now.window.is_low
        self.ranges = Parts(m, "range", begin=self.begins, advance=advance & self.ends_range, total=fields.channels,
                            size=fields.outputs)
        self.ends_all = self.ends_range & self.ranges.is_last
        self._find_following(m, fields, now.ahead, begun, following)
        moves = Signal(name="windows_move")
        m.d.comb += [moves.eq(self.begins | advance), chosen.eq(begun)]
        with m.If(self.ends_range):
            m.d.comb += chosen.eq(start)
        with m.Elif(self.ends_tile & ~self.parts.is_last):
            m.d.comb += chosen.eq(strip)
        m.d.sync += self.begins.eq(begin)
        with m.If(moves):
            m.d.sync += now.eq(chosen)
        with m.If(begin):
            m.d.sync += [now.ahead[name].eq(value) for name, value in {
                **first, "columns": fields.target_width, "lines": fields.target_height,
                "ends_row": at_most(fields.target_width, fields.block_width),
                "is_low": at_most(fields.target_height, fields.block_height)}.items()]
        with m.If(self.begins):
            m.d.sync += start.eq(begun)
        with m.If(self.begins | (advance & ends_strip)):
            m.d.sync += strip.eq(chosen)
        self._count_strip(m, fields, begin, moves, chosen.window)
        with m.If(begin):
            m.d.sync += self.valid.eq(0)
        with m.Elif(moves):
            m.d.sync += self.valid.eq(self.begins | (self.valid & ~self.ends_all))

    @staticmethod
    def _find_following(m, fields, ahead, begun, following):
        """The window ahead with the one after it."""
        width, height = fields.block_width, fields.block_height
        is_narrow = registered(m, "is_narrow", at_most(fields.target_width, width))
        m.d.comb += begun.window.eq(ahead)
        m.d.comb += [begun.ahead[name].eq(value) for name, value in {
            **following(ahead),
            "columns": Mux(ahead.ends_row, fields.target_width, ahead.columns - width),
            "ends_row": Mux(ahead.ends_row, is_narrow, at_most(ahead.columns, width << 1)),
            "lines": Mux(ahead.ends_row, ahead.lines - height, ahead.lines),
            "is_low": Mux(ahead.ends_row, at_most(ahead.lines, height << 1), ahead.is_low)}.items()]

    def _count_strip(self, m, fields, begin, moves, chosen):
        """Whether the vector is the last of its tile: of the strip, or of the target."""
        left = Signal(16, name="strip_left", reset_less=True)
        is_single = registered(m, "is_single", fields.strip == 1)
        restarts = self.begins | self.ends_tile
        with m.If(moves):
            m.d.sync += [left.eq(Mux(restarts, fields.strip, left - 1)), self.ends_tile.eq(
                (chosen.ends_row & chosen.is_low) | Mux(restarts, is_single, left == 2))]
            with m.If(restarts):
                m.d.sync += self.is_first_part.eq(self.begins | self.parts.is_last)
        with m.If(begin):
            m.d.sync += self.ends_tile.eq(0)
