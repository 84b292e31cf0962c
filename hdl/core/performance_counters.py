"""Performance counters."""

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

BITS = 32


class Performance(wiring.Component):
    """Counters of events since the last ``clear``; each wraps. An event is counted a cycle after it is shown here.

    Parameters
    ----------
    max_skipped : int
        Maximum number of planes that a vector skips; None: they are not counted.

    Members
    -------
    clear : ``In(1)``
        Clear all counters.
    vector : ``In(1)``
        Count a vector.
    skipped : ``In(range(max_skipped + 1))``
        Count so many skipped planes. Exists, as ``planes_skipped``, if they are counted.
    input_stall : ``In(1)``
        Count a stall of the input.
    output_stall : ``In(1)``
        Count a stall of the output.
    cycles : ``Out(32)``
        Cycles.
    vectors : ``Out(32)``
        Counts ``vector``.
    planes_skipped : ``Out(32)``
        Counts ``skipped``.
    input_stalls : ``Out(32)``
        Counts ``input_stall``.
    output_stalls : ``Out(32)``
        Counts ``output_stall``.
    """

    def __init__(self, *, max_skipped):
        self.max_skipped = max_skipped
        counts_planes = max_skipped is not None
        super().__init__({
            "clear": In(1), "vector": In(1), **({"skipped": In(range(max_skipped + 1))} if counts_planes else {}),
            "input_stall": In(1), "output_stall": In(1), "cycles": Out(BITS), "vectors": Out(BITS),
            **({"planes_skipped": Out(BITS)} if counts_planes else {}), "input_stalls": Out(BITS),
            "output_stalls": Out(BITS),
        })

    def elaborate(self, platform):
        m = Module()
        events = {"vectors": self.vector,
                  **({} if self.max_skipped is None else {"planes_skipped": self.skipped}),
                  "input_stalls": self.input_stall, "output_stalls": self.output_stall}
        steps = {name: Signal(len(event), name=f"step_{name}") for name, event in events.items()}
        m.d.sync += [steps[name].eq(event) for name, event in events.items()]
        for name, step in {"cycles": Const(1), **steps}.items():
            counter = getattr(self, name)
            m.d.sync += counter.eq(counter + step)
            with m.If(self.clear):
                m.d.sync += counter.eq(0)
        return m
