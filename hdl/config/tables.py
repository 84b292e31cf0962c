"""Table columns in numbers: rows of a table, entries, widths, latency and cycles of writes."""

from dataclasses import dataclass

from .kinds import Kind, Shape
from .widths import ceil_log2, signed_width

# Of one memory: 16 words of LUT-RAM, 512 words of block RAM.
LUT_RAM_ADDRESS_BITS, BLOCK_RAM_ADDRESS_BITS = 4, 9
BLOCK_RAM_BITS = 36
WRITERS = (1, 2)


@dataclass(frozen=True)
class TableShape(Shape):
    """Tables of a macro's columns in one kind of memory.

    A table holds a sum for each value of a bit of ``group_rows`` rows, for every bank. In LUT-RAM the entries are in
    offset binary: a one counts as +1 and a zero as -1, so that complementing all bits only changes the sign. The last
    row of a group then is the sign instead of an address bit, so a group has one row more. In block RAM entries are
    plain sums.

    Parameters
    ----------
    storage : str
        ``"lut_ram"`` or ``"block_ram"``.
    rows, weight_bits, banks : int
        Of the macro.
    alone : bool
        All columns of the macro have this storage.
    table_writers : int
        Of the macro.
    """

    storage: str
    rows: int
    weight_bits: int
    banks: int
    alone: bool = True
    table_writers: int = 1

    kind = "table"
    # Two rows are on their way when the first is found to wait, and another one is accepted in that cycle.
    waiting_rows = 3

    @property
    def is_offset(self):
        """Entries are in offset binary, and columns need calibration."""
        return self.storage == "lut_ram"

    @property
    def complements(self):
        """The columns output complemented sums."""
        return self.is_offset

    @property
    def has_lut_ram(self):
        """Its memories are LUT-RAM."""
        return self.is_offset

    @property
    def memory_address_bits(self):
        """Address bits of a memory."""
        return LUT_RAM_ADDRESS_BITS if self.has_lut_ram else BLOCK_RAM_ADDRESS_BITS

    @property
    def address_bits(self):
        """Address bits for the rows of a group; the others are those of the bank."""
        return self.memory_address_bits - ceil_log2(self.banks)

    @property
    def group_rows(self):
        """Rows that share a table."""
        return self.address_bits + self.is_offset

    @property
    def groups(self):
        """Tables of a column; the last may have fewer rows."""
        return -(-self.rows // self.group_rows)

    @property
    def writers(self):
        """Table writers, each with a share of the groups."""
        return min(self.table_writers, self.groups)

    def groups_of(self, writer):
        """Groups that a writer fills in. Neighbors have different writers, so that rows in order keep all busy."""
        return range(writer, self.groups, self.writers)

    @property
    def plane_bits(self):
        """Bits of a plane in the form that the columns need."""
        return self.groups * self.group_rows if self.is_offset else self.rows

    @property
    def rows_of_groups(self):
        """The rows of each group, in their order; None for missing rows of the last group."""
        missing = self.groups * self.group_rows - self.rows
        rows = [*range(self.rows - self.group_rows + missing), *[None] * missing,
                *range(self.rows - self.group_rows + missing, self.rows)]
        return [rows[first:first + self.group_rows] for first in range(0, len(rows), self.group_rows)]

    @property
    def extremes(self):
        """Minimum and maximum sum of a group, before its sign."""
        low = -self.group_rows << self.weight_bits - 1
        # In offset binary the last row counts positive, all others positive or negative.
        return low, (~low if self.is_offset else ~low - self.group_rows + 1)

    @property
    def sum_width(self):
        """Bits of a group's sum, and of the register of an entry adder."""
        return max(2, signed_width(*self.extremes))

    @property
    def entry_bits(self):
        """Bits of an entry. In offset binary the parity of a group's sums is the same for all inputs: with one bank it
        is in a register beside the table, with several banks in the entry."""
        return self.sum_width - (self.is_offset and self.banks == 1)

    @property
    def block_columns(self):
        """Columns of a block, which share memories and broadcast registers."""
        return 4 if self.has_lut_ram else max(1, BLOCK_RAM_BITS // self.entry_bits)

    @property
    def levels(self):
        """Adder levels over the groups."""
        return ceil_log2(self.groups)

    @property
    def latency(self):
        """From the registered plane at a block of columns to the sum.

        The adder levels; one for the read of LUT-RAM and one for the calibration, or two for the read of block RAM.
        """
        return self.levels + 2 + self.has_entry_registers

    @property
    def calibration(self):
        """From the registered calibration plane to its sum, after the levels; None for plain sums."""
        return self.levels + 1 if self.is_offset else None

    @property
    def has_entry_registers(self):
        """Entries from block RAM have one more register, unless columns in LUT-RAM limit the clock anyway."""
        return self.alone and not self.is_offset

    @property
    def bank_hold_cycles(self):
        """Cycles for which a plane in the columns depends on tables or parities that a write changes."""
        return self.latency if self.is_offset and self.banks == 1 else 1

    @property
    def doubles(self):
        """Entries differ by twice a weight, whose sign changes; plain sums differ by a weight."""
        return self.is_offset and self.address_bits > 0

    @property
    def base_steps(self):
        """Cycles to the first entry: plain sums start with zero, those in offset binary with the sum of all rows."""
        return self.group_rows if self.is_offset else 1

    @property
    def table_fill_cycles(self):
        """Cycles in which the tables of a group are written, including one for the last entry to settle.

        After the first entry one follows in each cycle.
        """
        return self.base_steps + (1 << self.address_bits)

    @property
    def settle_cycles(self):
        """The fill under way, that of the group that gathers, and one for each row that waits."""
        return (2 + self.waiting_rows) * (self.table_fill_cycles + 2)

    def bank_cycles(self, rows):
        """A table fill for each group of the writer that has most, and a cycle before each; rows arrive faster."""
        return len(self.groups_of(0)) * (self.table_fill_cycles + 1)


class TableKind(Kind):
    """`TableShape`: block RAM for the first columns, LUT-RAM for the others."""

    name = "table"
    meaning = "`table`, tables in LUT-RAM with the sums of all subsets of a few rows' weights, for FPGAs"
    conditions = tuple((name, "unless column is table") for name in ("block_ram_columns", "table_writers"))

    def shapes(self, config):
        columns = {"block_ram": config.block_ram_columns, "lut_ram": config.columns - config.block_ram_columns}
        return {TableShape(storage, config.rows, config.weight_bits, config.banks, alone=count == config.columns,
                           table_writers=config.table_writers): count
                for storage, count in columns.items() if count}

    def samples(self, columns):
        return {"block_ram_columns": (0, columns // 2), "table_writers": WRITERS}

    def extended(self, config, columns):
        # Where all are in block RAM, these are too.
        more = columns if config.block_ram_columns == config.columns else 0
        return {**super().extended(config, columns), "block_ram_columns": config.block_ram_columns + more}
