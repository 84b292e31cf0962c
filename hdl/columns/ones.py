"""The column of ones, which counts the ones of a plane: its sums become those of the inputs."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config.widths import ceil_log2
from ..fabric.emitter import Platform
from .adder_levels import Delays, Node, sum_level
from .adder_tree import TREE_COMPONENTS
from .gateware import Gateware


class OnesColumn(wiring.Component):
    """The column whose weights are all one: counts the ones of a plane, with the latency of the other columns.

    Parameters
    ----------
    config : MacroConfig
    shape : OnesShape
    columns : int
        One.

    Members
    -------
    enable : ``In(1)``
        The pipeline advances.
    plane : ``In(rows)``
        One bit of each input; complemented if the adder tree is ``active_low``.
    sums : ``Out(ceil(log2(rows + 1)))``
        Number of ones in the plane.
    """

    def __init__(self, *, config, shape, columns):
        self.config = config
        self.columns = columns
        self.latency = shape.latency
        super().__init__({
            "enable": In(1),
            "plane": In(config.rows),
            "sums": Out(config.rows.bit_length()),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        delays = Delays(m, self.enable)
        active_low = TREE_COMPONENTS[self.config.tree].active_low
        # Rows that are counted in the first cycle, so that one adder level is left for each further cycle.
        group = 1 << max(0, ceil_log2(self.config.rows) + 1 - self.latency)
        nodes = []
        for first in range(0, self.config.rows, group):
            bits = self.plane[first:first + group]
            count = Signal(len(bits).bit_length(), name=f"count_{first}")
            m.d.comb += count.eq(sum(~bit if active_low else bit for bit in bits))
            nodes.append(Node(delays.register(f"ones_{first}", count), 0, len(bits)))
        for level in range(self.latency - 1):
            (nodes,) = sum_level(m, platform, delays, f"level{level + 1}", [nodes])
        m.d.comb += self.sums.eq(nodes[0].value)
        return m


class Ones(Gateware):
    """Gateware of the column of ones, to which nothing is written."""

    component = OnesColumn
