"""Bitcell columns: storage, multiplication and the sum of a few bitlines."""

from amaranth.hdl import Cat, Module, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..fabric.emitter import Platform
from .adder_tree import TREE_COMPONENTS
from .bitcell_array import BitcellArray


def bitcell_write_layout(shape, columns):
    """Write port of some columns, from the row decoder: wordlines, a bank, and a weight for each column."""
    return data.StructLayout({
        "wordline": shape.rows,
        "bank": range(shape.banks),
        "weights": data.ArrayLayout(signed(shape.weight_bits), columns),
    })


class BitcellColumns(wiring.Component):
    """Neighboring columns, each a bitcell array and its near-bitline adder tree.

    One sum a column and cycle, ``shape.latency`` cycles after its plane.

    Parameters
    ----------
    config : MacroConfig
    shape : BitcellShape
    columns : int

    Members
    -------
    write : ``In(bitcell_write_layout)``
        Row to write, from the row decoder.
    enable : ``In(1)``
        The pipeline advances.
    bank : ``In(range(banks))``
        Bank that computes.
    plane : ``In(rows)``
        One bit of each input; complemented if the adder tree is ``active_low``.
    sums : ``Out(columns * sum_width)``
        A sum for each column, the first lowest: of the bank's weights whose bit of the plane is one.
    """

    def __init__(self, *, config, shape, columns):
        self.config = config
        self.columns = columns
        super().__init__({
            "write": In(bitcell_write_layout(shape, columns)),
            "enable": In(1),
            "bank": In(range(config.banks)),
            "plane": In(config.rows),
            "sums": Out(columns * config.sum_width),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        config = self.config
        m = Module()
        sums = []
        for column in range(self.columns):
            array = platform.instantiate(m, f"array_{column}", "bitcell_array", BitcellArray, rows=config.rows,
                                         weight_bits=config.weight_bits, banks=config.banks)
            tree = platform.instantiate(m, f"tree_{column}", "adder_tree", TREE_COMPONENTS[config.tree],
                                        rows=config.rows, weight_bits=config.weight_bits)
            m.d.comb += [
                array.wordline.eq(self.write.wordline),
                array.write_bank.eq(self.write.bank),
                array.write_weight.eq(self.write.weights[column]),
                array.bank.eq(self.bank),
                tree.enable.eq(self.enable),
                tree.weights.eq(array.weights),
                tree.plane.eq(self.plane),
            ]
            sums.append(tree.sum)
        m.d.comb += self.sums.eq(Cat(sums))
        return m
