"""Run state: what became of the last run."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..engine import trace
from ..engine.memory.activation_memory import ActivationMemory

# From the end of a run until the trace has its last entry and can be read, and the memory has read the address of
# `read_data`, which is not its own while a run goes on.
SETTLE_CYCLES = max(len(trace.WORDS) + 1 + trace.READ, ActivationMemory.READ)


class RunState(wiring.Component):
    """Follows runs from their start until what they left can be read, `SETTLE_CYCLES` after their end.

    Members
    -------
    start : ``In(1)``
        For a cycle, while not ``busy``: a run begins.
    cancel : ``In(1)``
        For a cycle: end it.
    running : ``In(1)``
        Of the engine: high from the cycle after ``start`` until the run has ended.
    busy : ``Out(1)``
        Something of a run goes on, or its last entry of the trace or the next word of memory is not there yet.
    finished : ``Out(1)``
        For a cycle: it has ended.
    done : ``Out(1)``
        It has ended, and no other has begun.
    canceled : ``Out(1)``
        It was canceled while it went on.
    """

    def __init__(self):
        super().__init__({"start": In(1), "cancel": In(1), "running": In(1), "busy": Out(1), "finished": Out(1),
                          "done": Out(1), "canceled": Out(1)})

    def elaborate(self, platform):
        m = Module()
        left, was_busy = Signal(range(SETTLE_CYCLES + 1)), Signal()
        m.d.sync += was_busy.eq(self.busy)
        m.d.comb += [self.busy.eq(self.start | self.running | (left != 0)), self.finished.eq(was_busy & ~self.busy)]
        with m.If(self.start | self.running):
            m.d.sync += left.eq(SETTLE_CYCLES)
        with m.Elif(left != 0):
            m.d.sync += left.eq(left - 1)
        with m.If(self.start & ~self.running):
            m.d.sync += [self.done.eq(0), self.canceled.eq(0)]
        with m.Else():
            with m.If(self.finished):
                m.d.sync += self.done.eq(1)
            with m.If(self.cancel & self.running):
                m.d.sync += self.canceled.eq(1)
        return m
