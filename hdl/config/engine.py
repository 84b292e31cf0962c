"""`EngineConfig`: the description of an engine, which runs whole networks on a macro."""

from ...golden.engine.checks import WINDOW
from ...golden.engine.latencies import AHEAD_CYCLES
from .base import Parameters, configuration, parameter
from .macro import MacroConfig

ARRAYS = (1, 2, 4, 8)
LANES = (4, 8, 16, 32)
DEPTHWISE = (0, 4, 8, 16)
WEIGHT_PORTS = (0, 1, 2, 4, 8, 16, 32, 64)
# Of the activation memory: each has one read and one write port of a word.
MEMORY_BANKS = 4
# Groups of channels whose taps the depthwise unit holds, each of as many as it has at once.
DEPTHWISE_GROUPS = 16
# Bits of what a tile's first row is, in a load; and of a descriptor's number of a load.
TILE_ADDRESS_BITS, LOAD_ADDRESS_BITS = 16, 16


@configuration
class EngineConfig(Parameters):
    """A macro with all that a network needs besides: memories, patch gather, depthwise unit, lanes, sequencer.

    Parameters
    ----------
    {parameters}

    Raises
    ------
    TypeError, ValueError
        One line that names the parameter, the rule and the value.
    """

    macro: MacroConfig = parameter("With 8 bits, `fuse` 1 and `max_accumulations` 1; a dictionary in JSON.")
    arrays: int = parameter("Macros side by side, which have a vector in common or one each.", default=1,
                            choices=ARRAYS)
    lanes: int = parameter("Results that are requantized in a cycle, and bytes of a word of memory.", default=16,
                           choices=LANES)
    activation_bytes: int = parameter("Bytes of the activation memory, in four banks.", default=65536, minimum=1024,
                                      maximum=1 << 24)
    tile_rows: int = parameter("Rows of the tile memory, each of a byte for every column; with `weight_port` of what "
                               "has come from outside and is not used yet.", default=4352, minimum=16,
                               maximum=1 << TILE_ADDRESS_BITS)
    sum_slots: int = parameter("Partial sums of `lanes` columns that are kept.", default=512, minimum=16,
                               maximum=1 << 16)
    sum_bits: int = parameter("Bits of a partial sum.", default=27, minimum=20, maximum=32)
    parameter_slots: int = parameter("Sets of `lanes` parameters.", default=512, minimum=1, maximum=1 << 16)
    program_length: int = parameter("Descriptors.", default=42, minimum=2, maximum=1024)
    load_entries: int = parameter("Entries of the list of loads.", default=512, minimum=1,
                                  maximum=1 << LOAD_ADDRESS_BITS)
    depthwise: int = parameter("Channels of the depthwise unit; 0: none, the macro computes such layers.", default=8,
                               choices=DEPTHWISE)
    weight_port: int = parameter("Bytes of weights and taps a cycle that come by address from a memory outside, which "
                                 "has all of them; 0: the tile memory has.", default=0, choices=WEIGHT_PORTS)

    def __post_init__(self):
        self.check_parts()
        for name, value in (("fuse", 1), ("max_accumulations", 1), ("weight_bits", 8), ("input_bits", 8)):
            if getattr(self.macro, name) != value:
                raise ValueError(f"{name} must be {value} in an engine, not {getattr(self.macro, name)}")
        self.check_parameters()
        if self.macro.columns % self.lanes:
            raise ValueError(f"columns must be a multiple of lanes ({self.lanes}), not {self.macro.columns}")
        if self.depthwise and self.lanes % self.depthwise:
            raise ValueError(f"lanes must be a multiple of depthwise ({self.depthwise}), not {self.lanes}")
        if self.weight_port and self.columns % self.weight_port:
            raise ValueError(f"columns must be a multiple of weight_port ({self.weight_port}), not {self.columns}")
        if self.activation_bytes % (MEMORY_BANKS * self.lanes):
            raise ValueError(f"activation_bytes must be a multiple of {MEMORY_BANKS * self.lanes}, "
                             f"not {self.activation_bytes}")
        if self.sum_bits < self.macro.total_width:
            raise ValueError(f"sum_bits must hold a total of {self.macro.total_width} bits, not {self.sum_bits}")

    @property
    def slots(self):
        """Groups of ``lanes`` columns, of all macros."""
        return self.columns // self.lanes

    @property
    def columns(self):
        """Of all macros."""
        return self.arrays * self.macro.columns

    @property
    def row_cycles(self):
        """Cycles in which a row comes, from the tile memory or through ``weight_port``."""
        return self.columns // self.weight_port if self.weight_port else 1

    @property
    def rows_ahead(self):
        """Rows that are requested of ``weight_port`` and have not come, at most; without one none."""
        return 1 + AHEAD_CYCLES // self.row_cycles if self.weight_port else 0

    @property
    def most_tile_rows(self):
        """Rows of tiles of an image: those that are kept, or of a memory outside as many as a load can name."""
        return 1 << TILE_ADDRESS_BITS if self.weight_port else self.tile_rows

    @property
    def most_depthwise_channels(self):
        """Channels whose taps the depthwise unit holds."""
        return DEPTHWISE_GROUPS * self.depthwise

    @property
    def tap_rows(self):
        """Rows of the tile memory with the taps of those channels that the depthwise unit has at once."""
        return -(-WINDOW ** 2 // (self.columns // self.depthwise))

    @property
    def name(self):
        """Name of the top module, and prefix of all others."""
        return f"bitline_engine_{self.macro.rows}x{self.columns}_{self.hash}"


def default_engine():
    """The engine that commands take if none is given."""
    return EngineConfig(macro=MacroConfig(rows=64, columns=64, banks=2, column="table", table_writers=2,
                                          result_interval=4))
