"""Broadcast: registers between drivers and controller and a group of neighboring blocks."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..columns.adder_levels import Delays
from ..columns.column_block import control_layout


class Broadcast(wiring.Component):
    """Registers what some blocks take: a step of the pipeline on the way of planes and their control signals.

    Parameters
    ----------
    config : MacroConfig
    widths : tuple of int
        Bits of a plane in each form that these blocks take.

    Members
    -------
    control : ``In(control_layout)``
        From the controller, see `ColumnBlock`; ``load`` and ``advance_next`` a cycle earlier than for blocks.
    to_blocks : ``Out(control_layout)``
        To the blocks.
    plane : ``In(sum(widths))``
        The planes, the first form lowest.
    plane_to_blocks : ``Out(sum(widths))``
        The same for the blocks.
    """

    def __init__(self, *, config, widths):
        self.config = config
        super().__init__({
            "control": In(control_layout(config)),
            "to_blocks": Out(control_layout(config)),
            "plane": In(sum(widths)),
            "plane_to_blocks": Out(sum(widths)),
        })

    def elaborate(self, platform):
        m = Module()
        advance_next = Signal(init=1)
        pipeline_enable = Signal(init=1)
        loads = Signal()
        m.d.sync += [advance_next.eq(self.control.advance_next), pipeline_enable.eq(advance_next),
                     loads.eq(self.control.load)]
        delays = Delays(m, pipeline_enable)
        m.d.comb += self.plane_to_blocks.eq(delays.register("plane_copy", self.plane))
        for name, _ in self.control.shape():
            value = {"advance_next": advance_next, "load": loads}.get(name)
            if value is None:
                value = delays.register(f"{name}_copy", self.control[name], len(self.control[name]))
            m.d.comb += self.to_blocks[name].eq(value)
        return m
