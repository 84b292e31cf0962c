"""`CoreConfig`: the description of a core, which is a macro behind buses."""

from dataclasses import replace

from ...golden.checksum import check_column_count
from .base import Parameters, configuration, parameter
from .macro import MAX_COLUMNS, MacroConfig
from .widths import ceil_log2

STREAM_BITS = (32, 64, 128, 256, 512, 1024)
OUTPUTS = ("int8", "int16", "int32")
RESETS = ("synchronous", "asynchronous")
DMA_ADDRESS_BITS = (0, 32, 64)
BUS_NAMES = ("axi", "wishbone", "apb")

# Requantization parameters of a column: bias, multiplier, shift, and zero, in 32 bits each.
PARAMETER_BYTES = 16
# Sets of requantization parameters: one in use while the other is loaded.
SETS = 2
# Narrower totals are sign-extended; a bias and a multiplier have as many bits.
MAX_TOTAL_BITS = 32


def reset_kind():
    """The parameter of a core's reset."""
    return parameter("`aresetn` is `synchronous` to the clock, or may fall at any moment (`asynchronous`).",
                     default="synchronous", choices=RESETS)


def bus_name():
    """The parameter of a core's bus."""
    return parameter("Bus of the registers: `axi` (AXI4-Lite), `wishbone` (B4) or `apb` (APB4).", default="axi",
                     choices=BUS_NAMES)


def element_bytes(bits):
    """Bytes of an integer of up to 16 bits in a stream."""
    return 1 if bits <= 8 else 2


@configuration
class CoreConfig(Parameters):
    """A macro behind AXI4-Stream and a bus with registers.

    Parameters
    ----------
    {parameters}

    Raises
    ------
    TypeError, ValueError
        One line that names the parameter, the rule and the value.
    """

    macro: MacroConfig = parameter("With `fuse` 1 and totals of at most 32 bits; a dictionary in JSON.")
    input_stream_bits: int = parameter("Bits of `s_axis_tdata`.", default=64, choices=STREAM_BITS)
    weight_stream_bits: int = parameter("Bits of `s_axis_w_tdata`.", default=64, choices=STREAM_BITS)
    output_stream_bits: int = parameter("Bits of `m_axis_tdata`.", default=64, choices=STREAM_BITS)
    output: str = parameter("Type of results: `int8` or `int16`, requantized, or `int32`, the totals.",
                            default="int8", choices=OUTPUTS)
    reset: str = reset_kind()
    bus: str = bus_name()
    checksum: bool = parameter("Further columns hold the sum of each row's weights, and every result is checked "
                               "against them.", default=False, choices=(False, True))
    dma: int = parameter("Bits of the addresses of an AXI4 master, which reads vectors and weights from memory and "
                         "writes results to it, in place of the streams; they must have the same number of bits. 0: "
                         "none.", default=0, choices=DMA_ADDRESS_BITS, is_named=False)

    def __post_init__(self):
        self.check_parts()
        if self.macro.fuse != 1:
            raise ValueError(f"fuse must be 1 in a core, not {self.macro.fuse}")
        if self.macro.total_width > MAX_TOTAL_BITS:
            raise ValueError("weight_bits, input_bits, rows and max_accumulations of a core must keep a total within "
                             f"{MAX_TOTAL_BITS} bits, not {self.macro.total_width}")
        self.check_parameters()
        widths = [self.input_stream_bits, self.weight_stream_bits, self.output_stream_bits]
        if self.dma and len(set(widths)) > 1:
            raise ValueError("input_stream_bits, weight_stream_bits and output_stream_bits must be the same with dma, "
                             f"not {', '.join(map(str, widths))}")
        if self.macro.columns + self.check_columns > MAX_COLUMNS:
            raise ValueError(f"columns must leave {self.check_columns} of {MAX_COLUMNS} to the checksum, "
                             f"not be {self.macro.columns}")

    # The array, with the checksum columns.

    @property
    def check_columns(self):
        """Columns that hold the sum of each row's weights."""
        return check_column_count(self.macro.columns, self.macro.weight_bits) if self.checksum else 0

    @property
    def array(self):
        """The macro that is built: with the checksum columns after its own."""
        return replace(self.macro, **self.macro.kind.extended(self.macro, self.check_columns))

    # Streams.

    @property
    def input_bytes(self):
        """Bytes of an input in ``s_axis_tdata``."""
        return element_bytes(self.macro.input_bits)

    @property
    def weight_bytes(self):
        """Bytes of a weight in ``s_axis_w_tdata``."""
        return element_bytes(self.macro.weight_bits)

    @property
    def output_bits(self):
        """Bits of a result in ``m_axis_tdata``."""
        return int(self.output.removeprefix("int"))

    @property
    def vector_bytes(self):
        """Bytes of a vector, which starts a new beat."""
        return self.macro.rows * self.input_bytes

    @property
    def row_bytes(self):
        """Bytes of a row of weights, which starts a new beat."""
        return self.macro.columns * self.weight_bytes

    @property
    def result_bytes(self):
        """Bytes of a vector's results, which start a new beat."""
        return self.macro.columns * self.output_bits // 8

    # Requantization.

    @property
    def requantizes(self):
        """Results are requantized totals."""
        return self.output != "int32"

    @property
    def beat_results(self):
        """Results in a whole beat of ``m_axis_tdata``."""
        return self.output_stream_bits // self.output_bits

    @property
    def lanes(self):
        """Results computed in a cycle: as many as the array gives at full precision, or the stream can take."""
        needed = -(-self.macro.columns // self.macro.input_bits)
        return min(1 << ceil_log2(needed), self.beat_results)

    @property
    def groups(self):
        """Cycles in which the results of a vector are computed."""
        return -(-self.macro.columns // self.lanes)

    @property
    def beat_groups(self):
        """Groups of results of a vector that share a beat."""
        return min(self.beat_results // self.lanes, self.groups)

    @property
    def vector_beats(self):
        """Beats of a vector."""
        return -(-8 * self.vector_bytes // self.input_stream_bits)

    @property
    def row_beats(self):
        """Beats of a row of weights."""
        return -(-8 * self.row_bytes // self.weight_stream_bits)

    @property
    def kept_groups(self):
        """Groups that are left when a vector's totals are accepted: so many cycles the macro keeps them after that."""
        return min(self.groups, self.macro.result_interval) - 1

    @property
    def in_flight(self):
        """Maximum vectors in the macro or offered to it: one offered, one waiting, one driven, and one in each stage of
        the pipeline; and one whose totals were accepted."""
        return self.macro.latency + 4 + (self.kept_groups > 0)

    # Identity and JSON.

    @property
    def name(self):
        """Name of the top module, and prefix of all others."""
        macro = self.macro
        return f"bitline_core_{macro.rows}x{macro.columns}_w{macro.weight_bits}x{macro.input_bits}_{self.hash}"
