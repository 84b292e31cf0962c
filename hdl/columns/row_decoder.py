"""Row decoder: one write becomes one wordline of the bitcell arrays."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class RowDecoder(wiring.Component):
    """Decodes the row of a write once for all columns, and registers its outputs.

    A row that does not exist raises no wordline, so the write has no effect. Latency: one cycle.

    Parameters
    ----------
    rows, banks : int
        Wordlines, and sets of them.
    width : int
        Bits of a row over all columns.
    active_low : bool
        Complement the weights, for cells that store them so.

    Members
    -------
    enable : ``In(1)``
        A row is written.
    row : ``In(range(rows))``
        Its number.
    bank : ``In(range(banks))``
        Its bank.
    weights : ``In(width)``
        Its weights.
    wordline : ``Out(rows)``
        One-hot for one cycle a write, else zero.
    write_bank : ``Out(range(banks))``
        Bank of the wordline.
    write_weights : ``Out(width)``
        Weights of the row, complemented if ``active_low``.
    """

    def __init__(self, *, rows, banks, width, active_low=False):
        self.rows = rows
        self.active_low = active_low
        super().__init__({
            "enable": In(1),
            "row": In(range(rows)),
            "bank": In(range(banks)),
            "weights": In(width),
            "wordline": Out(rows),
            "write_bank": Out(range(banks)),
            "write_weights": Out(width),
        })

    def elaborate(self, platform):
        m = Module()
        bank = Signal.like(self.bank, reset_less=True)
        weights = Signal.like(self.weights, reset_less=True)
        m.d.comb += [self.write_bank.eq(bank), self.write_weights.eq(weights)]
        m.d.sync += self.wordline.eq(0)
        with m.If(self.enable):
            m.d.sync += bank.eq(self.bank)
            m.d.sync += weights.eq(~self.weights if self.active_low else self.weights)
            m.d.sync += self.wordline.eq(1 << self.row)
        return m
