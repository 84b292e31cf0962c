"""Table columns in numbers: rows a table, entries, widths, latency and how long writing takes."""

from dataclasses import dataclass

from .kinds import Kind, Shape
from .widths import ceil_log2, signed_width

# Of one memory: 16 entries of LUT-RAM, 512 words of block RAM.
LUT_RAM_ADDRESS_BITS, BLOCK_RAM_ADDRESS_BITS = 4, 9
BLOCK_RAM_BITS = 36


@dataclass(frozen=True)
class TableShape(Shape):
    """Tables of a macro's columns in one kind of memory.

    A table holds a sum for each input of ``group_rows`` rows, of every bank. In LUT-RAM the entries are in offset
    binary: a one counts as +1 and a zero as -1, so that complementing all inputs only changes the sign; the last row
    then is no address but the sign, and its group has one row more. In block RAM they are plain sums.

    Parameters
    ----------
    storage : str
        ``"lut_ram"`` or ``"block_ram"``.
    rows, weight_bits, banks : int
        Of the macro.
    alone : bool
        No columns of the macro have another kind of storage.
    """

    storage: str
    rows: int
    weight_bits: int
    banks: int
    alone: bool = True

    kind = "table"

    @property
    def is_offset(self):
        """Entries are in offset binary, and columns need calibration."""
        return self.storage == "lut_ram"

    @property
    def complements(self):
        """In offset binary columns give the complement of their sums."""
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
        """Address bits that the rows of a group take; the others are the bank's."""
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
    def plane_bits(self):
        """Bits of a plane as columns take it."""
        return self.groups * self.group_rows if self.is_offset else self.rows

    @property
    def rows_of_groups(self):
        """The rows of each group, the last of them last; None stands for those that the last group has not."""
        missing = self.groups * self.group_rows - self.rows
        rows = [*range(self.rows - self.group_rows + missing), *[None] * missing,
                *range(self.rows - self.group_rows + missing, self.rows)]
        return [rows[first:first + self.group_rows] for first in range(0, len(rows), self.group_rows)]

    @property
    def extremes(self):
        """Minimum and maximum sum of a group, before its sign."""
        low = -self.group_rows << self.weight_bits - 1
        # In offset binary the last row counts positive, and all others either way.
        return low, (~low if self.is_offset else ~low - self.group_rows + 1)

    @property
    def sum_width(self):
        """Bits of a group's sum, and of the register that walks through a table's entries."""
        return max(2, signed_width(*self.extremes))

    @property
    def entry_bits(self):
        """Bits of an entry. The parity of a group's sums in offset binary is the same for all inputs: with one bank it
        stands beside the table, with several in it."""
        return self.sum_width - (self.is_offset and self.banks == 1)

    @property
    def block_columns(self):
        """Columns that share memories, broadcast registers and a module."""
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
        """From the registered plane to the sum of a plane of zeros, behind the levels; None for plain sums."""
        return self.levels + 1 if self.is_offset else None

    @property
    def has_entry_registers(self):
        """What is read from block RAM goes through one more register, unless columns in LUT-RAM bound the clock."""
        return self.alone and not self.is_offset

    @property
    def bank_hold_cycles(self):
        """Cycles for which a plane at the columns still needs what a write would change."""
        return self.latency if self.is_offset and self.banks == 1 else 1

    @property
    def base_steps(self):
        """Cycles until the first entry: plain sums start from zero, those in offset binary from the sum of all rows."""
        return self.group_rows if self.is_offset else 1

    @property
    def entry_steps(self):
        """Cycles from an entry to the next, which differs by one weight, or in offset binary by twice a weight."""
        return 2 if self.is_offset else 1

    @property
    def table_fill_cycles(self):
        """Cycles that writing a group's tables takes, with one more in which the last entry settles."""
        return self.base_steps + self.entry_steps * ((1 << self.address_bits) - 1) + 1

    def bank_cycles(self, rows):
        """A walk a group, one cycle between them; rows come faster."""
        return self.groups * (self.table_fill_cycles + 1)


class TableKind(Kind):
    """`TableShape`: block RAM for the first columns, LUT-RAM for the others."""

    name = "table"
    meaning = "`table`, sums of every subset of a few rows' weights in LUT-RAM, which reading multiplies, for FPGAs"
    conditions = (("block_ram_columns", "unless column is table"),)

    def shapes(self, config):
        columns = {"block_ram": config.block_ram_columns, "lut_ram": config.columns - config.block_ram_columns}
        return {TableShape(storage, config.rows, config.weight_bits, config.banks, alone=count == config.columns): count
                for storage, count in columns.items() if count}

    def samples(self, columns):
        return {"block_ram_columns": (0, columns // 2)}

    def extended(self, config, columns):
        # Where all are in block RAM, these are too.
        more = columns if config.block_ram_columns == config.columns else 0
        return {**super().extended(config, columns), "block_ram_columns": config.block_ram_columns + more}
