"""Performance counters."""

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..csr.register_map import COUNTERS

BITS = 32


class Performance(wiring.Component):
    """Adds up what happens, from the last ``clear`` on; each counter wraps.

    Parameters
    ----------
    most : int
        The greatest number of planes that a vector skips.

    Members
    -------
    clear : ``In(1)``
        Start at zero in the next cycle.
    vectors, input_stalls, output_stalls : ``In(1)``
        Count one.
    planes_skipped : ``In``
        Count so many.
    NAME_count : ``Out(32)``
        For each of `COUNTERS`.
    """

    def __init__(self, *, most):
        self.most = most
        super().__init__({
            "clear": In(1), "vectors": In(1), "planes_skipped": In(range(most + 1)), "input_stalls": In(1),
            "output_stalls": In(1), **{f"{name}_count": Out(BITS) for name in COUNTERS},
        })

    def elaborate(self, platform):
        m = Module()
        for name in COUNTERS:
            count = getattr(self, f"{name}_count")
            m.d.sync += count.eq(count + (1 if name == "cycles" else getattr(self, name)))
            with m.If(self.clear):
                m.d.sync += count.eq(0)
        return m
