"""The column of ones, which counts the ones of a plane: its sums become those of the inputs."""

import itertools

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config.widths import ceil_log2
from ..fabric.adder import Carry
from ..fabric.emitter import Platform
from .adder_levels import Delays, Node, sum_level
from .adder_tree import TREE_COMPONENTS
from .gateware import Gateware

LUT_INPUTS = 4


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
        bits = [~bit if active_low else bit for bit in self.plane]
        # As many adders as there are carries add one row more each, at no cost with carry cells.
        count = -(-(len(bits) + 1) // (LUT_INPUTS + 1))
        if platform.fabric == "ecp5" and ceil_log2(count) < self.latency:
            carries, bits = bits[:count - 1], bits[count - 1:]
            bounds = [len(bits) * index // count for index in range(count + 1)]
        else:
            # Rows that are counted in the first cycle, so that one adder level is left for each further cycle.
            group = 1 << max(0, ceil_log2(len(bits)) + 1 - self.latency)
            carries, bounds = [], [*range(0, len(bits), group), len(bits)]
        nodes = []
        for (first, end), carry in itertools.zip_longest(itertools.pairwise(bounds), carries):
            ones = Signal((end - first).bit_length(), name=f"count_{first}")
            m.d.comb += ones.eq(sum(bits[first:end]))
            added = () if carry is None else (Carry(lambda a, b: a, delays.register(f"carry_{first}", carry)),)
            nodes.append(Node(delays.register(f"ones_{first}", ones), 0, end - first, carries=added))
        for level in range(self.latency - 1):
            (nodes,) = sum_level(m, platform, delays, f"level{level + 1}", [nodes])
        m.d.comb += self.sums.eq(nodes[0].value)
        return m


class Ones(Gateware):
    """Gateware of the column of ones, to which nothing is written."""

    component = OnesColumn
