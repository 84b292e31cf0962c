"""Bitcell columns in numbers: one bit per cell, multiplied in place, and an adder tree."""

from dataclasses import dataclass

from .kinds import Kind, Shape
from .widths import ceil_log2

TREE_NAMES = ("carry_chain", "carry_save", "compressor")
# Few columns to a block where wires are slow, many where registers are dear.
BLOCK_COLUMNS = {"carry_chain": 2, "carry_save": 16, "compressor": 16}


def tree_latency(tree, rows):
    """Cycles from a plane to its sum: one for each level of a carry-chain tree, one for the others."""
    return max(1, ceil_log2(rows)) if tree == "carry_chain" else 1


@dataclass(frozen=True)
class BitcellShape(Shape):
    """Bitcell columns of a macro.

    Parameters
    ----------
    rows, weight_bits, banks : int
    tree : str
        Of the macro.
    """

    rows: int
    weight_bits: int
    banks: int
    tree: str

    kind = "bitcell"
    storage = "bitcell"

    @property
    def plane_bits(self):
        """One bit a row."""
        return self.rows

    @property
    def latency(self):
        """From weights and plane to the sum."""
        return tree_latency(self.tree, self.rows)

    @property
    def block_columns(self):
        """Columns that share broadcast registers and a module."""
        return BLOCK_COLUMNS[self.tree]


class BitcellKind(Kind):
    """`BitcellShape` for all columns."""

    name = "bitcell"
    meaning = "`bitcell`, one bit per cell, multiplied in place, and an adder tree"
    conditions = (("tree", "if column is {column}"),)

    def shapes(self, config):
        return {BitcellShape(config.rows, config.weight_bits, config.banks, config.tree): config.columns}

    def samples(self, columns):
        return {"tree": TREE_NAMES}
