"""What every kind of column says of itself in numbers; each kind has a file of its own, and `macro` lists them."""

from abc import ABC, abstractmethod


class Shape:
    """How some columns of a macro store and multiply; a frozen dataclass for each way. These are the defaults.

    Attributes
    ----------
    kind : str
        What its gateware is found by, in `columns.kinds`.
    storage : str
        Names its blocks.
    plane_bits : int
        Bits of a plane as columns take it.
    latency : int
        Cycles from the plane in a block's registers to the sum.
    block_columns : int
        Columns to a block, which has registers of its own for what is broadcast.
    bank_hold_cycles : int
        Cycles from the plane in a block's registers for which its bank must not be written.
    table_fill_cycles : int
        Cycles that its writer needs for what a row changes; 0 if a row is written in one, and without one.
    calibration : int or None
        Cycles from the plane in a block's registers to the sum of a plane of zeros, which goes before a bank's first
        vector after a write, so that columns learn from it; None if they need none.
    complements : bool
        Sums come out complemented.
    has_lut_ram : bool
        It needs LUT-RAM, of any fabric.
    is_signed : bool
        Sums are two's complement.
    accumulator : str
        Names the block of its accumulators.
    """

    bank_hold_cycles = 1
    table_fill_cycles = 0
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
    """What ``column`` of a `MacroConfig` may be.

    Attributes
    ----------
    name : str
    meaning : str
        For the help of the parameter.
    conditions : tuple of (str, str)
        Parameters of a macro that only this kind takes, which have their default elsewhere; and when that is, as a
        message says it of a macro whose ``column`` is another.
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
