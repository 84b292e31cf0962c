"""Faults: the first one ends a run, and is kept until the next."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ...golden.engine.image import Fault
from ..fabric.register import registered
from .control.delays import delayed
from .control.rules import FAULT
from .control.sequencer import NUMBER_BITS

# In the order in which they count, if several are seen at once: of the descriptor that feeds another, and of the other
# or only one.
OF_FEEDER = {"window": Fault.SOURCE, "taps": Fault.UNIT, "lost_taps": Fault.WEIGHTS}
OF_RECORD = {"source": Fault.SOURCE, "target": Fault.TARGET, "residual": Fault.RESIDUAL, "tile": Fault.TILE,
             "lost_tile": Fault.WEIGHTS, "sums": Fault.SUM, "unit": Fault.UNIT}
SEEN = data.StructLayout(dict.fromkeys((*OF_FEEDER, *OF_RECORD), 1))


class Faults(wiring.Component):
    """Stops all units, waits until nothing is on its way any more, and ends the run.

    Latency: ``is_found`` comes two cycles after what was seen, and one after ``cancel``, ``stop`` another one later.

    Parameters
    ----------
    config : EngineConfig

    Members
    -------
    start : ``In(1)``
        A run begins: there is no fault.
    running : ``In(1)``
        It goes on.
    cancel : ``In(1)``
        End it without a fault.
    busy : ``In(1)``
        A row of a tile is on its way to the macro, which must have all of them, or from a memory outside.
    rule : ``In(FAULT)``
        What the next descriptor breaks.
    rule_number : ``In(NUMBER_BITS)``
        Its number.
    seen : ``In(SEEN)``
        What has gone wrong in descriptors that run.
    number : ``In(NUMBER_BITS)``
        Number of the only one, or of the one that feeds the other.
    is_fed : ``In(1)``
        Two run together.
    is_found : ``Out(1)``
        For a cycle, before ``stop``: there is a fault, or the run is to end.
    fault : ``Out(FAULT)``
        What was wrong, of `Fault`.
    fault_number : ``Out(NUMBER_BITS)``
        The number of the descriptor.
    stop : ``Out(1)``
        All units stop.
    stopped : ``Out(1)``
        For a cycle, with ``stop``: the run ends.
    """

    def __init__(self, *, config):
        self.config = config
        super().__init__({
            "start": In(1), "running": In(1), "cancel": In(1), "busy": In(1), "rule": In(FAULT),
            "rule_number": In(NUMBER_BITS), "seen": In(SEEN), "number": In(NUMBER_BITS), "is_fed": In(1),
            "is_found": Out(1), "fault": Out(FAULT), "fault_number": Out(NUMBER_BITS), "stop": Out(1),
            "stopped": Out(1),
        })

    @property
    def drain_cycles(self):
        """More than vectors in the macro, and what is behind it, take."""
        return self.config.macro.latency + 4 * (self.config.macro.input_bits + 1) + 64

    def elaborate(self, platform):
        m = Module()
        fault, number = Signal(FAULT), Signal(NUMBER_BITS)
        seen, rule = (delayed(m, name, value, 1, reset=True) for name, value in (
            ("seen", self.seen), ("rule", self.rule)))
        last, rule_number = (registered(m, name, value) for name, value in (
            ("last_number", self.number + self.is_fed), ("late_rule_number", self.rule_number)))
        for names, each in ((OF_RECORD, last), (OF_FEEDER, self.number)):
            for name, kind in reversed(names.items()):
                with m.If(seen[name]):
                    m.d.comb += [fault.eq(kind), number.eq(each)]
        with m.If(rule != 0):
            m.d.comb += [fault.eq(rule), number.eq(rule_number)]
        found, found_number = registered(m, "found", fault), registered(m, "found_number", number)
        m.d.sync += self.is_found.eq(self.running & ~self.is_found & ~self.stop & ((fault != 0) | self.cancel))
        left = Signal(range(self.drain_cycles + 1))
        m.d.comb += self.stopped.eq(self.stop & (left == 0))
        with m.If(self.stop):
            m.d.sync += left.eq(self.drain_cycles)
            with m.If(~self.busy):
                m.d.sync += left.eq(left - 1)
            with m.If(self.stopped):
                m.d.sync += self.stop.eq(0)
        with m.Elif(self.is_found):
            m.d.sync += [self.stop.eq(1), left.eq(self.drain_cycles), self.fault.eq(found),
                         self.fault_number.eq(found_number)]
        with m.Elif(self.start):
            m.d.sync += [self.fault.eq(0), self.fault_number.eq(0)]
        return m
