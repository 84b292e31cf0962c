"""Sum of two: int8 values of two tensors, brought to a common scale."""

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ....golden.engine.descriptor import Flags
from ....golden.engine.executor import SUM_SHIFT
from ....golden.requantize import ROUNDINGS
from ...core.requantizer_lane import RequantizerLane
from ...fabric.emitter import Platform
from ..control.delays import delayed
from ..control.descriptor import descriptor_layout

# Of the difference of two bytes, of the scaled one, and of the sum.
BYTE_BITS, TERM_BITS, SUM_BITS = 9, SUM_SHIFT + 9, SUM_SHIFT + 10


class SumOfTwo(wiring.Component):
    """``round((x - x_zero) * 2**20 * term_multiplier * 2**(term_shift - 31)) + (y - y_zero) * 2**19`` of each lane.

    Latency: `LATENCY` cycles.

    Parameters
    ----------
    lanes : int

    Members
    -------
    fields : ``In(descriptor_layout)``
        Zero points, multiplier and shift of the term, and which of the two is ``x``.
    own : ``In(8 * lanes)``
        Values.
    other : ``In(8 * lanes)``
        What is added to them.
    sums : ``Out(ArrayLayout(signed(SUM_BITS), lanes))``
        Their sums.
    """

    LATENCY = RequantizerLane.latency + 1

    def __init__(self, *, lanes):
        self.lanes = lanes
        super().__init__({
            "fields": In(descriptor_layout()), "own": In(8 * lanes), "other": In(8 * lanes),
            "sums": Out(data.ArrayLayout(signed(SUM_BITS), lanes)),
        })

    def elaborate(self, platform):
        platform = Platform.of(platform)
        m = Module()
        fields = self.fields
        scales_own = (fields.flags & int(Flags.SCALES_OWN)) != 0
        for index in range(self.lanes):
            own, other = (Signal(signed(BYTE_BITS), name=f"{name}_{index}") for name in ("own", "other"))
            x, y = (Signal(signed(BYTE_BITS), name=f"{name}_{index}") for name in "xy")
            lane = platform.instantiate(m, f"term_{index}", "term", RequantizerLane, total_width=TERM_BITS,
                                        output_bits=SUM_BITS)
            m.d.comb += [
                own.eq(self.own[8 * index:8 * index + 8].as_signed() - fields.own_zero),
                other.eq(self.other[8 * index:8 * index + 8].as_signed() - fields.other_zero),
                x.eq(Mux(scales_own, own, other)), y.eq(Mux(scales_own, other, own)),
                lane.total.eq(x << SUM_SHIFT),
                lane.parameters.multiplier.eq(fields.term_multiplier), lane.parameters.shift.eq(fields.term_shift),
                lane.settings.rounding.eq(ROUNDINGS.index("double")),
                lane.settings.low.eq(-1 << SUM_BITS - 1), lane.settings.high.eq((1 << SUM_BITS - 1) - 1),
            ]
            late = delayed(m, f"late_{index}", y, RequantizerLane.latency)
            m.d.sync += self.sums[index].eq(lane.result + (late << SUM_SHIFT - 1))
        return m
