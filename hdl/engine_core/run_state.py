"""Run state: what became of the last run, and how many entries its trace has."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


class RunState(wiring.Component):
    """Follows runs from their start to their end.

    Parameters
    ----------
    program_length : int
        Descriptors, of which each has an entry in the trace at most.

    Members
    -------
    start : ``In(1)``
        For a cycle, while not ``busy``: a run begins.
    cancel : ``In(1)``
        For a cycle: end it.
    running : ``In(1)``
        Of the engine: high from the cycle after ``start`` until the run has ended.
    ended : ``In(1)``
        For a cycle: the last of a descriptor.
    busy : ``Out(1)``
        Something of a run goes on.
    finished : ``Out(1)``
        For a cycle: it has ended.
    done : ``Out(1)``
        It has ended, and no other has begun.
    canceled : ``Out(1)``
        It was canceled while it went on.
    trace_count : ``Out(range(program_length + 1))``
        Descriptors that have ended, or pairs of them that ran together.
    """

    def __init__(self, *, program_length):
        self.program_length = program_length
        super().__init__({"start": In(1), "cancel": In(1), "running": In(1), "ended": In(1), "busy": Out(1),
                          "finished": Out(1), "done": Out(1), "canceled": Out(1),
                          "trace_count": Out(range(program_length + 1))})

    def elaborate(self, platform):
        m = Module()
        was_busy = Signal()
        m.d.sync += was_busy.eq(self.busy)
        m.d.comb += [self.busy.eq(self.start | self.running), self.finished.eq(was_busy & ~self.busy)]
        with m.If(self.start & ~self.running):
            m.d.sync += [self.done.eq(0), self.canceled.eq(0), self.trace_count.eq(0)]
        with m.Else():
            with m.If(self.finished):
                m.d.sync += self.done.eq(1)
            with m.If(self.cancel & self.running):
                m.d.sync += self.canceled.eq(1)
            with m.If(self.ended):
                m.d.sync += self.trace_count.eq(self.trace_count + 1)
        return m
