"""Interface of a kind of column: its numbers; each kind has a file of its own, and `macro` lists them."""

from abc import ABC, abstractmethod


class Shape:
    """Storage and multiplication of some columns of a macro; a frozen dataclass for each variant, with defaults here.

    Attributes
    ----------
    kind : str
        Key of its gateware in `columns.kinds`.
    storage : str
        Prefix of the names of its blocks.
    plane_bits : int
        Bits of a plane in the form that the columns need.
    latency : int
        Cycles from the plane in a block's registers to the sum.
    block_columns : int
        Columns of a block, which has its own registers of broadcast signals.
    bank_hold_cycles : int
        Cycles for which a bank must not be written after a plane of it is in a block's registers.
    table_fill_cycles : int
        Cycles of a table fill; 0 if a row is written in one cycle, or nothing is written.
    writers : int
        Table writers side by side; 0 if rows are written in one cycle.
    settle_cycles : int
        Cycles from the last row that is accepted, beside the latency, after which all tables are complete whatever was
        written before.
    calibration : int or None
        Cycles from the calibration plane in a block's registers to its sum. That plane of zeros precedes a bank's first
        vector after a write. None if the columns need no calibration.
    complements : bool
        Sums come out complemented.
    has_lut_ram : bool
        It uses LUT-RAM on any fabric.
    is_signed : bool
        Sums are two's complement.
    accumulator : str
        Name of the block of its accumulators.
    """

    bank_hold_cycles = 1
    table_fill_cycles = 0
    writers = 0
    settle_cycles = 0
    calibration = None
    complements = False
    has_lut_ram = False
    is_signed = True
    accumulator = "accumulator"

    def bank_cycles(self, rows):
        """Cycles that writing so many rows of a bank takes."""
        return rows

    def block_name(self, columns):
        """Name of a block of so many columns, with their accumulators."""
        return f"{self.storage}_block_{columns}"

    def columns_name(self, columns):
        """Name of so many columns without them."""
        return f"{self.storage}_columns_{columns}"

    def accumulator_width(self, config):
        """Bits of a vector's result in a macro."""
        return config.accumulator_width

    def total_width(self, config):
        """Bits of a total in a macro."""
        return config.total_width


class Kind(ABC):
    """A value of ``column`` of a `MacroConfig`.

    Attributes
    ----------
    name : str
    meaning : str
        For the help of the parameter.
    conditions : tuple of (str, str)
        Parameters of a macro that only this kind uses, and must have their default otherwise; and the condition of that
        rule, for a message about a macro of another kind.
    """

    conditions = ()

    @abstractmethod
    def shapes(self, config):
        """A dict of the `Shape` of a macro's columns, in the order of the columns, to how many have it."""

    def samples(self, columns):
        """For each of its own parameters values that are worth a test, of a macro of so many columns."""
        return {}

    def extended(self, config, columns):
        """Parameters of a macro with more columns behind its own."""
        return {"columns": config.columns + columns}
