"""The block core as a Verilog module: ports by name, clock and reset."""

from ..config.formats import WEIGHT_BEAT_BITS
from ..core.top import CoreTop, all_ports, stream_pins, stream_ports
from .block_core import BlockCore


def block_core_ports(config):
    """The ports of the module, a list of `CorePort`."""
    streams = {"s_axis": (config.blocks.input_beat_bits, "headers and codes of vectors"),
               "s_axis_w": (WEIGHT_BEAT_BITS, "headers, codes and scales of weights"),
               "m_axis": (config.blocks.result_bits, "results")}
    return all_ports(config, streams, stream_ports(streams, "the result is lost"))


class BlockCoreTop(CoreTop):
    """The block core with its ports by name, as `block_core_ports` has them; its reset is that of any core."""

    CORE, PORTS = BlockCore, staticmethod(block_core_ports)

    def _data_pins(self, m, platform, core):
        return stream_pins(core)
