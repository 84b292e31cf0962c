"""`BlockCoreConfig`: the description of a block core, which is a block macro behind buses."""

from .base import Parameters, configuration, parameter
from .core import STREAM_BITS, bus_name, reset_kind
from .formats import FormatConfig

# Of a core that is given none.
INPUT_BEAT_BITS = 64


@configuration
class BlockCoreConfig(Parameters):
    """A block macro behind AXI4-Stream and a bus with registers.

    Parameters
    ----------
    {parameters}

    Raises
    ------
    TypeError, ValueError
        One line that names the parameter, the rule and the value.
    """

    blocks: FormatConfig = parameter("The block macro, with `input_beat_bits` that are not 0; a dictionary in JSON.")
    reset: str = reset_kind()
    bus: str = bus_name()

    def __post_init__(self):
        self.check_parts()
        if not self.blocks.input_beat_bits:
            raise ValueError(f"input_beat_bits must be one of {', '.join(map(str, STREAM_BITS))} in a core, not 0")
        self.check_parameters()

    @property
    def name(self):
        """Name of the top module, and prefix of all others."""
        return f"bitline_block_core_{self.blocks.title}_{self.hash}"
