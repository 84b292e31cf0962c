"""Comparator of march tests: compares the totals of a read row with the background."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config.widths import ceil_log2
from .data_background import DataBackground


class ResponseComparator(wiring.Component):
    """Compares a group of totals, which are the weights of the row that was read, in the same cycle.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    background : ``In(DataBackground.layout)``
        Expected contents of the row.
    group : ``In(range(groups))``
        Columns of the totals.
    totals : ``In(ArrayLayout(total_width, lanes))``
        Totals of the group, the lowest column first.
    check_totals : ``In(ArrayLayout(total_width, check_columns))``
        Totals of the checksum columns; compared with the last group.
    differs : ``Out(1)``
        Some total differs.
    column : ``Out(range(columns))``
        The lowest column that differs.
    """

    def __init__(self, *, config):
        self.config = config
        width = config.macro.total_width
        super().__init__({
            "background": In(DataBackground.layout(config)), "group": In(range(config.groups)),
            "totals": In(data.ArrayLayout(width, config.lanes)),
            "check_totals": In(data.ArrayLayout(width, config.check_columns)),
            "differs": Out(1), "column": Out(range(config.array.columns)),
        })

    def elaborate(self, platform):
        m = Module()
        config = self.config
        lanes, columns, bits = config.lanes, config.macro.columns, ceil_log2(config.array.columns)
        last = self.group == config.groups - 1
        differ = Signal(lanes + config.check_columns)
        for lane in range(lanes):
            column = Cat(Const(lane, ceil_log2(lanes)), self.group)[:bits]
            exists = self.group * lanes + lane < columns
            m.d.comb += differ[lane].eq(exists & self._is_other(self.totals[lane], column))
        for index in range(config.check_columns):
            column = Const(columns + index, bits)
            m.d.comb += differ[lanes + index].eq(last & self._is_other(self.check_totals[index], column))
        for index in reversed(range(config.check_columns)):
            with m.If(differ[lanes + index]):
                m.d.comb += self.column.eq(columns + index)
        for lane in reversed(range(lanes)):
            with m.If(differ[lane]):
                m.d.comb += self.column.eq(Cat(Const(lane, ceil_log2(lanes)), self.group))
        m.d.comb += self.differs.eq(differ.any())
        return m

    def _is_other(self, total, column):
        """Whether a total differs from the weight of the background in a column."""
        weight = DataBackground.weight(self.background, column)
        bits = len(weight)
        return (total[:bits] != weight) | (total[bits:] != total[bits - 1].replicate(len(total) - bits))
