"""`MacroConfig`: the description of a macro, used by all parts of Bitline."""

import dataclasses

from .base import Parameters, configuration, parameter
from .bitcells import TREE_NAMES, BitcellKind
from .tables import WRITERS, TableKind
from .widths import ceil_log2, signed_width

KINDS = {kind.name: kind for kind in (BitcellKind(), TableKind())}
COLUMNS = tuple(KINDS)
FUSES = (1, 2, 4)
INTERVALS = (1, 2, 4)
BROADCASTS = (0, 1)
MAX_COLUMNS = 1024


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
    rows: int = parameter("Inputs of a vector, and weights of a column.", maximum=1024)
    columns: int = parameter("Results of a vector; a multiple of `fuse`.", maximum=MAX_COLUMNS)
    weight_bits: int = parameter("Bits of a stored weight, two's complement.", default=8, maximum=16)
    input_bits: int = parameter("Maximum bits of an input; each vector has its own precision and sign.",
                                default=8, maximum=16)
    banks: int = parameter("Sets of weights: one is used while others are written.", default=1, maximum=16)
    fuse: int = parameter("Maximum number of neighboring columns that form one wider weight.", default=1,
                          choices=FUSES)
    max_accumulations: int = parameter("Maximum number of vectors that accumulate without overflow.", default=1,
                                       maximum=65536, former="tiles")
    column: str = parameter(
        f"Kind of column: {'; or '.join(kind.meaning for kind in KINDS.values())}.",
        default=COLUMNS[0], choices=COLUMNS)
    block_ram_columns: int = parameter(
        "The first so many columns have their tables in block RAM; 0 unless `column` is `table`.", default=0,
        minimum=0, maximum="columns")
    table_writers: int = parameter(
        "Table writers side by side, each with its own copy of the rows and its own entry adders: two rewrite the "
        "tables of a bank in half the time; 1 unless `column` is `table`.", default=1, choices=WRITERS, is_named=False)
    tree: str = parameter(
        "Adder tree of bitcells: `carry_chain`, registered after each level, for FPGAs; or, for standard cells, "
        "full-adder cells and one register: `carry_save`, the smallest; or `compressor`, faster.",
        default="carry_chain", choices=TREE_NAMES)
    result_interval: int = parameter(
        "Minimum cycles between results. With 1, `o_ready` stalls the pipeline in the same cycle, which limits the "
        "clock of a large macro; with 2, all enables are registered, for one more cycle of latency and half the rate "
        "of vectors with a single plane; with 4, what goes far comes out of a register, for five more cycles of "
        "latency, and vectors of fewer than four planes take four cycles.",
        default=1, choices=INTERVALS)

    broadcast: int = parameter(
        "Registers between the drivers and groups of neighboring columns, for macros that take much of a device; one "
        "more cycle of latency each. 0 unless `result_interval` is 4.", default=0, choices=BROADCASTS, is_named=False)

    def __post_init__(self):
        self.check_parameters()
        if self.broadcast and not self.is_deep:
            raise ValueError(f"broadcast must be 0 unless result_interval is 4, not {self.broadcast}")
        defaults = {field.name: field.default for field in dataclasses.fields(self)}
        foreign = [each for kind in KINDS.values() if kind is not self.kind for each in kind.conditions]
        for name, condition in foreign:
            if getattr(self, name) != defaults[name]:
                raise ValueError(f"{name} must be {defaults[name]} {condition.format(column=self.column)}, "
                                 f"not {getattr(self, name)!r}")
        if self.columns % self.fuse:
            raise ValueError(f"columns must be a multiple of fuse ({self.fuse}), not {self.columns}")
        if self.output_width(self.fuse) > 63:
            raise ValueError(
                "weight_bits, input_bits, rows, max_accumulations and fuse must keep a result within 63 bits, "
                f"not {self.output_width(self.fuse)}"
            )

    # Widths, derived from the extremes of the values.

    def _extremes(self, weight_bits, vectors):
        """Minimum and maximum ``sum(w * x)`` over ``vectors`` vectors, signed and unsigned ones mixed."""
        terms = self.rows * vectors
        least_w, greatest_w = -(1 << weight_bits - 1), (1 << weight_bits - 1) - 1
        least_x, greatest_x = -(1 << self.input_bits - 1), (1 << self.input_bits) - 1
        products = [w * x for w in (least_w, greatest_w) for x in (least_x, greatest_x)]
        return terms * min(products), terms * max(products)

    @property
    def sum_width(self):
        """Bits of a column's sum for one plane."""
        return self.weight_bits + ceil_log2(self.rows)

    @property
    def accumulator_width(self):
        """Bits of the shift-accumulator, which holds the result of one vector."""
        return signed_width(*self._extremes(self.weight_bits, 1))

    @property
    def total_width(self):
        """Bits of a column's total, which holds the results of ``max_accumulations`` vectors."""
        return signed_width(*self._extremes(self.weight_bits, self.max_accumulations))

    @property
    def sum_x_width(self):
        """Bits of ``sum(x)`` over ``max_accumulations`` vectors, from the column of ones."""
        terms = self.rows * self.max_accumulations
        return signed_width(-terms << self.input_bits - 1, terms * ((1 << self.input_bits) - 1))

    def output_width(self, fuse):
        """Bits of the result of ``fuse`` fused columns; their output slots have ``fuse * total_width`` bits."""
        return signed_width(*self._extremes(self.weight_bits * fuse, self.max_accumulations))

    # Columns.

    @property
    def kind(self):
        """The kind of its columns."""
        return KINDS[self.column]

    @property
    def shapes(self):
        """Shapes of its columns, in their order, with the number of columns: a dict of `Shape` to int."""
        return self.kind.shapes(self)

    @property
    def blocks(self):
        """Shape and number of columns of each block of columns, in the order of the columns."""
        return [(shape, min(shape.block_columns, columns - first)) for shape, columns in self.shapes.items()
                for first in range(0, columns, shape.block_columns)]

    @property
    def calibration(self):
        """`Shape.calibration` of the columns that need it; None if none do."""
        return next((shape.calibration for shape in self.shapes if shape.calibration is not None), None)

    @property
    def needs_calibration(self):
        """The first vector after a write to its bank is preceded by a calibration plane of zeros."""
        return self.calibration is not None

    @property
    def table_fill_cycles(self):
        """Maximum cycles of a table fill; 0 if rows are written in one cycle."""
        return max(shape.table_fill_cycles for shape in self.shapes)

    # Latency, in cycles.

    @property
    def column_latency(self):
        """From the plane in a block's registers to its sums; the same for all columns of a macro."""
        return max(shape.latency for shape in self.shapes)

    @property
    def bank_hold_cycles(self):
        """Cycles for which a bank must not be written after a plane of it is in a block's registers."""
        return self.broadcast + max(shape.bank_hold_cycles for shape in self.shapes)

    @property
    def fuse_latency(self):
        """From a total to its fused result: one for the offset, one for each doubling."""
        return 0 if self.fuse == 1 else 1 + ceil_log2(self.fuse)

    @property
    def is_deep(self):
        """A vector arrives in a register before it waits, and its highest plane is looked for while it waits."""
        return self.result_interval > 2

    @property
    def latency(self):
        """Cycles of ``n`` vectors of ``p`` planes beyond ``n * p``, from first input to last result, both included.

        For ``p`` of at least ``result_interval``.

        Two in the wordline drivers (three with a ``result_interval`` of 2, seven with 4), one for the wordlines, those
        of the broadcast, one for their copy in a block, the column, the accumulator, the total, and the fuse stages.
        """
        ahead = self.result_interval + 2 * self.is_deep
        return 5 + ahead + self.broadcast + self.column_latency + self.fuse_latency

    @property
    def name(self):
        """Name of the top module, and prefix of all others."""
        return f"bitline_{self.rows}x{self.columns}_w{self.weight_bits}x{self.input_bits}_{self.hash}"
