"""Columns: storage, multiplication and the sum of one bitline."""

from amaranth.hdl import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .adder_tree import TREES
from .bitcell import BitcellArray
from .shared import place


class BitcellColumn(wiring.Component):
    """A bitcell array and its near-bitline adder tree: one sum a cycle, ``latency`` cycles after its plane.

    Parameters
    ----------
    config : MacroConfig

    Members
    -------
    wordline, write_bank, write_weight : ``In``
        The write, as the row decoder hands it on.
    enable, bank, plane : ``In``
        Move on; the bank that computes; one bit an input.
    sum : ``Out(signed(sum_width))``
        Sum of the bank's weights at the ones of the plane.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "wordline": In(config.rows),
            "write_bank": In(range(config.banks)),
            "write_weight": In(config.weight_bits),
            "enable": In(1),
            "bank": In(range(config.banks)),
            "plane": In(config.rows),
            "sum": Out(signed(config.sum_width)),
        })

    @property
    def latency(self):
        """Cycles from ``plane`` to ``sum``."""
        return self.config.tree_latency

    def elaborate(self, platform):
        config = self.config
        m = Module()
        array = place(m, platform, "array", "bitcell_array", BitcellArray, rows=config.rows,
                      weight_bits=config.weight_bits, banks=config.banks)
        tree = place(m, platform, "tree", "adder_tree", TREES[config.tree], rows=config.rows,
                     weight_bits=config.weight_bits)
        m.d.comb += [
            array.wordline.eq(self.wordline),
            array.write_bank.eq(self.write_bank),
            array.write_weight.eq(self.write_weight),
            array.bank.eq(self.bank),
            tree.enable.eq(self.enable),
            tree.weights.eq(array.weights),
            tree.plane.eq(self.plane),
            self.sum.eq(tree.sum),
        ]
        return m
