"""`MacroConfig`: the one description of a macro that every part of Bitline takes."""

from .base import Parameters, configuration, parameter
from .tables import TableShape, ceil_log2, signed_width

COLUMNS = ("bitcell", "table")
TREES = ("carry_chain", "carry_save")
FUSES = (1, 2, 4)
INTERVALS = (1, 2)
MOST_COLUMNS = 1024

# Columns to a block, which has registers of its own for what is broadcast: few where wires are slow, many where
# registers are dear.
BITCELL_BLOCK = {"carry_chain": 2, "carry_save": 16}

def tree_latency(tree, rows):
    """Cycles from a plane to its sum: a register a level of a carry-chain tree, one after a carry-save tree."""
    return max(1, ceil_log2(rows)) if tree == "carry_chain" else 1


@configuration
class MacroConfig(Parameters):
    """One DCIM macro.

    Parameters
    ----------
    {parameters}

    Raises
    ------
    TypeError, ValueError
        One line that names the parameter, the rule and the value.
    """

    # Upper limits keep every derived width (a fused total above all) within what int64 golden results hold.
    rows: int = parameter("Inputs of a vector, and weights of a column.", most=1024)
    columns: int = parameter("Results of a vector; a multiple of `fuse`.", most=MOST_COLUMNS)
    weight_bits: int = parameter("Bits of a stored weight, two's complement.", default=8, most=16)
    input_bits: int = parameter("Most bits of an input; each vector says how many it uses, and whether it is signed.",
                                default=8, most=16)
    banks: int = parameter("Sets of weights: one computes while others are written.", default=1, most=16)
    fuse: int = parameter("Most neighboring columns that a vector may read as one wider weight.", default=1,
                          choices=FUSES)
    tiles: int = parameter("Vectors that may accumulate without overflow, the first included.", default=1, most=65536)
    column: str = parameter(
        "How a column stores and multiplies: `bitcell`, a bit a cell, multiplied where it stands, and an adder tree; "
        "or `table`, sums of every subset of a few rows' weights in LUT-RAM, which reading multiplies, for FPGAs.",
        default="bitcell", choices=COLUMNS)
    block_ram_columns: int = parameter(
        "Columns, the first ones, whose tables are in block RAM instead; 0 unless `column` is `table`.", default=0,
        least=0, most="columns")
    tree: str = parameter(
        "Adder tree of bitcells: `carry_chain`, a register a level, for FPGAs; or `carry_save`, full-adder cells and "
        "one register, for standard cells.", default="carry_chain", choices=TREES)
    result_interval: int = parameter(
        "Fewest cycles from a result to the next. With 1, `o_ready` stops the pipeline in the same cycle, which bounds "
        "the clock of a large macro; with 2, all enables come out of registers, which costs a cycle of latency, and of "
        "vectors of a single plane every other cycle.", default=1, choices=INTERVALS)

    def __post_init__(self):
        self.check_parameters()
        if self.column != "table" and self.block_ram_columns:
            raise ValueError(f"block_ram_columns must be 0 unless column is table, not {self.block_ram_columns}")
        if self.column == "table" and self.tree != "carry_chain":
            raise ValueError(f"tree must be carry_chain if column is table, not {self.tree!r}")
        if self.columns % self.fuse:
            raise ValueError(f"columns must be a multiple of fuse ({self.fuse}), not {self.columns}")
        if self.output_width(self.fuse) > 63:
            raise ValueError(
                "weight_bits, input_bits, rows, tiles and fuse must keep a result within 63 bits, "
                f"not {self.output_width(self.fuse)}"
            )

    # Widths, each derived from the extremes it must hold.

    def _extremes(self, weight_bits, vectors):
        """Least and greatest ``sum(w * x)`` over ``vectors`` vectors, signed and unsigned ones mixed at will."""
        most = self.rows * vectors
        least_w, greatest_w = -(1 << weight_bits - 1), (1 << weight_bits - 1) - 1
        least_x, greatest_x = -(1 << self.input_bits - 1), (1 << self.input_bits) - 1
        products = [w * x for w in (least_w, greatest_w) for x in (least_x, greatest_x)]
        return most * min(products), most * max(products)

    @property
    def sum_width(self):
        """Bits of what a column's adder tree gives for one plane."""
        return self.weight_bits + ceil_log2(self.rows)

    @property
    def accumulator_width(self):
        """Bits of the shift-accumulator, which holds the result of one vector."""
        return signed_width(*self._extremes(self.weight_bits, 1))

    @property
    def total_width(self):
        """Bits of a column's total, which holds the results of ``tiles`` vectors."""
        return signed_width(*self._extremes(self.weight_bits, self.tiles))

    @property
    def sum_x_width(self):
        """Bits of ``sum(x)`` over ``tiles`` vectors, from the column of ones."""
        most = self.rows * self.tiles
        return signed_width(-most << self.input_bits - 1, most * ((1 << self.input_bits) - 1))

    def output_width(self, fuse):
        """Bits that the result of ``fuse`` fused columns needs; its lanes offer ``fuse * total_width``."""
        return signed_width(*self._extremes(self.weight_bits * fuse, self.tiles))

    # Columns.

    @property
    def tables(self):
        """Shapes of the tables by kind of memory, those that the macro has; empty if its columns have bitcells."""
        if self.column != "table":
            return {}
        columns = {"block_ram": self.block_ram_columns, "lut_ram": self.columns - self.block_ram_columns}
        return {storage: TableShape(storage, self.rows, self.weight_bits, self.banks, alone=count == self.columns)
                for storage, count in columns.items() if count}

    @property
    def calibrates(self):
        """The first vector after a write to its bank is preceded by a plane of zeros, from which columns learn."""
        return "lut_ram" in self.tables

    @property
    def blocks(self):
        """Kind of storage and number of columns of each block of columns, in the order of the columns."""
        if self.column == "table":
            parts = [(storage, self.block_ram_columns if storage == "block_ram" else
                      self.columns - self.block_ram_columns, shape.block_columns)
                     for storage, shape in self.tables.items()]
        else:
            parts = [("bitcell", self.columns, BITCELL_BLOCK[self.tree])]
        return [(storage, min(size, columns - first)) for storage, columns, size in parts
                for first in range(0, columns, size)]

    # Latency, in cycles.

    @property
    def tree_latency(self):
        """From weights and plane to the sum of bitcells."""
        return tree_latency(self.tree, self.rows)

    @property
    def column_latency(self):
        """From the plane in a block's registers to its sums; all kinds of column in a macro have the same."""
        return max((shape.latency for shape in self.tables.values()), default=self.tree_latency)

    @property
    def held(self):
        """Cycles from the plane in a block's registers for which its bank must not be written."""
        return max((shape.held for shape in self.tables.values()), default=1)

    @property
    def fuse_latency(self):
        """From a total to its fused result: one for the offset, one for each doubling."""
        return 0 if self.fuse == 1 else 1 + ceil_log2(self.fuse)

    @property
    def latency(self):
        """Cycles that ``n`` vectors of ``p`` planes take beyond ``n * p``, first input and last result included.

        Provided that ``p`` is ``result_interval`` or more.

        Two in the wordline drivers (or three, see ``result_interval``), one for the wordlines, one for a block's copy
        of them, the column, the accumulator, the total, and the fuse stages.
        """
        return 5 + self.result_interval + self.column_latency + self.fuse_latency

    @property
    def name(self):
        """Name of the top module, and prefix of all others."""
        return f"bitline_{self.rows}x{self.columns}_w{self.weight_bits}x{self.input_bits}_{self.hash}"
