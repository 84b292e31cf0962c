"""The bitcell array of one column."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from ..fabric.memory import LutRam


def array_members(rows, weight_bits, banks):
    """Members of a `BitcellArray`, by name."""
    return {
        "wordline": In(rows),
        "write_bank": In(range(banks)),
        "write_weight": In(weight_bits),
        "bank": In(range(banks)),
        "weights": Out(rows * weight_bits),
    }


class BitcellArray(wiring.Component):
    """Storage of one column: a bit for each row, weight bit and bank, all rows readable at once.

    A foundry array or a custom cell array can replace this module, which has the ports of such an array. A high
    wordline writes its row of ``write_bank`` at the end of the cycle; ``weights`` has all rows of ``bank`` in the same
    cycle. The cells have no reset. On ECP5, several banks are LUT-RAM.

    Parameters
    ----------
    rows, weight_bits, banks : int
        Wordlines, bits of a weight, and weights behind each wordline.

    Members
    -------
    wordline : ``In(rows)``
        Rows to write; at most one is high.
    write_bank : ``In(range(banks))``
        Bank to write.
    write_weight : ``In(weight_bits)``
        Weight to write.
    bank : ``In(range(banks))``
        Bank to read.
    weights : ``Out(rows * weight_bits)``
        Row 0 in the lowest bits.
    """

    def __init__(self, *, rows, weight_bits, banks):
        self.rows = rows
        self.weight_bits = weight_bits
        self.banks = banks
        super().__init__(array_members(rows, weight_bits, banks))

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        if self.banks > 1 and platform.has_lut_ram:
            self._add_lut_rams(m, platform)
            return m
        cells = [Signal(self.rows * self.weight_bits, name=f"cells_{bank}", reset_less=True)
                 for bank in range(self.banks)]
        for bank in range(self.banks):
            for row in range(self.rows):
                with m.If(self.wordline[row] & (self.write_bank == bank)):
                    m.d.sync += cells[bank].word_select(row, self.weight_bits).eq(self.write_weight)
        m.d.comb += self.weights.eq(Cat(cells).word_select(self.bank, len(self.weights)))
        return m

    def _add_lut_rams(self, m, platform):
        """The banks of a row in one memory."""
        for row in range(self.rows):
            cells = platform.instantiate(m, f"cells_{row}", f"cells_{self.weight_bits}", LutRam, width=self.weight_bits,
                                         depth=self.banks)
            m.d.comb += [
                cells.write.eq(self.wordline[row]),
                cells.write_address.eq(self.write_bank),
                cells.write_data.eq(self.write_weight),
                cells.address.eq(self.bank),
                self.weights.word_select(row, self.weight_bits).eq(cells.data),
            ]
