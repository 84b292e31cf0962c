"""The column of ones in numbers."""

from dataclasses import dataclass

from .kinds import Shape


@dataclass(frozen=True)
class OnesShape(Shape):
    """The column whose weights are all one, which every macro has; its latency is that of the other columns."""

    rows: int
    latency: int

    kind = "ones"
    storage = "ones"
    block_columns = 1
    is_signed = False
    accumulator = "ones_accumulator"

    @property
    def plane_bits(self):
        """One bit a row."""
        return self.rows

    def block_name(self, columns):
        return "ones"

    def columns_name(self, columns):
        return "ones_column"

    def accumulator_width(self, config):
        return config.sum_x_width

    def total_width(self, config):
        return config.sum_x_width
